"""The other verdict on a plan's lines: was it right, seen from what people did since."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from reconciler.model.billed_as import billed_as
from reconciler.model.identifiers import identifier_key
from reconciler.model.money import plain
from reconciler.model.verdict import rounded, source_json, sums

if TYPE_CHECKING:
    from decimal import Decimal

    from reconciler.model.census import Census
    from reconciler.model.diagnostics import Location
    from reconciler.model.lines import Amount


class Match(StrEnum):
    """How a line stands today, against what Sophos's bill said when the plan was made."""

    AGREED = "agreed"  # the line is as the bill says
    ANOTHER = "another number"  # neither as the bill says nor as it was: a person's, or a later plan's
    UNTOUCHED = "nobody changed"  # it should have changed and is as it was
    ENDED = "ended since"  # by a person, or because a later plan moved it on
    GONE = "line gone"
    NOT_COMPARED = "not compared"  # the plan had no number


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
    company: str = ""
    company_name: str = ""

    @property
    def who(self) -> str:
        """The customer with the company that is billed."""
        return billed_as(self.customer, self.company, self.company_name)

    def to_json(self) -> dict[str, Any]:
        """The form of `--format json`."""
        numbers = {"was": self.was, "bill": self.bill, "tool": self.tool, "line": self.line}
        return {
            "customer": self.customer,
            "company": self.company,
            "companyName": self.company_name,
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
    """An old plan against the lines of today, by customer; `census` is the old plan's."""

    planned: str
    month: str
    rows: tuple[ScoreRow, ...]
    census: Census | None = None

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
            "census": None if self.census is None else self.census.to_json(),
            "totals": [tally.to_json() for tally in self.tallies()],
            "customers": [
                {"customer": customer, "lines": [row.to_json() for row in rows]}
                for customer, rows in self.by_customer().items()
            ],
        }
