"""Rules between rows and files: each a small function over typed values, each with a code of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.config.rules import customers, dated, lines, mappings, products, protection, spelling
from reconciler.config.rules.facts import gather

if TYPE_CHECKING:
    from datetime import date, datetime

    from reconciler.config.view import Document
    from reconciler.model.desired import Desired

RULES = (
    *mappings.RULES,
    *products.RULES,
    *lines.RULES,
    *customers.RULES,
    *dated.RULES,
    *spelling.RULES,
    *protection.RULES,
)


def apply_rules(
    document: Document, desired: Desired, *, complete: bool, today: date | None, now: datetime | None = None
) -> None:
    """Add what the rules find to the document's diagnostics.

    `complete` says that every file could be read; `today` and `now` are left out where dates shall not
    matter.
    """
    facts = gather(document, desired, complete=complete, today=today, now=now)
    for rule in RULES:
        rule(facts)
