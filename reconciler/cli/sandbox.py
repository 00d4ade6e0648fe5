"""`reconciler sandbox`: an embedded ConnectWise and Sophos on loopback."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

import click

from reconciler.cli import exit_codes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

    from reconciler.cli.runtime import Runtime

#: Seconds: longer than this program waits for an answer.
_TIME_OUT = 35.0


def sandbox_modules() -> tuple[ModuleType, ModuleType]:
    """The sandbox's seed and server. Raises ReconcilerError where its libraries are not installed."""
    from reconciler.model.diagnostics import ReconcilerError, error

    try:
        from reconciler.sandbox import seed, server
    except ModuleNotFoundError as missing:
        raise ReconcilerError(
            error(
                "sandbox-missing",
                f"The sandbox needs {missing.name}, which is not installed.",
                "Install it with: pip install 'sophos-connectwise-reconciler[sandbox]'",
            )
        ) from missing
    return seed, server


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="0 takes a free one.")
@click.option("--quirk", "quirks", metavar="NAME=VALUE", multiple=True, help="See docs/unknowns.md.")
@click.option("--latency", type=click.FloatRange(0, 60), default=0.0, help="Seconds added to each request.")
@click.option("--rate-limit", type=click.IntRange(1), help="Requests a minute before it answers 429.")
@click.option(
    "--faults", metavar="SEED[:RATE]", help="What goes wrong, by chance of this seed; see docs/guarantees.md."
)
@click.option(
    "--catalog-size",
    type=click.IntRange(0, 200_000),
    default=3000,
    show_default=True,
    help="How many products its catalog has.",
)
@click.option("--today", metavar="YYYY-MM-DD", help="The day its data is about; today by default.")
@click.option(
    "--member",
    type=click.Choice(["readwrite", "readonly", "noaccess"]),
    default="readwrite",
    show_default=True,
    help="Whose keys are printed.",
)
@click.pass_obj
def sandbox(
    runtime: Runtime,
    port: int,
    quirks: tuple[str, ...],
    latency: float,
    rate_limit: int | None,
    faults: str | None,
    catalog_size: int,
    today: str | None,
    member: str,
) -> int:
    """Serve a made-up ConnectWise and Sophos and print the environment that points at it.

    Everything it knows is lost when it ends (Ctrl-C). It listens on loopback only.
    """
    seed, server = sandbox_modules()
    from reconciler.sandbox.faults import Faults

    world = seed.small_msp(_day(today, runtime.now()), catalog_size=catalog_size)
    try:
        server.serve(
            world,
            port=port,
            quirks=_pairs(quirks),
            latency=latency,
            rate_limit=rate_limit,
            faults=None if faults is None else Faults.parse(faults, hang=_TIME_OUT),
            on_ready=lambda url: _say(runtime, server.environment(url, member=member)),
        )
    except ValueError as wrong:
        raise click.UsageError(str(wrong)) from None
    except OSError as failed:
        raise click.UsageError(f"Port {port} cannot be used: {failed.strerror}.") from None
    return exit_codes.DONE


def _say(runtime: Runtime, environment: Mapping[str, str]) -> None:
    for name, value in environment.items():
        runtime.stdout.write(f"export {name}={value}\n")
    runtime.stdout.flush()
    runtime.stderr.write("Serving until Ctrl-C. Use the lines above in another shell.\n")


def _day(text: str | None, now: datetime) -> date:
    if text is None:
        return now.date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise click.UsageError(f"--today {text}: write the date as YYYY-MM-DD.") from None


def _pairs(quirks: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for quirk in quirks:
        name, equals, value = quirk.partition("=")
        if not equals:
            raise click.UsageError(f"--quirk {quirk}: write it as NAME=VALUE.")
        pairs[name] = value
    return pairs
