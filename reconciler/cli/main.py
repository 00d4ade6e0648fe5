"""The `reconciler` command."""

from __future__ import annotations

import gc
import io
import os
import signal
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from reconciler import __version__
from reconciler.cli import ci_lock, ci_review, ci_schedule  # noqa: F401 - they add their commands to ci
from reconciler.cli.apply import apply
from reconciler.cli.approve import approve
from reconciler.cli.ci import ci
from reconciler.cli.demo import demo
from reconciler.cli.invocation import call
from reconciler.cli.plan import plan
from reconciler.cli.ready import ready
from reconciler.cli.rollback import rollback
from reconciler.cli.runtime import Runtime
from reconciler.cli.sandbox import sandbox
from reconciler.cli.schema import schema
from reconciler.cli.score import score
from reconciler.cli.search import search
from reconciler.cli.show import show
from reconciler.cli.sites import sites
from reconciler.cli.status import status
from reconciler.cli.stopping import like_ctrl_c
from reconciler.cli.usage import usage
from reconciler.cli.validate import validate

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="reconciler")
def main() -> None:
    """Sophos product mappings for ConnectWise PSA as reviewed YAML, reconciled by plan and apply.

    Start with `reconciler demo`: it needs no credentials. Exit codes: 0 done, 1 no result, 2 changes (with
    --detailed-exitcode), 3 stopped by a guard, 4 something is blocked or failed, 5 stale plan, 64 usage,
    130 interrupted.
    """


for command in (
    validate,
    plan,
    show,
    approve,
    apply,
    rollback,
    ready,
    status,
    search,
    usage,
    score,
    schema,
    sites,
    ci,
    sandbox,
    demo,
):
    main.add_command(command)


def invoke(arguments: Sequence[str], runtime: Runtime) -> int:
    """Run one command line of this program and return its exit code."""
    return call(main, arguments, runtime)


def _nowhere() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


def run(runtime: Runtime | None = None) -> None:
    """The entry point of the installed script. `runtime` is for those who set the clock."""
    # One command makes millions of objects that live until its end: looking for cycles among them at the
    # usual rate took a third of a large plan's time.
    gc.set_threshold(100_000, 100, 100)
    # streams that the caller has closed take everything and show nothing
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    signal.signal(signal.SIGTERM, like_ctrl_c)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # a Windows pipe is often not UTF-8: a name that it cannot show must not end the run
            stream.reconfigure(encoding="utf-8" if not stream.isatty() else None, errors="backslashreplace")
    # Ctrl-C leaves reads behind that were never begun. That is what was asked for, and no news to anybody.
    warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
    sys.exit(invoke(sys.argv[1:], runtime or Runtime(environ=os.environ)))
