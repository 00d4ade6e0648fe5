"""Open lines that no row speaks of: those that a removed row leaves, and, on all agreements, every one."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from reconciler.model.counts import number_of
from reconciler.model.diagnostics import Diagnostic, error, notice, warning
from reconciler.model.identifiers import identifier_key
from reconciler.model.lines import Amount, LineState
from reconciler.model.money import money_text, plain
from reconciler.model.months import Month
from reconciler.model.observed import UsageMonth
from reconciler.model.plan import RemovedRow
from reconciler.model.verdict import sums
from reconciler.planning.customers.agreements import day_that_counts, describe
from reconciler.planning.customers.companies import Companies
from reconciler.planning.customers.parties import find_parties, shown_name, unsynced_parties
from reconciler.planning.lines.open_lines import Open, OpenLines
from reconciler.planning.lines.rows import amount, billed
from reconciler.planning.products.homes import wanted_homes
from reconciler.planning.products.managed import Products
from reconciler.planning.usage.bills import sort_bill
from reconciler.planning.usage.cells import collect_cells
from reconciler.planning.usage.quantities import ZERO

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reconciler.model.billing import Billing
    from reconciler.model.desired import Customer, Desired, Row
    from reconciler.model.observed import Observed
    from reconciler.model.plan import Plan
    from reconciler.planning.customers.party import Party

Place = tuple[int, str]


@dataclass(frozen=True)
class _Spoken:
    """The places (agreement and product) that a configuration's rows speak of, and whose rows they are.

    `synced` are those whose lines follow Sophos; `beside` those of customers that are excluded or whose
    usage sync is off; `lost` are synced customers by company for whom no agreement could be chosen.
    """

    synced: frozenset[Place]
    beside: dict[Place, Party]
    lost: dict[int, Party]

    @property
    def all(self) -> frozenset[Place]:
        """Both."""
        return self.synced | self.beside.keys()


def orphan_lines(plan: Plan, desired: Desired, everything: Observed) -> tuple[Diagnostic, ...]:
    """A warning for each open line of our products that no customer row bills, and their sum.

    `everything` holds the agreements of all companies. Ours is what carries our tag, is named by a row or
    replaced by such a product. Lines that the plan itself speaks of (that end in it, or wait for a
    decision) are left out.
    """
    billing = everything.billing
    if billing is None:
        return ()
    today = date.fromisoformat(plan.today)
    products = _products(desired, everything, plan)
    spoken = _spoken(desired, everything, products, today)
    told = {line.line_id for line in plan.lines} | {
        old.line_id for line in plan.lines for old in line.takes_over
    }
    found = [
        one
        for one in _open_lines(billing, products, today)
        if one.place not in spoken.synced and one.line.id not in told
    ]
    said = [_orphan(one, products, spoken, today) for one in found]
    return (*said, _summed(found, billing, today))


def removed_rows(
    plan: Plan, desired: Desired, base: Desired, observed: Observed
) -> tuple[tuple[RemovedRow, ...], tuple[Diagnostic, ...]]:
    """The rows that the base has and the head has not, with the lines they leave; and what is wrong with it.

    A customer's row that is removed while lines are open is an error: nothing would ever end them.
    """
    today = date.fromisoformat(plan.today)
    products = _products(desired, observed, plan)
    removed = [_mapping(row, plan, desired, observed, products) for row in _gone_codes(desired, base)]
    kept = {identifier_key(product.identifier) for product in desired.products}
    removed += [
        RemovedRow(f"products/{product.identifier}", "its declared fields are no longer compared")
        for product in base.products
        if identifier_key(product.identifier) not in kept
    ]
    tenants = {customer.tenant_id for customer in desired.customers}
    gone = [customer for customer in base.customers if customer.tenant_id not in tenants]
    rows, said = _customers(gone, desired, base, observed, products, today)
    return (*removed, *rows), said


# --- customers


def _customers(
    gone: Sequence[Customer],
    desired: Desired,
    base: Desired,
    observed: Observed,
    products: Products,
    today: date,
) -> tuple[list[RemovedRow], tuple[Diagnostic, ...]]:
    names = {tenant.id: tenant for tenant in observed.tenants or ()}
    shown = {row.tenant_id: shown_name(row, names.get(row.tenant_id)) for row in gone}
    if observed.billing is None or not gone:
        said = "its lines were not read" if observed.billing is None else ""
        return [_removed(row, shown[row.tenant_id], said) for row in gone], ()
    spoken = _spoken(desired, observed, products, today).all
    before = _places_by_tenant(base, observed, products, today)
    open_lines = OpenLines(observed.billing, today)
    companies = Companies(observed.billing)
    left: dict[str, list[Open]] = {row.tenant_id: [] for row in gone}
    unread: dict[str, set[int]] = {row.tenant_id: set() for row in gone}
    seen: set[int] = set()
    # A line goes to the row that spoke of it; what none of them did, to the first one of the company.
    for own in (True, False):
        for row in gone:
            for agreement in companies.agreements(row):
                if not agreement.in_force(day_that_counts(agreement, today)):
                    continue
                if agreement.id not in observed.billing.lines:
                    unread[row.tenant_id].add(agreement.id)
                for one in open_lines.on(agreement):
                    is_ours = one.line.quantity and products.of_item(one.line.product_id) is not None
                    fits = not own or one.place in before.get(row.tenant_id, ())
                    if is_ours and fits and one.place not in spoken and one.line.id not in seen:
                        seen.add(one.line.id)
                        left[row.tenant_id].append(one)
    found, errors = [], []
    for row in gone:
        lines = sorted(left[row.tenant_id], key=lambda one: one.line.id)
        missing = sorted(unread[row.tenant_id])
        said = (
            "no open line is left" if not lines else f"it leaves {_count(lines)}: {_named(lines, products)}"
        )
        if missing:
            said = f"the lines of agreement {_ids(missing)} could not be read" + (
                "" if not lines else f"; {said}"
            )
        found.append(_removed(row, shown[row.tenant_id], said))
        if lines or missing:
            errors.append(_left_error(row, shown[row.tenant_id], said))
    return found, tuple(errors)


def _removed(row: Customer, name: str, said: str) -> RemovedRow:
    text = f"{name} was excluded" if row.exclude is not None else f"{name} was billed as {row.company}"
    if row.exclude is None and not row.sync:
        text += ", sync off"
    return RemovedRow(f"customers/{row.tenant_id}", f"{text}; {said}" if said else text)


def _left_error(row: Customer, name: str, said: str) -> Diagnostic:
    return error(
        "row-removed-with-lines",
        f"{name} ({row.company}): its row is removed, and {said}.",
        "Bring the row back with `ended: DATE`, apply that, and remove the row when no line is open. If "
        "somebody else is billed for these lines, end them in ConnectWise first.",
        location=row.location,
        subject=f"customer/{row.tenant_id}",
    )


def _places_by_tenant(
    base: Desired, observed: Observed, products: Products, today: date
) -> dict[str, frozenset[Place]]:
    """What each row of the base speaks of."""
    found: dict[str, set[Place]] = defaultdict(set)
    for party, place in _places(base, observed, products, today):
        found[party.row.tenant_id].add(place)
    return {tenant: frozenset(places) for tenant, places in found.items()}


# --- mappings


def _gone_codes(desired: Desired, base: Desired) -> list[Row]:
    codes = {row.code for row in desired.rows}
    return [row for row in base.rows if row.code not in codes]


def _mapping(row: Row, plan: Plan, desired: Desired, observed: Observed, products: Products) -> RemovedRow:
    if row.exclude is not None:
        return RemovedRow(f"mappings/{row.code}", f"was excluded: {row.exclude}")
    names = ", ".join(str(selector) for selector in row.targets)
    text = f"was mapped to {names}, sync {'on' if row.sync else 'off'}"
    after = _after_mapping(row, plan, desired, observed, products)
    return RemovedRow(f"mappings/{row.code}", f"{text}; {after}" if after else text)


def _after_mapping(row: Row, plan: Plan, desired: Desired, observed: Observed, products: Products) -> str:
    """What becomes of the open lines of the products that a removed row named."""
    if observed.billing is None:
        return ""
    if any(code in other.codes for _, other in wanted_homes(desired) for code in row.codes):
        return "another row or an override still speaks of it"
    today = date.fromisoformat(plan.today)
    said = []
    for selector in row.targets:
        product = products.find(selector)
        if products.wanted_codes(product.key):
            others = ", ".join(sorted(products.wanted_codes(product.key)))
            said.append(f"the lines of {product.label} are billed for {others} from now on")
            continue
        number = product.item.id if product.item is not None else None
        lines = [
            one for one in _open_lines(observed.billing, products, today) if one.line.product_id == number
        ]
        if lines:
            said.append(_stay_or_end(product.label, lines, plan, desired))
        else:
            said.append(f"no line of {product.label} is open")
    return "; ".join(said)


def _stay_or_end(label: str, lines: list[Open], plan: Plan, desired: Desired) -> str:
    numbers = {one.line.id for one in lines}
    told = {one.line_id: one for one in plan.lines if one.line_id in numbers}
    taken = {old.line_id for one in plan.lines for old in one.takes_over} & numbers
    counted = f"{_count(lines)} of {label}"
    if desired.settings.on_unmap == "keep":
        stay = [one for one in lines if one.line.id not in taken]
        text = f"{_count(stay)} of {label} stay as they are (onUnmap: keep)" if stay else ""
        if taken:
            moved = f"{len(taken)} of its lines are taken over in this plan"
            text = f"{text}; {moved}" if text else moved
        return text
    ends = taken | {number for number, one in told.items() if one.state is LineState.ENDS}
    if len(ends) == len(numbers):
        return f"{counted} end in this plan (onUnmap: end)"
    return f"{counted}: {len(ends)} end in this plan, {len(numbers) - len(ends)} wait or stay (onUnmap: end)"


# --- every agreement


def _orphan(one: Open, products: Products, spoken: _Spoken, today: date) -> Diagnostic:
    line, agreement = one.line, one.agreement
    product = products.of_item(line.product_id)
    label = product.label if product is not None else line.product_identifier
    beside, lost = spoken.beside.get(one.place), spoken.lost.get(agreement.company_id)
    party = beside or lost
    if beside is not None:
        state = f"is excluded: {beside.row.exclude}" if beside.excluded else "has usage sync off"
        why = f"{beside.name} {state}"
    elif lost is not None:
        why = f"no agreement could be chosen for {lost.name}"
    else:
        why = "no customer row speaks of it"
    writer = line.updated_by.strip() or "somebody"
    return warning(
        "orphan-line",
        f"{agreement.company_name.strip()} ({agreement.company_identifier.strip()}): line #{line.id} of "
        f"{label} ({plain(line.quantity)}, {_money(one)} a month) on {describe(agreement, today)} is billed "
        f"and does not follow Sophos: {why}. Last written by {writer} on {line.last_updated[:10] or '?'}.",
        "If it is right, leave it. Otherwise give the customer a row under `customers` with `sync: true`, or "
        "end the line in ConnectWise by a date.",
        location=None if party is None else party.row.location,
        subject=f"agreement/{agreement.id}/line/{line.id}",
    )


def _summed(found: Sequence[Open], billing: Billing, today: date) -> Diagnostic:
    looked = [one for one in billing.agreements if one.in_force(day_that_counts(one, today))]
    unread = [one.id for one in looked if one.id not in billing.lines]
    were = "was" if len(looked) == 1 else "were"
    text = f"{number_of(len(looked), 'agreement')} in force {were} looked at. "
    text += (
        f"No customer row bills {_count(found)} of our products."
        if found
        else "Every open line of our products is billed by a customer row."
    )
    if unread:
        text += f" The lines of agreement {_ids(unread)} could not be read."
    return notice("orphan-lines", text, "Each line is said apart." if found else "Nothing to do.")


# --- what they share


def _products(desired: Desired, observed: Observed, plan: Plan) -> Products:
    return Products(desired, observed, [c for c in plan.changes if c.target.agreement is None])


def _open_lines(billing: Billing, products: Products, today: date) -> Iterable[Open]:
    """The open lines of our products that have units, on all agreements that may be invoiced."""
    open_lines = OpenLines(billing, today)
    for agreement in billing.agreements:
        if agreement.in_force(day_that_counts(agreement, today)):
            for one in open_lines.on(agreement):
                if one.line.quantity and products.of_item(one.line.product_id) is not None:
                    yield one


def _spoken(desired: Desired, observed: Observed, products: Products, today: date) -> _Spoken:
    synced: set[Place] = set()
    beside: dict[Place, Party] = {}
    lost: dict[int, Party] = {}
    for party, place in _places(desired, observed, products, today):
        if party.unsynced:
            beside.setdefault(place, party)
        else:
            synced.add(place)
    for party in _parties(desired, observed, today):
        if not party.unsynced and party.agreement is None:
            for agreement in party.agreements:
                lost.setdefault(agreement.company_id, party)
    return _Spoken(frozenset(synced), beside, lost)


def _places(
    desired: Desired, observed: Observed, products: Products, today: date
) -> Iterable[tuple[Party, Place]]:
    """Each place that a row speaks of. No bill is needed to know it."""
    nothing = sort_bill(UsageMonth(Month.of(today), ()), desired)
    for party in _parties(desired, observed, today):
        cells = collect_cells([party], desired, products, (nothing, {}), today)
        for place in sorted(cells.managed | cells.beside):
            yield party, place


def _parties(desired: Desired, observed: Observed, today: date) -> list[Party]:
    if observed.billing is None:
        return []
    tenants = observed.tenants or ()
    parties, _ = find_parties(desired.customers, tenants, observed.billing, today, on_the_bill=())
    return [*parties, *unsynced_parties(desired.customers, tenants, observed.billing, today)]


def _monthly(one: Open) -> Amount:
    return amount(one.agreement, ZERO, billed(one.line.quantity, one.line.less_included, one.line))


def _money(one: Open) -> str:
    money = _monthly(one)
    return f"{money_text(money.after, money.places)} {money.currency}"


def _count(lines: Sequence[Open]) -> str:
    """`2 open lines (45.00 EUR and 3.00 GBP a month)`."""
    totals = sums(_monthly(one) for one in lines)
    money = " and ".join(f"{money_text(one.after, one.places)} {one.currency}" for one in totals)
    return f"{number_of(len(lines), 'open line')} ({money} a month)"


def _named(lines: Sequence[Open], products: Products) -> str:
    def shown(one: Open) -> str:
        product = products.of_item(one.line.product_id)
        label = product.label if product is not None else one.line.product_identifier
        return f"#{one.line.id} {label} {plain(one.line.quantity)} on agreement #{one.agreement.id}"

    return ", ".join(shown(one) for one in lines)


def _ids(numbers: Iterable[int]) -> str:
    return ", ".join(f"#{number}" for number in numbers)
