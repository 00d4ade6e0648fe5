"""Both identities: the sums of all accounts, beside what was read."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from reconciler.model.census import Census, LineAccount, LinesIn, UnitAccount, UnitsIn
from reconciler.model.money import cents
from reconciler.planning.accounts.money import monthly

if TYPE_CHECKING:
    from collections.abc import Collection

    from reconciler.model.census import LineApart
    from reconciler.planning.accounts.lines import Accounted
    from reconciler.planning.accounts.units import Units

#: Accounts of lines that the plan writes: held back, they wait.
_WRITTEN = frozenset({LineAccount.CHANGES, LineAccount.ENDS, LineAccount.MOVES})
_LINE_ORDER = {account: number for number, account in enumerate(LineAccount)}
_UNIT_ORDER = {account: number for number, account in enumerate(UnitAccount)}
#: Accounts of units that wait where their row is held back.
_CARRIED = frozenset({UnitAccount.BILLED, UnitAccount.INCLUDED})


@dataclass(frozen=True)
class Accounts:
    """Every line and every unit with its account, the lines without a row, and the totals that were read."""

    lines: tuple[Accounted, ...] = ()
    units: tuple[Units, ...] = ()
    apart: tuple[LineApart, ...] = ()
    line_total: int = 0
    unit_total: Decimal = Decimal(0)


@dataclass
class _Sum:
    count: int = 0
    units: Decimal = Decimal(0)
    money: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))


def census_of(accounts: Accounts, held_back: Collection[str]) -> Census:
    """The sums per account. `held_back` are the keys of rows whose changes something holds back."""
    lines: dict[tuple[LineAccount, str], _Sum] = defaultdict(_Sum)
    for line in accounts.lines:
        account = LineAccount.WAITS if line.account in _WRITTEN and line.row in held_back else line.account
        part = lines[account, line.word]
        part.count += 1
        part.units += line.line.line.quantity
        bills = monthly(line.line)
        part.money[bills.currency] += bills.after
    units: dict[tuple[UnitAccount, str], _Sum] = defaultdict(_Sum)
    for unit in accounts.units:
        held = unit.account in _CARRIED and unit.row in held_back
        summed = units[UnitAccount.UNDECIDED if held else unit.account, unit.word]
        summed.units += unit.units
        for currency, amount in unit.value.items():
            summed.money[currency] += amount
    return Census(
        line_total=accounts.line_total,
        unit_total=accounts.unit_total,
        lines=tuple(
            LinesIn(*key, lines[key].count, lines[key].units, dict(lines[key].money))
            for key in sorted(lines, key=lambda key: (_LINE_ORDER[key[0]], key[1]))
        ),
        units=tuple(
            UnitsIn(*key, units[key].units, {name: cents(sum_) for name, sum_ in units[key].money.items()})
            for key in sorted(units, key=lambda key: (_UNIT_ORDER[key[0]], key[1]))
        ),
        apart=accounts.apart,
    )
