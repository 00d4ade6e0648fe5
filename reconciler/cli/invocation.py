"""One command line → one exit code; nothing that goes wrong on purpose is a traceback."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from reconciler.cli import exit_codes
from reconciler.cli.lost_output import complain, is_lost, let_go
from reconciler.cli.stopping import was_terminated
from reconciler.model.diagnostics import ReconcilerError
from reconciler.reporting.console import inert

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.cli.runtime import Runtime


def call(command: click.Command, arguments: Sequence[str], runtime: Runtime) -> int:
    """Run a command line and return its exit code.

    Whatever it prints goes through streams on which no name is a command to the runner.
    """
    runtime = replace(runtime, stdout=inert(runtime.stdout), stderr=inert(runtime.stderr))
    try:
        code = _call(command, arguments, runtime)
        runtime.stdout.flush()  # now, where a full disk can still be told
    except OSError as failed:
        if not is_lost(failed):
            raise
        complain(runtime, failed)
        # what is still held back would fail once more when the interpreter ends
        let_go(runtime.stdout, runtime.stderr)
        return exit_codes.NO_RESULT
    return code


def _call(command: click.Command, arguments: Sequence[str], runtime: Runtime) -> int:
    """Raises OSError where an output takes nothing more."""
    try:
        code = command.main(list(arguments), prog_name="reconciler", standalone_mode=False, obj=runtime)
    except ReconcilerError as failed:
        from reconciler.reporting.diagnostics import print_diagnostics

        print_diagnostics(runtime.err(), failed.diagnostics)
        return exit_codes.NO_RESULT
    except click.UsageError as wrong:
        wrong.show(runtime.stderr)
        if isinstance(wrong, click.NoSuchOption) and wrong.option_name == "--dir":
            runtime.stderr.write(
                "Where this command takes a folder, it is an argument: see its usage above.\n"
            )
        return exit_codes.USAGE
    except click.ClickException as wrong:
        wrong.show(runtime.stderr)
        return exit_codes.NO_RESULT
    except (click.Abort, KeyboardInterrupt):
        runtime.stderr.write("Interrupted.\n")
        return exit_codes.TERMINATED if was_terminated() else exit_codes.INTERRUPTED
    return code if isinstance(code, int) else exit_codes.DONE
