"""Why an open line that may bill a wanted line's seats does not end for it unasked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.model.approving import given_text
from reconciler.model.identifiers import identifier_key
from reconciler.model.money import plain
from reconciler.planning.allocation.writers import is_ours, taken_by_hand, writer_text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from datetime import date
    from decimal import Decimal

    from reconciler.model.billing import Agreement, Line
    from reconciler.model.desired import Approval, Customer, Protected, Settings
    from reconciler.planning.allocation.open_lines import Open
    from reconciler.planning.products.managed import Products
    from reconciler.planning.usage.cells import Cell


@dataclass(frozen=True)
class Rules:
    """By what it is judged whether a line may end unasked.

    `closed` is the last day of the counted month's windows; `expected` gives, for a line of another product,
    what last month's bill gives for it; `approved` finds the approval that lets a line (by company, tenants
    and product label) go from its quantity to zero. `of_strangers` are the units of tenants without a synced
    row, by code; `on_last_bill` the tenants on last month's bill, None where it is not known. `by_our_hand`
    are the products, by record id, of which our member wrote some line of the site last.
    """

    settings: Settings
    expected: Callable[[Cell, Open], Decimal | None]
    approved: Callable[[Cell, Open, str], Approval | None]
    protected: tuple[Protected, ...]
    today: date
    closed: date
    of_strangers: Mapping[str, Collection[Decimal]] = field(default_factory=dict)
    on_last_bill: Collection[str] | None = None
    by_our_hand: frozenset[int] = frozenset()

    def is_ours(self, line: Line) -> bool:
        """Whether the member that we write as wrote the line last."""
        return is_ours(line, self.settings)


def why_not(
    cell: Cell,
    line: Open,
    products: Products,
    rules: Rules,
    *,
    twin: bool,
    told: bool,
    elsewhere: bool,
    by_our_hand: bool,
    moved: Sequence[Customer] = (),
) -> str:
    """Why the line may not end unasked; nothing where it may (the flags are those of a claim).

    `moved` are the rows which say that their customers were billed there.
    """
    if cell.agreement is None:
        return "no agreement could be chosen for the line that bills them from now on"
    if by_our_hand:
        return _untagged(cell, line, rules)
    if elsewhere and not told:
        return _at_another_company(cell, line, rules, moved)
    if line.line.cancelled is not None:
        day = line.line.cancelled
        return f"somebody ends it on {day}: take that date back or bring it forward in ConnectWise"
    if line.line.quantity < 0:
        return "it is a credit, which no other line takes over: end it in ConnectWise, or leave it by a row"
    label = line.line.product_identifier.strip()
    others = products.owned_by_others(line.line.product_id)
    if others:
        return f"the tag of {label} is of owner {others}: have them let go of it first, or end that line"
    guard = _protected(line, products, rules.protected)
    if guard or rules.approved(cell, line, label) is not None:
        return guard
    if _are_family(cell.agreement, line.agreement) and not told:
        return "correct the agreement of the row, end that line, or say `movedFrom`"
    if not told and cell.agreement.company_id != line.agreement.company_id:
        return "it is on an agreement of another company: end it in ConnectWise, or exclude one of the two"
    if rules.is_ours(line.line):
        return ""
    if twin and not told:
        return (
            "correct the agreement of the row, or end that line; if the customer has moved from there, say "
            "`movedFrom`"
        )
    return _set_by_hand(cell, line, rules)


def _set_by_hand(cell: Cell, line: Open, rules: Rules) -> str:
    expected, who = rules.expected(cell, line), writer_text(line.line)
    if taken_by_hand(line.line, rules.settings, rules.closed):
        who += f", after the month had closed on {rules.closed}"
    elif expected is not None and expected == line.line.quantity:
        return ""
    would = "what last month's bill gives for it is not known"
    if expected is not None:
        would = f"last month's bill gives {plain(expected)}"
    answer = approval_to_end(cell, line, rules)
    return f"its quantity was set by {who}, and {would}. To let it end, add under approvals: {answer}"


def approval_to_end(cell: Cell, line: Open, rules: Rules) -> str:
    """The approval that lets the line end, as YAML."""
    given = given_text([line.line.last_updated], rules.today)
    return (
        f"{{customer: {cell.company}, product: {line.line.product_identifier.strip()}, from: "
        f"{plain(line.line.quantity)}, upTo: 0, given: {given}, reason: …, until: …}}"
    )


def _at_another_company(cell: Cell, line: Open, rules: Rules, moved: Sequence[Customer]) -> str:
    """The question whether the customer has moved, with the word that says so; or whether who has is done."""
    if moved:
        names = " + ".join(row.name or row.tenant_id for row in moved)
        return (
            f"it has their number, and the row of {names} says that it bills {names} (`movedFrom`), whose "
            f"line is in step without it. If it is left from that move, end it in ConnectWise; if it bills "
            f"{' + '.join(cell.names())}, take that word out of the row of {names} and say it here"
        )
    company = line.agreement.company_identifier.strip()
    by = "we wrote it" if rules.is_ours(line.line) else f"{writer_text(line.line)} wrote it"
    return (
        f"{by}, and no row that is synced speaks of it. If {' + '.join(cell.names())} was billed there, say "
        f"`movedFrom: {{company: {company}}}` in its row, and the line moves. If it is another customer's, "
        f"give that one a row under `customers`, or end the line"
    )


def or_theirs(line: Open, beside: Cell) -> str:
    """The question whether a line is of a customer that is not synced, with the words for both answers."""
    label, names = line.line.product_identifier.strip(), " + ".join(beside.names())
    return (
        f"it may be {names}'s, who is not synced, and has not their number. If it is, say `lines: {{{label}: "
        f"{{line: {line.line.id}}}}}` in the row of {names}; if not, say `movedFrom: {{agreement: {{id: "
        f"{line.agreement.id}}}}}` in the row of the customer that it bills"
    )


def _untagged(cell: Cell, line: Open, rules: Rules) -> str:
    label = line.line.product_identifier.strip()
    by = "we wrote it" if rules.is_ours(line.line) else "we wrote other lines of that product"
    return (
        f"{by}, and no Sophos code of {cell.product.label} feeds it by its tag. If it bills these seats, say "
        f"`{cell.product.label}: {{replaces: [{label}]}}` under products, and it ends where the new line "
        "starts; otherwise end it in ConnectWise"
    )


def _are_family(agreement: Agreement, other: Agreement) -> bool:
    """Parent and child, or children of one parent: each may well bill the same product."""
    if agreement.id == other.id:
        return False
    siblings = agreement.parent_id is not None and agreement.parent_id == other.parent_id
    return siblings or agreement.id == other.parent_id or other.id == agreement.parent_id


def _protected(line: Open, products: Products, protected: Iterable[Protected]) -> str:
    managed = products.of_item(line.line.product_id)
    names = {identifier_key(line.line.product_identifier)}
    if managed is not None:
        names.add(identifier_key(managed.label))
    found = next((p for p in protected if p.kind == "product" and p.key in names), None)
    if found is None:
        return ""
    return f"{found.text} is protected: take it off the protected list in a reviewed change, if that is meant"
