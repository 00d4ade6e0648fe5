"""The files of a plan's artifact, and the digest by which they are known again."""

from __future__ import annotations

import hashlib
import re

COMMENT_FILE, PLAN, SPREADSHEET, DIGEST = "comment.md", "plan.json", "plan.xlsx", "digest.txt"
_DIGEST = re.compile(r"(?P<digest>[0-9a-f]{64})  plan\.json\n?")


def artifact_name(site: str) -> str:
    """What the plan workflow calls the artifact of a site."""
    return f"plan-{site}"


def digest_text(plan: bytes) -> str:
    """The content of digest.txt, in the form that `sha256sum --check` reads."""
    return f"{hashlib.sha256(plan).hexdigest()}  {PLAN}\n"


def fits(digest: str, plan: bytes) -> bool:
    """Whether a digest.txt is that of a plan."""
    found = _DIGEST.fullmatch(digest)
    return found is not None and found["digest"] == hashlib.sha256(plan).hexdigest()
