"""What no planner writes about lines that are created, moved or ended: such a plan is not believed."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft7Validator

from reconciler.model.change import Action, Basis, Change, Target
from reconciler.model.field_change import FieldChange
from reconciler.model.lines import LineState, NotBilled, OldLine
from reconciler.model.months import Month
from reconciler.model.plan import Plan
from reconciler.model.plan_check import plan_problems
from reconciler.model.plan_schema import plan_schema
from reconciler.model.rests import Signed
from tests.planning_lines.books import Books, agreements, bill
from tests.reporting.made import (
    NOVEMBER,
    creation_of,
    end_of,
    ending,
    line,
    moved,
    new_line,
    plan,
    product_change,
    requests_of,
    signed_agreement,
    update_of,
)  # fmt: skip

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.model.lines import PlannedLine

FIREWALL = new_line(serial="C0123", agreement_id=9)


def planned(*rows: PlannedLine, **values: Any) -> Plan:
    """A plan of these rows with their changes."""
    return plan(*rows, changes=tuple(change for row in rows for change in requests_of(row)), **values)


def read_back(made: Plan) -> Plan:
    """The plan after a way through its file."""
    data = json.loads(json.dumps(made.to_json()))
    Draft7Validator(plan_schema()).validate(data)
    again = Plan.from_json(data)
    assert (again, again.hash) == (made, made.hash)
    return again


def problems_of(change: Change, *others: Change) -> list[str]:
    """What is wrong with a plan of these changes, without the name of the change in front."""
    return [one.removeprefix(f"{change.id}: ") for one in plan_problems(plan(changes=(*others, change)))]


def test_new_moved_and_ended_lines_are_a_plan() -> None:
    made = planned(
        new_line(agreement_id=1), moved(), ending(agreement_id=3, line_id=3), FIREWALL,
        line(agreement_id=4, line_id=4),
    )  # fmt: skip
    assert plan_problems(read_back(made)) == []


@pytest.mark.parametrize("moves", [False, True])
def test_what_the_planner_makes_of_usage_without_a_line_is_a_plan(tmp_path: Path, moves: bool) -> None:
    books = Books(
        tmp_path,
        yaml="mappings:\n  EP: {product: MSP-EP, sync: true}\n"
        "lines:\n  MSP-EP: {whenNew: {unitPrice: 4.50}}\n"
        "customers:\n  <Alpha>: {name: Alpha, company: ALPHA, agreement: Managed, sync: true}\n",
        bill=bill("tenant | code | units\nAlpha | EP | 12"),
        last=bill("tenant | code | units\nAlpha | EP | 12", Month(2026, 10)),
        agreements=agreements("id | company | name | next\n1 | ALPHA | Managed |\n2 | ALPHA | Old |"),
        lines="id | on | qty\n11 | 2 | 12" if moves else "",
    )
    found = books.plan().plan
    made = plan(*found.lines, changes=found.changes)
    assert {one.action for one in made.changes} == {Action.MOVE_LINE if moves else Action.CREATE_LINE}
    assert plan_problems(Plan.from_json(json.loads(json.dumps(made.to_json())))) == []
    Draft7Validator(plan_schema()).validate(json.loads(json.dumps(made.to_json())))


NEW, UPDATE, END = creation_of(new_line()), update_of(line()), end_of(ending())
OLD = moved().takes_over[0]
MOVE_END, MOVE_NEW = end_of(moved(), OLD), creation_of(moved())


def field(change: Change, name: str, **values: Any) -> Change:
    """The change with one field changed, or added where it has none of that name."""
    known = next((one for one in change.fields if one.field == name), FieldChange(name, None, None))
    others = tuple(one for one in change.fields if one.field != name)
    return replace(change, fields=(*others, replace(known, **values)))


def without(change: Change, name: str) -> Change:
    """The change without one of its fields."""
    return replace(change, fields=tuple(one for one in change.fields if one.field != name))


def basis(change: Change, **values: Any) -> Change:
    """The change with another basis."""
    assert change.basis is not None
    return replace(change, basis=replace(change.basis, **values))


def signed(change: Change, **values: Any) -> Signed:
    """The change's agreement with further values."""
    assert change.target.agreement is not None
    known = dict(signed_agreement(change.target.agreement).values)
    return Signed(change.target.agreement, tuple(sorted({**known, **values}.items())))


def target(change: Change, **values: Any) -> Change:
    """The change with another target."""
    return replace(change, target=replace(change.target, **values))


REFUSED: dict[str, tuple[Change, str]] = {
    "a creation with an id": (target(NEW, id=5), "target/id: what is created has none yet"),
    "a creation without quantity": (without(NEW, "quantity"), "fields/quantity: a new line needs one"),
    "a creation without price": (without(NEW, "unitPrice"), "fields/unitPrice: a new line needs one"),
    "a creation without billing": (without(NEW, "billCustomer"), "fields/billCustomer: a new line needs one"),
    "a creation without a day": (without(NEW, "effectiveDate"), "fields/effectiveDate: a new line needs one"),
    "a creation with a before": (field(NEW, "quantity", before="1"), "fields/quantity: a new line has no"),
    "a creation with an empty value": (field(NEW, "unitCost"), "fields/unitCost: a new line is given no"),
    "a creation below zero": (field(NEW, "quantity", after="-1"), "fields/quantity: it is a number from 0"),
    "a creation on no day": (field(NEW, "effectiveDate", after="soon"), "a value of it is no"),
    "a creation that ends": (field(NEW, "cancelledDate", after="2026-12-31"), "fields/cancelledDate: create"),
    "a creation with a serial": (field(NEW, "serialNumber", after="C9"), "fields/serialNumber: it is"),
    "a firewall without its serial": (without(creation_of(FIREWALL), "serialNumber"), "fields/serialNumber"),
    "a creation on a line": (target(NEW, part="line/5"), "target/part: it names another line"),
    "an unknown part": (target(NEW, part="seat/5"), "target/part: 'seat/5' is no part"),
    "a part without a serial": (target(NEW, part="serial/ "), "target/part: it names no firewall"),
    "a creation without identifier": (replace(NEW, expected_identifier=None), "precondition/identifier"),
    "a creation without basis": (replace(NEW, basis=None), "precondition/line: what its money"),
    "a creation with values": (basis(NEW, values=(("quantity", "1"),)), "precondition/line/values: a new"),
    "a creation clear of nothing": (basis(NEW, agreements=()), "precondition/line/clearOf: the line's own"),
    "a basis with no record": (basis(NEW, products=(0,)), "precondition/line/clearOf: it holds what is no"),
    "a basis on no day": (
        basis(NEW, agreement=signed(NEW, nextInvoice="2026-13-01")), "/nextInvoice: it is no value of it",
    ),
    "a basis on a word for a flag": (
        basis(NEW, agreement=signed(NEW, prorates="yes")), "/prorates: it is no value of it",
    ),
    "a basis on a word for an id": (
        basis(NEW, agreement=signed(NEW, parent="2")), "/parent: it is no value of it",
    ),
    "a basis on what decides nothing": (
        basis(NEW, agreement=signed(NEW, mood="good")), "nothing rests on 'mood'",
    ),
    "a basis without an agreement": (basis(NEW, agreement=None), "restsOn/agreements: the line's own"),
    "a basis on another agreement": (basis(NEW, agreement=Signed(9)), "restsOn/agreements: the line's own"),
    "a basis on another company": (basis(NEW, company=Signed(9)), "restsOn/companies: it is another"),
    "a basis on no company": (basis(NEW, company=Signed(0)), "restsOn/companies: it holds what is no record"),
    "an update without basis": (replace(UPDATE, basis=None), "precondition/line: what its money"),
    "an update that rests on less": (basis(UPDATE, values=()), "precondition/line/values: they are not"),
    "an update that rests on a word": (
        basis(UPDATE, values=tuple({**dict(UPDATE.basis.values), "unitPrice": "much"}.items())
              if UPDATE.basis else ()),
        "precondition/line/values/unitPrice: it is no",
    ),
    "an update clear of others": (basis(UPDATE, agreements=(99,)), "precondition/line/clearOf: it is of new"),
    "an update clear of codes": (basis(UPDATE, codes=("EP",)), "precondition/line/clearOf: it is of new"),
    "an update of the first day": (
        field(UPDATE, "effectiveDate", before="2026-01-01", after="2026-12-01"),
        "fields/effectiveDate: update_line does not write it",
    ),
    "an update of the last day": (
        field(UPDATE, "cancelledDate", before="2026-11-30"), "fields/cancelledDate: update_line does not"
    ),
    "an update of the serial": (field(UPDATE, "serialNumber", after="C1"), "fields/serialNumber: update"),
    "an end taken back": (
        field(END, "cancelledDate", before="2026-11-30", after=None), "an end goes from no day to a day"
    ),
    "an end moved": (
        field(END, "cancelledDate", before="2026-12-31"), "fields/cancelledDate: an end goes from no day"
    ),
    "an end on no day": (field(END, "cancelledDate", after="2026-11-31"), "a value of it is no"),
    "an end without its day": (
        field(without(END, "cancelledDate"), "quantity", before="4", after="0"), "an end goes from no day"
    ),
    "an end with units": (field(END, "quantity", before="4", after="3"), "fields/quantity: with an end it"),
    "an end with another price": (field(END, "unitPrice", before="1", after="2"), "fields/unitPrice: end_"),
    "an end without a line": (target(END, id=None), "fields/cancelledDate: end_line does not write it"),
    "an end of another line's part": (target(END, part="line/7"), "target/part: it names another line"),
    "a move that ends no named line": (target(MOVE_END, part=""), "target/part: a move ends the line"),
    "a move that writes a quantity": (
        replace(MOVE_END, fields=(FieldChange("quantity", "40", "38"),)), "an end goes from no day to a day"
    ),
    "a move from nothing": (replace(MOVE_NEW, depends_on=()), "dependsOn: it takes over from no line"),
    "a product with a part": (target(product_change(), part="line/7"), "target/part: a product has none"),
    "a product with a basis": (replace(product_change(), basis=Basis()), "precondition/line: it is of lines"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_no_planner_writes_is_refused(change: Change, said: str) -> None:
    assert any(said in one for one in problems_of(change)), problems_of(change)


@pytest.mark.parametrize("change", [NEW, UPDATE, END, MOVE_END], ids=lambda one: one.action.value)
def test_lines_are_written_from_a_closed_month_only(change: Change) -> None:
    assert plan_problems(plan(changes=(change,))) == []
    for period in (None, replace(NOVEMBER, closed=False)):
        assert plan_problems(plan(changes=(change,), period=period)) == [
            "period: lines are written from a closed month only"
        ]


def test_a_move_waits_for_every_line_that_it_takes_over() -> None:
    second = OldLine(117, "Managed Security", "MSP-OTHER", 13, Decimal(2))
    row = moved(takes_over=(OLD, second))
    ends, new = requests_of(row)[:-1], requests_of(row)[-1]
    assert plan_problems(plan(row, changes=(*ends, new))) == []
    half = replace(new, depends_on=new.depends_on[:1])
    (said,) = plan_problems(plan(row, changes=(*ends, half)))
    assert "the end of line #13, which it takes over, is missing" in said


def test_a_line_is_created_once() -> None:
    again = replace(NEW, id="create_line:again", write="again")
    assert "its line is written by two requests" in problems_of(again, NEW)[-1]
    other_case = replace(again, target=Target("msp-endpoint", None, 117), expected_identifier="msp-endpoint")
    assert "its line is written by two requests" in problems_of(other_case, NEW)[-1]
    firewalls = [creation_of(new_line(serial=serial)) for serial in ("C1", "C2")]
    assert plan_problems(plan(changes=tuple(firewalls))) == []


def test_a_line_is_not_ended_and_changed() -> None:
    also = replace(update_of(line()), write="another")
    assert "its line is written by two requests" in problems_of(also, END)[-1]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"not_billed": NotBilled(("1999-01",), Decimal(1))}, "notBilled/months"),
        ({"not_billed": NotBilled((), Decimal(1))}, "notBilled/months"),
        ({"not_billed": NotBilled(("2026-11",), Decimal("9e200"))}, "out of all proportion"),
        ({"takes_over": (OldLine(1, "A", "B", 2, Decimal("9e200")),)}, "out of all proportion"),
        ({"takes_over": (OldLine(10**15, "A", "B", 2, Decimal(1)),)}, "it names what is no record"),
        ({"agreement_id": 10**15}, "it names what is no record"),
        ({"line_id": 1.0}, "it names what is no record"),
        ({"cycle_months": 3.0}, "cycleMonths"),
    ],
)
def test_rows_that_no_report_can_print_are_refused(values: dict[str, Any], said: str) -> None:
    assert any(said in one for one in plan_problems(plan(new_line(**values))))


def test_a_row_keeps_everything_in_a_file() -> None:
    row = moved(
        serial="C0123", prorates=True, left_over=True, cycle_months=3, state=LineState.WITHHELD,
        not_billed=NotBilled(("2026-11", "2026-12"), Decimal("108.00")),
    )  # fmt: skip
    assert read_back(plan(row)).lines == (row,)


@pytest.mark.parametrize("moment", ["", "yesterday", "\ud800"])
def test_a_moment_that_is_none_is_refused(moment: str) -> None:
    assert plan_problems(plan(usage_read_at=moment)) == ["usageReadAt: it is no moment"]
