"""What several rules ask for, worked out once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.model.identifiers import identifier_key

if TYPE_CHECKING:
    from datetime import date, datetime

    from reconciler.config.values import Path
    from reconciler.config.view import Document
    from reconciler.model.desired import Desired, Product, Row
    from reconciler.model.diagnostics import Diagnostic, Location


@dataclass
class Target:
    """A ConnectWise product that rows or overrides name, with the Sophos codes that it bills."""

    text: str
    codes: dict[str, Location] = field(default_factory=dict)
    aliases: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Facts:
    """The configuration, indexed.

    `complete` says that nothing was refused, so that what is not there was really left out; rules about
    what is missing elsewhere ask it first, so that one typo does not bring a dozen errors.
    """

    document: Document
    desired: Desired
    complete: bool
    today: date | None
    now: datetime | None
    rows: dict[str, Row]
    aliases: dict[str, Row]
    targets: dict[str, Target]
    declared: dict[str, Product]

    def say(self, diagnostic: Diagnostic) -> None:
        """Add to what is told."""
        self.document.diagnostics.append(diagnostic)

    @property
    def codes(self) -> tuple[str, ...]:
        """Every code that a row stands for."""
        return (*self.rows, *self.aliases)


#: Keys of a customer's row whose loss hides no code, product or company from the rules.
_HARMLESS = frozenset(
    {"name", "agreement", "sync", "mode", "lines", "firewalls", "movedFrom", "openLines", "until"}
)


def _hides(path: Path) -> bool:
    """Whether a refused value may have held what other rows refer to."""
    if len(path) < 2 or path[0] not in ("mappings", "customers"):
        return len(path) < 2
    harmless = ("sync", "until") if path[0] == "mappings" else _HARMLESS
    return len(path) == 2 or path[2] not in harmless


def gather(
    document: Document, desired: Desired, *, complete: bool, today: date | None, now: datetime | None
) -> Facts:
    """Index the configuration."""
    targets: dict[str, Target] = {}
    aliases: dict[str, Row] = {}
    for row in desired.rows:
        for alias in row.also_known_as:
            aliases.setdefault(alias, row)
        for selector in row.targets:
            target = targets.setdefault(selector.key, Target(str(selector)))
            target.codes.setdefault(row.code, row.location)
            target.aliases |= set(row.also_known_as)
    for customer in desired.customers:
        for override in customer.overrides:
            for selector in override.targets:
                target = targets.setdefault(selector.key, Target(str(selector)))
                target.codes.setdefault(override.code, override.location)
    return Facts(
        document=document,
        desired=desired,
        complete=complete and not any(_hides(path) for path in document.wrong),
        today=today,
        now=now,
        rows={row.code: row for row in desired.rows},
        aliases=aliases,
        targets=targets,
        declared={identifier_key(product.identifier): product for product in desired.products},
    )
