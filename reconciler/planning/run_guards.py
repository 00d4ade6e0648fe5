"""What is too much for one run: judged from a plan alone, when it is made and again before it is applied."""

from __future__ import annotations

from collections import defaultdict
from decimal import ROUND_CEILING, Decimal
from typing import TYPE_CHECKING

from reconciler.model.census_check import census_problem
from reconciler.model.change import OF_LINES, Action
from reconciler.model.counts import number_of
from reconciler.model.diagnostics import Diagnostic, Severity, error
from reconciler.model.identifiers import identifier_key
from reconciler.model.lines import Amount, LineState
from reconciler.model.money import money_text, plain, to_places
from reconciler.model.plan_guards import Answered
from reconciler.model.row_check import row_of_change_problems
from reconciler.model.verdict import group_lines, rounded, sums
from reconciler.planning.lines.guards import (
    BYPASSED,
    MOST_CHANGES,
    RUN_CHANGE,
    RUN_GUARDS,
    TOTAL_CHANGE,
    Allowed,
    products_to_zero,
    withhold,
)
from reconciler.planning.products.changes import loss

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reconciler.model.desired import MostChanges, TotalGuard
    from reconciler.model.lines import PlannedLine
    from reconciler.model.plan import Plan
    from reconciler.model.plan_guards import Answer

_ALL = Decimal(100)
#: How many lines a message names.
MOST_NAMED = 5
_PORTIONS = "Or look at single customers, and plan and apply each with --customer."


def run_guards(plan: Plan) -> list[Diagnostic]:
    """What of the plan's changes, taken together, is over a limit of the whole run.

    A plan whose census does not close is over every limit: nobody knows what it leaves out.
    """
    open_census = census_problem(plan.census)
    return [
        *([] if open_census is None else [open_census]),
        *_run_change(plan),
        *_most_changes(plan),
        *_total(plan),
    ]


def bypassed_guards(plan: Plan) -> list[Diagnostic]:
    """What a saved plan would write although a guard of a line or of a product holds such a thing back.

    The planner makes no such plan: its file was changed and signed again.
    """
    said = [*_not_held(plan), *row_of_change_problems(plan), *_unanswered(plan), *_taken(plan)]
    return [
        error(
            BYPASSED,
            f"{name}: {why.rstrip('.')}. This plan would write it all the same. Nothing is written.",
            "The file is not what was planned. Plan again, and have that reviewed.",
        )
        for name, why in said
    ] + _many_to_zero(plan)


# --- more than so much of everything


def _run_change(plan: Plan) -> Iterator[Diagnostic]:
    limit, counted = plan.guards.limits.run_change, _counted(plan)
    if limit is None or len(counted) < limit.floor:
        return
    written = _unanswered_rows(plan)
    share = _percent(Decimal(len(written)), Decimal(len(counted)))
    said, lines, money = [], share, Decimal(0)
    if share > limit.lines:
        of = f"{len(written)} of {number_of(len(counted), 'line')}"
        said.append(f"{of}, {_shown(share)} % (limit {plain(limit.lines)} %)")
    before = {one.currency: one.before for one in sums(line.sales for line in counted)}
    for one in _moved(written):
        sales = before.get(one.currency, Decimal(0))
        part = _percent(one.after, sales)
        money = max(money, part)
        if part > limit.money:
            said.append(
                f"changes of {_amount(one.after, one)} in {_amount(sales, one)} a month, "
                f"{_shown(part)} % (limit {plain(limit.money)} %)"
            )
    if said:
        wider = f"{{lines: {_up(max(lines, limit.lines))}, money: {_up(max(money, limit.money))}}}"
        yield error(
            RUN_CHANGE,
            f"This plan would write {', and '.join(said)}{_answered_text(plan, written)}. "
            f"Nothing is written. {largest(written)}",
            "Is Sophos's bill complete, and is every row meant? If it is right, set "
            f"settings.guards.runChange to {wider} in a reviewed change. {_PORTIONS}",
        )


def _moved(lines: Iterable[PlannedLine]) -> tuple[Amount, ...]:
    """How much money changes per currency, up and down added; as the `after` of each."""
    changes = (rounded(line.sales) for line in lines if line.sales is not None)
    return sums(Amount(one.currency, Decimal(0), abs(one.delta), one.places) for one in changes)


# --- more than so many of one action


def _most_changes(plan: Plan) -> Iterator[Diagnostic]:
    done: dict[str, set[str]] = defaultdict(set)
    rows = {line.key: line for line in _unanswered_rows(plan)}
    taken_over = {(old.agreement_id, old.line_id): line.key for line in plan.lines for old in line.takes_over}
    for change in plan.ready:
        target = change.target
        key = taken_over.get((target.agreement or 0, target.id or 0), target.key)
        if change.action not in OF_LINES or key in rows:
            done[change.action.value].add(key)
    counted = len(_counted(plan))
    for limit in plan.guards.limits.most_changes:
        of_lines = Action(limit.action) in OF_LINES
        keys = done[limit.action]
        if of_lines:
            shown, there = largest([rows[key] for key in rows if key in keys]), counted
        else:
            shown, there = _named(sorted(keys)), plan.guards.products
        yield from _most(limit, len(keys), there, shown)


def _most(limit: MostChanges, count: int, there: int, shown: str) -> Iterator[Diagnostic]:
    share = _percent(Decimal(count), Decimal(there))
    too_large_a_part = there >= limit.floor and share > limit.percent
    if count <= limit.count and not too_large_a_part:
        return
    what = "line" if Action(limit.action) in OF_LINES else "product"
    wider = f"{{count: {max(count, limit.count)}, percent: {_up(max(share, limit.percent))}}}"
    yield error(
        MOST_CHANGES,
        f"This plan has {limit.action} for {count} of {number_of(there, what)}, {_shown(share)} %. "
        f"settings.guards.mostChanges lets one run have it for {limit.count} at most, and from "
        f"{limit.floor} {what}s on for {plain(limit.percent)} % of them at most. Nothing is written. {shown}",
        f"Is every one of them meant? If so, set settings.guards.mostChanges to {{{limit.action}: {wider}}} "
        "in a reviewed change.",
    )


# --- the total


def _total(plan: Plan) -> Iterator[Diagnostic]:
    limit = plan.guards.limits.total
    if limit is None:
        return
    groups = group_lines(plan)
    stays = [line for line in groups.unchanged if not line.shadow]
    large = len(_counted(plan)) >= limit.floor
    amounts = [line.sales for line in groups.written]
    amounts += [Amount(s.currency, s.before, s.before, s.places) for line in stays if (s := line.sales)]
    over = [(one, said) for one in sums(amounts) if (said := _over_total(one, limit, large=large))]
    wider = _wider([one for one, _ in over], limit, large=large)
    for one, said in over:
        moved = [
            line for line in groups.written if line.sales is not None and line.sales.currency == one.currency
        ]
        yield error(
            TOTAL_CHANGE,
            "The total of the lines that this plan writes or leaves as they are would go from "
            f"{_amount(one.before, one)} to {_amount(one.after, one)} a month, {said}. Nothing is written. "
            f"{largest(moved)}",
            "Is Sophos's bill complete, and are prices and rows as they are meant? If so, set "
            f"settings.guards.total to {wider} in a reviewed change. {_PORTIONS}",
        )


def _over_total(one: Amount, limit: TotalGuard, *, large: bool) -> str:
    moved = abs(one.delta)
    share, percent = _percent(moved, one.before), limit.rise if one.delta > 0 else limit.drop
    word = "rise" if one.delta > 0 else "drop"
    if large and share > percent:
        return f"a {word} of {_shown(share)} % (limit {plain(percent)} %)"
    most = dict(limit.money).get(one.currency)
    if most is not None and moved > most:
        return f"a {word} of {_amount(moved, one)} (limit {money_text(most, one.places)})"
    return ""


def _wider(over: Iterable[Amount], limit: TotalGuard, *, large: bool) -> str:
    """The limits that let all of these through, as YAML; what need not be wider stays as it is."""
    percent, money = {"rise": limit.rise, "drop": limit.drop}, dict(limit.money)
    for one in over:
        word, moved = "rise" if one.delta > 0 else "drop", abs(one.delta)
        if large:
            share = _percent(moved, one.before).to_integral_value(rounding=ROUND_CEILING)
            percent[word] = max(percent[word], share)
        if one.currency in money:
            whole = moved.to_integral_value(rounding=ROUND_CEILING)
            money[one.currency] = max(money[one.currency], whole)
    said = [f"{word}: {plain(number)}" for word, number in percent.items()]
    if money:
        said.append(f"money: {{{', '.join(f'{name}: {plain(most)}' for name, most in money.items())}}}")
    return f"{{{', '.join(said)}}}"


# --- what the planner withholds


def _not_held(plan: Plan) -> Iterator[tuple[str, str]]:
    """The feed cannot be judged again without Sophos: what stopped the plan holds all of it back."""
    stops = [d for d in plan.diagnostics if d.code in RUN_GUARDS and d.severity is Severity.ERROR]
    if stops and plan.ready:
        yield number_of(len(plan.ready), "change"), f"the plan was stopped by {stops[0].code}"


def _unanswered(plan: Plan) -> Iterator[tuple[str, str]]:
    """Rows that are written although the same guards, computed again, withhold them."""
    answers = {one.line: one for one in plan.guards.answers}

    def approval(line: PlannedLine) -> Answer | None:
        one = answers.get(line.key)
        before, after = line.before or Decimal(0), line.after
        return one if one is not None and after is not None and one.lets(before, after) else None

    written = group_lines(plan).written
    rows = [line.but(held=_is(answers.get(line.key), Answered.HOLD)) for line in written]
    settled = {id(row) for row in rows if _is(answers.get(row.key), Answered.ROW)}
    protected = dict(_protected(plan))
    judged = withhold(rows, plan.guards.limits, Allowed(approval, settled), protected)
    for row, again in zip(rows, judged, strict=True):
        if again.state is not row.state:
            yield f"Line #{row.line_id} of {row.customer}, {row.product}", again.reason


def _is(answer: Answer | None, kind: Answered) -> bool:
    return answer is not None and answer.kind is kind


def _protected(plan: Plan) -> Iterator[tuple[tuple[str, str], str]]:
    for text in plan.guards.protected:
        kind, _, key = text.partition("/")
        yield (kind, key), text


def _taken(plan: Plan) -> Iterator[tuple[str, str]]:
    protected = dict(_protected(plan))
    for change in plan.ready:
        names = (change.target.identifier, change.expected_identifier or "")
        found = next((t for n in names if (t := protected.get(("product", identifier_key(n))))), None)
        taken = loss(change) if found and change.target.agreement is None else ""
        if taken:
            yield change.target.identifier, f"it would {taken}, and {found} is protected"


def _many_to_zero(plan: Plan) -> list[Diagnostic]:
    answered = {one.line for one in plan.guards.answers}
    written = [line for line in group_lines(plan).written if line.key not in answered]
    return products_to_zero(written, plan.guards.limits)


# --- what they share


def _counted(plan: Plan) -> list[PlannedLine]:
    """The lines that usage is counted for: that are there or to be created, and may be written."""
    return [
        line
        for line in plan.lines
        if not line.shadow
        and (line.line_id is not None or line.starts is not None)
        and line.state is not LineState.NOT_COUNTED
    ]


def _unanswered_rows(plan: Plan) -> list[PlannedLine]:
    """The rows that are written and that nobody has said yes to."""
    answered = {one.line for one in plan.guards.answers}
    return [line for line in group_lines(plan).written if line.key not in answered]


def largest(lines: Iterable[PlannedLine]) -> str:
    """The lines that would change most, with their quantities and money, and where all of them stand."""
    ordered = sorted(lines, key=lambda line: (-_weight(line), line.customer, line.key))
    return _named([_line_text(line) for line in ordered])


def _named(texts: Sequence[str]) -> str:
    more = len(texts) - MOST_NAMED
    left = f"; and {more} more, which stand in --format xlsx, csv and json" if more > 0 else ""
    return f"It would write: {'; '.join(texts[:MOST_NAMED])}{left}." if texts else ""


def _weight(line: PlannedLine) -> Decimal:
    return Decimal(0) if line.sales is None else abs(line.sales.delta)


def _line_text(line: PlannedLine) -> str:
    """`Alder · Managed, MSP-EP #1: 100 → 101, +4.00 EUR`."""
    number = "" if line.line_id is None else f" #{line.line_id}"
    before, after = ("–" if one is None else plain(one) for one in (line.before, line.after))
    shown = rounded(line.sales) if line.sales is not None else None
    money = "" if shown is None else f", {shown.delta:+,.{shown.places}f} {shown.currency}"
    return f"{line.customer} · {line.agreement}, {line.product}{number}: {before} → {after}{money}"


def _answered_text(plan: Plan, counted: Sequence[PlannedLine]) -> str:
    """How many lines the plan writes besides, which a person or a row has answered."""
    more = len(group_lines(plan).written) - len(counted)
    if not more:
        return ""
    counts = "does" if more == 1 else "do"
    return f"; {number_of(more, 'more line')} that somebody has answered {counts} not count"


def _percent(part: Decimal, whole: Decimal) -> Decimal:
    if not part:
        return Decimal(0)
    return _ALL if whole <= 0 else part * _ALL / whole


def _shown(percent: Decimal) -> str:
    return plain(to_places(percent, 2))


def _up(percent: Decimal) -> str:
    """A limit that lets so much through, in whole percent; there is none above 100."""
    return plain(min(percent, _ALL).to_integral_value(rounding=ROUND_CEILING))


def _amount(number: Decimal, like: Amount) -> str:
    return f"{money_text(number, like.places)} {like.currency}"
