"""Sophos's two ways of paging."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from reconciler.transport.errors import RecordNotFound, Refused, excerpt

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.sophos.client import Client

    Row = dict[str, Any]
    Page = tuple[list[Row], dict[str, Any]]

T = TypeVar("T")


async def read_pages(client: Client, path: str, *, size: int) -> list[Row]:
    """All items of a list with page numbers.

    The list ends with its last page by `pages.total` (the number of pages), or where that is not said,
    with an empty one. The size of the pages never changes on the way, so that no item falls between two.
    Raises BadAnswer for fewer items than `pages.items` promises.
    """
    (found, pages), sizing = await _first_page(client, path, size)
    items = list(found)
    page = 1
    while found and page < (_number(pages, "total") or page + 1):
        page += 1
        params = [*sizing, ("pageTotal", "true"), ("page", str(page))]
        found, pages = _page(client, path, await client.get(path, params))
        items += found
    _complete(client, path, len(items), pages)
    return items


async def read_keys(client: Client, path: str, take: Callable[[Row], T], *, size: int) -> list[T]:
    """All items of a list with page keys, until there is no `nextKey`, each as `take` makes it.

    One page is held as JSON at a time: a distributor's bill has hundreds of thousands of lines. Raises
    BadAnswer for a key that comes twice, for a list that breaks off (404 after its first page), and for
    fewer items than `pages.items` promises. A 404 to the first request is RecordNotFound.
    """
    (found, pages), sizing = await _first_page(client, path, size)
    items = [take(row) for row in found]
    keys: set[str] = set()
    while (key := pages.get("nextKey")) not in (None, ""):
        if not isinstance(key, str) or key in keys:
            raise client.bad_answer(path, f"the page key {excerpt(str(key), 40)!r} does not lead on")
        keys.add(key)
        try:
            data = await client.get(path, [*sizing, ("pageTotal", "true"), ("pageFromKey", key)])
        except RecordNotFound:
            raise client.bad_answer(path, "the list breaks off: its next page is not found") from None
        found, pages = _page(client, path, data)
        items += [take(row) for row in found]
    _complete(client, path, len(items), pages)
    return items


async def _first_page(client: Client, path: str, size: int) -> tuple[Page, list[tuple[str, str]]]:
    """The first page, and the page size to go on with.

    Where the answer's `pages.maxSize` is below `size`, it is read anew with that; where the server refuses
    the size (400), with the server's own.
    """
    first = [("pageTotal", "true")]
    sizing = [("pageSize", str(size))]
    try:
        found, pages = _page(client, path, await client.get(path, [*sizing, *first]))
        largest = _number(pages, "maxSize")
        if largest is None or largest >= size:
            return (found, pages), sizing
        sizing = [("pageSize", str(largest))]
    except Refused as refused:
        if refused.status != 400:
            raise
        sizing = []
    return _page(client, path, await client.get(path, [*sizing, *first])), sizing


def _page(client: Client, path: str, data: dict[str, Any]) -> Page:
    items, pages = data.get("items"), data.get("pages", {})
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise client.bad_answer(path, "`items` is not a list of objects")
    if not isinstance(pages, dict):
        raise client.bad_answer(path, "`pages` is not an object")
    return items, pages


def _complete(client: Client, path: str, count: int, pages: dict[str, Any]) -> None:
    promised = _number(pages, "items")
    if promised is not None and count < promised:
        raise client.bad_answer(path, f"the list is not complete: {count} of {promised}")


def _number(pages: dict[str, Any], name: str) -> int | None:
    value = pages.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
