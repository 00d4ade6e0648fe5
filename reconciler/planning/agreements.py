"""Which agreement a customer is billed on, chosen as of the day that counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from reconciler.model.identifiers import identifier_key

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from reconciler.model.billing import Agreement, Recap
    from reconciler.model.desired import AgreementSelector

RENEWAL_DAYS = 60


@dataclass(frozen=True)
class Choice:
    """The agreement, or a code, what is wrong and what to do."""

    agreement: Agreement | None
    code: str = ""
    problem: str = ""
    remedy: str = ""


def day_that_counts(agreement: Agreement, today: date) -> date:
    """The day a new line would start: the next invoice date; today where the agreement names none."""
    return agreement.next_invoice or today


def choose_agreement(selector: AgreementSelector, of_company: Iterable[Agreement], today: date) -> Choice:
    """The one agreement of a company that the selector names and that is in force on its own day.

    A child agreement is meant only where it is named, by its name or id: a type or the same name on the
    parent means the parent.
    """
    agreements = sorted(of_company, key=lambda a: a.id)
    named = [a for a in agreements if is_named(a, selector)]
    candidates = [a for a in named if a.in_force(day_that_counts(a, today)) and not _never_recurs(a)]
    if selector.id is None and any(a.parent_id is None for a in candidates):
        candidates = [a for a in candidates if a.parent_id is None]
    if len(candidates) == 1:
        return Choice(candidates[0])
    if candidates:
        return Choice(
            None,
            "agreement-ambiguous",
            f"{len(candidates)} agreements match {selector_text(selector)}: {_listed(candidates)}",
            "Name the one that counts by its id: agreement: {id: …}.",
        )
    if named:
        return Choice(
            None,
            "agreement-not-in-force",
            f"no agreement that matches {selector_text(selector)} is in force: {_listed(named)}",
            "Renew it in ConnectWise, or name the agreement that follows it.",
        )
    others = f"; the company has {_listed(agreements)}" if agreements else "; the company has none"
    return Choice(
        None,
        "agreement-not-found",
        f"no agreement matches {selector_text(selector)}{others}",
        "Correct the name, type or id of the agreement.",
    )


def is_named(agreement: Agreement, selector: AgreementSelector) -> bool:
    """Whether a selector speaks of the agreement, in force or not."""
    if selector.id is not None:
        return agreement.id == selector.id
    if selector.name is not None:
        return identifier_key(agreement.name) == identifier_key(selector.name)
    wanted = identifier_key(selector.type or "")
    return identifier_key(agreement.type_name) == wanted and agreement.parent_id is None


def _never_recurs(agreement: Agreement) -> bool:
    return agreement.one_time or agreement.cycle == "NotRecurring"


def selector_text(selector: AgreementSelector) -> str:
    """As the row writes it: `"Managed Security"`, `id 1234`, `type MSP`."""
    if selector.id is not None:
        return f"id {selector.id}"
    return f'"{selector.name}"' if selector.name is not None else f"type {selector.type}"


def _listed(agreements: Iterable[Agreement]) -> str:
    return "; ".join(describe(agreement) for agreement in agreements)


def describe(agreement: Agreement) -> str:
    """An agreement with what tells it from others: id, type, dates, state and parent."""
    dates = f"{agreement.start or '?'} to {agreement.end or 'open'}"
    parts = [f'#{agreement.id} "{agreement.name.strip()}"', f"type {agreement.type_name.strip()}", dates]
    if agreement.cancelled:
        parts.append(f"cancelled {agreement.cancelled_on or ''}".strip())
    if _never_recurs(agreement):
        parts.append("not recurring")
    if agreement.parent_id is not None:
        parts.append(f"child of #{agreement.parent_id} {agreement.parent_name}".strip())
    return ", ".join(parts)


def invoice_problem(agreement: Agreement, recap: Recap | None, take: str | None) -> tuple[str, str]:
    """Why a quantity cannot be written now although the agreement is the right one, and what to do."""
    if agreement.next_invoice is None:
        return (
            "the agreement has no next invoice date, so it is not known which invoice would show it",
            "Set the next invoice date in ConnectWise.",
        )
    if recap is not None and recap.unbilled_periods is not None and recap.unbilled_periods > 1:
        return (
            f"{recap.unbilled_periods} periods are not invoiced yet; a new quantity would change all of them",
            "Make the older invoices first.",
        )
    if agreement.cycle not in ("", "Monthly") and take != "last":
        return (
            f"the agreement is invoiced {agreement.cycle.lower()}, and a month's usage is not that cycle's",
            "Say `take: last` under lines (the newest closed month counts); others are not supported yet.",
        )
    return "", ""


def renewal_warning(agreement: Agreement, today: date) -> str:
    """What to say of an agreement that ends within 60 days; nothing for others."""
    if agreement.end is None or agreement.end > today + timedelta(days=RENEWAL_DAYS):
        return ""
    return f"{describe(agreement)} ends on {agreement.end}"
