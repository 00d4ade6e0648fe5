"""The connection to one ConnectWise: where its API lives, how it is paged, what may be written."""

from __future__ import annotations

import asyncio
import base64
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from reconciler.connectwise.codebase import discover
from reconciler.connectwise.permissions import needed_permission
from reconciler.model.diagnostics import ReconcilerError, Severity
from reconciler.transport.errors import (
    BadAnswer,
    EndpointNotFound,
    ListShort,
    NotPermitted,
    RecordNotFound,
    Refused,
    Unsure,
)
from reconciler.transport.service import Service
from reconciler.transport.session import Session, build_query

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence

    import httpx

    from reconciler.connectwise.credentials import Credentials
    from reconciler.model.diagnostics import Diagnostic
    from reconciler.transport.answers import Answer
    from reconciler.transport.errors import Call
    from reconciler.transport.session import Observer

    Params = Sequence[tuple[str, str]]
    Row = dict[str, Any]

#: The model of the answers, kept by the servers for twelve months (Developer Guide, "Versioning").
ACCEPT = "application/vnd.connectwise.com+json; version=2025.1"
#: The most that one page may hold (Developer Guide, "Pagination").
PAGE_SIZE = 1000
#: How often a list is read that holds less than the server counts.
LOOKS = 3
#: Servers refuse URLs above some 2,000 characters (414); what clients in use keep below.
MAX_URL = 1950
_ROOM_FOR_PAGES = 40
_NOT_FOR_US = {f"connectwise-{kind.word}" for kind in (NotPermitted, EndpointNotFound, RecordNotFound)}


def may_be_done_without(failed: ReconcilerError) -> bool:
    """Whether a read failed because the API member may not, or because the server does not have the table.

    Whatever else goes wrong may go well in the next run, and nothing is planned from half of a site.
    """
    return all(one.code in _NOT_FOR_US for one in failed.diagnostics)


@dataclass
class Counts:
    """Whether lists are compared with `/count`, and whether this server turned out to have none."""

    wanted: bool = False
    refused: bool = False

    @contextmanager
    def compared(self) -> Iterator[None]:
        """Compare lists within the block."""
        self.wanted, before = True, self.wanted
        try:
            yield
        finally:
            self.wanted = before


class Client:
    """Reads and writes rows of ConnectWise; made by `connect`.

    `host` and `company` say which ConnectWise it is. `in_refused` remembers that this server takes no
    `field in (…)`. `unread` holds, by path, why a table was done without: what depends on it waits. While
    `counts` is wanted, lists are compared with the number that the server counts, and ListShort is raised for
    one that stays short.

    Every method raises ApiError's subclasses as `Session.request` does, and BadAnswer where the JSON is not
    of the documented shape.
    """

    def __init__(self, session: Session, company: str, prefix: str) -> None:
        self.company = company
        self.host = session.service.host
        self.in_refused = False
        self.unread: dict[str, Diagnostic] = {}
        self.counts = Counts()
        self._session = session
        self._prefix = prefix
        self._moving = asyncio.Lock()

    async def get(self, path: str, params: Params = ()) -> Row:
        """One record."""
        data = (await self._request("GET", path, params=params)).data
        if not isinstance(data, dict):
            raise self.bad_answer("GET", path, "the answer is not a record")
        return data

    async def list_all(self, path: str, params: Params = (), *, pages: int | None = None) -> list[Row]:
        """All records of a list, in the order of their ids; at most `pages` pages of 1,000."""
        if pages is not None:
            return await self._paged(path, params, pages)
        return await self._whole(path, params, lambda: self._paged(path, params, None))

    async def list_forward(self, path: str, params: Params = ()) -> list[Row]:
        """All records of a list by forward-only paging: stable while others insert, and quick on long lists.

        `pagination-type: forward-only` pages by ids above `pageId` and takes no order (Developer Guide).
        """
        return await self._whole(path, params, lambda: self._forward(path, params))

    async def _whole(self, path: str, params: Params, read: Callable[[], Awaitable[list[Row]]]) -> list[Row]:
        """The list; where counts are wanted, read again while it holds less than the server counts.

        It is counted first: what others insert meanwhile makes a list longer, and not short.
        """
        held = counted = 0
        for _ in range(LOOKS):
            expected, refused = await self._counted(path, params)
            rows = await read()
            if refused:  # and the list is not, so that it was not for its conditions
                self.counts.refused = True
            if expected is None or len(rows) >= expected:
                return rows
            held, counted = len(rows), expected
        raise ListShort(self.call("GET", path), held, counted)

    async def count(self, path: str, params: Params = (), *, always: bool = False) -> int | None:
        """How many records a list has; None where the server does not say it.

        None as well where counts are not wanted, unless it is `always` asked.
        """
        return (await self._counted(path, params, always=always))[0]

    async def _counted(self, path: str, params: Params, *, always: bool = False) -> tuple[int | None, bool]:
        """The number, and whether this request for it was refused.

        Every list of the OpenAPI document has its `/count`. A server without one is not asked again.
        """
        if not (self.counts.wanted or always) or self.counts.refused:
            return None, False
        filters = [one for one in params if one[0].lower().endswith("conditions")]
        place = f"{path.rstrip('/')}/count"
        try:
            data = (await self._request("GET", place, params=filters)).data
        except EndpointNotFound:
            self.counts.refused = True
            return None, True
        except (RecordNotFound, Refused):
            return None, True
        number = data.get("count") if isinstance(data, dict) else None
        if not isinstance(number, int) or isinstance(number, bool):
            raise self.bad_answer("GET", place, "the answer is no count")
        return number, False

    async def _paged(self, path: str, params: Params, pages: int | None) -> list[Row]:
        """The pages of a list.

        A page is the last one when it is empty, or not full and without a `next` link: a proxy that drops
        the Link header must not shorten a list. Only the page number is taken from the link. There is none
        on the last page (Developer Guide, "Pagination"), so that an empty page behind one says that the list
        changed meanwhile or was cut short: BadAnswer.
        """
        rows = _Rows(self, path)
        page = 1
        announced = False
        while True:
            paging = [("orderBy", "id asc"), ("pageSize", str(PAGE_SIZE)), ("page", str(page))]
            answer = await self._request("GET", path, params=[*params, *paging])
            count = rows.add(answer.data)
            if announced and count == 0:
                raise self.bad_answer("GET", path, f"page {page} was announced, and it is empty")
            following = self._following(path, answer, "page", page)
            announced = following is not None
            if count == 0 or page == pages or (following is None and count < PAGE_SIZE):
                return rows.all
            page = following or page + 1

    async def list_page(self, path: str, params: Params = (), *, size: int) -> list[Row]:
        """The first `size` records of a list, in the order of their ids."""
        rows = _Rows(self, path)
        paging = [("orderBy", "id asc"), ("pageSize", str(size)), ("page", "1")]
        rows.add((await self._request("GET", path, params=[*params, *paging])).data)
        return rows.all

    async def _forward(self, path: str, params: Params) -> list[Row]:
        rows = _Rows(self, path)
        last = 0
        while True:
            paging = [("pageSize", str(PAGE_SIZE))] + ([("pageId", str(last))] if last else [])
            answer = await self._request(
                "GET", path, params=[*params, *paging], headers={"pagination-type": "forward-only"}
            )
            count = rows.add(answer.data)
            if count == 0:
                return rows.all
            following = self._following(path, answer, "pageId", last)
            if following is None and count < PAGE_SIZE:
                return rows.all
            last = following or rows.highest

    async def list_page_if_there(
        self, path: str, params: Params = (), *, size: int, without: str
    ) -> list[Row] | None:
        """As `list_page`; None where the API member may not read it, or the server does not have it.

        `without` says what follows from that. It is remembered under `unread`.
        """
        try:
            return await self.list_page(path, params, size=size)
        except ReconcilerError as failed:
            if not may_be_done_without(failed):
                raise
            (reason,) = failed.diagnostics
            message = f"{reason.message}. {without}"
            self.unread[path] = replace(reason, severity=Severity.WARNING, message=message)
            return None

    async def post(self, path: str, body: Mapping[str, Any]) -> Row:
        """Create a record; the whole record as the server keeps it."""
        return await self._write("POST", path, dict(body))

    async def patch(self, path: str, operations: Sequence[Mapping[str, Any]]) -> Row:
        """Change a record by absolute values; the whole record as the server keeps it."""
        return await self._write("PATCH", path, [dict(one) for one in operations])

    def room(self, path: str, params: Params, name: str) -> int:
        """How many percent-encoded characters a further parameter's value may have on a list's URL."""
        url = self._session.service.origin + self._prefix + path + build_query([*params, (name, "")])
        paging = build_query([("orderBy", "id asc"), ("pageSize", str(PAGE_SIZE)), ("page", "1")])
        return MAX_URL - len(url) - len(paging) - _ROOM_FOR_PAGES

    def bad_answer(self, method: str, path: str, what: str) -> BadAnswer:
        """The error for JSON that is not of the documented shape."""
        return BadAnswer(self.call(method, path), what)

    def call(self, method: str, path: str) -> Call:
        """What errors say about a request."""
        return self._session.service.call(method, path)

    async def _write(self, method: str, path: str, body: Any) -> Row:
        data = (await self._request(method, path, json=body)).data
        if not isinstance(data, dict):
            # It was carried out, or it was not: a 2xx without the record says neither.
            raise Unsure(self.call(method, path), "the answer is not the record")
        return data

    async def _request(self, method: str, path: str, **what: Any) -> Answer:
        """One request; where the API has moved meanwhile, once more at its new place.

        A 404 for the endpoint is an answer: the server did nothing, so any verb may be sent again.
        """
        prefix = self._prefix
        try:
            return await self._session.request(method, path, prefix=prefix, **what)
        except EndpointNotFound:
            async with self._moving:
                if self._prefix == prefix:
                    self._prefix = await discover(self._session, self.company)
            if self._prefix == prefix:
                raise
        return await self._session.request(method, path, prefix=self._prefix, **what)

    def _following(self, path: str, answer: Answer, name: str, current: int) -> int | None:
        """The next page's number or id, from the Link header's query; None where there is none."""
        values = parse_qs(answer.next_query).get(name, [])
        if not values:
            return None
        text = values[0]
        if not (text.isascii() and text.isdigit()) or len(text) > 18 or int(text) <= current:
            raise self.bad_answer("GET", path, f"the next page's {name} does not follow {current}")
        return int(text)


class _Rows:
    """The records of a list as its pages come in."""

    def __init__(self, client: Client, path: str) -> None:
        self.all: list[Row] = []
        self.highest = 0
        self._client = client
        self._path = path
        self._ids: set[int] = set()

    def add(self, data: Any) -> int:
        """Take a page; how many records it holds. A list that repeats an id was not read consistently."""
        if not isinstance(data, list):
            raise self._client.bad_answer("GET", self._path, "the answer is not a list")
        for row in data:
            number = row.get("id") if isinstance(row, dict) else None
            if not isinstance(number, int) or isinstance(number, bool):
                raise self._client.bad_answer("GET", self._path, "the list holds an entry without an id")
            if number in self._ids:
                raise self._client.bad_answer("GET", self._path, f"the list repeats record {number}")
            self._ids.add(number)
            self.all.append(row)
        self.highest = max(self._ids, default=0)
        return len(data)


@asynccontextmanager
async def connect(
    credentials: Credentials,
    *,
    write: bool,
    transport: httpx.AsyncBaseTransport | None = None,
    observer: Observer | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncIterator[Client]:
    """A client for one ConnectWise. With `write=False` it refuses every request that changes something.

    Raises ReconcilerError for an unknown company and ApiError's subclasses for a server that cannot be
    reached. `transport` and `sleep` are for tests; `observer` hears of every request.
    """
    service = Service(
        system="ConnectWise",
        origin=credentials.url,
        host_setting="CONNECTWISE_URL",
        key_settings="CONNECTWISE_COMPANY, CONNECTWISE_PUBLIC_KEY, CONNECTWISE_PRIVATE_KEY and "
        "CONNECTWISE_CLIENT_ID",
        permission=needed_permission,
        is_missing_record=_is_missing_record,
        read_posts=frozenset({"/system/bundles"}),
        # The guide calls more than 1,000 a minute likely to be throttled.
        rates=((900, 60),),
        concurrency=4,
    )
    headers = {"Accept": ACCEPT, "clientId": credentials.client_id}
    async with Session(
        service,
        writes=write,
        authorization=_Keys(credentials),
        headers=headers,
        transport=transport,
        observer=observer,
        sleep=sleep,
    ) as session:
        prefix = await discover(session, credentials.company)
        yield Client(session, credentials.company, prefix)


class _Keys:
    """Basic authorization by company, public and private key."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    async def header(self) -> str:
        known = self._credentials
        pair = f"{known.company}+{known.public_key.reveal()}:{known.private_key.reveal()}"
        return "Basic " + base64.b64encode(pair.encode()).decode("ascii")

    async def renew(self, refused: str) -> bool:  # noqa: ARG002 - keys do not change within a run
        return False


def _is_missing_record(body: Any) -> bool:
    """A missing record has code `NotFound`; a missing endpoint `ConnectWiseApi` (recorded answers)."""
    return isinstance(body, dict) and body.get("code") == "NotFound"
