"""Problems that a change brings, told from those that stand without it as well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.model.diagnostics import Severity
from reconciler.model.verdict import needs_person, open_apart
from reconciler.reporting.census_words import apart_account, apart_place, apart_product
from reconciler.reporting.line_words import place, product_text
from reconciler.reporting.markdown_text import md

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.model.plan import Plan


@dataclass(frozen=True)
class Problems:
    """A plan's problems in words, by whether the base's plan has them too."""

    new: tuple[str, ...]
    standing: tuple[str, ...]


def compare(plan: Plan, base: Plan | None) -> Problems:
    """Which of a plan's problems are new: all of them where there is no plan of the base.

    An error is the same one where code and subject are (of one without a subject, the message), a line that
    waits for a person where line and state are. A change that is held back counts where something holds it
    back that is not in the base's plan, so that a new row behind an old problem does not fail.
    """
    before = {} if base is None else dict(_problems(base))
    known: set[str] = set()
    if base is not None:
        known = {one.id for one in base.diagnostics} | {one.id for one in base.blocked}
    new: list[str] = []
    standing: list[str] = []
    for key, text in _problems(plan):
        (standing if key in before else new).append(text)
    for change in plan.blocked:
        others = [why for why in change.blocked_by if why not in known]
        if others:
            new.append(f"{change.id} is held back by {', '.join(others)}")
    return Problems(tuple(dict.fromkeys(new)), tuple(dict.fromkeys(standing)))


def _problems(plan: Plan) -> Iterable[tuple[tuple[str, str], str]]:
    for one in plan.diagnostics:
        if one.severity is Severity.ERROR:
            yield (one.code, one.subject or one.message), f"{one.code}: {one.message}"
    for line in plan.lines:
        if needs_person(line):
            told = f"{place(line)}, {product_text(line)}, {line.state.value}: {line.reason}"
            yield (line.state.value, line.key), told
    for apart in open_apart(plan):
        told = f"{apart_place(apart)}, {apart_product(apart)}, {apart_account(apart)}: {apart.reason}"
        yield (apart.account.value, apart.key), told


_SHOWN = 50


def standing_text(problems: Problems) -> str:
    """The step summary's part."""
    parts = []
    for title, told in (
        ("New problems", problems.new),
        ("Problems without this change too", problems.standing),
    ):
        if told:
            parts.append(f"### {title}: {len(told)}")
            parts += [f"- {md(one)}" for one in told[:_SHOWN]]
            if len(told) > _SHOWN:
                parts.append(f"- … and {len(told) - _SHOWN} more")
    return "\n".join(parts or ["No problems."]) + "\n"
