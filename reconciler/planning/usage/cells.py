"""What feeds each agreement line: the units of every tenant that is mapped to it, this month and last."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from reconciler.model.money import plain
from reconciler.planning.customers.agreements import months_taken
from reconciler.planning.customers.parties import choose
from reconciler.planning.usage.quantities import Terms, code_usage, merge_terms, own_codes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from reconciler.model.billing import Agreement
    from reconciler.model.desired import Desired, LineTerms, Override, Row
    from reconciler.model.diagnostics import Diagnostic
    from reconciler.model.identifiers import Selector
    from reconciler.model.months import Month
    from reconciler.model.observed import UsageLine
    from reconciler.planning.customers.party import Party
    from reconciler.planning.products.managed import Managed, Products
    from reconciler.planning.usage.bills import Bills


@dataclass(frozen=True, slots=True)
class MonthUnits:
    """A tenant's units per code in one month; None where they are not known, and `problem` says why."""

    month: Month
    units: dict[str, Decimal] | None
    problem: str = ""


@dataclass(slots=True)
class Feeding:
    """One tenant's share of a line: its units per code, this month and the month before.

    `before` is None where the month before is not known. `months` are filled where the line takes its
    quantity from several: the cycle's and one more, the newest first. `lines` are this month's, for their
    value. `unnamed` are units without a serial number, where each firewall has a line of its own.
    """

    party: Party
    now: dict[str, Decimal] = field(default_factory=dict)
    before: dict[str, Decimal] | None = field(default_factory=dict)
    lines: Sequence[UsageLine] = ()
    months: tuple[MonthUnits, ...] = ()
    problem: str = ""
    unnamed: Decimal = Decimal(0)


#: A wanted line: its agreement, its product's key, and its firewall's serial number.
Wanted = tuple[int, str, str]


@dataclass(slots=True)
class Cell:
    """One product on one agreement, and what feeds it. `agreement` is None where none could be chosen.

    `serial` is the firewall's where each has a line of its own. `every_code` are the codes that it is
    counted from, with those that Sophos replaced by them. `parked` says why its number cannot be
    worked out for a reason that is told once, for all its lines.
    """

    agreement: Agreement | None
    product: Managed
    terms: Terms
    feedings: list[Feeding]
    disagreement: str = ""
    parked: str = ""
    serial: str = ""
    every_code: frozenset[str] = frozenset()

    @property
    def wanted(self) -> Wanted:
        """Its place as a wanted line, equal for everybody who feeds it."""
        return (0 if self.agreement is None else self.agreement.id), self.product.key, self.serial

    @property
    def tenants(self) -> tuple[str, ...]:
        """The tenants that feed it."""
        return tuple([feeding.party.row.tenant_id for feeding in self.feedings])

    @property
    def company(self) -> str:
        """The company's identifier."""
        return self.feedings[0].party.company

    @property
    def company_name(self) -> str:
        """The company's name in ConnectWise; "" where it is not known."""
        return self.feedings[0].party.company_name

    def names(self) -> list[str]:
        """The customers' names in the order of `feedings`; two of one name are told apart by tenant."""
        names = [feeding.party.name for feeding in self.feedings]
        if len(names) == 1:
            return names
        often = Counter(names)
        return [
            name if often[name] == 1 else f"{name} ({tenant})"
            for name, tenant in zip(names, self.tenants, strict=True)
        ]


#: A product on an agreement: the record id, and the key of `planning.managed.Managed`.
Place = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Cells:
    """The lines that are wanted; and what customers beside them use, whose lines stay, by place."""

    cells: list[Cell]
    beside: Mapping[Place, Cell]
    diagnostics: list[Diagnostic]

    @property
    def managed(self) -> frozenset[Place]:
        """The places that rows of synced customers speak of."""
        return frozenset((c.agreement.id, c.product.key) for c in self.cells if c.agreement is not None)


@dataclass(slots=True)
class _Route:
    """One product of one customer on one agreement: the codes that it is billed from.

    `off` are codes that belong to it and whose usage sync is off. `together` says for a code how its units
    and those of its successors make one number.
    """

    agreement: Agreement | None
    product: Managed
    codes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    off: list[str] = field(default_factory=list)
    together: dict[str, str | None] = field(default_factory=dict)


def collect_cells(
    parties: Iterable[Party],
    desired: Desired,
    products: Products,
    bills: tuple[Bills, Mapping[Month, Bills]],
    today: date,
) -> Cells:
    """Every (agreement, product) that a customer's Sophos products are billed on.

    `bills` are the month's, and those of months before it. A party that is not synced makes no line; where
    it has units of a line of others, that line has a problem.
    """
    router = _Router(desired, products, today)
    general = by_product(desired.lines, products)
    cells: dict[tuple[str, str, str], Cell] = {}
    beside: dict[Place, Cell] = {}
    for party in sorted(parties, key=lambda one: one.unsynced):
        own = by_product(party.row.lines, products)
        for route in router.routes(party):
            key = route.product.key
            terms = router.terms(general.get(key), own.get(key))
            place = f"{route.agreement.id:012}" if route.agreement is not None else party.company
            if party.unsynced:
                if route.agreement is not None:
                    own_place = route.agreement.id, key
                    theirs = beside.setdefault(own_place, Cell(route.agreement, route.product, terms, []))
                    theirs.feedings.append(_feed(party, route, terms, bills))
                cell = cells.get((place, key, ""))
                if cell is not None and not party.excluded:
                    _add_unsynced(cell, _feed(party, route, cell.terms, bills))
                continue
            for serial in _serials(party, route, terms, bills):
                cell = cells.get((place, key, serial or ""))
                if cell is None:
                    cell = Cell(route.agreement, route.product, terms, [], serial=serial or "")
                    cells[place, key, serial or ""] = cell
                elif not _agree(cell.terms, terms):
                    cell.disagreement = (
                        f"{cell.feedings[0].party.name} and {party.name} state different terms"
                    )
                elif terms.own_minimum and not cell.terms.own_minimum:
                    cell.terms = terms
                cell.feedings.append(_feed(party, route, terms, bills, serial))
                cell.every_code = router.every_code(route, cell.every_code)
    found = [cells[key] for key in sorted(cells)]
    return Cells(found, beside, router.diagnostics)


def _serials(
    party: Party, route: _Route, terms: Terms, bills: tuple[Bills, Mapping[Month, Bills]]
) -> list[str | None]:
    """The serial numbers on the bill, each with a line of its own; None for one line for all units."""
    if not terms.per_serial:
        return [None]
    bill = bills[0].of(party.row.tenant_id)
    found = {
        line.account_or_serial.strip()
        for names in route.codes.values()
        for name in names
        for line in bill.get(name, ())
    }
    return [serial for serial in sorted(found) if serial] or [None]


def _add_unsynced(cell: Cell, feeding: Feeding) -> None:
    """Units of a tenant that is not synced are part of what the line bills: without them it would drop."""
    units = sum(feeding.now.values(), Decimal(0))
    if units or feeding.problem:
        name = feeding.party.name
        feeding.problem = (
            f"usage sync is off for {name}, and {plain(units)} of this line's units are theirs; turn it on, "
            f"or exclude {name} with a reason"
        )
        feeding.lines = ()  # their value is told in a note
        cell.feedings.append(feeding)


def by_product(terms: Iterable[LineTerms], products: Products) -> dict[str, LineTerms]:
    """Terms by the product's key, whatever name they use for it."""
    return {products.key(one.product.key): one for one in terms}


def _agree(one: Terms, other: Terms) -> bool:
    """Whether two tenants of a line state the same; whose row states the minimum makes no difference."""
    return replace(one, own_minimum=False) == replace(other, own_minimum=False)


class _Router:
    """Where each Sophos product of a customer goes."""

    def __init__(self, desired: Desired, products: Products, today: date) -> None:
        self.diagnostics: list[Diagnostic] = []
        self._rows = {row.code: row for row in desired.rows}
        self._products = products
        self._today = today
        self._own_codes = own_codes(desired.rows)
        self._general_terms: dict[int, Terms] = {}
        self._code_sets: dict[frozenset[str], frozenset[str]] = {}

    def terms(self, general: LineTerms | None, own: LineTerms | None) -> Terms:
        """The product's terms with the customer's own over them; one object for all who have none."""
        if own is not None:
            return self._counted_by(merge_terms(general, own))
        found = self._general_terms.get(id(general))
        if found is None:
            found = self._general_terms[id(general)] = self._counted_by(merge_terms(general, None))
        return found

    def _counted_by(self, terms: Terms) -> Terms:
        """The terms, a leading code under its row's own name."""
        if terms.count in (None, "sum", "max"):
            return terms
        return replace(terms, count=self._own_codes.get(str(terms.count), terms.count))

    def every_code(self, route: _Route, known: frozenset[str]) -> frozenset[str]:
        """`known` with the codes of a route; one object for all lines that are counted from the same."""
        found = known.union(*route.codes.values())
        return self._code_sets.setdefault(found, found)

    def routes(self, party: Party) -> list[_Route]:
        """The products that one customer is billed for, and where.

        A code and those that Sophos replaced it by are one, under the row's own code. An override may stand
        without a row, for a product that only this customer has.
        """
        overrides = {override.code: override for override in party.row.overrides}
        found: dict[tuple[int | None, str], _Route] = {}
        for code in sorted({*self._rows, *overrides}):
            row, override = self._rows.get(code), overrides.get(code)
            if override is not None and excludes(override, self._today):
                continue
            targets = _targets(row, override)
            if not targets:
                continue
            agreement = party.agreement
            if override is not None and override.agreement is not None:
                agreement = choose(
                    party, override.agreement, self._today, [] if party.unsynced else self.diagnostics
                )
            for selector in targets:
                product = self._products.find(selector)
                place = (agreement.id if agreement is not None else None, product.key)
                route = found.setdefault(place, _Route(agreement, product))
                if row is not None and row.exclude is None and not row.sync:
                    route.off.append(code)
                else:
                    route.codes[code] = row.codes if row is not None else (code,)
                    route.together[code] = row.together if row is not None else None
        return [route for route in found.values() if route.codes]


def excludes(override: Override, today: date) -> bool:
    """Whether an override takes its product out today; its last day is `until`."""
    return override.exclude is not None and (override.until is None or today <= override.until)


def _targets(row: Row | None, override: Override | None) -> tuple[Selector, ...]:
    own = override.targets if override is not None else ()
    return own or (row.targets if row is not None else ())


def _feed(
    party: Party,
    route: _Route,
    terms: Terms,
    bills: tuple[Bills, Mapping[Month, Bills]],
    serial: str | None = None,
) -> Feeding:
    """A tenant's share of a line; of one firewall's line what its serial number is billed for."""
    now, older = bills
    feeding = Feeding(party)
    bill = now.of(party.row.tenant_id)
    unreadable = now.problem(party.row.tenant_id)
    problems = [unreadable] if unreadable else []
    for code, names in route.codes.items():
        lines = _lines(bill, names, serial)
        feeding.lines = [*feeding.lines, *lines] if feeding.lines else lines
        counted = code_usage(lines, terms.quantity, now.month.month, route.together[code])
        feeding.now[code] = counted.quantity
        if counted.problem:
            problems.append(f"{code}: {counted.problem}")
    if terms.per_serial:
        unnamed = [line for names in route.codes.values() for line in _lines(bill, names, "")]
        feeding.unnamed = sum((line.billable for line in unnamed), Decimal(0))
    if any(feeding.now.values()) and terms.count not in (None, "sum", "max", *route.codes):
        problems.append(f"it is counted by {terms.count}, which is not billed here for {party.name}")
    if route.off:
        problems.append(f"usage sync is off for {', '.join(route.off)}, so that its number would be a part")
    feeding.problem = "; ".join(problems)
    month = now.month.month.previous()
    previous = _units_of(party, route, terms, older.get(month), month, serial)
    # most tenants have the same units every month: they are held once then
    feeding.before = feeding.now if previous.units == feeding.now else previous.units
    length = months_taken(route.agreement, terms.take)
    if length > 1:
        months = [MonthUnits(now.month.month, feeding.now), previous]
        while len(months) <= length:
            month = month.previous()
            months.append(_units_of(party, route, terms, older.get(month), month, serial))
        feeding.months = tuple(months)
    return feeding


def _lines(
    bill: Mapping[str, Sequence[UsageLine]], names: Sequence[str], serial: str | None
) -> Sequence[UsageLine]:
    """A tenant's lines of these codes, of one firewall where there is a serial number."""
    if serial is None and len(names) == 1:
        return bill.get(names[0], ())  # the bill's own list: a large plan has one for every line
    every = (line for name in names for line in bill.get(name, ()))
    return [line for line in every if serial is None or line.account_or_serial.strip() == serial]


def _units_of(
    party: Party, route: _Route, terms: Terms, bills: Bills | None, month: Month, serial: str | None
) -> MonthUnits:
    """An older month's units by the same rules; None where its bill does not speak for the customer."""
    if bills is None or not bills.month.lines:
        return MonthUnits(month, None, f"Sophos's bill of {month.title} is not known")
    bill, unreadable = bills.of(party.row.tenant_id), bills.problem(party.row.tenant_id)
    if unreadable:
        return MonthUnits(month, None, unreadable)
    if not bill:
        return MonthUnits(month, None, f"{party.name} is not on Sophos's bill of {month.title}")
    found = {}
    for code, names in route.codes.items():
        counted = code_usage(_lines(bill, names, serial), terms.quantity, month, route.together[code])
        if counted.problem:
            return MonthUnits(month, None, f"on the bill of {month.title}, {code}: {counted.problem}")
        found[code] = counted.quantity
    return MonthUnits(month, found)
