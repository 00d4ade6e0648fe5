"""The account of every unit on Sophos's bill: on a line, or why on none."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from reconciler.model.census import UnitAccount
from reconciler.model.lines import WRITTEN, LineState
from reconciler.planning.accounts.left_lines import NOT_SYNCED
from reconciler.planning.customers.parties import TERM, is_excluded
from reconciler.planning.usage.bills import claimed_serials
from reconciler.planning.usage.cells import excludes
from reconciler.planning.usage.quantities import ZERO, each_once, own_codes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import date

    from reconciler.model.desired import Customer, Desired, Override, Row
    from reconciler.model.observed import Tenant, UsageLine, UsageMonth
    from reconciler.planning.lines.judged import Judged

#: A tenant (None: nobody's), a code, and a serial number.
Seat = tuple[str | None, str, str]
_TRIAL = "trial"
#: The word that leaves out the units of a customer that has left.
ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Units:
    """Units of one tenant, code and serial number with their account, and their value at Sophos by currency.

    `word` is the reason why they are excluded. `row` is the key of the row that has them.
    """

    seat: Seat
    account: UnitAccount
    units: Decimal
    value: Mapping[str, Decimal]
    word: str = ""
    row: str = ""


def account_units(
    month: UsageMonth,
    desired: Desired,
    tenants: Iterable[Tenant],
    judged: Iterable[Judged],
    today: date,
    *,
    ended: Collection[str] = frozenset(),
) -> list[Units]:
    """Every unit of the month's bill with its account; one order line that comes twice counts once.

    `ended` are the tenants whose row ends before the next invoice: no line is to bill them any more.
    """
    words = _Words(desired, {tenant.id: tenant for tenant in tenants}, today)
    rows = _rows_of_seats(judged, own_codes(desired.rows))
    pools = {row.row.key: row.row.included_after for found in rows.values() for row in found}
    serials = {serial: row.tenant_id for serial, row in claimed_serials(desired).items()}
    found: list[Units] = []
    for seat, lines in _seats(month, serials).items():
        units = sum((line.billable for line in lines), ZERO)
        if not units:
            continue
        value = _value(lines)
        account, word = words.of(seat[0], seat[1])
        if account is not None:
            found.append(Units(seat, account, units, value, word))
            continue
        own = _rows_of(rows, seat)
        if seat[0] in ended and all(row.row.state is LineState.ENDS for row in own):
            found.append(Units(seat, UnitAccount.EXCLUDED, units, value, ENDED))
            continue
        found += _on_rows(seat, units, value, own, pools)
    return found


def total_units(month: UsageMonth) -> Decimal:
    """The units on the month's bill, counted from its lines."""
    return sum((line.billable for line in each_once(month.lines or ())), ZERO)


def _seats(month: UsageMonth, serials: Mapping[str, str]) -> dict[Seat, list[UsageLine]]:
    found: dict[Seat, list[UsageLine]] = defaultdict(list)
    for line in month.lines or ():
        serial = line.account_or_serial.strip()
        tenant = line.tenant_id or serials.get(serial.casefold())
        found[tenant, line.product_code, serial].append(line)
    return {seat: each_once(lines) for seat, lines in found.items()}


def _value(lines: Sequence[UsageLine]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        if line.unit_price is not None:
            found[line.currency or "?"] += line.billable * line.unit_price
    return dict(found)


def _rows_of_seats(judged: Iterable[Judged], codes: Mapping[str, str]) -> dict[Seat, list[Judged]]:
    """The rows that each tenant's codes are billed on; those of one firewall by its serial number."""
    names: dict[str, list[str]] = defaultdict(list)
    for name, code in codes.items():
        names[code].append(name)
    found: dict[Seat, list[Judged]] = defaultdict(list)
    for row in judged:
        if row.row.left_over or row.doubled:
            continue
        for feeding in row.cell.feedings:
            for code in feeding.now:
                for name in names.get(code, (code,)):
                    found[feeding.party.row.tenant_id, name, row.cell.serial].append(row)
    return found


def _rows_of(rows: Mapping[Seat, list[Judged]], seat: Seat) -> list[Judged]:
    tenant, code, serial = seat
    return [*rows.get((tenant, code, ""), ()), *(rows.get(seat, ()) if serial else ())]


def _on_rows(
    seat: Seat,
    units: Decimal,
    value: Mapping[str, Decimal],
    rows: Sequence[Judged],
    pools: dict[str, Decimal],
) -> Iterable[Units]:
    """Units that rows bill: undecided as soon as one of them is, and else on the first of them."""
    waiting = next((row for row in rows if _waits(row)), None)
    if waiting is not None or not rows:
        key = "" if waiting is None else waiting.row.key
        yield Units(seat, UnitAccount.UNDECIDED, units, value, row=key)
        return
    row = rows[0].row
    if row.state in WRITTEN and any(own.row.shadow for own in rows):
        yield Units(seat, UnitAccount.SHADOW, units, value, row=row.key)
        return
    included = min(pools.get(row.key, ZERO), units) if units > 0 else ZERO
    if included:
        pools[row.key] -= included
        part = {currency: amount * included / units for currency, amount in value.items()}
        yield Units(seat, UnitAccount.INCLUDED, included, part, row=row.key)
        value = {currency: amount - part[currency] for currency, amount in value.items()}
    if units != included:
        yield Units(seat, UnitAccount.BILLED, units - included, value, row=row.key)


def _waits(judged: Judged) -> bool:
    row = judged.row
    return row.state in (LineState.NEEDS_DECISION, LineState.WITHHELD, LineState.NOT_COUNTED)


class _Words:
    """What the rows say of a tenant and of a code; nothing where a line is to bill them."""

    def __init__(self, desired: Desired, tenants: Mapping[str, Tenant], today: date) -> None:
        self._customers = {customer.tenant_id: customer for customer in desired.customers}
        self._rows = {code: row for row in desired.rows for code in row.codes}
        self._tenants = tenants
        self._today = today

    def of(self, tenant_id: str | None, code: str) -> tuple[UnitAccount | None, str]:
        """The account of units that no line is to bill, with its word; None where one is."""
        if tenant_id is None:
            return UnitAccount.NO_TENANT, ""
        customer = self._customers.get(tenant_id)
        if customer is None:
            tenant = self._tenants.get(tenant_id)
            beside = tenant is not None and tenant.billing_type in (TERM, _TRIAL)
            return (UnitAccount.NOT_MONTHLY if beside else UnitAccount.NO_CUSTOMER), ""
        return self._of_customer(customer) or self._of_code(customer, code)

    def _of_customer(self, customer: Customer) -> tuple[UnitAccount, str] | None:
        if is_excluded(customer, self._today):
            return UnitAccount.EXCLUDED, customer.exclude or ""
        if not customer.sync:
            return UnitAccount.EXCLUDED, NOT_SYNCED
        if customer.ended is not None and customer.ended < self._today:
            return UnitAccount.EXCLUDED, ENDED
        return None

    def _of_code(self, customer: Customer, code: str) -> tuple[UnitAccount | None, str]:
        row = self._rows.get(code)
        override = self._override(customer, code, row)
        if override is not None and excludes(override, self._today):
            return UnitAccount.EXCLUDED, override.exclude or ""
        if override is not None and override.targets:
            return None, ""
        if row is None or (row.until is not None and row.until < self._today):
            return UnitAccount.NO_MAPPING, ""
        if row.exclude is not None:
            return UnitAccount.EXCLUDED, row.exclude
        return (None, "") if row.sync else (UnitAccount.EXCLUDED, NOT_SYNCED)

    def _override(self, customer: Customer, code: str, row: Row | None) -> Override | None:
        name = code if row is None else row.code
        return next((override for override in customer.overrides if override.code == name), None)
