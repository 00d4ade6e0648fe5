"""Every open line of the identity stands in the tables of each form, and all of them add up to it."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given

from reconciler.cli import invocation
from reconciler.cli.main import invoke
from reconciler.cli.runtime import Runtime
from reconciler.model.plan import Plan
from reconciler.planning.accounts.census import census_of
from tests.planning_lines.test_properties import EXAMPLES, Site, sites
from tests.reporting import made
from tests.reporting.adding_up import (
    of_csv,
    of_identity,
    of_json,
    of_markdown,
    of_printed,
    of_text,
    of_xlsx,
    said_in,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.reporting.adding_up import Sum

FORMS: dict[str, Callable[[Plan], Sum]] = {
    "json": of_json, "csv": of_csv, "xlsx": of_xlsx, "text": of_text, "markdown": of_markdown,
}  # fmt: skip


@pytest.fixture(scope="module")
def played() -> tuple[list[Plan], str]:
    """The plans of the demo, and everything that it printed."""
    plans: list[Plan] = []
    call = invocation.call

    def watched(program: Any, arguments: list[str], runtime: Any) -> int:
        code = call(program, arguments, runtime)
        if "--out" in arguments:
            plans.append(Plan.from_json(json.loads(Path("plan.json").read_text(encoding="utf-8"))))
        return code

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(invocation, "call", watched)
        stdout = io.StringIO()
        code = invoke(["demo"], Runtime(environ={}, stdout=stdout, stderr=io.StringIO()))
    assert code == 0, stdout.getvalue()
    return plans, stdout.getvalue()


@pytest.mark.parametrize("form", FORMS)
def test_the_demo_s_plans_add_up_in_every_form(played: tuple[list[Plan], str], form: str) -> None:
    plans, _ = played
    assert len(plans) == 3, "to be decided, decided, a month later"
    for plan in plans:
        assert FORMS[form](plan) == of_identity(plan)


def test_what_the_demo_prints_adds_up_to_the_sentence_below_it(played: tuple[list[Plan], str]) -> None:
    """The lines and the money that a reader adds up in each plan of the demo's output."""
    shown = [part for part in played[1].split("$ reconciler ") if part.startswith("plan ")]
    assert len(shown) == 5
    for part in shown:
        found, said = of_printed(part), said_in(part)
        assert said is not None
        assert (found.lines, found.money) == (said.lines, said.money)


@given(sites())
@EXAMPLES
def test_any_plan_adds_up_in_every_form(site: Site) -> None:
    found = site.plan()
    if found.accounts is None:
        return
    plan = made.plan(*found.lines, census=census_of(found.accounts, ()))
    assert {form: read(plan) for form, read in FORMS.items()} == dict.fromkeys(FORMS, of_identity(plan))
