"""What people have to settle is one number, whichever report and whichever line of it says so."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from reconciler.cli.applying import Run, report
from reconciler.cli.plan import verdict_text
from reconciler.cli.runtime import Runtime
from reconciler.model.diagnostics import error
from reconciler.model.lines import LineState
from reconciler.model.outcome import Outcome, Result
from reconciler.model.unsettled import unsettled
from reconciler.reporting.markdown import markdown
from reconciler.reporting.plan_text import print_plan, summary_line
from reconciler.reporting.spreadsheet import summary_table
from tests.reporting.made import apart, census, line, plan, printed, update_of

if TYPE_CHECKING:
    from reconciler.model.plan import Plan


def a_plan() -> Plan:
    """A change, one cause with two rows that wait for it, and open lines of each account without a row."""
    cause = line("Alder", state=LineState.NEEDS_DECISION, after=11)
    more = [
        line(name, state=LineState.NEEDS_DECISION, agreement_id=number, waits_for=cause.key)
        for number, name in enumerate(("Birch", "Cedar"), 1)
    ]
    held = line("Elm", agreement_id=8)
    changes = (
        update_of(written := line("Dogwood", agreement_id=9)),
        update_of(held, blocked_by=("owner: x",)),
    )
    return plan(
        cause, *more, written, held, changes=changes,
        census=census(("waits", 4), apart(71), apart(72), apart(73, "waits")),
    )  # fmt: skip


SAYS = [
    "2 decisions (2 more lines settled with them)",
    "1 open line waiting for a decision",
    "2 open lines unexplained",
]


def test_every_report_says_the_same_numbers() -> None:
    made = a_plan()
    assert unsettled(made).counts == SAYS
    text = printed(lambda console: print_plan(console, made))
    assert f"\n{', '.join(SAYS)}. This plan changes invoices by " in text
    assert all(f" {one}." in summary_line(made) for one in SAYS)
    assert all(one in verdict_text(made, 4) for one in SAYS)
    assert markdown(made).startswith(f"## 🟡 {' · '.join(SAYS)} · ")
    assert all(one in markdown(made, limit=1) for one in SAYS)
    assert str(summary_table(made).rows[0][1]).startswith(f"{', '.join(SAYS)}. ")


def test_the_list_of_decisions_is_as_long_as_the_number_says() -> None:
    made = a_plan()
    text = printed(lambda console: print_plan(console, made))
    assert ("\n  1. " in text, "\n  2. " in text, "\n  3. " in text) == (True, True, False)
    assert text.count("then also: ") == unsettled(made).following


def test_an_apply_says_them_with_the_same_words() -> None:
    made, out = a_plan(), io.StringIO()
    run = Run(made, outcomes=[Outcome(made.changes[0], Result.APPLIED)])
    report(Runtime(environ={}, stdout=out, stderr=io.StringIO()), run, "text")
    assert f" Left to people: {', '.join(SAYS)}." in " ".join(out.getvalue().split())


def test_what_a_guard_stops_is_no_decision_about_its_lines() -> None:
    stop = error("guard-run-change", "It changes too much.", "Look at it.")
    asked, held = line("Alder", state=LineState.NEEDS_DECISION, after=11), line("Elm", agreement_id=8)
    made = plan(asked, held, changes=(update_of(held, blocked_by=(stop.id,)),), diagnostics=(stop,))
    assert unsettled(made).counts == ["1 decision"]
