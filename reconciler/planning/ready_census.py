"""What a plan's census says about an invoice date: the open lines that no row speaks of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.census import OPEN_LINES, OPEN_UNITS, LineAccount
from reconciler.model.census_check import CENSUS_OPEN, census_problem
from reconciler.model.counts import number_of
from reconciler.model.identifiers import identifier_key
from reconciler.model.money import money_text
from reconciler.model.verdict import (
    Reason,
    ReasonKind,
    customer_key,
    has_open_accounts,
    needs_person,
    open_apart,
    open_beside,
    rounded,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from reconciler.model.census import LineApart
    from reconciler.model.plan import Plan

_NO_REMEDY = "Give it a row or a word in the configuration, or end it in ConnectWise."


def open_on(plan: Plan, invoice_date: date) -> list[LineApart]:
    """The open lines beside the rows that this invoice bills, or that have no invoice date."""
    every = (*open_apart(plan), *open_beside(plan))
    here = [line for line in every if line.next_invoice in (None, invoice_date)]
    return sorted(
        here, key=lambda line: (line.company_name.casefold(), line.agreement.casefold(), line.line_id)
    )


def left_on(plan: Plan, invoice_date: date) -> list[LineApart]:
    """The open lines beside the rows that this invoice bills and that a word leaves as they are."""
    apart = () if plan.census is None else plan.census.apart
    return [line for line in apart if line.account is LineAccount.LEFT and line.next_invoice == invoice_date]


def about_open(plan: Plan, lines: Iterable[LineApart]) -> list[Reason]:
    """A reason for each of these lines, under the name that the rows of its customer have."""
    names = Names(plan)
    return [
        Reason(
            ReasonKind.UNEXPLAINED if line.account is LineAccount.UNEXPLAINED else ReasonKind.DECISION,
            f"{_account(line)}: {line.reason.rstrip('.')}{_bills(line)}",
            line.remedy or _NO_REMEDY,
            **names.of(line),
            agreement=line.agreement,
            product=line.product,
            line_id=line.line_id,
            source=line.source,
        )
        for line in lines
    ]


class Names:
    """What the customers of a plan's rows are called, by company."""

    def __init__(self, plan: Plan) -> None:
        self._rows = {customer_key(line): line for line in plan.lines}

    def of(self, line: LineApart) -> dict[str, str]:
        """The customer and the company of a line: those of the customer's rows, where it has some."""
        row = self._rows.get(company_key(line))
        if row is None:
            customer = line.company_name or line.company
            return {"customer": customer, "company": line.company, "company_name": line.company_name}
        return {"customer": row.customer, "company": row.company, "company_name": row.company_name}


def company_key(line: LineApart) -> str:
    """The key of its customer, as `verdict.customer_key` makes it of a row."""
    return identifier_key(line.company)


def about_identities(plan: Plan) -> list[Reason]:
    """What is wrong with the census as a whole, where no line of the plan says it."""
    problem = census_problem(plan.census)
    if problem is not None:
        if any(said.code == CENSUS_OPEN for said in plan.diagnostics):
            return []
        return [Reason(ReasonKind.PROBLEM, f"[{problem.code}] {problem.message}", problem.remedy)]
    census = plan.census if has_open_accounts(plan) else None
    if census is None or open_apart(plan) or any(map(needs_person, plan.lines)) or plan.blocked:
        return []
    said = [
        (number_of(part.lines, "open line"), account.value, part.word)
        for account in OPEN_LINES
        for part in census.lines
        if part.account is account and part.lines
    ]
    said += [
        (f"{number_of(part.units, 'unit')} on Sophos's bill", part.account.value, part.word)
        for part in census.units
        if part.account in OPEN_UNITS and part.units
    ]
    return [
        Reason(
            ReasonKind.DECISION,
            f"{what} {account}: {word or 'no line of the plan says why'}",
            "See the plan's messages.",
        )
        for what, account, word in said
    ]


def _account(line: LineApart) -> str:
    return line.account.value if line.account is LineAccount.UNEXPLAINED else "waits for a decision"


def _bills(line: LineApart) -> str:
    units = f". It has {number_of(line.quantity, 'unit')}"
    if line.sales is None:
        return units
    money = rounded(line.sales)
    return f"{units} and bills {money_text(money.before, money.places)} {money.currency} a month"
