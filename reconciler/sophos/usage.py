"""Sophos's monthly bill, line by line."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from sys import intern
from typing import TYPE_CHECKING, Any

from reconciler.model.money import parse_decimal
from reconciler.model.observed import UnreadableLine, UsageLine, UsageMonth
from reconciler.sophos.paging import READ_AGAIN, read_keys
from reconciler.sophos.texts import WrongTypeError, loose_text, reference, required_text, text
from reconciler.transport.errors import RecordNotFound, excerpt

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from reconciler.model.months import Month
    from reconciler.sophos.client import Client

PATH = "/partner/v1/billing/usage"
#: What clients in use ask for; the documented default is 50.
PAGE_SIZE = 1000
_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?![0-9])")


async def read_usage(client: Client, month: Month) -> UsageMonth:
    """The bill of a month; `lines` is None where Sophos has none (404), which is not zero.

    Lines of one page that are the same in everything, order number and order line included, count once; an
    order line that comes with different content is kept as often as it comes, because customers may share
    one. Contact data in the answer is not taken over. A line that lacks its product code, or has quantities
    that are no numbers, is in `unreadable`. Raises BadAnswer where the same line stands on two pages: a row
    that was pushed onto the next page is read twice, and one that was pulled forward is not read at all.
    """
    path = f"{PATH}/{month.year}/{month.month}"
    try:
        pages = await read_keys(client, path, _any_line, size=PAGE_SIZE)
    except RecordNotFound:
        return UsageMonth(month, None)
    lines: list[UsageLine] = []
    unreadable: dict[UnreadableLine, None] = {}
    on_page: dict[UsageLine, int] = {}
    for page, found in enumerate(pages, start=1):
        for line in found:
            known = len(on_page)
            if isinstance(line, UnreadableLine):
                unreadable[line] = None
            elif not (line.order_number and line.order_line):
                lines.append(line)
            elif (first := on_page.setdefault(line, page)) != page:
                order = excerpt(f"{line.order_number}/{line.order_line}", 80)
                raise client.bad_answer(
                    path, f"order line {order} stands on page {first} and again on page {page}", READ_AGAIN
                )
            elif len(on_page) > known:
                lines.append(line)
    return UsageMonth(month, tuple(lines), tuple(unreadable))


def _any_line(row: Mapping[str, Any]) -> UsageLine | UnreadableLine:
    """One line, or what can be read of one that cannot be counted."""
    try:
        return usage_line(row)
    except WrongTypeError as wrong:
        account = row.get("accountId")
        return UnreadableLine(
            tenant_id=account.strip().lower() or None if isinstance(account, str) else None,
            product_code=loose_text(row, "productCode"),
            order_number=loose_text(row, "orderNumber"),
            order_line=loose_text(row, "orderLineItemNumber"),
            account_or_serial=loose_text(row, "accountNumberOrSerialNumber"),
            name=loose_text(row, "assignedAccountIdentifier"),
            problem=str(wrong),
        )


def usage_line(row: Mapping[str, Any]) -> UsageLine:
    """One line. Raises WrongTypeError for what its units, its customer or its window cannot be read from.

    `accountId` is the tenant; lines of firewalls that no tenant has been given come without one.
    """
    return UsageLine(
        tenant_id=intern(text(row, "accountId").lower()) or None,
        product_code=required_text(row, "productCode"),
        description=loose_text(row, "productDescription"),
        group=loose_text(row, "productGroup"),
        billable=_quantity(row, "billableQuantity"),
        actual=_quantity(row, "actualQuantity"),
        window_start=_day(text(row, "billingStartDate")),
        window_end=_day(text(row, "billingEndDate")),
        order_number=reference(row, "orderNumber"),
        order_line=reference(row, "orderLineItemNumber"),
        account_or_serial=reference(row, "accountNumberOrSerialNumber"),
        account_status=loose_text(row, "accountStatus"),
        assigned_name=loose_text(row, "assignedAccountIdentifier"),
        unit_price=parse_decimal(row.get("unitPrice")),
        currency=loose_text(row, "unitPriceCurrency"),
    )


def _quantity(row: Mapping[str, Any], name: str) -> Decimal:
    number = parse_decimal(row.get(name))
    if number is None:
        raise WrongTypeError(f"{name}: {excerpt(repr(row.get(name)), 60)} is no number")
    return number


@lru_cache(maxsize=1000)
def _day(shown: str) -> date | None:
    """The day; None for one that does not exist, as Sophos's own sample has (2021-04-31)."""
    found = _DAY.match(shown)
    if found is None:
        return None
    try:
        return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return None
