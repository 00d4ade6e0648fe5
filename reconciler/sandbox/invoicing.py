"""Makes the next recurring invoice of an agreement, as the accountant at ConnectWise would.

The vendor documents POST /finance/agreements/{id}/invoice with no body and an integer as its answer, which is
taken to be the invoice's id. Invoices hold additions only: an agreement's own amount, adjustments, time and
tax are not made up here. They are kept in the world's table "invoices", in the order they were made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.sandbox.billing import Period, anchor_of, cycle_of, day_of, period_from, share_of
from reconciler.sandbox.errors import bad_request, record_not_found
from reconciler.sandbox.parts import midnight

if TYPE_CHECKING:
    from datetime import date

    from reconciler.sandbox.site import Site
    from reconciler.sandbox.world import Row

_FIRST_NUMBER = 50_000
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
    anchor = anchor_of(agreement, first, _last_anchor(site, agreement_id))
    cycle = cycle_of(world, agreement)
    period = period_from(first, cycle, anchor)
    if period is None:
        raise bad_request(f"The billing cycle of agreement {agreement_id} does not recur.")
    lines = _lines(site, agreement, period)
    number = world.next_id("invoices")
    invoice = world.insert("invoices", {
        "id": number,
        "invoiceNumber": str(_FIRST_NUMBER + number),
        "agreementId": agreement_id,
        "company": dict(agreement["company"]),
        "billToCompany": dict(agreement.get("billToCompany") or agreement["company"]),
        "currency": (agreement.get("currency") or {}).get("currencyCode"),
        "date": midnight(first),
        "firstDay": midnight(first),
        "lastDay": midnight(period.last),
        "servicePeriod": _service_period(agreement, period, cycle, anchor),
        "anchorDay": anchor,
        "lines": lines,
        "total": round(sum(line["amount"] for line in lines), 2),
    })  # fmt: skip
    agreement["nextInvoiceDate"] = midnight(period.following)
    _write_recap(site, invoice, period, cycle, anchor)
    if site.quirks["invoice-stamps-lines"] == "yes":
        stamp = {"lastUpdated": site.moment(), "updatedBy": _ACCOUNTANT}
        for line in lines:
            row = world.addition(line["additionId"])
            row["_info"] = {**row.get("_info", {}), **stamp}
    return invoice


def make_invoices(site: Site, day: date) -> list[Row]:
    """Bills every agreement in force whose nextInvoiceDate is that day, in the order of their ids.

    Agreements whose cycle does not recur are left out.
    """
    due = [
        row["id"]
        for row in site.world.rows("agreements")
        if day_of(row.get("nextInvoiceDate")) == day
        and in_force(row, day)
        and period_from(day, cycle_of(site.world, row), day.day) is not None
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


def _last_anchor(site: Site, agreement_id: int) -> int:
    number = site.world.tables["recaps"].get(agreement_id, {}).get("lastInvoiceNumber") or ""
    made = int(number) - _FIRST_NUMBER if str(number).isdecimal() else 0
    last = site.world.tables["invoices"].get(made, {})
    return int(last["anchorDay"]) if last.get("agreementId") == agreement_id else 0


def _lines(site: Site, agreement: Row, period: Period) -> list[Row]:
    found = []
    last_day_bills = site.quirks["cancelled-day"] == "last-billed"
    for row in site.world.additions_of(agreement["id"]):
        share = share_of(agreement, row, period, last_day_bills=last_day_bills)
        if share is None:
            continue
        item = site.world.tables["catalog"].get(row["product"]["id"], {})
        found.append({
            "additionId": row["id"],
            "identifier": item.get("identifier", row["product"].get("identifier")),
            "quantity": float(share.quantity),
            "unitPrice": row.get("unitPrice") or 0.0,
            "days": share.days,
            "ofDays": period.days,
            "amount": float(share.amount),
            "text": row.get("invoiceDescription") or item.get("description") or "",
        })  # fmt: skip
    return found


def _service_period(agreement: Row, period: Period, cycle: str, anchor: int) -> str:
    """The days that the invoice says it is for; they change nothing about what it bills."""
    kind = agreement.get("periodType")
    after = period_from(period.following, cycle, anchor) or period
    first, last = {
        "Current": (period.first, period.last),
        "Future": (after.first, after.last),
        "Both": (period.first, after.last),
    }.get(str(kind), (None, None))
    return f"{first} to {last}" if first is not None else ""


def _write_recap(site: Site, invoice: Row, period: Period, cycle: str, anchor: int) -> None:
    recap = site.world.tables["recaps"].setdefault(invoice["agreementId"], {"id": invoice["agreementId"]})
    for stored in ("nextInvoiceDate", "nextInvoiceAmount"):
        recap.pop(stored, None)  # what a test has set held for the invoice that is made now
    waiting, day, today = 0, period.following, site.clock().date()
    while day <= today:
        waiting += 1
        later = period_from(day, cycle, anchor)
        day = later.following if later is not None else today
    recap |= {
        "lastInvoiceDate": invoice["date"],
        "lastInvoiceNumber": invoice["invoiceNumber"],
        "lastInvoiceAmount": f"{invoice['total']:.2f}",
        "unbilledPeriods": waiting,
    }
