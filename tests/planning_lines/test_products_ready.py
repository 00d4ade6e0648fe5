"""Usage is written only where YAML and marker agree, or the same plan's map comes first."""

from __future__ import annotations

import pytest

from reconciler.model.change import Action, Change, Target
from reconciler.model.field_change import FieldChange
from tests.planning_lines.books import ALPHA, Books, bill, expect

MORE = bill("tenant | code | units\nAlpha | EP | 22")
WRITE = "product/MSP-EP"


def change(action: Action, *fields: FieldChange, held: bool = False, number: int | None = 101) -> Change:
    return Change(
        id=f"{action.value}:{WRITE}",
        action=action,
        target=Target("MSP-EP", number),
        reason="r",
        fields=fields,
        write=WRITE,
        blocked_by=("held",) if held else (),
    )


MAP = FieldChange("sophos/EP", None, "sync on")


@pytest.mark.parametrize(
    ("notes", "words"),
    [
        ("", "what is mapped to MSP-EP is not applied yet"),
        ("[sophos:main EP (sync off)]", "not applied yet"),
        ("[sophos:main EP, GONE]", "not applied yet"),
        ("[sophos:main EP] [sophos:other X]", "managed by owner other"),
        ("[sophos:other EP]", "managed by owner other"),
        ("[sophos:main EP", "cannot be read"),
        ("[sophos:main EP] [sophos:main EP]", "cannot be read"),
    ],
)
def test_a_marker_that_says_something_else(books: Books, notes: str, words: str) -> None:
    planned = books.plan(bill=MORE, notes={"MSP-EP": notes})
    expect(planned, "Alpha MSP-EP #11 needs a decision 20→20 90.00→90.00 EUR")
    assert planned.reason.startswith("product change pending: ")
    assert words in planned.reason


def test_the_same_plans_map_comes_first(books: Books) -> None:
    planned = books.plan(bill=MORE, notes={"MSP-EP": ""}, product_changes=(change(Action.MAP_PRODUCT, MAP),))
    assert planned.writes == ["line 11 quantity 20→22"]
    assert planned.plan.changes[0].depends_on == (WRITE,)


def test_a_map_that_is_held_back_holds_its_lines_back(books: Books) -> None:
    planned = books.plan(
        bill=MORE, notes={"MSP-EP": ""}, product_changes=(change(Action.MAP_PRODUCT, MAP, held=True),)
    )
    assert planned.reason == "product change pending: a change of MSP-EP is held back"


def test_an_edit_of_other_fields_is_not_waited_for(books: Books) -> None:
    edit = change(Action.EDIT_PRODUCT, FieldChange("price", "4.00", "5.00"), held=True)
    planned = books.plan(bill=MORE, product_changes=(edit,))
    assert planned.writes == ["line 11 quantity 20→22"]
    assert planned.plan.changes[0].depends_on == ()


def test_a_rename_in_the_same_plan_comes_first_and_names_the_line(books: Books) -> None:
    """The line is found by the product's record, and expected under the new identifier."""
    rename = FieldChange("identifier", "OLD-EP", "MSP-EP")
    planned = books.plan(
        bill=MORE,
        renamed={"MSP-EP": "OLD-EP"},
        lines="id | qty | product\n11 | 20 | OLD-EP",
        product_changes=(change(Action.EDIT_PRODUCT, rename),),
    )
    expect(planned, "Alpha MSP-EP #11 more 20→22 90.00→99.00 EUR")
    (only,) = planned.plan.changes
    assert (only.expected_identifier, only.depends_on) == ("MSP-EP", (WRITE,))
    assert only.id == "update_line:agreement/1/product/MSP-EP"


def test_a_rename_that_is_held_back_leaves_the_old_name(books: Books) -> None:
    rename = change(Action.EDIT_PRODUCT, FieldChange("identifier", "OLD-EP", "MSP-EP"), held=True)
    planned = books.plan(
        bill=MORE,
        renamed={"MSP-EP": "OLD-EP"},
        lines="id | qty | product\n11 | 20 | OLD-EP",
        product_changes=(rename,),
    )
    (only,) = planned.plan.changes
    assert (only.expected_identifier, only.depends_on) == ("OLD-EP", ())


def test_a_product_that_is_not_there_yet(books: Books) -> None:
    nobody = books.plan(bill=MORE, missing=frozenset({"MSP-EP"}), lines="")
    assert (nobody.reason, nobody.writes) == ("MSP-EP is not in ConnectWise", [])
    fields = [FieldChange("identifier", None, "MSP-EP"), FieldChange("price", None, "3.90")]
    create = change(Action.CREATE_PRODUCT, *fields, number=None)
    planned = books.plan(bill=MORE, missing=frozenset({"MSP-EP"}), lines="", product_changes=(create,))
    assert planned.writes == ["new MSP-EP on 1: 22 × 3.90 from 2026-12-01"]
    (line,) = planned.plan.changes
    assert line.depends_on == (create.write,), "first the product, then its lines"


def test_a_product_named_by_identifier_and_by_id_is_one_line(books: Books) -> None:
    yaml = (
        ALPHA.replace(
            "customers:",
            "  MAIL: {product: {id: 101}, sync: true}\n"
            'lines: {MSP-EP: {count: sum}, "#101": {count: sum}}\ncustomers:',
        )
        + "holds: [{customer: ALPHA, product: '#101', quantity: 7, reason: r, until: 2026-12-31}]\n"
    )
    usage = bill("tenant | code | units\nAlpha | EP | 20\nAlpha | MAIL | 2")
    held = books.plan(yaml=yaml, bill=usage)
    assert held.writes == ["line 11 quantity 20→7"]
    free = books.plan(yaml=yaml[: yaml.index("holds:")], bill=usage)
    assert free.writes == ["line 11 quantity 20→22"]
