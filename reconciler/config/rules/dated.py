"""Rules about what people say with a date: holds, approvals, exclusions; and about whose date it is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from reconciler.config.rules.lines import unknown_product
from reconciler.config.view import key_selector
from reconciler.config.wording import did_you_mean, show
from reconciler.model.desired import Approval
from reconciler.model.diagnostics import Severity, error, notice, warning
from reconciler.model.identifiers import Name, identifier_key
from reconciler.model.moments import moment_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date

    from reconciler.config.rules.facts import Facts
    from reconciler.model.desired import Hold
    from reconciler.model.diagnostics import Diagnostic, Location

#: A `given` is often the moment of a line's last write, by ConnectWise's clock.
_CLOCKS_DIFFER = timedelta(minutes=10)
#: Zones that are whatever the machine is set to, so that two runs could disagree about the day.
_OF_THE_MACHINE = frozenset({"localtime", "posixrules", "Factory"})


def time_zone(facts: Facts) -> None:
    """The zone exists; and where days matter, it is said."""
    settings = facts.desired.settings
    place = facts.document.view("settings")
    if "timeZone" not in place.value:
        dated = facts.desired.customers or facts.desired.holds or facts.desired.approvals
        if dated and not facts.document.is_wrong(("settings", "timeZone")):
            facts.say(
                warning(
                    "time-zone-missing",
                    "`settings.timeZone` is not set, so that the day changes at midnight UTC.",
                    "Set it, for example to Europe/Lisbon; UTC may be written as well.",
                    location=place.location if place.value else dated[0].location,
                )
            )
        return
    if not is_zone(settings.time_zone):
        from zoneinfo import available_timezones

        facts.say(
            error(
                "unknown-time-zone",
                f"{show(settings.time_zone)} is no IANA time zone.",
                did_you_mean(settings.time_zone, available_timezones())
                or "Write one such as Europe/Lisbon or UTC.",
                location=place.where("timeZone"),
            )
        )


def is_zone(name: str) -> bool:
    """Whether this machine knows the IANA zone."""
    from zoneinfo import ZoneInfo

    if name in _OF_THE_MACHINE:
        return False
    try:
        ZoneInfo(name)
    except (ValueError, KeyError, OSError):  # not a key, unknown, or the folder of a region
        return False
    return True


def _person_rows(facts: Facts) -> Iterator[tuple[str, Hold | Approval]]:
    for hold in facts.desired.holds:
        yield "hold", hold
    for approval in facts.desired.approvals:
        yield "approval", approval


def known_names(facts: Facts) -> None:
    """A hold or an approval that matches nothing would look like protection and be none."""
    if not facts.complete:
        return
    companies = {
        customer.company.key: str(customer.company)
        for customer in facts.desired.customers
        if customer.company is not None
    }
    tenants = {customer.tenant_id for customer in facts.desired.customers}
    for kind, row in _person_rows(facts):
        key = identifier_key(row.customer)
        if row.customer and key not in companies and key not in tenants:
            facts.say(
                error(
                    "unknown-customer",
                    f"The {kind} is for {show(row.customer)}, which no row under `customers` names.",
                    did_you_mean(row.customer, companies.values())
                    or "Write the company identifier or the Sophos tenant id of a customer.",
                    location=row.location,
                )
            )
        if row.product and key_selector(row.product).key not in facts.targets:
            unknown = unknown_product(facts, row.product, row.location)
            ends = isinstance(row, Approval) and row.up_to == 0
            facts.say(_perhaps_former(unknown) if ends else unknown)


def _perhaps_former(unknown: Diagnostic) -> Diagnostic:
    """A line may have to end whose product was mapped until now: a yes to that is no typo for certain."""
    return replace(
        unknown,
        severity=Severity.WARNING,
        message=f"{unknown.message} The approval can only let a line end whose product was mapped before.",
    )


def one_hold(facts: Facts) -> None:
    """Two holds on one line would leave it to chance which one counts."""
    seen: dict[tuple[str, str], Hold] = {}
    for hold in facts.desired.holds:
        key = (identifier_key(hold.customer), identifier_key(hold.product))
        first = seen.setdefault(key, hold)
        if first is not hold:
            facts.say(
                error(
                    "hold-twice",
                    f"{show(hold.product)} of {show(hold.customer)} is also held at {first.location}.",
                    "Keep one of them.",
                    location=hold.location,
                )
            )


def approves_something(facts: Facts) -> None:
    """An approval names a change."""
    for approval in facts.desired.approvals:
        path_is_sound = not facts.document.wrong
        if approval.before == approval.up_to and path_is_sound:
            facts.say(
                error(
                    "approval-of-nothing",
                    "`from` and `upTo` are the same number; that approves no change.",
                    "Write the quantity before as `from` and the furthest one allowed as `upTo`.",
                    location=approval.location,
                )
            )


def given_by_today(facts: Facts) -> None:
    """An approval of a time to come would cover whatever is written until then."""
    if facts.now is None:
        return
    for approval in facts.desired.approvals:
        if approval.given > facts.now + _CLOCKS_DIFFER:
            facts.say(
                error(
                    "given-later",
                    f"`given` is {moment_text(approval.given)}, and now it is {moment_text(facts.now)}.",
                    "Write the day on which the yes is given: it covers lines that were last written at or "
                    "before it.",
                    location=approval.location,
                )
            )


def expired(facts: Facts) -> None:
    """What has run out is without effect, and how bad that is depends on what follows.

    After a hold a number changes by itself: an error, until somebody says what follows. After an exclusion
    its customer or product is billed by its row: a warning. After an approval nothing changes, because what
    it would let through waits again, and most are used up by then: a notice.
    """
    if facts.today is None:
        return
    for one in (*_exclusions(facts), *_holds(facts), *_approvals(facts)):
        if one.until is not None and one.until < facts.today:
            facts.say(
                one.say(
                    "expired",
                    f"{one.what} ended on {one.until.isoformat()} and {one.follows}.",
                    one.remedy,
                    location=one.location,
                    subject=one.subject,
                )
            )


@dataclass(frozen=True)
class _Ending:
    """Something with a last day, and what to say once that has passed."""

    say: Callable[..., Diagnostic]
    what: str
    until: date | None
    follows: str
    remedy: str
    location: Location
    subject: str


def _exclusions(facts: Facts) -> Iterator[_Ending]:
    for row in facts.desired.rows:
        what = f"The exclusion of {show(row.code)}"
        yield _exclusion(what, row.until, row.location, f"code/{row.code}")
    for customer in facts.desired.customers:
        subject = f"customer/{customer.tenant_id}"
        yield _exclusion("The exclusion of this customer", customer.until, customer.location, subject)
        for override in customer.overrides:
            what = f"The exclusion of {show(override.code)} for this customer"
            yield _exclusion(what, override.until, override.location, subject)


def _exclusion(what: str, until: date | None, location: Location, subject: str) -> _Ending:
    return _Ending(
        warning,
        what,
        until,
        "is without effect: it is billed by its row",
        "Decide anew: take it out, or give it a later date.",
        location,
        subject,
    )


def _holds(facts: Facts) -> Iterator[_Ending]:
    for hold in facts.desired.holds:
        what, subject = _on_line("hold", hold)
        yield _Ending(
            error,
            what,
            hold.until,
            "is without effect: nothing is planned for anyone until somebody says what follows",
            "Take it out, and the bill counts again, or give it a later `until`.",
            hold.location,
            subject,
        )


def _approvals(facts: Facts) -> Iterator[_Ending]:
    for approval in facts.desired.approvals:
        what, subject = _on_line("approval", approval)
        yield _Ending(
            notice,
            what,
            approval.until,
            "lets nothing through any more",
            "Nothing to do: it may stay, or be taken out. A change that it did not let through by then waits "
            "again in the plan, with the row that does.",
            approval.location,
            subject,
        )


def _on_line(kind: str, row: Hold | Approval) -> tuple[str, str]:
    """Which answer it is, and its subject."""
    product = key_selector(row.product)
    name = product.text if isinstance(product, Name) else str(product)
    return f"The {kind} on {show(name)} of {show(row.customer)}", f"product/{name}"


RULES = (time_zone, known_names, one_hold, approves_something, given_by_today, expired)
