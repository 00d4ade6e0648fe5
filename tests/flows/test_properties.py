"""What holds for any catalog and any configuration (DESIGN §5, invariants 1 to 4)."""

from __future__ import annotations

import json
import random
import re
from copy import deepcopy
from itertools import count
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.flows.generated import BYSTANDER, CODES, OLD_NAME, RENAMED, Case, cases
from tests.support import CATALOG, Planned, Site, status

if TYPE_CHECKING:
    from pathlib import Path

_TAG = re.compile(r"\[sophos:main ([^\]]*)\]")
_FOLDERS = count()

thorough = settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def fresh(case: Case, tmp_path: Path) -> Site:
    """Its own folder for every example."""
    return case.site(tmp_path / str(next(_FOLDERS)))


def snapshot(site: Site) -> dict[int, dict[str, Any]]:
    """Every product, as it is kept."""
    return deepcopy(site.world.tables["catalog"])


def tags(site: Site) -> dict[str, dict[str, bool]]:
    """Per product, what our tag says: read here by a rule of its own."""
    found: dict[str, dict[str, bool]] = {}
    for row in site.world.rows("catalog"):
        entries = [entry for tag in _TAG.findall(row.get("notes") or "") for entry in tag.split(", ")]
        mapped = [entry for entry in entries if not entry.endswith("(former)")]
        codes = {entry.removesuffix(" (sync off)"): not entry.endswith("(sync off)") for entry in mapped}
        found[RENAMED if row["identifier"] == OLD_NAME else row["identifier"]] = codes
    return found


def homes(site: Site) -> dict[str, set[str]]:
    """Per code, the products whose tag has it."""
    now = tags(site)
    return {code: {product for product, codes in now.items() if code in codes} for code in CODES}


def ready(plan: Planned) -> set[str]:
    """The ids of what would be written."""
    return {change["id"] for change in plan.changes if not change["blockedBy"]}


def blocked_products(plan: Planned) -> set[str]:
    """The products that an error is about."""
    found = {d["subject"] for d in plan.json["diagnostics"] if d["severity"] == "error"}
    assert None not in found
    return {subject.removeprefix("product/") for subject in found}


@thorough
@given(case=cases(), stop_after=st.integers(0, 6))
def test_any_prefix_is_safe_and_the_rest_finishes_it(tmp_path: Path, case: Case, stop_after: int) -> None:
    site = fresh(case, tmp_path)
    before, planned = snapshot(site), site.plan()
    assert site.writes == []

    site.break_("PATCH", f"{CATALOG}/*", status(400))
    site.break_("POST", CATALOG, status(400))
    _let_through(site, stop_after)
    site.apply()
    site.mend()

    _check_step(site, case, before, planned)
    after_prefix = site.plan()
    done = min(stop_after, len({c["write"] for c in planned.changes if not c["blockedBy"]}))
    assert ready(after_prefix) <= ready(planned)
    if done:
        assert len(ready(after_prefix)) < len(ready(planned))

    site.apply()

    _check_step(site, case, before, planned)
    finished = site.plan()
    assert ready(finished) == set(), "apply, then plan is empty"
    _check_wanted(site, case, finished)
    site.forget()
    site.apply()
    assert site.writes == [], "a second apply sends no write"


def _let_through(site: Site, writes: int) -> None:
    """The first writes arrive, whatever they are; the rest is refused."""
    left = writes

    for rule in site.network.rules:
        refuse = rule.fault

        async def some(request: Any, send: Any, refuse: Any = refuse) -> Any:
            nonlocal left
            left -= 1
            return await (send(request) if left >= 0 else refuse(request, send))

        rule.fault = some


def _check_step(site: Site, case: Case, before: dict[int, dict[str, Any]], planned: Planned) -> None:
    """What must hold after any number of writes."""
    first, last = case.homes_before(), case.homes_wanted()
    for code, now in homes(site).items():
        if len(now) > 1:
            assert now <= first[code] or now <= last[code], f"{code} is on {sorted(now)}"
    written = {c["target"]["id"] for c in planned.changes if not c["blockedBy"]}
    held = blocked_products(planned)
    for number, row in before.items():
        name = RENAMED if row["identifier"] == OLD_NAME else row["identifier"]
        if number not in written or name in held or name == BYSTANDER:
            assert site.world.tables["catalog"][number] == row, f"{name} was touched"
    people = [item.people.strip() for item in case.items]
    for text, row in zip(people, site.world.rows("catalog"), strict=False):
        assert text in (row.get("notes") or "")


def _check_wanted(site: Site, case: Case, finished: Planned) -> None:
    """Products that nothing holds back have exactly the codes that the rows say."""
    held = blocked_products(finished) | {c["target"]["identifier"] for c in finished.changes}
    for product, codes in tags(site).items():
        if product not in held and product != BYSTANDER:
            wanted = {
                code: row["sync"] for code, row in case.rows.items() if product in row.get("product", ())
            }
            assert codes == wanted, product


@thorough
@given(case=cases(), base=cases())
def test_a_commit_s_plan_tears_nothing_and_leaves_the_rest(tmp_path: Path, case: Case, base: Case) -> None:
    site = fresh(case, tmp_path)
    site.say(json.dumps(base.document()), folder="base")
    since = ("--since", str(site.root / "base"))
    before, planned = snapshot(site), site.plan(*since)
    own = {c["id"] for c in planned.changes if c["cause"] != "waiting" and not c["blockedBy"]}
    waits = [c for c in planned.changes if c["cause"] == "waiting"]
    moved = {c["fields"][0]["field"] for c in planned.changes if c["action"] == "unmap_product"}
    for change in planned.changes:
        if change["id"] in own:
            assert not {c["write"] for c in waits} & {change["write"], *change["dependsOn"]}
            assert not {c["fields"][0]["field"] for c in waits} & moved & {change["fields"][0]["field"]}
    applied = site.apply(site.save(*since))
    _check_step(site, case, before, planned)
    assert {one["id"] for one in applied.json["outcomes"] if one["result"] == "applied"} == own
    assert ready(site.plan()) == {c["id"] for c in waits if not c["blockedBy"]}


@settings(thorough, max_examples=12)
@given(case=cases(), seed=st.integers(0, 2**16))
def test_what_is_planned_does_not_depend_on_files_and_order(tmp_path: Path, case: Case, seed: int) -> None:
    site = fresh(case, tmp_path)
    one = site.plan().json
    chance = random.Random(seed)
    for old in site.folder.glob("*.yaml"):
        old.unlink()
    parts: list[dict[str, Any]] = [{"version": 1} for _ in range(3)]
    for section, content in case.document().items():
        if isinstance(content, dict):
            entries = list(content.items())
            chance.shuffle(entries)
            for key, value in entries:
                chance.choice(parts).setdefault(section, {})[key] = value
        elif section != "version" and content:
            chance.choice(parts)[section] = content
    for number, part in enumerate(parts):
        if len(part) > 1:
            entries = list(part.items())
            chance.shuffle(entries)
            name = f"{chance.choice('abc')}-{number}.yaml"
            (site.folder / name).write_text(json.dumps(dict(entries)), encoding="utf-8")
    rows = list(site.world.tables["catalog"].items())
    site.world.tables["catalog"] = dict(sorted(rows))
    other = site.plan().json
    same = ("configHash", "summary", "restsOn", "guards", "lines")
    assert {key: one[key] for key in same} == {key: other[key] for key in same}
    assert list(map(_without_place, one["changes"])) == list(map(_without_place, other["changes"]))


def _without_place(change: dict[str, Any]) -> dict[str, Any]:
    """The change but for the file and line of its row."""
    return {**change, "source": None}


@settings(thorough, max_examples=10)
@given(case=cases())
def test_a_saved_plan_and_a_fresh_one_write_the_same(tmp_path: Path, case: Case) -> None:
    fresh_site, saved_site = fresh(case, tmp_path), fresh(case, tmp_path)
    fresh_site.apply()
    saved_site.apply(saved_site.save())
    assert sorted(map(str, fresh_site.bodies())) == sorted(map(str, saved_site.bodies()))
    assert tags(fresh_site) == tags(saved_site)
