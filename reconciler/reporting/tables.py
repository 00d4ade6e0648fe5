"""Aligned columns of plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text

from reconciler.reporting.clean import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

_GAP = "  "


def print_table(console: Console, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A header and rows; a header that starts with `>` aligns its column to the right.

    Cells are never cut: an identifier that cannot be copied is of no use.
    """
    right = [title.startswith(">") for title in header]
    cells = [[title.lstrip(">") for title in header], *([clean(cell) for cell in row] for row in rows)]
    widths = [max(cell_len(line[column]) for line in cells) for column in range(len(header))]
    for number, line in enumerate(cells):
        text = _GAP.join(
            (" " * (width - cell_len(cell)) + cell) if to_right else cell + " " * (width - cell_len(cell))
            for cell, width, to_right in zip(line, widths, right, strict=True)
        )
        console.print(Text(text.rstrip(), style="bold" if number == 0 else ""))
