"""What a plan's lines come to, and the two verdicts on them: may invoices be made, and was it right.

The sums round each line to its currency's decimals before adding, as invoices do, so that the rows of a
report always add up to its totals.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from reconciler.model.identifiers import identifier_key
from reconciler.model.lines import WRITTEN, Amount, LineState, PlannedLine
from reconciler.model.money import plain, to_places
from reconciler.model.plan import Action, Cause, Plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from reconciler.model.diagnostics import Location

_BILLABLE = "Billable"
#: An agreement and a product of it, as identifiers compare: what a line and its change have in common.
Place = tuple[int | None, str]
#: States that wait for a person.
UNDECIDED = frozenset({LineState.NEEDS_DECISION, LineState.WITHHELD})


# --- what a plan's lines come to


@dataclass(frozen=True)
class LineGroups:
    """A plan's lines by what becomes of them; every line is in exactly one group.

    `written` changes with this plan, `shadow` would if its mode were live, `waiting` would be planned
    without the reviewed commit as well (`plan --since`). `decisions` wait for a person, or are held back by
    a problem elsewhere. `apart` are lines to add, to end or to move, and zeros that keep their line.
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


def _group_of(line: PlannedLine, held: Mapping[Place, object], waiting: frozenset[Place]) -> str:
    if line.state in UNDECIDED:
        return "decisions"
    if line.state is LineState.UNCHANGED:
        return "unchanged"
    if line.state not in WRITTEN:
        return "apart"
    if line.shadow:
        return "shadow"
    if _place(line) in held:
        return "decisions"
    return "waiting" if _place(line) in waiting else "written"


def held_back(plan: Plan) -> dict[Place, tuple[str, ...]]:
    """By a line's place (see `is_held_back`), the diagnostics or changes for which its change is blocked."""
    return {
        (change.target.agreement, identifier_key(change.target.identifier)): change.blocked_by
        for change in plan.changes
        if change.blocked and change.action is Action.UPDATE_LINE
    }


def is_held_back(line: PlannedLine, held: Mapping[Place, tuple[str, ...]]) -> tuple[str, ...]:
    """What holds the change of a line back; `held` is what `held_back` gave. Empty where nothing does."""
    return held.get(_place(line), ()) if line.state in WRITTEN else ()


def _waiting(plan: Plan) -> frozenset[Place]:
    return frozenset(
        (change.target.agreement, identifier_key(change.target.identifier))
        for change in plan.changes
        if change.action is Action.UPDATE_LINE and change.cause is Cause.WAITING
    )


def _place(line: PlannedLine) -> Place:
    return (line.agreement_id, identifier_key(line.product))


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
    """`sales` or `cost` of all lines per currency: those that move as planned, all others as they stand."""
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
    LINES = "lines"  # a line has to be added, ended or moved


@dataclass(frozen=True)
class Reason:
    """One thing to settle before invoices are made; `customer` is empty where it concerns all of them."""

    kind: ReasonKind
    message: str
    remedy: str = ""
    customer: str = ""
    agreement: str = ""
    product: str = ""
    line_id: int | None = None
    source: Location | None = None

    def to_json(self) -> dict[str, Any]:
        """The form of `--format json`."""
        return {
            "kind": self.kind.value,
            "message": self.message,
            "remedy": self.remedy,
            "customer": self.customer or None,
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

    def to_json(self) -> dict[str, Any]:
        """The form of `--format json`."""
        return {
            "customer": self.customer,
            "agreement": {"id": self.agreement_id, "name": self.agreement},
            "nextInvoice": self.next_invoice.isoformat(),
            "lines": self.lines,
            "pending": self.pending,
        }


@dataclass(frozen=True)
class Ready:
    """Whether invoices of a date may be made, by a plan of `today`.

    A yes holds through `holds_until`, that day included, for the reason in `holds_why`; a no has `reasons`.
    `customers` and `customers_ready` count those that this invoice is about. `remarks` need a look and stop
    nothing; `elsewhere` is invoiced on other days.
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
        }


# --- was it right?


class Match(StrEnum):
    """How a line stands today, against what Sophos's bill said when the plan was made."""

    AGREED = "agreed"  # the line is as the bill says
    ANOTHER = "person chose another"  # neither as the bill says nor as it was
    UNTOUCHED = "nobody changed"  # it should have changed and is as it was
    GONE = "line gone"
    NOT_COMPARED = "not compared"  # the plan had no number, or there was no line


@dataclass(frozen=True)
class ScoreRow:
    """One line: `bill` is what Sophos's bill gave (or a person's hold), `tool` what this tool would have
    left on the line, `line` what stands there now; None is unknown.

    `differs` names which of the three is odd, or all of them. `money` goes from what the bill would have
    been invoiced at to what the line is invoiced at now, per month.
    """

    customer: str
    agreement: str
    product: str
    line_id: int | None
    match: Match
    was: Decimal | None
    bill: Decimal | None
    tool: Decimal | None
    line: Decimal | None
    differs: tuple[str, ...] = ()
    money: Amount | None = None
    wanted_change: bool = False
    explained: str = ""
    writer: str = ""
    source: Location | None = None

    def to_json(self) -> dict[str, Any]:
        """The form of `--format json`."""
        numbers = {"was": self.was, "bill": self.bill, "tool": self.tool, "line": self.line}
        return {
            "customer": self.customer,
            "agreement": self.agreement,
            "product": self.product,
            "line": self.line_id,
            "match": self.match.value,
            "quantity": {key: None if n is None else plain(n) for key, n in numbers.items()},
            "differs": list(self.differs),
            "money": None if self.money is None else rounded(self.money).to_json(),
            "wantedChange": self.wanted_change,
            "explained": self.explained,
            "lastWriter": self.writer,
            "source": source_json(self.source),
        }


@dataclass(frozen=True)
class Tally:
    """The lines of one category: how many, of how many customers, and their money per currency."""

    match: Match
    lines: int
    customers: int
    wanted_change: int
    money: tuple[Amount, ...]

    def to_json(self) -> dict[str, Any]:
        """The form of `--format json`."""
        return {
            "match": self.match.value,
            "lines": self.lines,
            "customers": self.customers,
            "wantedChange": self.wanted_change,
            "money": [amount.to_json() for amount in self.money],
        }


@dataclass(frozen=True)
class Score:
    """An old plan against the lines of today, by customer."""

    planned: str
    month: str
    rows: tuple[ScoreRow, ...]

    def tallies(self) -> tuple[Tally, ...]:
        """One for each category, in the order of `Match`, the empty ones too."""
        found = []
        for match in Match:
            rows = [row for row in self.rows if row.match is match]
            found.append(
                Tally(
                    match,
                    lines=len(rows),
                    customers=len({identifier_key(row.customer) for row in rows}),
                    wanted_change=sum(row.wanted_change for row in rows),
                    money=sums(row.money for row in rows),
                )
            )
        return tuple(found)

    def by_customer(self) -> dict[str, tuple[ScoreRow, ...]]:
        """The rows of each customer, in the order of the rows."""
        found: dict[str, list[ScoreRow]] = {}
        for row in self.rows:
            found.setdefault(row.customer, []).append(row)
        return {customer: tuple(rows) for customer, rows in found.items()}

    def to_json(self) -> dict[str, Any]:
        """The form of `--format json`."""
        return {
            "planned": self.planned,
            "month": self.month or None,
            "totals": [tally.to_json() for tally in self.tallies()],
            "customers": [
                {"customer": customer, "lines": [row.to_json() for row in rows]}
                for customer, rows in self.by_customer().items()
            ],
        }


def source_json(source: Location | None) -> dict[str, Any] | None:
    """A place as the JSON forms write it."""
    return None if source is None else {"file": source.file, "line": source.line}
