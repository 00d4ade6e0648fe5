"""Finds the frozen plan of a month that a push approved: `month-end/SITE/YYYY-MM/plan.json`, new in it.

Reads SITE, BEFORE (the commit before the push) and GITHUB_OUTPUT, and Git in the working folder. Writes the
output `plan`, which is empty where the push approved no month of this site.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path


def approved(names: list[str], site: str) -> str:
    """The plan among the names of new files; "" without one. Raises ValueError for several."""
    pattern = re.compile(rf"month-end/{re.escape(site)}/\d{{4}}-\d{{2}}/plan\.json")
    found = [name for name in names if pattern.fullmatch(name)]
    if len(found) > 1:
        raise ValueError(f"{', '.join(found)} came in one push: apply them by hand, one after the other.")
    return found[0] if found else ""


def added(before: str) -> list[str]:
    """The files that the push added. None where it made the branch, which approves nothing."""
    if not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", before) or not before.strip("0"):
        return []
    command = ["git", "diff", "--name-only", "-z", "--diff-filter=A", "--no-renames", before, "HEAD"]
    told = subprocess.run([*command, "--", "month-end"], check=True, capture_output=True, text=True)
    return told.stdout.split("\0")


def main() -> int:
    """Write the output."""
    try:
        plan = approved(added(os.environ["BEFORE"]), os.environ["SITE"])
    except ValueError as wrong:
        print(f"::error::{wrong}")
        return 1
    with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as output:
        output.write(f"plan={plan}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
