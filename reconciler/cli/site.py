"""From a folder and credentials to a plan: what several commands do before they differ."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler import __version__
from reconciler.model.diagnostics import ReconcilerError
from reconciler.model.months import Month

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date
    from pathlib import Path

    from reconciler.cli.runtime import Runtime
    from reconciler.config.load import Loaded
    from reconciler.connectwise.client import Client as ConnectWise
    from reconciler.model.desired import Desired
    from reconciler.model.observed import Observed, UsageMonth
    from reconciler.model.plan import Plan
    from reconciler.sophos.client import Client as Sophos

TOOL = f"reconciler {__version__}"


@dataclass(frozen=True)
class Configuration:
    """A folder's configuration without errors, and the site's day."""

    loaded: Loaded
    desired: Desired
    today: date
    site: str


def read_configuration(runtime: Runtime, folder: Path) -> Configuration:
    """The configuration of a folder. Raises ReconcilerError with everything that is wrong with it."""
    from reconciler.config.load import load

    loaded = load(folder, today_in=runtime.today)
    if loaded.desired is None:
        raise ReconcilerError(loaded.diagnostics)
    today = runtime.today(loaded.desired.settings.time_zone)
    return Configuration(loaded, loaded.desired, today, folder.resolve().name)


@dataclass(frozen=True)
class Connections:
    """Both systems, connected."""

    connectwise: ConnectWise
    sophos: Sophos


async def connect(stack: AsyncExitStack, runtime: Runtime, *, write: bool) -> Connections:
    """Both systems; they are closed with the stack. What plan uses cannot write."""
    from reconciler.cli.credentials import connectwise_credentials, sophos_credentials
    from reconciler.connectwise.client import connect as connect_connectwise
    from reconciler.observation.observe import together
    from reconciler.sophos.client import connect as connect_sophos

    keys = connectwise_credentials(runtime.environ, runtime.folder)
    partner = sophos_credentials(runtime.environ, runtime.folder)
    transport, observer = runtime.transport, runtime.on_request
    connectwise, sophos = await together(
        stack.enter_async_context(
            connect_connectwise(keys, write=write, transport=transport, observer=observer)
        ),
        stack.enter_async_context(connect_sophos(partner, transport=transport, observer=observer)),
    )
    return Connections(connectwise, sophos)


def observe_site(runtime: Runtime, configurations: Sequence[Desired], months: Sequence[Month]) -> Observed:
    """What is there, as far as these configurations need it."""

    async def read() -> Observed:
        from reconciler.observation.needs import needs_of
        from reconciler.observation.observe import observe

        async with AsyncExitStack() as stack:
            site = await connect(stack, runtime, write=False)
            return await observe(site.connectwise, site.sophos, needs_of(configurations), months=months)

    with progress(runtime, "Reading ConnectWise and Sophos"):
        return asyncio.run(read())


def months_for(today: date, period: Month | None) -> tuple[Month, ...]:
    """The months whose usage is read: the one asked for, or those of which the newest closed one is one."""
    if period is not None:
        return (period,)
    running = Month.of(today)
    return running, running.previous()


def plan_site(
    runtime: Runtime, head: Configuration, base: Configuration | None = None, period: Month | None = None
) -> Plan:
    """The plan of a folder; with a base, each change's cause."""
    from reconciler.planning.plan import since

    configurations = [head.desired] if base is None else [head.desired, base.desired]
    observed = observe_site(runtime, configurations, months_for(head.today, period))
    chosen = observed.usage[0] if period is not None and observed.usage else None
    made = _make(head, observed, chosen)
    if base is None:
        return made
    return since(made, _make(base, observed, chosen), head.desired, base.desired)


def _make(configuration: Configuration, observed: Observed, chosen: UsageMonth | None) -> Plan:
    from reconciler.planning.plan import make_plan

    return make_plan(
        configuration.desired,
        observed,
        today=configuration.today,
        site=configuration.site,
        tool=TOOL,
        config_hash=configuration.loaded.config_hash,
        config_diagnostics=configuration.loaded.diagnostics,
        period=chosen,
    )


@contextmanager
def progress(runtime: Runtime, text: str) -> Iterator[None]:
    """Says on stderr what is going on and how many requests it took so far; on a terminal only."""
    console = runtime.err()
    if not console.is_terminal:
        yield
        return
    count = 0
    outer = runtime.on_request
    with console.status(text) as spinner:

        def count_request(system: str, method: str, path: str) -> None:
            nonlocal count
            count += 1
            spinner.update(f"{text}: {count} requests")
            if outer is not None:
                outer(system, method, path)

        runtime.on_request = count_request
        try:
            yield
        finally:
            runtime.on_request = outer
