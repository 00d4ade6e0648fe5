"""One apply: connect, check, write, report."""

from __future__ import annotations

import asyncio
import json
import signal
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.cli import exit_codes
from reconciler.cli.site import connect
from reconciler.connectwise.catalog import custom_field_definitions
from reconciler.execution.preconditions import stale_changes
from reconciler.execution.run import execute, not_started
from reconciler.execution.state import MarkerPlace
from reconciler.execution.write import Writer
from reconciler.model.diagnostics import ReconcilerError, error
from reconciler.model.identifiers import identifier_key
from reconciler.model.observed import Instance
from reconciler.model.outcome import Result
from reconciler.model.plan import CUSTOM_FIELD_PREFIX
from reconciler.reporting.clean import clean
from reconciler.reporting.outcome_text import outcome_summary, print_outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.cli.runtime import Runtime
    from reconciler.cli.site import Connections
    from reconciler.execution.state import Stale
    from reconciler.model.observed import CustomField
    from reconciler.model.outcome import Outcome
    from reconciler.model.plan import Plan


#: Anything else leaves something for a person to look at.
_AS_WANTED = frozenset({Result.APPLIED, Result.ALREADY_OK})


@dataclass
class Run:
    """One apply: its plan, what became of each change, and how it ended."""

    plan: Plan
    outcomes: list[Outcome] = field(default_factory=list)
    stale: list[Stale] = field(default_factory=list)
    interrupted: bool = False

    def exit_code(self, of_plan: int) -> int:
        """The worst of what happened."""

        if self.stale:
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
    if not run.stale:
        run.outcomes += not_started(run.plan.changes, run.outcomes)


async def _write_all(runtime: Runtime, run: Run, *, check_first: bool, quiet: bool) -> None:
    place = MarkerPlace(run.plan.owner, run.plan.marker_custom_field)
    console = runtime.out()

    def tell(outcome: Outcome) -> None:
        run.outcomes.append(outcome)
        if not quiet:
            print_outcome(console, outcome)

    async with AsyncExitStack() as stack:
        site = await connect(stack, runtime, write=True)
        _refuse_another_instance(run.plan, site)
        if check_first:
            run.stale = await stale_changes(site.connectwise, run.plan.ready, place)
            if run.stale:
                return
        writer = Writer(site.connectwise, place, await _definitions(site, run.plan))
        with _stoppable(runtime) as stop:
            await execute(run.plan.changes, writer, stop=stop, on_outcome=tell)
            run.interrupted = stop.is_set()


async def _definitions(site: Connections, plan: Plan) -> dict[str, CustomField]:
    """The catalog's custom fields, read only where a product is created with some."""
    needed = plan.marker_custom_field is not None or any(
        one.field.startswith(CUSTOM_FIELD_PREFIX) for change in plan.ready for one in change.fields
    )
    if not needed:
        return {}
    return {identifier_key(f.caption): f for f in await custom_field_definitions(site.connectwise)}


def _refuse_another_instance(plan: Plan, site: Connections) -> None:
    here = Instance(site.connectwise.host, site.connectwise.company, site.sophos.partner_id).to_json()
    if here == plan.instance:
        return
    differing = [name for name in here if here[name] != plan.instance.get(name)]
    told = "; ".join(f"{name} is {here[name]}, the plan's is {plan.instance.get(name)}" for name in differing)
    raise ReconcilerError(
        error(
            "another-instance",
            f"This plan was made for another site: {told}. Nothing was written.",
            "Use the credentials of the plan's site, or plan again with these.",
        )
    )


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


def report(runtime: Runtime, run: Run, output_format: str) -> None:
    """What became of it, in one of the formats."""
    if output_format == "json":
        document = {
            "planHash": run.plan.hash,
            "interrupted": run.interrupted,
            "stale": [{"id": one.change.id, "what": one.what} for one in run.stale],
            "outcomes": [outcome.to_json() for outcome in run.outcomes],
            "diagnostics": [d.to_json() for d in run.plan.diagnostics],
        }
        runtime.stdout.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")
        return
    console = runtime.out()
    if run.stale:
        console.print(
            "\nStale: this plan no longer fits what is in ConnectWise. Nothing was written.", style="bold red"
        )
        for one in run.stale:
            console.print(f"  {clean(one.change.id)}: {clean(one.what)}")
        console.print("Plan again and have that reviewed.")
    elif run.outcomes:
        console.print(f"\n{outcome_summary(run.outcomes)}", style="bold")
