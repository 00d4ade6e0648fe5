"""The lines that may still be billed, around an agreement: its company's, its parent's and its children's."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from reconciler.model.identifiers import identifier_key
from reconciler.model.money import plain
from reconciler.planning.customers.agreements import day_that_counts, last_day_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from reconciler.model.billing import Agreement, Billing, Company, Line


@dataclass(frozen=True, slots=True)
class Open:
    """A line that may be billed on the day that counts for its agreement, or later."""

    agreement: Agreement
    line: Line
    day: date

    @property
    def place(self) -> tuple[int, str]:
        """Its agreement, and its product as `planning.managed` keys it."""
        return self.agreement.id, f"#{self.line.product_id}"

    @property
    def text(self) -> str:
        """For people: `line #12 of MSP-OLD (20)`."""
        line = self.line
        return f"line #{line.id} of {line.product_identifier.strip()} ({plain(line.quantity)})"

    @property
    def company_text(self) -> str:
        """For people: `Alpha Ltd (ALPHA)`."""
        agreement = self.agreement
        return f"{agreement.company_name.strip()} ({agreement.company_identifier.strip()})"


class OpenLines:
    """Every open line of the companies that were read, by company and by agreement."""

    def __init__(self, billing: Billing, today: date) -> None:
        self._billing = billing
        self._today = today
        self._every: tuple[Open, ...] | None = None
        self._by_id = {agreement.id: agreement for agreement in billing.agreements}
        self._companies = {company.id: company for company in billing.companies}
        self._of_company: dict[int, list[Agreement]] = defaultdict(list)
        self._children: dict[int, list[Agreement]] = defaultdict(list)
        for agreement in sorted(billing.agreements, key=lambda one: one.id):
            self._of_company[agreement.company_id].append(agreement)
            if agreement.parent_id is not None:
                self._children[agreement.parent_id].append(agreement)

    def company_of(self, agreement: Agreement) -> Company | None:
        """The company of an agreement; None where it was not read."""
        return self._companies.get(agreement.company_id)

    def agreements_around(self, agreement: Agreement) -> list[Agreement]:
        """Its company's agreements that may be invoiced, its parent and its children, whosever they are."""
        found = {one.id: one for one in self._of_company[agreement.company_id]}
        found |= {one.id: one for one in self._children[agreement.id]}
        if agreement.parent_id in self._by_id:
            found[agreement.parent_id] = self._by_id[agreement.parent_id]
        return [one for _, one in sorted(found.items()) if self._may_be_invoiced(one)]

    def agreements_of(self, company: int) -> list[Agreement]:
        """The agreements of a company, by record id, that may be invoiced."""
        return [one for one in self._of_company.get(company, ()) if self._may_be_invoiced(one)]

    def every(self) -> tuple[Open, ...]:
        """The open lines of every agreement that may be invoiced, ordered by agreement and id."""
        if self._every is None:
            agreements = (self._by_id.get(number) for number in sorted(self._billing.lines))
            wanted = [one for one in agreements if one is not None and self._may_be_invoiced(one)]
            self._every = tuple(line for agreement in wanted for line in self.on(agreement))
        return self._every

    def around(self, agreement: Agreement) -> Iterator[Open]:
        """The open lines on the agreements around one (`agreements_around`)."""
        for one in self.agreements_around(agreement):
            yield from self.on(one)

    def on(self, agreement: Agreement) -> Iterator[Open]:
        """The open lines of one agreement."""
        day = day_that_counts(agreement, self._today)
        for line in sorted(self._billing.lines.get(agreement.id, ()), key=lambda one: one.id):
            if line.may_bill(day):
                yield Open(agreement, line, day)

    def just_ended(self, agreement: Agreement, others: Iterable[Agreement] = ()) -> Iterator[Open]:
        """The lines around an agreement, and on others, whose last day is the one before its next invoice."""
        day = day_that_counts(agreement, self._today)
        for one in (*self.agreements_around(agreement), *others):
            for line in self._billing.lines.get(one.id, ()):
                # one that was ended before it began has its own first day as its last one
                if line.cancelled == day - timedelta(days=1) or (line.never_bills and line.cancelled == day):
                    yield Open(one, line, day)

    def billed_from(self, agreement: Agreement, day: date) -> Iterator[Open]:
        """The lines with units around an agreement that are billed on the day or later."""
        for one in self.agreements_around(agreement):
            for line in self._billing.lines.get(one.id, ()):
                if line.may_bill(day) and line.quantity:
                    yield Open(one, line, day)

    def unread(self, agreement: Agreement) -> list[int]:
        """The agreements around it whose lines could not be read."""
        return [one.id for one in self.agreements_around(agreement) if one.id not in self._billing.lines]

    def renewed_by(self, agreement: Agreement) -> list[Agreement]:
        """The agreements that this one renews: of the same company, type and parent, followed by it.

        It begins after the last day of the other one, and at most `RENEWAL_GAP` days later. Where several
        pairs would fit, those of one name belong together, and nothing else renews either of them.
        """
        found = [one for one in self._of_company[agreement.company_id] if _follows(agreement, one)]
        same_name = [one for one in found if _same_name(one, agreement)]
        if same_name:
            return same_name
        return [one for one in found if not self._has_namesake(one)]

    def _has_namesake(self, old: Agreement) -> bool:
        others = self._of_company[old.company_id]
        return any(_same_name(one, old) and _follows(one, old) for one in others)

    def predecessors(self, agreement: Agreement, product_id: int, still_on: date | None = None) -> list[Line]:
        """The product's lines in force on the last days of the agreements that this one renews, newest first.

        With `still_on` only those of agreements that ran on that day.
        """
        found = [
            line
            for one in self.renewed_by(agreement)
            if (last := last_day_of(one)) is not None and (still_on is None or one.in_force(still_on))
            for line in self._billing.lines.get(one.id, ())
            if line.product_id == product_id and line.in_force(last)
        ]
        found.sort(key=lambda line: (line.effective is not None, line.effective, line.id), reverse=True)
        return found

    def _may_be_invoiced(self, agreement: Agreement) -> bool:
        return agreement.in_force(day_that_counts(agreement, self._today))


#: So many days after the last day of one agreement another may begin and still be its renewal. Whatever
#: begins later was agreed anew: nothing says that its prices go on.
RENEWAL_GAP = timedelta(days=31)


def _follows(agreement: Agreement, old: Agreement) -> bool:
    last = last_day_of(old)
    if agreement.start is None or last is None or agreement.id == old.id:
        return False
    if (old.type_id, old.parent_id) != (agreement.type_id, agreement.parent_id):
        return False
    return last < agreement.start <= last + RENEWAL_GAP


def _same_name(one: Agreement, other: Agreement) -> bool:
    return identifier_key(one.name) == identifier_key(other.name)
