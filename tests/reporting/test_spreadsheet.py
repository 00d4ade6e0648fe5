"""CSV and workbooks: numbers are numbers, and no text is ever a formula."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
import zipfile
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from reconciler.model.diagnostics import Location, warning
from reconciler.model.lines import Amount, LineState, NotBilled, OldLine
from reconciler.model.usage_notes import UsageNote
from reconciler.reporting.sheets import (
    BOM,
    SEPARATORS,
    Column,
    Table,
    csv_table,
    text_value,
    workbook_bytes,
)
from reconciler.reporting.spreadsheet import csv_text, xlsx_bytes
from tests.reporting.made import ending, line, moved, new_line, plan

if TYPE_CHECKING:
    from reconciler.model.plan import Plan

S = LineState
NASTY = (
    "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\u00a0=1", "＝1", "＋1", "－1", "＠x",
    "\u200b=1", "\x00=1", "a;=1", "a,=1", "a\t=1", 'a;"=1', 'a",=1', "#REF!", "=cmd|' /C calc'!A0",
    "\ufeff=1", "'=1", "\ufffe=1", "\ud83d=1", '"', "a\r\nb", "_x003D_1", "",
)  # fmt: skip
FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]")
TEXTS = st.one_of(
    st.text(st.characters(), max_size=30),
    st.text(st.sampled_from("=+-@＝＋－＠ \t\r\n\x00;,'\"a1\u200b\u00a0\ufffe"), max_size=12),
)


OTHER = OldLine(9, "Managed IT", "MSP-OTHER", 13, Decimal("2.50"))


def rows_of(text: str, separator: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))


def records(text: str, separator: str = ",") -> list[dict[str, str]]:
    header, *rows = rows_of(text, separator)
    return [dict(zip(header, row, strict=True)) for row in rows]


def table(*texts: str) -> Table:
    return Table("T", tuple(Column(f"c{n}") for n in range(len(texts))), (texts,))


def loaded(made: Plan) -> Any:
    return load_workbook(io.BytesIO(xlsx_bytes(made)))


def sheet_records(sheet: Any) -> list[dict[str, Any]]:
    header, *rows = sheet.iter_rows(values_only=True)
    return [dict(zip(header, row, strict=True)) for row in rows]


# --- injection


@settings(deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=4), st.sampled_from(SEPARATORS))
@example(list(NASTY), ",")
@example(list(NASTY), ";")
@example(list(NASTY), "\t")
def test_no_csv_text_is_a_formula_and_every_text_comes_back(texts: list[str], separator: str) -> None:
    written = csv_table(table(*texts), separator=separator)
    _, *rows = rows_of(written, separator)
    assert len(rows) == 1
    for text, cell in zip(texts, rows[0], strict=True):
        assert not FORMULA.match(cell)
        assert not any(unicodedata.category(one) in ("Cc", "Cf", "Cs") for one in cell)
        assert cell.replace("'", "") == text_value(text).replace("'", "")


@settings(deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=4), st.sampled_from(SEPARATORS), st.sampled_from(SEPARATORS))
@example(list(NASTY), ",", ";")
@example(list(NASTY), ";", ",")
@example(list(NASTY), ";", "\t")
def test_no_formula_for_a_program_that_guesses_the_separator(
    texts: list[str], separator: str, guessed: str
) -> None:
    """Such a program splits inside of texts, whether it minds quotes or not."""
    written = csv_table(table(*texts), separator=separator).split("\r\n", 1)[1]
    if separator == guessed:
        return
    minding = [cell for row in rows_of(written, guessed) for cell in row]
    for cell in (*minding, *re.split(f"[{guessed}\r\n]", written)):
        assert not FORMULA.match(cell)


@settings(max_examples=30, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=4))
@example(list(NASTY))
def test_every_text_of_a_workbook_is_of_text_type(texts: list[str]) -> None:
    raw = workbook_bytes([table(*texts)], date(2026, 11, 27))
    row = list(load_workbook(io.BytesIO(raw))["T"].iter_rows())[1] if any(map(text_value, texts)) else []
    for text, cell in zip(texts, row, strict=False):
        assert cell.data_type in ("s", "n")
        assert (cell.value or "") == text_value(text)
        assert cell.data_type == "s" or cell.value is None
        assert cell.quotePrefix == bool(FORMULA.match(text_value(text)))
    xml = zipfile.ZipFile(io.BytesIO(raw)).read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in xml
    assert "<f " not in xml


OLD_HERE = OldLine(117, "=HYPERLINK(1)", "=HYPERLINK(1)", 12, Decimal(40))
OLD_THERE = OldLine(9, "=HYPERLINK(1)", "=HYPERLINK(1)", 13, Decimal(2))


def test_names_of_a_plan_are_harmless_in_every_sheet() -> None:
    bad = "=HYPERLINK(1)"
    made = plan(
        *[
            line(
                bad, state=state, agreement=bad, product=bad + state, reason=bad, parts="", company=bad,
                decided_by=bad, last_writer=bad, bill_customer=bad, source=Location(bad, 1),
            )
            for state in S
        ],
        moved(bad, product=bad, price_source=bad, serial=bad, reason=bad, agreement=bad, company=bad,
              not_billed=NotBilled(("2026-11",), Decimal(1)), takes_over=(OLD_HERE, OLD_THERE)),
        usage_notes=(UsageNote("unmapped", bad, bad, "3", 1, {bad: "1.00"}, bad, bad),),
        diagnostics=(warning(bad, bad, bad, location=Location(bad, 1)),),
        site=bad,
    )  # fmt: skip
    for sheet in loaded(made):
        assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)
    for record in records(csv_text(made)):
        assert record["Customer"] == f"'{bad}"
        assert not any(value.startswith("=") for value in record.values())


# --- numbers and forms


def test_numbers_of_a_csv_are_numbers() -> None:
    (record,) = records(csv_text(plan(line(state=S.LESS, before=1000, after="7.5", unit_price="1234.5"))))
    assert record["Quantity now"] == "1000"
    assert record["Quantity new"] == "7.5"
    assert record["Price"] == "1234.50"
    assert record["Sales now"] == "1234500.00"
    assert record["Change per month"] == "-1225241.25"
    assert record["First invoice"] == "2026-12-01"
    assert record["Line"] == "5512"


def test_new_moved_and_ended_lines_have_their_days_and_where_they_come_from() -> None:
    made = plan(new_line("A"), moved("B", takes_over=(*moved().takes_over, OTHER)), ending("C"), line("D"))
    titles = ("Starts", "Ends", "Takes over", "Price from", "Not billed", "Billed now", "Billed new")
    assert [tuple(record[title] for title in titles) for record in records(csv_text(made))] == [
        ("2026-12-01", "", "", "catalog", "54.00", "", "12"),
        (
            "2026-12-01", "",
            "#12 MSP-OLD (40, ends 2026-11-30); #13 MSP-OTHER on Managed IT (2.5, ends 2026-11-30)",
            "catalog", "", "", "40",
        ),
        ("", "2026-11-30", "", "", "", "4", "0"),
        ("", "", "", "", "", "10", "12"),
    ]  # fmt: skip
    first, *_ = sheet_records(loaded(made)["Lines"])
    assert (first["Starts"], first["Not billed"]) == (datetime(2026, 12, 1), 54)  # noqa: DTZ001


def test_unbilled_money_has_the_decimals_of_its_currency() -> None:
    sales = Amount("ISK", Decimal(0), Decimal(5400), 0)
    made = plan(new_line(sales=sales, not_billed=NotBilled(("2026-11",), Decimal("5400.00"))))
    (record,) = records(csv_text(made))
    assert record["Not billed"] == "5400"


def test_a_semicolon_brings_the_decimal_comma_and_nothing_else_does() -> None:
    made = plan(line(state=S.LESS, before=1000, after="7.5"))
    (record,) = records(csv_text(made, separator=";"), ";")
    assert (record["Quantity new"], record["Price"], record["Change per month"]) == (
        "7,5",
        "4,50",
        "-4466,25",
    )
    (record,) = records(csv_text(made, separator="\t"), "\t")
    assert (record["Quantity new"], record["Price"]) == ("7.5", "4.50")


def test_money_of_a_sheet_has_the_decimals_of_its_currency() -> None:
    made = plan(
        line("A", state=S.LESS, after=8, unit_price="450", currency="ISK", places=0),
        line("B", state=S.LESS, after=8, unit_price="4.5", currency="KWD", places=3, agreement_id=2),
    )
    kronur, dinars = records(csv_text(made))
    assert [kronur[k] for k in ("Price", "Sales now", "Cost now", "Change per month")] == [
        "450", "4500", "20", "-900",
    ]  # fmt: skip
    assert [dinars[k] for k in ("Price", "Sales now", "Change per month")] == ["4.500", "45.000", "-9.000"]
    header, *rows = loaded(made)["Lines"].iter_rows()
    titles = [head.value for head in header]
    forms = [
        [row[titles.index(title)].number_format for title in ("Price", "Sales now", "Change per month")]
        for row in rows
    ]
    assert forms == [
        ["#,##0", "#,##0", "+#,##0;-#,##0;0"],
        ["#,##0.000", "#,##0.000", "+#,##0.000;-#,##0.000;0.000"],
    ]


def test_prices_keep_their_places() -> None:
    (record,) = records(csv_text(plan(line(unit_price="0.0375"))))
    assert record["Price"] == "0.0375"


def test_other_separators_are_refused() -> None:
    with pytest.raises(ValueError, match="separates no columns"):
        csv_text(plan(), separator="|")


def test_a_byte_order_mark_on_request_only() -> None:
    assert csv_text(plan(line()), bom=True) == BOM + csv_text(plan(line()))
    assert not csv_text(plan(line())).startswith(BOM)


def test_lines_end_as_rfc_4180_says() -> None:
    text = csv_text(plan(line('with "quotes", and comma')))
    assert text.endswith("\r\n")
    assert '"with ""quotes"", and comma"' in text


def test_numbers_of_a_workbook_are_numbers_with_two_places() -> None:
    (record,) = sheet_records(loaded(plan(line(state=S.LESS, before=10, after=8)))["Lines"])
    assert (record["Quantity now"], record["Price"], record["Change per month"]) == (10, 4.5, -9)
    assert record["First invoice"] == datetime(2026, 12, 1)  # noqa: DTZ001  # a workbook has no zones
    sheet = loaded(plan(line()))["Lines"]
    forms = {head.value: cell for head, cell in zip(*sheet.iter_rows(), strict=True)}
    assert forms["Sales new"].number_format == "#,##0.00"
    assert forms["Sales new"].data_type == "n"
    assert forms["Line"].data_type == "n"


def test_one_row_s_values_do_not_leak_into_the_next() -> None:
    made = plan(line("=A", sales=None, cost=None), line("B", agreement_id=2))
    first, second = sheet_records(loaded(made)["Lines"])
    assert (first["Customer"], first["Sales now"], second["Customer"], second["Sales now"]) == (
        "=A",
        None,
        "B",
        45,
    )
    cells = [row[0] for row in loaded(made)["Lines"].iter_rows(min_row=2)]
    assert [cell.quotePrefix for cell in cells] == [True, False]


def test_a_workbook_has_its_sheets_frozen_and_filtered() -> None:
    book = loaded(plan(line()))
    assert book.sheetnames == ["Lines", "Problems", "Not billed", "Summary"]
    for sheet in book:
        assert sheet.freeze_panes == "A2"
        assert sheet.auto_filter.ref.startswith("A1:")
        assert sheet.column_dimensions["A"].width >= 18
    assert book["Lines"].auto_filter.ref == "A1:AL2"


def test_the_same_plan_gives_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    made = plan(line(), line("Quinta do Lago", agreement_id=2))
    before = xlsx_bytes(made)
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    monkeypatch.setattr("time.localtime", lambda *_: (2033, 5, 18, 3, 33, 20, 2, 138, 0))
    assert xlsx_bytes(made) == before
    archive = zipfile.ZipFile(io.BytesIO(before))
    assert {entry.date_time[:3] for entry in archive.infolist()} == {(2026, 11, 27)}
    assert archive.read("docProps/core.xml").count(b"2026-11-27T00:00:00Z") == 2


def test_a_written_line_is_told_from_one_in_shadow() -> None:
    made = plan(
        line("A"), line("B", shadow=True, agreement_id=2), line("C", state=S.WITHHELD, agreement_id=3)
    )
    found = {record["Customer"]: record["Written by this plan"] for record in records(csv_text(made))}
    assert found == {"A": "yes", "B": "no", "C": "no"}


def test_value_at_sophos_is_a_number_in_one_currency_and_a_text_in_several() -> None:
    one = line("A", feed={"USD": Decimal(96)})
    two = line("B", feed={"USD": Decimal(96), "EUR": Decimal(1)}, agreement_id=2)
    first, second = records(csv_text(plan(one, two)))
    assert (first["At Sophos"], first["Sophos currency"]) == ("96.00", "USD")
    assert (second["At Sophos"], second["Sophos currency"]) == ("1.00 EUR; 96.00 USD", "several")


def test_problems_and_what_is_not_billed_have_their_sheets() -> None:
    made = plan(
        line(state=S.WITHHELD, reason="over the limit"),
        new_line(agreement_id=2, feed={"USD": Decimal(96)}),
        diagnostics=(warning("feed-late", "late", "Wait.", location=Location("m.yaml", 3)),),
        usage_notes=(
            UsageNote("unassigned", "XG", "Firewall", "1", 0, {"USD": "9.00"}, "C01234", "in a box"),
        ),
    )
    book = loaded(made)
    decision, problem = sheet_records(book["Problems"])
    assert (decision["Kind"], decision["Line"], decision["What"]) == ("withheld", 5512, "over the limit")
    assert "approvals" in decision["What to do"]
    assert (problem["Code"], problem["What to do"], problem["Row"]) == ("feed-late", "Wait.", "m.yaml:3")
    new, firewall = sheet_records(book["Not billed"])
    assert (new["Kind"], new["Quantity"], new["At Sophos"]) == ("before the new line's first day", 12, 96)
    assert (new["Not billed"], new["Currency"], new["Months"]) == (54, "EUR", "November 2026")
    assert (firewall["Line or serial number"], firewall["At Sophos"]) == ("C01234", 9)


def test_the_summary_has_the_money_of_each_currency() -> None:
    made = plan(
        line(), line("B", agreement_id=2, currency="USD"), line("C", agreement_id=3, state=S.WITHHELD)
    )
    rows = sheet_records(loaded(made)["Summary"])
    sales = {
        r["Currency"]: (r["Now"], r["New"]) for r in rows if r["What"] == "Sales of all lines with a row"
    }
    assert sales == {"EUR": (90, 99), "USD": (45, 54)}
    assert {r["What"]: r["Count"] for r in rows if r["Count"]}["Lines: more"] == 2


@settings(max_examples=12, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 999),
            st.integers(0, 999),
            st.decimals("0", "99", places=4),
            st.sampled_from([("EUR", 2), ("ISK", 0), ("KWD", 3), ("KWD", 2)]),
        ),
        max_size=6,
    )
)
def test_rows_of_a_csv_add_up_to_the_summary(
    numbers: list[tuple[int, int, Decimal, tuple[str, int]]],
) -> None:
    """In each currency, to the last of its decimals."""
    made = plan(
        *[
            line(
                f"C{n}", agreement_id=n + 1, before=old, after=new, unit_price=price, state=S.MORE,
                currency=currency, places=places,
            )
            for n, (old, new, price, (currency, places)) in enumerate(numbers)
        ]
    )  # fmt: skip
    changes: dict[str, Decimal] = {}
    for record in records(csv_text(made)):
        shown, currency = Decimal(record["Change per month"]), record["Currency"]
        assert currency != "ISK" or "." not in record["Change per month"]
        changes[currency] = changes.get(currency, Decimal(0)) + shown
    summary = sheet_records(loaded(made)["Summary"])
    stated = {r["Currency"]: r["Change per month"] for r in summary if r["What"] == "Sales of what changes"}
    assert stated == {currency: pytest.approx(float(one)) for currency, one in changes.items()}


def test_every_sheet_names_the_company() -> None:
    named = {"company": "ALD", "company_name": "Alder Clinics"}
    made = plan(
        line("A", **named),
        line("B", state=S.WITHHELD, agreement_id=2, **named),
        line("C", state=S.NOT_COUNTED, agreement_id=3, **named),
    )
    assert {(r["Company"], r["Company name"]) for r in records(csv_text(made))} == {("ALD", "Alder Clinics")}
    book = loaded(made)
    for sheet in ("Lines", "Problems", "Not billed"):
        head, *rows = [[cell.value for cell in row] for row in book[sheet].iter_rows()]
        at = head.index("Company name")
        assert rows[0][at - 1 : at + 1] == ["ALD", "Alder Clinics"], sheet
