"""What a person has to do by hand because no plan writes it: invoices that exist, and months without one.

Once the plan is applied ConnectWise no longer shows it, so that the run's journal keeps it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from reconciler.model.counts import number_of
from reconciler.model.money import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Work(StrEnum):
    """What is to be done."""

    CORRECTION = "correction"  # an invoice was made with another number than its month's bill gives now
    LATE = "late"  # an invoice was made before its month's number was written
    NOT_BILLED = "not billed"  # months with usage from before the first day of a new line


@dataclass(frozen=True)
class ByHand:
    """One thing to do at one line, without a name of a customer.

    `line` is the record id, None of one that is created; `invoice` the one that was made, `months` those
    without one. `before` and `after` are the quantity that was invoiced and the one that the bill gives.
    `until` is the line's next invoice: afterwards nobody is reminded.
    """

    work: Work
    agreement: int
    product: str
    line: int | None
    amount: Decimal
    currency: str
    before: Decimal | None = None
    after: Decimal | None = None
    invoice: date | None = None
    months: tuple[str, ...] = ()
    until: date | None = None

    @property
    def text(self) -> str:
        """`the invoice of 2026-11-01 had 1 and its month's bill gives 2: 39.00 EUR to correct`."""
        money = f"{self.amount:f} {self.currency}"
        if self.work is Work.NOT_BILLED:
            return f"{' and '.join(self.months)} not billed by any invoice: {money}"
        had = "nothing of it" if self.before is None else plain(self.before)
        gives = "another number" if self.after is None else plain(self.after)
        return (
            f"the invoice of {self.invoice} had {had}, and its month's bill gives {gives}: {money} to correct"
        )

    def to_json(self) -> dict[str, Any]:
        """The form in journals and in plan files."""
        return {
            "work": self.work.value,
            "agreement": self.agreement,
            "product": self.product,
            "record": self.line,
            "amount": f"{self.amount:f}",
            "currency": self.currency,
            "before": None if self.before is None else plain(self.before),
            "after": None if self.after is None else plain(self.after),
            "invoice": None if self.invoice is None else self.invoice.isoformat(),
            "months": list(self.months),
            "until": None if self.until is None else self.until.isoformat(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ByHand:
        """Read back what `to_json` wrote."""
        return cls(
            Work(data["work"]),
            data["agreement"],
            data["product"],
            data["record"],
            Decimal(data["amount"]),
            data["currency"],
            _number(data["before"]),
            _number(data["after"]),
            _day(data["invoice"]),
            tuple(data["months"]),
            _day(data["until"]),
        )


_TOGETHER = {
    Work.CORRECTION: "to correct on invoices that exist",
    Work.LATE: "not on the invoices that exist already",
    Work.NOT_BILLED: "not billed by any invoice",
}


def together(works: Iterable[ByHand]) -> list[str]:
    """`Together not on the invoices that exist already, 3 lines: 22.50 EUR`, where there are several."""
    every, found = list(works), []
    for kind, what in _TOGETHER.items():
        own = [one for one in every if one.work is kind]
        sums: dict[str, Decimal] = {}
        for one in own:
            sums[one.currency] = sums.get(one.currency, Decimal(0)) + one.amount
        if len(own) > 1:
            money = " and ".join(
                f"{amount:,f} {currency}".rstrip() for currency, amount in sorted(sums.items())
            )
            found.append(f"Together {what}, {number_of(len(own), 'line')}: {money}")
    return found


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
