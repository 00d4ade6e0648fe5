"""Every command that a workflow calls is there, with these options."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import click
import pytest

from reconciler.cli.main import main
from tests.workflows.reader import NAMES, Step, jobs

if TYPE_CHECKING:
    from collections.abc import Iterator

_CALL = re.compile(r"^\s*(reconciler .+)$", re.MULTILINE)


def _calls(name: str) -> Iterator[tuple[Step, list[str]]]:
    for job in jobs(name):
        for step in job.steps:
            for line in _CALL.findall(step.run):
                yield step, shlex.split(line)[1:]


def _command(words: list[str]) -> tuple[click.Command, list[str]]:
    found: click.Command = main
    while isinstance(found, click.Group):
        name, *words = words
        assert name in found.commands, f"there is no command {name!r}"
        found = found.commands[name]
    return found, words


@pytest.mark.parametrize("name", NAMES)
def test_what_a_workflow_calls_can_be_called(name: str) -> None:
    calls = list(_calls(name))
    assert calls
    for step, words in calls:
        command, arguments = _command(words[: words.index(">")] if ">" in words else words)
        arguments = ["2026-12-01" if word == "$date" else word for word in arguments]
        try:
            command.make_context(command.name, arguments, help_option_names=["-h", "--help"])
        except click.UsageError as wrong:
            pytest.fail(f"{step.place}: {wrong.format_message()}")
