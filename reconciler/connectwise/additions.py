"""The lines of ConnectWise's agreements, which its API calls additions."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from reconciler.connectwise.agreements import AGREEMENTS, Record
from reconciler.connectwise.bundles import MOST, Ask, Failed, ask_bundle
from reconciler.connectwise.rows import WrongTypeError
from reconciler.model.billing import LONG_AGO, Line
from reconciler.model.diagnostics import Diagnostic, warning
from reconciler.transport.concurrency import all_of
from reconciler.transport.errors import (
    ApiError,
    BadAnswer,
    EndpointNotFound,
    NotPermitted,
    RecordNotFound,
    Refused,
    Unsure,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping, Sequence
    from datetime import date
    from typing import Any

    from reconciler.connectwise.client import Client, Params, Row

T = TypeVar("T")

#: Bundles of this many are tried where a server refuses those of MOST, whose limit is not documented.
FEWER = 10
#: Requests under way at once; the session sends no more than it may.
_AT_ONCE = 8
_FIELDS = (
    "id,agreementId,product,quantity,lessIncluded,unitPrice,unitCost,billCustomer,effectiveDate,cancelledDate,"
    "invoiceDescription,serialNumber,taxableFlag,_info"
)


@dataclass(frozen=True)
class LinesRead:
    """The lines by agreement id, and why those of other agreements could not be read.

    Every agreement that was asked for is in exactly one of the two. Lines are ordered by id.
    """

    lines: dict[int, tuple[Line, ...]] = field(default_factory=dict)
    failed: dict[int, Diagnostic] = field(default_factory=dict)


async def read_lines(client: Client, agreement_ids: Collection[int], *, since: date) -> LinesRead:
    """The lines of these agreements that are not cancelled before `since`, future ones too.

    The API has no list of lines across agreements, so they are read through bundles of 50 agreements. An
    agreement with 1,000 lines or more is read page by page, and so is one whose answer does not say how
    many lines it holds. A server that refuses bundles is asked agreement by agreement, and one that refuses
    to filter is asked for all lines. Where the client wants counts, each agreement's lines are counted, and
    read alone where a bundle holds fewer: an entry that comes empty says of itself that it is complete.

    What goes wrong with one agreement is in `failed`, as a warning about it. Raises ApiError's subclasses
    for what concerns them all: a server that cannot be reached, keys, permissions.
    """
    reader = _Reader(client, since)
    await reader.read(sorted(set(agreement_ids)))
    read = reader.result
    return LinesRead(
        {number: read.lines[number] for number in sorted(read.lines)},
        {number: read.failed[number] for number in sorted(read.failed)},
    )


async def get_line(client: Client, agreement_id: int, line_id: int) -> Line:
    """One line. Raises RecordNotFound where it is gone, BadAnswer naming it where it has a wrong type."""
    path = f"{lines_path(agreement_id)}/{line_id}"
    row = await client.get(path)
    try:
        return _same(_line(row, agreement_id), line_id)
    except WrongTypeError as wrong:
        raise client.bad_answer("GET", path, str(wrong)) from None


async def patch_line(
    client: Client, agreement_id: int, line_id: int, operations: Sequence[Mapping[str, Any]]
) -> Line:
    """Change a line by JSON Patch operations with absolute values; the line as the server keeps it.

    The caller compares: a server may answer 200 and keep a value. Raises RecordNotFound, Refused and
    Unsure, the last also where the answer is not that line.
    """
    path = f"{lines_path(agreement_id)}/{line_id}"
    row = await client.patch(path, operations)
    try:
        return _same(_line(row, agreement_id), line_id)
    except WrongTypeError as wrong:
        raise Unsure(client.call("PATCH", path), f"the answer is not the line: {wrong}") from None


async def create_line(client: Client, agreement_id: int, body: Mapping[str, Any]) -> Line:
    """Create a line from `patching.line_body`; the line as the server keeps it.

    The caller compares what came back with what was sent. Raises Refused, and Unsure where it is not known
    whether the line was created, also where the answer is no line.
    """
    path = lines_path(agreement_id)
    row = await client.post(path, body)
    try:
        return _line(row, agreement_id)
    except WrongTypeError as wrong:
        raise Unsure(client.call("POST", path), f"the answer is not a line: {wrong}") from None


async def lines_of_product(client: Client, agreement_id: int, product_id: int) -> tuple[Line, ...]:
    """All lines of a product (by record id) on an agreement, ended ones too, ordered by id.

    Where the server refuses the filter (400), all of the agreement's lines are listed. Raises RecordNotFound
    where the agreement is gone.
    """
    path = lines_path(agreement_id)
    fields: Params = (("fields", _FIELDS),)
    try:
        rows = await client.list_all(path, [*fields, ("conditions", f"product/id = {product_id}")])
    except Refused as refused:
        if refused.status != 400:
            raise
        rows = await client.list_all(path, fields)
    try:
        lines = [_line(row, agreement_id) for row in rows]
    except WrongTypeError as wrong:
        raise client.bad_answer("GET", path, str(wrong)) from None
    return tuple(line for line in lines if line.product_id == product_id)


class _Reader:
    """Reads the lines of many agreements, and remembers what this server turned out to refuse."""

    def __init__(self, client: Client, since: date) -> None:
        self.result = LinesRead()
        self._client = client
        self._since = since
        self._filters = True
        self._counted: dict[int, int] = {}
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def read(self, ids: Sequence[int]) -> None:
        """The first bundle goes alone, so that a server which refuses bundles is asked for one only."""
        tried = len(ids) + 1
        for size in (MOST, FEWER):
            first = ids[:size]
            if not 1 < len(first) < tried:
                break
            tried = len(first)
            refusal = await self._try_bundle(first)
            if refusal is None:
                await self._each(self._bundle, _parts(ids[size:], size))
                return
            if refusal.status != 400:
                break
        await self._each(self._alone, ids)

    async def _each(self, read: Callable[[T], Coroutine[Any, Any, None]], items: Iterable[T]) -> None:
        async def bounded(item: T) -> None:
            # Whoever gets a slot late knows what the early ones found out.
            async with self._slots:
                await read(item)

        await all_of([bounded(item) for item in items])

    async def _count(self, number: int) -> None:
        counted = await self._client.count(lines_path(number), (("conditions", self._condition()),))
        if counted is not None:
            self._counted[number] = counted

    async def _bundle(self, ids: Sequence[int]) -> None:
        """A later bundle; where it is refused all the same, its agreements are asked for one by one."""
        if len(ids) == 1 or await self._try_bundle(ids) is not None:
            for number in ids:
                await self._alone(number)

    async def _try_bundle(self, ids: Sequence[int]) -> ApiError | None:
        """Read these agreements' lines in one request; returns why the bundle as a whole was refused."""
        if self._client.counts.wanted:
            await all_of([self._count(number) for number in ids])
        try:
            found = await ask_bundle(self._client, self._asks(ids))
            if self._filters:
                again = [number for number in ids if _is_refused(found[number])]
                if again:
                    found |= await self._unfiltered(again)
        except (NotPermitted, EndpointNotFound, RecordNotFound) as refusal:
            return refusal
        except Refused as refusal:
            if refusal.status not in (400, 405):
                raise
            return refusal
        for number, answer in found.items():
            if isinstance(answer, Failed):
                self._fail(number, answer.reason)
            elif answer.complete and len(answer.rows) >= self._counted.get(number, 0):
                self._take(number, answer.rows)
            else:
                await self._alone(number)
        return None

    async def _unfiltered(self, ids: Sequence[int]) -> dict[int, Any]:
        """Ask again without the condition, and go on so where that was what the server refused."""
        self._filters = False
        found = await ask_bundle(self._client, self._asks(ids))
        self._filters = all(_is_refused(answer) for answer in found.values())
        return found

    async def _alone(self, number: int) -> None:
        """One agreement's lines, page by page."""
        path = lines_path(number)
        fields: Params = (("fields", _FIELDS),)
        try:
            try:
                filters = (("conditions", self._condition()),) if self._filters else ()
                rows = await self._client.list_all(path, [*fields, *filters])
            except Refused as refused:
                if refused.status != 400 or not filters:
                    raise
                rows = await self._client.list_all(path, fields)
                self._filters = False
        except (RecordNotFound, Refused) as failed:
            self._fail(number, failed.diagnostic.message)
        except BadAnswer as bad:
            if bad.status is not None:
                # It is no answer of this API at all, so the other agreements have none either.
                raise
            self._fail(number, bad.diagnostic.message)
        else:
            self._take(number, rows)

    def _asks(self, ids: Sequence[int]) -> list[Ask]:
        condition = self._condition() if self._filters else ""
        return [Ask(number, "addition", number, _FIELDS, condition) for number in ids]

    def _condition(self) -> str:
        since, long_ago = (f"[{day.isoformat()}T00:00:00Z]" for day in (self._since, LONG_AGO))
        # the last two find lines that end before they begin
        return (
            f"cancelledDate = null or cancelledDate >= {since} or effectiveDate >= {since} "
            f"or cancelledDate < {long_ago}"
        )

    def _take(self, number: int, rows: Iterable[Row]) -> None:
        try:
            lines = [_line(row, number) for row in rows]
        except WrongTypeError as wrong:
            self._fail(number, str(wrong))
            return
        lines.sort(key=lambda line: line.id)
        self.result.lines[number] = tuple(
            line
            for line in lines
            if line.cancelled is None or line.cancelled >= self._since or line.has_odd_end
        )

    def _fail(self, number: int, reason: str) -> None:
        self.result.failed[number] = warning(
            "agreement-lines-unread",
            f"The lines of agreement {number} could not be read: {reason}",
            "Nothing is planned on this agreement. Plan again; if it stays, open the agreement's additions "
            "in ConnectWise as the API member.",
            subject=f"agreement/{number}",
        )


def _line(row: Row, agreement_id: int) -> Line:
    record = Record(row, f"a line of agreement {agreement_id}")
    number = record.id()
    record.what = f"line {number} of agreement {agreement_id}"
    if record.whole("agreementId") not in (None, agreement_id):
        raise record.wrong("agreementId", f"id of agreement {agreement_id}")
    product = record.part("product")
    if product is None:
        raise WrongTypeError(f"{record.what}, product: it is missing")
    return Line(
        id=number,
        agreement_id=agreement_id,
        product_id=product.id(),
        product_identifier=product.required_text("identifier"),
        quantity=record.required_number("quantity"),
        less_included=record.number("lessIncluded"),
        unit_price=record.number("unitPrice"),
        unit_cost=record.number("unitCost"),
        bill_customer=record.required_text("billCustomer"),
        effective=record.day("effectiveDate"),
        cancelled=record.day("cancelledDate"),
        invoice_description=record.text("invoiceDescription"),
        serial_number=record.text("serialNumber"),
        taxable=record.flag("taxableFlag"),
        last_updated=record.info("lastUpdated"),
        updated_by=record.info("updatedBy"),
    )


def _same(line: Line, line_id: int) -> Line:
    if line.id != line_id:
        raise WrongTypeError(f"line {line_id} was asked for, and line {line.id} answered")
    return line


def _is_refused(answer: object) -> bool:
    return isinstance(answer, Failed) and answer.status == 400


def _parts(ids: Sequence[int], size: int) -> list[Sequence[int]]:
    return [ids[start : start + size] for start in range(0, len(ids), size)]


def lines_path(agreement_id: int) -> str:
    """The path of an agreement's lines, as errors name it."""
    return f"{AGREEMENTS}/{agreement_id}/additions"
