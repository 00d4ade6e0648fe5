"""What a plan leaves to people, counted in one place for every report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.model.census import LineAccount
from reconciler.model.counts import number_of
from reconciler.model.verdict import UNDECIDED, group_lines, has_open_accounts, open_apart, stopped_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.model.lines import PlannedLine
    from reconciler.model.plan import Plan

OPEN_ACCOUNTS = "lines or units whose accounts are open"


@dataclass(frozen=True)
class Unsettled:
    """How many of each there are, as the plan lists them; what a guard of the whole run stops is none of it.

    `decisions` are answers that people owe, `following` the rows that are settled with one of them.
    `waiting` are open lines without a row that wait for a person, `unexplained` those that nothing explains,
    `silent` lines that bill without usage. `accounts`: the census has more open than the plan lists.
    """

    decisions: int
    following: int
    waiting: int
    silent: int
    unexplained: int
    accounts: bool = False

    @property
    def counts(self) -> list[str]:
        """`2 decisions`, `28 open lines unexplained`: what there is of it, in this order."""
        them = "it" if self.decisions == 1 else "them"
        wait = f" ({number_of(self.following, 'more line')} settled with {them})" if self.following else ""
        found = [f"{number_of(self.decisions, 'decision')}{wait}"] if self.decisions else []
        for count, noun, what in (
            (self.waiting, "open line", "waiting for a decision"),
            (self.silent, "line", "billed without Sophos usage"),
            (self.unexplained, "open line", "unexplained"),
        ):
            found += [f"{number_of(count, noun)} {what}"] if count else []
        return found or ([OPEN_ACCOUNTS] if self.accounts else [])


def unsettled(plan: Plan) -> Unsettled:
    """What of a plan people have to settle."""
    stopped = stopped_lines(plan)
    decisions = [line for line in group_lines(plan).decisions if line.key not in stopped]
    causes = count_causes(decisions)
    apart = [line.account for line in open_apart(plan)]
    return Unsettled(
        decisions=causes,
        following=len(decisions) - causes,
        waiting=apart.count(LineAccount.WAITS),
        silent=sum(line.billed_without_usage and line.state not in UNDECIDED for line in plan.lines),
        unexplained=apart.count(LineAccount.UNEXPLAINED),
        accounts=has_open_accounts(plan),
    )


def count_causes(decisions: Iterable[PlannedLine]) -> int:
    """How many of these rows do not wait for another one of them."""
    by_key = {line.key: line for line in decisions}
    return len({cause_of(line, by_key).key for line in by_key.values()})


def cause_of(line: PlannedLine, decisions: Mapping[str, PlannedLine]) -> PlannedLine:
    """The first row (of `decisions`, by key) that a row waits for; in a circle the one with the least key."""
    passed = [line]
    while (following := decisions.get(passed[-1].waits_for)) is not None:
        if following in passed:
            return min(passed[passed.index(following) :], key=lambda one: one.key)
        passed.append(following)
    return passed[-1]
