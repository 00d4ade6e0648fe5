"""What must hold after each run, judged by the server's lines and Sophos's bill, never by a plan's words.

The only thing taken from the program is whether it said that something is the matter: its exit codes, and
which lines it names.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.histories.identities import (
    Place,
    Seat,
    lines_that_concern_us,
    route,
    seats_by_place,
    silent_tenants,
    units_on_the_bill,
    units_without_a_row,
    wanted_lines,
)
from tests.histories.site import OURS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.sandbox.world import Row
    from tests.histories.site import Document, Msp

Lines = dict[int, "Row"]
Ledger = dict[int, frozenset[Seat]]


class WrongError(AssertionError):
    """A promise that was not kept, with its kind and a sentence for a person."""

    def __init__(self, kind: str, sentence: str) -> None:
        super().__init__(f"{kind}: {sentence}")
        self.kind = kind


@dataclass
class Verdict:
    """What the program said after a run: the run's exit code, the next plan, and `ready` where it was asked.

    `trouble` says that something went wrong in the run itself on purpose (a kill, a short list), so that its
    exit code says nothing about what is left to do.
    """

    applied: int
    planned: int
    plan: Document | None
    ready: int | None
    trouble: bool = False

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is left to do and invoices may be made."""
        return self.planned == 0 and self.ready == 0 and self.plan is not None and not self.plan["changes"]

    def names(self, line: int) -> bool:
        """Whether the plan names a line, in a row, in the census or in a sentence."""
        if self.plan is None:
            return False
        rows = [*self.plan["lines"], *(self.plan.get("census") or {}).get("apart", ())]
        return any(row["line"] == line for row in rows) or bool(
            re.search(rf"#{line}\b", json.dumps(self.plan["diagnostics"]) + json.dumps(rows))
        )


@dataclass
class Oracle:
    """Remembers which seats each line bills and what people did, and judges runs.

    `ledger` is by line id; `documents` are the mappings that were in force so far, the present ones last.
    `hands` are the quantities that people wrote after the month had closed and that no word has answered.
    `ended` are lines that a person ended, each with the number of the step.
    """

    ledger: Ledger
    documents: list[Document] = field(default_factory=list)
    step: int = 0
    hands: dict[int, float] = field(default_factory=dict)
    ended: dict[int, int] = field(default_factory=dict)
    answered: set[int] = field(default_factory=set)
    asked: list[Document] = field(default_factory=list)

    # --- judging a run

    def judge(self, site: Msp, before: Lines, *, trouble: bool = False) -> None:
        """After one run, or several that overlap: what was written, and what became of the seats."""
        after = site.lines()
        written = {
            number: line
            for number, line in after.items()
            if before.get(number) != line and line["_info"]["updatedBy"] == OURS
        }
        self._numbers(site, before, written)
        self._peoples_lines(site, before, written)
        self._restarted(site, before, written)
        counted = self._counts(site, before)
        self._attribute(site, before, after)
        for number in written:
            self.answered.discard(number)
            self.hands.pop(number, None)
        self._seats(site, counted, self._counts(site, after), trouble=trouble)

    def _numbers(self, site: Msp, before: Lines, written: Lines) -> None:
        """Each quantity that was written is what the bill and the rows give, or 0."""
        wanted = wanted_lines(site)
        for number, line in written.items():
            old = before.get(number)
            if line["quantity"] == 0 or (old is not None and old["quantity"] == line["quantity"]):
                continue
            place = _place(line)
            if line["quantity"] != wanted[place]:
                raise WrongError(
                    "number",
                    f"line #{number} of {place.product} has {line['quantity']:g}, and the bill gives "
                    f"{wanted[place]}",
                )

    def _peoples_lines(self, site: Msp, before: Lines, written: Lines) -> None:
        """What a person wrote last is changed or ended only where last month's bill or a word explains it."""
        last = site.units(site.last_month)
        for number, line in written.items():
            old = before.get(number)
            if old is None or old["_info"]["updatedBy"] == OURS or number in self.answered:
                continue
            if number in self.hands and line["quantity"] != old["quantity"]:
                raise WrongError(
                    "hand",
                    f"a person wrote {old['quantity']:g} on line #{number} after the month had closed, and "
                    f"it was made {line['quantity']:g} without a word",
                )
            is_touched = any(line.get(name) != old.get(name) for name in ("quantity", "cancelledDate"))
            seats = self.ledger.get(number, frozenset())
            explained = old["quantity"] in (sum(last.get(seat, 0) for seat in seats), 0)
            said = self._are_gone(site, seats, _place(line)) or self._is_to_end(site, line)
            if is_touched and not explained and not said:
                raise WrongError(
                    "unasked",
                    f"line #{number} ({old['quantity']:g}), which a person wrote last and last month's bill "
                    "does not give, was changed, zeroed or ended",
                )

    def _restarted(self, site: Msp, before: Lines, written: Lines) -> None:
        """Seats of a line that a person ended are billed again only by a word that was given afterwards."""
        seats_at = seats_by_place(site)
        restarted = {
            number for row in site.document["customers"].values() for number in row.get("restart", ())
        }
        for number in written.keys() - before.keys():
            place = _place(written[number])
            for seat in seats_at.get(place, ()):
                same = [
                    (self.ended[old], old)
                    for old, seats in self.ledger.items()
                    if old in self.ended and seat in seats and old in before and _place(before[old]) == place
                ]
                if not same or self._was_elsewhere(site, before, seat, place):
                    continue
                step, old = max(same)
                if old not in restarted:
                    raise WrongError(
                        "restart",
                        f"a person ended line #{old} at step {step}, and line #{number} bills its seats "
                        "again without a word that names it",
                    )

    def _was_elsewhere(self, site: Msp, before: Lines, seat: Seat, place: Place) -> bool:
        """Whether another place billed the seat before this run, so that it comes back from there."""
        return any(
            seat in self.ledger.get(number, ()) and site.is_open(line) and _place(line) != place
            for number, line in before.items()
        )

    def _seats(self, site: Msp, before: Counter[Seat], after: Counter[Seat], *, trouble: bool) -> None:
        """No seat comes to be billed twice, and none is lost."""
        units = site.units(site.month)
        for (tenant, code), number in units.items():
            seat = Seat(tenant, code)
            places = route(site, seat).places
            if not places or not number:
                continue
            if after[seat] > max(before[seat], len(places)) and not (trouble and self._is_less(site, units)):
                raise WrongError(
                    "twice",
                    f"{tenant}'s {number} {code} are on {after[seat]} open lines: {self._where(site, seat)}",
                )
            if before[seat] and not after[seat] and not trouble:
                raise WrongError("lost", f"{tenant}'s {number} {code} are on no open line any more")

    def _is_less(self, site: Msp, units: Mapping[tuple[str, str], int]) -> bool:
        """Whether all lines of known seats together bill less than is used: seats that change places."""
        lines = site.lines()
        counted = [
            number
            for number, seats in self.ledger.items()
            if site.is_open(lines[number]) and any(route(site, seat).places for seat in seats)
        ]
        wanted = sum(number for seat, number in units.items() if route(site, Seat(*seat)).places)
        return bool(sum(lines[number]["quantity"] for number in counted) < wanted)

    def is_doubtful(self, site: Msp) -> bool:
        """Whether the open lines are others than the rows want, so that somebody has to say so."""
        found: Counter[Place] = Counter()
        for line in site.world.rows("additions"):
            if site.is_open(line) and self.ledger.get(line["id"]):
                found[_place(line)] += int(line["quantity"])
        return found != +wanted_lines(site)

    # --- judging what was said

    def heard(self, verdict: Verdict) -> None:
        """Remember the rows that the plan asks about, for a step that answers them."""
        rows = [] if verdict.plan is None else verdict.plan["lines"]
        self.asked = [row for row in rows if row["state"] in ("withheld", "needs a decision")]

    def judge_words(self, site: Msp, verdict: Verdict) -> None:
        """What the program says after the run, against the lines."""
        wanted = wanted_lines(site)
        if any(wanted.values()):
            self._together(verdict)
        if verdict.is_quiet:
            self._quiet(site, verdict, wanted)
        self._identities(site, verdict)

    def _together(self, verdict: Verdict) -> None:
        """Exit 0, an empty next plan and `ready: yes` appear together or not at all."""
        empty = verdict.planned == 0 and verdict.plan is not None and not verdict.plan["changes"]
        signs = {"the next plan is empty": empty}
        if verdict.ready is not None:
            signs["ready says yes"] = verdict.ready == 0
        if not verdict.trouble:
            signs["exit 0"] = verdict.applied == 0
        if len(set(signs.values())) > 1:
            shown = ", ".join(f"{sign}: {'yes' if holds else 'no'}" for sign, holds in signs.items())
            raise WrongError("together", shown)

    def _quiet(self, site: Msp, verdict: Verdict, wanted: Counter[Place]) -> None:
        """Nothing was said: then each place has its units on one line, and every other line is named."""
        silent = silent_tenants(site)
        found: dict[Place, list[Row]] = {}
        for line in site.world.rows("additions"):
            if site.is_open(line):
                found.setdefault(_place(line), []).append(line)
        for place, units in wanted.items():
            lines = found.pop(place, [])
            if {seat.tenant for line in lines for seat in self.ledger.get(line["id"], ())} & silent:
                continue
            if [line["quantity"] for line in lines] != [units]:
                shown = ", ".join(f"#{line['id']} {line['quantity']:g}" for line in lines) or "no line"
                raise WrongError(
                    "silence", f"{units} of {place.product} on agreement #{place.agreement}: {shown}"
                )
        units_now = site.units(site.month)
        for line in (line for lines in found.values() for line in lines):
            seats = self.ledger.get(line["id"], frozenset())
            if not seats or verdict.names(line["id"]):
                continue
            synced = [seat for seat in seats if units_now.get(seat) and route(site, seat).places]
            raise WrongError(
                "unnamed",
                f"line #{line['id']} of {_place(line).product} ({line['quantity']:g}) is billed on, "
                + (f"beside the line that bills {synced[0].tenant} now" if synced else "for nobody's sync")
                + ", and nothing names it",
            )

    def _identities(self, site: Msp, verdict: Verdict) -> None:
        """The census counts what is there: open lines that concern us, and units on the bill."""
        census = None if verdict.plan is None else verdict.plan.get("census")
        if census is None:
            return
        lines, units = census["lines"], census["units"]
        concern = lines_that_concern_us(site, [site.document])
        _equal("lines", "lines in the accounts", sum(a["lines"] for a in lines["accounts"]), lines["total"])
        _equal("lines", "open lines that concern us", lines["total"], len(concern))
        _equal("units", "units in the accounts", _sum(units["accounts"]), float(units["total"]))
        _equal("units", "units on the bill", float(units["total"]), units_on_the_bill(site))
        for account, number in units_without_a_row(site).items():
            here = _sum(a for a in units["accounts"] if a["account"] == account)
            _equal("units", f"units in {account}", here, number)
        unexplained = [a for a in lines["accounts"] if a["account"] in ("unexplained", "waits")]
        if verdict.ready == 0 and unexplained:
            raise WrongError("lines", f"ready says yes with {unexplained}")

    # --- which seats a line bills

    def _attribute(self, site: Msp, before: Lines, after: Lines) -> None:
        """Lines that were written bill what the rows say.

        So does the one line that has its place's units, where the seats that come to it are on no other line:
        it may have that number by chance.
        """
        seats_at, wanted = seats_by_place(site), wanted_lines(site)
        alone = Counter(_place(line) for line in after.values() if site.is_open(line))
        billing = {number: line for number, line in after.items() if line["quantity"]}
        by_chance = []
        for number, line in billing.items():
            place = _place(line)
            if place not in seats_at:
                continue
            if number not in before or before[number]["quantity"] != line["quantity"]:
                self.ledger[number] = seats_at[place]
            elif alone[place] == 1 and line["quantity"] == wanted[place]:
                by_chance.append(number)
        for number in by_chance:
            seats, elsewhere = seats_at[_place(after[number])], self._counts(site, after)
            if all(seat in self.ledger[number] or not elsewhere[seat] for seat in seats):
                self.ledger[number] = seats

    def _counts(self, site: Msp, lines: Lines) -> Counter[Seat]:
        """On how many open lines each seat is billed."""
        are_open = [number for number, line in lines.items() if site.is_open(line)]
        return Counter(seat for number in are_open for seat in self.ledger.get(number, ()))

    def _where(self, site: Msp, seat: Seat) -> str:
        lines = site.lines()
        numbers = [n for n, seats in self.ledger.items() if seat in seats and site.is_open(lines[n])]
        return ", ".join(
            f"#{number} {_place(lines[number]).product} {lines[number]['quantity']:g} on agreement "
            f"#{lines[number]['agreementId']}"
            for number in numbers
        )

    def _are_gone(self, site: Msp, seats: frozenset[Seat], place: Place) -> bool:
        """Whether the rows say of some tenants of a line that they have ended, and of none that it stays."""
        rows = site.document["customers"].values()
        ended = {row["name"] for row in rows if row.get("ended")} & {seat.tenant for seat in seats}
        return bool(ended) and not any(
            place in route(site, seat).places for seat in seats if seat.tenant not in ended
        )

    def _is_to_end(self, site: Msp, line: Row) -> bool:
        """Whether a row of the line's company says that its open lines end."""
        company = site.world.agreement(line["agreementId"])["company"]["identifier"]
        rows = site.document["customers"].values()
        return any(row["company"] == company and row.get("openLines") == "end" for row in rows)


def _place(line: Row) -> Place:
    return Place(line["agreementId"], line["product"]["identifier"])


def _sum(accounts: Any) -> float:
    return sum(float(account["units"]) for account in accounts)


def _equal(kind: str, what: str, found: float, wanted: float) -> None:
    if found != wanted:
        raise WrongError(kind, f"{what}: {found:g}, and there are {wanted:g}")
