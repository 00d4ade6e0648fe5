"""Generated files are what the generator writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import pytest

from reconciler.cli import exit_codes
from tests.docs.cli_reference import commands
from tests.docs.pages import DOCS, ROOT, read, table_keys
from tests.generate import GENERATED

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(("name", "text"), GENERATED, ids=[name for name, _ in GENERATED])
def test_generated_file_is_fresh(name: str, text: Callable[[], str]) -> None:
    assert read(ROOT / name) == text(), f"{name} is stale: run make schemas"


def test_every_command_has_help_for_every_option() -> None:
    for name, command, _ in commands():
        assert command.help, f"{name} has no help"
        silent = [o.name for o in command.params if isinstance(o, click.Option) and not o.help]
        assert not silent or name == "reconciler sandbox", f"{name}: no help for {silent}"


def test_the_reference_names_every_exit_code() -> None:
    page = read(DOCS / "cli.md")
    for name, code in vars(exit_codes).items():
        if name.isupper():
            assert f"\n| {code} | " in page, f"{name} ({code}) is not on docs/cli.md"


def test_no_generated_table_is_empty() -> None:
    assert table_keys(DOCS / "configuration.md")
