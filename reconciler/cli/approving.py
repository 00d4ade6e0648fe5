"""What `approve` reads and writes: the plan's withheld lines, and a file of the folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli.configuration import load_configuration
from reconciler.cli.files import write_bytes
from reconciler.config.append import with_rows
from reconciler.config.files import Source
from reconciler.model.diagnostics import ReconcilerError, error
from reconciler.model.identifiers import identifier_key
from reconciler.model.money import plain
from reconciler.planning.plan import customer_keys
from reconciler.reporting.clean import clean

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from reconciler.cli.runtime import Runtime
    from reconciler.model.approving import Asked


def say_rows(runtime: Runtime, found: Sequence[Asked]) -> None:
    """The lines with numbers: who, what, from which quantity to which, and why it is withheld."""
    for number, one in enumerate(found, 1):
        line = one.line
        why = line.reason.partition(". To let it through")[0]
        runtime.stdout.write(
            clean(
                f"{number:>3}. {line.customer} · {line.agreement}, {line.product}: "
                f"{plain(one.before)} → {plain(one.up_to)}: {why}"
            )
            + "\n"
        )


def chosen(found: Sequence[Asked], customers: Sequence[str], products: Sequence[str]) -> list[Asked]:
    """The lines of these customers and of these products; of all where none are named.

    Raises UsageError for a name that no withheld line is of.
    """
    names = {identifier_key(name) for name in customers}
    wanted = {identifier_key(name) for name in products}
    known = {key for one in found for key in customer_keys(one.line)}
    known_products = {identifier_key(one.line.product) for one in found}
    for option, given, there in (("--customer", customers, known), ("--product", products, known_products)):
        for name in given:
            if identifier_key(name) not in there:
                raise click.UsageError(f"{option} {name}: no withheld line of this plan is of it.")
    return [
        one
        for one in found
        if (not names or names & customer_keys(one.line))
        and (not wanted or identifier_key(one.line.product) in wanted)
    ]


def already_there(runtime: Runtime, folder: Path, picked: Sequence[Asked]) -> list[Asked]:
    """Those that the folder does not approve yet. Raises ReconcilerError where the folder is not valid."""
    loaded = load_configuration(runtime, folder)
    if loaded.desired is None:
        raise ReconcilerError(loaded.diagnostics)
    there = {
        (identifier_key(one.customer), identifier_key(one.product), one.before, one.up_to)
        for one in loaded.desired.approvals
    }
    return [one for one in picked if one.key not in there]


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
