"""The `examples` under `lines`: unit tests of billing policy, run by validate and before every plan."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.model.diagnostics import Diagnostic, error
from reconciler.model.money import plain
from reconciler.planning.usage.quantities import ZERO, line_quantity, merge_terms, own_codes

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from decimal import Decimal

    from reconciler.model.desired import Desired


def failed_examples(desired: Desired) -> list[Diagnostic]:
    """Every example whose quantity is another than it expects."""
    found = []
    own = own_codes(desired.rows)
    same_seats = {row.code for row in desired.rows if row.together == "max"}
    for terms in desired.lines:
        merged = merge_terms(terms, None)
        if merged.count is not None:
            merged = replace(merged, count=own.get(merged.count, merged.count))
        for example in terms.examples:
            counted = line_quantity({"": _by_row(example.given, own, same_seats)}, merged)
            if counted.quantity != example.expect:
                found.append(
                    error(
                        "example-failed",
                        f"{terms.product}: this example expects {plain(example.expect)}, and the terms give "
                        f"{counted.parts}.",
                        "Correct the terms or the example; one of them does not say what is meant.",
                        location=example.location,
                    )
                )
    return found


def _by_row(
    given: Mapping[str, Decimal], own: Mapping[str, str], same_seats: Collection[str]
) -> dict[str, Decimal]:
    """The usage under the rows' own codes, as a bill is counted: a replaced code adds to its row.

    Under the codes of `same_seats` the higher number counts.
    """
    units: dict[str, Decimal] = {}
    for code, number in given.items():
        name = own.get(code, code)
        known = units.get(name, ZERO)
        units[name] = max(known, number) if name in same_seats else known + number
    return units
