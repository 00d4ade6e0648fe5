"""The `examples` under `lines`: unit tests of billing policy, run by validate and before every plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.diagnostics import Diagnostic, error
from reconciler.model.money import plain
from reconciler.planning.quantities import line_quantity, merge_terms

if TYPE_CHECKING:
    from reconciler.model.desired import Desired


def failed_examples(desired: Desired) -> list[Diagnostic]:
    """Every example whose quantity is another than it expects."""
    found = []
    for terms in desired.lines:
        merged = merge_terms(terms, None)
        for example in terms.examples:
            counted = line_quantity({"": example.given}, merged)
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
