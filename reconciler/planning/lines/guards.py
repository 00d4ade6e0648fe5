"""What is too much to be written unasked: limits on one row, and on a whole run."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from operator import attrgetter
from typing import TYPE_CHECKING

from reconciler.model.approving import open_row
from reconciler.model.census_check import CENSUS_OPEN
from reconciler.model.counts import number_of
from reconciler.model.diagnostics import Diagnostic, error, warning
from reconciler.model.identifiers import identifier_key
from reconciler.model.lines import WRITTEN, LineState, PlannedLine
from reconciler.model.money import cents, plain, price, to_places
from reconciler.planning.usage.odd_feed import GUARD_UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from reconciler.model.desired import Approval, Guards, LineChangeGuard
    from reconciler.model.lines import OldLine
    from reconciler.model.observed import UsageMonth

FEED_INCOMPLETE = "guard-feed-incomplete"
FEED_UNCHECKED = "feed-unchecked"
PRODUCT_TO_ZERO = "guard-product-to-zero"
RUN_CHANGE = "guard-run-change"
MOST_CHANGES = "guard-most-changes"
TOTAL_CHANGE = "guard-total"
BYPASSED = "guard-bypassed"
#: Diagnostics that stop a whole run where they are errors: nothing is written then.
RUN_GUARDS = frozenset(
    {
        CENSUS_OPEN,
        FEED_INCOMPLETE,
        FEED_UNCHECKED,
        GUARD_UNKNOWN,
        PRODUCT_TO_ZERO,
        RUN_CHANGE,
        MOST_CHANGES,
        TOTAL_CHANGE,
        BYPASSED,
    }
)
#: How many customers a message names.
_NAMED = 5
_ZERO = Decimal(0)


@dataclass(frozen=True)
class Allowed:
    """What needs no further yes: rows that say it themselves (by `id`), and what an approval names.

    `given` is what an approval of a row's change says as its `given`.
    """

    approval: Callable[[PlannedLine], object | None]
    settled: Collection[int] = ()
    given: Callable[[PlannedLine], str] = attrgetter("given")


def withhold(
    lines: Iterable[PlannedLine],
    guards: Guards,
    allowed: Allowed,
    protected: Mapping[tuple[str, str], str],
    *,
    new_lines_ask: bool = False,
) -> list[PlannedLine]:
    """The lines, each that is over a limit withheld unless an approval names its change.

    What is `protected` (kind and key, with its text) never goes to zero or ends, approved or not. With
    `new_lines_ask` no line is created unasked.
    """
    return [_judged(line, guards, allowed, protected, new_lines_ask=new_lines_ask) for line in lines]


def _judged(
    line: PlannedLine,
    guards: Guards,
    allowed: Allowed,
    keys: Mapping[tuple[str, str], str],
    *,
    new_lines_ask: bool,
) -> PlannedLine:
    judged = _protected(line, keys)
    if judged.state not in WRITTEN or allowed.approval(judged) is not None:
        return judged
    moves = judged.takes_over and judged.state is not LineState.ENDS
    if new_lines_ask and (judged.starts is not None or moves):
        return _not_read(judged, allowed)
    if id(line) in allowed.settled:
        return _loses_seats(judged, guards, allowed)
    return _withheld(judged, guards, allowed)


def _not_read(line: PlannedLine, allowed: Allowed) -> PlannedLine:
    """A line that starts or takes over in a run that nobody reads. No approval names a number that stays."""
    what = "it is a new line" if line.starts is not None else "seats move to it"
    reason = f"{what}, and nobody reads this plan before it is written"
    if line.before != line.after:
        return _asked(line, reason, allowed)
    reason = _with_what_moves(line, reason)
    return line.but(
        state=LineState.WITHHELD,
        reason=f"{reason}: {line.reason}. Apply a plan that a person has read, or set `newLines: create`",
    )


def _loses_seats(line: PlannedLine, guards: Guards, allowed: Allowed) -> PlannedLine:
    """A move's price may change as it was reviewed; that it moves far more or fewer seats was not."""
    limit = guards.line_change
    if line.state is not LineState.MOVES or line.before is None or line.after is None or limit is None:
        return line
    reason = _too_many_units(line.before, line.after, limit)
    return _asked(line, reason, allowed) if reason else line


def _protected(line: PlannedLine, keys: Mapping[tuple[str, str], str]) -> PlannedLine:
    if line.state not in (LineState.TO_ZERO, LineState.ENDS):
        return line
    own = (("product", identifier_key(line.product)), ("customer", identifier_key(line.company)))
    named = next((keys[key] for key in own if key in keys), None)
    if named is None:
        return line
    what = "end" if line.state is LineState.ENDS else "go to zero"
    return line.but(
        state=LineState.NEEDS_DECISION,
        reason=f"it would {what}, and {named} is protected. If that is meant, take it off the protected "
        "list in a reviewed change first",
    )


def _withheld(line: PlannedLine, guards: Guards, allowed: Allowed) -> PlannedLine:
    if line.held or line.before is None or line.after is None:
        return line
    reason = _over_limit(line, guards)
    if not reason:
        return line
    if line.before == line.after and line.takes_over:
        return line.but(
            state=LineState.WITHHELD,
            reason=f"{reason}: {line.reason}, of which no row speaks. If the customer has moved from there, "
            "say `movedFrom`; otherwise end one of the lines in ConnectWise",
        )
    if line.before == line.after:
        return line.but(
            state=LineState.WITHHELD,
            reason=f"{reason} while its quantity stays. No approval names that: set the included units or "
            "declared values on the line in ConnectWise, or raise guards.lineChange in a reviewed change",
        )
    return _asked(line, reason, allowed)


def _asked(line: PlannedLine, reason: str, allowed: Allowed) -> PlannedLine:
    """The line withheld, with the row that lets it through, and what moves from where to where."""
    reason = _with_what_moves(line, reason)
    line = line.but(given=allowed.given(line))
    reason = f"{reason}. To let it through, add under approvals: {open_row(line)}"
    return line.but(state=LineState.WITHHELD, reason=reason)


def _with_what_moves(line: PlannedLine, reason: str) -> str:
    """The reason behind what moves: the line that takes over may not be there yet, and have no number."""
    if not line.takes_over:
        return reason
    old = " and ".join(_old_line(one, line) for one in line.takes_over)
    ends = f"{old} {'ends' if len(line.takes_over) == 1 else 'end'}"
    if line.state is not LineState.ENDS:
        onto, units = "a new line", plain(line.after or _ZERO)
        if line.line_id is not None:
            onto, units = f"line #{line.line_id}", f"{units} (all had {plain(_units_before(line))})"
        return f"{ends}, and {onto} of {line.product} takes over with {units}: {reason}"
    if line.line_id is None:
        return f"{ends}, and no line takes over; {line.reason}"
    return f"{reason}, and {ends} with it"


def _old_line(old: OldLine, line: PlannedLine) -> str:
    """`#12 of MSP-OLD (20)`, with its agreement where that is another one."""
    elsewhere = "" if old.agreement_id == line.agreement_id else f" on {old.agreement or old.agreement_id}"
    return f"#{old.line_id} of {old.product} ({plain(old.quantity)}){elsewhere}"


def _too_many_units(before: Decimal, after: Decimal, limit: LineChangeGuard) -> str:
    units = abs(after - before)
    percent = Decimal(100) if before == 0 else units * 100 / abs(before)
    if units <= limit.units or percent <= limit.percent:
        return ""
    return (
        f"it changes by {number_of(units, 'unit')}, {plain(cents(percent))} % "
        f"(limits: {number_of(limit.units, 'unit')} and {plain(limit.percent)} %)"
    )


def _units_before(line: PlannedLine) -> Decimal:
    """The units that are billed until now, those of the lines that it takes over too."""
    before = line.before or _ZERO
    if line.line_id is not None:
        before += sum((old.quantity for old in line.takes_over), _ZERO)
    return before


def _over_limit(line: PlannedLine, guards: Guards) -> str:
    before, after = _units_before(line), line.after or _ZERO
    if after == 0 and before != 0:
        what = "it ends" if line.state is LineState.ENDS else "it goes to zero"
        return what if guards.line_to_zero else ""
    limit = guards.line_change
    if limit is None:
        return ""
    too_many = _too_many_units(before, after, limit)
    if too_many:
        return too_many
    sales = line.sales
    if sales is not None and abs(sales.delta) > limit.money:
        money, most = to_places(abs(sales.delta), sales.places), price(limit.money, sales.places)
        return f"it changes by {money:f} {sales.currency} a month (limit {most:f})"
    return ""


def feed_guard(
    now: UsageMonth,
    before: UsageMonth | None,
    guards: Guards,
    *,
    answered: Collection[str] = (),
    names: Mapping[str, str] | None = None,
) -> list[Diagnostic]:
    """Too few of last month's tenants in the feed: the feed is probably incomplete.

    `answered` are tenants that a person has said to have left; `names` are the tenants' names.
    """
    if guards.feed_tenants_percent is None or before is None or not before.lines:
        return []
    known = {line.tenant_id for line in before.lines if line.tenant_id} - set(answered)
    here = {line.tenant_id for line in now.lines or ()} | {line.tenant_id for line in now.unreadable}
    still = known & here
    if not known or len(still) * 100 >= guards.feed_tenants_percent * len(known):
        return []
    missing = sorted((names or {}).get(tenant, tenant) for tenant in known - still)
    return [
        error(
            FEED_INCOMPLETE,
            f"Only {len(still)} of the {number_of(len(known), 'tenant')} on Sophos's bill for "
            f"{before.month.title} are on the one for {now.month.title} (missing: {_some(missing)}). "
            "Nothing is written for anyone.",
            "Look at the bill in Sophos Central. Give customers that have really left `ended: DATE`, or "
            "lower guards.feedTenants in a reviewed change.",
        )
    ]


def feed_not_checked(previous_title: str, guards: Guards, *, closed: bool) -> Diagnostic:
    """Said where last month's bill is not there to compare with: an error while the feed is to be guarded.

    A month that still runs (not `closed`) is not written anyway, so that nothing has to stop it.
    """
    said = (
        f"Sophos's bill of {previous_title} is not known, so that it cannot be seen whether this month's is "
        "complete, nor whether lines are in step."
    )
    if guards.feed_tenants_percent is None or not closed:
        return warning(
            FEED_UNCHECKED, said, "Have a look at the number of customers in the feed before the first write."
        )
    return error(
        FEED_UNCHECKED,
        f"{said} Nothing is written for anyone.",
        "If this is the first month with Sophos, look at the number of customers on its bill and set "
        "settings.guards.feedTenants to off in a reviewed change, for this month only. Otherwise find out in "
        "Sophos Central where last month's bill is.",
    )


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (", …" if len(names) > _NAMED else "")


def product_guard(
    lines: Iterable[PlannedLine], guards: Guards, approval: Callable[[PlannedLine], Approval | None]
) -> list[Diagnostic]:
    """One product at zero for many customers at once: it was probably replaced or renamed.

    Zeroes that a person has already answered, by a hold or an approval, do not count. `lines` are those whose
    rows do not say themselves that they end (`ended`).
    """
    return products_to_zero((line for line in lines if not line.held and approval(line) is None), guards)


def products_to_zero(lines: Iterable[PlannedLine], guards: Guards) -> list[Diagnostic]:
    """The same of lines that nobody has answered."""
    if guards.product_to_zero_customers is None:
        return []
    customers: dict[str, dict[tuple[str, ...], str]] = defaultdict(dict)
    for line in lines:
        if line.after == 0 and line.before and line.state in {*WRITTEN, LineState.WITHHELD}:
            customers[line.product][line.tenants] = line.customer
    return [
        error(
            PRODUCT_TO_ZERO,
            f"{product} would go to zero for {number_of(len(names), 'customer')} at once "
            f"({_some(sorted(names.values()))}). Nothing is written for anyone.",
            "Has Sophos replaced its code? Then add it as alsoKnownAs. If it is meant, raise "
            "guards.productToZero in a reviewed change.",
        )
        for product, names in sorted(customers.items())
        if len(names) > guards.product_to_zero_customers
    ]
