"""The filter language: what it means, and that everything else is refused."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.sandbox.conditions import (
    Column,
    Dialect,
    MalformedConditionError,
    UnsupportedDateError,
    parse,
    tokens,
)

if TYPE_CHECKING:
    from tests.sandbox.api import Api

KINDS = {
    "name": "text",
    "class": "choice",
    "count": "integer",
    "price": "number",
    "active": "flag",
    "ended": "date",
    "company/id": "integer",
    "company/name": "text",
}
ROW = {
    "name": "Gold [x]",
    "class": "Agreement",
    "count": 5,
    "price": 4.2,
    "active": True,
    "ended": "2026-11-01T00:00:00Z",
    "company/id": 7,
    "company/name": 'The "Best"',
}


def find(path: str) -> Column | None:
    return Column(KINDS[path], lambda row: row.get(path)) if path in KINDS else None


def holds(text: str, row: dict[str, Any] | None = None, **dialect: Any) -> bool:
    return parse(text, find, Dialect(**dialect))(ROW if row is None else row)


@pytest.mark.parametrize(
    "text",
    [
        "count = 5",
        "count=5",
        "count != 4 and count > 4 and count >= 5 and count < 6 and count <= 5",
        "price = 4.2",
        "active = True",
        "active=true",
        "active != False",
        'name contains "GOLD"',
        'name contains "d [[]x]"',
        "name contains 'gold'",
        'name like "gold*"',
        'name like "%[[]x]"',
        'name not like "silver%"',
        'name not contains "silver"',
        'class in ("Service", "agreement")',
        "count in (1, 5)",
        "count not in (1,2)",
        "ended > [2026-10-31T23:59:59Z]",
        "ended = [2026-11-01]",
        "ended != null",
        "company/id = 7",
        'company/name = "the ""best"""',
        "company/name = 'The \"Best\"'",
        "count = 1 or count = 5",
        "count = 5 OR count = 1 AND count = 2",
        "(count = 1 or count = 5) AND active = true",
        'name = "gold [[]x]"',
    ],
)
def test_holds(text: str) -> None:
    assert holds(text)


@pytest.mark.parametrize(
    "text",
    [
        "count = 4",
        "(count = 5 or count = 1) and count = 2",
        'name like "gold"',
        'name contains "[xyz]old"',
        "ended < [2026-11-01T00:00:00Z]",
        "ended = null",
        'class not in ("Agreement")',
        "active = false",
    ],
)
def test_does_not_hold(text: str) -> None:
    assert not holds(text)


@pytest.mark.parametrize(
    "text", ['name != "x"', 'name not contains "x"', 'name = "x"', "count not in (1)", "count < 9"]
)
def test_without_a_value_only_null_holds(text: str) -> None:
    assert not holds(text, {})
    assert holds("name = null", {})
    assert not holds("name != null", {})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "count",
        "count =",
        "= 5",
        "count = 5 and",
        "count = 5 count = 5",
        "(count = 5",
        "count = 5)",
        "count == 5",
        "count <> 5",
        'count = "5"',
        "name = 5",
        "name = 'open",
        "active = 1",
        "active > true",
        "ended = '2026-11-01'",
        "ended > [2026-11-01",
        "count > null",
        "unknown = 1",
        "company = 1",
        "count in ()",
        "count in 1",
        "count in (1,)",
        "count contains 5",
        "name contains 5",
        "name not = 'x'",
        "not count = 5",
        "count = 5; count = 5",
        "name = x",
    ],
)
def test_malformed(text: str) -> None:
    with pytest.raises(MalformedConditionError):
        parse(text, find)


@pytest.mark.parametrize(
    "literal", ["2026-11-01T00:00:00+00:00", "2026-11-01T00:00:00.000Z", "01.11.2026", ""]
)
def test_one_date_format(literal: str) -> None:
    with pytest.raises(UnsupportedDateError):
        parse(f"ended > [{literal}]", find)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("[a-c]x", [True, False, False]),
        ("[^a-c]x", [False, True, True]),
        ("[z-a]x", [True, True, True]),
        ("[--x&&]x", [False, False, True]),
        ("[]x", [False, False, False]),
        ("[[]a]x", [False, False, False]),
    ],
)
def test_character_sets(pattern: str, expected: list[bool]) -> None:
    assert [holds(f'name like "{pattern}"', {"name": name}) for name in ("ax", "zx", "-x")] == expected


@pytest.mark.parametrize("seed", range(5))
def test_any_text_is_understood_or_refused(seed: int) -> None:
    chance = random.Random(seed)
    words = 'and or not in like contains null true ( ) , = != < 5 -1.5 5x [2026-11-01] [ § \\ "'
    pieces = [*KINDS, *words.split(), '"gold"', "'[a-'", '"[z-a]%"']
    understood = 0
    for _ in range(2000):
        field = chance.choice([*KINDS])
        text = " ".join([field, *chance.choices(pieces, k=chance.choice((2, 2, 3, 6)))])
        try:
            predicate = parse(text, find)
        except MalformedConditionError:
            continue
        understood += 1
        assert predicate(ROW) in (True, False)
        assert predicate({}) in (True, False)
    assert understood


def test_tokens_know_where_they_are() -> None:
    found = tokens('a/b >= "x y"')
    assert [(token.kind, token.text, token.position) for token in found] == [
        ("word", "a/b", 0),
        ("symbol", ">=", 4),
        ("string", "x y", 7),
        ("end", "", 12),
    ]


def identifiers(api: Api, conditions: str, **params: str) -> list[str]:
    answer = api.get("procurement/catalog", conditions=conditions, **params)
    assert answer.status_code == 200, answer.text
    return [row["identifier"] for row in answer.json()]


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ("", ["ALPHA", "Beta", "GAMMA [x]"]),
        ('identifier = "alpha"', ["ALPHA"]),
        ('identifier = "GAMMA [[]x]"', ["GAMMA [x]"]),
        ('notes contains "sophos:"', ["ALPHA"]),
        ("notes = null", ["Beta", "GAMMA [x]"]),
        ("inactiveFlag = false", ["ALPHA", "GAMMA [x]"]),
        ('subcategory/name = "server"', ["Beta"]),
        ("subcategory/id in (1, 99)", ["ALPHA", "GAMMA [x]"]),
        ("price > 0 and taxableFlag = False", ["ALPHA", "Beta"]),
        ("lastUpdated > [2026-11-01T00:00:00Z]", ["ALPHA", "Beta", "GAMMA [x]"]),
        ("_info/lastUpdated > [2026-11-20]", []),
        ("manufacturer = null", ["ALPHA", "Beta", "GAMMA [x]"]),
    ],
)
def test_over_the_catalog(api: Api, conditions: str, expected: list[str]) -> None:
    assert identifiers(api, conditions) == expected


@pytest.mark.parametrize(
    "conditions",
    ["upc = '1'", "subcategory = 1", "subcategory/colour = 'x'", "customFields/id = 41", "((", "notes ="],
)
def test_refused_by_the_server(api: Api, conditions: str) -> None:
    answer = api.get("procurement/catalog", conditions=conditions)
    assert (answer.status_code, answer.json()["code"]) == (400, "InvalidRequest")


def test_a_wrong_date_has_its_own_code(api: Api) -> None:
    answer = api.get("finance/agreements", conditions="startDate > [2026-11-01T00:00:00+01:00]")
    assert answer.status_code == 400
    assert answer.json() == {
        "code": "UnsupportedFormat",
        "message": "Unsupported format applied to startDate",
    }


def test_custom_field_conditions(api: Api) -> None:
    api.patch("procurement/catalog/1", ("replace", "customFields", [{"id": 42, "value": "main"}]))
    wanted = 'caption="Sophos Mapping" AND value != null'
    assert identifiers(api, "", customFieldConditions=wanted) == ["ALPHA"]
    assert identifiers(api, "", customFieldConditions='caption="Sophos Mapping" AND value = "MAIN"') == [
        "ALPHA"
    ]
    assert identifiers(api, "", customFieldConditions='caption="Vendor Programme" AND value != null') == []
    answer = api.get("procurement/catalog", customFieldConditions='caption in ("Sophos Mapping")')
    assert answer.status_code == 400


def test_child_conditions(api: Api) -> None:
    api.world.company("FIRST")["types"] = [{"id": 1, "name": "Customer"}]
    found = api.get("company/companies", childConditions='types/name = "customer"').json()
    assert [row["identifier"] for row in found] == ["FIRST"]
    assert api.get("company/companies", childConditions="types/id = 2").json() == []
    assert api.get("company/companies", childConditions="name = 'x'").status_code == 400


def test_over_what_an_addition_derives(api: Api) -> None:
    path = "finance/agreements/1/additions"
    assert len(api.get(path, conditions="extPrice = 42 and cancelledDate = null").json()) == 1
    assert len(api.get(path, conditions='product/identifier = "Alpha"').json()) == 1
    assert api.get(path, conditions='agreementStatus != "Active"').json() == []
