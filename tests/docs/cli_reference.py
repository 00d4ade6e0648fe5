"""docs/cli.md, from the commands' own help."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Iterator

_WIDTH = 100
_HEAD = """# Command line

<!-- Generated from the commands' own help: change reconciler/cli/, then run make schemas -->

Results go to stdout; progress and diagnostics go to stderr, progress only on a terminal. Colour is used on
a terminal only, and never where `NO_COLOR` is set. `DIR` is a folder of mappings, `FILE` and `PLAN` a saved
plan, `JOURNAL` the record of an apply.

| Exit code | Meaning |
|--:|---|
| 0 | done, or nothing to do |
| 1 | no result: the configuration, the network or an API |
| 2 | changes (only with `--detailed-exitcode`, and only where nothing is worse) |
| 3 | stopped by a guard of the whole run; nothing was written |
| 4 | a result in which something is blocked, withheld or failed |
| 5 | stale: the plan no longer fits what is there; nothing was written |
| 64 | the command line itself is wrong |
| 130 | interrupted (Ctrl-C) |
| 143 | ended (SIGTERM) |

The report is written before the exit, also after Ctrl-C and SIGTERM. Where standard output takes nothing
more, `apply` finishes the requests in flight, begins no further one once it notices, and tells each outcome
on stderr. With a full disk the exit code is then 1; where the reader has gone (`| head`), `apply` says what
became of the changes, and other commands exit with 1. A file that is named with `--out` or `--report` is
written whole or not at all; the plan is shown even so.
"""


def cli_page() -> str:
    """The whole page."""
    parts = [_HEAD]
    for name, command, context in commands():
        parts.append(f"## `{name}`\n\n```text\n{command.get_help(context).rstrip()}\n```\n")
    return "\n".join(parts)


def commands() -> Iterator[tuple[str, click.Command, click.Context]]:
    """`reconciler` and each of its commands, in the order in which they were added."""
    top = click.Context(
        main,
        info_name="reconciler",
        terminal_width=_WIDTH,
        max_content_width=_WIDTH,
        help_option_names=["-h", "--help"],
    )
    yield "reconciler", main, top
    for name, command in main.commands.items():
        context = click.Context(command, info_name=name, parent=top)
        yield f"reconciler {name}", command, context
        for below, step in command.commands.items() if isinstance(command, click.Group) else ():
            yield f"reconciler {name} {below}", step, click.Context(step, info_name=below, parent=context)
