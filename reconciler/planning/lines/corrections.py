"""Invoices that were made with another number than the bill of their month gives now, and why that is so."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.model.by_hand import ByHand, Work
from reconciler.model.diagnostics import Diagnostic, notice, warning
from reconciler.model.identifiers import identifier_key
from reconciler.model.lines import WRITTEN
from reconciler.model.money import cents, plain, to_places
from reconciler.planning.lines.rows import billed
from reconciler.planning.usage.cycles import quantity_before
from reconciler.planning.usage.quantities import ZERO

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from decimal import Decimal

    from reconciler.model.billing import Line
    from reconciler.planning.lines.judged import Ground, Judged
    from reconciler.planning.usage.cells import Cell, Feeding
    from reconciler.planning.usage.quantities import Terms


def correction(one: Judged, line: Line, ground: Ground, windows: tuple[date, date | None]) -> ByHand | None:
    """Last month's bill, counted by today's rows, against what last month's invoice took from our line."""
    window, before = windows
    recap = ground.billing.recaps.get(one.row.agreement_id or 0)
    member = ground.settings.connectwise_member
    ours = member is not None and identifier_key(line.updated_by) == identifier_key(member)
    if before is None or recap is None or recap.last_invoice is None or one.expected is None:
        return None
    written = line.last_updated[:10]
    invoiced = before < recap.last_invoice <= window and "" < written <= recap.last_invoice.isoformat()
    if not ours or one.row.held or not invoiced or one.expected == line.quantity:
        return None
    wanted = max(one.expected, ZERO)
    amount = billed(wanted, line.less_included, line) - billed(line.quantity, line.less_included, line)
    return _work(Work.CORRECTION, one, amount, (line.quantity, wanted), recap.last_invoice)


def invoice_exists(one: Judged, ground: Ground, window: date) -> ByHand | None:
    """The month's invoice was made before the month's quantity was there."""
    row, sales = one.row, one.row.sales
    recap = ground.billing.recaps.get(row.agreement_id or 0)
    if row.state not in WRITTEN or recap is None or recap.last_invoice is None:
        return None
    next_invoice = row.first_invoice
    if next_invoice is None or recap.last_invoice <= window or next_invoice <= recap.last_invoice:
        return None
    if sales is None or sales.delta == 0:
        return None
    return _work(Work.LATE, one, sales.delta, (row.before, row.after), recap.last_invoice)


def _work(
    work: Work,
    one: Judged,
    amount: Decimal,
    quantity: tuple[Decimal | None, Decimal | None],
    invoice: date,
) -> ByHand:
    row, sales = one.row, one.row.sales
    return ByHand(
        work,
        row.agreement_id or 0,
        row.product,
        row.line_id,
        cents(amount) if sales is None else to_places(amount, sales.places),
        "" if sales is None else sales.currency,
        *quantity,
        invoice,
        until=row.first_invoice,
    )


def about(work: ByHand, one: Judged, ground: Ground) -> Diagnostic:
    """What is said of it in a plan, with the cause where the rows show it."""
    row = one.row
    place = f"{row.customer}, {row.agreement} (#{row.agreement_id}), {row.product}, line #{row.line_id}"
    where = {"location": row.source, "subject": row.key}
    money = f"{work.amount:f} {work.currency}".rstrip()
    if work.work is Work.LATE:
        return warning(
            "invoice-exists",
            f"{place}: too late for the invoice of {work.invoice}, which exists. The change first shows on "
            f"the invoice of {work.until}. If the earlier invoice should have had it as well, {money} of it "
            "stays to correct.",
            "Correct that invoice by hand (agreement adjustment or credit memo), or leave it.",
            **where,
        )
    counted, own = quantity_before(one.cell), _own_word(one.cell, work.before or ZERO, ground)
    said = (
        f"{place}: the invoice of {work.invoice} had {plain(work.before or ZERO)}, and Sophos's bill of that "
        f"month gives {plain(work.after or ZERO)} by the rows as they are now "
        f"({'' if counted is None else counted.parts}): {money}."
    )
    by_hand = "correct it by hand (agreement adjustment or credit memo)"
    if own:
        return notice(
            "correction-by-hand",
            f"{said} It is {plain(work.before or ZERO)} without {own}: the rows have changed since, and not "
            "Sophos's bill. It is not written.",
            f"If the rows were meant for that invoice as well, {by_hand}; otherwise leave it.",
            **where,
        )
    return warning(
        "correction-by-hand",
        f"{said} Sophos has corrected its bill, or a row has changed since. It is not written.",
        f"If Sophos has, {by_hand}, or leave it. If a row has, that invoice was right by the rows of then.",
        **where,
    )


def _own_word(cell: Cell, invoiced: Decimal, ground: Ground) -> str:
    """The word of the rows without which last month's bill gives what was invoiced; or nothing."""
    if cell.terms.fixed:  # what those lines carried then is not known
        return ""
    found = (name for name, other in _variants(cell, ground) if _gives(other, invoiced))
    return next(found, "")


def _gives(cell: Cell, invoiced: Decimal) -> bool:
    counted = quantity_before(cell)
    return counted is not None and counted.quantity == invoiced


def _variants(cell: Cell, ground: Ground) -> Iterator[tuple[str, Cell]]:
    """The cell without the mappings that are not written yet, and without one of its words each."""
    terms, codes = cell.terms, {code for feeding in cell.feedings for code in feeding.before or ()}
    new = codes - ground.products.applied(cell.product)
    if new:
        without = [_without(feeding, new) for feeding in cell.feedings]
        yield f"the mapping of {', '.join(sorted(new))}, which is new", replace(cell, feedings=without)
    for name, value, other in (
        ("blocksOf", terms.blocks_of, replace(terms, blocks_of=None)),
        ("minimum", terms.minimum, replace(terms, minimum=None)),
        ("maximum", terms.maximum, replace(terms, maximum=None)),
    ):
        if value is not None:
            yield f"`{name}: {plain(value)}`{_where(terms, name)}", replace(cell, terms=other)
    if len(codes) > 1:
        for count in ("sum", "max", *sorted(codes)):
            said = f"`count: {terms.count}`{_where(terms, 'count')}"
            yield said, replace(cell, terms=replace(terms, count=count))


def _where(terms: Terms, name: str) -> str:
    place = terms.layers.get(name)
    return "" if place is None else f" ({place.file}:{place.line})"


def _without(feeding: Feeding, codes: set[str]) -> Feeding:
    before = feeding.before
    left = None if before is None else {code: units for code, units in before.items() if code not in codes}
    return replace(feeding, before=left)
