"""What a pull request leaves as it was, and whether it brings a month's frozen plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.ci.artifact import unchanged_json
from reconciler.ci.binding import bind
from reconciler.ci.comment import marker
from reconciler.ci.frozen import new_months
from reconciler.ci.month_end import FOLDER
from reconciler.ci.sites import MANY
from reconciler.ci.trees import Trees
from reconciler.model.diagnostics import Severity, error, notice
from reconciler.reporting.markdown_text import md

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from reconciler.ci.context import Context
    from reconciler.ci.github import GitHub
    from reconciler.ci.sites import Site
    from reconciler.model.diagnostics import Diagnostic


@dataclass(frozen=True)
class Left:
    """The content of unchanged.json, and the sites of which frozen plans are brought."""

    text: str
    frozen: tuple[str, ...]


async def find_left(github: GitHub, context: Context, same: Sequence[Site], now: datetime) -> Left:
    """What the run's pull request leaves alone, bound to it. Raises as `bind` does."""
    trees = Trees(github)
    bound = await bind(trees, context, MANY, now)
    folders = {site.name: await trees.folder(bound.tree, site.path) for site in same}
    before = (await trees.commit(bound.base)).tree
    sites = await trees.entries(await trees.folder(bound.tree, FOLDER))
    frozen = [site for site in sorted(sites) if await new_months(trees, before, bound.tree, site)]
    return Left(unchanged_json(bound, folders), tuple(frozen))


def frozen_said(sites: Sequence[str], *, alone: bool) -> Diagnostic:
    """What is said where frozen plans change: an error but in a workflow's own pull request, with no more."""
    what = f"This pull request changes frozen plans of {', '.join(sites)} ({FOLDER}/)."
    if alone:
        return notice("frozen-plan", f"{what} Merging it approves the plan in its text.")
    return error(
        "frozen-plan",
        f"{what} Only a pull request that the workflow month-end opened may bring one, and nothing else.",
        f"Take {FOLDER}/ out of it, and run the workflow month-end by hand where a plan is wanted.",
    )


def frozen_text(said: Diagnostic) -> str:
    """The step summary's part."""
    sign = "🔴" if said.severity is Severity.ERROR else "🟠"
    return f"{sign} {md(said.message)} {md(said.remedy)}".rstrip()


def frozen_comment(site: str, said: Diagnostic) -> str:
    """The comment that takes the place of a plan's."""
    return f"{marker(site)}\n{frozen_text(said)}\n"
