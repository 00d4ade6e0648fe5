"""An agreement line as a plan sees it: from which quantity to which, why, and what that means in money."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, fields
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from itertools import repeat
from operator import attrgetter, call, itemgetter
from typing import TYPE_CHECKING, Any

from reconciler.model.billed_as import billed_as
from reconciler.model.by_hand import ByHand
from reconciler.model.diagnostics import Location
from reconciler.model.field_change import FieldChange
from reconciler.model.identifiers import identifier_key
from reconciler.model.money import USUAL_PLACES, cents, number, number_or_none, plain, to_places

if TYPE_CHECKING:
    from collections.abc import Mapping


class LineState(StrEnum):
    """What a plan says of a line, in the words of the reports."""

    UNCHANGED = "unchanged"
    MORE = "more"
    LESS = "less"
    TO_ZERO = "to zero"
    TERMS = "terms"  # the quantity stays; included units or declared values change
    NEEDS_DECISION = "needs a decision"  # ambiguous, changed by hand, unclear: nothing is written
    WITHHELD = "withheld"  # over a limit; an approval lets it through
    NEW_LINE = "new line"  # usage and no line
    ENDS = "ends"
    MOVES = "moved"  # a new line takes over from one that ends
    NOT_COUNTED = "not counted"  # no number for it: a customer without any usage, a question asked elsewhere


#: From so many months without usage on, a line that still bills is asked about before each invoice.
MONTHS_TO_ASK = 2

#: States whose line is written, where the site is live.
WRITTEN = frozenset(
    {
        LineState.MORE,
        LineState.LESS,
        LineState.TO_ZERO,
        LineState.TERMS,
        LineState.NEW_LINE,
        LineState.ENDS,
        LineState.MOVES,
    }
)


@dataclass(frozen=True, slots=True)
class Amount:
    """Money per month, before tax, in one currency; `places` are the decimals that the currency has."""

    currency: str
    before: Decimal
    after: Decimal
    places: int = USUAL_PLACES

    @property
    def delta(self) -> Decimal:
        """How much more (or less) it is."""
        return self.after - self.before

    def to_json(self) -> dict[str, str]:
        """The form in plan files, in the currency's decimals; the difference is that of the two shown."""
        before, after = to_places(self.before, self.places), to_places(self.after, self.places)
        return {
            "currency": self.currency,
            "before": format(before, "f"),
            "after": format(after, "f"),
            "delta": format(after - before, "f"),
        }

    @classmethod
    def from_json(cls, data: dict[str, str]) -> Amount:
        """Read back what `to_json` wrote; the numbers are written with the currency's decimals."""
        return _amount(data["currency"], data["before"], data["after"])


@lru_cache(maxsize=10_000)
def _amount(currency: str, before: str, after: str) -> Amount:
    """Kept, because a large site has the same few amounts on a hundred thousand lines."""
    places = max(len(text.partition(".")[2]) for text in (before, after))
    return Amount(currency, number(before), number(after), places)


@dataclass(frozen=True, slots=True)
class OldLine:
    """A line that ends because another one takes over its seats."""

    agreement_id: int
    agreement: str
    product: str
    line_id: int
    quantity: Decimal

    def to_json(self) -> dict[str, Any]:
        """The form in plan files."""
        return {
            "agreement": {"id": self.agreement_id, "name": self.agreement},
            "product": self.product,
            "line": self.line_id,
            "quantity": plain(self.quantity),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> OldLine:
        """Read back what `to_json` wrote."""
        place = data["agreement"]
        return cls(place["id"], place["name"], data["product"], data["line"], Decimal(data["quantity"]))


@dataclass(frozen=True)
class NotBilled:
    """The months with usage that the day of a new line leaves without an invoice, and their money in all.

    `amount` has the decimals of the line's currency: each month of it is what an invoice would have said.
    """

    months: tuple[str, ...]
    amount: Decimal

    def to_json(self) -> dict[str, Any]:
        """The form in plan files."""
        return {"months": list(self.months), "amount": format(self.amount, "f")}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> NotBilled:
        """Read back what `to_json` wrote."""
        return cls(tuple(data["months"]), Decimal(data["amount"]))


@dataclass(frozen=True, slots=True)
class PlannedLine:
    """One line of one customer, whether it changes or not.

    `company` is the ConnectWise company's identifier, `company_name` what it is called there. `before` and
    `after` are quantities; None where there is no line, or where it is not known what it
    should be. `parts` explains the quantity (`20 = max(CIXA-MSP 20, CEMA-MSP 18)`), `decided_by` names the
    row and layer of its terms. `held` says that a person's hold gives the quantity. `sales` is what the
    customer is billed, `cost` ours at the line's unit cost, both a month and before tax (of a quarterly
    agreement a third of its invoice); None where it is not known. `feed` is the value at Sophos by currency.
    `agreement_id` is None where no agreement could be chosen. `declared` are the fields that `always` states
    and that differ. `months_without_usage` counts the closed months in a row that
    have nothing of the customer on Sophos's bill, as far as they are known: 2 is two or more, 0 is none, or a
    customer of whom a person has said when it ends.

    `starts` is the first billed day of a line that is created, `ends` the last one of a line that ends, of
    the old one where one takes over from another (`takes_over`, whose money is in `sales` and `cost` too).
    `price_source` says where the price of a new line comes from, `not_billed` what its day leaves unbilled.
    `serial` is the firewall's where each has a line of its own; `left_over` a line that no row speaks of any
    more. An invoice of its agreement covers `cycle_months` months. `given` is what an approval of the change
    says as its `given`, where one is asked for. `waits_for` is the key of the row to be settled first.
    """

    customer: str
    tenants: tuple[str, ...]
    company: str
    agreement_id: int | None
    agreement: str
    product: str
    line_id: int | None
    state: LineState
    reason: str
    before: Decimal | None = None
    after: Decimal | None = None
    included_before: Decimal = Decimal(0)
    included_after: Decimal = Decimal(0)
    unit_price: Decimal = Decimal(0)
    unit_cost: Decimal = Decimal(0)
    bill_customer: str = ""
    sales: Amount | None = None
    cost: Amount | None = None
    feed: Mapping[str, Decimal] = field(default_factory=dict)
    parts: str = ""
    decided_by: str = ""
    held: bool = False
    shadow: bool = False
    first_invoice: date | None = None
    period_type: str = ""
    last_writer: str = ""
    last_written: str = ""
    source: Location | None = None
    declared: tuple[FieldChange, ...] = ()
    months_without_usage: int = 0
    company_name: str = ""

    @property
    def billed_without_usage(self) -> bool:
        """Whether the customer is billed for a second month in a row of which Sophos's bill says nothing."""
        billed = self.sales is not None and cents(self.sales.before) != 0
        return billed and self.line_id is not None and self.months_without_usage >= MONTHS_TO_ASK

    starts: date | None = None
    ends: date | None = None
    takes_over: tuple[OldLine, ...] = ()
    price_source: str = ""
    not_billed: NotBilled | None = None
    serial: str = ""
    prorates: bool = False
    left_over: bool = False
    cycle_months: int = 1
    given: str = ""
    by_hand: ByHand | None = None
    waits_for: str = ""

    @property
    def is_repriced(self) -> bool:
        """Whether its product's own line on the agreement ends for it, at another price."""
        here = (self.agreement_id, identifier_key(self.product))
        return self.starts is not None and any(
            (old.agreement_id, identifier_key(old.product)) == here for old in self.takes_over
        )

    def but(self, **values: Any) -> PlannedLine:
        """The same line with other values; `replace` is too slow for the 200,000 lines of a large plan."""
        other = _of_values(_VALUES(self))
        for name, value in values.items():
            _SETTERS[name](other, value)
        return other

    @property
    def billed_until_now(self) -> str:
        """How the line is billed before this plan; `bill_customer` is how it is billed after it."""
        return next((one.before for one in self.declared if one.field == "billCustomer"), self.bill_customer)

    @property
    def open_lines(self) -> tuple[int, ...]:
        """The open lines whose units and money the row has: its own, and those that it takes over."""
        own = () if self.line_id is None else (self.line_id,)
        return (*own, *(old.line_id for old in self.takes_over))

    @property
    def units_now(self) -> Decimal | None:
        """The units of all of them as they stand; None where it has none."""
        own = Decimal(0) if self.line_id is None else self.before
        if own is None or not self.open_lines:
            return None
        return sum((old.quantity for old in self.takes_over), own)

    @property
    def who(self) -> str:
        """The customer with the ConnectWise company that is billed (`billed_as`)."""
        return billed_as(self.customer, self.company, self.company_name)

    @property
    def key(self) -> str:
        """Its natural key: `agreement/117/product/MSP-ENDPOINT`, the same as its change's target has."""
        place = f"agreement/{self.agreement_id}" if self.agreement_id else f"company/{self.company}"
        part = f"/{self.part}" if self.part else ""
        # The same escapes as `model.plan.product_key`.
        return f"{place}/product/{self.product.strip().replace('%', '%25').replace('/', '%2F')}{part}"

    @property
    def part(self) -> str:
        """What tells it from other lines of its product on its agreement (`model.plan.Target.part`)."""
        if self.serial:
            return f"serial/{self.serial}"
        return f"line/{self.line_id}" if self.left_over else ""

    def to_json(self) -> dict[str, Any]:
        """The form in plan files; money and quantities are decimal strings."""
        return {
            "key": self.key,
            "customer": self.customer,
            "tenants": list(self.tenants),
            "company": self.company,
            "companyName": self.company_name,
            "agreement": {"id": self.agreement_id, "name": self.agreement},
            "product": self.product,
            "line": self.line_id,
            "state": self.state.value,
            "reason": self.reason,
            "quantity": {"before": _quantity(self.before), "after": _quantity(self.after)},
            "included": {"before": plain(self.included_before), "after": plain(self.included_after)},
            "unitPrice": format(self.unit_price, "f"),
            "unitCost": format(self.unit_cost, "f"),
            "billCustomer": self.bill_customer,
            "sales": None if self.sales is None else self.sales.to_json(),
            "cost": None if self.cost is None else self.cost.to_json(),
            "feed": {currency: str(cents(amount)) for currency, amount in sorted(self.feed.items())},
            "parts": self.parts,
            "decidedBy": self.decided_by,
            "held": self.held,
            "shadow": self.shadow,
            "firstInvoice": None if self.first_invoice is None else self.first_invoice.isoformat(),
            "periodType": self.period_type,
            "lastWriter": self.last_writer,
            "lastWritten": self.last_written,
            "source": None if self.source is None else {"file": self.source.file, "line": self.source.line},
            "declared": [one.to_json() for one in self.declared],
            "monthsWithoutUsage": self.months_without_usage,
            "starts": None if self.starts is None else self.starts.isoformat(),
            "ends": None if self.ends is None else self.ends.isoformat(),
            "takesOver": [one.to_json() for one in self.takes_over],
            "priceSource": self.price_source,
            "notBilled": None if self.not_billed is None else self.not_billed.to_json(),
            "serial": self.serial or None,
            "prorates": self.prorates,
            "leftOver": self.left_over,
            "cycleMonths": self.cycle_months,
            "given": self.given or None,
            "byHand": None if self.by_hand is None else self.by_hand.to_json(),
            "waitsFor": self.waits_for or None,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> PlannedLine:
        """Read back what `to_json` wrote."""
        source = data["source"]
        return _built(
            customer=data["customer"],
            tenants=tuple(data["tenants"]),
            company=data["company"],
            company_name=data["companyName"],
            agreement_id=data["agreement"]["id"],
            agreement=data["agreement"]["name"],
            product=data["product"],
            line_id=data["line"],
            state=_STATES[data["state"]],
            reason=data["reason"],
            before=number_or_none(data["quantity"]["before"]),
            after=number_or_none(data["quantity"]["after"]),
            included_before=number(data["included"]["before"]),
            included_after=number(data["included"]["after"]),
            unit_price=number(data["unitPrice"]),
            unit_cost=number(data["unitCost"]),
            bill_customer=data["billCustomer"],
            sales=None if data["sales"] is None else Amount.from_json(data["sales"]),
            cost=None if data["cost"] is None else Amount.from_json(data["cost"]),
            feed={currency: number(amount) for currency, amount in data["feed"].items()},
            parts=data["parts"],
            decided_by=data["decidedBy"],
            held=data["held"],
            shadow=data["shadow"],
            first_invoice=_day(data["firstInvoice"]),
            period_type=data["periodType"],
            last_writer=data["lastWriter"],
            last_written=data["lastWritten"],
            source=None if source is None else Location(source["file"], source["line"]),
            declared=tuple(FieldChange.from_json(one) for one in data["declared"]),
            months_without_usage=data["monthsWithoutUsage"],
            starts=_day(data["starts"]),
            ends=_day(data["ends"]),
            takes_over=tuple(OldLine.from_json(one) for one in data["takesOver"]),
            price_source=data["priceSource"],
            not_billed=None if data["notBilled"] is None else NotBilled.from_json(data["notBilled"]),
            serial=data["serial"] or "",
            prorates=data["prorates"],
            left_over=data["leftOver"],
            cycle_months=data["cycleMonths"],
            given=data["given"] or "",
            by_hand=None if data["byHand"] is None else ByHand.from_json(data["byHand"]),
            waits_for=data.get("waitsFor") or "",
        )


_STATES = {state.value: state for state in LineState}
_SETTERS = {one.name: getattr(PlannedLine, one.name).__set__ for one in fields(PlannedLine)}
_VALUES = attrgetter(*_SETTERS)
_IN_ORDER = itemgetter(*_SETTERS)


def _of_values(values: tuple[Any, ...]) -> PlannedLine:
    """A line of the values of its fields, in their order."""
    line = object.__new__(PlannedLine)
    # one call in C for all fields; a frozen dataclass sets each in Python
    deque(map(call, _SETTERS.values(), repeat(line), values), maxlen=0)
    return line


def _built(**values: Any) -> PlannedLine:
    """A line of all its fields, in the time that `PlannedLine.but` takes. KeyError where one is missing."""
    return _of_values(_IN_ORDER(values))


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _quantity(number: Decimal | None) -> str | None:
    return None if number is None else plain(number)
