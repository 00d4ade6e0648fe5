"""ConnectWise's side of a bill: agreements, their lines and when they are invoiced."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from reconciler.model.identifiers import identifier_key
from reconciler.model.money import USUAL_PLACES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal


#: The cycle of an agreement where the table of billing cycles may not be read, or is not there.
UNREAD_CYCLE = "(unread)"
#: The options that a billing cycle has in ConnectWise's API.
CYCLES = frozenset(
    {"BiMonthly", "BiWeekly", "Monthly", "NotRecurring", "Quarterly", "SemiAnnual", "Weekly", "Yearly"}
)
#: No line ended before this day: dates such as 1900-01-01 stand for "none" in many programs.
LONG_AGO = date(2000, 1, 1)


@dataclass(frozen=True)
class Agreement:
    """A ConnectWise agreement. Dates are calendar days; None is "not set".

    `end` is None while it has no end; `cancelled_on` is the day of a cancellation. `cycle` is the billing
    cycle's option (`Monthly`, `Quarterly`, `NotRecurring`, …; empty where it has none, UNREAD_CYCLE where it
    could not be read). `period_type` says which service period the next invoice covers (`Current`, `Future`,
    `Both`, `Undefined`). `currency_places` are the decimals of its currency (ISK has none).
    """

    id: int
    name: str
    type_id: int | None
    type_name: str
    company_id: int
    company_identifier: str
    company_name: str
    start: date | None = None
    end: date | None = None
    cancelled: bool = False
    cancelled_on: date | None = None
    cycle: str = ""
    bill_start: date | None = None
    next_invoice: date | None = None
    prorate: bool = False
    period_type: str = ""
    currency: str = ""
    currency_places: int = USUAL_PLACES
    parent_id: int | None = None
    parent_name: str = ""
    bill_to: str = ""
    one_time: bool = False

    @property
    def company_key(self) -> str:
        """Its company's identifier as identifiers compare."""
        return identifier_key(self.company_identifier)

    @property
    def next_day(self) -> date | None:
        """The day from which its next invoice bills, never before the billing start; None if none is set."""
        if self.next_invoice is None:
            return None
        return max(self.next_invoice, self.bill_start or self.next_invoice)

    def in_force(self, day: date) -> bool:
        """Whether it runs on that day."""
        if self.start is not None and day < self.start:
            return False
        if self.end is not None and day > self.end:
            return False
        return not self.cancelled or (self.cancelled_on is not None and day < self.cancelled_on)


@dataclass(frozen=True, slots=True)
class Line:
    """An agreement's line ("addition" in the API), first billed on `effective`, last on `cancelled`.

    The cancelled date is the last billed day, as vendors who sync into ConnectWise say (docs/unknowns.md).
    """

    id: int
    agreement_id: int
    product_id: int
    product_identifier: str
    quantity: Decimal
    less_included: Decimal
    unit_price: Decimal
    unit_cost: Decimal
    bill_customer: str
    effective: date | None = None
    cancelled: date | None = None
    invoice_description: str = ""
    serial_number: str = ""
    taxable: bool = False
    last_updated: str = ""
    updated_by: str = ""

    @property
    def product_key(self) -> str:
        """The product's identifier as identifiers compare."""
        return identifier_key(self.product_identifier)

    @property
    def is_free(self) -> bool:
        """Whether it charges nothing whatever its quantity: not *Billable*, or at a price of 0."""
        return self.bill_customer != "Billable" or not self.unit_price

    @property
    def never_bills(self) -> bool:
        """Whether it was ended before it began: with its first day as its last one, and without units."""
        if self.effective is None or self.cancelled is None or self.quantity:
            return False
        return self.cancelled <= self.effective

    @property
    def has_odd_end(self) -> bool:
        """Whether its last day lies before its first one, or in another century, and it has units.

        What a server makes of that is not known: it may bill the line on, or not at all.
        """
        if self.cancelled is None or not self.quantity:
            return False
        return self.cancelled < (self.effective or LONG_AGO) or self.cancelled < LONG_AGO

    def may_bill(self, day: date) -> bool:
        """Whether it is billed on that day or on a later one, as far as its dates can be believed."""
        if self.has_odd_end:
            return True
        return not self.never_bills and (self.cancelled is None or self.cancelled >= day)

    def bears(self, serial: str) -> bool:
        """Whether it says that it is of the firewall with this serial number, in its field or in its text."""
        if self.serial_number.strip().casefold() == serial.casefold():
            return True
        # as a word of its own: C012 is not in a text that speaks of C0123
        pattern = rf"(?<![A-Za-z0-9]){re.escape(serial)}(?![A-Za-z0-9])"
        return re.search(pattern, self.invoice_description, re.IGNORECASE) is not None

    def in_force(self, day: date) -> bool:
        """Whether it is billed on that day."""
        if self.never_bills:
            return False
        if self.effective is not None and day < self.effective:
            return False
        return self.cancelled is None or day <= self.cancelled


@dataclass(frozen=True)
class Recap:
    """An agreement's invoicing as ConnectWise sums it up; amounts in the agreement's currency."""

    agreement_id: int
    last_invoice: date | None = None
    last_amount: Decimal | None = None
    next_invoice: date | None = None
    next_amount: Decimal | None = None
    unbilled_periods: int | None = None


@dataclass(frozen=True)
class Company:
    """A ConnectWise company; a deleted one keeps its record, a merged one is gone.

    `types` are the names of its types (`Customer`, `Prospect`, …); none are known where it is empty.
    `pricing_schedule` names the schedule that ConnectWise prices its invoices by; "" where it has none.
    """

    id: int
    identifier: str
    name: str
    deleted: bool = False
    status: str = ""
    types: tuple[str, ...] = ()
    pricing_schedule: str = ""

    @property
    def key(self) -> str:
        """The identifier as identifiers compare."""
        return identifier_key(self.identifier)


@dataclass(frozen=True)
class Billing:
    """What ConnectWise bills the mapped customers by.

    `agreements` are all agreements of the mapped companies, whatever their state, and their parents and
    children, whosever those are. `companies` are the mapped companies, deleted ones too: one that is absent
    is not there, or cannot be seen. `lines` holds the lines of the agreements that may still be billed, or
    ended lately, by agreement id: one that is absent could not be read.
    `recaps` are by agreement id.
    """

    agreements: tuple[Agreement, ...]
    companies: tuple[Company, ...]
    lines: Mapping[int, tuple[Line, ...]]
    recaps: Mapping[int, Recap]
