"""docs/plan-format.md explains every key of a plan, and says the truth about the hash."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from reconciler.model.bound import BoundTo
from reconciler.model.census import Census, LineAccount, UnitAccount
from reconciler.model.change import Action, Basis, Cause, Change, Target
from reconciler.model.field_change import FieldChange
from reconciler.model.lines import Amount, LineState
from reconciler.model.plan import Period, Plan, RemovedRow, RollbackOf
from reconciler.model.plan_guards import Answer, Answered, PlanGuards
from reconciler.model.plan_schema import plan_schema
from reconciler.model.rests import LastWrite, Signed
from tests.docs.pages import DOCS, read, table_keys

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = DOCS / "plan-format.md"


def _keys(schema: dict[str, Any], path: str = "") -> Iterator[str]:
    for name, below in schema.get("properties", {}).items():
        key = f"{path}.{name}" if path else name
        yield key
        yield from _keys(below, key)
    if "items" in schema:
        yield from _keys(schema["items"], f"{path}[]")


def test_every_key_is_explained_and_none_besides() -> None:
    documented, defined = set(table_keys(PAGE)), set(_keys(plan_schema()))
    assert not defined - documented, f"docs/plan-format.md lacks {sorted(defined - documented)}"
    assert not documented - defined, f"docs/plan-format.md invents {sorted(documented - defined)}"


def test_every_value_of_a_key_with_few_values_is_named() -> None:
    text = read(PAGE)
    missing = [
        value for value in (*Action, *LineState, *LineAccount, *UnitAccount) if f"`{value.value}`" not in text
    ]
    assert not missing, f"docs/plan-format.md names no {missing}"


CHANGE = Change(
    id="edit_product:product/A",
    action=Action.EDIT_PRODUCT,
    target=Target("A", 1),
    reason="declared values differ",
    fields=(FieldChange("price", "1.00", "2.00"),),
    write="product/A",
)
PLAN = Plan(
    tool="reconciler 1",
    site="mappings",
    owner="main",
    marker_custom_field=None,
    instance={"connectwiseHost": "h", "connectwiseCompany": "c", "sophosPartner": "p"},
    today="2026-11-12",
    period=Period("2026-10", "October 2026", "2026-09-26", "2026-10-25", True),
    config_hash="x",
    changes=(CHANGE,),
)


BOUND = BoundTo("a/a", 7, "1", "2", "3", "4", "now")


def test_the_hash_covers_what_the_page_says() -> None:
    covered = [
        replace(PLAN, owner="lab"),
        replace(PLAN, marker_custom_field="Sophos"),
        replace(PLAN, member="apirec"),
        replace(PLAN, instance={**PLAN.instance, "connectwiseCompany": "d"}),
        replace(PLAN, period=None),
        replace(PLAN, changes=()),
        replace(PLAN, rollback_of=RollbackOf("7f", "2026-11-12T09:00:00+00:00", "x")),
        replace(PLAN, rollback_of=RollbackOf("8f", "2026-11-12T09:00:00+00:00", "x")),
        replace(PLAN, bound_to=BOUND),
        replace(PLAN, bound_to=BOUND, config_hash="y"),
        *(
            replace(PLAN, bound_to=bound)
            for bound in (
                replace(BOUND, repository="b/b"),
                replace(BOUND, pull_request=None),
                replace(BOUND, base="f"),
                replace(BOUND, head="f"),
                replace(BOUND, tree="f"),
                replace(BOUND, mappings="f"),
                replace(BOUND, made="later"),
            )
        ),
        replace(PLAN, guards=PlanGuards(products=1)),
        replace(PLAN, guards=PlanGuards(protected=("product/a",))),
        replace(PLAN, guards=PlanGuards(answers=(Answer("agreement/1/product/A", Answered.HOLD),))),
        replace(PLAN, guards=PlanGuards(replace(PLAN.guards.limits, line_to_zero=True))),
        *(
            replace(PLAN, changes=(change,))
            for change in (
                replace(CHANGE, id="other"),
                replace(CHANGE, action=Action.MAP_PRODUCT),
                replace(CHANGE, target=Target("A", 2)),
                replace(CHANGE, fields=(FieldChange("price", "1.00", "3.00"),)),
                replace(CHANGE, write="product/B"),
                replace(CHANGE, depends_on=("product/B",)),
                replace(CHANGE, blocked_by=("protected",)),
                replace(CHANGE, expected_identifier="B"),
                replace(CHANGE, mapped_on=(7,)),
                replace(CHANGE, money=Amount("EUR", Decimal(1), Decimal(2))),
                replace(CHANGE, target=Target("A", 1, agreement=7)),
                replace(CHANGE, target=Target("A", 1, agreement=7, part="line/1")),
                replace(CHANGE, basis=Basis()),
                replace(CHANGE, basis=Basis((("quantity", "1"),))),
                replace(CHANGE, basis=Basis(agreement=Signed(7))),
                replace(CHANGE, basis=Basis(agreement=Signed(7, (("nextInvoice", "2026-12-01"),)))),
                replace(CHANGE, basis=Basis(product=Signed(7))),
                replace(CHANGE, basis=Basis(company=Signed(7))),
                replace(CHANGE, basis=Basis(company=Signed(7, (("deleted", True),)))),
                replace(CHANGE, basis=Basis(recap=Signed(7))),
                replace(CHANGE, basis=Basis(recap=Signed(7, (("unbilledPeriods", 1),)))),
                replace(CHANGE, basis=Basis(codes=("A",))),
                replace(CHANGE, basis=Basis(agreements=(7,))),
                replace(CHANGE, basis=Basis(products=(7,))),
                replace(CHANGE, basis=Basis(written=LastWrite("jane", ""))),
                replace(CHANGE, basis=Basis(written=LastWrite("", "2026-11-12T09:00:00Z"))),
                replace(CHANGE, cause=Cause.WAITING),
            )
        ),
    ]
    assert all(other.hash != PLAN.hash for other in covered)
    assert len({other.hash for other in covered}) == len(covered)


def test_the_hash_leaves_out_only_when_sophos_was_asked() -> None:
    assert replace(PLAN, usage_read_at="2026-11-12T09:00:00+00:00").hash == PLAN.hash
    covered = [
        replace(PLAN, tool="reconciler 2"),
        replace(PLAN, site="elsewhere"),
        replace(PLAN, today="2026-11-13"),
        replace(PLAN, config_hash="y"),
        replace(PLAN, removed_rows=(RemovedRow("mappings/A", "was mapped"),)),
        replace(PLAN, census=Census(0, Decimal(0))),
        replace(PLAN, changes=(replace(CHANGE, reason="other words"),)),
        replace(PLAN, changes=(replace(CHANGE, cause=Cause.THIS_CHANGE),)),
    ]
    assert len({PLAN.hash, *(other.hash for other in covered)}) == len(covered) + 1
