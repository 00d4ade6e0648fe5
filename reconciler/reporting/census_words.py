"""The two identities of a census in one line each, and an open line without a row in words."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from reconciler.model.billed_as import billed_as
from reconciler.model.census import LineAccount, UnitAccount
from reconciler.model.counts import number_of
from reconciler.model.money import MOST_PLACES, USUAL_PLACES, money_text, plain
from reconciler.model.verdict import rounded, sums
from reconciler.reporting.clean import clean
from reconciler.reporting.line_words import day_text, feed_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.model.census import Census, LineApart
    from reconciler.model.lines import PlannedLine

#: Accounts in words that are the same for one line and for several.
_SAID: dict[LineAccount, str] = {
    LineAccount.CHANGES: "to change",
    LineAccount.ENDS: "to end",
    LineAccount.MOVES: "to move",
    LineAccount.WAITS: "waiting",
}
_IN_SHADOW, _NOT_SYNCED = "in shadow", "sync: false"
#: Accounts that are shown where they are empty as well.
_ALWAYS = frozenset({LineAccount.UNEXPLAINED})
#: How many words of lines and reasons of units are named in an account, and how long each may be.
_MOST_WORDS, _MOST_REASONS, _LONGEST_WORD = 5, 3, 40


def identities(census: Census | None) -> tuple[str, ...]:
    """Both identities, of lines and of units; nothing where no line was counted.

    `Lines: 21 = 14 in step + 4 to change + 2 left (1 exclude, 1 hold) + 1 unexplained; 1,204.50 EUR a month`.
    """
    return () if census is None else (lines_identity(census), units_identity(census))


def lines_identity(census: Census) -> str:
    """Of the open lines, with what they bill a month as they stand."""
    counts: dict[LineAccount, Decimal] = defaultdict(Decimal)
    words: dict[LineAccount, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for part in census.lines:
        counts[part.account] += part.lines
        words[part.account][part.word] += part.lines
    parts = [
        f"{_number(counts[account])} {account_text(account)}{_listed(words[account], before=True)}"
        for account in LineAccount
        if counts[account] or account in _ALWAYS
    ]
    money = month_text(_added(part.money for part in census.lines))
    return _identity("Lines", Decimal(census.line_total), sum(counts.values(), Decimal(0)), parts, money)


def units_identity(census: Census) -> str:
    """Of the units on Sophos's bill, with their value at its feed price."""
    counts: dict[str, Decimal] = defaultdict(Decimal)
    words: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for part in census.units:
        name = unit_account_text(part.account, part.word)
        counts[name] += part.units
        words[name][part.word if name != part.word else ""] += part.units
    parts = [
        f"{_number(counts[name])} {name}{_listed(words[name], before=False)}"
        for name in _UNIT_NAMES
        if counts[name] or name == UnitAccount.UNDECIDED.value
    ]
    value = feed_text({name: value for name, value in _added(p.value for p in census.units).items() if value})
    return _identity("Units", census.unit_total, sum(counts.values(), Decimal(0)), parts, value)


def account_text(account: LineAccount) -> str:
    """The account in the words of reports, whatever the number in front: `to change`."""
    return _SAID.get(account, account.value)


def unit_account_text(account: UnitAccount, word: str = "") -> str:
    """The account in the words of reports; usage sync that is off excludes nobody, and has its own word."""
    if account is UnitAccount.EXCLUDED and word == _NOT_SYNCED:
        return word
    return _IN_SHADOW if account is UnitAccount.SHADOW else account.value


def _unit_names() -> Iterable[str]:
    for account in UnitAccount:
        yield unit_account_text(account)
        if account is UnitAccount.EXCLUDED:
            yield unit_account_text(account, _NOT_SYNCED)


_UNIT_NAMES = tuple(_unit_names())


def _identity(what: str, total: Decimal, held: Decimal, parts: list[str], money: str) -> str:
    differs = "" if total == held else f" ≠ {_number(held)}"
    return f"{what}: {_number(total)}{differs} = {' + '.join(parts)}" + (f"; {money}" if money else "")


def _number(number: Decimal) -> str:
    return f"{Decimal(plain(number)):,f}"


def _listed(words: Mapping[str, Decimal], *, before: bool) -> str:
    """The words of an account, the biggest few with their numbers before or behind them."""
    named = [(word, number) for word, number in words.items() if word and number]
    if not named:
        return ""
    biggest = sorted(named, key=lambda entry: (-entry[1], entry[0]))
    most = _MOST_WORDS if before else _MOST_REASONS
    shown = biggest[:most] if len(biggest) > most + 1 else biggest
    texts = [
        f"{_number(number)} {_short(word)}" if before else f"{_short(word)} {_number(number)}"
        for word, number in shown
    ]
    rest = biggest[len(shown) :]
    if rest:
        left = _number(sum((number for _, number in rest), Decimal(0)))
        texts.append(f"{left} by {len(rest)} other words" if before else f"{len(rest)} other reasons {left}")
    return f" ({', '.join(texts)})"


def _short(word: str) -> str:
    text = clean(word)
    return text if len(text) <= _LONGEST_WORD else f"{text[: _LONGEST_WORD - 1]}…"


def _added(several: Iterable[Mapping[str, Decimal]]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = defaultdict(Decimal)
    for money in several:
        for currency, amount in money.items():
            found[currency] += amount
    return found


def month_text(money: Mapping[str, Decimal]) -> str:
    """`1,204.50 EUR and 300 ISK a month`; nothing where nothing is billed.

    A census keeps no currency's decimals: an amount is shown with those that it carries.
    """
    shown = [
        f"{money_text(amount, _places(amount))} {clean(currency)}"
        for currency, amount in sorted(money.items())
        if amount
    ]
    return f"{' and '.join(shown)} a month" if shown else ""


def _places(amount: Decimal) -> int:
    exponent = amount.as_tuple().exponent
    if not isinstance(exponent, int) or exponent >= 0:
        return 0
    return min(max(-exponent, USUAL_PLACES), MOST_PLACES)


# --- an open line without a row


def apart_account(line: LineApart) -> str:
    """`unexplained`, `waiting`, `left: exclude`."""
    text = account_text(line.account)
    return f"{text}: {clean(line.word)}" if line.word else text


def apart_place(line: LineApart) -> str:
    """`Birch Ltd (BIRCH) · Managed #117`."""
    company = billed_as(line.company_name.strip() or line.company, line.company, "")
    return clean(f"{company} · {line.agreement} #{line.agreement_id}")


def apart_product(line: LineApart) -> str:
    """`MSP-GOLD #5512`."""
    return clean(f"{line.product} #{line.line_id}")


def apart_money(line: LineApart) -> str:
    """What it bills a month; `?` where that is not known."""
    if line.sales is None:
        return "?"
    money = rounded(line.sales)
    return f"{money_text(money.before, money.places)} {clean(money.currency)}"


def apart_written(line: LineApart) -> str:
    """`apirec, 27 Nov 2026`."""
    writer = clean(line.last_writer.strip()) or "?"
    try:
        return f"{writer}, {day_text(date.fromisoformat(line.last_written[:10]))}"
    except ValueError:
        return writer


def apart_title(account: LineAccount, word: str, lines: list[LineApart]) -> str:
    """`2 lines unexplained, 40 units, 160.00 EUR a month`, `3 lines left: exclude, 30 units`."""
    what = account_text(account)
    if account is LineAccount.WAITS:
        what += " for a decision"
    if word:
        what += f": {clean(word)}"
    money = apart_sum(lines)
    units = number_of(sum((line.quantity for line in lines), Decimal(0)), "unit")
    return f"{number_of(len(lines), 'line')} {what}, {units}" + (f", {money} a month" if money else "")


def rows_title(lines: Iterable[PlannedLine]) -> str:
    """`All lines with a row: 17 open lines, 450 units`: with the other open lines they are the identity."""
    own = [line for line in lines if line.open_lines]
    units = sum((line.units_now or Decimal(0) for line in own), Decimal(0))
    count = number_of(sum(len(line.open_lines) for line in own), "open line")
    return f"All lines with a row: {count}, {number_of(units, 'unit')}"


def apart_sum(lines: Iterable[LineApart]) -> str:
    """What these lines bill together, per currency."""
    amounts = sums(line.sales for line in lines)
    return " and ".join(
        f"{money_text(one.before, one.places)} {clean(one.currency)}" for one in amounts if one.before
    )


def apart_groups(census: Census) -> list[tuple[LineAccount, str, list[LineApart]]]:
    """The lines to look at: unexplained ones, those that wait, then by the word that leaves them.

    The biggest come first within a group. Lines without a row that change or are in step are only counted.
    """
    order = (LineAccount.UNEXPLAINED, LineAccount.WAITS, LineAccount.LEFT)
    groups: dict[tuple[int, str], list[LineApart]] = defaultdict(list)
    for line in census.apart:
        if line.account in order:
            groups[order.index(line.account), line.word].append(line)
    return [
        (order[number], word, sorted(groups[number, word], key=_biggest_first))
        for number, word in sorted(groups)
    ]


def by_reason(lines: Iterable[LineApart]) -> list[tuple[str, str, list[LineApart]]]:
    """The lines by their reason and what to do, in the order of the first of each."""
    found: dict[tuple[str, str], list[LineApart]] = {}
    for line in lines:
        found.setdefault((line.reason, line.remedy), []).append(line)
    return [(*why, several) for why, several in found.items()]


def _biggest_first(line: LineApart) -> tuple[bool, Decimal, str, int]:
    money = Decimal(0) if line.sales is None else -abs(rounded(line.sales).before)
    return line.sales is None, money, line.company.casefold(), line.line_id
