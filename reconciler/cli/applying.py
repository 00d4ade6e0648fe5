"""One apply: connect, check, write, report."""

from __future__ import annotations

import asyncio
import json
import signal
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, timedelta
from typing import TYPE_CHECKING

from reconciler.cli import exit_codes
from reconciler.cli.site import connect, months_for, refuse_another_instance
from reconciler.connectwise.catalog import custom_field_definitions
from reconciler.execution.preconditions import stale_changes
from reconciler.execution.run import execute, not_started
from reconciler.execution.state import MarkerPlace
from reconciler.execution.write import Writer
from reconciler.model.change import CUSTOM_FIELD_PREFIX
from reconciler.model.diagnostics import error
from reconciler.model.identifiers import identifier_key
from reconciler.model.months import Month
from reconciler.model.observed import Instance
from reconciler.model.outcome import Result
from reconciler.model.verdict import UNDECIDED
from reconciler.planning.usage import newest_closed
from reconciler.reporting.clean import clean
from reconciler.reporting.diagnostics import print_diagnostics
from reconciler.reporting.outcome_text import left_alone, outcome_summary, print_outcome
from reconciler.sophos.usage import read_usage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from reconciler.cli.runtime import Runtime
    from reconciler.cli.site import Connections
    from reconciler.execution.state import Stale
    from reconciler.model.diagnostics import Diagnostic
    from reconciler.model.observed import CustomField
    from reconciler.model.outcome import Outcome
    from reconciler.model.plan import Plan


#: Anything else leaves something for a person to look at.
_AS_WANTED = frozenset({Result.APPLIED, Result.ALREADY_OK})
#: How far behind UTC the westernmost clocks are.
_WESTERNMOST = timedelta(hours=12)


@dataclass
class Run:
    """One apply: its plan, what became of each change, and how it ended.

    `outdated` says that it is too old, or that a newer month has closed than the one of its quantities.
    """

    plan: Plan
    outcomes: list[Outcome] = field(default_factory=list)
    stale: list[Stale] = field(default_factory=list)
    outdated: Diagnostic | None = None
    interrupted: bool = False

    def exit_code(self, of_plan: int) -> int:
        """The worst of what happened."""
        if self.stale or self.outdated is not None:
            return exit_codes.STALE
        if self.interrupted:
            return exit_codes.INTERRUPTED
        if any(outcome.result not in _AS_WANTED for outcome in self.outcomes):
            return exit_codes.PARTLY
        return of_plan


def write(runtime: Runtime, run: Run, *, check_first: bool, quiet: bool) -> None:
    """Write the plan's changes and keep what became of each in `run`.

    With `check_first` (a saved plan) everything it expects is read before the first write. Raises
    ReconcilerError where nothing could be started.
    """
    try:
        asyncio.run(_write_all(runtime, run, check_first=check_first, quiet=quiet))
    except (asyncio.CancelledError, KeyboardInterrupt):
        run.interrupted = True
    if not run.stale and run.outdated is None:
        run.outcomes += not_started(run.plan.own, run.outcomes)


async def _write_all(runtime: Runtime, run: Run, *, check_first: bool, quiet: bool) -> None:
    place = MarkerPlace(run.plan.owner, run.plan.marker_custom_field)
    console = runtime.out()

    def tell(outcome: Outcome) -> None:
        run.outcomes.append(outcome)
        if not quiet:
            print_outcome(console, outcome)

    async with AsyncExitStack() as stack:
        site = await connect(stack, runtime, write=True)
        refuse_another_instance(run.plan, _instance(site))
        if check_first:
            run.outdated = await _outdated(runtime, run.plan, site)
            if run.outdated is not None:
                return
            run.stale = await stale_changes(site.connectwise, run.plan.ready, place)
            if run.stale:
                return
        writer = Writer(site.connectwise, place, await _definitions(site, run.plan))
        with _stoppable(runtime) as stop:
            await execute(run.plan.own, writer, stop=stop, on_outcome=tell)
            run.interrupted = stop.is_set()


def too_old(plan: Plan, now: datetime) -> Diagnostic | None:
    """Whether a saved plan is older than its own `guards.planAge` lets it be.

    A plan does not hold its site's time zone: the day now is that of UTC.
    """
    most = plan.guards.limits.max_plan_age_days
    age = (now.astimezone(UTC).date() - date.fromisoformat(plan.today)).days
    if most is None or age <= most:
        return None
    return error(
        "plan-too-old",
        f"This plan is of {plan.today}, {age} days ago, and guards.planAge lets it be {most} days old. "
        "Nothing was written.",
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
def _stoppable(runtime: Runtime) -> Iterator[asyncio.Event]:
    """An event that the first Ctrl-C sets; the second one cancels the run."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()

    def on_interrupt(*_: object) -> None:
        if stop.is_set() and task is not None:
            loop.call_soon_threadsafe(task.cancel)
            return
        loop.call_soon_threadsafe(stop.set)
        runtime.stderr.write("Stopping after the requests in flight; once more stops at once.\n")

    try:
        before = signal.signal(signal.SIGINT, on_interrupt)
    except ValueError:  # not the main thread: whoever runs us handles signals
        yield stop
        return
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


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
    """What became of it, in one of the formats."""
    if output_format == "json":
        document = {
            "planHash": run.plan.hash,
            "interrupted": run.interrupted,
            "stale": [{"id": one.change.id, "what": one.what} for one in run.stale],
            "outcomes": [outcome.to_json() for outcome in run.outcomes],
            "leftAlone": [change.id for change in run.plan.waiting],
            "diagnostics": [d.to_json() for d in (*_told(run), *run.plan.diagnostics)],
        }
        runtime.stdout.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")
        return
    print_diagnostics(runtime.err(), _told(run))
    console = runtime.out()
    if run.stale:
        console.print(
            "\nStale: this plan no longer fits what is in ConnectWise. Nothing was written.", style="bold red"
        )
        for one in run.stale:
            console.print(f"  {clean(one.change.id)}: {clean(one.what)}")
        console.print("Plan again and have that reviewed.")
    elif run.outcomes:
        undecided = sum(line.state in UNDECIDED for line in run.plan.lines)
        waits = f" {undecided} lines still wait for a decision (exit code 4)." if undecided else ""
        console.print(f"\n{outcome_summary(run.outcomes)}{waits}", style="bold")
    if run.plan.waiting:
        console.print(left_alone(len(run.plan.waiting)))


def _told(run: Run) -> list[Diagnostic]:
    return [] if run.outdated is None else [run.outdated]
