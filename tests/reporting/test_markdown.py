"""A plan in GitHub's Markdown: what comes first, what is never cut, and names that stay names."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from reconciler.model.change import Action, Change, Target
from reconciler.model.diagnostics import error
from reconciler.model.field_change import FieldChange
from reconciler.model.lines import WRITTEN, LineState, PlannedLine
from reconciler.model.usage_notes import UsageNote
from reconciler.reporting.markdown import COMMENT, markdown
from reconciler.reporting.markdown_text import code, md, table
from tests.reporting.made import ending, line, moved, new_line, plan, requests_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.model.plan import Plan

HOSTILE = (
    "<script>alert(1)</script>",
    "@team and @someone",
    "`id`",
    "a | b",
    "[click](https://evil.example)",
    "![pixel](https://evil.example/p.png)",
    "https://evil.example www.evil.example",
    "**bold** _it_ ~~gone~~",
    "one\n\n# two\n| x |",
    "::set-output name=x::y",
    "=HYPERLINK(1)",
    "#1 and GH-1",
    "</details>",
    "\u202eevil\u202c \x1b[31m",
    "0123456789abcdef0123456789abcdef01234567",
    "&lt;b&gt; &#64;",
)


def plan_of(lines: Sequence[PlannedLine]) -> Plan:
    """A plan with the requests of those that are written."""
    changes = [one for made in lines if made.state in WRITTEN for one in requests_of(made)]
    return plan(*lines, changes=tuple(changes))


def headings(text: str) -> list[str]:
    return [one.lstrip("# ") for one in text.splitlines() if one.startswith("#")]


def test_the_verdict_and_the_money_come_first() -> None:
    made = plan_of(
        [
            line("Norte", before=10, after=12),
            new_line("Novo"),
            moved("Quinta do Lago"),
            ending("Velho"),
            line("Sul", state=LineState.NEEDS_DECISION, reason="two open lines"),
        ]
    )
    text = markdown(made, subject="this pull request")
    first, second = text.splitlines()[:2]
    assert first == "## 🟡 1 decision · this pull request changes invoices by **+261.00 EUR a month**"
    assert "**invoices dated 1 Dec 2026** · 4 of 5 customers · before tax" in second
    assert headings(text)[1:] == [
        "Please decide",
        "What changes on invoices",
        "Not billed, or followed by no row",
    ]
    assert "**Sul · Managed Security, MSP-ENDPOINT" in text
    assert "moved: #&#8203;12 MSP-OLD → MSP-NEW from 1 Dec 2026" in text
    assert "November 2026, 12 × 4.50 = 54.00 EUR, is not invoiced" in text
    assert "**Approve** = exactly these 4 customers are written" in text


def test_a_run_guard_is_red_and_its_message_stands_on_top() -> None:
    stopped = replace(
        plan_of([line()]), diagnostics=(error("guard-feed-incomplete", "Only 3 of 9.", "Look."),)
    )
    text = markdown(stopped)
    assert text.startswith("## 🔴 nothing can be written")
    assert "- **guard-feed-incomplete** Only 3 of 9. → Look." in text


def test_usage_that_nothing_bills_is_said() -> None:
    note = UsageNote("unmapped", "NDR-MSP", "NDR", "12", 2, {"USD": "96.00"})
    stranger = UsageNote("customer", "Gleam & Co", "EP-MSP 3", "3", 1, {"USD": "6.00"})
    text = markdown(replace(plan_of([line()]), usage_notes=(note, stranger)))
    assert "- Sophos usage, no mapping: NDR-MSP, 12 units (≈ USD 96.00 at Sophos)" in text
    assert "- Sophos usage, no row for the customer: Gleam &amp; Co, 3 units" in text


def test_a_product_that_is_created_says_with_what() -> None:
    fields = (FieldChange("price", None, "8.00"), FieldChange("taxableFlag", None, True))
    target = Target("MSP-NDR", None)
    made = Change(
        "create_product:product/MSP-NDR", Action.CREATE_PRODUCT, target, "new", fields, "product/MSP-NDR"
    )
    text = markdown(replace(plan_of([line()]), changes=(*plan_of([line()]).changes, made)))
    assert "- **MSP-NDR**: create with price 8.00, taxableFlag yes (new)" in text
    assert "exactly this 1 customer is written, and 1 change of products" in text


def test_a_long_plan_is_cut_and_what_takes_away_is_not() -> None:
    lines = [line(f"Customer {n:04}", before=10, after=12, agreement_id=n) for n in range(2_000)]
    gone = [ending(f"Leaver {n:02}", agreement_id=5_000 + n) for n in range(30)]
    asked = [
        line(f"Asked {n:02}", state=LineState.NEEDS_DECISION, reason="two open lines", agreement_id=6_000 + n)
        for n in range(30)
    ]
    text = markdown(plan_of([*lines, *gone, *asked]), limit=COMMENT)
    assert len(text.encode()) <= COMMENT
    assert all(f"Leaver {n:02}" in text and f"Asked {n:02}" in text for n in range(30))
    assert "more lines, together" in text
    assert len(markdown(plan_of(lines)).encode()) > COMMENT, "the step summary has all of them"


def rendered(text: str) -> str:
    page: str = MarkdownIt("gfm-like", {"linkify": False, "html": True}).render(text)
    return page


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_a_name(name: str) -> None:
    made = plan_of(
        [
            line(name, product=name, agreement=name, reason=name),
            line("Other", state=LineState.NEEDS_DECISION, reason=name, agreement_id=7),
        ]
    )
    text = markdown(replace(made, diagnostics=(error("made-up", name, name, subject="x"),)))
    page = rendered(text)
    for element in ("<script", "<a ", "<img", "<strong>bold", "<del>", "<em>it"):
        assert element not in page
    assert page.count("<details>") == page.count("</details>") == 1
    assert page.count("<table>") == 2, "no cell breaks out of its table"
    outside = re.sub(r"`[^`]*`", "", text)  # GitHub links nothing inside code
    for linked in ("@team", "@someone", "://", "www.evil", "#1", "GH-1", "0123456789abcdef0123456789"):
        assert linked not in outside
    assert "\x1b" not in text
    assert "\u202e" not in text


@given(st.text())
def test_any_text_is_one_paragraph_of_plain_text(text: str) -> None:
    tokens = MarkdownIt("gfm-like", {"linkify": False, "html": True}).parse(f"x {md(text)}")
    assert [one.type for one in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    inside: set[str] = {child.type for child in tokens[1].children or ()}
    assert inside <= {"text", "text_special"}


@given(st.text())
def test_any_text_is_one_cell(text: str) -> None:
    (token,) = [one for one in MarkdownIt().parse(code(text) + " x") if one.type == "inline"]
    kinds: list[Any] = [child.type for child in token.children or ()]
    assert "html_inline" not in kinds
    rows = table(("A", ">B"), [(text, "1")])
    assert len(rows) == 3
    assert rows[1] == "| --- | --: |"
    cells = [
        one
        for one in MarkdownIt("gfm-like", {"linkify": False}).parse("\n".join(rows))
        if one.type == "td_open"
    ]
    assert len(cells) == 2
