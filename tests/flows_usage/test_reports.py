"""The plan as csv, workbook and text: numbers are numbers, and no customer's name steers anything."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest

from reconciler.sandbox.parts import currency
from tests.flows_usage.books import Books, rows, updates

if TYPE_CHECKING:
    from pathlib import Path

FORMULA = '=HYPERLINK("https://example.com","x")'
STEERING = "\x1b[31mRed\x1b]0;title\x07 \u202egnp.\u2066exe\u200b"


def table(text: str, delimiter: str = ",") -> list[dict[str, str]]:
    """A csv's rows by column."""
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), delimiter=delimiter))


def sheets(path: Path) -> dict[str, list[list[Any]]]:
    """A workbook's cells."""
    book = openpyxl.load_workbook(path)
    found = {sheet.title: [[cell.value for cell in row] for row in sheet.iter_rows()] for sheet in book}
    book.close()
    return found


def test_a_currency_without_decimals_has_none_anywhere(books: Books) -> None:
    """From the agreement's record to the plan file, the tables and the page."""
    agreement = books.customer("Alder", ep=(10, 10, 12))
    books.world.agreement(agreement)["currency"] = currency("ISK")
    books.live()
    file = books.save()
    (line,) = json.loads(file.read_text())["lines"]
    assert line["sales"] == {"currency": "ISK", "before": "40", "after": "48", "delta": "8"}
    assert "+8 ISK a month" in books.run("plan", str(books.folder)).out
    for said in (
        books.run("plan", str(books.folder), "--format", "csv"),
        books.run("show", str(file), "--format", "csv"),
    ):
        (row,) = table(said.out)
        assert (row["Sales now"], row["Sales new"], row["Change per month"]) == ("40", "48", "8")
    assert books.apply(file).code == 0


def test_a_csv_has_every_line_with_its_numbers(busy: Books) -> None:
    said = busy.run("plan", str(busy.folder), "--format", "csv")
    assert (said.code, said.out[0]) == (0, "\ufeff")
    found = table(said.out)
    assert [(row["Customer"], row["Product"], row["Quantity now"], row["Quantity new"]) for row in found] == [
        ("Alder", "MSP-EP", "10", "12"),
        ("Alder", "MSP-SV", "3", "3"),
        ("Birch", "MSP-EP", "20", "18"),
        ("Cedar", "MSP-SV", "4", "5"),
    ]
    assert [row["Change per month"] for row in found] == ["8.00", "0.00", "-8.00", "6.50"]
    assert [row["Written by this plan"] for row in found] == ["yes", "no", "yes", "yes"]


def test_a_semicolon_comes_with_decimal_commas(busy: Books) -> None:
    said = busy.run("plan", str(busy.folder), "--format", "csv", "--separator", "semicolon")
    assert [row["Change per month"] for row in table(said.out, ";")] == ["8,00", "0,00", "-8,00", "6,50"]


def test_a_workbook_has_numbers_as_numbers(busy: Books) -> None:
    file = busy.root / "plan.xlsx"
    said = busy.run("plan", str(busy.folder), "--format", "xlsx", "--report", str(file))
    assert (said.code, said.out) == (0, "")
    (lines,) = [cells for cells in sheets(file).values() if "Quantity new" in cells[0]]
    column = lines[0].index("Change per month")
    assert [row[column] for row in lines[1:5]] == [8, 0, -8, 6.5]


@pytest.mark.parametrize("form", ["text", "json", "csv", "xlsx"])
def test_show_gives_the_same_as_plan_without_asking_anybody(busy: Books, form: str) -> None:
    saved, by_plan, by_show = (busy.root / name for name in ("plan.json", "a.xlsx", "b.xlsx"))
    said = busy.run("plan", str(busy.folder), "--out", str(saved), "--format", form, "--report", str(by_plan))
    assert said.code == 0
    busy.forget()
    busy.environ.clear()
    said = busy.run("show", str(saved), "--format", form, "--report", str(by_show))
    assert (said.code, said.out, busy.requests) == (0, "", [])
    if form == "xlsx":
        assert sheets(by_plan) == sheets(by_show)
    else:
        assert by_plan.read_bytes() == by_show.read_bytes()


def test_a_workbook_goes_to_no_terminal(busy: Books) -> None:
    saved = busy.save()
    for command in (["plan", str(busy.folder)], ["show", str(saved)]):
        said = busy.run(*command, "--format", "xlsx")
        assert (said.code, said.out) == (64, "")
        assert "--report" in said.err


def test_a_report_where_nothing_can_be_written(busy: Books) -> None:
    said = busy.run(
        "plan", str(busy.folder), "--format", "csv", "--report", str(busy.root / "none" / "plan.csv")
    )
    assert (said.code, "file-unwritable" in said.err) == (1, True)


def test_an_unknown_separator_is_a_usage_error(busy: Books) -> None:
    said = busy.run("plan", str(busy.folder), "--format", "csv", "--separator", "pipe")
    assert said.code == 64


def test_the_report_does_not_change_the_exit_code(books: Books) -> None:
    books.customer("Alder", ep=(20, 20, 60))
    for form in ("text", "json", "csv", "xlsx"):
        said = books.live().run(
            "plan", str(books.folder), "--format", form, "--report", str(books.root / "plan.out")
        )
        assert said.code == 4, form


# --- names that would do something


@pytest.fixture
def hostile(books: Books) -> Books:
    """Customers whose names are a formula, and escapes with marks that turn the line around."""
    for number, name in enumerate((FORMULA, STEERING)):
        tenant = books.world.add_tenant(name)
        books.world.add_company(f"COMPANY{number}", name)
        agreement = books.world.add_agreement(f"COMPANY{number}", name)["id"]
        for month, units in (((2026, 10), 10), ((2026, 11), 12)):
            books.world.add_usage_line(month, name, "EP-MSP", units)
        books.line(agreement, "MSP-EP", 10)
        books.rows[name] = (
            f"{tenant['id']}: {{company: COMPANY{number}, agreement: {{id: {agreement}}}, sync: true}}"
        )
    return books.live()


def harmless(text: str) -> bool:
    """No escape, and no character that hides or turns text around."""
    return not any(c in text for c in "\x1b\x07\u202e\u2066\u200b")


def test_hostile_names_are_planned_like_others(hostile: Books) -> None:
    plan = hostile.plan()
    assert (plan.code, len(updates(plan)), len(rows(plan))) == (0, 2, 2)
    assert hostile.apply().code == 0
    assert hostile.plan().ids == []


def test_in_text_they_steer_no_terminal(hostile: Books) -> None:
    saved = hostile.root / "plan.json"
    said = hostile.run("plan", str(hostile.folder), "--out", str(saved))
    assert harmless(said.out + said.err)
    assert "Red" in said.out
    assert harmless(hostile.run("show", str(saved)).out)
    ready = hostile.run("ready", "--invoice-date", "2026-12-01", "--dir", str(hostile.folder))
    assert harmless(ready.out)
    assert harmless(hostile.run("score", str(saved)).out)
    assert harmless(hostile.apply_text().out)


def test_in_a_csv_they_are_no_formula(hostile: Books) -> None:
    saved = hostile.save()
    for command in (["plan", str(hostile.folder)], ["show", str(saved)], ["score", str(saved)]):
        for separator, character in (("comma", ","), ("semicolon", ";"), ("tab", "\t")):
            said = hostile.run(*command, "--format", "csv", "--separator", separator)
            assert said.code == 0
            assert harmless(said.out)
            found = table(said.out, character)
            assert len(found) == 2
            for row in found:
                for value in row.values():
                    number = value.lstrip("-").replace(",", ".").replace(".", "", 1).isdigit()
                    assert number or not value.startswith(("=", "+", "-", "@", "\t", "\r")), value


def test_in_a_workbook_they_are_text(hostile: Books) -> None:
    file = hostile.root / "plan.xlsx"
    assert hostile.run("plan", str(hostile.folder), "--format", "xlsx", "--report", str(file)).code == 0
    book = openpyxl.load_workbook(file)
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert not [cell.coordinate for cell in cells if cell.data_type == "f"]
    texts = [str(cell.value) for cell in cells if cell.data_type == "s"]
    assert FORMULA in texts, "as it is called, and of text type"
    assert all(map(harmless, texts))
    book.close()


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_workbook_goes_to_no_terminal_and_nothing_is_read_for_it(busy: Books) -> None:
    file = busy.save()
    busy.forget()
    for command in (("plan", str(busy.folder)), ("show", str(file))):
        said = busy.run(*command, "--format", "xlsx", out=_Terminal())
        assert (said.code, "with --format xlsx --report FILE.xlsx" in said.err) == (64, True)
        assert busy.requests == []
