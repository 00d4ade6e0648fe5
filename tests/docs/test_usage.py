"""docs/usage.md and docs/billing.md: examples are planned, and what they say is what the plan says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from reconciler.config.load import load
from reconciler.model.lines import WRITTEN
from reconciler.reporting.line_words import why
from tests.docs.examples import Example, examples, shown, shown_apart, written
from tests.docs.pages import DOCS, ROOT, read

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.model.lines import PlannedLine

PAGE, BILLING = DOCS / "usage.md", DOCS / "billing.md"


@pytest.mark.parametrize("example", [*examples(PAGE), *examples(BILLING)], ids=str)
def test_an_example_is_planned_as_it_says(example: Example, tmp_path: Path) -> None:
    planned = example.books(tmp_path / "mappings").plan()
    lines = planned.plan.lines
    assert sorted(shown(line, example.product) for line in lines) == sorted(example.all("Plan"))
    accounts = planned.plan.accounts
    apart = () if accounts is None else [line for line in accounts.apart if not line.row]
    assert sorted(map(shown_apart, apart)) == sorted(example.all("Without a row"))
    said = "\n".join(why(line) for line in lines)
    assert all(text in said for text in example.all("Why")), said
    for text in example.all("Says"):
        code, _, words = text.partition(": ")
        assert code in planned.codes, planned.codes
        assert words in planned.said(code)
    changes = [change for change in planned.plan.changes if not change.blocked]
    if example.all("Written"):
        assert [written(change) for change in changes] == example.all("Written")
    ids = [number for line in lines for number in _written_ids(line)]
    assert sorted(str(change.target.id) for change in changes) == sorted(map(str, ids))


def _written_ids(line: PlannedLine) -> list[int | None]:
    """The lines that are written where the plan says so of a row; None is a line that is created."""
    if line.state not in WRITTEN or line.shadow:
        return []
    own = line.starts is not None or (line.line_id is not None and line.before != line.after)
    changed = own or line.state.value == "terms"
    return [*([line.line_id] if changed else []), *(old.line_id for old in line.takes_over)]


def test_there_are_examples_of_each_kind() -> None:
    found = {
        word
        for page in (PAGE, BILLING)
        for example in examples(page)
        for text in example.all("Plan")
        for word in ("more", "withheld", "needs a decision", "unchanged", "not counted", "new line", "ends")
        if word in text
    }
    assert len(found) == 7


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


def test_the_number_of_pairs_is_that_of_the_tests() -> None:
    found = re.search(r"tried: (\d+) times in each run", read(BILLING))
    assert found is not None
    source = (ROOT / "tests/planning_lines/test_pairs.py").read_text(encoding="utf-8")
    assert f'os.environ.get("PAIRS", "{found[1]}")' in source


def test_all_forty_situations_are_answered() -> None:
    numbers = re.findall(r"^\| (\d+) \|", read(BILLING), re.MULTILINE)
    assert [int(number) for number in numbers] == list(range(1, 41))
