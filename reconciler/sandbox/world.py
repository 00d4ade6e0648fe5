"""What the two made-up systems hold: rows of JSON-like dicts by table, and builders to add them.

Rows may be changed in place at any time; nothing is cached from them. A row leaves out what is at its default
(:attr:`reconciler.sandbox.schema.Resource.defaults`), so that 100,000 catalog items stay small.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reconciler.sandbox.billing import Schedule, cycle_of, day_of
from reconciler.sandbox.identity import (
    PARTNER_ID,
    Member,
    SophosClient,
    known_clients,
    known_members,
    made_up_id,
)
from reconciler.sandbox.parts import currency, first_of_next_month, licence, midnight, usage_line
from reconciler.sandbox.schema import RESOURCES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

Row = dict[str, Any]


@dataclass
class World:
    """The store behind both APIs. `today` is the day it is there, unless the application gets a clock."""

    today: date
    login_company: str = "harbourlight"
    company_name: str = "Harbourlight IT"
    token_lifetime: int = 3600
    tables: dict[str, dict[int, Row]] = field(
        default_factory=lambda: {name: {} for name in (*RESOURCES, "invoices")}
    )
    price_schedules: dict[str, dict[int, float]] = field(default_factory=dict)
    custom_fields: dict[str, list[Row]] = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=known_members)
    sophos_clients: list[SophosClient] = field(default_factory=known_clients)
    tenants: list[Row] = field(default_factory=list)
    usage: dict[tuple[int, int], list[Row]] = field(default_factory=dict)
    firewalls: list[Row] = field(default_factory=list)
    licences: dict[str, list[Row]] = field(default_factory=dict)
    #: The day on which an addition was created over the API, by its id.
    entered: dict[int, date] = field(default_factory=dict)
    _last_id: dict[str, int] = field(default_factory=dict)
    _additions_by_agreement: dict[int, list[int]] = field(default_factory=dict)

    # --- rows in general

    def next_id(self, table: str) -> int:
        """The id of the next row; ids only ever rise, so a table's rows stay in the order of their ids."""
        self._last_id[table] = self._last_id.get(table, 0) + 1
        return self._last_id[table]

    def insert(self, table: str, row: Row) -> Row:
        """Adds a row as it is, with the next id (or its own, which must be larger than all before)."""
        wanted = row.get("id")
        if wanted is None:
            row = {"id": self.next_id(table), **row}
        elif wanted in self.tables[table] or wanted < self._last_id.get(table, 0):
            raise ValueError(f"{table}: id {wanted} is taken or below an earlier one")
        else:
            self._last_id[table] = wanted
        self.tables[table][row["id"]] = row
        if table == "additions":
            self._additions_by_agreement.setdefault(row["agreementId"], []).append(row["id"])
        return row

    def rows(self, table: str) -> Iterator[Row]:
        return iter(self.tables[table].values())

    def find(self, table: str, **wanted: Any) -> Row:
        """The first row with these values. Raises KeyError when there is none."""
        for row in self.rows(table):
            if all(row.get(name) == value for name, value in wanted.items()):
                return row
        raise KeyError(f"no row in {table} with {wanted}")

    def reference(self, table: str, wanted: int | str) -> Row:
        """A reference to a row by its id, or by its identifier or name (the first of that name)."""
        row = self.tables[table].get(wanted) if isinstance(wanted, int) else None
        if isinstance(wanted, str):
            row = next((r for r in self.rows(table) if wanted in (r.get("identifier"), r.get("name"))), None)
        if row is None:
            raise KeyError(f"no row {wanted!r} in {table}")
        return {part: row[part] for part in RESOURCES[table].parts if part in row}

    def info(self, member: str = "seeduser", moment: str | None = None) -> Row:
        stamp = moment or f"{self.today.replace(day=1).isoformat()}T08:00:00Z"
        return {"lastUpdated": stamp, "updatedBy": member, "dateEntered": stamp}

    # --- look-ups that tests use

    def catalog_item(self, identifier: str) -> Row:
        """The catalog item with exactly this identifier. Raises KeyError when there is none."""
        return self.find("catalog", identifier=identifier)

    def company(self, identifier: str) -> Row:
        return self.find("companies", identifier=identifier)

    def agreement(self, number: int) -> Row:
        return self.tables["agreements"][number]

    def agreements_of(self, company_identifier: str) -> list[Row]:
        number = self.company(company_identifier)["id"]
        return [row for row in self.rows("agreements") if row["company"]["id"] == number]

    def addition(self, number: int) -> Row:
        return self.tables["additions"][number]

    def additions_of(self, agreement: int) -> list[Row]:
        """The additions of an agreement, in the order of their ids; deleted ones are left out."""
        table = self.tables["additions"]
        numbers = self._additions_by_agreement.get(agreement, ())
        return [table[number] for number in numbers if number in table]

    def tenant(self, name_or_id: str) -> Row:
        for row in self.tenants:
            if name_or_id in (row["id"], row["name"]):
                return row
        raise KeyError(f"no tenant {name_or_id!r}")

    # --- builders: ConnectWise

    def add_named(self, table: str, name: str, **fields: Any) -> Row:
        """Adds a row to a set-up table (categories, types, …); `category` may be an id or a name."""
        if "category" in fields and not isinstance(fields["category"], dict):
            fields["category"] = self.reference("categories", fields["category"])
        return self.insert(table, {"name": name, "_info": self.info(), **fields})

    def add_custom_field(self, table: str, number: int, caption: str, **fields: Any) -> Row:
        definition = {"id": number, "caption": caption, "type": "Text", "entryMethod": "EntryField"}
        definition |= {
            "numberOfDecimals": 0,
            "connectWiseId": made_up_id(f"custom-{table}-{number}"),
            **fields,
        }
        self.custom_fields.setdefault(table, []).append(definition)
        return definition

    def add_catalog_item(self, identifier: str, **fields: Any) -> Row:
        """Adds a catalog item. References (subcategory, type, …) may be ids, names or whole dicts.

        What is not given gets an Agreement-class item's believable value; `subcategory` and `type` default to
        the first row of their tables.
        """
        row: Row = {
            "identifier": identifier,
            "description": fields.get("description", identifier)[:60],
            "customerDescription": fields.get("description", identifier),
            "productClass": "Agreement",
            "price": 0.0,
            "cost": 0.0,
            "taxableFlag": False,
            "inactiveFlag": False,
            "subcategory": next(self.rows("subcategories"))["id"],
            "type": next(self.rows("types"))["id"],
            "unitOfMeasure": next(self.rows("unitOfMeasures"))["id"],
            **fields,
        }
        for name in ("subcategory", "type", "unitOfMeasure", "manufacturer"):
            if name in row and not isinstance(row[name], dict):
                table = RESOURCES["catalog"].fields[name].table or name
                row[name] = self.reference(table, row[name])
        row["category"] = dict(self.tables["subcategories"][row["subcategory"]["id"]]["category"])
        return self.insert("catalog", {**row, "_info": fields.get("_info", self.info())})

    def add_company(self, identifier: str, name: str | None = None, **fields: Any) -> Row:
        row = {"identifier": identifier, "name": (name or identifier)[:50], "deletedFlag": False}
        if "status" not in fields and self.tables["companyStatuses"]:
            row["status"] = self.reference("companyStatuses", next(self.rows("companyStatuses"))["id"])
        return self.insert("companies", {**row, "types": [], "_info": self.info(), **fields})

    def add_price(self, company_identifier: str, schedule: str, product: str, price: float) -> None:
        """Puts the company on a pricing schedule, and the product's price into that schedule."""
        prices = self.price_schedules.setdefault(schedule, {})
        prices[self.catalog_item(product)["id"]] = price
        number = list(self.price_schedules).index(schedule) + 1
        self.company(company_identifier)["pricingSchedule"] = {"id": number, "name": schedule}

    def add_agreement(self, company: str | int, name: str = "Managed Security", **fields: Any) -> Row:
        """Adds an active monthly agreement; `type`, `billingCycle`, `parentAgreement` may be ids or names."""
        owner = self.reference("companies", company)
        first = f"{self.today.year - 1}-01-01T00:00:00Z"
        row: Row = {
            "name": name,
            "type": "Managed Security",
            "company": owner,
            "billToCompany": dict(owner),
            "contact": {"id": 1, "name": "Accounts Payable"},
            "startDate": first,
            "noEndingDateFlag": "endDate" not in fields,
            "cancelledFlag": False,
            "billingCycle": "Monthly",
            "billStartDate": first,
            "nextInvoiceDate": first_of_next_month(self.today),
            "prorateFlag": False,
            "periodType": "Current",
            "agreementStatus": "Active",
            "currency": currency("EUR"),
            **fields,
        }
        for field_name, table in (("type", "agreementTypes"), ("billingCycle", "billingCycles")):
            if not isinstance(row[field_name], dict):
                row[field_name] = self.reference(table, row[field_name])
        if isinstance(row.get("parentAgreement"), int):
            row["parentAgreement"] = self.reference("agreements", row["parentAgreement"])
        if first_day := day_of(row.get("nextInvoiceDate")):
            # Without its own word, an agreement goes by the calendar where its date is one of the calendar's.
            period = Schedule(cycle_of(self, row), first_day.day, by_calendar=True).period(first_day)
            by_calendar = period is None or period.days == period.whole
            row.setdefault("invoicingCycle", "CalendarYear" if by_calendar else "ContractYear")
        row = self.insert("agreements", {**row, "_info": fields.get("_info", self.info())})
        recap = {
            "id": row["id"],
            "unbilledPeriods": 0,
            "lastInvoiceNumber": str(4000 + row["id"]),
            "lastInvoiceDate": midnight(self.today.replace(day=1)),
        }
        self.insert("recaps", recap)
        return row

    def add_addition(self, agreement: int, product: str | int, quantity: float = 1.0, **fields: Any) -> Row:
        """Adds a line to an agreement; price, cost, tax and text come from the catalog item unless given."""
        item = self.tables["catalog"][product] if isinstance(product, int) else self.catalog_item(product)
        start = self.agreement(agreement)["billStartDate"]
        row = {
            "product": {"id": item["id"], "identifier": item["identifier"]},
            "quantity": float(quantity),
            "lessIncluded": 0.0,
            "unitPrice": item.get("price", 0.0),
            "unitCost": item.get("cost", 0.0),
            "billCustomer": "Billable",
            "effectiveDate": start,
            "taxableFlag": item.get("taxableFlag", False),
            "invoiceDescription": item["customerDescription"],
            "agreementId": agreement,
            "_info": self.info(),
            **fields,
        }
        return self.insert("additions", row)

    # --- builders: Sophos

    def add_tenant(self, name: str, *, tenant_id: str | None = None, **fields: Any) -> Row:
        """Adds an active monthly customer. `apiHost=None` leaves the key out, as where not yet activated."""
        row: Row = {
            "id": tenant_id or made_up_id(f"tenant-{name}"),
            "showAs": name,
            "name": name,
            "dataGeography": "IE",
            "dataRegion": "eu01",
            "billingType": "usage",
            "partner": {"id": PARTNER_ID},
            "apiHost": "https://api-eu01.central.example.com",
            "status": "active",
            "products": [],
            "externalIds": [],
            **fields,
        }
        row = {key: value for key, value in row.items() if value is not None}
        self.tenants.append(row)
        return row

    def add_usage_line(
        self, month: tuple[int, int], tenant: str | None, code: str, quantity: float, **fields: Any
    ) -> Row:
        """Adds a line to a month's bill; `tenant` is a name or id, None for a line without a tenant."""
        owner = self.tenant(tenant) if tenant is not None else None
        lines = self.usage.setdefault(month, [])
        row = usage_line(month, owner, code, quantity, len(lines) + 1, self.company_name)
        row |= fields
        lines.append({key: value for key, value in row.items() if value is not None})
        return lines[-1]

    def add_firewall(
        self, serial: str, *, billing_tenant: str | None, tenant: str | None = None, **fields: Any
    ) -> Row:
        """Adds a firewall with its licences; `billing_tenant=None` is one whose licence nobody was given."""
        row: Row = {
            "serialNumber": serial,
            "owner": {"id": PARTNER_ID, "type": "partner"},
            "partner": {"id": PARTNER_ID},
            "tenant": {"id": self.tenant(tenant)["id"]} if tenant else {},
            "model": "XGS 116",
            "modelType": "hardware",
            "lastSeenAt": f"{self.today.isoformat()}T06:00:00.000Z",
            "licenses": [licence("xg_email_std", "Firewall e-mail standard", 1, self.today, f"fw-{serial}")],
        }
        if billing_tenant is not None:
            row["billingTenant"] = {"id": self.tenant(billing_tenant)["id"]}
        self.firewalls.append(row | fields)
        return self.firewalls[-1]

    def add_licence(self, tenant: str, code: str, count: int, **fields: Any) -> Row:
        owner = self.tenant(tenant)
        row = licence(code, code, count, self.today, f"{owner['id']}-{code}") | fields
        self.licences.setdefault(owner["id"], []).append(row)
        return row
