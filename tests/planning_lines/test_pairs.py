"""Any two wanted states, one after the other: each unit of synced usage is on exactly one open line."""

from __future__ import annotations

import os
import random
import tempfile
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.config.load import load
from reconciler.model import marker
from reconciler.model.billing import Billing, Company, Line
from reconciler.model.change import MAPPING_PREFIX
from reconciler.model.desired import LineChangeGuard
from reconciler.model.lines import WRITTEN
from reconciler.model.observed import CatalogItem, Instance, Observed, Tenant
from reconciler.planning.plan import make_plan, only_customers, only_products
from tests.planning_lines.applying import after
from tests.planning_lines.books import NOVEMBER, OURS, TODAY, agreements, bill, tenant_id
from tests.wanted_states import PRODUCTS, STRANGERS, TENANTS, UNITS, Wanted, by_chance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.model.change import Change
    from reconciler.model.desired import Desired
    from reconciler.model.plan import Plan

AGREEMENTS = agreements(
    "id | company | name\n1 | ALPHA | Managed\n2 | ALPHA | Mail\n3 | BETA | Managed\n4 | BETA | Mail"
)
DAY = date(2026, 12, 1)
#: How many pairs of wanted states are tried; `.ci/run` asks for more.
PAIRS = int(os.environ.get("PAIRS", "150"))


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
    first, second = by_chance(chance), by_chance(chance)
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
    record_property("pairs planned", 1)
    record_property("plans cut short and resumed", kills)


@pytest.mark.parametrize("seed", range(0, PAIRS, 5))
def test_a_state_and_back_again(seed: int) -> None:
    """What was mapped nowhere in between comes back only where the customer's row says so."""
    chance = random.Random(seed)
    state, second = by_chance(chance), desired(by_chance(chance))
    observed, _ = applied(desired(state), start())
    there, _ = applied(second, observed)
    assert there.billing is not None
    ended = tuple(sorted(line.id for own in there.billing.lines.values() for line in own))
    back, _ = applied(desired(replace(state, restart=ended)), there)
    assert standing(back) == standing(observed)


@pytest.mark.parametrize("seed", range(0, PAIRS, 2))
def test_no_line_of_somebody_else_is_zeroed_or_ended_unasked(seed: int) -> None:
    """Jane sells the same products, in numbers that no bill gives: they stay, and are not billed again."""
    chance = random.Random(seed)
    before = start()
    assert before.billing is not None
    lines: dict[int, tuple[Line, ...]] = dict(before.billing.lines)
    for number in range(chance.randrange(1, 5)):
        place, product = chance.choice(list(lines)), chance.choice(before.items)
        lines[place] = (*lines[place], _janes(number, place, product, chance))
    observed = replace(before, billing=replace(before.billing, lines=lines))
    for _ in range(2):
        state = replace(by_chance(chance), ended=())  # that a customer has left is a person's word
        observed, _ = applied(desired(state), observed)
    assert observed.billing is not None
    after_all = {line.id: line for own in observed.billing.lines.values() for line in own}
    for own in lines.values():
        for line in own:
            assert after_all[line.id] == line
    for number, own in observed.billing.lines.items():
        hers = {line.product_identifier for line in own if line.updated_by == "jane"}
        ours = {line.product_identifier for line in own if line.updated_by == OURS and line.in_force(DAY)}
        assert not hers & ours, f"agreement {number} has a second line of a product that Jane bills there"


def _janes(number: int, place: int, product: CatalogItem, chance: random.Random) -> Line:
    return Line(
        id=number + 1,
        agreement_id=place,
        product_id=product.id,
        product_identifier=product.identifier,
        quantity=Decimal(chance.choice(STRANGERS)),
        less_included=Decimal(0),
        unit_price=Decimal(3),
        unit_cost=Decimal(1),
        bill_customer="Billable",
        effective=date(2026, 1, 1),
        last_updated="2026-10-01T08:00:00Z",
        updated_by="jane",
    )


@pytest.mark.parametrize("seed", range(PAIRS))
def test_what_is_withheld_or_in_mode_shadow_leaves_no_unit_on_two_lines(seed: int) -> None:
    """Of a move that is written in part, because limits or modes hold the rest back, no half stands alone."""
    chance = random.Random(seed)
    first, second = by_chance(chance), replace(by_chance(chance), ended=())
    observed, _ = applied(desired(first), start())
    asks = desired(second)
    limits = LineChangeGuard(units=Decimal(chance.choice((0, 2, 5))), percent=Decimal(25), money=Decimal(20))
    guards = replace(asks.settings.guards, line_change=limits, line_to_zero=chance.random() < 0.5)
    shadow = chance.choice((*TENANTS, None, None, None))
    rows = tuple(
        replace(row, mode="shadow") if shadow is not None and row.tenant_id == tenant_id(shadow) else row
        for row in asks.customers
    )
    asks = replace(asks, settings=replace(asks.settings, guards=guards), customers=rows)
    observed = written(observed, list(in_requests(plan(asks, observed).changes))[-1])
    for (name, code), places in billing_places(first, second, observed).items():
        left, new = places - second.places(name, code), places - first.places(name, code)
        assert not (left and new), f"{code} of {name} on {left} and {new}"


def billing_places(
    first: Wanted, second: Wanted, observed: Observed
) -> dict[tuple[str, str], set[tuple[int, str]]]:
    """Where each tenant's code is billed on the way from one state to the other.

    A line bills what it does in the state whose number it stands at; one of the same number in both is left
    out where only one of them has the code there.
    """
    now, was, then = standing(observed), first.lines(), second.lines()
    found = {}
    for name, code in UNITS:
        before, later = first.places(name, code), second.places(name, code)
        billing = {place for place in before if now[place] == was[place]}
        billing |= {place for place in later if now[place] == then[place]}
        found[name, code] = {p for p in billing if p in before & later or was[p] != then[p]}
    return found


@pytest.mark.parametrize("seed", range(PAIRS))
def test_a_part_of_a_plan_moves_each_unit_whole_and_adds_up(seed: int) -> None:
    """`--customer` and `--product`: no unit is on two lines or on none, and the rest finishes it."""
    chance = random.Random(seed)
    first, second = by_chance(chance), by_chance(chance)
    observed, _ = applied(desired(first), start())
    whole = plan(desired(second), observed)
    if chance.random() < 0.5:
        part = only_customers(whole, [chance.choice((*TENANTS, "ALPHA", "BETA"))])
    else:
        part = only_products(whole, [chance.choice(PRODUCTS)])
    of_rows = sum((row.sales.delta for row in part.lines if row.sales and row.state in WRITTEN), Decimal(0))
    assert of_rows == sum((c.money.delta for c in part.changes if c.money is not None), Decimal(0))
    observed = written(observed, part.changes)
    was, then = first.lines(), second.lines()
    for (name, code), places in billing_places(first, second, observed).items():
        left, new = places - second.places(name, code), places - first.places(name, code)
        assert not (left and new), f"{code} of {name} on {left} and {new}"
        goes_on = first.places(name, code) and second.places(name, code)
        # a line that stands at the number of both states does not show whose units are on it
        unclear = any(then[p] == was[p] for p in first.places(name, code) ^ second.places(name, code))
        assert places or unclear or not goes_on, f"{code} of {name} is on no line"
    observed, _ = applied(desired(second), observed)
    assert standing(observed) == second.lines()
