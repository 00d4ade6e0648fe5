"""Lists: conditions, order, both kinds of paging and their Link headers, projection."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from reconciler.sandbox.conditions import (
    Column,
    Dialect,
    MalformedConditionError,
    UnsupportedDateError,
    parse,
)
from reconciler.sandbox.errors import bad_request, record_not_found, unsupported_date
from reconciler.sandbox.views import (
    all_expanded,
    column,
    projected,
    shown,
    source_rows,
    with_custom_fields,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from reconciler.sandbox.schema import Resource
    from reconciler.sandbox.site import Site
    from reconciler.sandbox.world import Row

DEFAULT_PAGE_SIZE = 25
MAXIMUM_PAGE_SIZE = 1000
_NOT_FILTERABLE = "notes"
_BY_ID = ("", "id", "id asc")


@dataclass(frozen=True, slots=True)
class Listing:
    """A list request: which rows of which resource, and which page of them."""

    resource: Resource
    parent: int | None = None
    conditions: str = ""
    child_conditions: str = ""
    custom_field_conditions: str = ""
    order_by: str = ""
    fields: str = ""
    page: int = 1
    page_size: int = DEFAULT_PAGE_SIZE
    page_id: int = 0
    forward_only: bool = False


def _whole_number(params: Mapping[str, str], name: str, default: int, least: int) -> int:
    text = params.get(name)
    if text is None:
        return default
    if not text.isdecimal() or int(text) < least:
        raise bad_request(f"{name} must be a whole number from {least} on")
    return int(text)


def listing_from(
    site: Site, resource: Resource, parent: int | None, params: Mapping[str, str], *, forward_only: bool
) -> Listing:
    """Reads the query parameters. Raises Refused (400) for a page or page size that cannot be."""
    size = _whole_number(params, "pageSize", DEFAULT_PAGE_SIZE, 1)
    if size > MAXIMUM_PAGE_SIZE and site.quirks["page-size-over-1000"] == "refuse":
        raise bad_request(f"pageSize must not be above {MAXIMUM_PAGE_SIZE}")
    if forward_only and params.get("orderBy"):
        raise bad_request("orderBy cannot be used with forward-only paging")
    return Listing(
        resource,
        parent,
        params.get("conditions", ""),
        params.get("childConditions", ""),
        params.get("customFieldConditions", ""),
        params.get("orderBy", ""),
        params.get("fields", ""),
        _whole_number(params, "page", 1, 1),
        min(size, MAXIMUM_PAGE_SIZE),
        _whole_number(params, "pageId", 0, 0),
        forward_only,
    )


def _predicate(
    site: Site, text: str, find: Callable[[str], Column | None], *, allows_in: bool
) -> Callable[[Row], bool]:
    dialect = Dialect(
        case_sensitive=site.quirks["string-compare"] == "sensitive",
        allows_in=allows_in and site.quirks["in-operator"] == "allowed",
        escape=site.quirks["quote-escape"],  # type: ignore[arg-type] # the quirk's values are the type's
    )
    try:
        return parse(text, find, dialect)
    except UnsupportedDateError as error:
        raise unsupported_date(str(error)) from error
    except MalformedConditionError as error:
        raise bad_request(f"Unable to parse conditions: {error}") from error


def _finder(site: Site, resource: Resource) -> Callable[[str], Column | None]:
    def find(path: str) -> Column | None:
        if path == _NOT_FILTERABLE and site.quirks["notes-filter"] == "refused":
            return None
        return column(site, resource, path)

    return find


def _custom_column(path: str) -> Column | None:
    kinds = {"id": "integer", "caption": "text", "type": "text", "value": "any"}
    return Column(kinds[path], lambda entry: entry.get(path)) if path in kinds else None


def matching(site: Site, listing: Listing) -> Iterable[Row]:
    """The rows that the three condition parameters let through, lazily, in the order of their ids."""
    resource = listing.resource
    rows: Iterable[Row] = source_rows(site, resource).values()
    if listing.parent is not None:
        if listing.parent not in site.world.tables["agreements"]:
            raise record_not_found("Agreement", listing.parent)
        rows = site.world.additions_of(listing.parent)
    order = "" if listing.order_by.strip().lower() in _BY_ID else listing.order_by
    rows = all_expanded(site, resource, rows, listing.conditions.strip() + order)
    if listing.conditions.strip():
        rows = filter(_predicate(site, listing.conditions, _finder(site, resource), allows_in=True), rows)
    if listing.custom_field_conditions.strip():
        has = _predicate(site, listing.custom_field_conditions, _custom_column, allows_in=False)
        rows = (row for row in rows if any(map(has, with_custom_fields(site, resource, row))))
    if listing.child_conditions.strip():
        rows = _with_children(site, listing, rows)
    return rows


def _with_children(site: Site, listing: Listing, rows: Iterable[Row]) -> Iterable[Row]:
    """Rows of which one child passes: `types/name="Customer"`. All names must lie in the same list."""
    lists: set[str] = set()

    def find(path: str) -> Column | None:
        name, _, part = path.partition("/")
        entry = listing.resource.fields.get(name)
        if entry is None or entry.kind != "list" or part not in entry.parts:
            return None
        lists.add(name)
        return Column("integer" if part == "id" else "text", lambda child: child.get(part))

    passes = _predicate(site, listing.child_conditions, find, allows_in=False)
    if len(lists) != 1:
        raise bad_request("childConditions must stay within one list")
    name = lists.pop()
    return (row for row in rows if any(map(passes, row.get(name) or ())))


def _sorted(site: Site, listing: Listing, rows: Iterable[Row]) -> list[Row]:
    ordered = list(rows)
    if listing.order_by.strip().lower() in _BY_ID:
        return ordered
    for term in reversed([part.split() for part in listing.order_by.split(",") if part.strip()]):
        found = column(site, listing.resource, term[0])
        direction = term[1].lower() if len(term) > 1 else "asc"
        unordered = found is None or found.kind in ("reference", "object")
        if found is None or unordered or len(term) > 2 or direction not in ("asc", "desc"):
            raise bad_request(f"orderBy cannot be {' '.join(term)}")
        get = found.get

        def key(row: Row, get: Callable[[Row], Any] = get) -> tuple[bool, Any]:
            value = get(row)
            return value is not None, value.lower() if isinstance(value, str) else (value or 0)

        ordered.sort(key=key, reverse=direction == "desc")
    return ordered


def count_of(site: Site, listing: Listing) -> int:
    return sum(1 for _ in matching(site, listing))


def page_of(
    site: Site, listing: Listing, base: str, url: str, params: Mapping[str, str]
) -> tuple[list[Row], str]:
    """The page's objects and the Link header ("" for none)."""
    size = listing.page_size
    if listing.forward_only:
        following = (row for row in matching(site, listing) if row["id"] > listing.page_id)
        rows = list(islice(following, size + 1))
        link = _forward_link(site, rows, size, url, params)
        rows, ends = rows[:size], len(rows) <= size
    else:
        found = _sorted(site, listing, matching(site, listing))
        pages = max(1, -(-len(found) // size))
        link = _numbered_links(listing.page, pages, url, params)
        rows, ends = found[(listing.page - 1) * size : listing.page * size], listing.page >= pages
    if ends and rows and site.short_lists.strike(listing.resource.table):
        rows = rows[:-1]
    answers = (shown(site, listing.resource, row, base) for row in rows)
    return [projected(answer, listing.fields) for answer in answers], link


def _address(url: str, params: Mapping[str, str], name: str, value: int) -> str:
    others = {key: text for key, text in params.items() if key not in (name, "page", "pageId")}
    return f"{url}?{urlencode({**others, name: value}, quote_via=quote)}"


def _numbered_links(page: int, pages: int, url: str, params: Mapping[str, str]) -> str:
    wanted: list[tuple[str, int]] = []
    if page < pages:
        wanted += [("next", page + 1), ("last", pages)]
    if page > 1:
        wanted += [("first", 1), ("prev", page - 1)]
    return ", ".join(f'<{_address(url, params, "page", number)}>; rel="{name}"' for name, number in wanted)


def _forward_link(site: Site, rows: list[Row], size: int, url: str, params: Mapping[str, str]) -> str:
    at_end = len(rows) <= size
    ending = site.quirks["forward-only-end"]
    if at_end and (ending == "none" or not rows):
        return ""
    if at_end and ending == "empty-link":
        return '<>; rel="next"'
    last = rows[min(len(rows), size) - 1]["id"]
    return f'<{_address(url, params, "pageId", last)}>; rel="next"'


def one_of(site: Site, resource: Resource, number: int, parent: int | None) -> Row:
    """The stored row of this id. Raises Refused (404)."""
    row = source_rows(site, resource).get(number)
    if row is None or (parent is not None and row["agreementId"] != parent):
        raise record_not_found(resource.title, number)
    return row
