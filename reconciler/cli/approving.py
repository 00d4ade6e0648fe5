"""What `approve` reads and writes: the plan's withheld lines, and a file of the folder."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from reconciler.cli.configuration import load_configuration, read_configuration
from reconciler.cli.files import write_bytes
from reconciler.config.append import with_rows
from reconciler.config.files import Source
from reconciler.model.approving import asked
from reconciler.model.counts import number_of
from reconciler.model.diagnostics import ReconcilerError, error
from reconciler.model.identifiers import identifier_key
from reconciler.model.moments import moment_in
from reconciler.model.money import plain
from reconciler.model.verdict import UNDECIDED, rounded
from reconciler.planning.plan import customer_keys
from reconciler.planning.suggest import did_you_mean
from reconciler.reporting.clean import clean
from reconciler.reporting.line_words import change_text, place, signed, subject_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from reconciler.cli.runtime import Runtime
    from reconciler.model.approving import Asked
    from reconciler.model.desired import Approval
    from reconciler.model.diagnostics import Location
    from reconciler.model.lines import PlannedLine
    from reconciler.model.plan import Plan


def say_withheld(
    runtime: Runtime, made: Plan, customers: Sequence[str], products: Sequence[str]
) -> list[Asked]:
    """Print the plan's lines that a guard withholds and an approval lets through, and give them.

    Raises UsageError for a customer or a product that no line of the plan is of.
    """
    _refuse_unknown(made, customers, products)
    found = asked(made)
    if not found:
        runtime.stdout.write("No line of this plan is withheld by a limit that `approve` says yes to.\n")
    _say_rows(runtime, found)
    return found


def _say_rows(runtime: Runtime, found: Sequence[Asked]) -> None:
    """The lines with numbers: who, what, from which quantity to which, its money, and why it is withheld."""
    for number, one in enumerate(found, 1):
        why, _, row = one.line.reason.partition(". To let it through")
        said = why + "".join(row.partition(". But ")[1:])
        step = f"{plain(one.before)} → {plain(one.up_to)}"
        runtime.stdout.write(f"{number:>3}. {_named(one.line)}: {step}, {_money(one.line)}: {clean(said)}\n")


def say_others(
    runtime: Runtime, made: Plan, found: Sequence[Asked], customers: Sequence[str], products: Sequence[str]
) -> int:
    """Print the lines that wait for another answer than an approval of this command; give their number.

    Only those of the customers and products that are named, where any are.
    """
    asked_about = {id(one.line) for one in found}
    others = [
        line
        for line in made.lines
        if line.state in UNDECIDED and id(line) not in asked_about and _is_named(line, customers, products)
    ]
    if not others:
        return 0
    one = len(others) == 1
    runtime.stdout.write(
        f"Not written by approve, because {number_of(len(others), 'line')} of this plan "
        f"{'needs' if one else 'need'} another answer than a yes to a limit (what it is stands there: a row "
        "that somebody pastes, or a change in ConnectWise):\n"
    )
    for line in others:
        step = f": {change_text(line.before, line.after)}, {_money(line)}" if line.after is not None else ""
        runtime.stdout.write(f"  - {_named(line)}{step}: {clean(line.reason)}\n")
    return len(others)


def _named(line: PlannedLine) -> str:
    return f"{place(line)}, {subject_text(line)}"


def _money(line: PlannedLine) -> str:
    """`+160.00 EUR a month`, with a zero where only the quantity changes."""
    if line.sales is None:
        return "the money is not known"
    shown = rounded(line.sales)
    return f"{signed(shown.delta, shown.places)} {clean(shown.currency)} a month"


def _products_of(line: PlannedLine) -> set[str]:
    """The product, and in a move those that its seats come from."""
    return {identifier_key(name) for name in (line.product, *(old.product for old in line.takes_over))}


def _is_named(line: PlannedLine, customers: Sequence[str], products: Sequence[str]) -> bool:
    names, wanted = ({identifier_key(name) for name in some} for some in (customers, products))
    return (not names or not names.isdisjoint(customer_keys(line))) and (
        not wanted or not wanted.isdisjoint(_products_of(line))
    )


def _refuse_unknown(made: Plan, customers: Sequence[str], products: Sequence[str]) -> None:
    """Raises UsageError for a name that no line of the plan is of: it must not read as "nothing withheld"."""
    known = {key for line in made.lines for key in customer_keys(line)}
    shown = {identifier_key(name): name for line in made.lines for name in (line.customer, line.company)}
    known_products = {key for line in made.lines for key in _products_of(line)}
    labels = {line.product for line in made.lines}
    for option, given, there, names in (
        ("--customer", customers, known, set(shown.values())),
        ("--product", products, known_products, labels),
    ):
        for name in given:
            if identifier_key(name) not in there:
                meant = did_you_mean(name, names).strip() or "`reconciler show PLAN --format csv` lists them."
                raise click.UsageError(f"{option} {name}: no line of this plan is of it. {meant}")


def chosen(found: Sequence[Asked], customers: Sequence[str], products: Sequence[str]) -> list[Asked]:
    """The lines of these customers and of these products; of all where none are named.

    Raises UsageError for a name that no withheld line is of.
    """
    for option, given, key_of in (
        ("--customer", customers, customer_keys),
        ("--product", products, _products_of),
    ):
        for name in given:
            if not any(identifier_key(name) in key_of(one.line) for one in found):
                raise click.UsageError(f"{option} {name}: no withheld line of this plan is of it.")
    return [one for one in found if _is_named(one.line, customers, products)]


def approved_at(runtime: Runtime, folder: Path, picked: Sequence[Asked]) -> list[Location | None]:
    """Where the folder approves each already; what was given for an earlier time, or has ended, does not.

    Raises ReconcilerError where the folder is not valid.
    """
    head = read_configuration(runtime, folder)
    there: dict[tuple[object, ...], Location] = {
        _key(row): row.location for row in head.desired.approvals if row.until >= head.today
    }
    zone = ZoneInfo(head.desired.settings.time_zone)
    return [there.get((*one.key, moment_in(one.line.given, zone))) for one in picked]


def _key(row: Approval) -> tuple[object, ...]:
    return identifier_key(row.customer), identifier_key(row.product), row.before, row.up_to, row.given


def refuse_passed(runtime: Runtime, folder: Path, rows: Sequence[Asked], until: str | None) -> None:
    """Raises UsageError for a last day that has passed: a row with it would let nothing through."""
    today = read_configuration(runtime, folder).today.isoformat()
    if until is not None and until < today:
        raise click.UsageError(f"--until {until}: that day has passed, today is {today}.")
    for one in rows:
        if until is None and one.until < today:
            raise click.UsageError(
                f"{_named(one.line)}: the invoice of this plan was of {one.until}, and today is {today}. "
                "Plan again, or say --until."
            )


def write_rows(runtime: Runtime, folder: Path, target: Path, rows: list[str]) -> None:
    """Add the rows to the file's `approvals`, if the folder is valid with them.

    The file is replaced as a whole or not at all. Raises ReconcilerError.
    """
    try:
        before = target.read_bytes() if target.exists() else None
        text = with_rows(None if before is None else before.decode(), "approvals", rows)
    except OSError as failed:
        raise ReconcilerError(
            error("file-unreadable", f"{target} cannot be read: {failed.strerror}.", "Check the path.")
        ) from failed
    except ValueError as wrong:
        raise ReconcilerError(
            error(
                "approvals-not-written",
                f"{target} cannot be added to: {wrong}.",
                f"Name another file with --file, or write under approvals: {'; '.join(rows)}",
            )
        ) from wrong
    name = (folder / target.resolve().relative_to(folder.resolve())).as_posix()
    loaded = load_configuration(runtime, folder, instead=Source(name, text.removeprefix("\ufeff")))
    if loaded.desired is None:
        raise ReconcilerError(loaded.diagnostics)
    mode = None if before is None else target.stat().st_mode
    write_bytes(target, text.encode())
    target.chmod(0o644 if mode is None else mode & 0o7777)
