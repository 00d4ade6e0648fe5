"""Any two wanted states, one after the other: each unit of synced usage is on exactly one open line."""

from __future__ import annotations

import os
import random
import tempfile
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.config.load import load
from reconciler.model import marker
from reconciler.model.billing import Billing, Company
from reconciler.model.observed import CatalogItem, Instance, Observed, Tenant
from reconciler.model.plan import MAPPING_PREFIX
from reconciler.planning.plan import make_plan
from tests.planning_lines.applying import after
from tests.planning_lines.books import NOVEMBER, TODAY, agreements, bill, tenant_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.model.desired import Desired
    from reconciler.model.plan import Change, Plan

PRODUCTS = ("A", "B", "C", "D")
CODES = ("X", "Y", "Z")
#: Each tenant, its company, and the units of each code that Sophos bills it.
TENANTS = {"Alpha": "ALPHA", "Second": "ALPHA", "Beta": "BETA"}
UNITS = {
    ("Alpha", "X"): 7, ("Alpha", "Y"): 5, ("Alpha", "Z"): 3,
    ("Second", "X"): 2, ("Second", "Y"): 11,
    ("Beta", "X"): 4, ("Beta", "Z"): 9,
}  # fmt: skip
AGREEMENTS = agreements(
    "id | company | name\n1 | ALPHA | Managed\n2 | ALPHA | Mail\n3 | BETA | Managed\n4 | BETA | Mail"
)
PLACES = {("ALPHA", "Managed"): 1, ("ALPHA", "Mail"): 2, ("BETA", "Managed"): 3, ("BETA", "Mail"): 4}
SETTINGS = """
version: 1
settings:
  mode: live
  timeZone: Europe/Lisbon
  connectwiseMember: apirec
  onUnmap: end
  newLines: create
  guards: {lineChange: off, lineToZero: off, feedTenants: off, productToZero: off}
"""
#: How many pairs of wanted states are tried; `.ci/run` asks for more.
PAIRS = int(os.environ.get("PAIRS", "300"))


@dataclass
class Wanted:
    """One wanted state, and the lines that follow from it by a rule of its own."""

    homes: dict[str, tuple[str, ...]]
    agreement: dict[str, str]
    overrides: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    ended: tuple[str, ...] = ()

    def yaml(self) -> str:
        rows = [f"  {code}: {{product: [{', '.join(to)}], sync: true}}" for code, to in self.homes.items()]
        counts = [f"  {product}: {{count: sum}}" for product in PRODUCTS if product in self.named()]
        customers = []
        for name, company in TENANTS.items():
            own = {code: way for (who, code), way in self.overrides.items() if who == name}
            shown = ", ".join(
                f"{code}: {{{', '.join(part for part in (f'product: {p}' if p else '', f'agreement: {a}' if a else '') if part)}}}"
                for code, (p, a) in own.items()
            )
            customers.append(
                f"  {tenant_id(name)}: {{name: {name}, company: {company}, "
                f"agreement: {self.agreement[name]}, sync: true"
                + (f", overrides: {{{shown}}}" if shown else "")
                + (", ended: 2026-11-20" if name in self.ended else "")
                + "}"
            )
        return "\n".join([SETTINGS, "mappings:", *rows, "lines:", *counts, "customers:", *customers])

    def named(self) -> set[str]:
        return {p for to in self.homes.values() for p in to} | {p for p, _ in self.overrides.values() if p}

    def lines(self) -> Counter[tuple[int, str]]:
        """The units of each line that has to be open."""
        found: Counter[tuple[int, str]] = Counter()
        for (name, code), units in UNITS.items():
            product, agreement = self.overrides.get((name, code), ("", ""))
            targets = (product,) if product else self.homes.get(code, ())
            place = PLACES[TENANTS[name], agreement or self.agreement[name]]
            for target in targets if name not in self.ended else ():
                found[place, target] += units
        return found


def wanted(chance: random.Random) -> Wanted:
    """A state: codes may have no home, one or two; customers and codes may go another way."""
    homes = {}
    for code in CODES:
        count = chance.choice((0, 1, 1, 1, 2))
        if count:
            homes[code] = tuple(sorted(chance.sample(PRODUCTS, count)))
    homes = homes or {"X": ("A",)}
    overrides = {}
    for name, code in UNITS:
        if chance.random() < 0.2:
            product = chance.choice(("", chance.choice(PRODUCTS)))
            agreement = chance.choice(("", "Mail", "Managed"))
            if (product or agreement) and (product or code in homes):
                overrides[name, code] = (product, agreement)
    return Wanted(
        homes=homes,
        agreement={name: chance.choice(("Managed", "Managed", "Mail")) for name in TENANTS},
        overrides=overrides,
        ended=tuple(name for name in TENANTS if chance.random() < 0.1),
    )


def desired(state: Wanted) -> Desired:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "a.yaml").write_text(state.yaml(), encoding="utf-8")
        loaded = load(Path(folder))
        assert loaded.desired is not None, [(d.code, d.message) for d in loaded.diagnostics]
        return loaded.desired


def start() -> Observed:
    items = tuple(
        CatalogItem(100 + n, name, {"price": Decimal(n), "cost": Decimal(1)})
        for n, name in enumerate(PRODUCTS, 1)
    )
    companies = {
        a.company_id: Company(a.company_id, a.company_identifier, a.company_name) for a in AGREEMENTS
    }
    return Observed(
        Instance("h", "c", "p"),
        items=items,
        tenants=tuple(Tenant(tenant_id(n), n, billing_type="usage", status="active") for n in TENANTS),
        billing=Billing(AGREEMENTS, tuple(companies.values()), {a.id: () for a in AGREEMENTS}, {}),
    )


USAGE = bill("tenant | code | units\n" + "\n".join(f"{n} | {c} | {u}" for (n, c), u in UNITS.items()))
LAST = bill(
    "tenant | code | units\n" + "\n".join(f"{n} | {c} | {u}" for (n, c), u in UNITS.items()),
    NOVEMBER.previous(),
)


def plan(state: Desired, observed: Observed) -> Plan:
    made = make_plan(
        state, observed, today=TODAY, site="s", tool="t", config_hash="h", month=USAGE, previous=LAST
    )
    assert not made.blocked, [(c.id, c.blocked_by) for c in made.blocked]
    return made


def written(observed: Observed, changes: tuple[Change, ...]) -> Observed:
    """What would be read after these requests."""
    assert observed.billing is not None
    ids = {item.identifier: item.id for item in observed.items}
    items = {item.id: item for item in observed.items}
    for change in changes:
        if change.target.agreement is None and change.target.id is not None:
            items[change.target.id] = _tagged(items[change.target.id], change)
    return replace(observed, items=tuple(items.values()), billing=after(observed.billing, changes, ids))


def _tagged(item: CatalogItem, change: Change) -> CatalogItem:
    """A mapping that is taken off stays in the tag as a former one."""
    own = marker.read(item.notes).of("main")
    codes, former = (dict(own[0].codes), set(own[0].former)) if own else ({}, set())
    for one in change.fields:
        code = one.field.removeprefix(MAPPING_PREFIX)
        if one.after is None:
            codes.pop(code)
            former.add(code)
        else:
            codes[code] = one.after == "sync on"
    return replace(item, notes=marker.write(item.notes, "main", codes, former))


def standing(observed: Observed) -> Counter[tuple[int, str]]:
    """The units of each product that is open on each agreement on the day of the invoice or later."""
    assert observed.billing is not None
    found: Counter[tuple[int, str]] = Counter()
    count: dict[tuple[int, str], int] = defaultdict(int)
    for number, lines in observed.billing.lines.items():
        for line in lines:
            bills = not line.never_bills and (
                line.cancelled is None or line.cancelled.isoformat() > "2026-11-30"
            )
            if bills and line.quantity:
                found[number, line.product_identifier] += int(line.quantity)
                count[number, line.product_identifier] += 1
    assert max(count.values(), default=1) == 1, "two open lines of one product on one agreement"
    return found


def invoiced(observed: Observed) -> Observed:
    """Months later: the lines have begun, and an invoice of them was made."""
    assert observed.billing is not None
    lines = {
        number: tuple(replace(line, effective=TODAY.replace(month=6, day=1)) for line in own)
        for number, own in observed.billing.lines.items()
    }
    return replace(observed, billing=replace(observed.billing, lines=lines))


def in_requests(changes: tuple[Change, ...]) -> Iterator[tuple[Change, ...]]:
    """The plan after each of its requests: none, one, two, …"""
    names = list(dict.fromkeys(change.write for change in changes))
    for number in range(len(names) + 1):
        done = set(names[:number])
        yield tuple(change for change in changes if change.write in done)


def applied(state: Desired, observed: Observed, chance: random.Random | None = None) -> tuple[Observed, int]:
    """After apply; with a chance it is killed after some request, once or twice, and resumed."""
    kills = 0
    for _ in range(chance.choice((1, 2)) if chance is not None else 0):
        prefixes = list(in_requests(plan(state, observed).changes))
        observed = written(observed, chance.choice(prefixes) if chance is not None else ())
        kills += 1
    observed = written(observed, plan(state, observed).changes)
    return observed, kills


@pytest.mark.parametrize("seed", range(PAIRS))
def test_each_unit_is_on_exactly_one_line_after_any_two_states(seed: int, record_property: Any) -> None:
    chance = random.Random(seed)
    first, second = wanted(chance), wanted(chance)
    one, two = desired(first), desired(second)
    observed, _ = applied(one, start())
    assert standing(observed) == first.lines()
    assert plan(one, observed).changes == (), "apply, then plan is empty"
    if chance.random() < 0.5:
        observed = invoiced(observed)

    straight, _ = applied(two, observed)
    assert standing(straight) == second.lines()
    assert plan(two, straight).changes == ()

    resumed, kills = applied(two, observed, chance)
    assert standing(resumed) == second.lines(), "killed after any request, the next run finishes"
    assert plan(two, resumed).changes == ()
    record_property("kills", kills)


@pytest.mark.parametrize("seed", range(0, PAIRS, 5))
def test_a_state_and_back_again(seed: int) -> None:
    chance = random.Random(seed)
    first, second = desired(wanted(chance)), desired(wanted(chance))
    observed, _ = applied(first, start())
    there, _ = applied(second, observed)
    back, _ = applied(first, there)
    assert standing(back) == standing(observed)
