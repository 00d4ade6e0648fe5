"""`reconciler approve`: a person's yes to withheld lines, as rows of the configuration."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli import exit_codes
from reconciler.cli.options import folder_anyhow
from reconciler.model.counts import number_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.cli.runtime import Runtime
    from reconciler.model.approving import Asked


@click.command()
@click.argument("plan", metavar="PLAN", type=click.Path(path_type=Path))
@click.option("--customer", "customers", metavar="COMPANY", multiple=True, help="The lines of this customer.")
@click.option("--product", "products", metavar="IDENTIFIER", multiple=True, help="The lines of this product.")
@click.option("--all", "everything", is_flag=True, help="Every withheld line.")
@click.option("--reason", metavar="TEXT", help="Why, for whoever reads it next year. Required.")
@click.option(
    "--until", metavar="DATE", help="The last day it counts; the day of the line's next invoice by default."
)
@folder_anyhow
@click.option(
    "--file",
    "file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The file under DIR that gets the rows; DIR/approvals.yaml by default.",
)
@click.pass_obj
def approve(
    runtime: Runtime,
    plan: Path,
    customers: tuple[str, ...],
    products: tuple[str, ...],
    everything: bool,
    reason: str | None,
    until: str | None,
    folder: Path,
    file: Path | None,
) -> int:
    """Write the approvals that let withheld lines of a saved plan through, for review. Writes files only.

    Lists the lines with their money, and those that need another answer. On a terminal it asks which;
    elsewhere say --customer, --product or --all. Rows that the folder has already are not written again, and
    a file that would not be valid is not written at all. Exit code 4: nothing was written, and lines wait for
    another answer than an approval of this command.
    """
    from reconciler.cli.approving import chosen, say_others, say_withheld
    from reconciler.cli.plan_files import read_plan

    target = _target(folder, file)
    day = _day(until)
    made = read_plan(plan)
    found = say_withheld(runtime, made, customers, products)
    others = say_others(runtime, made, found, customers, products)
    if not found:
        runtime.stdout.write(_nothing_written(plan, others))
        return exit_codes.PARTLY if others else exit_codes.DONE
    named = everything or customers or products
    picked = chosen(found, customers, products) if named else _ask(runtime, found)
    if picked:
        _write(runtime, folder, target, picked, reason, day)
    else:
        runtime.stdout.write("Nothing is written, because no line was chosen.\n")
    return exit_codes.DONE


def _write(
    runtime: Runtime, folder: Path, target: Path, picked: Sequence[Asked], reason: str | None, day: str | None
) -> None:
    """Write the rows of those that are not approved yet, with the reason that is given or asked for."""
    from reconciler.cli.approving import approved_at, refuse_passed, write_rows

    there = approved_at(runtime, folder, picked)
    new = [one for one, place in zip(picked, there, strict=True) if place is None]
    if not new:
        places = ", ".join(map(str, there))
        runtime.stdout.write(f"Nothing is written, because it is approved already: {places}. Plan again.\n")
        return
    refuse_passed(runtime, folder, new, day)
    why = _reason(runtime, reason)
    write_rows(runtime, folder, target, [one.row(why, day) for one in new])
    runtime.stdout.write(
        f"Wrote {number_of(len(new), 'approval')} to {target}. Have that reviewed, then plan again.\n"
    )


def _nothing_written(plan: Path, others: int) -> str:
    """Why there is nothing to approve, and what is still to do."""
    if others:
        what = "it" if others == 1 else "them"
        return f"Nothing is written. Answer {what} as the plan says, and plan again.\n"
    return f"Nothing is written, because nothing in {plan} waits for an answer.\n"


def _target(folder: Path, file: Path | None) -> Path:
    """Where the rows go. Raises UsageError for a file that is no part of the configuration."""
    target = file if file is not None else folder / "approvals.yaml"
    inside = target.resolve().is_relative_to(folder.resolve())
    if not inside or target.suffix != ".yaml" or target.name.startswith(".") or target.is_symlink():
        raise click.UsageError(
            f"--file {target}: name a *.yaml file under {folder} (see --dir), and no link."
        )
    return target


def _day(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise click.UsageError(f"--until {text}: write the date as YYYY-MM-DD.") from None


def _reason(runtime: Runtime, given: str | None) -> str:
    from reconciler.config.placeholders import is_no_reason

    if given is None and runtime.stdin.isatty():
        given = _answer(runtime, "Why? ")
    text = " ".join((given or "").split())
    if is_no_reason(text):
        said = f"--reason {text} gives none" if text else "Say --reason"
        raise click.UsageError(f"{said}: it is what the next reader has to go by.")
    return text


def _ask(runtime: Runtime, found: Sequence[Asked]) -> list[Asked]:
    """The lines that the person at the terminal picks by number. Raises UsageError where nobody is there."""
    if not runtime.stdin.isatty():
        raise click.UsageError("Nobody is here to ask: say --customer, --product or --all.")
    text = _answer(runtime, "Which? Numbers, or all: ").replace(",", " ")
    if text.strip() == "all":
        return list(found)
    numbers = text.split()
    if not all(number.isdecimal() and 1 <= int(number) <= len(found) for number in numbers):
        raise click.UsageError(f"Write numbers from 1 to {len(found)}, or all.")
    return [found[int(number) - 1] for number in dict.fromkeys(numbers)]


def _answer(runtime: Runtime, question: str) -> str:
    runtime.stderr.write(question)
    runtime.stderr.flush()
    return runtime.stdin.readline()
