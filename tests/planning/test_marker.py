"""The tag: whatever people write around it stays, whatever goes in comes out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model import marker

OWNERS = st.from_regex(r"[A-Za-z0-9_.-]{1,12}", fullmatch=True)
CODES = st.dictionaries(st.text(min_size=1, max_size=12), st.booleans(), min_size=1, max_size=4)
PEOPLE = st.text(alphabet=st.sampled_from("aZ9 \n\r\t[](){}:,%ü§"), max_size=40)


@given(OWNERS, CODES, PEOPLE)
def test_what_is_written_is_read(owner: str, codes: dict[str, bool], people: str) -> None:
    text = marker.write(people, owner, codes)
    (own,) = marker.read(text).of(owner)
    assert dict(own.codes) == codes


@given(OWNERS, CODES, PEOPLE)
def test_taking_it_out_leaves_what_was_there_before(owner: str, codes: dict[str, bool], people: str) -> None:
    assert marker.write(marker.write(people, owner, codes), owner, {}) == people


@given(CODES, CODES, PEOPLE, PEOPLE)
def test_changing_it_keeps_every_other_character(
    before: dict[str, bool], after: dict[str, bool], left: str, right: str
) -> None:
    text = left + str(marker.Marker("main", before)) + right
    assert marker.write(text, "main", after) == left + str(marker.Marker("main", after)) + right


@given(CODES, CODES)
def test_other_owners_are_left_alone(ours: dict[str, bool], theirs: dict[str, bool]) -> None:
    text = f"{marker.Marker('lab', theirs)} and {marker.Marker('main', ours)}"
    assert marker.write(text, "main", {}) == f"{marker.Marker('lab', theirs)} and"


def test_its_form() -> None:
    tag = marker.Marker("main", {"b/ü~ x": True, "A": False})
    assert str(tag) == "[sophos:main A (sync off), b%2F%C3%BC%7E%20x]"


@pytest.mark.parametrize(
    "text",
    [
        "[sophos:main CODE-1,CODE-2]",
        "[sophos:main CODE-1, ]",
        "[sophos:main]",
        "[sophos: main CODE-1]",
        "[sophos:main CODE-1 (sync on)]",
        "[sophos:main CODE-1, CODE-1]",
        "[sophos:main CODE-1",
        "[sophos:main b%2f]",
    ],
)
def test_a_broken_tag_is_said_and_never_guessed(text: str) -> None:
    tags = marker.read(f"before {text} after")
    assert tags.markers == ()
    assert len(tags.unreadable) == 1


def test_a_text_about_sophos_is_no_tag() -> None:
    assert marker.read("See sophos: the docs [1]") == marker.Tags((), ())
