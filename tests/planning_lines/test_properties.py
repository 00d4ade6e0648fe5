"""What holds for any books: sums, order, a second plan, other people's lines, conservation of units."""

from __future__ import annotations

import tempfile
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.model.change import Action
from reconciler.model.lines import WRITTEN, LineState, PlannedLine
from reconciler.planning.line_plan import LinePlan, plan_lines
from tests.planning_lines.applying import after
from tests.planning_lines.books import NOVEMBER, OURS, SETTINGS, TODAY, Books, agreements, bill, tenant_id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.model.billing import Billing
    from reconciler.model.change import Change
    from reconciler.model.desired import Desired
    from reconciler.model.observed import Observed, UsageMonth

NAMES = ("Alpha", "Beta", "Gamma", "Delta")
CODES = {"EP": "MSP-EP", "MDR": "MSP-EP", "MAIL": "MSP-MAIL"}
MAPPINGS = """
mappings:
  EP: {product: MSP-EP, sync: true}
  MDR: {product: MSP-EP, sync: true}
  MAIL: {product: MSP-MAIL, sync: true}
"""
OVERRIDES = ("", ", overrides: {MAIL: {exclude: Pilot}}", ", overrides: {EP: {product: P}}")
NO_GUARDS = ", guards: {lineChange: off, lineToZero: off, feedTenants: off, productToZero: off}"
EXAMPLES = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@dataclass
class Site:
    """Generated books, read once."""

    desired: Desired
    observed: Observed
    month: UsageMonth
    previous: UsageMonth

    def written(self, changes: Iterable[Change], observed: Observed | None = None) -> Observed:
        """What would be read after these changes."""
        before = observed or self.observed
        assert before.billing is not None
        ids = {item.identifier: item.id for item in before.items}
        return replace(before, billing=after(before.billing, changes, ids))

    def plan(self, observed: Observed | None = None, month: UsageMonth | None = None) -> LinePlan:
        return plan_lines(
            self.desired,
            observed or self.observed,
            (),
            today=TODAY,
            month=month or self.month,
            previous=self.previous,
            closed=True,
        )


def usage(draw: st.DrawFn) -> str:
    """A bill: any tenant (one has no row), any code, also odd numbers; every unit costs 1.00."""
    rows = draw(
        st.lists(
            st.tuples(
                st.sampled_from((*NAMES, "Nobody")),
                st.sampled_from((*CODES, *CODES, "EP")),
                st.sampled_from(("0", "1", "4", "5", "6", "9", "12", "20", "4", "5", "40", "-1", "2.5")),
            ),
            min_size=1,
            max_size=12,
        )
    )
    return "tenant | code | units | price\n" + "\n".join(f"{n} | {c} | {u} | 1.00" for n, c, u in rows)


@st.composite
def sites(draw: st.DrawFn) -> Site:
    """Up to four customers on agreements of their own or of one company, with lines of all kinds."""
    choose = st.sampled_from
    terms = draw(choose(("", ", blocksOf: 5", ", minimum: 5, included: 3", ", maximum: 9", ", included: 10")))
    yaml = (
        MAPPINGS + f"lines:\n  MSP-EP: {{count: {draw(choose(('sum', 'max', 'EP')))}{terms}}}\ncustomers:\n"
    )
    rows: list[str] = []
    lines: list[str] = []
    for number, name in enumerate(NAMES, 1):
        company = draw(choose((name.upper(), NAMES[0].upper())))
        own = draw(choose((*[""] * 5, ", mode: shadow", ", ended: 2026-11-01", ", exclude: internal")))
        named = draw(choose((*["Managed"] * 5, "Missing")))
        override = draw(choose(OVERRIDES))
        yaml += (
            f"  <{name}>: {{name: {name}, company: {company}, agreement: {named}, "
            f"sync: {draw(choose((*['true'] * 5, 'false')))}{own}{override}}}\n"
        )
        cycle, currency = draw(choose((*["Monthly"] * 4, "Quarterly"))), draw(choose(("EUR", "USD")))
        rows.append(f"{number} | {name.upper()} | {cycle} | {currency}")
        for product in ("MSP-EP", "MSP-MAIL", "P", "UNMAPPED"):
            for _ in range(draw(choose((0, 1, 1, 1, 1, 1, 2)))):
                quantity = draw(choose(("0", "3", "4", "5", "9", "12", "20", "7.5")))
                writer = draw(choose((OURS, "jane")))
                bills = draw(choose(("Billable", "Billable", "NoCharge")))
                until = draw(choose(("", "", "2026-11-30", "2027-01-31")))
                line = 10 * number + len(lines) * 100
                lines.append(
                    f"{line} | {number} | {product} | {quantity} | {writer} | {bills} | "
                    f"{draw(choose(('0', '3', '10')))} | {draw(choose(('4.50', '9.995')))} | {until}"
                )
    drift = draw(choose(("block", "enforce")))
    zero = draw(choose(("zero", "keep", "end")))
    guards = draw(
        choose(("", ", guards: {lineChange: off, lineToZero: off, feedTenants: off, productToZero: off}"))
    )
    with tempfile.TemporaryDirectory() as folder:
        books = Books(
            Path(folder),
            yaml=yaml,
            settings=SETTINGS.replace("live", f"live, onDrift: {drift}, onZeroUsage: {zero}{guards}"),
            agreements=agreements("id | company | cycle | currency\n" + "\n".join(rows)),
            lines="id | on | product | qty | by | bills | incl | price | to\n" + "\n".join(lines),
        )
        desired = books.desired()
    observed = books.observed(desired)
    return Site(desired, observed, bill(usage(draw)), bill(usage(draw), NOVEMBER.previous()))


def _billing(site: Site) -> Billing:
    assert site.observed.billing is not None
    return site.observed.billing


@EXAMPLES
@given(sites())
def test_a_customers_money_is_price_times_units_above_the_included(site: Site) -> None:
    """And the changes' money is the sum of their rows, currency by currency."""
    plan = site.plan()
    cycles = {a.id: 3 if a.cycle == "Quarterly" else 1 for a in _billing(site).agreements}
    currencies = {a.id: a.currency for a in _billing(site).agreements}
    rows: dict[str, Decimal] = defaultdict(Decimal)
    for row in plan.lines:
        if row.sales is None or row.agreement_id is None:
            continue
        assert row.sales.currency == currencies[row.agreement_id]
        if row.state in WRITTEN and not row.shadow:
            rows[row.sales.currency] += row.sales.delta
        if row.line_id is None or row.takes_over:
            continue
        assert row.before is not None
        assert row.after is not None
        rate = row.unit_price if row.bill_customer == "Billable" else Decimal(0)
        for quantity, included, amount in (
            (row.before, row.included_before, row.sales.before),
            (row.after, row.included_after, row.sales.after),
        ):
            due = max(Decimal(0), quantity - included) * rate
            assert abs(amount * cycles[row.agreement_id] - due) < Decimal("1e-20")
    changes: dict[str, Decimal] = defaultdict(Decimal)
    for change in plan.changes:
        if change.money is None:
            assert change.target.part.startswith("line/"), "its money is in the row that takes over"
        else:
            changes[change.money.currency] += change.money.delta
    assert changes == rows


@EXAMPLES
@given(sites())
def test_nothing_but_mapped_lines_is_in_the_plan(site: Site) -> None:
    plan = site.plan()
    known = {line.id: line for lines in _billing(site).lines.values() for line in lines}
    shown = [row.line_id for row in plan.lines if row.line_id is not None]
    assert len(shown) == len(set(shown))
    assert {known[number].product_identifier for number in shown} <= {"MSP-EP", "MSP-MAIL", "P"}
    keys = [row.key for row in plan.lines]
    assert len(keys) == len(set(keys))
    assert [PlannedLine.from_json(row.to_json()).to_json() for row in plan.lines] == [
        row.to_json() for row in plan.lines
    ]


@EXAMPLES
@given(sites(), st.randoms(use_true_random=False))
def test_the_order_of_what_is_read_makes_no_difference(site: Site, chance: Any) -> None:
    def mixed(items: Any) -> tuple[Any, ...]:
        found = list(items or ())
        chance.shuffle(found)
        return tuple(found)

    billing = _billing(site)
    observed = replace(
        site.observed,
        items=mixed(site.observed.items),
        tenants=mixed(site.observed.tenants),
        billing=replace(
            billing,
            agreements=mixed(billing.agreements),
            lines={number: mixed(billing.lines[number]) for number in mixed(billing.lines)},
        ),
    )
    one, other = site.plan(), site.plan(observed, replace(site.month, lines=mixed(site.month.lines)))
    assert (one.lines, one.changes, one.notes) == (other.lines, other.changes, other.notes)
    assert Counter(one.diagnostics) == Counter(other.diagnostics)
    again = site.plan()
    assert one == again


@EXAMPLES
@given(sites())
def test_after_the_changes_there_are_none(site: Site) -> None:
    plan = site.plan()
    written = {change.target.id for change in plan.changes} - {None}
    again = site.plan(site.written(plan.changes))
    assert [change.id for change in again.changes] == []
    assert {row.state for row in again.lines if row.line_id in written} <= {LineState.UNCHANGED}


@EXAMPLES
@given(sites(), st.integers(0, 8))
def test_after_some_of_the_changes_the_rest_is_still_to_do(site: Site, done: int) -> None:
    """Stopped after any request, the next plan finishes the job, and nothing else."""
    plan = site.plan()
    halfway = site.written(plan.changes[:done])
    rest = site.plan(halfway)
    finished = site.written(rest.changes, halfway)
    assert site.plan(finished).changes == ()
    assert _standing(finished) == _standing(site.written(plan.changes))


def _standing(observed: Observed) -> Counter[tuple[int, str, Decimal]]:
    """What is open on each agreement on the day of the invoice."""
    assert observed.billing is not None
    return Counter(
        (line.agreement_id, line.product_identifier, line.quantity)
        for own in observed.billing.lines.values()
        for line in own
        if line.in_force(date(2026, 12, 1))
    )


@EXAMPLES
@given(sites())
def test_other_peoples_numbers_are_not_changed_unasked(site: Site) -> None:
    """Neither in step with last month nor ours: no change of quantity; with enforce, never to zero."""
    plan = site.plan()
    for change in plan.changes:
        if change.action is not Action.UPDATE_LINE:
            continue
        (row,) = [row for row in plan.lines if row.line_id == change.target.id]
        moved = row.before != row.after
        if row.last_writer == OURS or not moved:
            continue
        if site.desired.settings.on_drift == "enforce":
            if row.after == 0:
                assert row.before == _last_month(site, row)
            continue
        assert row.before == _last_month(site, row)


def _last_month(site: Site, row: PlannedLine) -> Decimal | None:
    """What the previous bill gives: the quantity that a plan of it would leave on the line."""
    plan = plan_lines(
        replace(
            site.desired, settings=replace(site.desired.settings, on_drift="enforce", on_zero_usage="zero")
        ),
        replace(site.observed, billing=_ours(_billing(site))),
        (),
        today=TODAY,
        month=site.previous,
        previous=None,
        closed=True,
    )
    (found,) = [one for one in plan.lines if one.line_id == row.line_id]
    return found.after


def _ours(billing: Billing) -> Billing:
    lines = {n: tuple(replace(line, updated_by=OURS) for line in own) for n, own in billing.lines.items()}
    return replace(billing, lines=lines)


@EXAMPLES
@given(sites())
def test_every_unit_is_on_one_line_or_in_one_note(site: Site) -> None:
    """Every unit costs 1.00 at Sophos, so that the values of lines, notes and bill are units."""
    plan = site.plan()
    assert site.month.lines is not None
    ended = {c.tenant_id for c in site.desired.customers if c.ended is not None}
    said = " ".join(d.subject or "" for d in plan.diagnostics if d.code == "usage-after-end")
    for tenant in (*map(tenant_id, NAMES), tenant_id("Nobody")):
        billed: dict[str, Decimal] = defaultdict(Decimal)
        for line in site.month.lines:
            if line.tenant_id == tenant:
                billed[line.product_code] += line.billable
        if not any(billed.values()):
            continue
        if tenant in ended and tenant in said:
            continue
        assert _carried(plan, site, tenant) == sum(billed.values())


def _carried(plan: LinePlan, site: Site, tenant: str) -> Decimal:
    """A tenant's units on lines and in notes; on a shared line, the line's less the others' units."""
    total = Decimal(0)
    synced = {c.tenant_id for c in site.desired.customers if c.sync}
    assert site.month.lines is not None
    for row in plan.lines:
        if tenant not in row.tenants:
            continue
        others = sum(
            line.billable
            for line in site.month.lines
            if line.tenant_id in row.tenants
            and line.tenant_id != tenant
            and line.tenant_id in synced  # the others' units are in a note
            and _product_of(site, line.tenant_id, line.product_code) == row.product
        )
        total += sum(row.feed.values(), Decimal(0)) - others
    name = next((n for n in (*NAMES, "Nobody") if tenant_id(n) == tenant), "")
    for note in plan.notes:
        if tenant in note.detail or note.detail.startswith(f"{name}: "):
            total += Decimal(note.quantity)
    return total


def _product_of(site: Site, tenant: str | None, code: str) -> str:
    customer = next(c for c in site.desired.customers if c.tenant_id == tenant)
    override = next((o for o in customer.overrides if o.code == code), None)
    if override is not None and override.exclude is not None:
        return ""
    return str(override.targets[0]) if override is not None and override.targets else CODES[code]


@pytest.mark.parametrize("name", NAMES)
def test_made_up_tenants_are_told_apart(name: str) -> None:
    assert [other for other in NAMES if tenant_id(other) == tenant_id(name)] == [name]
