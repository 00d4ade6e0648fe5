"""A change: one reviewed step of a plan, and the record that it is about."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from reconciler.model.diagnostics import Location
from reconciler.model.field_change import FieldChange
from reconciler.model.lines import Amount
from reconciler.model.rests import NEXT_INVOICE, NO_RECORDS, LastWrite, RecordKind, Records, collected

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.model.rests import Signed


class Action(StrEnum):
    """What a change does.

    A move is two requests, and so two changes of this action: the old line ends, and then the new one starts.
    """

    CREATE_PRODUCT = "create_product"
    EDIT_PRODUCT = "edit_product"
    MAP_PRODUCT = "map_product"
    UNMAP_PRODUCT = "unmap_product"
    ENABLE_SYNC = "enable_sync"
    DISABLE_SYNC = "disable_sync"
    CREATE_LINE = "create_line"
    UPDATE_LINE = "update_line"
    END_LINE = "end_line"
    MOVE_LINE = "move_line"


#: The order of a run: stopping after any step bills too little for a moment rather than twice.
STAGES: dict[Action, int] = {
    Action.UPDATE_LINE: 0,
    Action.END_LINE: 0,
    Action.MOVE_LINE: 0,
    Action.UNMAP_PRODUCT: 1,
    Action.DISABLE_SYNC: 1,
    Action.CREATE_PRODUCT: 2,
    Action.EDIT_PRODUCT: 2,
    Action.MAP_PRODUCT: 3,
    Action.ENABLE_SYNC: 3,
    Action.CREATE_LINE: 4,
}
#: Where a line that starts, or bills more than before, comes instead of first.
RAISES = 4
#: Actions that are about an agreement's line.
OF_LINES = frozenset({Action.CREATE_LINE, Action.UPDATE_LINE, Action.END_LINE, Action.MOVE_LINE})


class Cause(StrEnum):
    """Whether the change belongs to the reviewed commit, or would be planned without it as well and waits.

    What waits is shown and not written by the commit's plan.
    """

    THIS_CHANGE = "this change"
    WAITING = "waiting"


SYNC_ON = "sync on"
SYNC_OFF = "sync off"
MAPPING_PREFIX = "sophos/"
CUSTOM_FIELD_PREFIX = "customFields/"


def sync_text(sync: bool | None) -> str | None:
    """A mapping's state as `FieldChange` writes it; None is "not mapped"."""
    if sync is None:
        return None
    return SYNC_ON if sync else SYNC_OFF


@dataclass(frozen=True)
class Target:
    """The ConnectWise record that a change is about; `id` is None while it is to be created.

    A product, or (with `agreement`, its record id) that product's line on the agreement; `id` is then the
    line's. `part` tells lines of one product on one agreement apart, where several are meant to be there:
    `serial/C0123` for a firewall with a line of its own, `line/5512` for a line that ends where another one
    takes over.
    """

    identifier: str
    id: int | None
    agreement: int | None = None
    part: str = ""

    @property
    def key(self) -> str:
        """Its natural key: `product/MSP-GOLD`, `agreement/7/product/MSP-GOLD`."""
        key = product_key(self.identifier)
        return key if self.agreement is None else line_key(self.agreement, self.identifier, self.part)

    def to_json(self) -> dict[str, Any]:
        """The form in plan files."""
        return {
            "type": "product" if self.agreement is None else "line",
            "identifier": self.identifier,
            "id": self.id,
            "agreement": self.agreement,
            "part": self.part or None,
        }


def product_key(identifier: str) -> str:
    """A product's natural key; a slash inside an identifier is encoded so that keys stay one-to-one."""
    return "product/" + identifier.strip().replace("%", "%25").replace("/", "%2F")


def line_key(agreement: int, identifier: str, part: str = "") -> str:
    """The natural key of a product's line on an agreement."""
    return f"agreement/{agreement}/{product_key(identifier)}" + (f"/{part}" if part else "")


@dataclass(frozen=True)
class Basis:
    """What a line's change rests on besides the values that it writes; checked before anything is written.

    `values` are further fields of the line that decide its money, as they stand (a change of one would make
    the signed amount wrong), and `written` says who wrote it last; a new line has neither. `agreement`,
    `product`, `company` and `recap` (of the agreement's invoices) are the records beside it, as the plan
    found them; a product that is not there yet has none. None of `products` (record ids), and no product
    that carries one of `codes`, may have an open line on any of `agreements`, but for those that the same
    plan ends or changes: the seats of a line that is created would be billed twice. `beside` are open lines
    of these products that the plan has seen and leaves to themselves, by record id with their quantity: those
    of other firewalls or customers, and fixed ones. `over` are lines of the product on the agreement of a new
    line that bill nothing any more: one that the plan has not seen may have been ended on purpose.
    `companies` are those that its customers come from: their agreements count as well. A line that is there,
    and gets no seats from elsewhere, needs it of its own agreement and product alone, and one that ends not
    at all.
    """

    values: tuple[tuple[str, Any], ...] = ()
    agreement: Signed | None = None
    product: Signed | None = None
    company: Signed | None = None
    agreements: tuple[int, ...] = ()
    products: tuple[int, ...] = ()
    codes: tuple[str, ...] = ()
    beside: tuple[tuple[int, str], ...] = ()
    companies: tuple[int, ...] = ()
    over: tuple[int, ...] = ()
    written: LastWrite | None = None
    recap: Signed | None = None

    @property
    def next_invoice(self) -> str | None:
        """The agreement's next invoice date."""
        day = None if self.agreement is None else self.agreement.get(NEXT_INVOICE.name)
        return None if day is None else str(day)

    def records(self) -> tuple[tuple[RecordKind, Signed | None], ...]:
        """The signed records, by their kind."""
        return (
            (RecordKind.AGREEMENT, self.agreement),
            (RecordKind.PRODUCT, self.product),
            (RecordKind.COMPANY, self.company),
            (RecordKind.RECAP, self.recap),
        )

    def to_json(self) -> dict[str, Any]:
        """The form in plan files; the records stand there once for all changes (`model.rests.Records`)."""
        return {
            "values": dict(self.values),
            "written": None if self.written is None else self.written.to_json(),
            "nextInvoice": self.next_invoice,
            "agreement": None if self.agreement is None else self.agreement.id,
            "product": None if self.product is None else self.product.id,
            "company": None if self.company is None else self.company.id,
            "recap": None if self.recap is None else self.recap.id,
            "clearOf": {
                "agreements": list(self.agreements),
                "products": list(self.products),
                "codes": list(self.codes),
                "beside": {str(number): quantity for number, quantity in self.beside},
                "companies": list(self.companies),
                "over": list(self.over),
            },
        }

    @classmethod
    def from_json(cls, data: dict[str, Any], records: Records) -> Basis:
        """Read back what `to_json` wrote, with the records of the same plan."""
        clear = data["clearOf"]
        return cls(
            tuple(sorted(data["values"].items())),
            records.find(RecordKind.AGREEMENT, data["agreement"]),
            records.find(RecordKind.PRODUCT, data["product"]),
            records.find(RecordKind.COMPANY, data["company"]),
            tuple(clear["agreements"]),
            tuple(clear["products"]),
            tuple(clear["codes"]),
            tuple(sorted((int(number), quantity) for number, quantity in clear["beside"].items())),
            tuple(clear["companies"]),
            tuple(clear["over"]),
            None if data["written"] is None else LastWrite(**data["written"]),
            records.find(RecordKind.RECAP, data["recap"]),
        )


@dataclass(frozen=True)
class Change:
    """One reviewed step.

    `id` is the action and a natural key, free of values, the same in every run. Changes with one `write`
    are one request and share one fate. `depends_on` names writes that must have succeeded before;
    `blocked_by` names the diagnostics (or changes) for which this one is held back. What it expects to
    find is its target's id and identifier and each field's `before`; where it maps a code, that no product
    has it but those of `mapped_on` (record ids) and this plan's own; and of a line its `basis`.
    """

    id: str
    action: Action
    target: Target
    reason: str
    fields: tuple[FieldChange, ...]
    write: str
    depends_on: tuple[str, ...] = ()
    blocked_by: tuple[str, ...] = ()
    expected_identifier: str | None = None
    mapped_on: tuple[int, ...] = ()
    source: Location | None = None
    cause: Cause | None = None
    money: Amount | None = None
    basis: Basis | None = None

    @property
    def stage(self) -> int:
        """Its place in the order of a run: lines that bill less come first, those that bill more last."""
        raises = self.action is Action.UPDATE_LINE and self.money is not None and self.money.delta > 0
        return RAISES if raises or self.starts_line else STAGES[self.action]

    @property
    def starts_line(self) -> bool:
        """Whether it creates a line."""
        return self.target.agreement is not None and self.target.id is None

    @property
    def blocked(self) -> bool:
        """Whether it is held back."""
        return bool(self.blocked_by)

    def values(self) -> dict[str, Any]:
        """What is signed: everything but where it came from and whether it waits."""
        return {
            "id": self.id,
            "action": self.action.value,
            "target": self.target.to_json(),
            "fields": [f.to_json() for f in self.fields],
            "write": self.write,
            "dependsOn": list(self.depends_on),
            "blockedBy": list(self.blocked_by),
            "precondition": {
                "id": self.target.id,
                "identifier": self.expected_identifier,
                "mappedOn": list(self.mapped_on),
                "line": None if self.basis is None else self.basis.to_json(),
            },
            "money": None if self.money is None else self.money.to_json(),
        }

    def to_json(self) -> dict[str, Any]:
        """The form in plan files."""
        source = self.source
        return {
            **self.values(),
            "cause": None if self.cause is None else self.cause.value,
            "reason": self.reason,
            "source": None if source is None else {"file": source.file, "line": source.line},
        }

    @classmethod
    def from_json(cls, data: dict[str, Any], records: Records = NO_RECORDS) -> Change:
        """Read back what `to_json` wrote; `records` are those that the changes of its plan rest on."""
        source, precondition = data["source"], data["precondition"]
        return cls(
            id=data["id"],
            action=Action(data["action"]),
            target=Target(
                data["target"]["identifier"],
                data["target"]["id"],
                data["target"]["agreement"],
                data["target"]["part"] or "",
            ),
            reason=data["reason"],
            fields=tuple(FieldChange.from_json(f) for f in data["fields"]),
            write=data["write"],
            depends_on=tuple(data["dependsOn"]),
            blocked_by=tuple(data["blockedBy"]),
            expected_identifier=precondition["identifier"],
            mapped_on=tuple(precondition["mappedOn"]),
            source=None if source is None else Location(source["file"], source["line"]),
            cause=None if data["cause"] is None else Cause(data["cause"]),
            money=None if data["money"] is None else Amount.from_json(data["money"]),
            basis=None if precondition["line"] is None else Basis.from_json(precondition["line"], records),
        )


def records_of(changes: Iterable[Change]) -> Records:
    """The records that these changes rest on, each once."""
    return collected(
        pair for change in changes if change.basis is not None for pair in change.basis.records()
    )


def writes(changes: Iterable[Change]) -> Iterator[tuple[str, tuple[Change, ...]]]:
    """The changes by the request they share, in the plan's order."""
    grouped: dict[str, list[Change]] = {}
    for change in changes:
        grouped.setdefault(change.write, []).append(change)
    for key, members in grouped.items():
        yield key, tuple(members)


def move_ends(changes: Iterable[Change]) -> dict[str, set[str]]:
    """Of each move, the requests that end old lines, by the request that bills their seats from then on.

    Neither is written without the other: the seats would be on no line, or on two.
    """
    every = list(changes)
    ends = {change.write for change in every if change.action is Action.MOVE_LINE and not change.starts_line}
    return {change.write: set(change.depends_on) & ends for change in every if set(change.depends_on) & ends}
