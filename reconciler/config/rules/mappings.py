"""Rules about the rows under `mappings`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.config.wording import show
from reconciler.model.diagnostics import error, warning

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.config.rules.facts import Facts
    from reconciler.model.diagnostics import Diagnostic, Location
    from reconciler.model.identifiers import Selector


def some_row(facts: Facts) -> None:
    """An empty `mappings` would unmap everything; that is more likely a lost file than a wish."""
    if facts.complete and not facts.desired.rows:
        facts.say(
            error(
                "no-mappings",
                "There is no row under `mappings` in any file.",
                "Write one; `reconciler search` prints ready rows. To stop billing a product, keep its row "
                "and set sync: false.",
            )
        )


def product_or_exclude(facts: Facts) -> None:
    """A row is billed or deliberately not billed, and says which."""
    for row in facts.desired.rows:
        subject = f"code/{row.code}"
        if row.targets and row.exclude is not None:
            facts.say(
                error(
                    "product-and-exclude",
                    f"{show(row.code)} has a product and is excluded.",
                    "Keep one of `product` and `exclude`.",
                    location=row.location,
                    subject=subject,
                )
            )
        elif not row.targets and row.sync:
            facts.say(
                error(
                    "sync-without-product",
                    f"{show(row.code)} asks for usage sync, but has no product.",
                    "Add `product`, or remove `sync: true`: sync cannot be on for an unmapped product.",
                    location=row.location,
                    subject=subject,
                )
            )
        elif not row.targets and row.exclude is None and _sound(facts, row.code):
            facts.say(
                error(
                    "product-or-exclude",
                    f"{show(row.code)} has neither a product nor a reason to be left out.",
                    "Add `product`, or `exclude` with the reason why it is not billed.",
                    location=row.location,
                    subject=subject,
                )
            )


def _sound(facts: Facts, code: str) -> bool:
    return not facts.document.is_wrong(("mappings", code))


def until_needs_exclude(facts: Facts) -> None:
    """`until` ends an exclusion; alone it would read like an end of the mapping, which it is not."""
    for row in facts.desired.rows:
        if row.until and row.exclude is None and _sound(facts, row.code):
            facts.say(until_alone(f"code/{row.code}", row.location))


def until_alone(subject: str, location: Location) -> Diagnostic:
    """The error for an `until` without `exclude`."""
    return error(
        "until-without-exclude",
        "`until` stands without `exclude`; it only ends an exclusion.",
        "Remove it, or add `exclude` with a reason.",
        location=location,
        subject=subject,
    )


def product_twice(facts: Facts) -> None:
    """The same product twice in one list would be billed twice."""
    for row in facts.desired.rows:
        twice = repeated(row.targets)
        if twice:
            facts.say(
                error(
                    "product-twice",
                    f"{show(row.code)} names {show(twice)} twice.",
                    "Name it once.",
                    location=row.location,
                    subject=f"code/{row.code}",
                )
            )


def repeated(selectors: Sequence[Selector]) -> Selector | None:
    """The first selector that stands a second time."""
    seen: set[str] = set()
    for selector in selectors:
        if selector.key in seen:
            return selector
        seen.add(selector.key)
    return None


def one_row_a_code(facts: Facts) -> None:
    """A code, also one under `alsoKnownAs`, belongs to one row."""
    seen: dict[str, str] = {}
    for row in facts.desired.rows:
        for alias in row.also_known_as:
            other = row.code if alias == row.code else alias if alias in facts.rows else seen.get(alias)
            seen.setdefault(alias, row.code)
            if other is None:
                continue
            place = facts.rows[other].location
            facts.say(
                error(
                    "code-twice",
                    f"{show(alias)} is also known as {show(row.code)} here, and stands for {show(other)} at "
                    f"{place}."
                    if other != row.code
                    else f"{show(alias)} stands twice in the row of {show(row.code)}.",
                    "A code belongs to one row: remove it from one of them.",
                    location=row.location,
                    subject=f"code/{row.code}",
                )
            )


def codes_by_case(facts: Facts) -> None:
    """Sophos codes compare exactly; two that differ only in case are more likely one, typed twice."""
    first: dict[str, str] = {}
    for code in facts.codes:
        other = first.setdefault(code.casefold(), code)
        if other != code:
            place = (facts.rows.get(other) or facts.aliases[other]).location
            row = facts.rows.get(code) or facts.aliases[code]
            facts.say(
                warning(
                    "code-spelling",
                    f"{show(code)} and {show(other)} ({place}) differ only in capitals.",
                    "Sophos codes compare exactly; keep the one that Sophos writes.",
                    location=row.location,
                    subject=f"code/{row.code}",
                )
            )


RULES = (some_row, product_or_exclude, until_needs_exclude, product_twice, one_row_a_code, codes_by_case)
