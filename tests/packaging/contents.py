"""What a wheel must and must not hold: `python -m tests.packaging.contents WHEEL`."""

from __future__ import annotations

import re
import sys
from email.parser import HeaderParser
from pathlib import Path
from zipfile import ZipFile

REQUIRED = (
    "reconciler/__init__.py",
    "reconciler/__main__.py",
    "reconciler/py.typed",
    "reconciler/_data/schemas/journal.schema.json",
    "reconciler/_data/schemas/mappings.schema.json",
    "reconciler/_data/schemas/plan.schema.json",
    "reconciler/_data/starter/mappings.yaml",
    "reconciler/_data/starter/products.yaml",
    "reconciler/_data/starter/settings.yaml",
)
ENTRY_POINT = "reconciler = reconciler.__main__:main"
_OURS = re.compile(r"reconciler/|sophos_connectwise_reconciler-[^/]+\.dist-info/")
_UNWANTED = re.compile(r"(^|/)(tests?|__pycache__|\.env)(/|$)|\.pyc$")


def problems(wheel: Path) -> list[str]:
    """Everything that is wrong with a wheel, in words."""
    with ZipFile(wheel) as archive:
        names = archive.namelist()
        texts = {
            name.rpartition("/")[2]: archive.read(name).decode() for name in names if ".dist-info/" in name
        }
    found = [f"it lacks {name}" for name in REQUIRED if name not in names]
    found += [f"it holds {name}" for name in names if _UNWANTED.search(name) or not _OURS.match(name)]
    if ENTRY_POINT not in texts.get("entry_points.txt", ""):
        found.append(f"its entry points lack {ENTRY_POINT!r}")
    if "The sophos-connectwise-reconciler authors" not in texts.get("LICENSE", ""):
        found.append("it lacks the licence's text")
    about = HeaderParser().parsestr(texts.get("METADATA", ""))
    if about["License-Expression"] != "MIT":
        found.append(f"its licence is {about['License-Expression']!r}")
    if "reconciler demo" not in about.get_payload():
        found.append("its description is not the README")
    return found


def main() -> int:
    """Print what is wrong with each wheel named on the command line."""
    wrong = [f"{Path(name).name}: {text}" for name in sys.argv[1:] for text in problems(Path(name))]
    print("\n".join(wrong) or f"{', '.join(Path(name).name for name in sys.argv[1:])}: complete")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
