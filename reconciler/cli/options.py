"""Arguments and options that several commands share."""

from __future__ import annotations

import re
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.model.months import Month

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.cli.runtime import Runtime

folder_option = click.option(
    "--dir",
    "folder",
    metavar="DIR",
    default="mappings",
    show_default=True,
    type=click.Path(path_type=Path),
    help="The folder with the mappings.",
)


def folder_anyhow(command: Callable[..., Any]) -> Callable[..., Any]:
    """The folder as `[DIR]` or as `--dir DIR`: people write both. The command takes it as `folder`."""

    @click.argument("named", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
    @click.option(
        "--dir",
        "by_option",
        metavar="DIR",
        type=click.Path(path_type=Path),
        help="The folder with the mappings; the same as DIR.  [default: mappings]",
    )
    @wraps(command)
    def either(*args: Any, named: Path | None, by_option: Path | None, **options: Any) -> Any:
        if named is not None and by_option is not None and named != by_option:
            raise click.UsageError(f"DIR is {named}, and --dir says {by_option}: name one folder.")
        return command(*args, folder=named or by_option or Path("mappings"), **options)

    return either


products_option = click.option(
    "--product",
    "products",
    metavar="IDENTIFIER",
    multiple=True,
    help="Only this ConnectWise product, and what its changes wait for. Can be given several times.",
)
customers_option = click.option(
    "--customer",
    "customers",
    metavar="COMPANY",
    multiple=True,
    help="Only the lines of this customer, by company identifier, tenant id or name.",
)
yes_option = click.option("--yes", is_flag=True, help="Write without asking.")


def unattended_option(help_text: str) -> Callable[[Any], Any]:
    """`--unattended`: nobody reads the plan before it is written, so that the stricter rules apply."""
    return click.option("--unattended", is_flag=True, help=help_text)


journal_option = click.option(
    "--journal",
    metavar="FILE",
    type=click.Path(),  # a text: of a path nobody could tell any more whether a slash was behind it
    help="Where the record of this run is written: a new file, or a folder (one that is there, or whose name "
    "ends in a slash). By default a file in journal/.",
)
usage_file_option = click.option(
    "--usage",
    "usage_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Take the usage from a file that `reconciler usage` froze, instead of asking Sophos.",
)
since_option = click.option(
    "--since",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="The base commit's folder: shows what comes from this change and counts what is waiting anyway. "
    "`apply FILE` writes the former only.",
)


def format_option(*formats: str) -> Callable[[Any], Any]:
    """`--format`, the first being the default."""
    return click.option(
        "--format",
        "output_format",
        type=click.Choice(formats),
        default=formats[0],
        show_default=True,
        help="How the result is printed.",
    )


#: How the columns of a csv are told apart; a semicolon comes with decimal commas, as Excel reads it there.
SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t"}
separator_option = click.option(
    "--separator",
    type=click.Choice(list(SEPARATORS)),
    default="comma",
    show_default=True,
    help="Of a csv; semicolon also writes decimal commas, for Excel in countries that use them.",
)
report_option = click.option(
    "--report",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write the report into this file instead of to stdout.",
)


def write_report(runtime: Runtime, content: bytes, report: Path | None) -> None:
    """A report to its file, or to stdout; what is no text goes to no terminal.

    A text commands no runner that shows the file later, as it commands none on stdout.
    """
    from reconciler.cli.files import write_bytes
    from reconciler.reporting.clean import Inert

    try:
        text = Inert()(content.decode())
    except UnicodeDecodeError:
        text = None
    if report is not None:
        write_bytes(report, content if text is None else text.encode())
        return
    if text is None:
        if runtime.stdout.isatty() or not hasattr(runtime.stdout, "buffer"):
            raise click.UsageError(_NO_TEXT)
        runtime.stdout.buffer.write(content)
        return
    runtime.stdout.write(text)


_NO_TEXT = "A workbook is no text: write it into a file with --format xlsx --report FILE.xlsx."


def refuse_workbook_on_terminal(runtime: Runtime, output_format: str, report: Path | None) -> None:
    """Raises UsageError before anything is read, where a workbook would be written to a terminal."""
    if output_format == "xlsx" and report is None and runtime.stdout.isatty():
        raise click.UsageError(_NO_TEXT)


def parse_month(_context: click.Context, _option: click.Parameter, text: str | None) -> Month | None:
    """A `YYYY-MM` option."""
    if text is None:
        return None
    try:
        return Month.parse(text)
    except ValueError as wrong:
        raise click.BadParameter(str(wrong)) from None


def parse_hash(_context: click.Context, _option: click.Parameter, text: str | None) -> str | None:
    """The whole hash of a plan, with or without `sha256:` before it."""
    if text is None:
        return None
    digits = text.strip().lower().removeprefix("sha256:")
    if not re.fullmatch(r"[0-9a-f]{64}", digits):
        raise click.BadParameter("it is `sha256:` and 64 hexadecimal digits, as a plan file has it.")
    return f"sha256:{digits}"


within_option = click.option(
    "--within",
    "within",
    metavar="FILE",
    multiple=True,
    type=click.Path(path_type=Path),
    help="DIR only: write what this reviewed plan has too, and nothing else. Can be given several times. A "
    "folder stands for every *.json in it.",
)
allow_waiting_option = click.option(
    "--allow-waiting",
    is_flag=True,
    help="Exit code 0 instead of 4 where all that is left is decisions of people: lines that are withheld, "
    "were set by hand or are explained by nothing, and what an error in the plan holds back. It is 4 all the "
    "same where a request failed, something reviewed is held back, or no usage could be counted.",
)
expect_option = click.option(
    "--expect", metavar="HASH", callback=parse_hash, help="Write the plan of this hash only."
)
scope_option = click.option(
    "--scope",
    type=click.Choice(["all", "products", "usage"]),
    default="all",
    show_default=True,
    help="What is to be written: products and mappings, quantities of agreement lines, or both.",
)
period_option = click.option(
    "--period",
    metavar="YYYY-MM",
    callback=parse_month,
    help="The Sophos month to show usage of; the newest closed one by default.",
)
