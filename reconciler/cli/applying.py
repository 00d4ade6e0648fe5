"""One apply: connect, check, write, report."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, timedelta
from typing import TYPE_CHECKING

from reconciler.cli import exit_codes
from reconciler.cli.journaling import recording
from reconciler.cli.lost_output import complain, let_go
from reconciler.cli.site import connect, months_for, refuse_another_instance
from reconciler.cli.stopping import Stop
from reconciler.cli.waiting import run_to_its_end
from reconciler.connectwise.catalog import custom_field_definitions
from reconciler.execution.fresh import rests_on_lists
from reconciler.execution.preconditions import stale_changes
from reconciler.execution.run import execute, not_started
from reconciler.execution.state import MarkerPlace
from reconciler.execution.unseen import Seen
from reconciler.execution.write import Writer
from reconciler.model.change import CUSTOM_FIELD_PREFIX
from reconciler.model.counts import number_of
from reconciler.model.diagnostics import error
from reconciler.model.identifiers import identifier_key
from reconciler.model.months import Month
from reconciler.model.observed import Instance
from reconciler.model.outcome import Result
from reconciler.model.unsettled import unsettled
from reconciler.model.verdict import usage_is_counted
from reconciler.planning.usage.months import newest_closed
from reconciler.reporting.by_hand_text import print_by_hand
from reconciler.reporting.clean import clean
from reconciler.reporting.diagnostics import print_diagnostics
from reconciler.reporting.json_text import json_text
from reconciler.reporting.outcome_text import left_alone, outcome_summary, print_outcome, repeated_causes
from reconciler.reporting.within_text import print_within, within_json
from reconciler.reporting.written_words import Words
from reconciler.sophos.usage import read_usage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from rich.console import Console

    from reconciler.cli.journaling import Recorder
    from reconciler.cli.runtime import Runtime
    from reconciler.cli.site import Connections
    from reconciler.execution.state import Stale
    from reconciler.model.diagnostics import Diagnostic
    from reconciler.model.observed import CustomField
    from reconciler.model.outcome import Outcome
    from reconciler.model.plan import Plan
    from reconciler.model.within import Within


#: Anything else leaves something for a person to look at.
_AS_WANTED = frozenset({Result.APPLIED, Result.ALREADY_OK, Result.TAKEN_BACK})
#: How far behind UTC the westernmost clocks are.
_WESTERNMOST = timedelta(hours=12)


@dataclass(frozen=True)
class Record:
    """Where the journal goes (None: the usual place), and the planned folder, whose commit it names.

    A saved plan does not say which folder it was made of, and so which commit.
    """

    place: str | None
    folder: Path | None


@dataclass
class Run:
    """One apply: its plan, what became of each change, and how it ended.

    `within` is how the plan compares with reviewed ones, where it has to. `unexpected` says that it is not
    the plan that was expected, `outdated` that it is too old, or that a newer month has closed than that of
    its quantities. `journal` is there once the writing has begun. `unheard` is why standard output takes
    nothing more. `untold` are the outcomes of changes that were never begun, and that nobody has seen yet.
    """

    plan: Plan
    within: Within | None = None
    outcomes: list[Outcome] = field(default_factory=list)
    stale: list[Stale] = field(default_factory=list)
    unexpected: Diagnostic | None = None
    outdated: Diagnostic | None = None
    interrupted: bool = False
    journal: Recorder | None = None
    stop: Stop = field(default_factory=Stop)
    unheard: OSError | None = None
    untold: list[Outcome] = field(default_factory=list)

    @property
    def plan_hash(self) -> str:
        """The hash of the plan as it was made."""
        return self.plan.hash if self.within is None else self.within.fresh.hash

    @property
    def is_refused(self) -> bool:
        """Whether something would be written that was not reviewed."""
        return self.within is not None and bool(self.within.refused)

    def learn(self, outcome: Outcome) -> None:
        """Remember what became of a change; a later look at the same change replaces what was known."""
        known = (at for at, earlier in enumerate(self.outcomes) if earlier.change.id == outcome.change.id)
        at = next(known, None)
        if at is None:
            self.outcomes.append(outcome)
        else:
            self.outcomes[at] = outcome

    def leave_the_rest(self) -> list[Outcome]:
        """What was never begun has its outcome as well."""
        left = not_started(self.plan.own, self.outcomes)
        self.outcomes += left
        self.untold += left
        return left

    def is_another_than(self, expected: str | None) -> bool:
        """Whether the plan is not the one of this hash; then it says so."""
        if expected is None or self.plan_hash == expected:
            return False
        self.unexpected = error(
            "another-plan",
            f"This plan's hash is {self.plan_hash}, and {expected} was expected. Nothing was written.",
            "Look at the plan again: it is not the one whose hash was noted.",
        )
        return True

    @property
    def only_waits(self) -> bool:
        """Whether everything is as it should be but for what was left to people before this run.

        Something that was reviewed to be written and is held back, or a month in which nothing could be
        counted, is more than that.
        """
        if self.within is not None:
            return not self.within.undecided
        return usage_is_counted(self.plan)

    def exit_code(self, of_plan: int, *, allow_waiting: bool = False) -> int:
        """The worst of what happened; with `allow_waiting`, what waits for people anyway is nothing bad."""
        if self.unheard is not None and not isinstance(self.unheard, BrokenPipeError):
            return exit_codes.NO_RESULT
        if self.stale or self.outdated is not None or self.unexpected is not None or self.is_refused:
            return exit_codes.STALE
        if self.interrupted:
            return exit_codes.INTERRUPTED if self.stop.by is None else exit_codes.after_signal(self.stop.by)
        if self.journal is not None and self.journal.trouble is not None:
            return exit_codes.PARTLY
        missed = [outcome.change for outcome in self.outcomes if outcome.result not in _AS_WANTED]
        allowed = allow_waiting and self.only_waits
        if any(not (allowed and change.blocked) for change in missed):
            return exit_codes.PARTLY
        return exit_codes.DONE if allowed and of_plan == exit_codes.PARTLY else of_plan


def write(runtime: Runtime, run: Run, record: Record, *, check_first: bool, quiet: bool) -> None:
    """Write the plan's changes and keep what became of each in `run`, and in a journal.

    With `check_first` (a saved plan) everything it expects is read before the first write; without, what its
    creations, ends and moves rest on. Raises ReconcilerError where nothing could be started.
    """
    try:
        run_to_its_end(_write_all(runtime, run, record, check_first=check_first, quiet=quiet))
    except (asyncio.CancelledError, KeyboardInterrupt):
        run.interrupted = True
    if not run.stale and run.outdated is None:
        run.leave_the_rest()


async def _write_all(runtime: Runtime, run: Run, record: Record, *, check_first: bool, quiet: bool) -> None:
    place = MarkerPlace(run.plan.owner, run.plan.marker_custom_field)
    console = runtime.out()
    causes: dict[str, str] = {}
    words = Words(run.plan)

    def tell(outcome: Outcome) -> None:
        run.learn(outcome)
        if run.journal is not None:
            run.journal.outcome(outcome)
        if quiet or run.unheard is not None:
            return
        try:
            print_outcome(console, outcome, causes, words)
        except OSError as lost:  # what is in flight is finished, and nothing more is begun unheard
            run.unheard = lost
            stop.set()

    async with AsyncExitStack() as stack:
        stack.enter_context(run.stop.running())
        site = await connect(stack, runtime, write=True)
        refuse_another_instance(run.plan, _instance(site))
        if check_first:
            run.outdated = await _outdated(runtime, run.plan, site)
            if run.outdated is not None:
                return
        # A plan of seconds ago may rest on a list that came short, or overlap with another run.
        only = None if check_first else rests_on_lists
        seen = Seen.by(run.plan) if check_first else None
        run.stale = await stale_changes(
            site.connectwise, run.plan.ready, place, member=run.plan.member, only=only, seen=seen
        )
        if run.stale:
            return
        definitions = await _definitions(site, run.plan)
        with _recorded(runtime, run, record) as journal, run.stop.writing() as stop:
            writer = Writer(
                site.connectwise,
                place,
                definitions,
                before_write=journal.before_write,
                member=run.plan.member,
            )
            await execute(run.plan.own, writer, stop=stop, on_outcome=tell)
            run.interrupted = run.stop.by is not None


@contextmanager
def _recorded(runtime: Runtime, run: Run, record: Record) -> Iterator[Recorder]:
    """The run's journal; it has its last line unless a fault of this program or the machine ended the run."""
    with recording(runtime, run.plan, record.place, record.folder) as journal:
        run.journal = journal
        try:
            yield journal
        except asyncio.CancelledError:
            run.interrupted = True
            _end(run, journal)
            raise
        _end(run, journal)


def _end(run: Run, journal: Recorder) -> None:
    for outcome in run.leave_the_rest():
        journal.outcome(outcome)
    journal.end(run.outcomes, interrupted=run.interrupted)


def too_old(plan: Plan, now: datetime) -> Diagnostic | None:
    """Whether a saved plan is older than its `guards.planAge` lets it be, or one of its words has ended.

    A plan does not hold its site's time zone: the day now is that of UTC.
    """
    today, until = now.astimezone(UTC).date(), plan.guards.good_until
    if until is not None and today > until.day:
        return error(
            "word-ended-since",
            f"This plan is of {plan.today}, and {until.word} ({until.place}) held until {until.day}. Nothing "
            "was written.",
            "Plan again, and have that reviewed: without that word something else may be right.",
        )
    most = plan.guards.limits.max_plan_age_days
    age = (today - date.fromisoformat(plan.today)).days
    if most is None or age <= most:
        return None
    return error(
        "plan-too-old",
        f"This plan is of {plan.today}, {number_of(age, 'day')} ago, and guards.planAge lets it be "
        f"{number_of(most, 'day')} old. Nothing was written.",
        "Plan again and have that reviewed: what was true then may not be so now.",
    )


async def _outdated(runtime: Runtime, plan: Plan, site: Connections) -> Diagnostic | None:
    """Whether a newer month has closed than the one whose quantities the plan writes.

    Raises ReconcilerError where Sophos cannot say it. A plan does not hold its site's time zone: a month
    counts as closed here once its last window has ended everywhere on earth.
    """
    if plan.period is None or not any(change.target.agreement is not None for change in plan.ready):
        return None
    today = (runtime.now().astimezone(UTC) - _WESTERNMOST).date()
    own = Month.parse(plan.period.month)
    bills = [await read_usage(site.sophos, one) for one in months_for(today, None, lines=True) if one > own]
    newest = newest_closed(bills, today)
    if newest is None:
        return None
    return error(
        "month-closed-since",
        f"This plan writes the quantities of Sophos {plan.period.title}, and {newest.month.title} "
        "has closed. Nothing was written.",
        "Plan again: without --period, the newest closed month counts.",
    )


async def _definitions(site: Connections, plan: Plan) -> dict[str, CustomField]:
    """The catalog's custom fields, read only where a product is created with some."""
    needed = plan.marker_custom_field is not None or any(
        one.field.startswith(CUSTOM_FIELD_PREFIX) for change in plan.ready for one in change.fields
    )
    if not needed:
        return {}
    return {identifier_key(f.caption): f for f in await custom_field_definitions(site.connectwise)}


def _instance(site: Connections) -> dict[str, str]:
    return Instance(site.connectwise.host, site.connectwise.company, site.sophos.partner_id).to_json()


@contextmanager
def reported_even_so(runtime: Runtime, run: Run, output_format: str) -> Iterator[None]:
    """Where a fault of this program ends the writing, what became of each change is said before it is raised.

    In text each outcome was printed as soon as it was known; as JSON they are printed together. Where
    nothing was attempted there is no document.
    """
    came_to_its_end = False
    try:
        yield
        came_to_its_end = True
    finally:
        if not came_to_its_end and run.outcomes and output_format == "json":
            report(runtime, run, output_format)


def report(runtime: Runtime, run: Run, output_format: str) -> None:
    """What became of it, in one of the formats; on stderr where standard output takes nothing more."""
    try:
        if run.unheard is None:
            _report(runtime, run, output_format)
            runtime.stdout.flush()
    except OSError as lost:
        run.unheard = lost
    if run.unheard is None:
        return
    let_go(runtime.stdout)
    complain(runtime, run.unheard)
    with suppress(OSError):
        console = runtime.err()
        causes: dict[str, str] = {}
        words = Words(run.plan)
        for outcome in run.outcomes[: len(run.outcomes) - len(run.untold)]:
            print_outcome(console, outcome, causes, words)
        _print_end(console, run)


def _report(runtime: Runtime, run: Run, output_format: str) -> None:
    if output_format == "json":
        document = {
            "planHash": run.plan_hash,
            "interrupted": run.interrupted,
            "journal": None if run.journal is None else str(run.journal.path),
            "stale": [{"id": one.change.id, "what": one.what} for one in run.stale],
            "outcomes": [outcome.to_json() for outcome in run.outcomes],
            "census": None if run.plan.census is None else run.plan.census.to_json(),
            "leftAlone": [change.id for change in run.plan.waiting],
            "within": None if run.within is None else within_json(run.within),
            "diagnostics": [d.to_json() for d in (*_told(run), *run.plan.diagnostics)],
        }
        runtime.stdout.write(json_text(document))
        return
    print_diagnostics(runtime.err(), _told(run))
    _print_end(runtime.out(), run)


def _print_end(console: Console, run: Run) -> None:
    if run.stale:
        console.print(
            "\nStale: this plan no longer fits what is in ConnectWise. Nothing was written.", style="bold red"
        )
        for one in run.stale:
            console.print(f"  {clean(one.change.id)}: {clean(one.what)}")
        console.print("Plan again and have that reviewed.")
    elif run.outcomes:
        words = Words(run.plan)
        for outcome in run.untold:
            print_outcome(console, outcome, {}, words)
        left = unsettled(run.plan).counts
        waits = f" Left to people: {', '.join(left)}." if left else ""
        if run.interrupted:
            console.print("\nInterrupted: no further request was started.", style="bold red")
        console.print()
        for said in repeated_causes(run.outcomes):
            console.print(said)
        console.print(f"{outcome_summary(run.outcomes, words)}{waits}", style="bold")
    if run.journal is not None:
        print_by_hand(console, run.plan)
        console.print(f"Recorded in {clean(str(run.journal.path))}")
    if run.within is not None:
        print_within(console, run.within)
    elif run.plan.waiting:
        console.print(left_alone(len(run.plan.waiting)))


def _told(run: Run) -> list[Diagnostic]:
    trouble = None if run.journal is None else run.journal.trouble
    return [one for one in (run.unexpected, run.outdated, trouble) if one is not None]
