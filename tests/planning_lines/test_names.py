"""Whose company it is: names that do not go together are asked about, and rows that were swapped are seen."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from reconciler.model.billing import Company
from reconciler.model.identifiers import told_apart
from reconciler.planning.customers.names import Called, Fit, Names, fit
from reconciler.sandbox.seed_customers import CUSTOMERS
from tests.planning_lines.books import Books, Planned, agreements, bill, company_id, tenant_id

if TYPE_CHECKING:
    from pathlib import Path

ALDER, BEECH = "Alder Dental", "Beech Logistics"


@pytest.mark.parametrize(
    ("tenant", "company", "how"),
    [
        ("Alder Dental", "ALDER DENTAL", Fit.SAME),
        ("Alder Dental", "Alder Dental, Lda.", Fit.SAME),
        ("Alder Dental GmbH & Co. KG", "Alder-Dental", Fit.SAME),
        ("Clínica São João", "Clinica Sao Joao", Fit.SAME),
        ("Clínica São João", "Clínica São João", Fit.SAME),
        ("Alder\u00a0Dental", "Alder Dental", Fit.SAME),
        ("Dental, Alder", "Alder Dental", Fit.SAME),
        ("A.B.C. Holding", "ABC Holding", Fit.SAME),
        ("Bäckerei Groß", "BAECKEREI GROSS", Fit.CONTAINED),
        ("Ørsted Bådudlejning ApS", "Orsted Badudlejning", Fit.SAME),
        ("Alder and Sons", "Alder & Sons Ltd", Fit.SAME),
        ("Alder Dental", "ALDERDENTAL", Fit.SAME),
        ("Alder Dental", "ALDER", Fit.CONTAINED),
        ("Ravensbourne Foods", "RAVENSB", Fit.CONTAINED),
        ("Alder", "Alder Dental Practice", Fit.CONTAINED),
        ("Millrace Engineering", "Millrace Eng.", Fit.CONTAINED),
        ("Juniper Row Architects", "JRA", Fit.CONTAINED),
        ("International Business Mowers Portugal", "IBM Portugal", Fit.CONTAINED),
        ("Sociedade de Fabrico e Comércio de Azulejos do Sul e Ilhas Lda",
         "Sociedade de Fabrico e Comércio de Azulejos do Sul e Ilhas Lda"[:50], Fit.CONTAINED),
        ("Alderbrook Dental Practice", "Alderbrook Clinic", Fit.ALIKE),
        ("Alderbrok Dental", "Alderbrook Dental", Fit.CONTAINED),
        ("株式会社ハンノキ", "株式会社ハンノキ", Fit.SAME),
        ("Alder Dental", "Beech Logistics", Fit.DIFFERENT),
        ("Kestrel Logistics", "Beech Logistics", Fit.DIFFERENT),
        ("Customer 12", "Customer 120", Fit.DIFFERENT),
        ("Alder Dental", "CUST00123", Fit.DIFFERENT),
        ("Alder Dental", "株式会社ハンノキ", Fit.DIFFERENT),
        ("!!!", "???", Fit.DIFFERENT),
    ],
)  # fmt: skip
def test_how_two_names_go_together(tenant: str, company: str, how: Fit) -> None:
    assert fit(tenant, company) is fit(company, tenant) is how


def test_a_word_that_many_customers_have_tells_nothing() -> None:
    shops = [Called(f"SHOP{n}", f"Clinica {name}") for n, name in enumerate(("Norte", "Sul", "Leste"))]
    names = Names(shops, ())
    assert names.fit({"Clinica Oeste"}, shops[0]) is Fit.DIFFERENT
    assert names.fit({"Clinica Norte"}, shops[0]) is Fit.SAME
    assert names.better({"Clinica Sul"}, shops[0]) == shops[1]


def test_every_customer_of_the_sandbox_goes_with_its_company() -> None:
    names = Names([Called(one.company, one.name) for one in CUSTOMERS], [one.name for one in CUSTOMERS])
    for one in CUSTOMERS:
        own = Called(one.company, one.name)
        assert names.fit({one.name}, own) is Fit.SAME
        assert names.better({one.name}, own) is None
        assert fit(one.name, one.company) > Fit.DIFFERENT


# --- in a plan


def _books(folder: Path, *, alder: str, beech: str, more: str = "") -> Books:
    """Two customers with a company each; the rows say which company is whose."""
    first, second = tenant_id("Alder"), tenant_id("Beech")
    yaml = (
        "\nmappings:\n  EP: {product: MSP-EP, sync: true}\ncustomers:\n"
        f"  {first}: {{name: {ALDER}, company: {alder}, agreement: Managed, sync: true{more}}}\n"
        f"  {second}: {{name: {BEECH}, company: {beech}, agreement: Managed, sync: true{more}}}\n"
    )
    named = {"ALD": ALDER, "BEE": "Beech Logistics, Lda."}
    found = agreements("id | company\n1 | ALD\n2 | BEE")
    return Books(
        folder,
        yaml=yaml,
        agreements=tuple(replace(a, company_name=named[a.company_identifier]) for a in found),
        companies=tuple(Company(company_id(key), key, name) for key, name in named.items()),
        lines="id | on | qty\n11 | 1 | 20\n21 | 2 | 20",
        tenants=f"tenant | name\nAlder | {ALDER}\nBeech | {BEECH}",
        bill=bill("tenant | code | units\nAlder | EP | 22\nBeech | EP | 24"),
        last=bill("tenant | code | units\nAlder | EP | 20\nBeech | EP | 20"),
    )


def _asked(planned: Planned) -> list[str]:
    return [d.message for d in planned.plan.diagnostics if d.code == "company-name-differs"]


def test_names_that_go_together_are_not_asked_about(tmp_path: Path) -> None:
    planned = _books(tmp_path, alder="ALD", beech="BEE").plan()
    assert planned.codes == []
    assert planned.writes == ["line 11 quantity 20→22", "line 21 quantity 20→24"]


def test_rows_that_were_swapped_are_seen_at_both(tmp_path: Path) -> None:
    planned = _books(tmp_path, alder="BEE", beech="ALD").plan()
    assert planned.writes == []
    assert sorted(planned.states) == [f"{name} MSP-EP needs a decision" for name in (ALDER, BEECH)]
    first, second = sorted(_asked(planned))
    place = (tmp_path / "a.yaml").as_posix()
    assert first == (
        f"{ALDER}: the row bills the Sophos customer {ALDER} as the company Beech Logistics, Lda. (BEE). "
        f"The company {ALDER} (ALD) is called more like it, and {BEECH} has that one ({place}:9:3). "
        "Nothing is written for it."
    )
    assert f"The company Beech Logistics, Lda. (BEE) is called more like it, and {ALDER} has" in second


def test_two_customers_of_nearly_one_name_that_were_swapped_are_seen_at_both(tmp_path: Path) -> None:
    books = _books(tmp_path, alder="BEE", beech="ALD")
    named = {"ALD": "Driftwood Hotels", "BEE": "Driftwood Hotels South"}
    books = replace(
        books,
        yaml=books.yaml.replace(ALDER, named["ALD"]).replace(BEECH, named["BEE"]),
        tenants=f"tenant | name\nAlder | {named['ALD']}\nBeech | {named['BEE']}",
        companies=tuple(Company(company_id(key), key, name) for key, name in named.items()),
        agreements=tuple(replace(a, company_name=named[a.company_identifier]) for a in books.agreements),
    )
    assert len(_asked(books.plan())) == 2
    assert books.plan().writes == []


def test_a_company_of_somebody_who_has_no_row_is_seen(tmp_path: Path) -> None:
    books = _books(tmp_path, alder="ALD", beech="BEE")
    other = Company(company_id("CED"), "CED", "Cedar Clinics")
    books = replace(
        books,
        companies=(*(books.companies or ()), other),
        agreements=(*books.agreements, *agreements("id | company\n3 | CED")),
        lines=books.lines + "\n31 | 3 | 20",
        yaml=books.yaml.replace("company: ALD", "company: CED"),
    )
    planned = books.plan()
    (said,) = _asked(planned)
    assert said.endswith("The company Alder Dental (ALD) is called more like it. Nothing is written for it.")
    assert planned.writes == ["line 21 quantity 20→24"]


def test_a_person_says_once_that_the_company_is_right(tmp_path: Path) -> None:
    planned = _books(tmp_path, alder="BEE", beech="ALD", more=", nameDiffers: true").plan()
    assert planned.codes == []
    assert len(planned.writes) == 2
    needless = _books(tmp_path, alder="ALD", beech="BEE", more=", nameDiffers: true").plan()
    assert (needless.codes, len(needless.writes)) == ([], 2)


def test_sophoss_second_name_and_the_identifier_count_too(tmp_path: Path) -> None:
    books = _books(tmp_path, alder="ALD", beech="BEE")
    renamed = tuple(
        replace(a, company_name="Ulmus Saúde") if a.company_identifier == "ALD" else a
        for a in books.agreements
    )
    companies = (Company(company_id("ALD"), "ALD", "Ulmus Saúde"), *(books.companies or ())[1:])
    # `ALD` is how Alder begins, whatever the company is called.
    assert _asked(replace(books, agreements=renamed, companies=companies).plan()) == []


def test_what_follows_an_unlike_name_waits_with_it(tmp_path: Path) -> None:
    """Neither a first line nor an end is written for a company that may be somebody else's."""
    swapped = _books(tmp_path, alder="BEE", beech="ALD")
    assert replace(swapped, lines="").plan().writes == []
    ended = ", ended: 2026-11-20"
    assert _books(tmp_path, alder="BEE", beech="ALD", more=ended).plan().writes == []
    assert len(_books(tmp_path, alder="ALD", beech="BEE", more=ended).plan().plan.changes) == 2


def test_the_company_stands_in_the_row(tmp_path: Path) -> None:
    planned = _books(tmp_path, alder="ALD", beech="BEE").plan()
    shown = {line.company: (line.company_name, line.who) for line in planned.plan.lines}
    assert shown == {
        "ALD": (ALDER, f"{ALDER} (ALD)"),
        "BEE": ("Beech Logistics, Lda.", f"{BEECH} (Beech Logistics, Lda., BEE)"),
    }
    (data,) = [json.loads(json.dumps(x.to_json())) for x in planned.plan.lines if x.company == "BEE"]
    assert data["companyName"] == "Beech Logistics, Lda."
    assert Decimal(data["quantity"]["after"]) == 24


# --- did you mean


def test_a_mistyped_company_is_told_which_one_is_meant(tmp_path: Path) -> None:
    by_identifier = _books(tmp_path, alder="ALDD", beech="BEE").plan()
    assert "Did you mean Alder Dental (ALD)? " in by_identifier.said("company-not-found")
    by_name = _books(tmp_path, alder="GONE", beech="BEE").plan()
    assert "Did you mean Alder Dental (ALD)? " in by_name.said("company-not-found")


def test_a_mistyped_tenant_id_is_told_which_one_is_meant(tmp_path: Path) -> None:
    books = _books(tmp_path, alder="ALD", beech="BEE")
    own = tenant_id("Alder")
    slip = ("0" if own[0] != "0" else "1") + own[1:]
    planned = replace(books, yaml=books.yaml.replace(own, slip)).plan()
    assert f"Did you mean {own} ({ALDER})? " in planned.said("tenant-gone")
    other = replace(books, yaml=books.yaml.replace(own, "11111111-2222-4333-8444-555555555555")).plan()
    assert f"Did you mean {own} ({ALDER})? " in other.said("tenant-gone")


def test_a_tenant_that_has_a_row_of_its_own_is_not_offered_to_another_one(tmp_path: Path) -> None:
    books = _books(tmp_path, alder="ALD", beech="BEE")
    slip = tenant_id("Beech")[:-1] + "1"
    row = f"  {slip}: {{name: Cedar, company: ALD, agreement: Managed, nameDiffers: true, sync: true}}\n"
    planned = replace(books, yaml=books.yaml + row).plan()
    assert "Did you mean" not in planned.said("tenant-gone")


# --- names that look the same


@pytest.mark.parametrize("sophos", ["Cli\u0301nica", "CL\u00cdNICA", " Cl\u00ednica\u00a0"])
@pytest.mark.parametrize("agreement", ["Gest\u00e3o\u00a0TI", "Gesta\u0303o  TI"])
def test_names_of_other_letters_alone_are_the_same(tmp_path: Path, sophos: str, agreement: str) -> None:
    """Composed and taken apart, with a no-break space and with a blank: nobody sees a difference."""
    books = _books(tmp_path, alder="ALD", beech="BEE", more=", nameDiffers: true")
    books = replace(
        books,
        yaml=books.yaml.replace(ALDER, "Cl\u00ednica", 1).replace("Managed", "Gest\u00e3o TI"),
        tenants=f"tenant | name\nAlder | {sophos}\nBeech | {BEECH}",
        agreements=tuple(replace(a, name=agreement) for a in books.agreements),
    )
    assert books.plan().codes == []
    assert len(books.plan().writes) == 2


def test_what_differs_and_cannot_be_seen_is_shown(tmp_path: Path) -> None:
    books = _books(tmp_path, alder="ALD", beech="BEE")
    hidden = "Ald\u200der Dental"
    planned = replace(books, tenants=f"tenant | name\nAlder | {hidden}\nBeech | {BEECH}").plan()
    assert planned.said("tenant-name-differs").startswith(
        f"The row says {ALDER}; that Sophos customer is called Ald<U+200D>er Dental. Nothing"
    )
    assert told_apart("Alder", "Beech") == ("Alder", "Beech")
    assert told_apart("a b", "a\u00a0b") == ("a b", "a<U+00A0>b")
    assert told_apart("\u00e9", "e\u0301") == ("<U+00E9>", "e<U+0301>")


def test_a_company_that_looks_the_same_is_offered_with_what_differs(tmp_path: Path) -> None:
    books = _books(tmp_path, alder="CAF\u00c9", beech="BEE")
    there = "CAFE\u0301"
    books = replace(
        books,
        agreements=tuple(
            replace(a, company_identifier=there) if a.company_identifier == "ALD" else a
            for a in books.agreements
        ),
        companies=(Company(company_id("ALD"), there, ALDER), *(books.companies or ())[1:]),
    )
    assert "Did you mean Alder Dental (CAFE<U+0301>)? " in books.plan().said("company-not-found")
