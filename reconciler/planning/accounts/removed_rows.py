"""The rows that the base commit had, and what becomes of the lines that they leave."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from reconciler.model.counts import number_of
from reconciler.model.diagnostics import Diagnostic, error
from reconciler.model.identifiers import identifier_key
from reconciler.model.lines import LineState
from reconciler.model.money import money_text, plain
from reconciler.model.plan import RemovedRow
from reconciler.model.verdict import sums
from reconciler.planning.accounts.money import monthly
from reconciler.planning.allocation.open_lines import Open, OpenLines
from reconciler.planning.customers.agreements import day_that_counts
from reconciler.planning.customers.parties import shown_name
from reconciler.planning.products.homes import wanted_homes
from reconciler.planning.products.managed import Products

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reconciler.model.billing import Billing
    from reconciler.model.census import LineApart
    from reconciler.model.desired import Customer, Desired, Row
    from reconciler.model.lines import Amount
    from reconciler.model.observed import Observed
    from reconciler.model.plan import Plan


def removed_rows(
    plan: Plan, desired: Desired, base: Desired, observed: Observed
) -> tuple[tuple[RemovedRow, ...], tuple[Diagnostic, ...]]:
    """The rows that the base has and the head has not, with the lines they leave; and what is wrong with it.

    A customer's row that is removed while lines are open is an error: nothing would ever end them.
    """
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
    rows, said = _customers(gone, plan, observed)
    return (*removed, *rows), said


# --- customers


def _customers(
    gone: Sequence[Customer], plan: Plan, observed: Observed
) -> tuple[list[RemovedRow], tuple[Diagnostic, ...]]:
    """The customers whose rows are removed, each with the lines that it leaves without an account."""
    names = {tenant.id: tenant for tenant in observed.tenants or ()}
    unread = _unread(observed, date.fromisoformat(plan.today))
    found, errors = [], []
    for row in gone:
        name = shown_name(row, names.get(row.tenant_id))
        if plan.census is None:
            found.append(_removed(row, name, "its lines were not read" if row.company else ""))
            continue
        lines = [line for line in plan.census.apart if line.source == row.location]
        said = (
            f"it leaves {_count([line.sales for line in lines])}: {_named(lines)}"
            if lines
            else "no open line is left"
        )
        missing = unread.get(row.company.key, []) if row.company is not None else []
        if missing:
            shown = ", ".join(f"#{number}" for number in missing)
            said = f"the lines of agreement {shown} could not be read" + (f"; {said}" if lines else "")
        found.append(_removed(row, name, said))
        if lines or missing:
            errors.append(_left_error(row, name, said))
    return found, tuple(errors)


def _unread(observed: Observed, today: date) -> dict[str, list[int]]:
    """The agreements in force whose lines could not be read, by their company's key and by its id."""
    found: dict[str, list[int]] = {}
    if observed.billing is None:
        return found
    for agreement in observed.billing.agreements:
        in_force = agreement.in_force(day_that_counts(agreement, today))
        if in_force and agreement.id not in observed.billing.lines:
            for key in (agreement.company_key, f"#{agreement.company_id}"):
                found.setdefault(key, []).append(agreement.id)
    return found


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
    counted = f"{_count([monthly(line) for line in lines])} of {label}"
    if desired.settings.on_unmap == "keep":
        stay = [one for one in lines if one.line.id not in taken]
        text = (
            f"{_count([monthly(line) for line in stay])} of {label} stay as they are (onUnmap: keep)"
            if stay
            else ""
        )
        if taken:
            moved = f"{len(taken)} of its lines are taken over in this plan"
            text = f"{text}; {moved}" if text else moved
        return text
    ends = taken | {number for number, one in told.items() if one.state is LineState.ENDS}
    if len(ends) == len(numbers):
        return f"{counted} end in this plan (onUnmap: end)"
    return f"{counted}: {len(ends)} end in this plan, {len(numbers) - len(ends)} wait or stay (onUnmap: end)"


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


def _count(amounts: Sequence[Amount | None]) -> str:
    """`2 open lines (45.00 EUR and 3.00 GBP a month)`."""
    money = " and ".join(
        f"{money_text(total.after, total.places)} {total.currency}" for total in sums(amounts)
    )
    return f"{number_of(len(amounts), 'open line')} ({money} a month)"


def _named(lines: Iterable[LineApart]) -> str:
    return ", ".join(
        f"#{line.line_id} {line.product} {plain(line.quantity)} on agreement #{line.agreement_id}"
        for line in sorted(lines, key=lambda line: line.line_id)
    )
