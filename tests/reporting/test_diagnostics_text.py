"""Diagnostics on the terminal."""

from __future__ import annotations

from reconciler.model.diagnostics import error
from reconciler.reporting.diagnostics import diagnostics_json, print_diagnostics
from tests.reporting.made import printed

KEYS = "Check CONNECTWISE_PUBLIC_KEY."


def test_refused_keys_are_said_once_with_the_number_of_requests() -> None:
    """Requests are in flight together, and each meets the same wrong key."""
    paths = ("/procurement/catalog", "/finance/billingCycles", "/procurement/subcategories")
    refused = [error("connectwise-not-authenticated", f"refused at GET {path}", KEYS) for path in paths]
    other = error("sophos-not-authenticated", "refused at GET /whoami/v1", "Check SOPHOS_CLIENT_ID.")
    first = "refused at GET /procurement/catalog"
    text = printed(lambda console: print_diagnostics(console, [*refused, other]))
    assert text.splitlines() == [
        f"error [connectwise-not-authenticated] {first} (the same at 2 other requests)",
        f"    → {KEYS}",
        "error [sophos-not-authenticated] refused at GET /whoami/v1",
        "    → Check SOPHOS_CLIENT_ID.",
    ]
    assert len(diagnostics_json(refused)) == 3


def test_permissions_are_told_apart_and_other_problems_are_all_said() -> None:
    said = [
        error("connectwise-not-permitted", "not GET /a", "Probably missing: A."),
        error("connectwise-not-permitted", "not GET /b", "Probably missing: B."),
        error("guard-product-to-zero", "MSP-A would go to zero", "Has Sophos replaced its code?"),
        error("guard-product-to-zero", "MSP-B would go to zero", "Has Sophos replaced its code?"),
    ]
    text = printed(lambda console: print_diagnostics(console, said))
    assert text.count("error [") == 4
