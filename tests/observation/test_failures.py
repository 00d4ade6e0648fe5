"""What cannot be read: one clear diagnostic, no traceback, no secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.sandbox.server import environment
from tests.support import CATALOG, URL, Rule, Site, never_connected, status, web_page

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support import Fault, Said

SECRETS = ("SandboxPrivateRec", "SandboxPrivateNone", "sandbox-partner-secret", "made-up-wrong-secret")


@pytest.fixture
def ready(site: Site) -> Site:
    """A site with something to plan, whose every table is asked for."""
    site.world.add_catalog_item("MSP-A")
    site.world.add_tenant("Alder Ltd")
    site.world.add_usage_line((2026, 10), "Alder Ltd", "CODE-9", 2)
    return site.say(
        """
        mappings: {CODE-1: {product: MSP-A, sync: true}}
        products: {MSP-A: {type: Software, subcategory: Server}}
        """
    )


def one_diagnostic(said: Said) -> str:
    """The single problem that was told; nothing else, no traceback and no secret with it."""
    assert (said.code, said.out) == (1, "")
    assert "Traceback" not in said.err
    assert not any(secret in said.err + said.out for secret in SECRETS)
    assert said.err.count("error [") == 1, said.err
    assert "→" in said.err, "a remedy"
    return said.err


@pytest.mark.parametrize(
    ("variable", "code", "names"),
    [
        ("CONNECTWISE_PRIVATE_KEY", "connectwise-not-authenticated", "CONNECTWISE_PRIVATE_KEY"),
        ("CONNECTWISE_PUBLIC_KEY", "connectwise-not-authenticated", "CONNECTWISE_PUBLIC_KEY"),
        ("SOPHOS_CLIENT_SECRET", "sophos-not-authenticated", "SOPHOS_CLIENT_SECRET"),
        ("SOPHOS_CLIENT_ID", "sophos-not-authenticated", "SOPHOS_CLIENT_ID"),
    ],
)
def test_wrong_credentials(ready: Site, variable: str, code: str, names: str) -> None:
    ready.environ[variable] = "made-up-wrong-secret"
    said = one_diagnostic(ready.run("plan", str(ready.folder)))
    assert f"[{code}]" in said
    assert names in said
    assert ready.writes == []


@pytest.mark.parametrize("variable", sorted(set(environment(URL)) - {"SOPHOS_ID_URL", "SOPHOS_API_URL"}))
def test_missing_credentials(
    ready: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.chdir(tmp_path)
    del ready.environ[variable]
    said = one_diagnostic(ready.run("plan", str(ready.folder)))
    assert f"{variable} is not set" in said


def test_an_api_member_that_may_not_read_the_catalog(ready: Site, tmp_path: Path) -> None:
    site = Site(tmp_path, ready.world, member="noaccess")
    said = one_diagnostic(site.run("plan", str(site.folder)))
    assert "GET /procurement/catalog" in said
    assert "Procurement > Product Catalog: Inquire" in said


@pytest.mark.parametrize(
    ("path", "system"),
    [("/login/companyinfo/*", "ConnectWise"), (CATALOG, "ConnectWise"), ("/oauth2/token", "Sophos")],
)
@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (never_connected, "127.0.0.1:1"),
        (web_page, "web page instead of JSON"),
        (status(500), "the server failed (500)"),
        (status(503), "the server failed (503)"),
    ],
)
def test_a_system_that_does_not_answer_as_documented(
    ready: Site, path: str, system: str, fault: Fault, words: str
) -> None:
    ready.network.rules += [Rule(verb, path, fault) for verb in ("GET", "POST")]
    said = one_diagnostic(ready.run("plan", str(ready.folder)))
    assert words in said
    assert f"{system}: " in said


def test_both_systems_down_are_both_told(ready: Site) -> None:
    ready.network.rules += [Rule(verb, "/*", never_connected) for verb in ("GET", "POST")]
    said = ready.run("plan", str(ready.folder))
    assert said.code == 1
    assert "[connectwise-unreachable]" in said.err
    assert "[sophos-unreachable]" in said.err


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/partner/v1/tenants", "usage"), ("/licenses/v1/licenses/firewalls", "usage")],
)
def test_what_only_informs_is_a_warning(ready: Site, path: str, kind: str) -> None:
    ready.break_("GET", path, status(500))
    plan = ready.plan()
    assert (plan.code, plan.short) == (0, ["edit MSP-A", "map MSP-A CODE-1"])
    assert plan.diagnostic("sophos-unreachable")["severity"] == "warning"
    assert plan.json["usageNotes"], kind


def test_usage_that_cannot_be_read_is_said_and_is_no_zero(ready: Site) -> None:
    ready.break_("GET", "/partner/v1/billing/usage/*", status(500))
    plan = ready.plan()
    assert (plan.code, plan.json["period"], plan.json["usageNotes"]) == (0, None, [])
    assert "sophos-unreachable" in plan.codes


def test_a_tenants_own_credentials_are_no_partners(ready: Site) -> None:
    ready.environ |= {"SOPHOS_CLIENT_ID": "sandbox-tenant", "SOPHOS_CLIENT_SECRET": "sandbox-tenant-secret"}
    assert "tenant" in one_diagnostic(ready.run("plan", str(ready.folder)))


@pytest.mark.parametrize("fault", [status(500), status(403), web_page, never_connected])
def test_a_list_that_breaks_off_plans_nothing(ready: Site, fault: Fault) -> None:
    """Half a catalog would look like products that were never mapped."""
    ready.break_("GET", CATALOG, fault, skip=1)
    one_diagnostic(ready.run("plan", str(ready.folder)))
    one_diagnostic(ready.run("apply", str(ready.folder), "--yes"))
    assert ready.writes == []


def test_no_secret_is_in_a_plan_or_an_outcome(ready: Site) -> None:
    ready.break_("PATCH", f"{CATALOG}/1", status(400))
    file = ready.save()
    applied = ready.apply(file)
    assert applied.code == 4
    for text in (file.read_text(encoding="utf-8"), applied.out, applied.err, ready.apply_text(file).out):
        assert not any(secret in text for secret in SECRETS)
