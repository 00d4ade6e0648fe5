"""A saved plan whose words have ended since is not written: its lines would be wrong by then."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.flows_usage.books import TODAY, Books

if TYPE_CHECKING:
    from pathlib import Path

UNTIL = (TODAY + timedelta(days=1)).isoformat()
WORDS = {
    "the hold for ALDER, MSP-EP": (
        f"holds: [{{customer: ALDER, product: MSP-EP, quantity: 18, reason: agreed, until: {UNTIL}}}]\n",
        "",
    ),
    "the approval for ALDER, MSP-EP": (
        (
            "approvals: [{customer: ALDER, product: MSP-EP, from: 20, upTo: 64, given: 2026-11-27, "
            f"reason: agreed, until: {UNTIL}}}]\n"
        ),
        "",
    ),
    "the exclusion of Alder": ("", f", exclude: trial, until: {UNTIL}, openLines: end"),
    "the exclusion of EP-MSP for Alder": (
        "",
        f", openLines: end, overrides: {{EP-MSP: {{exclude: trial, until: {UNTIL}}}}}",
    ),
}


@pytest.mark.parametrize(("word", "said"), WORDS.items(), ids=list(WORDS))
@pytest.mark.parametrize(("days", "written"), [(1, True), (2, False)], ids=["its last day", "the day after"])
def test_a_saved_plan_ends_with_the_first_word_that_it_was_made_by(
    tmp_path: Path, word: str, said: tuple[str, str], days: int, written: bool
) -> None:
    books = Books(tmp_path)
    extra, row = said
    books.customer("Alder", ep=(20, 20, 22), more=row)
    file = books.live(extra).save()
    books.today = TODAY + timedelta(days=days)
    books.forget()
    applied = books.apply(file)
    if written:
        assert (applied.code, len(books.writes)) == (0, 1), applied.out
        return
    assert (applied.code, books.writes) == (5, [])
    (told,) = [one for one in applied.json["diagnostics"] if one["code"] == "word-ended-since"]
    assert f"and {word} (" in told["message"]
    assert "mappings.yaml:" in told["message"]
    assert f"held until {UNTIL}" in told["message"]
