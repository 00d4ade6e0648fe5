"""README.md: the commands under *Use it* work as they are printed, on the sandbox and on any day."""

from __future__ import annotations

import io
import re
import shlex
from datetime import date, datetime
from shutil import copytree
from typing import TYPE_CHECKING

import click
import pytest

from reconciler.sandbox.seed import small_msp
from tests.docs.pages import ROOT, read
from tests.support import Site

if TYPE_CHECKING:
    from pathlib import Path

#: What each command comes to: lines wait for people, and nothing of it is an error.
EXPECTED = {"plan": 4, "apply": 4, "score": 0, "ready": 4}


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def commands() -> list[list[str]]:
    """The commands of the block, without their comments."""
    text = read(ROOT / "README.md").partition("## Use it")[2]
    block = text.partition("```console")[2].partition("```")[0]
    return [
        shlex.split(line, comments=True) for line in re.findall(r"^\$ reconciler (.*)$", block, re.MULTILINE)
    ]


@pytest.mark.parametrize("day", [date(2026, 11, 27), date(2026, 12, 1), date(2027, 2, 10)], ids=str)
def test_the_steps_work_as_they_are_printed(
    day: date, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sandbox is about the day on which it is started, and so must be what is asked of it."""
    copytree(ROOT / "starter", tmp_path / "mappings")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(click, "confirm", lambda *_, **__: True)  # the person at the terminal says yes
    site = Site(tmp_path, world=small_msp(day), today=day)
    said = {one[0]: site.run(*one, stdin=_Terminal()) for one in commands()}
    assert {name: one.code for name, one in said.items()} == EXPECTED, {n: s.err for n, s in said.items()}
    asked = re.match(r"No: invoices of (\d+ \w+ \d+) have to wait", said["ready"].out)
    assert asked is not None, said["ready"].out
    assert datetime.strptime(asked[1], "%d %b %Y").date() > day  # noqa: DTZ007
    assert "Mode shadow: nothing is written" in said["ready"].out
    assert "applied" in said["apply"].out


def test_the_demo_says_that_it_plays_in_live_mode(demo_output: list[str]) -> None:
    told = "\n".join(demo_output)
    assert told.index("`mode: live`") < told.index("$ reconciler plan")
