"""The changes that make a judged line so: one request for each line that is created, changed or ended."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reconciler.model.change import Action, Basis, Change, Target
from reconciler.model.field_change import FieldChange
from reconciler.model.line_fields import LESS_INCLUDED, QUANTITY
from reconciler.model.line_state import line_plan_value
from reconciler.model.lines import WRITTEN, LineState
from reconciler.model.money import plain
from reconciler.model.rests import OF_LINE, LastWrite, sign_agreement, sign_company, sign_recap
from reconciler.planning.customers.agreements import day_that_counts
from reconciler.planning.lines.dates import ending, last_day

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from reconciler.model.billing import Agreement, Line
    from reconciler.model.observed import CatalogItem
    from reconciler.planning.allocation.open_lines import Open
    from reconciler.planning.lines.judged import Ground, Judged


def is_written(one: Judged) -> bool:
    """Whether the row's state and mode are such that it is written."""
    return one.row.state in WRITTEN and not one.row.shadow


def requests(one: Judged, ground: Ground, stopped: tuple[str, ...]) -> list[Change]:
    """The requests of one row: first the lines that end for it, then its own. `stopped` holds all back."""
    if not is_written(one):
        return []
    ends = [_end_of_old(end, one, ground, stopped) for end in one.ends]
    needed = tuple(change.write for change in ends)
    if one.new is not None:
        return [*ends, _creation(one, ground, needed, stopped)]
    own = _own(one, ground, needed, stopped)
    if own is None and ends:
        # nothing else is written for the row, so that its money belongs to the line that ends
        ends[-1] = replace(ends[-1], money=one.row.sales)
    return [*ends, *([own] if own is not None else [])]


def write_of(agreement: int, number: int) -> str:
    """The name of the request that changes a line."""
    return f"agreement/{agreement}/line/{number}"


def _own(one: Judged, ground: Ground, needed: tuple[str, ...], stopped: tuple[str, ...]) -> Change | None:
    """The change of the row's own line; None where it stays as it is."""
    row, line, agreement = one.row, one.line, one.cell.agreement
    if line is None or row.line_id is None or agreement is None:
        return None
    ends = row.state is LineState.ENDS
    fields = list(ending(line, _last_day(line, agreement, ground))) if ends else _differences(one)
    if one.doubled and ends and line.quantity and all(each.field != QUANTITY.name for each in fields):
        fields.append(FieldChange(QUANTITY.name, plain(line.quantity), "0"))
    if not fields:
        return None
    action = Action.END_LINE if ends else Action.UPDATE_LINE
    target = Target(row.product, line.id, agreement.id, row.part)
    return Change(
        id=f"{action.value}:{target.key}",
        action=action,
        target=target,
        reason=f"{row.customer}: {row.reason}",
        fields=tuple(fields),
        write=write_of(agreement.id, line.id),
        depends_on=tuple(sorted({*one.cell.product.waits, *needed})),
        blocked_by=stopped,
        expected_identifier=row.product,
        source=row.source,
        money=row.sales,
        basis=_basis(line, agreement, ground, fields) if ends else _alone(one, line, ground, fields),
    )


def _last_day(line: Line, agreement: Agreement, ground: Ground) -> date:
    """The line's own one, which may be another than that of a line that ends with it."""
    return last_day(line, day_that_counts(agreement, ground.today))


def _differences(one: Judged) -> list[FieldChange]:
    row = one.row
    fields = []
    if row.before is not None and row.after is not None and row.after != row.before:
        fields.append(FieldChange(QUANTITY.name, plain(row.before), plain(row.after)))
    if row.included_after != row.included_before:
        fields.append(FieldChange(LESS_INCLUDED.name, plain(row.included_before), plain(row.included_after)))
    return [*fields, *row.declared]


def _end_of_old(end: Open, one: Judged, ground: Ground, stopped: tuple[str, ...]) -> Change:
    """The end of a line whose seats another one bills from then on."""
    line, row = end.line, one.row
    managed = ground.products.of_item(line.product_id)
    label = line.product_identifier.strip() if managed is None else managed.label
    target = Target(label, line.id, end.agreement.id, f"line/{line.id}")
    moves = row.state is not LineState.ENDS
    action = Action.MOVE_LINE if moves else Action.END_LINE
    fields = ending(line, last_day(line, end.day))
    waits = {*one.cell.product.waits_new, *(() if managed is None else managed.waits)}
    place = f" on #{one.cell.agreement.id}" if one.cell.agreement is not None else ""
    return Change(
        id=f"{action.value}:{target.key}",
        action=action,
        target=target,
        reason=f"{row.customer}: {row.product}{place} bills its seats from the next day on"
        if moves
        else f"{row.customer}: {row.reason}",
        fields=fields,
        write=write_of(end.agreement.id, line.id),
        depends_on=tuple(sorted(waits)),
        blocked_by=stopped,
        expected_identifier=label,
        source=row.source,
        basis=_basis(line, end.agreement, ground, fields),
    )


def _creation(one: Judged, ground: Ground, needed: tuple[str, ...], stopped: tuple[str, ...]) -> Change:
    row, new, agreement, product = one.row, one.new, one.cell.agreement, one.cell.product
    if new is None or agreement is None:
        raise ValueError("only a new line is created")
    action = Action.MOVE_LINE if one.ends else Action.CREATE_LINE
    part = f"serial/{one.cell.serial}" if one.cell.serial else ""
    target = Target(product.label, None, agreement.id, part)
    return Change(
        id=f"{action.value}:{target.key}",
        action=action,
        target=target,
        reason=f"{row.customer}: {row.reason}",
        fields=tuple(new.fields(one.cell.serial)),
        write=f"{target.key}/new",
        depends_on=tuple(sorted({*product.waits_new, *needed})),
        blocked_by=stopped,
        expected_identifier=product.label,
        source=row.source,
        money=row.sales,
        basis=_clear_of_rivals(
            replace(
                _beside_line(agreement, ground, None if product.item is None else product.item.id),
                over=_over(agreement, product.item, ground),
            ),
            one,
            ground.open_lines.agreements_around(agreement),
            ground,
        ),
    )


def _over(agreement: Agreement, product: CatalogItem | None, ground: Ground) -> tuple[int, ...]:
    """The product's lines on the agreement that bill nothing any more."""
    day = day_that_counts(agreement, ground.today)
    lines = ground.billing.lines.get(agreement.id, ())
    return tuple(
        sorted(
            line.id
            for line in lines
            if product is not None and line.product_id == product.id and not line.may_bill(day)
        )
    )


def _clear_of_rivals(basis: Basis, one: Judged, around: Iterable[Agreement], ground: Ground) -> Basis:
    """The basis with where its seats may be billed as well: around it, and where its customers were."""
    companies = _companies_before(one, ground)
    agreements = {agreement.id: agreement for agreement in around}
    for company in companies:
        agreements |= {agreement.id: agreement for agreement in ground.open_lines.agreements_of(company)}
    rivals = ground.products.rivals(one.cell.product, one.cell.every_code)
    own = {end.line.id for end in one.ends} | {line.id for line in [one.line] if line is not None}
    beside = {
        other.line.id: plain(other.line.quantity)
        for agreement in agreements.values()
        for other in ground.open_lines.on(agreement)
        if other.line.product_id in rivals and other.line.quantity and other.line.id not in own
    }
    return replace(
        basis,
        agreements=tuple(sorted({*agreements, *([one.cell.agreement.id] if one.cell.agreement else [])})),
        products=tuple(sorted(rivals)),
        codes=tuple(sorted(one.cell.every_code)),
        beside=tuple(sorted(beside.items())),
        companies=companies,
    )


def _companies_before(one: Judged, ground: Ground) -> tuple[int, ...]:
    """The companies that the customers of a line come from, where it needs more than it has."""
    evidence = ground.allocation.evidence
    return tuple(sorted(evidence.origins.of(one.cell))) if evidence.needs(one.cell) else ()


def _alone(one: Judged, line: Line, ground: Ground, fields: Iterable[FieldChange]) -> Basis:
    """What a change of a line's units rests on: also that no other line of its product came beside it."""
    agreement = one.cell.agreement
    if agreement is None:
        raise ValueError("a line is on an agreement")
    if _companies_before(one, ground):
        return _clear_of_rivals(_basis(line, agreement, ground, fields), one, [agreement], ground)
    beside = {
        other.line.id: plain(other.line.quantity)
        for other in ground.open_lines.on(agreement)
        if other.line.product_id == line.product_id and other.line.id != line.id and other.line.quantity
    }
    return replace(
        _basis(line, agreement, ground, fields),
        agreements=(agreement.id,),
        products=(line.product_id,),
        beside=tuple(sorted(beside.items())),
    )


def _basis(line: Line, agreement: Agreement, ground: Ground, fields: Iterable[FieldChange]) -> Basis:
    values = terms_of(line, fields)
    return replace(
        _beside_line(agreement, ground, line.product_id), values=values, written=LastWrite.of(line)
    )


def _beside_line(agreement: Agreement, ground: Ground, product: int | None) -> Basis:
    """The records beside a line, as they were read."""
    company = ground.open_lines.company_of(agreement)
    recap = ground.billing.recaps.get(agreement.id)
    return Basis(
        agreement=sign_agreement(agreement),
        product=None if product is None else ground.products.signed(product),
        company=None if company is None else sign_company(company),
        recap=None if recap is None else sign_recap(recap),
    )


def terms_of(line: Line, fields: Iterable[FieldChange]) -> tuple[tuple[str, Any], ...]:
    """What of the line its change rests on and does not write itself, as it stands."""
    written = {one.field for one in fields}
    return tuple(sorted((name, line_plan_value(line, name)) for name in OF_LINE if name not in written))
