"""The schemas and the starter mappings: inside the wheel, or beside the source."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def data_folder(name: str) -> Path:
    """The folder `schemas` or `starter` that came with this installation."""
    packaged = Path(str(files("reconciler"))) / "_data" / name
    return packaged if packaged.is_dir() else Path(str(files("reconciler"))).parent / name
