"""How the numbers of a table look, in a CSV and in a workbook.

Money comes rounded to its currency's decimals, and a price with them or with more: both are shown with the
decimals that the Decimal carries, so that each row has those of its own currency.
"""

from __future__ import annotations

from decimal import Decimal

from reconciler.model.money import MOST_PLACES, USUAL_PLACES, plain

#: Forms of columns; a workbook's cell gets its number format from `cell_form`.
MONEY, CHANGE, PRICE = "money", "change of money", "price"
UNITS, DAY = "General", "yyyy-mm-dd"  # an optional decimal would leave Excel's dot behind whole units
_OF_MONEY = frozenset({MONEY, CHANGE, PRICE})


def number_text(number: Decimal, form: str) -> str:
    """Money with the decimals that it carries, everything else as people write quantities."""
    if form not in _OF_MONEY:
        return plain(number)
    return f"{number or abs(number):f}"  # never -0.00


def cell_form(value: object, form: str) -> str:
    """The number format of a workbook's cell: `#,##0.00` for money in euros, `#,##0` for kronur."""
    if form not in _OF_MONEY:
        return form
    digits = "#,##0" + (f".{'0' * decimals}" if (decimals := _decimals(value)) else "")
    return f"+{digits};-{digits};{digits.removeprefix('#,##')}" if form == CHANGE else digits


def _decimals(value: object) -> int:
    exponent = value.as_tuple().exponent if isinstance(value, Decimal) else -USUAL_PLACES
    return min(max(0, -exponent), MOST_PLACES) if isinstance(exponent, int) else USUAL_PLACES
