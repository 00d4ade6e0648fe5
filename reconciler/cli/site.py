"""From a folder and credentials to a plan: what several commands do before they differ."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler import __version__
from reconciler.cli.waiting import run_to_its_end
from reconciler.model.counts import number_of
from reconciler.model.diagnostics import ReconcilerError, error
from reconciler.model.months import Month
from reconciler.model.observed import Feed
from reconciler.planning.plan import Scope

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from reconciler.cli.configuration import Configuration
    from reconciler.cli.runtime import Runtime
    from reconciler.connectwise.client import Client as ConnectWise
    from reconciler.model.desired import Desired
    from reconciler.model.diagnostics import Diagnostic
    from reconciler.model.observed import Observed, UsageMonth
    from reconciler.model.plan import Plan
    from reconciler.model.usage_file import FrozenUsage
    from reconciler.observation.needs import Needs
    from reconciler.sophos.client import Client as Sophos

TOOL = f"reconciler {__version__}"
#: How long ago a line or an agreement may have ended to be read: a year, and a month to notice.
MONTHS_LOOKED_BACK = 13


@dataclass(frozen=True)
class Connections:
    """Both systems, connected."""

    connectwise: ConnectWise
    sophos: Sophos


async def connect(stack: AsyncExitStack, runtime: Runtime, *, write: bool) -> Connections:
    """Both systems; they are closed with the stack. What plan uses cannot write."""
    from reconciler.observation.together import together

    connectwise, sophos = await together(
        connect_connectwise(stack, runtime, write=write), connect_sophos(stack, runtime)
    )
    return Connections(connectwise, sophos)


async def connect_connectwise(stack: AsyncExitStack, runtime: Runtime, *, write: bool) -> ConnectWise:
    """ConnectWise alone."""
    from reconciler.cli.credentials import connectwise_credentials
    from reconciler.connectwise.client import connect

    keys = connectwise_credentials(runtime.environ, Path.cwd())
    return await stack.enter_async_context(
        connect(keys, write=write, transport=runtime.transport, observer=runtime.on_request)
    )


async def connect_sophos(stack: AsyncExitStack, runtime: Runtime) -> Sophos:
    """Sophos alone."""
    from reconciler.cli.credentials import sophos_credentials
    from reconciler.sophos.client import connect

    keys = sophos_credentials(runtime.environ, Path.cwd())
    return await stack.enter_async_context(
        connect(keys, transport=runtime.transport, observer=runtime.on_request)
    )


def observe_site(
    runtime: Runtime,
    configurations: Sequence[Desired],
    months: Sequence[Month],
    *,
    lines: bool,
    since: date,
    today: date,
    frozen: FrozenUsage | None = None,
) -> Observed:
    """What is there, as far as these configurations need it; usage from a frozen month where one is given.

    `since` and `today` are as `observe` takes them.
    """

    async def read() -> Observed:
        from reconciler.observation.needs import needs_of
        from reconciler.observation.observe import observe

        needs = needs_of(configurations, lines=lines)
        async with AsyncExitStack() as stack:
            if frozen is not None:
                connectwise = await connect_connectwise(stack, runtime, write=False)
                return await observe(connectwise, _thawed(frozen), needs, since=since, today=today)
            return await _observe_both(stack, runtime, needs, months, (since, today))

    with progress(runtime, "Reading ConnectWise and Sophos"):
        return run_to_its_end(read())


async def _observe_both(
    stack: AsyncExitStack, runtime: Runtime, needs: Needs, months: Sequence[Month], days: tuple[date, date]
) -> Observed:
    """Each system is read from the moment it is connected; reading ends where the other one is not."""
    from reconciler.observation.observe import observe, read_feed
    from reconciler.observation.together import together

    sophos = asyncio.create_task(connect_sophos(stack, runtime))
    reading: list[asyncio.Task[Observed]] = []

    async def connected() -> Sophos:
        return await sophos

    async def feed() -> Feed:
        return await read_feed(await sophos, months, read_at=runtime.now().isoformat(timespec="seconds"))

    async def start() -> ConnectWise:
        connectwise = await connect_connectwise(stack, runtime, write=False)
        if not sophos.done() or sophos.exception() is None:
            since, today = days
            read = observe(connectwise, feed(), needs, since=since, today=today)
            reading.append(asyncio.create_task(read))
        return connectwise

    try:
        await together(start(), connected())
        return await reading[0]
    finally:
        for one in (sophos, *reading):
            one.cancel()
        await asyncio.gather(sophos, *reading, return_exceptions=True)


async def _thawed(frozen: FrozenUsage) -> Feed:
    return Feed(frozen.partner, frozen.read_at, frozen.tenants, frozen.months, frozen.firewalls)


def months_for(today: date, period: Month | None, *, lines: bool, back: int = 1) -> tuple[Month, ...]:
    """The months whose usage is read: the one asked for, or those of which the newest closed one is one.

    Lines also need the month before, which says whether a quantity is a person's word; `back` is how many
    months before, where some quantity is made of several (`planning.cycles.months_back`).
    """
    newest = period or Month.of(today)
    months = [newest] if period is not None else [newest, newest.previous()]
    for _ in range(back if lines else 0):
        months.append(months[-1].previous())
    return tuple(months)


@dataclass(frozen=True)
class Survey:
    """A plan together with what it was made from."""

    plan: Plan
    observed: Observed
    month: UsageMonth | None


@dataclass(frozen=True)
class How:
    """How a plan is made: of which month (the newest closed one), and what it may write.

    With `frozen` Sophos is not asked. `unattended` says that nobody reads the plan before it is written.
    """

    period: Month | None = None
    scope: Scope = Scope.ALL
    frozen: FrozenUsage | None = None
    unattended: bool = False


def survey(
    runtime: Runtime, head: Configuration, base: Configuration | None = None, how: How | None = None
) -> Survey:
    """Read the site and plan a folder; with a base, each change's cause."""
    from reconciler.planning.customers.agreements import shifted
    from reconciler.planning.plan import of_named_month, since
    from reconciler.planning.usage.cycles import months_back
    from reconciler.planning.usage.months import newest_closed

    how = how or How()
    period, frozen = how.period, how.frozen
    configurations = [head.desired] if base is None else [head.desired, base.desired]
    lines = how.scope is not Scope.PRODUCTS and any(c.customers for c in configurations)
    months = months_for(head.today, period, lines=lines)
    wanted = months_for(head.today, period, lines=lines, back=months_back(configurations))
    # A line that a person ended is not created again, and the line of an agreement that was renewed has the
    # price: both are looked for in more than a year.
    first = min(*(one.first_day for one in months), shifted(head.today, -MONTHS_LOOKED_BACK))
    observed = observe_site(
        runtime, configurations, wanted, lines=lines, since=first, today=head.today, frozen=frozen
    )
    if period is None:
        # a bill that is read only to be one of a cycle is never the one that counts
        bills = [one for one in observed.usage if frozen is not None or one.month in months]
        month = newest_closed(bills, head.today)
    else:
        month = _bill(observed, period)
        if frozen is not None and month is None:
            raise ReconcilerError(_not_frozen(period, frozen))
    # a frozen month is somebody's choice: what is not in the file was not meant to be looked at
    unread = _unread(months, observed, month) if lines and frozen is None else ()
    made = _make(head, observed, month, how, unread, base)
    if base is not None:
        without = _make(base, observed, month, how, unread)
        made = since(made, without, head.desired, base.desired, observed)
    if period is not None:
        made = of_named_month(made, head.today)
    return Survey(made, observed, month)


def _not_frozen(period: Month, frozen: FrozenUsage) -> Diagnostic:
    held = ", ".join(str(one.month) for one in frozen.months)
    return error(
        "usage-file-month",
        f"The frozen usage holds {held or 'no month'}, and {period} is asked for.",
        f"Freeze that month with `reconciler usage --period {period} --out`, or name one that it holds.",
    )


def _unread(months: Sequence[Month], observed: Observed, month: UsageMonth | None) -> tuple[Month, ...]:
    """The months whose bill could not be read, and on which it depends what may be written to lines.

    A newer one may be the newest closed one, and an older month is never written in its place; without the
    month before, it cannot be seen whether the feed is complete.
    """
    read = {bill.month for bill in observed.usage}
    return tuple(
        one
        for one in months
        if one not in read and (month is None or one > month.month or one == month.month.previous())
    )


def _bill(observed: Observed, month: Month) -> UsageMonth | None:
    return next((bill for bill in observed.usage if bill.month == month), None)


def _make(
    configuration: Configuration,
    observed: Observed,
    month: UsageMonth | None,
    how: How,
    unread: tuple[Month, ...],
    base: Configuration | None = None,
) -> Plan:
    from reconciler.planning.plan import make_plan

    return make_plan(
        configuration.desired,
        observed,
        today=configuration.today,
        site=configuration.site,
        tool=TOOL,
        config_hash=configuration.loaded.config_hash,
        config_diagnostics=configuration.loaded.diagnostics,
        month=month,
        previous=None if month is None else _bill(observed, month.month.previous()),
        unread=unread,
        scope=how.scope,
        unattended=how.unattended,
        base=None if base is None else base.desired,
    )


def refuse_another_instance(plan: Plan, here: Mapping[str, str]) -> None:
    """Raises ReconcilerError where a plan was made for another site than these names of `Instance` say."""
    differing = [name for name in here if here[name] != plan.instance.get(name)]
    if not differing:
        return
    told = "; ".join(f"{name} is {here[name]}, the plan's is {plan.instance.get(name)}" for name in differing)
    raise ReconcilerError(
        error(
            "another-instance",
            f"This plan was made for another site: {told}. Nothing was written.",
            "Use the credentials of the plan's site, or plan again with these.",
        )
    )


def refuse_another_site(reviewed: Plan, here: Plan) -> None:
    """Raises ReconcilerError where a reviewed plan is of another instance, or of another owner's tags."""
    refuse_another_instance(reviewed, here.instance)
    there, own = ((one.owner, one.marker_custom_field) for one in (reviewed, here))
    if there != own:
        told = " and ".join(f"{owner} (in {field or 'the notes'})" for owner, field in (there, own))
        raise ReconcilerError(
            error(
                "another-owner",
                f"The reviewed plan and the folder write different tags: {told}. Nothing was written.",
                "Name a plan that was made from this folder.",
            )
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
            spinner.update(f"{text}: {number_of(count, 'request')}")
            if outer is not None:
                outer(system, method, path)

        runtime.on_request = count_request
        try:
            yield
        finally:
            runtime.on_request = outer
