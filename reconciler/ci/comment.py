"""What a pull request is told: one comment for each site, found again by its first line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from reconciler.model.diagnostics import warning
from reconciler.reporting.markdown import COMMENT, markdown
from reconciler.reporting.markdown_text import md

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.ci.sites import Site
    from reconciler.model.diagnostics import Diagnostic
    from reconciler.model.plan import Plan

#: A comment whose second line is this one replaces an older one and is not made where there is none.
UPDATE_ONLY = "<!-- update only -->"
_MARKER = re.compile(r"<!-- reconciler:[A-Za-z0-9][A-Za-z0-9_-]{0,62} -->")
#: Who may have written our comment: a workflow's own token is a bot, a person's token is a member.
_TRUSTED = frozenset({"OWNER", "MEMBER", "COLLABORATOR"})


def marker(site: str) -> str:
    """The first line of a site's comment, which GitHub does not show."""
    return f"<!-- reconciler:{site} -->"


def marker_of(text: str) -> str | None:
    """The marker in the first line of a comment; None where there is none."""
    first = text.split("\n", 1)[0].strip()
    return first if _MARKER.fullmatch(first) else None


def comment(plan: Plan, site: str, *, subject: str, run_url: str, named: bool) -> str:
    """The comment of a site within GitHub's 65,536 characters; `named` says that there are several sites."""
    head = f"{marker(site)}\n" + (f"**Site {md(site)}**\n\n" if named else "")
    where = f"[this run]({run_url})" if run_url else "the run"
    foot = f"\nThe whole plan is in the summary of {where}, with a spreadsheet among its artifacts.\n"
    # The report counts bytes, of which a text never has fewer than characters.
    room = COMMENT - len(head.encode()) - len(foot.encode())
    return head + markdown(plan, subject=subject, limit=room) + foot


def no_plan_comment(site: str, run_url: str, *, named: bool) -> str:
    """What takes the place of an older plan where none could be made of this commit."""
    title = f"**Site {md(site)}**\n\n" if named else ""
    where = f"[This run]({run_url})" if run_url else "The run"
    return (
        f"{marker(site)}\n{title}🔴 No plan could be made of the last commit, so that nothing is known of "
        f"what it would change. {where} says why.\n"
    )


def unchanged_comment(site: str, *, named: bool) -> str:
    """What takes the place of an older plan when a pull request no longer changes anything."""
    title = f"**Site {md(site)}**\n\n" if named else ""
    return f"{marker(site)}\n{UPDATE_ONLY}\n{title}{unchanged_text()}\n"


def unchanged_text() -> str:
    """What a change says that leaves the desired state alone; it may still bring a month's frozen plan."""
    return (
        "⚪ The desired state is as it was: there is nothing new to plan, "
        "and nothing was read from ConnectWise or Sophos."
    )


def removed_site(site: Site) -> Diagnostic:
    """What is said where a change takes a site's folder away."""
    return warning(
        "site-removed",
        f"{site.path} goes. The products and lines of {site.name} in ConnectWise stay as they are, and "
        "nothing follows its usage any more.",
        "If its customers are to be billed no longer, end their lines before the folder goes.",
    )


def removed_comment(site: Site) -> str:
    """The comment of a site whose folder goes."""
    told = removed_site(site)
    return f"{marker(site.name)}\n**Site {md(site.name)}**\n\n🟠 {md(told.message)} {md(told.remedy)}\n"


def ours(comments: Sequence[Mapping[str, Any]], wanted: str | None) -> Mapping[str, Any] | None:
    """The comment or issue with this marker. An outsider's is none: its author could change it later."""
    for one in comments:
        body, user = one.get("body"), one.get("user")
        bot = isinstance(user, dict) and user.get("type") == "Bot"
        trusted = bot or one.get("author_association") in _TRUSTED
        if (
            isinstance(body, str)
            and trusted
            and wanted is not None
            and body.split("\n", 1)[0].strip() == wanted
            and isinstance(one.get("id"), int)
        ):
            return one
    return None
