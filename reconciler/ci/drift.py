"""Where ConnectWise is not as the files say, as one issue: classified, with its age."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from reconciler.ci.comment import ours
from reconciler.model.change import MAPPING_PREFIX, Action
from reconciler.model.counts import number_of
from reconciler.model.diagnostics import ALL_USAGE, Severity
from reconciler.model.lines import LineState
from reconciler.model.verdict import group_lines, needs_person, open_apart
from reconciler.planning.lines.guards import RUN_GUARDS
from reconciler.reporting.census_words import apart_account, apart_place, apart_product
from reconciler.reporting.line_words import place, product_text
from reconciler.reporting.markdown import COMMENT
from reconciler.reporting.markdown_text import md

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reconciler.ci.github import GitHub
    from reconciler.model.plan import Plan

LABEL = "reconciler-drift"
_SINCE = re.compile(r"^<!-- since (?P<all>[0-9a-f=: -]*) -->$", re.MULTILINE)
_FIELDS, _MAPPINGS, _TERMS, _ASKED = (
    "Products: a value differs from the files",
    "Mappings: a mapping or its sync differs from the files",
    "Lines: terms differ from the files",
    "Lines: somebody has to say what is right",
)
_UNUSABLE = "Rows: what they name is not there, or cannot be used"
_KINDS = (_MAPPINGS, _FIELDS, _TERMS, _ASKED, _UNUSABLE)
_STEPS = (1_000, 300, 100, 30, 10, 0)


@dataclass(frozen=True)
class Difference:
    """One thing that differs. `key` is the same in every plan, `first_seen` the day of the first one."""

    kind: str
    key: str
    text: str
    first_seen: str = ""

    @property
    def mark(self) -> str:
        """Its key in the issue's hidden list: no name that anybody chose stands there."""
        return hashlib.sha256(self.key.encode()).hexdigest()[:16]


def differences(plan: Plan) -> list[Difference]:
    """What differs, by a plan of the default branch.

    Quantities that a month's usage moves are no drift: the usage run writes them, and `ready` says where it
    did not. A line that a person changed waits for a decision, and is drift; so is an open line that nothing
    explains, and one that bills without usage for the second month. So is an error, since what it is
    about is left alone by every run; one that stops a run makes that run fail, and is told there.
    """
    found = [
        Difference(_kind(change.action), change.id, f"{change.target.identifier}: {_what(change)}")
        for change in plan.own
        if change.target.agreement is None
    ]
    groups = group_lines(plan)
    for line in (*groups.written, *groups.shadow, *groups.decisions, *groups.apart, *groups.unchanged):
        if line.state is LineState.TERMS or needs_person(line):
            kind = _TERMS if line.state is LineState.TERMS else _ASKED
            found.append(Difference(kind, line.key, f"{place(line)}, {product_text(line)}: {line.reason}"))
    for apart in open_apart(plan):
        text = f"{apart_place(apart)}, {apart_product(apart)}, {apart_account(apart)}: {apart.reason}"
        found.append(Difference(_ASKED, apart.key, text))
    for one in plan.diagnostics:
        if one.severity is Severity.ERROR and one.subject != ALL_USAGE and one.code not in RUN_GUARDS:
            key = f"{one.code}/{one.subject or one.message}"
            found.append(Difference(_UNUSABLE, key, f"{one.code}: {one.message} {one.remedy}"))
    return list({one.key: one for one in reversed(found)}.values())[::-1]


def _kind(action: Action) -> str:
    return _FIELDS if action in (Action.CREATE_PRODUCT, Action.EDIT_PRODUCT) else _MAPPINGS


def _what(change: Any) -> str:
    verb = change.action.value.replace("_", " ")
    names = ", ".join(one.field.removeprefix(MAPPING_PREFIX) for one in change.fields)
    return f"{verb} ({names}), {change.reason}"


def aged(found: Sequence[Difference], body: str, today: str) -> list[Difference]:
    """Each with the day on which it was first seen, by the older issue's body; oldest first."""
    known = _days(body)
    dated = [Difference(one.kind, one.key, one.text, min(known.get(one.mark, today), today)) for one in found]
    return sorted(dated, key=lambda one: (one.first_seen, one.key))


def _days(body: str) -> dict[str, str]:
    """A person may have edited the issue: what is no day is not taken."""
    listed = _SINCE.search(body.replace("\r\n", "\n"))
    days: dict[str, str] = {}
    for entry in listed["all"].split() if listed else ():
        mark, _, day = entry.partition("=")
        try:
            days[mark] = date.fromisoformat(day).isoformat()
        except ValueError:
            continue
    return days


def marker(site: str) -> str:
    """The first line of a site's issue."""
    return f"<!-- {LABEL}:{site} -->"


def title(site: str, found: Sequence[Difference], today: str) -> str:
    """Short, with the age of the oldest."""
    return f"Drift in {site}: {number_of(len(found), 'difference')}, the oldest {_age(found[0], today)}"


def _age(one: Difference, today: str) -> str:
    days = (date.fromisoformat(today) - date.fromisoformat(one.first_seen)).days
    return "since today" if days == 0 else f"for {number_of(days, 'day')}"


def body(site: str, found: Sequence[Difference], today: str, run_url: str) -> str:
    """The issue's text within GitHub's 65,536 characters; what does not fit is counted."""
    text = ""
    for most in _STEPS:
        text = "\n".join(_lines(site, found, today, run_url, most)) + "\n"
        if len(text) <= COMMENT:
            break
    return text


def _lines(site: str, found: Sequence[Difference], today: str, run_url: str, most: int) -> Iterable[str]:
    yield marker(site)
    listed = found[: 10 * most]
    yield f"<!-- since {' '.join(f'{one.mark}={one.first_seen}' for one in listed)} -->"
    yield f"ConnectWise is not as the files say, as of {today}. "
    yield "Where ConnectWise is right, change the files. Where the files are right, run the workflow "
    yield "month-end by hand and merge its pull request: it has everything that waits. A line that waits for "
    yield "a person needs a hold or an approval first."
    for kind in _KINDS:
        these = [one for one in found if one.kind == kind]
        if these:
            yield f"\n### {kind}: {len(these)}"
            yield from (f"- {md(one.text)} ({_age(one, today)})" for one in these[:most])
            if len(these) > most:
                yield f"- … and {len(these) - most} more"
    if run_url:
        yield f"\nFrom [this run]({run_url})."


async def put_issue(github: GitHub, site: str, plan: Plan, run_url: str) -> tuple[int, str]:
    """Open, update or close the site's issue; how much differs, what was done. Raises ApiError's subclasses.

    The plan has counted usage: what it does not know of would be taken for mended.

    https://docs.github.com/en/rest/issues/issues (list, create, update; `issues: write`). A label that is not
    there is made with the issue. Lists of issues hold pull requests as well.
    """
    issues = await github.every("/issues", (("state", "open"), ("labels", LABEL)))
    there = ours([one for one in issues if "pull_request" not in one], marker(site))
    found = aged(differences(plan), str(there["body"]) if there else "", plan.today)
    if not found:
        if there is None:
            return 0, "no drift, and no open issue"
        closed = {"state": "closed", "state_reason": "completed"}
        await github.send("PATCH", f"/issues/{_number(github, there)}", closed)
        return 0, "no drift any more: issue closed"
    told = {"title": title(site, found, plan.today), "body": body(site, found, plan.today, run_url)}
    if there is None:
        await github.send("POST", "/issues", {**told, "labels": [LABEL]})
        return len(found), "issue opened"
    await github.send("PATCH", f"/issues/{_number(github, there)}", told)
    return len(found), "issue updated"


def _number(github: GitHub, issue: Mapping[str, Any]) -> int:
    number = issue.get("number")
    if not isinstance(number, int):
        raise github.bad_answer("GET", "/issues", "an issue has no number")
    return number
