"""What has been invoiced on ConnectWise's agreements, as it sums that up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.connectwise.agreements import MOST_QUESTIONS, calendar_day, questions
from reconciler.connectwise.lookup import read_any_of
from reconciler.model.billing import Recap
from reconciler.model.money import parse_decimal
from reconciler.transport.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date

    from reconciler.connectwise.client import Client, Params, Row

#: The slash at the end is the OpenAPI document's own.
RECAPS = "/finance/agreementrecap/"
_MANY_PERIODS = 10_000
_RECAP: Params = (
    ("fields", "id,lastInvoiceDate,lastInvoiceAmount,nextInvoiceDate,nextInvoiceAmount,unbilledPeriods"),
)


async def read_recaps(client: Client, agreement_ids: Collection[int]) -> dict[int, Recap]:
    """What ConnectWise sums up of these agreements' invoicing, by agreement id; unknown ones are left out.

    A recap's id is taken to be its agreement's, which its path in the OpenAPI document suggests. That
    document calls dates and the last amount plain texts, so a value that cannot be read is None. Where the
    server refuses to filter (400), or for many agreements, all recaps are listed.
    """
    wanted = set(agreement_ids)
    values = [str(one) for one in sorted(wanted)]
    if not wanted:
        return {}
    found = None
    if questions(client, RECAPS, _RECAP, "id", values) <= MOST_QUESTIONS:
        try:
            found = await read_any_of(client, RECAPS, "id", values, _RECAP)
        except Refused as refused:
            if refused.status != 400:
                raise
    if found is None:
        found = await client.list_all(RECAPS, _RECAP)
    return {row["id"]: _recap(row) for row in found if row["id"] in wanted}


def _recap(row: Row) -> Recap:
    values = {name.lower(): value for name, value in row.items()}
    return Recap(
        agreement_id=row["id"],
        last_invoice=_loose_day(values.get("lastinvoicedate")),
        last_amount=parse_decimal(values.get("lastinvoiceamount")),
        next_invoice=_loose_day(values.get("nextinvoicedate")),
        next_amount=parse_decimal(values.get("nextinvoiceamount")),
        unbilled_periods=_loose_count(values.get("unbilledperiods")),
    )


def _loose_day(value: object) -> date | None:
    try:
        return calendar_day(value.strip()) if isinstance(value, str) else None
    except ValueError:
        return None


def _loose_count(value: object) -> int | None:
    number = parse_decimal(value)
    if number is None or not 0 <= number < _MANY_PERIODS or number != number.to_integral_value():
        return None
    return int(number)
