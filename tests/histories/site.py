"""A small MSP whose mappings are data: its sandbox, its rows, and the member that writes for us."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from reconciler.sandbox.app import create_app
from reconciler.sandbox.invoicing import make_invoices
from reconciler.sandbox.seed import empty_world
from reconciler.sandbox.server import environment
from tests.histories.direct import Direct
from tests.planning_lines.books import tenant_id
from tests.support import URL, Said, Site

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.sandbox.world import Row, World

Document = dict[str, Any]

OURS, PERSON = "apirec", "jdoe"
TODAY = date(2026, 11, 27)
GUARDS_OFF = dict.fromkeys(
    ("lineChange", "lineToZero", "feedTenants", "productToZero", "runChange", "mostChanges", "total"), "off"
)


def following(day: date, months: int = 1) -> date:
    """The first of the month that is so many months after the day's."""
    month = day.year * 12 + day.month - 1 + months
    return date(month // 12, month % 12 + 1, 1)


@dataclass
class Msp(Site):
    """The site of a history. `document` is what its one YAML file says.

    Sophos closes a month on the 25th; runs are on the 27th and after, and `invoice_day` is the first of the
    next month. Every look at the sandbox's clock is a second later than the one before.
    """

    root: Path = field(kw_only=True)
    world: World = field(default_factory=lambda: empty_world(TODAY))
    today: date = TODAY
    invoice_day: date = date(2026, 12, 1)
    document: Document = field(default_factory=dict)
    ticks: int = 0

    def __post_init__(self) -> None:
        self.app = create_app(self.world, quirks=self.quirks, clock=self.clock)
        self.direct = self.transport = Direct(self.app.state.site)
        self.folder = self.root / "mappings"
        self.environ = environment(URL, member=self.member)
        self.document = {
            "version": 1,
            "settings": {"mode": "live", "timeZone": "Europe/Lisbon", "connectwiseMember": OURS},
            "mappings": {},
            "customers": {},
        }

    def clock(self) -> datetime:
        """Nine in the morning of the history's day, a second later at each look."""
        self.ticks += 1
        start = datetime(self.today.year, self.today.month, self.today.day, 9, tzinfo=UTC)
        return start + timedelta(seconds=self.ticks)

    # --- the months

    @property
    def month(self) -> tuple[int, int]:
        """The newest month that Sophos has closed."""
        return self.today.year, self.today.month

    @property
    def last_month(self) -> tuple[int, int]:
        """The month before it."""
        before = following(self.today, -1)
        return before.year, before.month

    def units(self, month: tuple[int, int]) -> dict[tuple[str, str], int]:
        """The units of each tenant (by name) and code on a month's bill."""
        found: dict[tuple[str, str], int] = {}
        for line in self.world.usage.get(month, ()):
            seat = (line["assignedAccountIdentifier"], line["productCode"])
            found[seat] = found.get(seat, 0) + int(line["billableQuantity"])
        return found

    def set_units(self, month: tuple[int, int], units: dict[tuple[str, str], int]) -> None:
        """This is the month's bill, whole."""
        self.world.usage[month] = []
        for (tenant, code), number in units.items():
            if number:
                self.world.add_usage_line(month, tenant, code, float(number))

    # --- rows

    def row(self, tenant: str) -> Document:
        """A tenant's row under `customers`. Raises KeyError where it has none."""
        found: Document = self.document["customers"][tenant_id(tenant)]
        return found

    def tenants(self) -> list[str]:
        """The names of the tenants that have a row."""
        rows = self.document["customers"].values()
        return [row["name"] for row in rows]

    def write(self) -> None:
        """The document as the folder's one file; codes that share a product add up."""
        document = {key: value for key, value in self.document.items() if value != {}}
        rows = [*self.document["mappings"].values()]
        for row in self.document["customers"].values():
            rows += row.get("overrides", {}).values()
        products = sorted({row["product"] for row in rows if "product" in row})
        document["lines"] = {product: {"count": "sum"} for product in products}
        self.say(json.dumps(document))

    # --- lines

    def line(self, agreement: int, product: str, units: float, *, by: str = OURS) -> Row:
        """A line that somebody wrote now."""
        return self.world.add_addition(agreement, product, units, _info=self.stamp(by))

    def stamp(self, by: str = PERSON) -> Row:
        """Who wrote a record, and that it was now."""
        return self.world.info(by, self.clock().strftime("%Y-%m-%dT%H:%M:%SZ"))

    def lines(self) -> dict[int, Row]:
        """Every line as the server keeps it, by id."""
        return copy.deepcopy(self.world.tables["additions"])

    def is_open(self, line: Row) -> bool:
        """Whether the line may bill units on its agreement's next invoice, or later."""
        return bool(line["quantity"] > 0 and self.may_bill(line))

    def may_bill(self, line: Row) -> bool:
        """Whether the line is not over: also one without units, and one whose dates cannot be believed."""
        agreement = self.world.agreement(line["agreementId"])
        begins, ends = line.get("effectiveDate") or "", line.get("cancelledDate")
        if not ends:
            return True
        if ends < begins or not line["quantity"]:  # ended before it began: nobody knows what has units then
            return bool(line["quantity"]) or (ends > begins and ends >= (agreement["nextInvoiceDate"] or ""))
        return bool(ends >= (agreement.get("nextInvoiceDate") or ""))

    def invoices(self) -> dict[int, dict[str, int]]:
        """Make the invoices of the day; the units of each product, by agreement."""
        found: dict[int, dict[str, int]] = {}
        for invoice in make_invoices(self.app.state.site, self.invoice_day):
            units = found.setdefault(invoice["agreementId"], {})
            for line in invoice["lines"]:
                units[line["identifier"]] = units.get(line["identifier"], 0) + int(line["quantity"])
        return found

    # --- commands

    def run_apply(self, *options: str, source: Path | None = None) -> Said:
        """`apply --format json` of the folder or of a saved plan; it may bring nothing."""
        return self.run("apply", str(source or self.folder), *options, "--format", "json")

    def ask_plan(self, *options: str) -> Said:
        """`plan --format json` of the folder; it may bring nothing."""
        return self.run("plan", str(self.folder), "--format", "json", *options)

    def ask_ready(self) -> Said:
        """`ready` for the next invoice date."""
        return self.run("ready", "--invoice-date", self.invoice_day.isoformat(), "--dir", str(self.folder))
