"""A folder's configuration, on the site's day."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.model.diagnostics import ReconcilerError

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from reconciler.cli.runtime import Runtime
    from reconciler.config.files import Source
    from reconciler.config.load import Loaded
    from reconciler.model.desired import Desired


@dataclass(frozen=True)
class Configuration:
    """A folder's configuration without errors, and the site's day."""

    loaded: Loaded
    desired: Desired
    today: date
    site: str


def read_configuration(runtime: Runtime, folder: Path, *, dated: bool = True) -> Configuration:
    """The configuration of a folder. Raises ReconcilerError with everything that is wrong with it.

    Not `dated` is that of a base commit: what has run out there is what the change under review mends.
    """
    loaded = load_configuration(runtime, folder, dated=dated)
    if loaded.desired is None:
        raise ReconcilerError(loaded.diagnostics)
    today = runtime.today(loaded.desired.settings.time_zone)
    return Configuration(loaded, loaded.desired, today, folder.resolve().name)


def load_configuration(
    runtime: Runtime, folder: Path, *, dated: bool = True, instead: Source | None = None
) -> Loaded:
    """What a folder says, with its examples run; an example that fails is an error like any other.

    `instead` is what one of its files would hold.
    """
    from reconciler.config.load import load
    from reconciler.planning.usage.examples import failed_examples

    today_in, now = (runtime.today, runtime.now()) if dated else (None, None)
    loaded = load(folder, today_in=today_in, now=now, instead=instead)
    failed = failed_examples(loaded.desired) if loaded.desired is not None else []
    if not failed:
        return loaded
    return replace(loaded, desired=None, diagnostics=(*loaded.diagnostics, *failed))
