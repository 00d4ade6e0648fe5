"""A Sophos customer that no row joins with a company: the row to paste, with the likely company."""

from __future__ import annotations

import pytest

from tests.planning_lines.books import ALPHA, Books, Planned, agreements, bill, tenant_id

BOTH = bill("tenant | code | units\nAlpha | EP | 20\nBeta | EP | 7")
TENANTS = "tenant | name\nAlpha | Alpha\nBeta | Beta Dental Lda"
AGREEMENTS = "id | company | name\n1 | ALPHA | Managed\n2 | BETA | Managed IT"
LINES = "id | on | qty\n11 | 1 | 20\n12 | 2 | 7"
EXCLUDED = ALPHA + "  <Beta>: {name: Beta Dental Lda, exclude: ours%s}\n"


def planned(books: Books, yaml: str = ALPHA, there: str = AGREEMENTS) -> Planned:
    """Alpha has a row; Beta Dental is a tenant with usage, and BETA a company with a line of ours."""
    return books.plan(yaml=yaml, bill=BOTH, tenants=TENANTS, agreements=agreements(there), lines=LINES)


def row_of(found: Planned) -> str:
    """The row that the note about the tenant without one prints."""
    (note,) = [note for note in found.plan.notes if note.kind == "customer"]
    before, _, row = note.detail.partition("under customers: ")
    assert before == ""
    return row


def test_the_row_that_is_printed_bills_the_tenant_once_it_is_pasted(books: Books) -> None:
    row = row_of(planned(books))
    named = 'name: "Beta Dental Lda", company: BETA, agreement: "Managed IT"'
    assert row == f"{tenant_id('Beta')}: {{{named}, sync: true}}"
    pasted = planned(books, ALPHA + f"  {row}\n")
    assert "Beta Dental Lda MSP-EP #12 unchanged 7→7 31.50→31.50 EUR" in pasted.rows
    assert "company-name-differs" not in pasted.codes


@pytest.mark.parametrize(
    ("there", "said"),
    [
        (
            "id | company | name\n1 | ALPHA | Managed\n2 | BETA | A\n3 | BETA | B",
            "company: BETA, agreement: …",
        ),
        ("id | company | name\n1 | ALPHA | Managed\n2 | OMEGA | A", "company: …, agreement: …"),
    ],
    ids=["two agreements", "nobody is called like it"],
)
def test_what_is_not_known_is_left_open(books: Books, there: str, said: str) -> None:
    assert said in row_of(planned(books, there=there))


def test_a_company_that_a_row_has_is_nobody_elses(books: Books) -> None:
    taken = ALPHA.replace("company: ALPHA", "company: BETA, nameDiffers: true")
    assert "company: …" in row_of(planned(books, taken))


def test_where_nobody_has_a_row_the_error_prints_them(books: Books) -> None:
    nobody = ALPHA[: ALPHA.index("customers:")]
    said = planned(books, nobody).said("customers-missing")
    assert f"{tenant_id('Beta')}: {{name: " in said
    assert f"{tenant_id('Alpha')}: {{name: Alpha, company: ALPHA, agreement: Managed, sync: true}}" in said


def test_an_exclusion_without_a_company_is_not_asked_for_a_row_that_it_has(books: Books) -> None:
    """The line is accounted for once the row says whose it is, as the plan asks for."""
    open_line = planned(books, EXCLUDED % "").apart(12)
    assert "the row of Beta Dental Lda names no company, and this one is called like it" in open_line
    assert "add `company: BETA` to that row" in open_line
    assert "Give its customer a row" not in open_line
    answered = planned(books, EXCLUDED % ", company: BETA, openLines: keep").apart(12)
    assert "Beta Dental Lda is excluded: ours; openLines: keep" in answered
