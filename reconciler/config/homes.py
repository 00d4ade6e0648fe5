"""Which file each section stands in, where `settings.homes` is `fixed`, so that files can have owners.

A home is `SECTION.yaml` in the folder itself, or any file under the folder `SECTION`, spelled exactly so: the
patterns of CODEOWNERS tell capitals apart. Nobody can move one, because no file says where they are.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from reconciler.config.nodes import Mapping, Scalar
from reconciler.config.wording import show
from reconciler.model.diagnostics import Diagnostic, error

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.config.nodes import Entry, Node
    from reconciler.model.diagnostics import Location

FREE, FIXED = "free", "fixed"
#: The words of a customer's row with which a person answers what a plan asked, and the home of these.
ANSWERS, ANSWERS_HOME = frozenset({"nameDiffers", "restart"}), "answers"
#: Each section's home; `version` may stand in every file, and a key that is no section is said elsewhere.
HOMES = {
    "settings": "settings",
    "mappings": "mappings",
    "products": "products",
    "lines": "lines",
    "customers": "customers",
    "defaults": "customers",
    "holds": "holds",
    "approvals": "approvals",
    "protected": "protected",
}


def only_answers(row: Node) -> bool:
    """Whether a customer's row holds nothing but answers, and so continues the row of another file."""
    return isinstance(row, Mapping) and bool(row.entries) and ANSWERS.issuperset(row.entries)


def away_from_home(roots: Sequence[Node], folder: str) -> Iterator[Diagnostic]:
    """Each section, and each answer in a customer's row, that stands in a file that is not its home.

    One file that fixes the homes is enough: another one that says otherwise does not take that back.
    """
    mappings = [root for root in roots if isinstance(root, Mapping)]
    if not any(_fixes(root) for root in mappings):
        return
    for root in mappings:
        for name, entry in root.entries.items():
            if name in HOMES:
                yield from _strangers(name, entry, folder)


def _fixes(root: Mapping) -> bool:
    """Whether the file says anything but `free`: what is not valid switches nothing off."""
    settings = root.entries.get("settings")
    if settings is None or not isinstance(settings.value, Mapping):
        return False
    homes = settings.value.entries.get("homes")
    return homes is not None and not (isinstance(homes.value, Scalar) and homes.value.text == FREE)


def _strangers(name: str, section: Entry, folder: str) -> Iterator[Diagnostic]:
    here = _home_at(section.location, folder)
    if name == "customers" and here == ANSWERS_HOME:
        yield from _answers(section.value, folder)
    elif here != HOMES[name]:
        yield _away(f"`{name}`", HOMES[name], section.location, folder)
    elif name == "customers":
        for tenant, word, entry in _words(section.value):
            if word in ANSWERS:
                yield _away(f"`{word}` of the customer {show(tenant)}", ANSWERS_HOME, entry.location, folder)


def _answers(section: Node, folder: str) -> Iterator[Diagnostic]:
    """What is no answer, in the customers' rows of the file for answers."""
    for tenant, word, entry in _words(section):
        if word not in ANSWERS:
            yield _away(f"`{word}` of the customer {show(tenant)}", "customers", entry.location, folder)


def _words(section: Node) -> Iterator[tuple[str, str, Entry]]:
    """Each word of each customer's row; what is no row is refused elsewhere."""
    for tenant, row in section.entries.items() if isinstance(section, Mapping) else ():
        for word, entry in row.value.entries.items() if isinstance(row.value, Mapping) else ():
            yield tenant, word, entry


def _home_at(location: Location, folder: str) -> str:
    """The home that a file belongs to, or the name of something that is none."""
    first, *below = _within(location, folder).parts
    return first if below else first.removesuffix(".yaml")


def _within(location: Location, folder: str) -> PurePosixPath:
    return PurePosixPath(location.file).relative_to(PurePosixPath(folder))


def _away(what: str, home: str, location: Location, folder: str) -> Diagnostic:
    here = show(_within(location, folder).as_posix())
    row = ", below the customer's id under `customers`," if home == ANSWERS_HOME else ""
    return error(
        "away-from-home",
        f"{what} stands in {here}, and `settings.homes: {FIXED}` keeps it in {home}.yaml.",
        f"Move it to {home}.yaml{row} or to a file of the folder {home}.",
        location=location,
    )
