"""`reconciler demo`: the whole job on the sandbox, each step shown as the command it is."""

from __future__ import annotations

from contextlib import chdir
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import exit_codes

if TYPE_CHECKING:
    from reconciler.cli.runtime import Runtime

#: The days the demo plays on, so that its output is the same on every day: the month's bill is closed.
_DEMO_DAY = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)
_A_MONTH_LATER = datetime(2026, 12, 28, 9, 0, tzinfo=UTC)
_INVOICES, _NEXT_INVOICES = "2026-12-01", "2027-01-01"
_FIRST = (
    ("The mappings are valid", ["validate", "mappings"], exit_codes.DONE),
    (
        "What ConnectWise and Sophos hold, compared with them; two lines need a person, some have no row",
        ["plan", "mappings", "--out", "plan.json"],
        exit_codes.PARTLY,
    ),
    ("Exactly that plan is written", ["apply", "plan.json", "--yes"], exit_codes.PARTLY),
    ("May the invoices be made?", ["ready", "--invoice-date", _INVOICES], exit_codes.PARTLY),
)
_THEN = (
    ("Planned again", ["plan", "mappings", "--out", "plan.json"], exit_codes.DONE),
    ("Written", ["apply", "plan.json", "--yes"], exit_codes.DONE),
    ("And nothing is left to do", ["plan", "mappings", "--detailed-exitcode"], exit_codes.DONE),
    ("May the invoices be made now?", ["ready", "--invoice-date", _INVOICES], exit_codes.DONE),
    ("Each Sophos product and where it stands", ["status"], exit_codes.DONE),
)
_LATER = (
    (
        "A product moves, an agreement was renewed, a customer has left",
        ["plan", "mappings", "--out", "plan.json"],
        exit_codes.DONE,
    ),
    (
        "Written: old lines end on the day before new ones start",
        ["apply", "plan.json", "--yes"],
        exit_codes.DONE,
    ),
    ("And nothing is left to do", ["plan", "mappings", "--detailed-exitcode"], exit_codes.DONE),
    (
        "May the invoices of January be made? Every line and every unit has its account",
        ["ready", "--invoice-date", _NEXT_INVOICES],
        exit_codes.DONE,
    ),
)
_LIVE = (
    "This plays on a copy of the starter mappings, in which `mode: shadow` of settings.yaml is `mode: live`: "
    "lines are written.\nIn mode shadow, the default, products and mappings are written, no line is, and "
    "`ready` says no."
)
_HOLDS = """\
version: 1
holds:
  - {customer: FERNHILL, product: MSP-ENDPOINT, quantity: 27, until: 2026-12-31,
     reason: five seats that Sophos does not see yet}
"""
_RENEWS, _LEAVES = "NETTLEBED", "Saltmarsh Brewing"
_SERVER = """\
  MSP-SERVER-MDR:
    description: Managed server protection
    customerDescription: Managed server protection with response, per server and month
    subcategory: Server
    type: Managed Service
    productClass: Agreement
    taxableFlag: true
    price: 7.20
    cost: 3.40
    replaces: [MSP-SERVER]
"""


@click.command()
@click.pass_obj
def demo(runtime: Runtime) -> int:
    """Watch the real job on a made-up MSP: validate, plan, apply, plan again. Needs no credentials.

    Works in a temporary folder with a copy of the starter mappings; nothing of yours is read or written.
    """
    import shutil
    import tempfile

    from reconciler.cli.resources import data_folder
    from reconciler.cli.sandbox import sandbox_modules

    seed, server = sandbox_modules()
    world = seed.small_msp(_DEMO_DAY.date())
    clock = [_DEMO_DAY]
    with (
        tempfile.TemporaryDirectory(prefix="reconciler-demo-") as folder,
        server.running(world, clock=lambda: clock[0]) as site,
        chdir(folder),
    ):
        shutil.copytree(data_folder("starter"), "mappings")
        _replace("mappings/settings.yaml", "mode: shadow", "mode: live  ")
        runtime.out().print(_LIVE)
        inner = replace(runtime, environ={**_colour(runtime), **site.environment}, now=lambda: clock[0])
        code = _play(inner, _FIRST)
        if code == exit_codes.DONE:
            _decide(inner, world)
            code = _play(inner, _THEN)
        if code == exit_codes.DONE:
            clock[0] = _A_MONTH_LATER
            _a_month_later(inner, site)
            code = _play(inner, _LATER)
    if code == exit_codes.DONE:
        runtime.out().print(
            "\nYour own: write your first rows into mappings/ as those of starter/ are, set the credentials "
            "(docs/credentials.md), run `reconciler plan`. The mode is shadow until you say another: no line "
            "is written before `mode: live`.",
            style="bold",
        )
    return code


def _play(runtime: Runtime, steps: tuple[tuple[str, list[str], int], ...]) -> int:
    from reconciler.cli.invocation import call

    program = click.get_current_context().find_root().command
    console = runtime.out()
    for title, arguments, expected in steps:
        console.print(f"\n# {title}", style="bold cyan")
        console.print(f"$ reconciler {' '.join(arguments)}", style="bold")
        code = call(program, arguments, runtime)
        if code != expected:
            console.print(f"This step ended with exit code {code} instead of {expected}.", style="bold red")
            return exit_codes.NO_RESULT
    return exit_codes.DONE


def _decide(runtime: Runtime, world: Any) -> None:
    """What two people write into the mappings, as a reviewed change would bring it."""
    agreement = world.agreements_of("LANTERNFISH")[0]["id"]
    old, new = (
        row["id"] for row in world.additions_of(agreement) if row["product"]["identifier"] == "MSP-ENDPOINT"
    )
    answer = f"    lines: {{MSP-ENDPOINT: {{line: {new}, fixed: [{old}]}}}}\n"
    _replace("mappings/customers.yaml", "    company: LANTERNFISH\n", f"    company: LANTERNFISH\n{answer}")
    Path("mappings/holds.yaml").write_text(_HOLDS, encoding="utf-8")
    others = _other_customers(world)
    file = Path("mappings/customers/others.yaml")
    file.parent.mkdir()
    file.write_text("version: 1\ncustomers:\n" + "".join(others), encoding="utf-8")
    console = runtime.out()
    console.print("\n# Two people decide, in a reviewed change", style="bold cyan")
    console.print("mappings/customers.yaml, under Lanternfish Media:\n" + answer + "mappings/holds.yaml:")
    console.print(_HOLDS.rstrip())
    console.print(f"{file.as_posix()}, {len(others)} customers whose lines people keep for now:")
    console.print(f"version: 1\ncustomers:\n{''.join(others[:2])}  …", soft_wrap=True)


def _other_customers(world: Any) -> list[str]:
    """A row for each customer that the starter mappings do not name."""
    named = Path("mappings/customers.yaml").read_text(encoding="utf-8")
    companies = {row["name"]: row["identifier"] for row in world.rows("companies")}
    return [
        f"  {tenant['id']}: {{name: {tenant['name']}, company: {companies[tenant['name']]}, sync: false, "
        "openLines: keep}\n"
        for tenant in world.tenants
        if tenant["id"] not in named and tenant["name"] in companies
    ]


def _a_month_later(runtime: Runtime, site: Any) -> None:
    """What happens in ConnectWise and Sophos, and what people write into the mappings because of it."""
    from reconciler.sandbox.story import december

    december(site.app.state.site, renews=_RENEWS, leaves=_LEAVES)
    row = "company: SALTMARSH}"
    _replace("mappings/customers.yaml", row, "company: SALTMARSH, ended: 2026-12-31}")
    _replace(
        "mappings/mappings.yaml", "{product: MSP-SERVER, sync: true}", "{product: MSP-SERVER-MDR, sync: true}"
    )
    with Path("mappings/products.yaml").open("a", encoding="utf-8") as products:
        products.write(f"\n{_SERVER}")
    console = runtime.out()
    console.print(
        "\n# A month later: December's bill is closed, the invoices of 1 December are made", style="bold cyan"
    )
    console.print(
        f"The agreement of {_RENEWS} ends on 31 December, and one that follows it starts on 1 January.\n"
        f"{_LEAVES} has left; its row says `ended: 2026-12-31`.\n"
        "mappings/mappings.yaml:\n"
        "  SVRCLOUDADV-MSP:     {product: MSP-SERVER-MDR, sync: true}    # was MSP-SERVER\n"
        "mappings/products.yaml:"
    )
    console.print(_SERVER.rstrip())


def _replace(file: str, old: str, new: str) -> None:
    text = Path(file).read_text(encoding="utf-8")
    Path(file).write_text(text.replace(old, new, 1), encoding="utf-8")


def _colour(runtime: Runtime) -> dict[str, str]:
    return {"NO_COLOR": runtime.environ["NO_COLOR"]} if runtime.environ.get("NO_COLOR") else {}
