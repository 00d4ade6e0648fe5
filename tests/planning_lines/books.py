"""A customer's books as small tables, and what the plan makes of them.

Tables are written with `|` between cells; columns that are left out, and empty cells, take defaults.
Customers are written `<Alpha>` in YAML and `Alpha` in tables; both become a Sophos tenant id.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from reconciler.config.load import load
from reconciler.model import marker
from reconciler.model.billing import Agreement, Billing, Company, Line, Recap
from reconciler.model.identifiers import Id
from reconciler.model.months import Month
from reconciler.model.observed import CatalogItem, Instance, Observed, Tenant, UsageLine, UsageMonth
from reconciler.model.verdict import sums
from reconciler.planning.accounts.census import census_of
from reconciler.planning.line_plan import LinePlan, plan_lines
from reconciler.planning.products.homes import wanted_homes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from reconciler.model.census import Census
    from reconciler.model.change import Change
    from reconciler.model.desired import Desired
    from reconciler.model.diagnostics import Diagnostic

TODAY = date(2026, 11, 27)
NOVEMBER = Month(2026, 11)
OURS = "apirec"
SETTINGS = """
version: 1
settings: {mode: live, timeZone: Europe/Lisbon, connectwiseMember: apirec}
"""
#: One product, one row, one customer: what most stories start from.
ALPHA = """
mappings:
  EP: {product: MSP-EP, sync: true}
customers:
  <Alpha>: {name: Alpha, company: ALPHA, agreement: Managed, sync: true}
"""


def tenant_id(name: str) -> str:
    """A made-up Sophos tenant id, the same for the same name."""
    return f"{zlib.crc32(name.encode()):08x}-0000-4000-8000-000000000000"


def table(text: str) -> list[dict[str, str]]:
    """Rows of a table as dictionaries; empty cells are left out."""
    rows = [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines() if line.strip()]
    if not rows:
        return []
    head, *body = rows
    assert all(len(row) <= len(head) for row in body), "a row has more cells than the table has columns"
    return [{name: cell for name, cell in zip(head, row, strict=False) if cell} for row in body]


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def bill(text: str, month: Month = NOVEMBER) -> UsageMonth:
    """A month's bill: tenant, code, units; also actual, price, currency, from, to, order, serial."""
    lines = []
    for number, row in enumerate(table(text)):
        tenant = row.get("tenant")
        lines.append(
            UsageLine(
                tenant_id=None if tenant in (None, "-") else tenant_id(tenant),
                product_code=row["code"],
                description=row["code"] + " - 1-499 USERS",
                group="User",
                billable=Decimal(row["units"]),
                actual=Decimal(row.get("actual", row["units"])),
                window_start=_day(row.get("from")) or month.first_day,
                window_end=_day(row.get("to")) or date(month.year, month.month, 25),
                order_number=row.get("order", f"O-{number}"),
                order_line="1",
                account_or_serial=row.get("serial", "ACCOUNT"),
                unit_price=Decimal(row.get("price", "2.00")),
                currency=row.get("currency", "USD"),
            )
        )
    return UsageMonth(month, tuple(lines))


def company_id(identifier: str) -> int:
    """The made-up record id of a company that has agreements here."""
    return zlib.crc32(identifier.upper().encode())


def agreements(text: str) -> tuple[Agreement, ...]:
    """Agreements: id, company, and where wanted name, type, from, to, next, cycle, currency, places, …"""
    found = []
    for row in table(text):
        flags = row.get("flags", "")
        found.append(
            Agreement(
                id=int(row["id"]),
                name=row.get("name", "Managed"),
                type_id=1,
                type_name=row.get("type", "MSP"),
                company_id=company_id(row["company"]),
                company_identifier=row["company"],
                company_name=row["company"].title(),
                start=_day(row.get("from", "2024-01-01")),
                end=_day(row.get("to")),
                cancelled="cancelled" in flags,
                cancelled_on=_day(row.get("cancelled")),
                cycle="" if row.get("cycle") == "?" else row.get("cycle", "Monthly"),
                next_invoice=None if row.get("next") == "none" else _day(row.get("next", "2026-12-01")),
                currency=row.get("currency", "EUR"),
                currency_places=int(row.get("places", "2")),
                parent_id=int(row["parent"]) if "parent" in row else None,
                bill_to=row.get("payer", ""),
                one_time="one-time" in flags,
                prorate="prorate" in flags,
            )
        )
    return tuple(found)


@dataclass
class Books:
    """Everything that a plan is made from; tests change what their story is about.

    `others` are products that no row names, with their notes; their ids count from 501. Without `recaps`
    ConnectWise says of every agreement that nothing waits for its invoice. `base` is the YAML that this one
    replaces, where that is known.
    """

    folder: Path
    yaml: str = ALPHA
    settings: str = SETTINGS
    bill: UsageMonth | None = None
    last: UsageMonth | None = None
    older: tuple[UsageMonth, ...] = ()
    agreements: tuple[Agreement, ...] = ()
    lines: str = ""
    tenants: str | None = None
    recaps: dict[int, Recap] | None = None
    companies: tuple[Company, ...] | None = None
    unread: frozenset[int] = frozenset()
    notes: Mapping[str, str] = field(default_factory=dict)
    product_changes: tuple[Change, ...] = ()
    missing: frozenset[str] = frozenset()
    renamed: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    others: Mapping[str, str] = field(default_factory=dict)
    unattended: bool = False
    today: date = TODAY
    closed: bool = True
    base: str | None = None

    def desired(self) -> Desired:
        """The YAML as the tool reads it."""
        return self._loaded(self.yaml)

    def _loaded(self, yaml: str) -> Desired:
        text = self.settings + yaml
        for name in _names(text):
            text = text.replace(f"<{name}>", tenant_id(name))
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "a.yaml").write_text(text, encoding="utf-8")
        loaded = load(self.folder)
        assert loaded.desired is not None, [(d.code, d.message) for d in loaded.diagnostics]
        return loaded.desired

    def items(self, desired: Desired) -> tuple[CatalogItem, ...]:
        """Each product that a row or override names, its tag as applied. Ids count from 101 by name."""
        codes: dict[str, dict[str, bool]] = {}
        for target, row in wanted_homes(desired):
            own = codes.setdefault(_product(target), {})
            for code in row.codes:
                own.setdefault(code, row.sync)
        found = []
        for number, name in enumerate(sorted(codes)):
            own = codes[name]
            tag = self.notes.get(name, marker.write("", desired.settings.owner, own) if own else "")
            if name not in self.missing:
                identifier = self.renamed.get(name, name)
                fields = {"price": Decimal("4.50"), "cost": Decimal("2.00"), **self.fields.get(name, {})}
                found.append(CatalogItem(id=101 + number, identifier=identifier, fields=fields, notes=tag))
        for number, (name, notes) in enumerate(sorted(self.others.items()), 501):
            found.append(CatalogItem(id=number, identifier=name, fields={}, notes=notes))
        return tuple(found)

    def observed(self, desired: Desired) -> Observed:
        """What was read."""
        items = self.items(desired)
        ids = {item.identifier: item.id for item in items}
        by_agreement: dict[int, list[Line]] = {a.id: [] for a in self.agreements if a.id not in self.unread}
        for row in table(self.lines):
            line = _line(row, ids)
            by_agreement[line.agreement_id].append(line)
        if self.tenants is None:
            tenants = tuple(
                Tenant(c.tenant_id, c.name or "", billing_type="usage", status="active")
                for c in desired.customers
            )
        else:
            tenants = tuple(
                Tenant(
                    tenant_id(row["tenant"]),
                    row.get("name", row["tenant"]),
                    billing_type=row.get("type", "usage"),
                    status=row.get("status", "active"),
                )
                for row in table(self.tenants)
            )
        lines = {number: tuple(found) for number, found in by_agreement.items()}
        companies = _owners(self.agreements) if self.companies is None else self.companies
        recaps = self.recaps
        if recaps is None:
            recaps = {a.id: Recap(a.id, unbilled_periods=0) for a in self.agreements}
        billing = Billing(self.agreements, companies, lines, recaps)
        usage = tuple(one for one in (self.bill, self.last, *self.older) if one is not None)
        return Observed(Instance("h", "c", "p"), items=items, tenants=tenants, billing=billing, usage=usage)

    def plan(self, **changed: Any) -> Planned:
        """The plan of these books, with some of them changed."""
        books = replace(self, **changed) if changed else self
        desired = books.desired()
        made = Planned(
            plan_lines(
                desired,
                books.observed(desired),
                books.product_changes,
                today=books.today,
                month=books.bill,
                previous=books.last,
                closed=books.closed,
                unattended=books.unattended,
                base=None if books.base is None else books._loaded(books.base),
            )
        )
        made.add_up()
        return made


def _names(text: str) -> set[str]:
    return set(re.findall(r"<([A-Z]\w*)>", text))


def _owners(agreements: Iterable[Agreement]) -> tuple[Company, ...]:
    """The live companies of these agreements."""
    found = {a.company_id: Company(a.company_id, a.company_identifier, a.company_name) for a in agreements}
    return tuple(found.values())


def _product(target: Any) -> str:
    return "MSP-EP" if isinstance(target, Id) and target.value == 101 else str(target)


def _line(row: Mapping[str, str], ids: Mapping[str, int]) -> Line:
    product = row.get("product", "MSP-EP")
    return Line(
        id=int(row["id"]),
        agreement_id=int(row.get("on", "1")),
        product_id=ids.get(product, 900),
        product_identifier=product,
        quantity=Decimal(row["qty"]),
        less_included=Decimal(row.get("incl", "0")),
        unit_price=Decimal(row.get("price", "4.50")),
        unit_cost=Decimal(row.get("cost", "2.00")),
        bill_customer=row.get("bills", "Billable"),
        effective=_day(row.get("from", "2025-01-01")),
        cancelled=_day(row.get("to")),
        invoice_description=row.get("text", ""),
        serial_number=row.get("serial", ""),
        last_updated=row.get("written", "2026-10-27") + "T06:00:00Z",
        updated_by=row.get("by", OURS),
    )


@dataclass(frozen=True)
class Planned:
    """What came out, in forms that read well in a test."""

    plan: LinePlan

    @property
    def rows(self) -> list[str]:
        """`Alpha MSP-EP #11 more 20→25 90.00→112.50 EUR`, one per line of the plan."""
        return [
            f"{row.customer} {row.product} {_line_id(row.line_id)} {row.state.value} "
            f"{_number(row.before)}→{_number(row.after)}{_money(row.sales)}"
            for row in self.plan.lines
        ]

    @property
    def states(self) -> list[str]:
        """`Alpha MSP-EP more`."""
        return [f"{row.customer} {row.product} {row.state.value}" for row in self.plan.lines]

    @property
    def reason(self) -> str:
        """The one line's reason."""
        (row,) = self.plan.lines
        return row.reason

    @property
    def writes(self) -> list[str]:
        """`line 11 quantity 20→22`, `new MSP-EP on 1: 20 × 4.50 from 2026-12-01`; not what is held back."""
        return [_written(change) for change in self.plan.changes if not change.blocked]

    @property
    def codes(self) -> list[str]:
        """The codes of the diagnostics, sorted."""
        return sorted(d.code for d in self.plan.diagnostics)

    @property
    def accounts(self) -> dict[int, str]:
        """`{12: "left (onUnmap: keep)"}`: the account of each open line that concerns us."""
        assert self.plan.accounts is not None
        found = {one.line.line.id: one for one in self.plan.accounts.lines}
        assert len(found) == len(self.plan.accounts.lines) == self.plan.accounts.line_total
        assert sum(one.units for one in self.plan.accounts.units) == self.plan.accounts.unit_total
        return {
            number: one.account.value + (f" ({one.word})" if one.word else "")
            for number, one in sorted(found.items())
        }

    @property
    def units(self) -> dict[str, str]:
        """`{"billed": "20", "excluded (internal)": "7"}`: the units on the bill by their account."""
        assert self.plan.accounts is not None
        found: dict[str, Decimal] = {}
        for one in self.plan.accounts.units:
            name = one.account.value + (f" ({one.word})" if one.word else "")
            found[name] = found.get(name, Decimal(0)) + one.units
        return {name: _number(units) for name, units in sorted(found.items())}

    def add_up(self) -> None:
        """Each open line of the identity stands in one place of the plan, and units and money add up.

        Every story is held against this: rows with the lines that they take over, and lines beside them.
        """
        accounts = self.plan.accounts
        if accounts is None:
            return
        ids = [number for row in self.plan.lines for number in row.open_lines]
        ids += [line.line_id for line in accounts.apart]
        census = census_of(accounts, ())
        assert len(ids) == len(set(ids)), f"a line stands in two places: {sorted(ids)}"
        assert {one.line.line.id for one in accounts.lines} == set(ids), sorted(ids)
        assert len(ids) == census.line_total
        sales = [row.sales for row in self.plan.lines] + [line.sales for line in accounts.apart]
        shown = {one.currency: one.before for one in sums(sales) if one.before}
        assert shown == _not_nothing(census), (shown, census.lines)

    def apart(self, number: int) -> str:
        """The reason and the remedy of an open line that no row of the plan has."""
        assert self.plan.accounts is not None
        (line,) = [line for line in self.plan.accounts.apart if line.line_id == number]
        return f"{line.reason}. {line.remedy}"

    def said(self, code: str) -> str:
        """The message of the one diagnostic with this code."""
        (found,) = [d for d in self.plan.diagnostics if d.code == code]
        return f"{found.message} {found.remedy}"

    def diagnostic(self, code: str) -> Diagnostic:
        """The one diagnostic with this code."""
        (found,) = [d for d in self.plan.diagnostics if d.code == code]
        return found

    @property
    def notes(self) -> list[str]:
        """`customer Alpha 20 USD 40.00`."""
        return [
            f"{note.kind} {note.code} {note.quantity} "
            + " ".join(f"{currency} {amount}" for currency, amount in note.value.items())
            for note in self.plan.notes
        ]


def _not_nothing(census: Census) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for part in census.lines:
        for currency, amount in part.money.items():
            found[currency] = found.get(currency, Decimal(0)) + amount
    return {currency: amount for currency, amount in found.items() if amount}


def _written(change: Change) -> str:
    if change.starts_line:
        values = {one.field: one.after for one in change.fields}
        text = f"new {change.target.identifier} on {change.target.agreement}: "
        text += f"{values['quantity']} × {values['unitPrice']} from {values['effectiveDate']}"
        return text + (f" ({change.target.part})" if change.target.part else "")
    fields = ", ".join(f"{f.field} {f.before}→{f.after}" for f in change.fields)
    return f"line {change.target.id} {fields}"


def _line_id(number: int | None) -> str:
    return "no line" if number is None else f"#{number}"


def _number(number: Decimal | None) -> str:
    return "?" if number is None else format(number.normalize(), "f")


def _money(amount: Any) -> str:
    if amount is None:
        return ""
    data = amount.to_json()
    return f" {data['before']}→{data['after']} {data['currency']}"


def expect(planned: Planned, rows: str) -> None:
    """Compare the plan's rows with a text of one row a line."""
    wanted = [line.strip() for line in rows.strip().splitlines()]
    assert planned.rows == wanted, "\n".join(planned.rows)


def customers(names: Iterable[str], extra: str = "") -> str:
    """Rows for customers of these names, each with a company and agreement of its own."""
    rows = [
        f"  <{name}>: {{name: {name}, company: {name.upper()}, agreement: Managed, sync: true{extra}}}"
        for name in names
    ]
    return "customers:\n" + "\n".join(rows) + "\n"
