"""The census: the account of every open line that concerns us, and of every unit on Sophos's bill.

Two identities hold in every plan: the open lines that were read are as many as the accounts hold together,
and the units on the bill are as many as their accounts hold together.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from reconciler.model.diagnostics import Location
from reconciler.model.lines import Amount
from reconciler.model.money import plain

if TYPE_CHECKING:
    from collections.abc import Mapping


class LineAccount(StrEnum):
    """Where an open line stands in a plan."""

    IN_STEP = "in step"
    CHANGES = "changes"
    ENDS = "ends"
    MOVES = "moves"
    WAITS = "waits"  # for a person's decision
    LEFT = "left"  # as it is, because a word says so
    UNEXPLAINED = "unexplained"  # no row, no word and no change speaks of it


class UnitAccount(StrEnum):
    """Where a unit on Sophos's bill stands in a plan."""

    BILLED = "billed"
    INCLUDED = "included"
    SHADOW = "shadow"  # it would be billed if its mode were live
    EXCLUDED = "excluded"  # a row says why, or that it is not synced
    UNDECIDED = "undecided"  # its line waits for a decision
    NO_MAPPING = "no mapping"
    NO_CUSTOMER = "no customer row"
    NO_TENANT = "no tenant"  # a firewall that is assigned to no customer
    NOT_MONTHLY = "term or trial"


#: Accounts with which an invoice cannot be made.
OPEN_LINES = frozenset({LineAccount.WAITS, LineAccount.UNEXPLAINED})
OPEN_UNITS = frozenset({UnitAccount.UNDECIDED})


@dataclass(frozen=True)
class LinesIn:
    """The open lines of one account: how many, their units, and what they bill a month, per currency.

    `word` is the word of the configuration that leaves a line as it is; empty in the other accounts.
    """

    account: LineAccount
    word: str
    lines: int
    units: Decimal
    money: Mapping[str, Decimal] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The form in plan files."""
        return {
            "account": self.account.value,
            "word": self.word or None,
            "lines": self.lines,
            "units": plain(self.units),
            "money": {currency: format(amount, "f") for currency, amount in sorted(self.money.items())},
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> LinesIn:
        """Read back what `to_json` wrote."""
        money = {currency: Decimal(amount) for currency, amount in data["money"].items()}
        account = LineAccount(data["account"])
        return cls(account, data["word"] or "", data["lines"], Decimal(data["units"]), money)


@dataclass(frozen=True)
class UnitsIn:
    """The units of one account, and their value at Sophos's feed price, per currency.

    `word` says why units are excluded or undecided; empty in the other accounts.
    """

    account: UnitAccount
    word: str
    units: Decimal
    value: Mapping[str, Decimal] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The form in plan files."""
        return {
            "account": self.account.value,
            "word": self.word or None,
            "units": plain(self.units),
            "value": {currency: format(amount, "f") for currency, amount in sorted(self.value.items())},
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> UnitsIn:
        """Read back what `to_json` wrote."""
        value = {currency: Decimal(amount) for currency, amount in data["value"].items()}
        return cls(UnitAccount(data["account"]), data["word"] or "", Decimal(data["units"]), value)


@dataclass(frozen=True)
class LineApart:
    """An open line that no row of the plan has as its own, with its account and the reason for it.

    `row` is the key of the row that it stands beside: a fixed line, or one that waits for that row's answer;
    empty where no row speaks of it. `sales` is what it bills a month; `next_invoice` the next invoice date of
    its agreement, None where it has none. `source` is the row whose word it is, None where no row has to do
    with it. `remedy` says what to do.
    """

    line_id: int
    agreement_id: int
    agreement: str
    company: str
    company_name: str
    product: str
    quantity: Decimal
    account: LineAccount
    word: str
    reason: str
    remedy: str = ""
    sales: Amount | None = None
    next_invoice: date | None = None
    last_writer: str = ""
    last_written: str = ""
    source: Location | None = None
    row: str = ""

    @property
    def key(self) -> str:
        """Its natural key, and its subject in diagnostics."""
        return f"agreement/{self.agreement_id}/line/{self.line_id}"

    def to_json(self) -> dict[str, Any]:
        """The form in plan files."""
        return {
            "line": self.line_id,
            "agreement": {"id": self.agreement_id, "name": self.agreement},
            "company": self.company,
            "companyName": self.company_name,
            "product": self.product,
            "quantity": plain(self.quantity),
            "account": self.account.value,
            "word": self.word or None,
            "reason": self.reason,
            "remedy": self.remedy,
            "sales": None if self.sales is None else self.sales.to_json(),
            "nextInvoice": None if self.next_invoice is None else self.next_invoice.isoformat(),
            "lastWriter": self.last_writer,
            "lastWritten": self.last_written,
            "source": None if self.source is None else {"file": self.source.file, "line": self.source.line},
            "row": self.row or None,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> LineApart:
        """Read back what `to_json` wrote."""
        source, invoice = data["source"], data["nextInvoice"]
        return cls(
            line_id=data["line"],
            agreement_id=data["agreement"]["id"],
            agreement=data["agreement"]["name"],
            company=data["company"],
            company_name=data["companyName"],
            product=data["product"],
            quantity=Decimal(data["quantity"]),
            account=LineAccount(data["account"]),
            word=data["word"] or "",
            reason=data["reason"],
            remedy=data["remedy"],
            sales=None if data["sales"] is None else Amount.from_json(data["sales"]),
            next_invoice=None if invoice is None else date.fromisoformat(invoice),
            last_writer=data["lastWriter"],
            last_written=data["lastWritten"],
            source=None if source is None else Location(source["file"], source["line"]),
            row=data.get("row") or "",  # plans of older versions know none
        )


@dataclass(frozen=True)
class Census:
    """Both identities of a plan: of all lines that concern us, and of all units on the bill.

    `lines` and `units` hold the accounts that are not empty, in the order of their enums and by word.
    `line_total` and `unit_total` are counted from what was read and not from the accounts. `apart` are the
    lines that no row of the plan has as its own. `narrowed` says that these are of some customers or products
    alone, as the plan is; the accounts are always of the whole site.
    """

    line_total: int
    unit_total: Decimal
    lines: tuple[LinesIn, ...] = ()
    units: tuple[UnitsIn, ...] = ()
    apart: tuple[LineApart, ...] = ()
    narrowed: bool = False

    @property
    def closes(self) -> bool:
        """Whether every line and every unit has exactly one account."""
        lines = sum(part.lines for part in self.lines)
        return lines == self.line_total and sum(part.units for part in self.units) == self.unit_total

    def to_json(self) -> dict[str, Any]:
        """The form in plan files."""
        return {
            "lines": {"total": self.line_total, "accounts": [part.to_json() for part in self.lines]},
            "units": {"total": plain(self.unit_total), "accounts": [part.to_json() for part in self.units]},
            "apart": [line.to_json() for line in self.apart],
            "narrowed": self.narrowed,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Census:
        """Read back what `to_json` wrote."""
        return cls(
            line_total=data["lines"]["total"],
            unit_total=Decimal(data["units"]["total"]),
            lines=tuple(LinesIn.from_json(part) for part in data["lines"]["accounts"]),
            units=tuple(UnitsIn.from_json(part) for part in data["units"]["accounts"]),
            apart=tuple(LineApart.from_json(line) for line in data["apart"]),
            narrowed=data["narrowed"],
        )
