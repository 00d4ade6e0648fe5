"""Numbers, places and reasons of lines as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.identifiers import identifier_key
from reconciler.model.lines import LineState
from reconciler.model.money import USUAL_PLACES, money_text, plain, price, to_places
from reconciler.model.verdict import rounded
from reconciler.reporting.clean import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date
    from decimal import Decimal

    from reconciler.model.diagnostics import Location
    from reconciler.model.lines import Amount, OldLine, PlannedLine


NEW_PRICE = "new price"
MORE_FOR_LESS, FEWER_FOR_MORE = "more units, less money", "fewer units, more money"


def kind_text(line: PlannedLine) -> str:
    """What kind of change it is, in one or a few words; money that goes the other way than units is said."""
    if line.state is LineState.MOVES and line.is_repriced:
        return NEW_PRICE
    delta = 0 if line.sales is None else rounded(line.sales).delta
    if line.state is LineState.MORE and delta < 0:
        return MORE_FOR_LESS
    if line.state is LineState.LESS and delta > 0:
        return FEWER_FOR_MORE
    return line.state.value


def what_text(line: PlannedLine) -> str:
    """What happens to it in the words of invoices: `new line from 1 Dec 2026`, `ends 30 Nov 2026`, `more`."""
    match line.state:
        case LineState.NEW_LINE:
            return f"new line{_from(line)}"
        case LineState.MOVES if line.is_repriced:
            return f"{NEW_PRICE}: {old_lines_text(line)} → new line{_from(line)}"
        case LineState.MOVES:
            return f"moved: {old_lines_text(line)} → {_own(line)}{_from(line)}"
        case LineState.ENDS:
            last = "" if line.ends is None else f" {day_text(line.ends)}"
            old = f"{old_lines_text(line)} " if line.takes_over and not _only_old(line) else ""
            return f"{old}ends{last}"
        case _:
            taken = f", takes over {old_lines_text(line)}" if line.takes_over else ""
            return f"{kind_text(line)}{taken}"


def _from(line: PlannedLine) -> str:
    return "" if line.starts is None else f" from {day_text(line.starts)}"


def _own(line: PlannedLine) -> str:
    """Its product; with its agreement, where only that tells it from a line that it takes over."""
    number = "" if line.line_id is None else f"#{line.line_id} "
    own = identifier_key(line.product)
    same = any(identifier_key(old.product) == own for old in line.takes_over)
    return clean(f"{number}{line.product}{f' on {line.agreement}' if same else ''}")


def old_lines_text(line: PlannedLine) -> str:
    """The lines that it takes over: `#12 MSP-OLD + #13 MSP-OTHER on Managed IT`."""
    return " + ".join(old_line_text(old, line) for old in line.takes_over) or "a line that ends"


def old_line_text(old: OldLine, line: PlannedLine) -> str:
    """One of them, with its agreement where that is another one."""
    elsewhere = "" if old.agreement_id == line.agreement_id else f" on {old.agreement or old.agreement_id}"
    return clean(f"#{old.line_id} {old.product}{elsewhere}")


def product_text(line: PlannedLine) -> str:
    """`MSP-GOLD #5512`, and the firewall where each has a line of its own.

    Of a row whose old lines end and that has none of its own, the product that is billed until then.
    """
    if _only_old(line):
        return " + ".join(clean(f"{old.product} #{old.line_id}") for old in line.takes_over)
    number = "" if line.line_id is None else f" #{line.line_id}"
    serial = f" ({line.serial})" if line.serial else ""
    return clean(f"{line.product}{number}{serial}")


def _only_old(line: PlannedLine) -> bool:
    """Whether only old lines end: nothing of the row's own product is billed, before or after."""
    return line.state is LineState.ENDS and line.line_id is None and bool(line.takes_over)


def billed_product(line: PlannedLine) -> str:
    """The product that the row's invoices name: of lines that only end, the one that they are of."""
    if not _only_old(line):
        return line.product
    return "; ".join(dict.fromkeys(old.product for old in line.takes_over))


def subject_text(line: PlannedLine) -> str:
    """What a decision is about: `MSP-GOLD #5512`, or of a move from where to where it goes.

    `#12 MSP-OLD → MSP-NEW (new line)`, `#12 MSP-OLD → #13 MSP-NEW`, and `#12 MSP-OLD, seats of MSP-NEW`
    where it ends and no line takes over.
    """
    if not line.takes_over:
        return product_text(line)
    old, serial = old_lines_text(line), clean(f" ({line.serial})") if line.serial else ""
    if line.line_id is None and line.starts is None:
        return f"{old}, seats of {clean(line.product)}{serial}"
    if line.is_repriced:
        return f"{old} → new line at another price{serial}"
    new = " (new line)" if line.line_id is None else ""
    return f"{old} → {_own(line)}{new}{serial}"


def places_of(line: PlannedLine) -> int:
    """The decimals of its currency, as far as they are known."""
    return USUAL_PLACES if line.sales is None else line.sales.places


def money_list(amounts: Iterable[Amount]) -> str:
    """The changes per currency, `+500.00 EUR and -3.00 USD`; nothing where none changes."""
    return " and ".join(
        f"{signed(one.delta, one.places)} {clean(one.currency)}" for one in amounts if one.delta
    )


def signed(amount: Decimal, places: int = USUAL_PLACES) -> str:
    """An amount that always shows its sign: `+500.00`, `-22.00`, `0.00`."""
    shown = to_places(amount, places)
    return money_text(abs(shown), places) if not shown else f"{shown:+,f}"


def step_text(amount: Amount) -> str:
    """`90.00 → 99.00` of an amount that is rounded, in the decimals of its currency."""
    return f"{money_text(amount.before, amount.places)} → {money_text(amount.after, amount.places)}"


def day_text(day: date) -> str:
    """A day as people write it: `1 Dec 2026`."""
    return f"{day.day} {day:%b} {day.year}"


def biggest_first(lines: Iterable[PlannedLine]) -> list[PlannedLine]:
    """By the absolute change of money, then by customer; lines whose money is not known come last."""
    return sorted(
        lines,
        key=lambda line: (
            line.sales is None,
            0 if line.sales is None else -abs(rounded(line.sales).delta),
            line.customer.casefold(),
            line.key,
        ),
    )


def why(line: PlannedLine) -> str:
    """The parts of the quantity and the reason, each once; a hold is said."""
    parts = "" if line.parts in line.reason else line.parts
    reason = "" if line.reason in parts else line.reason
    return "; ".join(text for text in ("on hold" if line.held else "", parts, reason) if text)


def change_text(before: Decimal | None, after: Decimal | None) -> str:
    """`38 → 64`, or one number where nothing changes; `to 64` where only the new one is known."""
    if after is None:
        return "not known" if before is None else f"{plain(before)} → not known"
    if before is None:
        return f"to {plain(after)}"
    return plain(before) if before == after else f"{plain(before)} → {plain(after)}"


def price_text(number: Decimal, places: int = USUAL_PLACES) -> str:
    """A price with its currency's decimals, or with as many as it has."""
    return f"{price(number, places):,f}"


def place(line: PlannedLine) -> str:
    """`Safelog (SAFE) · Managed Security`, cleaned."""
    return clean(f"{line.who} · {line.agreement}" if line.agreement else line.who)


def source_text(source: Location | None) -> str:
    """`mappings/customers.yaml:14`, or nothing."""
    return "" if source is None or not source.file else f"{clean(source.file)}:{source.line}"


def feed_text(feed: Mapping[str, Decimal]) -> str:
    """The value at Sophos's feed price, per currency: `≈ USD 96.00 at Sophos`."""
    shown = " + ".join(f"{clean(currency)} {money_text(amount)}" for currency, amount in sorted(feed.items()))
    return f"≈ {shown} at Sophos" if shown else ""
