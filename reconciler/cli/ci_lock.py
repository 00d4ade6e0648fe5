"""`reconciler ci lock` and `ci unlock`: one run writes at a time, whichever workflow or branch it is of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli import exit_codes
from reconciler.cli.ci import ci

if TYPE_CHECKING:
    from reconciler.ci.github import GitHub
    from reconciler.cli.runtime import Runtime


@ci.command()
@click.option(
    "--wait",
    metavar="MINUTES",
    type=click.IntRange(0, 24 * 60),
    default=100,
    show_default=True,
    help="How long to wait for a run that writes.",
)
@click.pass_obj
def lock(runtime: Runtime, wait: int) -> int:
    """Take the repository's lock for this run: a branch that moves forward only.

    Whoever holds it is waited for, as long as GitHub says that its run is under way. Needs `contents: write`
    and `actions: read`.
    """
    from datetime import timedelta

    from reconciler.ci.context import context_of
    from reconciler.ci.lock import Lock, holder_of
    from reconciler.cli.workflow import say, with_github

    context = context_of(runtime.environ)
    me = holder_of(context, runtime.environ)

    async def take(github: GitHub) -> None:
        await Lock(github, me).take(timedelta(minutes=wait), lambda text: say(runtime, text))

    with_github(runtime, context, take)
    say(runtime, f"The lock is held by {me}.")
    return exit_codes.DONE


@ci.command()
@click.pass_obj
def unlock(runtime: Runtime) -> int:
    """Give the repository's lock back, where this run holds it. Needs `contents: write`."""
    from reconciler.ci.context import context_of
    from reconciler.ci.lock import Lock, holder_of
    from reconciler.cli.workflow import say, with_github

    context = context_of(runtime.environ)
    me = holder_of(context, runtime.environ)

    async def release(github: GitHub) -> bool:
        return await Lock(github, me).release()

    released = with_github(runtime, context, release)
    say(runtime, "The lock is free." if released else "The lock was not held by this run.")
    return exit_codes.DONE
