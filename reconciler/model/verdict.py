"""What a plan's lines come to, and the verdict on them: may invoices be made.

The sums round each line to its currency's decimals before adding, as invoices do, so that the rows of a
report always add up to its totals.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from reconciler.model.billed_as import billed_as
from reconciler.model.by_hand import ByHand, Work
from reconciler.model.census import OPEN_LINES, OPEN_UNITS
from reconciler.model.change import OF_LINES, Cause
from reconciler.model.diagnostics import ALL_USAGE, Severity
from reconciler.model.identifiers import identifier_key
from reconciler.model.lines import WRITTEN, Amount, LineState, PlannedLine
from reconciler.model.money import to_places

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from reconciler.model.census import Census, LineApart
    from reconciler.model.change import Target
    from reconciler.model.diagnostics import Location
    from reconciler.model.plan import Plan

_BILLABLE = "Billable"
#: States that wait for a person.
UNDECIDED = frozenset({LineState.NEEDS_DECISION, LineState.WITHHELD})


# --- what a plan's lines come to


@dataclass(frozen=True)
class LineGroups:
    """A plan's lines by what becomes of them; every line is in exactly one group.

    `written` changes with this plan, `shadow` would if its mode were live, `waiting` would be planned
    without the reviewed commit as well (`plan --since`). `decisions` wait for a person, or are held back by
    a problem elsewhere. `apart` are lines that no number is known for, and zeros that keep their line. Lines
    that end because another one takes over are part of that one's row, with their money.
    """

    written: tuple[PlannedLine, ...] = ()
    shadow: tuple[PlannedLine, ...] = ()
    waiting: tuple[PlannedLine, ...] = ()
    decisions: tuple[PlannedLine, ...] = ()
    apart: tuple[PlannedLine, ...] = ()
    unchanged: tuple[PlannedLine, ...] = ()

    @property
    def moving(self) -> tuple[PlannedLine, ...]:
        """What the plan's money is about: what is written, or would be where everything is in shadow."""
        return self.written or self.shadow


def group_lines(plan: Plan) -> LineGroups:
    """The plan's lines, in its order, by what becomes of them."""
    held, waiting = held_back(plan), _waiting(plan)
    groups: dict[str, list[PlannedLine]] = {}
    for line in plan.lines:
        groups.setdefault(_group_of(line, held, waiting), []).append(line)
    return LineGroups(**{name: tuple(lines) for name, lines in groups.items()})


def _group_of(line: PlannedLine, held: Mapping[str, object], waiting: frozenset[str]) -> str:
    if line.state in UNDECIDED:
        return "decisions"
    if line.state is LineState.UNCHANGED:
        return "unchanged"
    if line.state not in WRITTEN:
        return "apart"
    if line.shadow:
        return "shadow"
    names = requests_of(line)
    if not held.keys().isdisjoint(names):
        return "decisions"
    return "written" if waiting.isdisjoint(names) else "waiting"


def held_back(plan: Plan) -> dict[str, tuple[str, ...]]:
    """By line (see `is_held_back`), the diagnostics or changes for which a change of it is blocked."""
    return {
        name: change.blocked_by
        for change in plan.changes
        if change.blocked and change.action in OF_LINES
        for name in names_of(change.target)
    }


def is_held_back(line: PlannedLine, held: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """What holds any change of a line's row back, by what `held_back` gave; empty where nothing does."""
    if line.state not in WRITTEN:
        return ()
    return tuple(dict.fromkeys(why for name in requests_of(line) for why in held.get(name, ())))


def stopped_lines(plan: Plan) -> dict[str, tuple[str, ...]]:
    """The rows (by key) that only what stops the whole run holds back, with the codes of that."""
    held = held_back(plan)
    stops = {one.id for one in plan.diagnostics if one.severity is Severity.ERROR and one.subject is None}
    causes = {line.key: is_held_back(line, held) for line in plan.lines if not line.shadow}
    return {key: own for key, own in causes.items() if own and stops.issuperset(own)}


def _waiting(plan: Plan) -> frozenset[str]:
    return frozenset(
        name
        for change in plan.changes
        if change.action in OF_LINES and change.cause is Cause.WAITING
        for name in names_of(change.target)
    )


def needs_person(line: PlannedLine) -> bool:
    """Whether no invoice can be made before a person has said what becomes of the line."""
    return line.state in UNDECIDED or line.billed_without_usage


def open_apart(plan: Plan) -> tuple[LineApart, ...]:
    """The open lines without a row that wait for a person, or that nothing explains."""
    return tuple(line for line in _open_lines(plan) if not line.row)


def open_beside(plan: Plan) -> tuple[LineApart, ...]:
    """The open lines that wait for the answer of the row that they stand beside: no decision of their own."""
    return tuple(line for line in _open_lines(plan) if line.row)


def _open_lines(plan: Plan) -> Iterable[LineApart]:
    census = plan.census
    return () if census is None else (line for line in census.apart if line.account in OPEN_LINES)


def has_open_accounts(plan: Plan) -> bool:
    """Whether the census of a plan of the whole site has lines or units with which no invoice can be made."""
    census = plan.census
    if census is None or census.narrowed:
        return False
    lines = any(part.lines and part.account in OPEN_LINES for part in census.lines)
    return lines or any(part.units and part.account in OPEN_UNITS for part in census.units)


def is_settled(plan: Plan) -> bool:
    """Whether no line of the plan waits for a person, and every open line and unit is explained."""
    return not (open_apart(plan) or any(map(needs_person, plan.lines)) or has_open_accounts(plan))


def usage_is_counted(plan: Plan) -> bool:
    """Whether there was a month to count: without one a plan knows nothing of any line."""
    return not any(one.severity is Severity.ERROR and one.subject == ALL_USAGE for one in plan.diagnostics)


def names_of(target: Target) -> tuple[str, ...]:
    """The names by which a row finds its changes: its own by the key, ends of other lines by record."""
    return target.key, _record(target.agreement, target.id)


def requests_of(line: PlannedLine) -> tuple[str, ...]:
    """The names (`names_of`) of the changes that a row is written by."""
    return line.key, *(_record(old.agreement_id, old.line_id) for old in line.takes_over)


def _record(agreement: int | None, line: int | None) -> str:
    return f"#{agreement}/{line}"


def rounded(amount: Amount) -> Amount:
    """The amount in its currency's decimals, as it is shown and added."""
    before, after = to_places(amount.before, amount.places), to_places(amount.after, amount.places)
    return Amount(amount.currency, before, after, amount.places)


def sums(amounts: Iterable[Amount | None]) -> tuple[Amount, ...]:
    """The sum per currency, by currency; unknown amounts (None) add nothing.

    Where records of one currency differ in its decimals, the sum has the most of them, so that it is exact.
    """
    found: dict[str, Amount] = {}
    for amount in amounts:
        if amount is None:
            continue
        one = rounded(amount)
        so_far = found.get(one.currency)
        if so_far is not None:
            before, after = so_far.before + one.before, so_far.after + one.after
            one = Amount(one.currency, before, after, max(so_far.places, one.places))
        found[one.currency] = one
    return tuple(found[currency] for currency in sorted(found))


def totals(groups: LineGroups, kind: str) -> tuple[Amount, ...]:
    """`sales` or `cost` of all lines per currency: those that move as planned, all others as they stand.

    The money of a line that ends for another one is counted once, in the row of that one.
    """
    moving = {id(line) for line in groups.moving}
    every = (*groups.written, *groups.shadow, *groups.waiting, *groups.decisions, *groups.apart)
    amounts: list[Amount] = []
    for line in (*every, *groups.unchanged):
        amount: Amount | None = getattr(line, kind)
        if amount is not None:
            after = amount.after if id(line) in moving else amount.before
            amounts.append(Amount(amount.currency, amount.before, after, amount.places))
    return sums(amounts)


def customer_key(line: PlannedLine) -> str:
    """What makes two lines the same customer's: the company, so that each is counted once."""
    return identifier_key(line.company) or "name/" + identifier_key(line.customer)


def count_customers(lines: Iterable[PlannedLine]) -> int:
    """How many customers these lines are of, each counted once."""
    return len({customer_key(line) for line in lines})


def billed_units(quantity: Decimal | None, included: Decimal, bill_customer: str) -> Decimal | None:
    """The units that are invoiced: those above the included ones, where the line is Billable."""
    if quantity is None:
        return None
    return max(Decimal(0), quantity - included) if bill_customer == _BILLABLE else Decimal(0)


# --- what is left to people


def by_hand(plan: Plan) -> tuple[tuple[PlannedLine, ByHand], ...]:
    """What the plan leaves to be done by hand, by line: invoices that were made, then what nothing bills."""
    made = [(line, line.by_hand) for line in plan.lines if line.by_hand is not None and not line.shadow]
    return (*made, *_not_billed(group_lines(plan).written))


def _not_billed(lines: Iterable[PlannedLine]) -> Iterable[tuple[PlannedLine, ByHand]]:
    for line in lines:
        if line.not_billed is not None and line.agreement_id is not None and line.sales is not None:
            yield (
                line,
                ByHand(
                    Work.NOT_BILLED,
                    line.agreement_id,
                    line.product,
                    line.line_id,
                    line.not_billed.amount,
                    line.sales.currency,
                    months=line.not_billed.months,
                    until=line.first_invoice,
                ),
            )


# --- may invoices be made?


class ReasonKind(StrEnum):
    """Why invoices must wait."""

    USAGE = "usage"  # no month that can be read, or nothing was counted
    MONTH = "month"  # not closed, or not the one that belongs to the invoice date
    SHADOW = "shadow"  # nothing is written
    PROBLEM = "problem"  # an error in the plan
    PRODUCTS = "products"  # a product change is pending
    WRITE = "write"  # a quantity still has to be written
    DECISION = "decision"  # a person has to say
    UNEXPLAINED = "unexplained"  # an open line that no row, no word and no change speaks of
    NO_ROW = "no row"  # units on the bill that no row follows; only in remarks
    LINES = "lines"  # a line still has to be created, ended or moved; in a remark, one without usage


@dataclass(frozen=True)
class Reason:
    """One thing to settle before invoices are made; `customer` is empty where it concerns all of them.

    `company` and `company_name` are its company in ConnectWise, where the reason is about a line.
    """

    kind: ReasonKind
    message: str
    remedy: str = ""
    customer: str = ""
    agreement: str = ""
    product: str = ""
    line_id: int | None = None
    source: Location | None = None
    company: str = ""
    company_name: str = ""

    @property
    def who(self) -> str:
        """The customer with the company that is billed."""
        return billed_as(self.customer, self.company, self.company_name)

    def to_json(self) -> dict[str, Any]:
        """The form of `--format json`."""
        return {
            "kind": self.kind.value,
            "message": self.message,
            "remedy": self.remedy,
            "customer": self.customer or None,
            "company": self.company or None,
            "companyName": self.company_name or None,
            "agreement": self.agreement or None,
            "product": self.product or None,
            "line": self.line_id,
            "source": source_json(self.source),
        }


@dataclass(frozen=True)
class Elsewhere:
    """An agreement that is invoiced on another day; nothing on it stands in the way of this invoice."""

    customer: str
    agreement: str
    agreement_id: int | None
    next_invoice: date
    lines: int
    pending: int
    company: str = ""
    company_name: str = ""

    @property
    def who(self) -> str:
        """The customer with the company that is billed."""
        return billed_as(self.customer, self.company, self.company_name)

    def to_json(self) -> dict[str, Any]:
        """The form of `--format json`."""
        return {
            "customer": self.customer,
            "company": self.company,
            "companyName": self.company_name,
            "agreement": {"id": self.agreement_id, "name": self.agreement},
            "nextInvoice": self.next_invoice.isoformat(),
            "lines": self.lines,
            "pending": self.pending,
        }


@dataclass(frozen=True)
class Ready:
    """Whether invoices of a date may be made, by a plan of `today`.

    A yes holds through `holds_until`, that day included, for the reason in `holds_why`; a no has `reasons`.
    `customers` counts those with a line on this invoice, be it one that is left as it is, and those that wait
    for one; `customers_ready` are those of them that nothing waits for. `remarks` need a look and stop
    nothing; `elsewhere` is invoiced on other days. `census` is the plan's, None where no line was counted.
    """

    invoice_date: date
    today: str
    month: str
    customers: int
    customers_ready: int
    reasons: tuple[Reason, ...] = ()
    remarks: tuple[Reason, ...] = ()
    elsewhere: tuple[Elsewhere, ...] = ()
    holds_until: date | None = None
    holds_why: str = ""
    census: Census | None = None

    @property
    def yes(self) -> bool:
        """The verdict."""
        return not self.reasons

    def to_json(self) -> dict[str, Any]:
        """The form of `--format json`."""
        return {
            "ready": self.yes,
            "invoiceDate": self.invoice_date.isoformat(),
            "today": self.today,
            "month": self.month or None,
            "holdsUntil": None if self.holds_until is None else self.holds_until.isoformat(),
            "holdsWhy": self.holds_why or None,
            "customers": {"all": self.customers, "ready": self.customers_ready},
            "reasons": [reason.to_json() for reason in self.reasons],
            "remarks": [remark.to_json() for remark in self.remarks],
            "notOnThisInvoice": [one.to_json() for one in self.elsewhere],
            "census": None if self.census is None else self.census.to_json(),
        }


def source_json(source: Location | None) -> dict[str, Any] | None:
    """A place as the JSON forms write it."""
    return None if source is None else {"file": source.file, "line": source.line}
