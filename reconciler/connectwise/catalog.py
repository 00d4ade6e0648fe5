"""ConnectWise's product catalog: finding, creating and changing products."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.connectwise import rows
from reconciler.connectwise.conditions import any_true, literal
from reconciler.connectwise.lookup import each_once, read_any_of
from reconciler.model.identifiers import identifier_key, is_safe_in_conditions
from reconciler.transport.concurrency import all_of
from reconciler.transport.errors import Refused, Unsure

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping, Sequence

    from reconciler.connectwise.client import Client, Params, Row
    from reconciler.model.observed import CatalogEntry, CatalogItem, CustomField

CATALOG = "/procurement/catalog"
#: What every marker tag holds.
TAG = "sophos:"
#: `identifier` holds at most this many characters (OpenAPI document, release 2025.8).
LONGEST_IDENTIFIER = 75
_ITEM: Params = (("fields", rows.ITEM_FIELDS),)
_ENTRY: Params = (("fields", rows.ENTRY_FIELDS),)
_MARKED: Params = (("fields", "id,identifier,notes,customFields"),)


async def items_by_identifiers(client: Client, identifiers: Iterable[str]) -> list[CatalogItem]:
    """The products of these identifiers, as identifiers compare; those not found are left out.

    It depends on the server's collation whether `=` minds the case, so what is not found is asked for once
    more in upper and in lower case. Raises ValueError for an identifier that cannot stand in a condition
    (`conditions.literal`).
    """
    wanted = {identifier_key(one): one.strip() for one in identifiers}
    # A longer one cannot exist, and would not fit into a URL.
    asked = {key: one for key, one in wanted.items() if 0 < len(one) <= LONGEST_IDENTIFIER}
    items = await _named(client, wanted, asked.values())
    missing = asked.keys() - {item.key for item in items}
    variants = {case for key in sorted(missing) for case in _cases(asked[key])[1:]}
    items += await _named(client, wanted, sorted(variants))
    return sorted({item.id: item for item in items}.values(), key=lambda item: item.id)


async def items_by_ids(client: Client, ids: Iterable[int]) -> list[CatalogItem]:
    """The products of these record ids; those not found are left out."""
    wanted = sorted(set(ids))
    found = await read_any_of(client, CATALOG, "id", [str(one) for one in wanted], _ITEM)
    return [item for item in _items(client, found) if item.id in set(wanted)]


async def items_with_marker(client: Client, custom_field: str | None = None) -> list[CatalogItem]:
    """The products whose notes hold `sophos:`, or whose custom field of that caption does.

    Where the server refuses the filter (400), the whole catalog is listed with few fields and filtered
    here; what is found is then read in full.
    """
    if custom_field is not None:
        # Spelled as the server spells it, which may mind the case where rows of ours do not.
        shown = [field.caption for field in await custom_field_definitions(client)]
        key = identifier_key(custom_field)
        custom_field = next((each for each in shown if identifier_key(each) == key), custom_field)
    for filters in _marker_filters(custom_field):
        try:
            found = await client.list_all(CATALOG, [*_ITEM, *filters])
        except Refused as refused:
            if refused.status != 400:
                raise
            continue
        return [item for item in _items(client, found) if _is_marked(item, custom_field)]
    listed = _items(client, await client.list_forward(CATALOG, _MARKED))
    return await items_by_ids(client, [item.id for item in listed if _is_marked(item, custom_field)])


async def similar_items(client: Client, identifiers: Iterable[str]) -> list[CatalogEntry]:
    """Products whose identifier holds a third of one of these: what a mistyped one may have meant.

    One slip leaves two of three pieces as they were. Pieces are asked in the case given and in upper and
    lower case, because it depends on the server's collation whether `contains` minds the case. At most
    1,000 products for each request.
    """
    pieces = sorted({piece for one in identifiers for piece in _thirds(one.strip()) if len(piece) > 1})
    safe = [piece for piece in pieces if is_safe_in_conditions(piece)]
    terms = [f"identifier contains {literal(each)}" for piece in safe for each in _cases(piece)]
    keys = {identifier_key(piece) for piece in pieces}
    return await _entries(client, terms, lambda e: any(key in identifier_key(e.identifier) for key in keys))


async def search_items(client: Client, text: str) -> list[CatalogEntry]:
    """Products whose identifier or description holds the text, without regard to case, ordered by id.

    At most 1,000 of them; a text that cannot stand in a condition is looked for in a full listing.
    """
    wanted = identifier_key(text)
    terms = []
    if is_safe_in_conditions(text):
        terms = [
            f"{field} contains {literal(each)}"
            for field in ("identifier", "description")
            for each in _cases(text.strip())
        ]
    return await _entries(
        client,
        terms,
        lambda e: wanted in identifier_key(e.identifier) or wanted in identifier_key(e.description),
        otherwise_all=True,
    )


async def custom_field_definitions(client: Client) -> list[CustomField]:
    """The custom fields that products have, as one product shows them; their values are that product's.

    Empty where the catalog is.
    """
    found = await client.list_page(CATALOG, (("fields", "id,customFields"),), size=1)
    try:
        return list(rows.custom_fields(found[0])) if found else []
    except rows.WrongTypeError as wrong:
        raise client.bad_answer("GET", CATALOG, str(wrong)) from None


async def get_item(client: Client, item_id: int) -> CatalogItem:
    """One product. Raises RecordNotFound where it is gone."""
    path = f"{CATALOG}/{item_id}"
    return _items(client, [await client.get(path)], path)[0]


async def create_item(client: Client, body: Mapping[str, Any]) -> CatalogItem:
    """Create a product from `patching.create_body`; the product as the server keeps it.

    The caller compares the identifier that came back: a server may append to one that is in use. Raises
    Unsure where it is not known whether the product was created.
    """
    row = await client.post(CATALOG, body)
    return _written(client, "POST", CATALOG, row)


async def patch_item(client: Client, item_id: int, operations: Sequence[Mapping[str, Any]]) -> CatalogItem:
    """Change a product by `patching.operations`; the product as the server keeps it.

    The caller compares: a server may answer 200 and keep a value. Raises RecordNotFound, Refused and
    Unsure.
    """
    path = f"{CATALOG}/{item_id}"
    row = await client.patch(path, operations)
    return _written(client, "PATCH", path, row)


async def _named(client: Client, wanted: Container[str], identifiers: Iterable[str]) -> list[CatalogItem]:
    found = await read_any_of(client, CATALOG, "identifier", [literal(one) for one in identifiers], _ITEM)
    return [item for item in _items(client, found) if item.key in wanted]


def _written(client: Client, method: str, path: str, row: Row) -> CatalogItem:
    try:
        return rows.catalog_item(row)
    except rows.WrongTypeError as wrong:
        raise Unsure(client.call(method, path), f"the answer is not a product: {wrong}") from None


def _items(client: Client, found: Iterable[Row], path: str = CATALOG) -> list[CatalogItem]:
    try:
        return [rows.catalog_item(row) for row in found]
    except rows.WrongTypeError as wrong:
        raise client.bad_answer("GET", path, str(wrong)) from None


async def _entries(
    client: Client,
    terms: Sequence[str],
    keep: Callable[[CatalogEntry], bool],
    *,
    otherwise_all: bool = False,
) -> list[CatalogEntry]:
    """The products for which one of the terms holds, and `keep`; from a full listing where need be."""
    budget = client.room(CATALOG, _ENTRY, "conditions")
    if not terms and not otherwise_all:
        return []
    try:
        if not terms:
            found = await client.list_forward(CATALOG, _ENTRY)
        else:
            conditions = any_true(list(dict.fromkeys(terms)), budget)
            found = each_once(
                await all_of(
                    [client.list_all(CATALOG, [*_ENTRY, ("conditions", one)], pages=1) for one in conditions]
                )
            )
    except Refused as refused:
        if refused.status != 400 or not terms:
            raise
        found = await client.list_forward(CATALOG, _ENTRY)
    try:
        entries = [rows.catalog_entry(row) for row in found]
    except rows.WrongTypeError as wrong:
        raise client.bad_answer("GET", CATALOG, str(wrong)) from None
    return [entry for entry in entries if keep(entry)]


def _marker_filters(custom_field: str | None) -> list[Params]:
    """The filters that find markers, the closest first."""
    if custom_field is None:
        return [(("conditions", f"notes contains {literal(TAG)}"),)]
    if not is_safe_in_conditions(custom_field):
        return []
    caption = f"caption={literal(custom_field)}"
    return [
        (("customFieldConditions", f"{caption} AND value contains {literal(TAG)}"),),
        (("customFieldConditions", f"{caption} AND value != null"),),
    ]


def _is_marked(item: CatalogItem, custom_field: str | None) -> bool:
    if custom_field is None:
        return TAG in item.notes.casefold()
    field = item.custom_field(custom_field)
    return field is not None and isinstance(field.value, str) and TAG in field.value.casefold()


def _thirds(text: str) -> list[str]:
    size = max(1, -(-len(text) // 3))
    return [text[start : start + size] for start in range(0, len(text), size)]


def _cases(text: str) -> list[str]:
    return list(dict.fromkeys((text, text.upper(), text.lower())))
