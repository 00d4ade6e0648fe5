"""ConnectWise's agreements."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from functools import lru_cache
from sys import intern
from typing import TYPE_CHECKING, Any

from reconciler.connectwise.conditions import any_equal, any_of, literal
from reconciler.connectwise.cycles import Cycles, option_of, read_cycles
from reconciler.connectwise.lookup import each_once, read_any_of
from reconciler.connectwise.rows import WrongTypeError
from reconciler.connectwise.setup_tables import LONGEST_COMPANY
from reconciler.model.billing import Agreement
from reconciler.model.identifiers import identifier_key, is_safe_in_conditions
from reconciler.model.money import MOST_PLACES, USUAL_PLACES, parse_decimal
from reconciler.model.value_check import is_id
from reconciler.transport.concurrency import all_of
from reconciler.transport.errors import Refused, excerpt

if TYPE_CHECKING:
    from collections.abc import Collection, Coroutine, Iterable, Mapping, Sequence

    from reconciler.connectwise.client import Client, Params, Row

AGREEMENTS = "/finance/agreements"
#: A list is read whole, and filtered here, where naming what is wanted would take more requests than this.
MOST_QUESTIONS = 8
_PARENT = "parentAgreement/id"
_AGREEMENT_FIELDS = (
    "id,name,type,company,startDate,endDate,noEndingDateFlag,cancelledFlag,dateCancelled,billingCycle,"
    "billStartDate,nextInvoiceDate,prorateFlag,periodType,currency,parentAgreement,billToCompany,oneTimeFlag"
)
_AGREEMENT: Params = (("fields", _AGREEMENT_FIELDS),)
_DATE_FIELDS = (
    "id,name,company,startDate,endDate,noEndingDateFlag,cancelledFlag,dateCancelled,billStartDate,"
    "nextInvoiceDate"
)
_DAY = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z?)?", re.ASCII)


class Record:
    """A record, or a reference in it, whose members are read by their documented types.

    `what` is how errors name it (`agreement 117`). A member that is absent or null is one that is not set:
    ConnectWise leaves null fields out of its answers. Every method raises WrongTypeError.
    """

    def __init__(self, row: Mapping[str, Any], what: str) -> None:
        self.what = what
        self._row = row

    def text(self, name: str) -> str:
        """A text without the blanks around it; "" where it is not set. Some come padded."""
        value = self._row.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise self.wrong(name, "text")
        return intern(value.strip())

    def required_text(self, name: str) -> str:
        """A text that has to be there."""
        return self.text(name) or self._missing(name)

    def whole(self, name: str) -> int | None:
        """A whole number."""
        value = self._row.get(name)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
            raise self.wrong(name, "whole number")
        return value

    def id(self, name: str = "id") -> int:
        """A record id, which a plan can name: neither 0 nor negative, nor out of all proportion."""
        value = self.id_or_none(name)
        return self._missing(name) if value is None else value

    def id_or_none(self, name: str = "id") -> int | None:
        """A record id; None where it is not set."""
        value = self.whole(name)
        if value is not None and not is_id(value):
            raise self.wrong(name, "record id")
        return value

    def places(self, name: str) -> int:
        """How many decimals a currency has. It decides how money is rounded, and never what is written: for
        anything that no currency has, the usual two."""
        number = parse_decimal(self._row.get(name))
        known = number is not None and 0 <= number <= MOST_PLACES and number == number.to_integral_value()
        return int(number) if known and number is not None else USUAL_PLACES

    def number(self, name: str) -> Decimal:
        """A number, 0 where it is not set; a text is none, whatever stands in it."""
        value = self._row.get(name)
        if value is None:
            return Decimal(0)
        number = None if isinstance(value, str) else parse_decimal(value)
        if number is None:
            raise self.wrong(name, "number")
        return number

    def required_number(self, name: str) -> Decimal:
        """A number that has to be there, because its absence would read as 0."""
        return self._missing(name) if self._row.get(name) is None else self.number(name)

    def flag(self, name: str) -> bool:
        """A flag; False where it is not set."""
        value = self._row.get(name)
        if value is not None and not isinstance(value, bool):
            raise self.wrong(name, "flag")
        return value is True

    def day(self, name: str) -> date | None:
        """A calendar day. ConnectWise writes `2026-12-01T00:00:00Z`; some servers "" for no date."""
        text = self.text(name)
        if not text:
            return None
        try:
            return calendar_day(text)
        except ValueError:
            raise self.wrong(name, "date") from None

    def part(self, name: str) -> Record | None:
        """A reference."""
        value = self._row.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self.wrong(name, "reference")
        return Record(value, f"{self.what}, {name}")

    def parts(self, name: str) -> list[Record]:
        """A list of references; none where it is not set."""
        value = [] if self._row.get(name) is None else self._row[name]
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise self.wrong(name, "list of references")
        return [Record(one, f"{self.what}, {name}") for one in value]

    def info(self, name: str) -> str:
        """A text of `_info`, which decides nothing; "" for anything else."""
        info = self._row.get("_info")
        value = info.get(name) if isinstance(info, dict) else None
        return intern(value.strip()) if isinstance(value, str) else ""

    def wrong(self, name: str, kind: str) -> WrongTypeError:
        """The error for a member that is not of its documented type."""
        return WrongTypeError(f"{self.what}, {name}: {excerpt(repr(self._row.get(name)), 60)} is no {kind}")

    def _missing(self, name: str) -> Any:
        raise WrongTypeError(f"{self.what}, {name}: it is missing")


@lru_cache(maxsize=10_000)
def calendar_day(text: str) -> date | None:
    """The day that a date-time names, as it is written; None for the year 1, which .NET writes for no date.

    Days come as midnight UTC and are never moved into another time zone: 1 December stays 1 December.
    Raises ValueError for any other form.
    """
    match = _DAY.fullmatch(text)
    if match is None:
        raise ValueError(text)
    day = date.fromisoformat(match[1])
    return day if day.year > 1 else None


async def read_agreements(
    client: Client,
    company_identifiers: Collection[str],
    company_ids: Collection[int],
    *,
    family_since: date | None = None,
) -> tuple[Agreement, ...]:
    """All agreements of these companies, whatever their state, ordered by id.

    Companies are named by identifier (as identifiers compare) or by record id. Few are asked for by name;
    for many all agreements are listed (`rows_of`). Costs one request more, for the billing cycles. With
    `family_since` there are also the parents and children, whosever they are, of those agreements that may
    still be billed from that day on: a question each where agreements are not listed anyway. Raises
    BadAnswer for an agreement with a field of another type, naming it.
    """
    keys, ids = {identifier_key(one) for one in company_identifiers}, set(company_ids)
    if not keys and not ids:
        return ()
    named = ("company/identifier", company_identifiers), ("company/id", company_ids)
    reads: list[Coroutine[Any, Any, Any]] = [
        _rows_of(client, AGREEMENTS, _AGREEMENT, *named),
        read_cycles(client),
    ]
    (found, whole), cycles = await all_of(reads)
    own = _agreements(client, (row for row in found if _is_of(client, row, keys, ids)), cycles)
    if family_since is None:
        return own
    billed = [one for one in own if may_bill(one, family_since)]
    parents = {one.parent_id for one in billed if one.parent_id is not None}
    billed_ids = {one.id for one in billed}
    if not whole:
        missing = parents - {one.id for one in own}
        found = await _family_rows(client, missing, billed_ids)
    own_ids = {one.id for one in own}
    others = [row for row in found if row["id"] not in own_ids]
    family = [row for row in others if row["id"] in parents or _parent(client, row) in billed_ids]
    return tuple(sorted((*own, *_agreements(client, family, cycles)), key=lambda one: one.id))


async def read_every_agreement(client: Client) -> tuple[Agreement, ...]:
    """All agreements of all companies, whatever their state, ordered by id; 1,000 a request.

    They are counted beside, where the server counts: on an agreement that a list lacks, lines bill unseen.
    Raises ListShort for a list that stays short.
    """
    reads: list[Coroutine[Any, Any, Any]] = [
        client.list_forward(AGREEMENTS, _AGREEMENT),
        read_cycles(client),
        client.count(AGREEMENTS, always=True),
    ]
    found, cycles, counted = await all_of(reads)
    if counted is not None and len(found) < counted:
        with client.counts.compared():
            found = await client.list_forward(AGREEMENTS, _AGREEMENT)
    every = _agreements(client, found, cycles)
    return tuple(sorted(every, key=lambda one: one.id))


def may_bill(agreement: Agreement, since: date) -> bool:
    """Whether any day from `since` on may be billed on it."""
    if agreement.cancelled and (agreement.cancelled_on is None or agreement.cancelled_on < since):
        return False
    return agreement.end is None or agreement.end >= since


async def _family_rows(client: Client, ids: Collection[int], parents: Collection[int]) -> list[Row]:
    """The agreements of these ids, and those of these parents; or all agreements.

    All are listed where naming them would take more than MOST_QUESTIONS requests, and where a server
    refuses to look for a parent (400): that condition is not in the documentation.
    """
    named = [("id", [str(one) for one in sorted(ids)]), (_PARENT, [str(one) for one in sorted(parents)])]
    if sum(questions(client, AGREEMENTS, _AGREEMENT, *one) for one in named) > MOST_QUESTIONS:
        return await client.list_forward(AGREEMENTS, _AGREEMENT)
    try:
        found = await all_of(
            [read_any_of(client, AGREEMENTS, field, values, _AGREEMENT) for field, values in named]
        )
    except Refused as refused:
        if refused.status != 400:
            raise
        return await client.list_forward(AGREEMENTS, _AGREEMENT)
    return each_once(found)


def _agreements(client: Client, rows: Iterable[Row], cycles: Cycles) -> tuple[Agreement, ...]:
    try:
        return tuple(_agreement(row, cycles) for row in rows)
    except WrongTypeError as wrong:
        raise client.bad_answer("GET", AGREEMENTS, str(wrong)) from None


async def agreements_by_ids(client: Client, agreement_ids: Collection[int]) -> dict[int, Agreement]:
    """These agreements by id; those that are gone are left out. Raises as `read_agreements` does."""
    wanted = set(agreement_ids)
    if not wanted:
        return {}
    reads: list[Coroutine[Any, Any, Any]] = [
        read_any_of(client, AGREEMENTS, "id", [str(one) for one in sorted(wanted)], _AGREEMENT),
        read_cycles(client),
    ]
    found, cycles = await all_of(reads)
    rows = (row for row in found if row["id"] in wanted)
    return {one.id: one for one in _agreements(client, rows, cycles)}


async def rows_of(
    client: Client,
    path: str,
    params: Params,
    by_identifier: tuple[str, Collection[str]],
    by_id: tuple[str, Collection[int]],
) -> list[Row]:
    """The records whose company is one of these, and perhaps others, ordered by id (see `_rows_of`)."""
    return (await _rows_of(client, path, params, by_identifier, by_id))[0]


async def _rows_of(
    client: Client,
    path: str,
    params: Params,
    by_identifier: tuple[str, Collection[str]],
    by_id: tuple[str, Collection[int]],
) -> tuple[list[Row], bool]:
    """The records whose company is one of these, and perhaps others; and whether it is the whole list.

    Each of the two is the field that is compared, and its values. Where it would take more than
    MOST_QUESTIONS requests to name them, the whole list is read, forward-only and 1,000 a page; also where
    an identifier holds characters that cannot stand in a condition.
    """
    field, identifiers = by_identifier
    # A longer identifier cannot exist; the same one twice would only lengthen the question.
    named = {identifier_key(one): one.strip() for one in identifiers}
    names = [name for _, name in sorted(named.items()) if 0 < len(name) <= LONGEST_COMPANY]
    id_field, ids = by_id[0], [str(one) for one in sorted(set(by_id[1]))]
    if not all(is_safe_in_conditions(name) for name in names):
        return await client.list_forward(path, params), True
    literals = [literal(name) for name in names]
    asked = questions(client, path, params, field, literals)
    if asked + questions(client, path, params, id_field, ids) > MOST_QUESTIONS:
        return await client.list_forward(path, params), True
    reads = [
        read_any_of(client, path, field, literals, params),
        read_any_of(client, path, id_field, ids, params),
    ]
    return each_once(await all_of(reads)), False


def questions(client: Client, path: str, params: Params, field: str, values: Sequence[str]) -> int:
    """How many requests it takes to ask for the records with these values."""
    budget = client.room(path, params, "conditions")
    if client.in_refused:
        return len(any_equal(field, values, budget))
    return len(any_of(field, values, budget))


def _is_of(client: Client, row: Row, keys: set[str], ids: set[int]) -> bool:
    try:
        company = Record(row, f"agreement {row['id']}").part("company")
        return company is not None and (
            company.whole("id") in ids or identifier_key(company.text("identifier")) in keys
        )
    except WrongTypeError as wrong:
        raise client.bad_answer("GET", AGREEMENTS, str(wrong)) from None


def _parent(client: Client, row: Row) -> int | None:
    try:
        parent = Record(row, f"agreement {row['id']}").part("parentAgreement")
        return None if parent is None else parent.whole("id")
    except WrongTypeError as wrong:
        raise client.bad_answer("GET", AGREEMENTS, str(wrong)) from None


def _agreement(row: Row, cycles: Cycles) -> Agreement:
    record = Record(row, f"agreement {row['id']}")
    if not is_id(row["id"]):
        record.what = f'{record.what} "{excerpt(record.text("name"), 60)}"'
    nothing = Record({}, record.what)
    company, kind = record.part("company") or nothing, record.part("type") or nothing
    parent = record.part("parentAgreement") or nothing
    cycle = record.part("billingCycle")
    currency, bill_to = record.part("currency") or nothing, record.part("billToCompany") or nothing
    return Agreement(
        id=record.id(),
        name=record.text("name"),
        type_id=kind.whole("id"),
        type_name=kind.text("name"),
        company_id=company.id(),
        company_identifier=company.text("identifier"),
        company_name=company.text("name"),
        start=record.day("startDate"),
        # A date may stay behind from before the box "no ending date" was ticked.
        end=None if record.flag("noEndingDateFlag") else record.day("endDate"),
        cancelled=record.flag("cancelledFlag"),
        cancelled_on=record.day("dateCancelled"),
        cycle="" if cycle is None else option_of(cycle.whole("id"), cycle.text("name"), cycles),
        bill_start=record.day("billStartDate"),
        next_invoice=record.day("nextInvoiceDate"),
        prorate=record.flag("prorateFlag"),
        period_type=record.text("periodType"),
        currency=(currency.text("currencyCode") or currency.text("currencyIdentifier")).upper(),
        currency_places=currency.places("numberOfDecimals"),
        parent_id=parent.id_or_none(),
        parent_name=parent.text("name"),
        bill_to=bill_to.text("identifier") or bill_to.text("name"),
        one_time=record.flag("oneTimeFlag"),
    )
