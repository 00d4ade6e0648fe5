"""docs/usage.md: its examples are planned, and what they say is what the plan says.

An example (a block `text example`) belongs to the YAML before it. `Sophos`, `Line` and `Agreement` (its
cycle) give the books, `Plan`, `Why` and `Says` what the plan has to say of them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from reconciler.config.load import load
from reconciler.model.lines import WRITTEN
from reconciler.reporting.line_words import why
from tests.docs.pages import DOCS, ROOT, Block, blocks, prose, read
from tests.planning_lines.books import NOVEMBER, Books, agreements, bill

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.model.lines import Amount, PlannedLine

PAGE = DOCS / "usage.md"
_USAGE = re.compile(r"(?P<code>[A-Za-z_-]+) (?P<units>[\d.-]+)(?: \((?P<first>\d+)–(?P<last>\d+)\))?")
_LINE = re.compile(
    r"#(?P<id>\d+): (?P<qty>\d+) × (?P<price>[\d.]+)(?: of (?P<product>[A-Z-]+))?"
    r"(?:, (?P<incl>\d+) included)?(?:, last written by (?P<by>\w+))?"
)
_NAMED_TEST = re.compile(r"`(?P<name>(?:tests/\S+/)?test_\w+(?:\.py)?)`")


def _examples() -> list[tuple[str, Block]]:
    """Each example with the YAML that it belongs to."""
    found, yaml = [], ""
    for block in blocks(PAGE):
        if block.info == "yaml":
            yaml = block.text
        elif block.info == "text example":
            found.append((yaml, block))
    return found


def _rows(block: Block) -> list[tuple[str, str]]:
    rows = []
    for line in block.text.splitlines():
        label, _, value = line.partition("  ")
        rows.append((label, value.strip()))
    return rows


def _month(text: str) -> str:
    rows = ["tenant | code | units | from | to", "Rowan | CIXA-MSP | 1 | |"]  # the bill has others, too
    for found in _USAGE.finditer(text if text != "nothing" else ""):
        days = [f"2026-11-{int(found[key]):02}" if found[key] else "" for key in ("first", "last")]
        rows.append(" | ".join(("Hawthorn", found["code"], found["units"], *days)))
    return "\n".join(rows)


def _lines(rows: list[tuple[str, str]], only_product: str) -> str:
    found = ["id | qty | price | product | incl | by"]
    for label, text in rows:
        if label == "Line":
            line = _LINE.fullmatch(text)
            assert line is not None, f"{text!r} is no line"
            product, included = line["product"] or only_product, line["incl"] or "0"
            cells = (line["id"], line["qty"], line["price"], product, included, line["by"] or "")
            found.append(" | ".join(cells))
    return "\n".join(found)


def _shown(line: PlannedLine) -> str:
    number = "no line" if line.line_id is None else f"#{line.line_id}"
    after = line.after if line.line_id is not None else None
    units = _step("?" if line.before is None else f"{line.before:f}", "?" if after is None else f"{after:f}")
    return f"{number} {line.state.value}, {units}{_money(line.sales)}"


def _step(before: str, after: str) -> str:
    return before if before == after else f"{before} → {after}"


def _money(amount: Amount | None) -> str:
    if amount is None:
        return ""
    data = amount.to_json()
    return f", {_step(data['before'], data['after'])} {data['currency']}"


@pytest.mark.parametrize(("yaml", "block"), _examples(), ids=lambda value: str(value)[:40])
def test_an_example_is_planned_as_it_says(yaml: str, block: Block, tmp_path: Path) -> None:
    rows = _rows(block)
    months = {label: text for label, text in rows if label.startswith("Sophos")}
    cycle = dict(rows).get("Agreement", "Monthly")
    september = NOVEMBER.previous().previous()
    first_product = re.search(r"product: ([A-Z-]+)", yaml)
    assert first_product is not None
    planned = Books(
        tmp_path / "mappings",
        settings="version: 1\n",
        yaml=yaml,
        bill=bill(_month(months["Sophos November"])),
        last=bill(_month(months.get("Sophos October", "nothing")), NOVEMBER.previous()),
        older=(bill(_month(months.get("Sophos September", "nothing")), september),),
        agreements=agreements(f"id | company | cycle\n1 | HAWTHORN | {cycle}"),
        lines=_lines(rows, first_product[1]),
    ).plan()
    shown = sorted(_shown(line) for line in planned.plan.lines)
    assert shown == sorted(text for label, text in rows if label == "Plan")
    said = "\n".join(why(line) for line in planned.plan.lines)
    assert all(text in said for label, text in rows if label == "Why"), said
    assert {text for label, text in rows if label == "Says"} <= set(planned.codes)
    written = {change.target.id for change in planned.plan.changes}
    assert written == {line.line_id for line in planned.plan.lines if line.state in WRITTEN}


def test_there_are_examples_of_each_kind() -> None:
    states = {
        text.split(",")[0].split(" ", 1)[1]
        for _, block in _examples()
        for label, text in _rows(block)
        if label == "Plan"
    }
    assert {"more", "withheld", "needs a decision", "unchanged", "not counted"} <= {
        state.removeprefix("line ") for state in states
    }


def test_tests_that_the_page_names_are_there() -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py"))
    for found in _NAMED_TEST.finditer(prose(PAGE)):
        name = found["name"]
        if name.endswith(".py"):
            assert list((ROOT / "tests").rglob(name.rpartition("/")[2])), name
        else:
            assert f"def {name}(" in source, name


def test_guards_have_the_numbers_of_the_code(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("mappings: {CIXA-MSP: {product: MSP-ENDPOINT}}\n", encoding="utf-8")
    desired = load(tmp_path).desired
    assert desired is not None
    guards, text = desired.settings.guards, read(PAGE)
    limit = guards.line_change
    assert limit is not None
    assert f"more than {limit.units} units **and** more than {limit.percent} %" in text
    assert f"more than {limit.money:.2f} a month" in text
    assert f"fewer than {guards.feed_tenants_percent} % of last month's tenants" in text
    assert f"more than {guards.product_to_zero_customers} customers at once" in text
