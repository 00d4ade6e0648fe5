"""Two programs judge the form of a file: neither takes what the other one refuses."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft7Validator

from reconciler.model.forms import Form
from reconciler.model.journal_schema import line_schemas
from reconciler.model.plan_schema import plan_schema
from tests.hostile.spoiled import EDITS, edited
from tests.hostile.test_files import right_files, share


@cache
def forms() -> dict[str, tuple[Form, Draft7Validator]]:
    """Each form, for both."""
    schemas = {"plan": plan_schema(), **line_schemas()}
    return {name: (Form(schema), Draft7Validator(schema)) for name, schema in schemas.items()}


def judged(name: str, data: Any) -> bool:
    """Whether the data fits; both say the same."""
    quick, slow = forms()[name]
    fits = slow.is_valid(data)
    told = quick.problem(data)
    assert (told == "") is fits, told
    # Half a character is the one thing that only the slow one can look at.
    assert quick.accepts(data) is fits or "\\ud8" in json.dumps(data)
    return fits


@share(1)
@given(edits=EDITS)
def test_of_plans(edits: Any) -> None:
    judged("plan", edited(json.loads(right_files()["plan"]), edits))


@share(1)
@given(edits=EDITS)
def test_of_journals(edits: Any) -> None:
    for line in right_files()["journal"].splitlines():
        row = json.loads(line)
        judged(row["type"], edited(row, edits))


def test_of_what_is_right() -> None:
    assert judged("plan", json.loads(right_files()["plan"]))
    rows = [json.loads(line) for line in right_files()["journal"].splitlines()]
    assert all(judged(row["type"], row) for row in rows)


@pytest.mark.parametrize("quantity", ["1", "1.50", "-1", "1.", "1e5", " 1", "", "1\n", "\u0663"])
def test_of_numbers(quantity: str) -> None:
    """Python's digits are those of every script, and its end of a text comes before a last line end."""
    plan = json.loads(right_files()["plan"])
    plan["lines"][0]["unitPrice"] = quantity
    quick, slow = forms()["plan"]
    assert (quick.problem(plan) == "") is slow.is_valid(plan)
    assert slow.is_valid(plan) or not quick.accepts(plan)
