"""Makes the next recurring invoice of an agreement, as the accountant at ConnectWise would, and undoes one.

The vendor documents POST /finance/agreements/{id}/invoice with no body and an integer as its answer, which is
taken to be the invoice's id. Invoices hold additions only: an agreement's own amount, adjustments, time and
tax are not made up here. They are kept in the world's table "invoices", in the order they were made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.sandbox.billing import (
    Rules,
    day_of,
    made_up,
    schedule_of,
    shares_of,
)
from reconciler.sandbox.errors import bad_request, record_not_found
from reconciler.sandbox.parts import midnight

if TYPE_CHECKING:
    from datetime import date

    from reconciler.sandbox.billing import Period, Schedule, Share
    from reconciler.sandbox.site import Site
    from reconciler.sandbox.world import Row

_FIRST_NUMBER = 50_000
#: The first day of an addition that has none.
_ALWAYS = "0001-01-01"
_ACCOUNTANT = "accountant"


def make_invoice(site: Site, agreement_id: int) -> Row:
    """Bills the period that begins on the agreement's nextInvoiceDate, and moves that date on by one cycle.

    The invoice has `invoiceNumber`, `agreementId`, `company`, `billToCompany`, `currency`, `date`, the
    period's `firstDay` and `lastDay`, the `servicePeriod` it names, `total`, and `lines` with `additionId`,
    `identifier`, `quantity` (above what is included), `unitPrice`, `days` of `ofDays`, `amount` and `text`.
    Raises Refused: 404 without such an agreement, 400 for one that has no period to bill.
    """
    world = site.world
    agreement = world.tables["agreements"].get(agreement_id)
    if agreement is None:
        raise record_not_found("Agreement", agreement_id)
    first = day_of(agreement.get("nextInvoiceDate"))
    if first is None:
        raise bad_request(f"Agreement {agreement_id} has no next invoice date.")
    if not in_force(agreement, first):
        raise bad_request(f"Agreement {agreement_id} is not in force on {first}.")
    schedule = schedule_of(world, agreement, first)
    period = schedule.period(first)
    if period is None:
        raise bad_request(f"The billing cycle of agreement {agreement_id} does not recur.")
    rules, additions = Rules.of(site.quirks), world.additions_of(agreement_id)
    shares = [(row, share) for row in additions for share in shares_of(world, agreement, row, period, rules)]
    invoice = _store(site, agreement, first, shares)
    invoice |= {
        "firstDay": midnight(first),
        "lastDay": midnight(period.last),
        "servicePeriod": _service_period(agreement, period, schedule),
        "anchorDay": schedule.anchor,
        "wholeDays": period.whole,
        "seen": {row["id"]: row.get("effectiveDate") or _ALWAYS for row in additions},
    }
    agreement["nextInvoiceDate"] = midnight(period.following)
    recap = _write_recap(site, invoice)
    for stored in ("nextInvoiceDate", "nextInvoiceAmount"):
        recap.pop(stored, None)  # what a test has set held for the invoice that is made now
    recap["unbilledPeriods"] = _waiting(site, period, schedule)
    if site.quirks["invoice-stamps-lines"] == "yes":
        stamp = {"lastUpdated": site.moment(), "updatedBy": _ACCOUNTANT}
        for number in {row["id"] for row, _ in shares}:
            row = world.addition(number)
            row["_info"] = {**row.get("_info", {}), **stamp}
    return invoice


def make_up_now(site: Site, agreement: Row, addition: Row) -> Row | None:
    """The invoice of its own for the days that invoiced periods owe of an addition; None where they owe none.

    Only an agreement that bills prorated additions at once has such invoices (taken to be what
    `invoiceProratedAdditionsFlag` says). Its next invoice date stays.
    """
    following = day_of(agreement.get("nextInvoiceDate"))
    if not agreement.get("invoiceProratedAdditionsFlag") or following is None:
        return None
    if addition["billCustomer"] != "Billable":
        return None
    found = list(made_up(site.world, agreement, addition, following, Rules.of(site.quirks)))
    if not found:
        return None
    invoice = _store(site, agreement, site.clock().date(), [(addition, share) for share in found])
    _write_recap(site, invoice)
    return invoice


def undo_invoice(site: Site, number: int) -> None:
    """Deletes the newest invoice of an agreement: its period waits to be invoiced again.

    Raises Refused: 404 without such an invoice, 400 where the agreement has a newer one.
    """
    world = site.world
    invoice = world.tables["invoices"].get(number)
    if invoice is None:
        raise record_not_found("Invoice", number)
    agreement_id = invoice["agreementId"]
    if any(row["id"] > number for row in world.rows("invoices") if row["agreementId"] == agreement_id):
        raise bad_request(f"Agreement {agreement_id} has a newer invoice than {number}.")
    _keep(site, agreement_id)
    del world.tables["invoices"][number]
    world.tables["recaps"][agreement_id] = dict(invoice["recapBefore"])
    if invoice["firstDay"] is not None:
        world.agreement(agreement_id)["nextInvoiceDate"] = invoice["firstDay"]


def make_invoices(site: Site, day: date) -> list[Row]:
    """Bills every agreement in force whose nextInvoiceDate is that day, in the order of their ids.

    Agreements whose cycle does not recur are left out.
    """
    due = [
        row["id"]
        for row in site.world.rows("agreements")
        if day_of(row.get("nextInvoiceDate")) == day
        and in_force(row, day)
        and schedule_of(site.world, row, day).period(day) is not None
    ]
    return [make_invoice(site, number) for number in due]


def in_force(agreement: Row, day: date) -> bool:
    """Whether the agreement is active and runs on that day."""
    if agreement.get("agreementStatus", "Active") != "Active":
        return False
    end, cancelled = day_of(agreement.get("endDate")), day_of(agreement.get("dateCancelled"))
    if end is not None and day > end:
        return False
    return not agreement.get("cancelledFlag") or (cancelled is not None and day < cancelled)


def _keep(site: Site, agreement_id: int) -> None:
    site.history.keep(site.world, "agreements", agreement_id)
    site.history.keep(site.world, "recaps", agreement_id)


def _store(site: Site, agreement: Row, day: date, shares: list[tuple[Row, Share]]) -> Row:
    """A new invoice that bills no period yet, with the lines of these shares."""
    world, number = site.world, site.world.next_id("invoices")
    _keep(site, agreement["id"])
    lines = [_line(site, row, share) for row, share in shares]
    return world.insert("invoices", {
        "id": number,
        "invoiceNumber": str(_FIRST_NUMBER + number),
        "agreementId": agreement["id"],
        "company": dict(agreement["company"]),
        "billToCompany": dict(agreement.get("billToCompany") or agreement["company"]),
        "currency": (agreement.get("currency") or {}).get("currencyCode"),
        "date": midnight(day),
        "firstDay": None,
        "lastDay": None,
        "servicePeriod": "",
        "lines": lines,
        "total": round(sum(line["amount"] for line in lines), 4),
        "madeUp": [
            {"additionId": row["id"], "firstDay": midnight(share.period.first), "begins": str(share.begins)}
            for row, share in shares
            if share.begins is not None
        ],
        "recapBefore": dict(world.tables["recaps"].get(agreement["id"], {"id": agreement["id"]})),
    })  # fmt: skip


def _line(site: Site, row: Row, share: Share) -> Row:
    item = site.world.tables["catalog"].get(row["product"]["id"], {})
    text = row.get("invoiceDescription") or item.get("description") or ""
    if share.begins is not None:
        text = f"{text} This item has been prorated with a start date of {share.begins}.".strip()
    return {
        "additionId": row["id"],
        "identifier": item.get("identifier", row["product"].get("identifier")),
        "quantity": float(share.quantity),
        "unitPrice": row.get("unitPrice") or 0.0,
        "days": share.days,
        "ofDays": share.of_days,
        "amount": float(share.amount),
        "text": text,
    }


def _service_period(agreement: Row, period: Period, schedule: Schedule) -> str:
    """The days that the invoice says it is for; they change nothing about what it bills."""
    kind = agreement.get("periodType")
    after = schedule.period(period.following) or period
    first, last = {
        "Current": (period.first, period.last),
        "Future": (after.first, after.last),
        "Both": (period.first, after.last),
    }.get(str(kind), (None, None))
    return f"{first} to {last}" if first is not None else ""


def _write_recap(site: Site, invoice: Row) -> Row:
    recap = site.world.tables["recaps"].setdefault(invoice["agreementId"], {"id": invoice["agreementId"]})
    recap |= {
        "lastInvoiceDate": invoice["date"],
        "lastInvoiceNumber": invoice["invoiceNumber"],
        "lastInvoiceAmount": f"{invoice['total']:.2f}",
    }
    return recap


def _waiting(site: Site, period: Period, schedule: Schedule) -> int:
    """How many periods after this one are due by now."""
    waiting, day, today = 0, period.following, site.clock().date()
    while day <= today and (later := schedule.period(day)) is not None:
        waiting, day = waiting + 1, later.following
    return waiting
