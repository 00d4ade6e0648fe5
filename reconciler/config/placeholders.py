"""Texts that stand for what somebody still has to write: printed rows have them, and they are pasted."""

from __future__ import annotations

import re

_DOTS = re.compile(r"[…. ]*(?:…|\.\.)[…. ]*")
#: What stands where a reason is to be written, in help texts and in people's drafts.
_NO_REASON = re.compile(r"[\W_]*|<[\w ]*>|TEXT|REASON|TODO|TBD", re.DOTALL)
#: Keys under which a person says why.
REASONS = frozenset({"reason", "exclude"})


def is_placeholder(text: str) -> bool:
    """Whether a value is the `…` of a printed row."""
    return _DOTS.fullmatch(text.strip()) is not None


def is_no_reason(text: str) -> bool:
    """Whether a text gives no reason: a placeholder, or nothing that can be read."""
    return _NO_REASON.fullmatch(text.strip()) is not None
