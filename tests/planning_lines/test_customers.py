"""Tenant to company and agreement: found as of the day that counts, and what is said where it is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from reconciler.model.billing import Company
from reconciler.model.diagnostics import Severity
from tests.planning_lines.books import ALPHA, NOVEMBER, Books, agreements, bill, company_id, expect

if TYPE_CHECKING:
    from reconciler.model.observed import UsageMonth

MORE = bill("tenant | code | units\nAlpha | EP | 22")
OCTOBER = NOVEMBER.previous()


def by_type(yaml: str = ALPHA) -> str:
    return yaml.replace("agreement: Managed", "agreement: {type: MSP}")


# --- the agreement


def test_a_renewal_is_found_on_the_invoice_date_and_not_today(books: Books) -> None:
    """The old agreement is in force today and ends before the next invoice, which the new one carries."""
    planned = books.plan(
        yaml=by_type(),
        bill=MORE,
        agreements=agreements(
            """
            id | company | from       | to         | next
            1  | ALPHA   | 2024-01-01 | 2026-11-30 | 2026-12-01
            2  | ALPHA   | 2026-12-01 |            | 2026-12-01
            """
        ),
        lines="id | on | qty\n11 | 1 | 20\n21 | 2 | 20",
    )
    expect(planned, "Alpha MSP-EP #21 more 20→22 90.00→99.00 EUR")


@pytest.mark.parametrize("old_next", ["2026-12-01", "none"])
def test_a_renewal_that_is_entered_early_waits_for_its_turn(books: Books, old_next: str) -> None:
    planned = books.plan(
        yaml=by_type(),
        bill=MORE,
        agreements=agreements(
            f"""
            id | company | from       | to         | next
            1  | ALPHA   | 2024-01-01 | 2026-12-31 | {old_next}
            2  | ALPHA   | 2027-01-01 |            | 2027-01-01
            """
        ),
        lines="id | on | qty\n11 | 1 | 20\n21 | 2 | 20",
    )
    # Without a next invoice the old one has had its last.
    line = "#21" if old_next == "none" else "#11"
    expect(planned, f"Alpha MSP-EP {line} more 20→22 90.00→99.00 EUR")


def test_sixty_days_before_its_end_an_agreement_is_said_with_what_follows(books: Books) -> None:
    planned = books.plan(
        agreements=agreements(
            """
            id | company | name    | from       | to         | next
            1  | ALPHA   | Managed | 2024-01-01 | 2026-12-31 | 2026-12-01
            2  | ALPHA   | New     | 2027-01-01 |            | 2027-01-01
            """
        )
    )
    assert "ends on 2026-12-31; #2 of its type is in force after it" in planned.said("agreement-ends-soon")
    later = agreements("id | company | to\n1 | ALPHA | 2027-01-27")
    assert books.plan(agreements=later).codes == []
    last_day = agreements("id | company | to\n1 | ALPHA | 2027-01-26")
    assert books.plan(agreements=last_day).codes == ["agreement-ends-soon"]


@pytest.mark.parametrize(
    ("rows", "code", "words"),
    [
        ("1 | Managed | 2026-10-31 | | | |", "agreement-not-in-force", ["#1", "type MSP", "expired"]),
        ("1 | Managed | | cancelled | | |", "agreement-not-in-force", ["#1", "cancelled"]),
        ("1 | Managed | | one-time | | |", "agreement-not-in-force", ["one-time"]),
        ("1 | Managed | | | NotRecurring | |", "agreement-not-in-force", ["not recurring"]),
        ("1 | Managed | | | | | 2026-12-15", "agreement-not-in-force", ["not begun", "2026-12-15 to open"]),
        ("1 | Other | | | | |", "agreement-not-found", ['"Managed"', '#1 "Other"']),
        (
            "1 | Managed | | | | |\n2 | managed | | | | |",
            "agreement-ambiguous",
            ["2 agreements", "#1", "#2", "2024-01-01 to open", "{id: …}"],
        ),
        ("2 | Managed | | | | 1 |\n3 | Managed | | | | 1 |", "agreement-ambiguous", ["child of #1"]),
    ],
)
def test_what_cannot_be_chosen_is_said_with_its_candidates(
    books: Books, rows: str, code: str, words: list[str]
) -> None:
    head = "id | name | to | flags | cycle | parent | from | company"
    body = "\n".join(
        f"{row} {'| ' * (6 - row.count('|'))}| ALPHA" if row.count("|") < 6 else f"{row} | ALPHA"
        for row in rows.splitlines()
    )
    planned = books.plan(agreements=agreements(f"{head}\n{body}"), lines="", bill=MORE)
    said = planned.said(code)
    assert [word for word in words if word not in said] == []
    assert said.startswith("Alpha (ALPHA): ")
    assert planned.diagnostic(code).location is not None
    expect(planned, "Alpha MSP-EP no line needs a decision ?→?")
    assert planned.writes == []


CHILDREN = agreements(
    """
    id | company | name    | parent
    1  | ALPHA   | Managed |
    2  | ALPHA   | Managed | 1
    3  | ALPHA   | Site    | 1
    """
)


@pytest.mark.parametrize(
    ("selector", "line"),
    [("Managed", 11), ("{type: MSP}", 11), ("Site", 31), ("{id: 2}", 21)],
    ids=["name of both", "type", "child by name", "child by id"],
)
def test_a_child_agreement_is_meant_only_where_it_is_stated(books: Books, selector: str, line: int) -> None:
    planned = books.plan(
        yaml=ALPHA.replace("agreement: Managed", f"agreement: {selector}"),
        agreements=CHILDREN,
        bill=MORE,
        lines="id | on | qty\n11 | 1 | 20\n21 | 2 | 20\n31 | 3 | 20",
    )
    assert planned.writes == [f"line {line} quantity 20→22"]


def test_another_payer_is_shown(books: Books) -> None:
    planned = books.plan(agreements=agreements("id | company | payer\n1 | ALPHA | HOLDING"))
    assert "is invoiced to HOLDING" in planned.said("agreement-billed-to-another")


# --- the company


@pytest.mark.parametrize(
    ("companies", "code", "words"),
    [
        ((), "company-not-found", "merged"),
        ((Company(7, "alpha", "Alpha Ltd", deleted=True),), "company-deleted", "is deleted in ConnectWise"),
        ((Company(7, "ALPHA", "Alpha Ltd"),), "agreement-not-found", "has no agreement"),
    ],
    ids=["merged", "deleted", "without agreements"],
)
def test_companies_without_agreements(
    books: Books, companies: tuple[Company, ...], code: str, words: str
) -> None:
    planned = books.plan(agreements=(), companies=companies, lines="")
    assert words in planned.said(code)
    expect(planned, "Alpha MSP-EP no line needs a decision ?→?")


OWN = company_id("ALPHA")
ALPHA_LTD = Company(OWN, "ALPHA", "Alpha Ltd")
BY_ID = ALPHA.replace("company: ALPHA", f"company: {{id: {OWN}}}")


@pytest.mark.parametrize(("yaml", "named"), [(ALPHA, "ALPHA"), (BY_ID, f"id {OWN}")], ids=["name", "id"])
def test_a_deleted_company_keeps_its_agreements_and_gets_nothing(books: Books, yaml: str, named: str) -> None:
    planned = books.plan(yaml=yaml, companies=(replace(ALPHA_LTD, deleted=True),), bill=MORE)
    assert planned.said("company-deleted").startswith(
        f"Alpha ({named}): Alpha Ltd (id {OWN}) is deleted in ConnectWise; its agreement #1 is still there. "
        "Nothing is written for it."
    )
    assert planned.writes == []


def test_a_live_company_stands_over_a_deleted_one_of_its_identifier(books: Books) -> None:
    old = Company(7, "alpha ", "Alpha (old)", deleted=True)
    both = agreements("id | company\n1 | ALPHA\n2 | ALPHA")
    planned = books.plan(
        companies=(old, ALPHA_LTD),
        agreements=(both[0], replace(both[1], company_id=7)),
        bill=MORE,
        lines="id | on | qty\n11 | 1 | 20\n21 | 2 | 20",
    )
    assert planned.writes == ["line 11 quantity 20→22"]
    assert [code for code in planned.codes if code.startswith(("company", "agreement"))] == []


def test_a_company_that_cannot_be_seen_may_be_deleted(books: Books) -> None:
    planned = books.plan(companies=(), bill=MORE)
    assert "ConnectWise shows its agreement #1 and not the company" in planned.said("company-unread")
    assert "Inquire = All" in planned.diagnostic("company-unread").remedy
    assert planned.writes == []


@pytest.mark.parametrize(
    ("types", "shown"),
    [
        ((), ""),
        (("Customer",), ""),
        (("client ",), ""),
        (("Vendor", "CUSTOMER"), ""),
        (("Prospect",), "as Prospect, and neither"),
        (("Former Customer", "Partner", "Vendor"), "as Former Customer, Partner and Vendor, and neither"),
    ],
)
def test_a_company_of_other_types_is_billed_and_said(
    books: Books, types: tuple[str, ...], shown: str
) -> None:
    planned = books.plan(companies=(replace(ALPHA_LTD, types=types),), bill=MORE)
    assert planned.writes == ["line 11 quantity 20→22"]
    assert ("company-not-customer" in planned.codes) is bool(shown)
    if shown:
        assert shown in planned.said("company-not-customer")
        assert planned.diagnostic("company-not-customer").severity is Severity.WARNING


def test_a_pricing_schedule_is_said_once_for_each_customer(books: Books) -> None:
    planned = books.plan(
        yaml=ALPHA.replace(
            "  EP: {product: MSP-EP, sync: true}",
            "  EP: {product: MSP-EP, sync: true}\n  SV: {product: MSP-SV, sync: true}",
        ),
        companies=(replace(ALPHA_LTD, pricing_schedule="Gold customers"),),
        bill=bill("tenant | code | units\nAlpha | EP | 22\nAlpha | SV | 4"),
        lines="id | product | qty\n11 | MSP-EP | 20\n12 | MSP-SV | 3",
    )
    assert len(planned.writes) == 2
    assert planned.codes.count("pricing-schedule") == 1
    said = planned.said("pricing-schedule")
    assert said.startswith('Alpha (ALPHA): the company has the pricing schedule "Gold customers".')
    assert planned.diagnostic("pricing-schedule").severity is Severity.NOTICE


def test_company_identifiers_compare_trimmed_and_without_case(books: Books) -> None:
    planned = books.plan(yaml=ALPHA.replace("company: ALPHA", "company: Alpha"), bill=MORE)
    assert planned.writes == ["line 11 quantity 20→22"]
    assert "is written 'ALPHA' in ConnectWise" in planned.said("identifier-differs")


LONG = "Sociedade de Fabrico e Comércio de Azulejos do Sul e Ilhas"


@pytest.mark.parametrize(
    ("row", "tenant", "same"),
    [
        ("Safelog", "safelog ", True),
        (LONG, LONG, True),
        (LONG[:50], LONG, True),
        (LONG, LONG[:50], True),
        (LONG + " Norte", LONG + " Leste", False),
        ("Safelog", "Safelog 2", False),
        (LONG[:30], LONG, False),
    ],
)
def test_the_name_is_checked_and_a_cut_at_50_forgiven(
    books: Books, row: str, tenant: str, same: bool
) -> None:
    yaml = ALPHA.replace("name: Alpha", f'name: "{row}", nameDiffers: true')
    planned = books.plan(yaml=yaml, tenants=f"tenant | name\nAlpha | {tenant}", bill=MORE)
    assert ("tenant-name-differs" not in planned.codes) is same
    assert planned.writes == (["line 11 quantity 20→22"] if same else [])
    if not same:
        (line,) = planned.plan.lines
        assert line.state.value == "needs a decision"
        assert row in line.reason


# --- several tenants, several agreements

TWO = """
mappings:
  EP: {product: MSP-EP, sync: true}
customers:
  <Alpha>: {name: Alpha, company: ALPHA, agreement: Managed, sync: true}
  <Beta>: {name: Beta, company: ALPHA, nameDiffers: true, agreement: {id: 1}, sync: true}
"""


def test_two_tenants_on_one_agreement_add_up_once(books: Books) -> None:
    """Blocks, minimum and included units once for the line: 7 + 6 = 13, in blocks of 5: 15."""
    planned = books.plan(
        yaml=TWO + "lines:\n  MSP-EP: {blocksOf: 5, minimum: 10, included: 3}\n",
        bill=bill("tenant | code | units\nAlpha | EP | 7\nBeta | EP | 6"),
        lines="id | qty | incl\n11 | 14 | 3",
    )
    expect(planned, "Alpha + Beta MSP-EP #11 more 14→15 49.50→54.00 EUR")
    assert planned.reason == "15 = blocks of 5 of 13 = Alpha EP 7 + Beta EP 6; 3 included"


def test_two_tenants_of_one_name_are_both_counted(books: Books) -> None:
    planned = books.plan(
        yaml=TWO.replace("name: Beta", "name: Alpha"),
        tenants="tenant | name\nAlpha | Alpha\nBeta | Alpha",
        bill=bill("tenant | code | units\nAlpha | EP | 7\nBeta | EP | 6"),
        lines="id | qty\n11 | 12",
    )
    assert planned.writes == ["line 11 quantity 12→13"]


def test_two_tenants_must_state_the_same(books: Books) -> None:
    yaml = TWO.replace(
        "agreement: {id: 1}, sync: true", "agreement: {id: 1}, sync: true, lines: {MSP-EP: {included: 5}}"
    )
    planned = books.plan(yaml=yaml, bill=bill("tenant | code | units\nAlpha | EP | 7\nBeta | EP | 6"))
    expect(planned, "Alpha + Beta MSP-EP #11 needs a decision 20→20 90.00→90.00 EUR")
    assert planned.reason == "Alpha and Beta state different terms" or planned.reason == (
        "Beta and Alpha state different terms"
    )


def test_one_tenant_with_a_problem_blocks_its_lines_and_no_others(books: Books) -> None:
    planned = books.plan(
        yaml=TWO.replace(
            "company: ALPHA, nameDiffers: true, agreement: {id: 1}", "company: BETA, agreement: Managed"
        ),
        agreements=agreements("id | company\n1 | ALPHA\n2 | BETA"),
        bill=bill("tenant | code | units\nAlpha | EP | 22\nBeta | EP | -2"),
        lines="id | on | qty\n11 | 1 | 20\n21 | 2 | 20",
    )
    expect(
        planned,
        """
        Alpha MSP-EP #11 more 20→22 90.00→99.00 EUR
        Beta MSP-EP #21 needs a decision 20→20 90.00→90.00 EUR
        """,
    )


OVERRIDES = """
mappings:
  EP: {product: MSP-EP, sync: true}
  MAIL: {product: MSP-MAIL, sync: true}
  NDR: {product: MSP-NDR, sync: true}
customers:
  <Alpha>:
    name: Alpha
    company: ALPHA
    agreement: Managed
    sync: true
    overrides:
      EP: {product: MSP-EP-EDU}
      MAIL: {agreement: Mail}
      NDR: {exclude: Pilot, until: 2026-12-10}
      SOLO: {product: MSP-SOLO}
"""
FOUR = "tenant | code | units\nAlpha | EP | 22\nAlpha | MAIL | 12\nAlpha | NDR | 5\nAlpha | SOLO | 2"


def test_overrides_lead_to_another_product_agreement_or_nowhere(books: Books) -> None:
    planned = books.plan(
        yaml=OVERRIDES,
        bill=bill(FOUR),
        last=bill(FOUR, OCTOBER),
        agreements=agreements("id | company | name\n1 | ALPHA | Managed\n2 | ALPHA | Mail"),
        lines="""
            id | on | product    | qty
            11 | 1  | MSP-EP-EDU | 20
            12 | 1  | MSP-SOLO   | 1
            13 | 1  | MSP-EP     | 3
            14 | 1  | MSP-NDR    | 3
            21 | 2  | MSP-MAIL   | 10
        """,
    )
    expect(
        planned,
        """
        Alpha MSP-EP-EDU #11 more 20→22 103.50→99.00 EUR
        Alpha MSP-SOLO #12 more 1→2 4.50→9.00 EUR
        Alpha MSP-MAIL #21 more 10→12 45.00→54.00 EUR
        """,
    )
    assert planned.notes == ["excluded NDR 5 USD 10.00"]
    assert "NDR for Alpha (Pilot) ends on 2026-12-10" in planned.said("ends-soon")


@pytest.mark.parametrize(("today", "billed"), [("2026-12-10", False), ("2026-12-11", True)])
def test_a_pilot_counts_through_its_last_day(books: Books, today: str, billed: bool) -> None:
    planned = books.plan(
        yaml=OVERRIDES,
        bill=bill(FOUR),
        today=date.fromisoformat(today),
        agreements=agreements(
            "id | company | name | next\n1 | ALPHA | Managed | 2027-01-01\n2 | ALPHA | Mail | 2027-01-01"
        ),
        lines="id | product | qty\n14 | MSP-NDR | 3",
    )
    assert (
        "Alpha MSP-NDR needs a decision" in planned.states or "Alpha MSP-NDR more" in planned.states
    ) is billed


def test_an_excluded_customer_is_a_note_until_its_last_day(books: Books) -> None:
    yaml = ALPHA.replace("sync: true}\n", "sync: true, exclude: Own company, until: 2026-11-27}\n").replace(
        "MSP-EP, sync: true, exclude: Own company, until: 2026-11-27", "MSP-EP, sync: true"
    )
    on_the_day = books.plan(yaml=yaml, bill=MORE)
    assert (on_the_day.rows, on_the_day.notes) == ([], ["excluded Alpha 22 USD 44.00"])
    assert on_the_day.plan.notes[0].detail.endswith("Own company")
    assert "The exclusion of Alpha (Own company) ends on 2026-11-27" in on_the_day.said("ends-soon")
    after = books.plan(yaml=yaml, bill=MORE, today=date(2026, 11, 28))
    assert after.writes == ["line 11 quantity 20→22"]


def test_an_exclusion_that_ends_with_nowhere_to_bill_is_an_error(books: Books) -> None:
    yaml = ALPHA[: ALPHA.index("customers:")] + (
        "customers:\n  <Alpha>: {name: Alpha, sync: true, exclude: Trial, until: 2026-10-31}\n"
    )
    assert "billed nowhere" in books.plan(yaml=yaml).said("customer-billed-nowhere")


def test_customers_that_are_not_synced_and_tenants_without_a_row_are_notes(books: Books) -> None:
    yaml = ALPHA + "  <Beta>: {name: Beta, company: BETA, agreement: Managed}\n"
    planned = books.plan(
        yaml=yaml,
        bill=bill(
            "tenant | code | units | currency\nAlpha | EP | 20\nBeta | EP | 3 | GBP\n"
            "New | EP | 4\nNew | X | 1 | GBP"
        ),
        tenants="tenant\nAlpha\nBeta\nNew",
    )
    assert planned.notes == ["unsynced Beta 3 GBP 6.00", "customer New 5 GBP 2.00 USD 8.00"]


def test_a_tenant_of_a_shared_line_that_has_ended_no_longer_counts(books: Books) -> None:
    yaml = TWO.replace("agreement: {id: 1}, sync: true", "agreement: {id: 1}, sync: true, ended: 2026-11-20")
    planned = books.plan(
        yaml=yaml,
        bill=bill("tenant | code | units\nAlpha | EP | 18\nBeta | EP | 6"),
        last=bill("tenant | code | units\nAlpha | EP | 14\nBeta | EP | 6", OCTOBER),
    )
    expect(planned, "Alpha MSP-EP #11 less 20→18 90.00→81.00 EUR")
    assert "Beta (ALPHA) ended on 2026-11-20, and Sophos still bills EP 6" in planned.said("usage-after-end")


@pytest.mark.parametrize(
    ("ended", "said"), [("2026-11-24", True), ("2026-11-25", False), ("2026-11-30", False)]
)
def test_a_bill_that_is_over_by_the_last_day_is_no_usage_after_it(
    books: Books, ended: str, said: bool
) -> None:
    """November's windows end on the 25th; the bill of a customer that left at its end comes as always."""
    gone = ALPHA.replace("sync: true}\n", f"sync: true, ended: {ended}}}\n").replace(
        f"MSP-EP, sync: true, ended: {ended}", "MSP-EP, sync: true"
    )
    planned = books.plan(
        yaml=gone, bill=bill("tenant | code | units\nAlpha | EP | 6"), today=date(2026, 12, 2)
    )
    assert ("usage-after-end" in planned.codes) is said
    if said:
        assert "still bills EP 6, until 2026-11-25." in planned.said("usage-after-end")


FIREWALLS = (
    ALPHA.replace("customers:\n", "customers:\n")
    .replace("sync: true}\n", "sync: true, firewalls: [c01234abc1cdef2]}\n")
    .replace("MSP-EP, sync: true, firewalls: [c01234abc1cdef2]", "MSP-EP, sync: true")
)


def test_a_firewall_goes_to_the_customer_that_names_its_serial(books: Books) -> None:
    planned = books.plan(
        yaml=FIREWALLS,
        bill=bill(
            """
            tenant | code | units | serial          | from       | to
            Alpha  | EP   | 20    |                 |            |
            -      | EP   | 1     | C01234ABC1CDEF2 | 2026-10-20 | 2026-10-31
            -      | EP   | 1     | C09999          |            |
            """
        ),
    )
    expect(planned, "Alpha MSP-EP #11 more 20→21 90.00→94.50 EUR")


def test_a_shared_line_does_not_lose_the_units_of_a_tenant_whose_sync_is_off(books: Books) -> None:
    beta = "  <Beta>: {name: Beta, company: ALPHA, nameDiffers: true, agreement: Managed, SYNC}\n"
    both = bill("tenant | code | units\nAlpha | EP | 10\nBeta | EP | 5")
    shared = {"bill": both, "last": replace(both, month=OCTOBER), "lines": "id | qty\n11 | 15"}
    off = books.plan(yaml=ALPHA + beta.replace("SYNC", "sync: false"), **shared)
    expect(off, "Alpha + Beta MSP-EP #11 needs a decision 15→15 67.50→67.50 EUR")
    assert "usage sync is off for Beta, and 5 of this line's units are theirs" in off.reason
    out = books.plan(yaml=ALPHA + beta.replace("SYNC", "sync: true, exclude: Trial"), **shared)
    expect(out, "Alpha MSP-EP #11 less 15→10 67.50→45.00 EUR")
    unsynced = (ALPHA + beta).replace("SYNC", "sync: false").replace("Managed, sync: true", "Managed")
    assert books.plan(yaml=unsynced, **shared).rows == []
    idle = {**shared, "bill": bill("tenant | code | units\nAlpha | EP | 12\nBeta | XX | 5")}
    after = books.plan(yaml=ALPHA + beta.replace("SYNC", "sync: false"), **idle)
    assert after.writes == ["line 11 quantity 15→12"]


def test_a_firewall_that_sophos_bills_to_another_tenant_is_said(books: Books) -> None:
    beta = "  <Beta>: {name: Beta, company: BETA, agreement: Managed, sync: true}\n"
    yaml = ALPHA.replace("agreement: Managed", "agreement: Managed, firewalls: [c01234abc1cdef2]") + beta
    used = bill("tenant | code | units | serial\nAlpha | EP | 20 |\nBeta | EP | 1 | C01234ABC1CDEF2")
    said = books.plan(yaml=yaml, bill=used).said("firewall-claimed-elsewhere")
    assert "The row of Alpha lists the firewall C01234ABC1CDEF2, and Sophos bills it to Beta" in said


# --- nothing on the bill

OTHERS = "tenant | code | units\nRowan | EP | 1"
SILENT = bill(OTHERS)
SILENT_BEFORE = bill(OTHERS, OCTOBER)


@pytest.mark.parametrize(
    ("last", "months", "says"),
    [
        (bill(OTHERS + "\nAlpha | EP | 20", OCTOBER), 1, ""),
        (SILENT_BEFORE, 2, ", for at least two months"),
        (None, 1, ""),
        (bill("tenant | code | units", OCTOBER), 1, ""),
    ],
    ids=["first month", "second month", "last bill not known", "last bill empty"],
)
def test_from_the_second_month_on_a_customer_without_usage_is_said_to_be_so(
    books: Books, last: UsageMonth | None, months: int, says: str
) -> None:
    planned = books.plan(bill=SILENT, last=last)
    expect(planned, "Alpha MSP-EP #11 not counted 20→20 90.00→90.00 EUR")
    assert planned.reason == f"Sophos lists it and has nothing at all on its bill{says}"
    assert planned.plan.lines[0].months_without_usage == months
    assert f"on its bill{says}. Its lines stay as they are, and bill 90.00 EUR a month." in planned.said(
        "billed-without-usage"
    )


@pytest.mark.parametrize(
    ("tenants", "reason"),
    [
        ("tenant", "its tenant is no longer listed by Sophos"),
        ("tenant | status\nAlpha | suspended", "its tenant is suspended"),
        ("tenant | type\nAlpha | trial", "its tenant is billed as trial, not monthly"),
    ],
    ids=["gone", "suspended", "trial"],
)
def test_months_count_for_whoever_the_bill_does_not_speak_for(
    books: Books, tenants: str, reason: str
) -> None:
    silent = {"tenants": tenants, "bill": SILENT, "last": SILENT_BEFORE}
    planned = books.plan(**silent)
    assert planned.reason == f"{reason}; nothing of it is on the bill, for at least two months"
    assert planned.plan.lines[0].months_without_usage == 2
    on_the_bill = books.plan(**silent | {"bill": bill("tenant | code | units\nAlpha | EP | 20")})
    (row,) = on_the_bill.plan.lines
    assert (row.state.value, row.months_without_usage) == ("unchanged", 0)
    running = books.plan(**silent, closed=False)
    assert running.plan.lines[0].months_without_usage == 1, "a month that runs is not over"


def test_a_customer_that_is_said_to_end_or_is_held_has_been_answered(books: Books) -> None:
    ends = ALPHA.replace("agreement: Managed", "agreement: Managed, ended: 2026-12-31")
    hold = "holds:\n  - {customer: ALPHA, product: MSP-EP, quantity: 20, reason: r, until: 2026-12-31}\n"
    for yaml, state in ((ends, "not counted"), (ALPHA + hold, "unchanged")):
        planned = books.plan(yaml=yaml, bill=SILENT, last=SILENT_BEFORE)
        (row,) = planned.plan.lines
        assert (row.state.value, row.months_without_usage) == (state, 0)


def test_a_shared_line_waits_where_one_of_its_tenants_is_silent_and_another_is_not(books: Books) -> None:
    """The bill gives a part of its number: neither is the line in step, nor may that be written."""
    planned = books.plan(
        yaml=TWO,
        bill=bill("tenant | code | units\nAlpha | EP | 7"),
        last=bill("tenant | code | units\nAlpha | EP | 7", OCTOBER),
    )
    (row,) = planned.plan.lines
    assert row.state.value == "needs a decision"
    assert "the line is Alpha's as well, so that the bill gives a part of its number" in row.reason
    assert planned.writes == []


STILL_COUNTS = (
    "Sophos's bill still has usage of it, which counts; a line that would change waits for an approval. Its "
    "lines bill"
)


@pytest.mark.parametrize(
    ("used", "state", "code", "says"),
    [
        ("Rowan | EP | 1", "not counted", "billed-without-usage", "Its lines stay as they are, and bill"),
        (
            "Alpha | EP | 20",
            "unchanged",
            "tenant-changed",
            STILL_COUNTS,
        ),
    ],
    ids=["off the bill", "still on it"],
)
def test_a_term_licence_and_open_lines_may_bill_the_same_seats_twice(
    books: Books, used: str, state: str, code: str, says: str
) -> None:
    term = {"tenants": "tenant | type\nAlpha | term", "bill": bill(f"tenant | code | units\n{used}")}
    planned = books.plan(**term)
    expect(planned, f"Alpha MSP-EP #11 {state} 20→20 90.00→90.00 EUR")
    assert planned.said(code) == (
        "Alpha (ALPHA): its tenant is billed as term, not monthly: the same seats may be billed twice, by "
        f"the term licence and by lines that are still open. {says} 90.00 EUR a month. "
        "If the term licence is invoiced by itself, end these lines in ConnectWise and give the row "
        "`ended: DATE` or `exclude` with the reason. If these lines are what bills it, keep their quantities "
        "with holds."
    )
    assert "end these lines" not in books.plan(**term, lines="id | qty\n11 | 0").said(code)
