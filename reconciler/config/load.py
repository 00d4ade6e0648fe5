"""A folder of YAML files → what is wanted, or everything that is wrong with it at once."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from reconciler.config.build import build
from reconciler.config.check import check
from reconciler.config.files import empty_file, read_folder
from reconciler.config.homes import away_from_home
from reconciler.config.merge import LISTED, SECTIONS, merge
from reconciler.config.parse import parse
from reconciler.config.rules import apply_rules
from reconciler.config.rules.dated import is_zone
from reconciler.config.schema import shared_schema
from reconciler.config.values import convert
from reconciler.config.view import Document, prune
from reconciler.model.diagnostics import Severity, error, has_errors, warning
from reconciler.model.money import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import date, datetime
    from pathlib import Path

    from reconciler.config.files import Source
    from reconciler.config.nodes import Node
    from reconciler.model.desired import Desired
    from reconciler.model.diagnostics import Diagnostic


SHOWN_LIMIT = 500


@dataclass(frozen=True)
class Loaded:
    """What a folder says.

    `desired` is None when any diagnostic is an error. `counts` are the rows of each section that has any,
    also of a configuration with errors. `config_hash` is the same however the rows are spread over files
    and in whatever order keys stand; empty when there is no `desired`.
    """

    desired: Desired | None
    diagnostics: tuple[Diagnostic, ...]
    files: tuple[str, ...]
    counts: Mapping[str, int] = field(default_factory=dict)
    config_hash: str = ""


def load(
    folder: Path,
    *,
    today_in: Callable[[str], date] | None = None,
    now: datetime | None = None,
    instead: Source | None = None,
) -> Loaded:
    """Read the configuration under a folder; never raises for what stands in it.

    With `today_in`, which gives the day in a time zone, dates that have passed are pointed out, and with
    `now` moments that are still to come. `instead` is read in place of the file of its name, which need not
    be there.
    """
    reading = read_folder(folder)
    if instead is not None:
        others = [source for source in reading.sources if source.name != instead.name]
        reading = replace(reading, sources=tuple(sorted((*others, instead), key=lambda one: one.name)))
    diagnostics = list(reading.diagnostics)
    roots: list[Node] = []
    for source in reading.sources:
        root, found = parse(source.name, source.text)
        diagnostics += found
        if root is not None:
            roots.append(root)
        elif not found:
            diagnostics.append(empty_file(source.name))
    merged, found = merge(roots)
    diagnostics += found
    # What could not be read may hold what another row refers to.
    complete = not has_errors(diagnostics)
    diagnostics += away_from_home(roots, folder.as_posix())
    converted = convert(merged, shared_schema())
    problems, wrong = check(merged, converted)
    wrong |= converted.wrong
    diagnostics += [*converted.diagnostics, *problems]
    config_hash = "" if has_errors(diagnostics) else hash_of(converted.value)
    prune(converted.value, wrong)
    document = Document(merged, converted.value, frozenset(wrong), diagnostics)
    desired = build(document)
    zone = desired.settings.time_zone
    today = today_in(zone) if today_in is not None and is_zone(zone) else None
    apply_rules(document, desired, complete=complete, today=today, now=now)
    told = shortened(in_order(diagnostics))
    failed = has_errors(told)
    return Loaded(
        desired=None if failed else desired,
        diagnostics=told,
        files=reading.files,
        counts={name: len(converted.value[name]) for name in SECTIONS if converted.value.get(name)},
        config_hash="" if failed else config_hash,
    )


def in_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """By place, what has none first; at one place errors first. Nothing is said twice."""
    ranks = list(Severity)
    return tuple(
        sorted(
            dict.fromkeys(diagnostics),
            key=lambda d: (
                d.location is not None,
                (d.location.file, d.location.line, d.location.column) if d.location else ("", 0, 0),
                ranks.index(d.severity),
                d.code,
                d.message,
            ),
        )
    )


def shortened(diagnostics: tuple[Diagnostic, ...]) -> tuple[Diagnostic, ...]:
    """No more than people read; what was left out is said."""
    if len(diagnostics) <= SHOWN_LIMIT:
        return diagnostics
    text = f"There are {len(diagnostics)} problems; the first {SHOWN_LIMIT} are shown."
    say = error if has_errors(diagnostics) else warning
    return (say("more-problems", text, "Correct these first."), *diagnostics[:SHOWN_LIMIT])


def hash_of(values: dict[str, Any]) -> str:
    """SHA-256 over what the files say, in a form without the order of keys, rows and files.

    The order within a row's own lists counts, as does every text as it was typed; `4.5` and `4.50` are one.
    """
    told = {key: _canonical(value) for key, value in values.items() if value and key != "version"}
    for name in LISTED:
        if name in told:
            told[name] = sorted(told[name], key=_dumped)
    return hashlib.sha256(_dumped(told).encode()).hexdigest()


def _dumped(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"))


def _canonical(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _canonical(below) for key, below in value.items()}
    if isinstance(value, list):
        return [_canonical(item) for item in value]
    if isinstance(value, Decimal):
        return {"number": plain(value)}
    if isinstance(value, int) and not isinstance(value, bool):
        return {"number": str(value)}
    return value
