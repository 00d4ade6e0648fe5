"""Lists that come short with status 200, and nothing that says so (quirks short-list, short-times)."""

from __future__ import annotations

BUNDLE_ITEM = "bundle-item"
ALWAYS = "always"
_TABLES = {"catalogInfo": "catalog"}


class ShortLists:
    """Decides which answer lacks its last record, and how often that happens."""

    def __init__(self, which: str, times: str) -> None:
        self.which = which
        self.left = None if times == ALWAYS else int(times)

    def strike(self, table: str) -> bool:
        """Whether this list, of which the end is on its way, comes without its last record; it counts."""
        if _TABLES.get(table, table) != self.which or self.left == 0:
            return False
        if self.left is not None:
            self.left -= 1
        return True
