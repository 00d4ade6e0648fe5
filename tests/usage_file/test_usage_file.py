"""A frozen month is read to the letter, or not at all."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from reconciler.model.diagnostics import ReconcilerError
from reconciler.model.months import Month
from reconciler.model.observed import FirewallLicence, Tenant, UnreadableLine, UsageLine, UsageMonth
from reconciler.model.usage_file import _hash, from_json, to_json, usage_schema

if TYPE_CHECKING:
    from collections.abc import Callable

NOVEMBER, OCTOBER = Month(2026, 11), Month(2026, 10)
SCHEMA = Draft7Validator(usage_schema())


def usage_line(**values: Any) -> UsageLine:
    given: dict[str, Any] = {
        "tenant_id": "t-1",
        "product_code": "CIXA-MSP",
        "description": "Endpoint",
        "group": "Endpoint",
        "billable": Decimal(12),
        "actual": Decimal("12.5"),
        "window_start": date(2026, 10, 26),
        "window_end": date(2026, 11, 25),
        "order_number": "100",
        "order_line": "1",
        "account_or_serial": "A-1",
        "unit_price": Decimal("1.50"),
        "currency": "USD",
    } | values
    return UsageLine(**given)


TENANTS = (Tenant("t-2", "Quinta do Lago", "Quinta", "usage", "active"), Tenant("t-1", "Safelog"))
MONTHS = (
    UsageMonth(
        NOVEMBER,
        (usage_line(), usage_line(tenant_id=None, window_end=None, unit_price=None, account_or_serial="C01")),
    ),
    UsageMonth(OCTOBER, None),
)
FIREWALLS = (FirewallLicence("C01", "XGS 87", None, "t-1", ("XGS",)),)


def document(
    tenants: Any = TENANTS, months: Any = MONTHS, firewalls: Any = FIREWALLS, **values: str
) -> dict[str, Any]:
    facts = {"partner": "p-1", "read_at": "2026-11-27T06:12:00+01:00", "tool": "reconciler 0"} | values
    return to_json(tenants, months, firewalls, **facts)


def problem(data: Any) -> tuple[str, str]:
    with pytest.raises(ReconcilerError) as caught:
        from_json(data)
    (found,) = caught.value.diagnostics
    assert found.remedy
    return found.code, found.message


def test_what_was_frozen_comes_back() -> None:
    frozen = from_json(json.loads(json.dumps(document())))
    assert (frozen.partner, frozen.read_at, frozen.tool) == (
        "p-1",
        "2026-11-27T06:12:00+01:00",
        "reconciler 0",
    )
    assert set(frozen.tenants or ()) == set(TENANTS)
    assert [month.month for month in frozen.months] == [OCTOBER, NOVEMBER]
    assert frozen.months[0].lines is None
    assert set(frozen.months[1].lines or ()) == set(MONTHS[0].lines or ())
    assert frozen.firewalls == FIREWALLS


def test_no_data_is_not_an_empty_month() -> None:
    frozen = from_json(document(months=(UsageMonth(NOVEMBER, ()), UsageMonth(OCTOBER, None))))
    assert [month.lines for month in frozen.months] == [None, ()]


def test_what_was_not_read_stays_unread() -> None:
    frozen = from_json(document(tenants=None, firewalls=None))
    assert (frozen.tenants, frozen.firewalls) == (None, None)


def test_one_form_whatever_the_order() -> None:
    turned = tuple(UsageMonth(m.month, m.lines and m.lines[::-1]) for m in reversed(MONTHS))
    assert document(TENANTS[::-1], turned) == document()


def test_numbers_are_decimal_texts() -> None:
    line = next(one for one in document()["months"][1]["lines"] if one["tenant"] is not None)
    assert (line["billable"], line["actual"], line["unitPrice"]) == ("12", "12.5", "1.50")
    big = document(months=(UsageMonth(NOVEMBER, (usage_line(billable=Decimal("1E+3")),)),))
    assert big["months"][0]["lines"][0]["billable"] == "1000"


def test_the_same_line_twice_is_two_lines() -> None:
    frozen = from_json(document(months=(UsageMonth(NOVEMBER, (usage_line(), usage_line())),)))
    assert len(frozen.months[0].lines or ()) == 2


_TEXT = st.text(st.characters(), max_size=8)
_NUMBER = st.decimals(allow_nan=False, allow_infinity=False, min_value="-1e9", max_value="1e9")


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.builds(
            usage_line,
            tenant_id=st.none() | st.sampled_from(["t-1", "t-2"]),
            description=_TEXT,
            assigned_name=_TEXT,
            billable=_NUMBER,
            unit_price=st.none() | _NUMBER,
            window_start=st.none() | st.dates(),
        ),
        max_size=5,
    )
)
def test_any_content_comes_back_and_fits_the_schema(lines: list[UsageLine]) -> None:
    data = document(months=(UsageMonth(NOVEMBER, tuple(lines)),))
    assert not list(SCHEMA.iter_errors(data))
    back = from_json(json.loads(json.dumps(data).encode("utf-8")))
    assert to_json(
        back.tenants, back.months, back.firewalls, partner="p-1", read_at=back.read_at, tool=back.tool
    ) == data  # fmt: skip
    assert sorted(line.billable for line in back.months[0].lines or ()) == sorted(
        line.billable for line in lines
    )


# --- refusals


def changed(change: Callable[[dict[str, Any]], object], *, rehash: bool = True) -> dict[str, Any]:
    data = copy.deepcopy(document())
    change(data)
    if rehash and isinstance(data.get("hash"), str):
        data["hash"] = _hash(data)
    return data


def put(path: str, value: Any) -> Callable[[dict[str, Any]], object]:
    def change(data: Any) -> None:
        *way, last = [int(part) if part.isdigit() else part for part in path.split("/")]
        for part in way:
            data = data[part]
        data[last] = value

    return change


ODD = UnreadableLine("t-1", "", "100", "2", "A-1", "Safelog", "productCode is missing")


def test_lines_that_cannot_be_counted_are_frozen_with_the_others() -> None:
    """A plan from the file blocks whom a plan from Sophos blocks."""
    nobody = replace(ODD, tenant_id=None, order_line="3")
    months = (replace(MONTHS[0], unreadable=(nobody, ODD)), MONTHS[1])
    data = document(months=months)
    assert not list(SCHEMA.iter_errors(data))
    newest = max(from_json(json.loads(json.dumps(data))).months, key=lambda month: month.month)
    assert set(newest.unreadable) == {ODD, nobody}
    assert data["hash"] == document(months=(replace(months[0], unreadable=(ODD, nobody)), MONTHS[1]))["hash"]


def test_a_month_that_can_be_read_whole_has_no_word_of_it() -> None:
    """So that files of earlier versions stay as they are, and those versions refuse only what they must."""
    assert all(month.keys() == {"month", "lines"} for month in document()["months"])


def test_an_edited_file_is_damaged() -> None:
    data = changed(put("months/1/lines/0/billable", "13"), rehash=False)
    assert problem(data)[0] == "usage-file-damaged"
    assert problem(changed(put("readAt", "2026-11-28T00:00:00Z"), rehash=False))[0] == "usage-file-damaged"


def test_another_version_says_so() -> None:
    code, message = problem(changed(put("formatVersion", "2.0")))
    assert code == "usage-file-version"
    assert "2.0" in message


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("contactName", "A Person", "contactName has no place in the format"),
        ("tenants/0/email", "a@example.com", "tenants[0]: email has no place"),
        ("months/1/lines/0/contactEmail", "a@example.com", "contactEmail has no place"),
        ("months/1/lines/0/billable", 12, "months[1].lines[0].billable: it is a number, not a text"),
        ("months/1/lines/0/billable", "1E3", "is no number"),
        ("months/1/lines/0/billable", "NaN", "is no number"),
        ("months/1/lines/0/billable", "١٢", "is no number"),
        ("months/1/lines/0/billable", "12\n", "is no number"),
        ("months/1/lines/0/billable", None, "it is nothing, not a text"),
        ("months/1/lines/0/windowEnd", "2026-11-31", "is not in the calendar"),
        ("months/1/lines/0/windowEnd", "20261130", "is no date"),
        ("months/1/lines/0/productCode", "", "it is empty"),
        ("months/1/lines/0/tenant", "", "it is empty"),
        ("months/1/lines/0/description", True, "it is a flag"),
        ("months/1/lines/0/description", "\ud800", "half a character"),
        ("months/1/lines/0", [], "it is a list, not an object"),
        ("months/1/lines", {}, "it is an object, not a list"),
        ("months/1/month", "2026-13", "is no month"),
        ("months/1/unreadable", {}, "months[1].unreadable: it is an object, not a list"),
        ("months/1/unreadable", None, "unreadable has no place in the format"),
        ("months/1/unreadable", [{"tenant": None}], "months[1].unreadable[0]: productCode, orderNumber"),
        ("months/1/month", "1999-12", "no month"),
        ("months/1/month", "2026-10", "month '2026-10' stands twice"),
        ("months", [], "there is none"),
        ("tenants/0/id", "t-2", "tenant 't-2' stands twice"),
        ("firewalls/0/productCodes", "XGS", "it is a text, not a list"),
        ("readAt", "2026-11-27 06:12", "no moment"),
        ("readAt", "2026-11-27T06:12:00", "no moment"),
        ("readAt", "2026-13-27T06:12:00Z", "not in the calendar"),
        ("kind", "plan", "kind: it is not"),
        ("hash", "sha256:1", "is no hash"),
        ("partner", None, "partner: it is nothing"),
    ],
)
def test_whatever_is_not_the_format_is_refused_with_its_place(path: str, value: Any, says: str) -> None:
    code, message = problem(changed(put(path, value), rehash="\ud800" not in str(value) and path != "hash"))
    assert code == "usage-file-format"
    assert says in message


@pytest.mark.parametrize("data", [None, [], "x", 1, {}, {"formatVersion": "1.0"}])
def test_other_documents_are_refused(data: Any) -> None:
    assert problem(data)[0] == "usage-file-format"


@pytest.mark.parametrize("key", sorted(document()))
def test_every_key_is_required(key: str) -> None:
    data = changed(lambda whole: whole.pop(key))
    assert problem(data)[0] in ("usage-file-format", "usage-file-version")
    assert list(SCHEMA.iter_errors(data))


def test_what_could_not_be_read_back_is_not_written() -> None:
    with pytest.raises(ReconcilerError, match="stands twice"):
        document(tenants=(TENANTS[0], TENANTS[0]))
    with pytest.raises(ReconcilerError, match="no moment"):
        document(read_at="yesterday")


def test_the_schema_is_a_schema_and_refuses_what_reading_refuses() -> None:
    Draft7Validator.check_schema(usage_schema())
    assert not list(SCHEMA.iter_errors(document()))
    for path, value in (("contact", "x"), ("tenants/0/email", "x"), ("months/1/lines/0/billable", 12)):
        assert list(SCHEMA.iter_errors(changed(put(path, value))))
