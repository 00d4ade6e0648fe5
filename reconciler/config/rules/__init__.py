"""Rules between rows and files, each over typed values, each with its own code."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    from reconciler.config.view import Document
    from reconciler.model.desired import Desired


def apply_rules(
    document: Document, desired: Desired, *, complete: bool, today: date | None, folder: str
) -> None:
    """Add what the rules find to the document's diagnostics."""
