"""References by name become ids at plan time; what is unknown or ambiguous is said, with suggestions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.model.diagnostics import Diagnostic, Location, error, warning
from reconciler.model.fields import Field, Reference, Table
from reconciler.model.identifiers import Id, Name, identifier_key
from reconciler.planning.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.model.observed import SetupEntry

#: What people call the tables.
TABLE_TITLES: dict[Table, str] = {
    Table.SUBCATEGORIES: "subcategory",
    Table.TYPES: "product type",
    Table.UNITS: "unit of measure",
    Table.MANUFACTURERS: "manufacturer",
    Table.AGREEMENT_TYPES: "agreement type",
    Table.BILLING_CYCLES: "billing cycle",
    Table.COMPANIES: "company",
}


def resolve(
    field: Field,
    selector: Name | Id,
    tables: Mapping[Table, tuple[SetupEntry, ...]],
    *,
    location: Location | None,
    subject: str,
) -> tuple[Reference | None, list[Diagnostic]]:
    """The record that a declared reference means, or None and why."""
    table = field.table
    if table is None:
        raise ValueError(f"{field.name} is no reference")
    title = TABLE_TITLES[table]
    entries = tables.get(table)
    where = {"location": location, "subject": subject}
    if entries is None:
        return None, [
            error(
                "table-unreadable",
                f"{field.name}: the {title} table could not be read, so {selector} cannot be resolved.",
                "See the message about the request that failed.",
                **where,
            )
        ]
    if isinstance(selector, Id):
        found = [entry for entry in entries if entry.id == selector.value]
    else:
        found = [entry for entry in entries if identifier_key(entry.name) == selector.key]
    if len(found) == 1:
        return Reference(found[0].id, found[0].name), _inactive(field, title, found[0], where)
    if found:
        choices = ", ".join(_described(entry) for entry in found)
        return None, [
            error(
                "reference-ambiguous",
                f"{field.name}: {len(found)} records of the {title} table are called {selector}: {choices}.",
                f"Name the one you mean by id, for example {field.name}: {{id: {found[0].id}}}.",
                **where,
            )
        ]
    return None, [
        error(
            "reference-unknown",
            f"{field.name}: ConnectWise has no {title} {selector}.",
            f"{did_you_mean(str(selector), [entry.name for entry in entries])}"
            f"Create it in ConnectWise, or correct the name.",
            **where,
        )
    ]


def _described(entry: SetupEntry) -> str:
    return f"id {entry.id}" + (f" under {entry.parent}" if entry.parent else "")


def _inactive(field: Field, title: str, entry: SetupEntry, where: Mapping[str, Any]) -> list[Diagnostic]:
    if not entry.inactive:
        return []
    return [
        warning(
            "reference-inactive",
            f"{field.name}: the {title} {entry.name} (id {entry.id}) is inactive in ConnectWise.",
            "ConnectWise may refuse it; choose an active one.",
            **where,
        )
    ]
