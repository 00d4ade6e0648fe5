"""Plans made by hand: lines, their money and their changes, nothing else."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from reconciler.model.census import Census, LineAccount, LineApart, LinesIn, UnitAccount, UnitsIn
from reconciler.model.change import Action, Basis, Change, Target
from reconciler.model.diagnostics import Location
from reconciler.model.field_change import FieldChange
from reconciler.model.lines import Amount, LineState, NotBilled, OldLine, PlannedLine
from reconciler.model.plan import Period, Plan
from reconciler.model.rests import LastWrite, Signed
from reconciler.reporting.console import console_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

NOVEMBER = Period("2026-11", "November 2026", "2026-10-26", "2026-11-25", closed=True)
INVOICE = date(2026, 12, 1)


def line(customer: str = "Safelog", **values: Any) -> PlannedLine:
    """A line that goes from 10 to 12 units at 4.50 EUR, unless said otherwise.

    Money follows from quantity, included units and price unless `sales` is given; numbers may be ints.
    """
    given: dict[str, Any] = {
        "tenants": ("t-1",),
        "company": customer.upper().replace(" ", ""),
        "agreement_id": 117,
        "agreement": "Managed Security",
        "product": "MSP-ENDPOINT",
        "line_id": 5512,
        "state": LineState.MORE,
        "reason": "",
        "before": 10,
        "after": 12,
        "unit_price": "4.50",
        "unit_cost": "2.00",
        "bill_customer": "Billable",
        "first_invoice": INVOICE,
        "source": Location("mappings/customers.yaml", 14),
        "given": "2026-11-27",
    } | values
    currency, places = given.pop("currency", "EUR"), given.pop("places", 2)
    for key in ("before", "after", "unit_price", "unit_cost", "included_before", "included_after"):
        if given.get(key) is not None:
            given[key] = Decimal(given[key])
    made = PlannedLine(customer=customer, **given)
    if "sales" not in given and made.before is not None and made.after is not None:
        billed = (
            max(Decimal(0), made.before - made.included_before) * made.unit_price,
            max(Decimal(0), made.after - made.included_after) * made.unit_price,
        )
        cost = (made.before * made.unit_cost, made.after * made.unit_cost)
        given |= {"sales": Amount(currency, *billed, places), "cost": Amount(currency, *cost, places)}
        made = PlannedLine(customer=customer, **given)
    return made


def new_line(customer: str = "Novo", **values: Any) -> PlannedLine:
    """A line of 12 units at 4.50 EUR that starts on 1 December; November stays unbilled."""
    given: dict[str, Any] = {
        "line_id": None,
        "state": LineState.NEW_LINE,
        "before": None,
        "sales": Amount("EUR", Decimal(0), Decimal(54)),
        "cost": Amount("EUR", Decimal(0), Decimal(24)),
        "starts": INVOICE,
        "price_source": "catalog",
        "not_billed": NotBilled(("2026-11",), Decimal(54)),
    } | values
    return line(customer, **given)


def moved(customer: str = "Quinta do Lago", **values: Any) -> PlannedLine:
    """40 seats of MSP-OLD on #12 at 4.50 that MSP-NEW bills at 9.90 from 1 December."""
    given: dict[str, Any] = {
        "line_id": None,
        "state": LineState.MOVES,
        "product": "MSP-NEW",
        "before": 40,
        "after": 40,
        "unit_price": "9.90",
        "sales": Amount("EUR", Decimal(180), Decimal(396)),
        "cost": Amount("EUR", Decimal(80), Decimal(100)),
        "starts": INVOICE,
        "ends": date(2026, 11, 30),
        "price_source": "catalog",
        "takes_over": (OldLine(117, "Managed Security", "MSP-OLD", 12, Decimal(40)),),
    } | values
    return line(customer, **given)


def ending(customer: str = "Velho", **values: Any) -> PlannedLine:
    """Line #5512 with 4 units, whose last billed day is 30 November."""
    given = {"state": LineState.ENDS, "before": 4, "after": 0, "ends": date(2026, 11, 30)} | values
    return line(customer, **given)


_WRITTEN = LastWrite("apirec", "2026-11-01T08:00:00Z")
_TERMS: dict[str, Any] = {
    "quantity": "40", "lessIncluded": "0", "unitPrice": "4.50", "billCustomer": "Billable",
    "cancelledDate": None, "effectiveDate": "2025-01-01", "serialNumber": None, "taxableFlag": False,
}  # fmt: skip


def signed_agreement(number: int) -> Signed:
    """A monthly agreement that is invoiced next on 1 December."""
    return Signed(number, (("company", 1), ("cycle", "Monthly"), ("nextInvoice", "2026-12-01")))


def creation_of(planned: PlannedLine, **values: Any) -> Change:
    """The change that creates a line, after the ends of those that it takes over."""
    place = planned.agreement_id or 0
    action = Action.MOVE_LINE if planned.takes_over else Action.CREATE_LINE
    part = f"serial/{planned.serial}" if planned.serial else ""
    target = Target(planned.product, None, place, part)
    fields = {
        "quantity": str(planned.after), "lessIncluded": "0", "unitPrice": str(planned.unit_price),
        "billCustomer": "Billable", "effectiveDate": "2026-12-01",
    }  # fmt: skip
    if planned.serial:
        fields["serialNumber"] = planned.serial
    given: dict[str, Any] = {
        "id": f"{action.value}:{target.key}",
        "action": action,
        "target": target,
        "reason": "usage and no line",
        "fields": tuple(FieldChange(name, None, value) for name, value in fields.items()),
        "write": f"{target.key}/new",
        "depends_on": tuple(f"agreement/{old.agreement_id}/line/{old.line_id}" for old in planned.takes_over),
        "expected_identifier": planned.product,
        "money": planned.sales,
        "basis": Basis(agreement=signed_agreement(place), agreements=(place,), products=(7,)),
    } | values
    return Change(**given)


def end_of(planned: PlannedLine, old: OldLine | None = None, **values: Any) -> Change:
    """The change that ends a row's own line, or one that it takes over."""
    if old is None:
        action, target = Action.END_LINE, Target(planned.product, planned.line_id, planned.agreement_id)
    else:
        action = Action.MOVE_LINE
        target = Target(old.product, old.line_id, old.agreement_id, f"line/{old.line_id}")
    basis = {name: value for name, value in _TERMS.items() if name != "cancelledDate"}
    given: dict[str, Any] = {
        "id": f"{action.value}:{target.key}",
        "action": action,
        "target": target,
        "reason": "it ends",
        "fields": (FieldChange("cancelledDate", None, "2026-11-30"),),
        "write": f"agreement/{target.agreement}/line/{target.id}",
        "expected_identifier": target.identifier,
        "money": planned.sales if old is None else None,
        "basis": Basis(
            tuple(sorted(basis.items())), signed_agreement(target.agreement or 0), written=_WRITTEN
        ),
    } | values
    return Change(**given)


def update_of(planned: PlannedLine, **values: Any) -> Change:
    """The change that writes a line's quantity, with what it rests on."""
    basis = {name: value for name, value in _TERMS.items() if name != "quantity"}
    given: dict[str, Any] = {
        "expected_identifier": planned.product,
        "basis": Basis(
            tuple(sorted(basis.items())), signed_agreement(planned.agreement_id or 0), written=_WRITTEN
        ),
    } | values
    return change_of(planned, **given)


def requests_of(planned: PlannedLine, **values: Any) -> tuple[Change, ...]:
    """All changes of a row, as the planner makes them."""
    ends = tuple(end_of(planned, old, **values) for old in planned.takes_over)
    if planned.starts is not None:
        return *ends, creation_of(planned, **values)
    return end_of(planned, **values) if planned.state is LineState.ENDS else update_of(
        planned, **values
    ), *ends


def plan(*lines: PlannedLine, **values: Any) -> Plan:
    """A plan of these lines on 27 November 2026, with November closed."""
    given: dict[str, Any] = {
        "tool": "reconciler 0",
        "site": "mappings",
        "owner": "main",
        "marker_custom_field": None,
        "instance": {"connectwiseHost": "cw.example", "connectwiseCompany": "msp", "sophosPartner": "p-1"},
        "today": "2026-11-27",
        "period": NOVEMBER,
        "config_hash": "sha256:0",
        "changes": (),
        "lines": lines,
    } | values
    return Plan(**given)


def apart(number: int = 71, account: str = "unexplained", word: str = "", **values: Any) -> LineApart:
    """20 units of MSP-EMAIL at 80.00 EUR that no row of the plan speaks of."""
    money = values.pop("money", "80.00")
    given: dict[str, Any] = {
        "agreement_id": 300,
        "agreement": "Managed IT",
        "company": "BIRCH",
        "company_name": "Birch & Sons",
        "product": "MSP-EMAIL",
        "quantity": Decimal(20),
        "reason": "no customer row speaks of it",
        "remedy": "give the customer a row",
        "sales": None if money is None else Amount("EUR", Decimal(money), Decimal(money)),
        "next_invoice": INVOICE,
        "last_writer": "apirec",
        "last_written": "2026-10-27T10:00:00Z",
    } | values
    return LineApart(line_id=number, account=LineAccount(account), word=word, **given)


def census(
    *lines: tuple[str, int] | tuple[str, int, str] | LineApart,
    units: tuple[tuple[str, int] | tuple[str, int, str], ...] = (("billed", 10),),
    total: int | None = None,
    unit_total: int | None = None,
) -> Census:
    """A census that closes unless a total is given: accounts as (account, lines, word), and lines apart.

    A line of an account bills 4.50 EUR for each of 10 units, a unit costs 2.00 USD at Sophos.
    """
    one_by_one = [line for line in lines if isinstance(line, LineApart)]
    parts: dict[tuple[LineAccount, str], LinesIn] = {}
    for entry in lines:
        if isinstance(entry, LineApart):
            account, count, word, each = entry.account, 1, entry.word, entry.sales
            money = {} if each is None else {each.currency: each.before}
            quantity = entry.quantity
        else:
            account, count, word = LineAccount(entry[0]), entry[1], "".join(entry[2:])
            money, quantity = {"EUR": Decimal("45.00") * count}, Decimal(10 * count)
        before = parts.get((account, word), LinesIn(account, word, 0, Decimal(0)))
        added = {name: before.money.get(name, Decimal(0)) + money.get(name, Decimal(0))
                 for name in {*before.money, *money}}  # fmt: skip
        parts[account, word] = LinesIn(account, word, before.lines + count, before.units + quantity, added)
    of_units = [
        UnitsIn(UnitAccount(entry[0]), "".join(entry[2:]), Decimal(entry[1]), {"USD": Decimal(2 * entry[1])})
        for entry in units
    ]
    order, order_of_units = list(LineAccount), list(UnitAccount)
    return Census(
        line_total=sum(part.lines for part in parts.values()) if total is None else total,
        unit_total=sum((part.units for part in of_units), Decimal(0))
        if unit_total is None
        else Decimal(unit_total),
        lines=tuple(sorted(parts.values(), key=lambda part: (order.index(part.account), part.word))),
        units=tuple(sorted(of_units, key=lambda part: (order_of_units.index(part.account), part.word))),
        apart=tuple(one_by_one),
    )


def change_of(planned: PlannedLine, **values: Any) -> Change:
    """The change that writes a line."""
    target = Target(planned.product, planned.line_id, planned.agreement_id)
    given: dict[str, Any] = {
        "id": f"update_line:{target.key}",
        "action": Action.UPDATE_LINE,
        "target": target,
        "reason": "usage",
        "fields": (FieldChange("quantity", str(planned.before), str(planned.after)),),
        "write": f"line/{planned.line_id}",
        "money": planned.sales,
    } | values
    return Change(**given)


def product_change(identifier: str = "MSP-GOLD", **values: Any) -> Change:
    """A change of a product."""
    given: dict[str, Any] = {
        "id": f"edit_product:product/{identifier}",
        "action": Action.EDIT_PRODUCT,
        "target": Target(identifier, 7),
        "reason": "description differs",
        "fields": (FieldChange("description", "old", "new"),),
        "write": f"product/{identifier}",
    } | values
    return Change(**given)


def printed(write: Callable[[Console], None]) -> str:
    """What it prints where no terminal is."""
    out = io.StringIO()
    write(console_for(out, {}))
    return out.getvalue()
