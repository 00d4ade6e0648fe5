"""Everything that is printed goes through one place, on which no name is a command to the runner."""

from __future__ import annotations

import io
import itertools
import json
import re

import pytest

from reconciler.reporting.clean import Inert, clean
from reconciler.reporting.console import commands, console_for, inert
from reconciler.reporting.json_text import json_text
from reconciler.reporting.sheets import Column, Table, csv_table

#: What a runner takes for a command: GitHub trims a line and looks at its start; the others look everywhere.
COMMAND = re.compile(r"(?:^|[\r\n])\s*::|##[a-z]*\[", re.IGNORECASE)
WORDS = (
    "::error ::no", " \u00a0::add-mask::x", "a\n::b::", "a\r ::b::", "x ##[group]y", "##vso[task.x]y",
    "##VSO[task.x]y", "##teamcity[x]", ":::", "a::b", "# ## [x]", ":", "\n:", "##", "[x", "vso[",
)  # fmt: skip


@pytest.mark.parametrize("word", WORDS)
def test_a_name_by_itself_commands_nothing(word: str) -> None:
    assert not COMMAND.search(clean(word))
    assert clean(clean(word)) == clean(word), "what is inert stays as it is"
    assert json.loads(json_text({"name": word})) == {"name": word}


@pytest.mark.parametrize("words", list(itertools.product(WORDS, repeat=2)))
def test_nor_do_two_pieces_of_one_line(words: tuple[str, str]) -> None:
    out = io.StringIO()
    stream = inert(out)
    for word in words:
        stream.write(word)
    assert not COMMAND.search(out.getvalue()), out.getvalue()


def test_letter_by_letter_is_no_way_around_it() -> None:
    piece = Inert()
    shown = "".join(piece(letter) for letter in "ok\n  ::error::x ##vso[task.complete]\n")
    assert shown == "ok\n  :\\u003aerror::x ##vso\\u005btask.complete]\n"


def test_what_commands_nothing_stays_as_it_is() -> None:
    text = "Alder · std::vector, ## a heading, #1 [x]\n\x1b[1mbold\x1b[0m\n{\n}\n"
    assert Inert()(text) == text


def test_a_stream_is_made_inert_once_and_lets_commands_of_ours_pass() -> None:
    out = io.StringIO()
    stream = inert(inert(out))
    stream.write("::error::from a name\n")
    commands(stream).write("::error title=ours::text\n")
    assert out.getvalue() == ":\\u003aerror::from a name\n::error title=ours::text\n"
    assert commands(out) is out


def test_a_console_prints_through_it() -> None:
    out = io.StringIO()
    console_for(inert(out), {}).print("::warning::x")
    assert out.getvalue() == ":\\u003awarning::x\n"


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_cell_of_csv_commands_nothing(separator: str) -> None:
    cells = csv_table(
        Table("Lines", (Column("A"), Column("B")), tuple((word, word) for word in WORDS)),
        separator=separator,
    )
    assert not COMMAND.search(cells)
    assert cells.startswith(f"A{separator}B\r\n'::error ::no{separator}'::error ::no\r\n")
