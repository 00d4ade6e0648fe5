"""Exit code 0, an empty plan and `ready: yes` come together or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from reconciler.ci.drift import differences
from reconciler.ci.standing import compare
from reconciler.cli import exit_codes
from reconciler.cli.plan import exit_code, verdict_text
from reconciler.model.census import LineAccount
from reconciler.model.diagnostics import error, notice, warning
from reconciler.model.lines import WRITTEN, LineState
from reconciler.planning.plan import guarded
from reconciler.planning.ready import ready
from reconciler.reporting.markdown import markdown
from reconciler.reporting.plan_text import summary_line
from tests.reporting.made import (
    INVOICE,
    apart,
    census,
    change_of,
    line,
    plan,
    product_change,
    requests_of,
)

if TYPE_CHECKING:
    from reconciler.model.lines import PlannedLine
    from reconciler.model.plan import Plan

#: Rows, by state; a new line and a move have days that `made` knows apart.
_STATES = sorted(set(LineState) - {LineState.NEW_LINE, LineState.MOVES, LineState.ENDS})
_SAYS = (error("made-up", "an error"), warning("made-up", "a warning"), notice("made-up", "a notice"))


@st.composite
def rows(draw: st.DrawFn) -> PlannedLine:
    """A row of any state, silent for any number of months."""
    state = draw(st.sampled_from(_STATES))
    number = draw(st.integers(1, 10_000))
    values: dict[str, Any] = {"months_without_usage": draw(st.integers(0, 2))}
    if state not in WRITTEN:
        values["after"] = 10
    return line(f"Customer {number}", state=state, agreement_id=number, line_id=number, **values)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """A live site with one invoice date: rows, open lines without one, products, messages."""
    lines = draw(st.lists(rows(), min_size=1, max_size=3, unique_by=lambda row: row.line_id))
    accounts = draw(st.lists(st.sampled_from(LineAccount), max_size=2))
    alone = [apart(20_000 + number, account.value) for number, account in enumerate(accounts)]
    changes = [change for row in lines if row.state in WRITTEN for change in requests_of(row)]
    if draw(st.integers(0, 4)) == 0:
        changes.append(product_change(blocked_by=("made-up",) if draw(st.booleans()) else ()))
    said = draw(st.lists(st.sampled_from(_SAYS), max_size=1))
    total = draw(st.sampled_from([None, None, None, 99]))
    rest: tuple[str, int] = ("in step", len(lines)) if draw(st.booleans()) else ("waits", 1)
    found = census(rest, *alone, total=total)
    return guarded(plan(*lines, changes=tuple(changes), diagnostics=tuple(said), census=found))


@given(plans())
def test_they_come_together_or_not_at_all(made: Plan) -> None:
    code = exit_code(made, detailed=False)
    nothing_left = code == exit_codes.DONE and not made.changes
    assert nothing_left == ready(made, INVOICE).yes
    assert (exit_code(made, detailed=True) == exit_codes.DONE) == nothing_left


@given(plans())
def test_no_form_says_that_all_is_well_where_it_is_not(made: Plan) -> None:
    code = exit_code(made, detailed=True)
    assert ("Nothing to do" in summary_line(made)) == (code == exit_codes.DONE)
    assert markdown(made).startswith("## ⚪") == (code == exit_codes.DONE)
    assert bool(verdict_text(made, code)) == (code in (exit_codes.PARTLY, exit_codes.STOPPED))
    assert "because of ." not in verdict_text(made, code)


def test_what_waits_or_is_unexplained_is_drift_and_a_problem_of_the_review() -> None:
    silent = line("Silent", state=LineState.NOT_COUNTED, after=10, agreement_id=3, months_without_usage=2)
    base = plan(silent, census=census(("in step", 1), apart(4, "left", "exclude")))
    made = plan(silent, census=census(("in step", 1), apart(4, "waits"), apart(5)))
    assert [found.text for found in differences(made)] == [
        "Silent · Managed Security, MSP-ENDPOINT #5512: ",
        "Birch & Sons (BIRCH) · Managed IT #300, MSP-EMAIL #4, waiting: no customer row speaks of it",
        "Birch & Sons (BIRCH) · Managed IT #300, MSP-EMAIL #5, unexplained: no customer row speaks of it",
    ]
    told = compare(made, base)
    assert len(told.standing) == 1
    assert [text.rpartition(", ")[2] for text in told.new] == [
        "waiting: no customer row speaks of it",
        "unexplained: no customer row speaks of it",
    ]
    assert compare(made, made).new == ()


def test_a_line_to_write_is_neither_done_nor_ready() -> None:
    row = line()
    made = plan(row, changes=(change_of(row),), census=census(("changes", 1)))
    assert exit_code(made, detailed=False) == exit_codes.DONE
    assert exit_code(made, detailed=True) == exit_codes.CHANGES
    assert not ready(made, INVOICE).yes
