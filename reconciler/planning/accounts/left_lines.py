"""Open lines that no wanted line has to do with: which word leaves them as they are, or that none does."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.model.approving import yaml_text
from reconciler.model.census import LineAccount, LineApart
from reconciler.model.lines import LineState
from reconciler.planning.accounts.money import monthly
from reconciler.planning.allocation.writers import is_ours, taken_by_hand, writer_text
from reconciler.planning.customers.agreements import is_named
from reconciler.planning.lines.judged import Judged, decide, end_line, opened_again
from reconciler.planning.lines.rows import row_of, with_line
from reconciler.planning.products.managed import Managed
from reconciler.planning.usage.cells import Cell, Feeding, excludes
from reconciler.planning.usage.quantities import Terms

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from reconciler.model.desired import Customer, Desired
    from reconciler.model.diagnostics import Location
    from reconciler.planning.allocation.open_lines import Open
    from reconciler.planning.customers.party import Party
    from reconciler.planning.lines.judged import Ground

KEEP, END = "keep", "end"
EXCLUDE, NOT_SYNCED, ON_UNMAP, NO_UNITS = "exclude", "sync: false", "onUnmap: keep", "0 units"
_UNEXPLAINED, _LEFT, _WAITS = LineAccount.UNEXPLAINED, LineAccount.LEFT, LineAccount.WAITS
_SAY_OPEN_LINES = (
    "Say in the customer's row `openLines: end`, and it ends before the next invoice, or `openLines: keep`, "
    "and it goes on billing."
)
_CREDIT = "End it in ConnectWise by a date when it has been settled."


@dataclass(frozen=True)
class Standing:
    """What becomes of a line that nothing feeds: its account with the reason, or that it ends.

    `word` leaves it as it is; `ends` says that a word ends it, and `settled` that the word is a row's own.
    `is_kept`: the customer's row says itself that it stays; `left`: every customer of the company has left.
    """

    reason: str
    account: LineAccount = _UNEXPLAINED
    word: str = ""
    remedy: str = ""
    source: Location | None = None
    ends: bool = False
    settled: bool = False
    is_kept: bool = False
    left: bool = False


@dataclass(frozen=True)
class Customers:
    """The customers of each company: those that are synced, and those beside them."""

    synced: dict[int, list[Party]]
    beside: dict[int, list[Party]]
    removed: dict[str, list[Customer]]

    def removed_row(self, line: Open) -> Customer | None:
        """The removed row that leaves the line: one that named its agreement, else its company's first."""
        agreement = line.agreement
        rows = [
            row
            for key in (agreement.company_key, f"#{agreement.company_id}")
            for row in self.removed.get(key, ())
        ]
        named = (row for row in rows if row.agreement is not None and is_named(agreement, row.agreement))
        return next(named, rows[0] if rows else None)

    def of(self, line: Open) -> list[Party]:
        """Everybody who is billed as the line's company."""
        number = line.agreement.company_id
        return [*self.synced.get(number, []), *self.beside.get(number, [])]


def customers_by_company(
    parties: Iterable[Party], beside: Iterable[Party], desired: Desired, base: Desired | None
) -> Customers:
    """The customers by their company's record id; rows that only the base has by the company's key."""
    rows = {row.tenant_id for row in desired.customers}
    removed: dict[str, list[Customer]] = {}
    for row in () if base is None else base.customers:
        if row.tenant_id not in rows and row.company is not None:
            removed.setdefault(row.company.key, []).append(row)
    return Customers(_by_company(parties), _by_company(beside), removed)


def stand(line: Open, customers: Customers, desired: Desired, ground: Ground, *, beside: bool) -> Standing:
    """What becomes of a line that no wanted line has to do with; `beside`: a row that is not synced has."""
    if not line.line.quantity:
        return Standing("it has no units", _LEFT, NO_UNITS)
    if line.line.quantity < 0:
        return Standing("it is a credit, which nobody but a person ends", _WAITS, remedy=_CREDIT)
    others = ground.products.owned_by_others(line.line.product_id)
    if others:
        reason = f"the tag of its product is of owner {others}, who bills it"
        return Standing(reason, _LEFT, f"owner {others}")
    everybody = customers.of(line)
    gone = _all_left(line, everybody)
    if gone and ground.products.of_item(line.line.product_id) is not None:
        return Standing(gone, ends=True, settled=True, left=True)
    synced = customers.synced.get(line.agreement.company_id, [])
    if beside or (everybody and not synced):
        return _of_unsynced(line, _nearest(line, customers.beside[line.agreement.company_id]), ground)
    return _of_codes(line, synced, desired, ground) or _of_nobody(line, synced, customers, ground)


def _by_company(parties: Iterable[Party]) -> dict[int, list[Party]]:
    found: dict[int, list[Party]] = {}
    for party in parties:
        for number in {agreement.company_id for agreement in party.agreements}:
            found.setdefault(number, []).append(party)
    return found


def _nearest(line: Open, parties: Sequence[Party]) -> Party:
    """The customer whose agreement the line is on, else the company's first one."""
    own = (party for party in parties if party.agreement and party.agreement.id == line.agreement.id)
    return next(own, parties[0])


def _all_left(line: Open, everybody: list[Party]) -> str:
    """That every customer of the company has left, by the word of its row; nothing where one goes on."""
    days = [party.row.ended for party in everybody]
    if not days or any(day is None or day >= line.day for day in days):
        return ""
    return f"the customer ended on {_last_day(everybody)}"


def _last_day(everybody: Iterable[Party]) -> date:
    """The last of the days on which these customers ended."""
    return max(party.row.ended for party in everybody if party.row.ended is not None)


def _of_unsynced(line: Open, party: Party, ground: Ground) -> Standing:
    if party.excluded:
        return _excluded(line, party, f"{party.name} is excluded: {party.row.exclude}", ground)
    return _by_word(line, party, f"usage sync is off for {party.name}", NOT_SYNCED, ground)


def _excluded(line: Open, party: Party, why: str, ground: Ground) -> Standing:
    """An excluded customer is deliberately not billed: a line that bills it says the opposite."""
    if line.line.is_free and party.row.open_lines is None:
        return Standing(f"{why}; it bills nothing", _LEFT, EXCLUDE, source=party.row.location)
    return _by_word(line, party, why, EXCLUDE, ground)


def _by_word(line: Open, party: Party, why: str, word: str, ground: Ground) -> Standing:
    """Lines that people keep stay where the customer is not synced; what we wrote ourselves needs a word."""
    row = party.row
    if row.open_lines == END:
        return Standing(f"{why}; openLines: end", ends=True, settled=True, source=row.location)
    kept = row.open_lines == KEEP
    if kept or (word == NOT_SYNCED and not is_ours(line.line, ground.settings)):
        said = f"{why}; openLines: keep" if kept else f"{why}, and people keep it"
        return Standing(said, _LEFT, word, source=row.location, is_kept=kept)
    return Standing(f"{why}, and it bills on", _WAITS, "", _SAY_OPEN_LINES, row.location)


def _of_codes(line: Open, synced: list[Party], desired: Desired, ground: Ground) -> Standing | None:
    """What the rows of the codes say that ever fed its product; None where they say nothing."""
    codes = ground.products.carried(line.line.product_id)
    listed = ", ".join(sorted(codes))
    for party in synced:
        for override in party.row.overrides:
            if override.code in codes and excludes(override, ground.today):
                why = f"{override.code} is excluded for {party.name}: {override.exclude}"
                return _excluded(line, party, why, ground)
    off = [row for row in desired.rows if row.code in codes and row.targets and not row.sync]
    if off:
        return Standing(f"usage sync is off for {off[0].code}", _LEFT, NOT_SYNCED, source=off[0].location)
    wanted = {code for row in desired.rows if row.targets for code in row.codes}
    wanted |= {override.code for party in synced for override in party.row.overrides if override.targets}
    if not codes or wanted & codes:
        return None
    reasons = [row for row in desired.rows if row.exclude is not None and set(row.codes) & codes]
    why = f"{listed} is excluded: {reasons[0].exclude}" if reasons else f"{listed} is mapped nowhere any more"
    if ground.settings.on_unmap == KEEP:
        said = ground.settings.on_unmap_said
        default = "" if said is not None else ", the default"
        return Standing(f"{why}; {ON_UNMAP}{default}", _LEFT, ON_UNMAP, source=said)
    return Standing(f"{why}; onUnmap: end", ends=True) if synced else None


def _of_nobody(line: Open, synced: list[Party], customers: Customers, ground: Ground) -> Standing:
    by = "we wrote it last" if is_ours(line.line, ground.settings) else ""
    lost = next((party for party in synced if party.agreement is None), None)
    if lost is not None:
        reason = f"no agreement could be chosen for {lost.name}"
        return Standing(reason, _WAITS, "", "Settle the problem of that row first.", lost.row.location)
    removed = customers.removed_row(line)
    if removed is not None:
        reason = f"the row of {removed.name or removed.tenant_id} is removed"
        remedy = "Bring the row back with `ended: DATE`, apply that, and remove the row when no line is open."
        return Standing(_and(reason, by), remedy=remedy, source=removed.location)
    if synced:
        names = " + ".join(party.name for party in synced)
        reason = f"no row of {names} speaks of it"
        remedy = "Correct the agreement or the products of the row, or end the line in ConnectWise by a date."
        return Standing(_and(reason, by), remedy=remedy, source=synced[0].row.location)
    unnamed = ground.without_company.get(line.agreement.company_id)
    if unnamed is not None:
        return _of_no_company(line, unnamed, by)
    moved = ground.allocation.evidence.moved_from(line.agreement)
    if moved:
        names = " + ".join(row.name or row.tenant_id for row in moved)
        reason = f"{names} moved from there (`movedFrom`), and is billed without it"
        remedy = "End the line in ConnectWise by a date, or give the customer that it bills a row of its own."
        return Standing(_and(reason, by), remedy=remedy, source=moved[0].location)
    remedy = (
        "Give its customer a row under `customers` (`sync: false, openLines: keep` leaves the line to "
        "people), say `movedFrom` in the row of the customer that was billed here, or end the line in "
        "ConnectWise."
    )
    return Standing(_and("no customer row names its company", by), remedy=remedy)


def _of_no_company(line: Open, row: Customer, by: str) -> Standing:
    """A line of a company that is called like a customer whose row, mostly an exclusion, names none."""
    company = line.agreement.company_identifier.strip()
    reason = f"the row of {row.name or row.tenant_id} names no company, and this one is called like it"
    remedy = (
        f"If it is the same, add `company: {yaml_text(company)}` to that row, and `openLines: keep` or "
        "`openLines: end` for its lines; otherwise give this company's customer a row of its own."
    )
    return Standing(_and(reason, by), remedy=remedy, source=row.location)


def _and(reason: str, more: str) -> str:
    return f"{reason}, and {more}" if more else reason


def apart(line: Open, standing: Standing, ground: Ground) -> LineApart:
    """The line as the plan shows it beside its rows."""
    product = ground.products.of_item(line.line.product_id)
    agreement, addition = line.agreement, line.line
    return LineApart(
        line_id=addition.id,
        agreement_id=agreement.id,
        agreement=agreement.name.strip(),
        company=agreement.company_identifier.strip(),
        company_name=agreement.company_name.strip(),
        product=addition.product_identifier.strip() if product is None else product.label,
        quantity=addition.quantity,
        account=standing.account,
        word=standing.word,
        reason=standing.reason,
        remedy=standing.remedy,
        sales=monthly(line),
        next_invoice=agreement.next_invoice,
        last_writer=addition.updated_by.strip(),
        last_written=addition.last_updated,
        source=standing.source,
    )


def ended_row(line: Open, owners: list[Party], standing: Standing, ground: Ground) -> Judged:
    """The row of a line that nothing feeds any more: it ends, unless it is a person's word."""
    number = line.line.product_id
    label = line.line.product_identifier.strip()
    product = ground.products.of_item(number) or Managed(f"#{number}", label, None)
    cell = Cell(line.agreement, product, Terms(), [Feeding(party, {}, None) for party in owners])
    row = with_line(row_of(cell), line.line, line.agreement).but(left_over=True, reason=standing.reason)
    judged = Judged(row, cell, line.line, settled=standing.settled)
    if product.stop:
        return replace(judged, row=decide(row, product.stop))
    ended = end_line(judged, ground)
    if standing.left and taken_by_hand(line.line, ground.settings, _last_day(owners)):
        return replace(ended, row=decide(ended.row, opened_again(line.line, _last_day(owners))))
    unasked = standing.settled or is_ours(line.line, ground.settings)
    if ended.row.state is LineState.ENDS and not unasked and ground.answers.approval(ended.row) is None:
        asked = ended.row.but(given=ground.answers.given(ended.row))
        reason = (
            f"{standing.reason}, and its quantity was set by {writer_text(line.line)}. Let it end with an "
            "approval, or end it in ConnectWise"
        )
        reason = "; ".join(filter(None, (reason, ground.answers.why_not_approved(asked))))
        return replace(ended, row=decide(asked, reason), by_hand=True)
    return ended
