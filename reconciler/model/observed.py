"""What is there: typed rows of what ConnectWise and Sophos answered. They decide nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reconciler.model.identifiers import identifier_key

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from decimal import Decimal

    from reconciler.model.billing import Billing
    from reconciler.model.diagnostics import Diagnostic
    from reconciler.model.fields import Table, Value
    from reconciler.model.months import Month


@dataclass(frozen=True)
class CustomField:
    """One custom field of a record; ConnectWise shows each definition on every record."""

    id: int
    caption: str
    type: str
    value: Any


@dataclass(frozen=True)
class CatalogItem:
    """A ConnectWise product.

    `fields` holds the fields of `model.fields.CATALOG_FIELDS` that are set, normalised. `notes` is the
    internal text exactly as it stands, because everything in it but our tag belongs to people.
    """

    id: int
    identifier: str
    fields: Mapping[str, Value]
    notes: str = ""
    custom_fields: tuple[CustomField, ...] = ()
    last_updated: str = ""
    updated_by: str = ""

    @property
    def key(self) -> str:
        """The identifier as identifiers compare."""
        return identifier_key(self.identifier)

    def custom_field(self, caption: str) -> CustomField | None:
        """The custom field of that caption, compared as identifiers are."""
        wanted = identifier_key(caption)
        return next((f for f in self.custom_fields if identifier_key(f.caption) == wanted), None)

    def tag_text(self, caption: str | None) -> str:
        """The text that holds the tag: the notes, or the custom field of that caption."""
        if caption is None:
            return self.notes
        found = self.custom_field(caption)
        return str(found.value) if found is not None and found.value is not None else ""


@dataclass(frozen=True)
class CatalogEntry:
    """A ConnectWise product as a list for people shows it."""

    id: int
    identifier: str
    description: str
    product_class: str | None
    inactive: bool
    price: Decimal | None = None


@dataclass(frozen=True)
class SetupEntry:
    """One row of a set-up table; `parent` is what it stands under (a subcategory's category)."""

    id: int
    name: str
    parent: str = ""
    inactive: bool = False


@dataclass(frozen=True)
class Tenant:
    """A Sophos customer account. `billing_type` is `trial`, `term` or `usage` (monthly)."""

    id: str
    name: str
    show_as: str = ""
    billing_type: str = ""
    status: str = ""


@dataclass(frozen=True, slots=True)
class UsageLine:
    """One line of Sophos's bill.

    `tenant_id` is None where Sophos has not assigned the line to a customer (firewalls);
    `account_or_serial` is then the firewall's serial number. A window date that does not exist in the
    calendar is None. `unit_price` is Sophos's feed price, in `currency`, never ConnectWise's cost.
    """

    tenant_id: str | None
    product_code: str
    description: str
    group: str
    billable: Decimal
    actual: Decimal
    window_start: date | None
    window_end: date | None
    order_number: str
    order_line: str
    account_or_serial: str
    account_status: str = ""
    assigned_name: str = ""
    unit_price: Decimal | None = None
    currency: str = ""


@dataclass(frozen=True)
class UnreadableLine:
    """One line of Sophos's bill whose units cannot be counted; `problem` says why.

    `tenant_id` is None where its customer cannot be read either. The other texts are empty where they are
    not known; `name` is the customer's on the bill.
    """

    tenant_id: str | None
    product_code: str
    order_number: str
    order_line: str
    account_or_serial: str
    name: str
    problem: str

    @property
    def order(self) -> str:
        """The order line as people find it on the bill: `ORD-1/2`."""
        return "/".join(filter(None, (self.order_number, self.order_line))) or "without number"


@dataclass(frozen=True)
class UsageMonth:
    """Sophos's bill of one month; `lines` is None where Sophos has no data for it, which is not zero.

    `unreadable` are lines of the bill that are not among `lines`: no number of their tenants is complete.
    """

    month: Month
    lines: tuple[UsageLine, ...] | None
    unreadable: tuple[UnreadableLine, ...] = ()


@dataclass(frozen=True)
class FirewallLicence:
    """A firewall in the licence list; `billing_tenant_id` is None while it is assigned to no customer."""

    serial: str
    model: str
    billing_tenant_id: str | None
    tenant_id: str | None
    product_codes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Instance:
    """Which ConnectWise and which Sophos partner a plan is about."""

    connectwise_host: str
    connectwise_company: str
    sophos_partner: str

    def to_json(self) -> dict[str, str]:
        """The form in plan files."""
        return {
            "connectwiseHost": self.connectwise_host,
            "connectwiseCompany": self.connectwise_company,
            "sophosPartner": self.sophos_partner,
        }


@dataclass(frozen=True)
class Feed:
    """What Sophos says, read live or frozen in a file. `read_at` is ISO 8601; None parts were not read."""

    partner: str
    read_at: str
    tenants: tuple[Tenant, ...] | None
    usage: tuple[UsageMonth, ...]
    firewalls: tuple[FirewallLicence, ...] | None
    diagnostics: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True)
class Observed:
    """Everything a plan is computed from, besides the configuration and the day.

    `items` are the products that the configuration names and those that carry a marker, each once.
    `similar` are products whose identifiers resemble a named one that was not found. `tables` holds the
    set-up tables that rows refer to; one that could not be read is absent and said in `diagnostics`.
    `custom_fields` are the definitions that catalog items show, by caption key. `billing` is read only where
    usage is planned.

    The large parts are not in its repr: when an event loop ends, Python makes the repr of its main task with
    what the task returned, which takes seconds and hundreds of megabytes at a distributor's size.
    """

    instance: Instance
    items: tuple[CatalogItem, ...] = field(default=(), repr=False)
    similar: tuple[CatalogEntry, ...] = ()
    tables: Mapping[Table, tuple[SetupEntry, ...]] = field(default_factory=dict)
    custom_fields: Mapping[str, CustomField] = field(default_factory=dict)
    tenants: tuple[Tenant, ...] | None = field(default=None, repr=False)
    usage: tuple[UsageMonth, ...] = field(default=(), repr=False)
    firewalls: tuple[FirewallLicence, ...] | None = None
    usage_read_at: str | None = None
    billing: Billing | None = field(default=None, repr=False)
    diagnostics: tuple[Diagnostic, ...] = ()
