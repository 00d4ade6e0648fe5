"""Prints the first day of next month, UTC: the date of the invoices that a scheduled month end is about."""

from __future__ import annotations

from datetime import UTC, date, datetime


def invoice_date(today: date) -> date:
    """The first day of the month after today's."""
    return date(today.year + today.month // 12, today.month % 12 + 1, 1)


if __name__ == "__main__":
    print(invoice_date(datetime.now(UTC).date()))
