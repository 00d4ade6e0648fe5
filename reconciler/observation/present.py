"""Reads what a journal speaks of, as it is now: its records and no others."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from reconciler.connectwise import additions, catalog
from reconciler.connectwise.agreements import agreements_by_ids
from reconciler.model.change import MAPPING_PREFIX
from reconciler.model.diagnostics import ReconcilerError, Severity
from reconciler.model.fields import IDENTIFIER
from reconciler.model.identifiers import is_safe_in_conditions
from reconciler.model.present import Present

if TYPE_CHECKING:
    from reconciler.connectwise.client import Client
    from reconciler.model.journal import Journal

#: Before any line; servers refuse or misread dates far outside of what their databases hold.
_ALWAYS = date(1900, 1, 1)


async def read_present(client: Client, journal: Journal) -> Present:
    """The journal's records. Raises ReconcilerError where something of it cannot be read."""
    written = [one for one in journal.written if one.may_be_there]
    of_products = [one for one in written if one.change.target.agreement is None]
    fields = [one for each in of_products for one in each.change.fields]
    ids = {
        number for one in of_products for number in (one.change.target.id, one.record) if number is not None
    }
    names = {one.change.target.identifier for one in of_products if one.change.target.id is None}
    former = {str(one.before) for one in fields if one.field == IDENTIFIER.name and one.before}
    # The others cannot be asked for; ConnectWise refuses an identifier that is taken.
    names |= {name for name in former if is_safe_in_conditions(name)}
    items = [*await catalog.items_by_ids(client, ids), *await catalog.items_by_identifiers(client, names)]
    maps = any(one.field.startswith(MAPPING_PREFIX) for one in fields)
    marked = await catalog.items_with_marker(client, journal.head.marker_custom_field) if maps else []
    wanted = {one.change.target.agreement for one in written if one.change.target.agreement is not None}
    agreements = await agreements_by_ids(client, wanted)
    read = await additions.read_lines(client, agreements.keys(), since=_ALWAYS)
    for failed in read.failed.values():
        raise ReconcilerError(replace(failed, severity=Severity.ERROR))
    return Present({item.id: item for item in items}, tuple(marked), agreements, read.lines)
