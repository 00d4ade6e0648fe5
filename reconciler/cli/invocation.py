"""One command line → one exit code; nothing that goes wrong on purpose is a traceback."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from reconciler.cli import exit_codes
from reconciler.model.diagnostics import ReconcilerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.cli.runtime import Runtime


def call(command: click.Command, arguments: Sequence[str], runtime: Runtime) -> int:
    """Run a command line and return its exit code."""
    try:
        code = command.main(list(arguments), prog_name="reconciler", standalone_mode=False, obj=runtime)
    except ReconcilerError as failed:
        from reconciler.reporting.diagnostics import print_diagnostics

        print_diagnostics(runtime.err(), failed.diagnostics)
        return exit_codes.NO_RESULT
    except click.UsageError as wrong:
        wrong.show(runtime.stderr)
        return exit_codes.USAGE
    except click.ClickException as wrong:
        wrong.show(runtime.stderr)
        return exit_codes.NO_RESULT
    except (click.Abort, KeyboardInterrupt):
        runtime.stderr.write("Interrupted.\n")
        return exit_codes.INTERRUPTED
    except BrokenPipeError:
        # whoever read our output has gone; the interpreter would complain again when it flushes stdout
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exit_codes.NO_RESULT
    return code if isinstance(code, int) else exit_codes.DONE
