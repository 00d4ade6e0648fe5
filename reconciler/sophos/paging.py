"""Sophos's two ways of paging."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from reconciler.transport.concurrency import all_of
from reconciler.transport.errors import RecordNotFound, Refused, excerpt

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.sophos.client import Client

    Row = dict[str, Any]
    Page = tuple[list[Row], dict[str, Any]]

T = TypeVar("T")

#: Pages that are asked for at once: as many as the session sends, and few beyond the end of a list that
#: shrinks while it is read.
_AT_ONCE = 4

#: A list is read page by page: whoever changes it meanwhile moves rows from one page to the next.
READ_AGAIN = (
    "Nothing was taken from this list. Plan again: it was most likely changed while it was read. If it "
    "stays, report it with this message."
)


async def read_pages(client: Client, path: str, *, size: int) -> list[Row]:
    """All items of a list with page numbers.

    The list ends with its last page by `pages.total` (the number of pages), or where that is not said,
    with an empty one. The size of the pages never changes on the way, so that no item falls between two.
    Pages that the one before them promised are read at the same time.
    Raises BadAnswer where `pages.items` or `pages.total` of any page is not what was read.
    """
    (found, pages), sizing = await _first_page(client, path, size)
    items = list(found)
    told = _Told(client, path)
    told.add(pages)

    async def read(number: int) -> Page:
        params = [*sizing, ("pageTotal", "true"), ("page", str(number))]
        return _page(client, path, await client.get(path, params))

    page = 1
    while found and page < (last := min(_number(pages, "total") or page + 1, page + _AT_ONCE)):
        for found, pages in await all_of([read(number) for number in range(page + 1, last + 1)]):
            page += 1
            told.add(pages)
            items += found
            if not found:
                break
    # Where no page says how many there are, an empty one ends the list and holds nothing of it.
    told.compare(len(items), page if found or page == 1 else page - 1)
    return items


async def read_keys(client: Client, path: str, take: Callable[[Row], T], *, size: int) -> list[list[T]]:
    """All items of a list with page keys, until there is no `nextKey`, each as `take` makes it, by page.

    One page is held as JSON at a time: a distributor's bill has hundreds of thousands of lines. Raises
    BadAnswer for a key that comes twice, for a list that breaks off (404 after its first page), and where
    `pages.items` or `pages.total` of any page is not what was read. A 404 to the first request is
    RecordNotFound.
    """
    (found, pages), sizing = await _first_page(client, path, size)
    read = [[take(row) for row in found]]
    told = _Told(client, path)
    told.add(pages)
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
        told.add(pages)
        read.append([take(row) for row in found])
    told.compare(sum(map(len, read)), len(read))
    return read


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


class _Told:
    """What the pages of a list say of the whole: how many items there are, and on how many pages.

    Every page says it anew, so that a list which grows or shrinks while it is read gives itself away.
    """

    def __init__(self, client: Client, path: str) -> None:
        self._client = client
        self._path = path
        self._items: set[int] = set()
        self._pages: set[int] = set()

    def add(self, pages: dict[str, Any]) -> None:
        """Take what one page says; a number that is missing or 0 says nothing."""
        for name, found in (("items", self._items), ("total", self._pages)):
            number = _number(pages, name)
            if number is not None:
                found.add(number)

    def compare(self, items: int, pages: int) -> None:
        """Raises BadAnswer where any page said something else than what was read."""
        for what, told, read in (("items", self._items, items), ("pages", self._pages, pages)):
            if told <= {read}:
                continue
            if read < min(told):
                problem = f"the list is not complete: {read} of {min(told)} {what}"
            else:
                shown = " and ".join(str(number) for number in sorted(told))
                problem = f"the list changed while it was read: it says {shown} {what}, and {read} were read"
            raise self._client.bad_answer(self._path, problem, READ_AGAIN)


def _number(pages: dict[str, Any], name: str) -> int | None:
    value = pages.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
