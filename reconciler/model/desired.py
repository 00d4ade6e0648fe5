"""What is wanted: the configuration as typed values, each knowing the line it came from.

The whole format is here, although this release acts on `settings`, `mappings`, `products`, `defaults` and
`protected` only; the other sections are read and checked, so that a file which is valid today stays valid.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from reconciler.model.diagnostics import Location

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from reconciler.model.fields import DeclaredValue
    from reconciler.model.identifiers import Selector

#: Stands where a value has no line in a file because nothing was written (defaults).
NOWHERE = Location("", 0, 0)
#: Stands for a moment that was refused: nothing was written before it.
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class LineChangeGuard:
    """Withholds the change of one line: more than `units` and `percent`, or more than `money` a month."""

    units: Decimal
    percent: Decimal
    money: Decimal


@dataclass(frozen=True)
class RunChangeGuard:
    """Stops the run: more percent of lines or of money than this, once there are `floor` lines."""

    lines: Decimal
    money: Decimal
    floor: int


@dataclass(frozen=True)
class MostChanges:
    """Stops the run: more than `count` changes of one action, or more than `percent` of what there is.

    `action` is a plan's (`create_line`). What there is are the lines that are counted or the site's products;
    the percentage counts once there are `floor` of them.
    """

    action: str
    count: int
    percent: Decimal
    floor: int


@dataclass(frozen=True)
class TotalGuard:
    """Stops the run: the monthly total of a currency rises or drops by more percent than this.

    Once there are `floor` lines. `money` has further limits by currency, up and down, without a floor.
    """

    rise: Decimal
    drop: Decimal
    floor: int
    money: tuple[tuple[str, Decimal], ...] = ()


@dataclass(frozen=True)
class UnknownGuard:
    """Stops the run: so many customers at once, and so much of them, carry what nobody can read or knows."""

    customers: int = 3
    percent: Decimal = Decimal(5)


@dataclass(frozen=True)
class Guards:
    """The limits; None is "off", which is a reviewed decision. Actions without a limit are off as well."""

    line_change: LineChangeGuard | None
    line_to_zero: bool
    feed_tenants_percent: Decimal | None
    product_to_zero_customers: int | None
    run_change: RunChangeGuard | None
    max_plan_age_days: int | None
    most_changes: tuple[MostChanges, ...] = ()
    total: TotalGuard | None = None
    unknown_values: UnknownGuard | None = UnknownGuard()


@dataclass(frozen=True)
class Settings:
    """The site's own rules; the defaults are those of the configuration reference.

    `on_unmap_said` is where `onUnmap` stands; None where it is the default.
    """

    owner: str
    mode: str
    time_zone: str
    connectwise_member: str | None
    on_zero_usage: str
    on_unmap: str
    on_drift: str
    new_lines: str
    marker_custom_field: str | None
    currency: str | None
    guards: Guards
    homes: str = "free"
    location: Location = NOWHERE
    on_unmap_said: Location | None = None


@dataclass(frozen=True)
class Row:
    """One row under `mappings`: what a Sophos product is billed as.

    Either `targets` (one or several ConnectWise products, in the order written) or `exclude` (the reason
    why it is deliberately not billed, until `until` where given). `also_known_as` are codes that Sophos
    uses, or will use, for the same product; `together` (`sum`, `max`) says how their units on one bill make
    one number, None that nobody has said it. Without `sync_said` the row says nothing of `sync`, which then
    is off.
    """

    code: str
    targets: tuple[Selector, ...]
    sync: bool
    location: Location
    exclude: str | None = None
    until: date | None = None
    also_known_as: tuple[str, ...] = ()
    sync_said: bool = True
    together: str | None = None

    @property
    def codes(self) -> tuple[str, ...]:
        """The product code and the codes that Sophos replaced it by."""
        return (self.code, *self.also_known_as)


@dataclass(frozen=True)
class Product:
    """One entry under `products`: a ConnectWise product that this repository creates and edits.

    `fields` holds declared fields only, by ConnectWise's own names, normalised; None is an explicit
    `null`. `custom_fields` are by caption.
    """

    identifier: str
    fields: Mapping[str, DeclaredValue]
    custom_fields: Mapping[str, Any]
    location: Location
    field_locations: Mapping[str, Location] = field(default_factory=dict)
    renamed_from: str | None = None
    replaces: tuple[str, ...] = ()
    line_price: str | None = None

    def where(self, name: str) -> Location:
        """The line that declares a field, or the entry's own."""
        return self.field_locations.get(name, self.location)


@dataclass(frozen=True)
class Example:
    """A unit test of billing policy: this usage per Sophos code gives this quantity."""

    given: Mapping[str, Decimal]
    expect: Decimal
    location: Location


@dataclass(frozen=True)
class LineTerms:
    """How a product is counted and billed on an agreement; None is "not said here".

    Under `lines` for a product, or under a customer's `lines`, where it stands key by key over the
    product's.
    """

    product: Selector
    location: Location
    count: str | None = None
    quantity: str | None = None
    blocks_of: Decimal | None = None
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    included: Decimal | None = None
    per_serial: bool | None = None
    take: str | None = None
    when_new: Mapping[str, Any] = field(default_factory=dict)
    always: Mapping[str, Any] = field(default_factory=dict)
    examples: tuple[Example, ...] = ()
    line: int | None = None
    fixed: tuple[int, ...] = ()


@dataclass(frozen=True)
class AgreementSelector:
    """Which agreement: by name, by id or by type; exactly one of them is given."""

    name: str | None = None
    id: int | None = None
    type: str | None = None


@dataclass(frozen=True)
class Origin:
    """Where a customer was billed before: on which agreement, of which company; one of them may be absent.

    An agreement's name or type without a company is one of the customer's own company.
    """

    company: Selector | None = None
    agreement: AgreementSelector | None = None


@dataclass(frozen=True)
class Override:
    """One customer's own way for a Sophos product: other products, another agreement, or none at all."""

    code: str
    location: Location
    targets: tuple[Selector, ...] = ()
    agreement: AgreementSelector | None = None
    exclude: str | None = None
    until: date | None = None


@dataclass(frozen=True)
class Customer:
    """One row under `customers`, keyed by Sophos tenant id in lower case, defaults already filled in.

    `restart` are the ended lines, by id, whose usage is to be billed again by a new line.
    Without `sync_said` neither the row nor the defaults say anything of `sync`, which then is off.
    `open_lines` says what becomes of lines that are open although the row excludes or does not sync.
    `name_differs` is a person's word that the company is the right one although its name is another.
    """

    tenant_id: str
    location: Location
    name: str | None = None
    company: Selector | None = None
    agreement: AgreementSelector | None = None
    sync: bool = False
    mode: str | None = None
    exclude: str | None = None
    until: date | None = None
    overrides: tuple[Override, ...] = ()
    lines: tuple[LineTerms, ...] = ()
    firewalls: tuple[str, ...] = ()
    moved_from: Origin | None = None
    open_lines: str | None = None
    ended: date | None = None
    restart: tuple[int, ...] = ()
    start: str | None = None
    sync_said: bool = True
    name_differs: bool = False


@dataclass(frozen=True)
class Hold:
    """A person's word against the feed, with an end."""

    customer: str
    product: str
    quantity: Decimal
    reason: str
    until: date
    location: Location


@dataclass(frozen=True)
class Approval:
    """A person's yes to a change that a guard withheld; names the change, not a hash.

    It covers a line only while that was last written at or before `given`, so that it works once.
    """

    customer: str
    product: str
    before: Decimal
    up_to: Decimal
    given: datetime
    reason: str
    until: date
    location: Location


@dataclass(frozen=True)
class Protected:
    """A product or a company from which nothing may be taken away; outlives the rows it protects."""

    kind: str  # "product" | "customer"
    key: str  # as identifiers compare
    text: str
    location: Location


@dataclass(frozen=True)
class Desired:
    """One site's whole configuration, from all its files, in the order of their keys."""

    settings: Settings
    rows: tuple[Row, ...]
    products: tuple[Product, ...]
    lines: tuple[LineTerms, ...] = ()
    customers: tuple[Customer, ...] = ()
    holds: tuple[Hold, ...] = ()
    approvals: tuple[Approval, ...] = ()
    protected: tuple[Protected, ...] = ()
