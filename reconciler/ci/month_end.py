"""A month's frozen plan as a pull request: merging it is the approval. Not tried against github.com.

https://docs.github.com/en/rest/git/refs, /git/blobs, /git/trees, /git/commits (`contents: write`) and
https://docs.github.com/en/rest/pulls/pulls (`pull-requests: write`; the repository must let workflows open
pull requests). A pull request that a workflow's own token opens starts no workflows:
https://docs.github.com/en/actions/concepts/security/github_token
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from reconciler.ci.github import ref_path
from reconciler.ci.trees import Trees
from reconciler.model.counts import number_of
from reconciler.model.diagnostics import ReconcilerError, error
from reconciler.reporting.markdown import COMMENT, markdown
from reconciler.reporting.markdown_text import md
from reconciler.transport.errors import ApiError, EndpointNotFound, RecordNotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.ci.context import Context
    from reconciler.ci.github import GitHub
    from reconciler.model.plan import Plan

#: Of the files, and the first part of the branches.
FOLDER = "month-end"
_REASONS = 20


@dataclass(frozen=True)
class MonthEnd:
    """What is approved: the files, by name, and the text that a person reads."""

    site: str
    month: str
    verdict: str
    body: str
    files: Mapping[str, bytes]
    round: int = 1

    @property
    def branch(self) -> str:
        """The branch, and the folder of the files."""
        return f"{FOLDER}/{self.site}/{self.month}" + (f"-{self.round}" if self.round > 1 else "")

    @property
    def title(self) -> str:
        """Of the pull request and its commits."""
        again = f" ({self.round})" if self.round > 1 else ""
        return f"Month end {self.month}{again}, {self.site}: {self.verdict}"


def month_end(site: str, plan: Plan, ready: Any, files: Mapping[str, bytes]) -> MonthEnd:
    """The month's pull request.

    Raises ReconcilerError where plan and verdict are not of one closed month, and for a plan that is bound to
    no commit.
    """
    if plan.bound_to is None:
        raise ReconcilerError(
            error(
                "month-end-unbound",
                "The plan does not say what it is a plan of, so that apply would not take it.",
                f"Run `reconciler ci bind PLAN --site {site}` before.",
            )
        )
    month = plan.period.month if plan.period is not None and plan.period.closed else None
    told = ready if isinstance(ready, dict) else {}
    if month is None or told.get("month") != month or not isinstance(told.get("ready"), bool):
        raise ReconcilerError(
            error(
                "month-end-differs",
                f"The plan is of {month or 'no closed month'}, and the verdict of {told.get('month')!a}.",
                "Make both again on one day: `plan --out`, `ready --format json` and `usage --out`.",
            )
        )
    verdict = "ready" if told["ready"] else "not ready"
    return MonthEnd(site, month, verdict, _body(site, month, plan, told), files)


def _body(site: str, month: str, plan: Plan, ready: Mapping[str, Any]) -> str:
    parts = [f"<!-- reconciler-month-end:{site}:{month} -->"]
    day = md(str(ready.get("invoiceDate")))
    if ready["ready"]:
        until = ready.get("holdsUntil")
        parts.append(f"✅ Invoices of {day} may be made" + (f" until {md(str(until))}." if until else "."))
    else:
        reasons = ready.get("reasons")
        told = [one for one in reasons if isinstance(one, dict)] if isinstance(reasons, list) else []
        parts.append(f"❌ Invoices of {day} must wait: {number_of(len(told), 'reason')}.")
        parts += [f"- {md(' '.join(_words(one)))}" for one in told[:_REASONS]]
        if len(told) > _REASONS:
            parts.append(f"- … and {len(told) - _REASONS} more in `ready.json`")
    parts.append("\n**Merging this approves exactly the plan below.** Close it to refuse the month.\n\n")
    head = "\n".join(parts)
    return head + markdown(plan, subject="this month's plan", limit=COMMENT - len(head.encode()))


def _words(reason: Mapping[str, Any]) -> list[str]:
    customer, message = reason.get("customer"), reason.get("message")
    return [f"{customer}:"] * bool(customer) + [str(message)[:500]]


async def propose(github: GitHub, context: Context, proposed: MonthEnd, check: str = "") -> str:
    """Put the files on the month's branch and open its pull request, or update both; says which.

    One that was merged or closed is a person's answer and is left alone; a run that somebody started by hand
    opens the month's next one instead. So does a run whose branch a person has made or opened a pull request
    of: apply would take no plan from it. The check of that name, which no workflow will start, is set on the
    last commit. Raises ApiError's subclasses.
    """
    default = str((await github.get("")).get("default_branch") or "main")
    while True:
        head = f"{context.owner}:{proposed.branch}"
        pulls = await github.every("/pulls", (("state", "all"), ("head", head), ("base", default)))
        opened = [one for one in pulls if one.get("state") == "open" and isinstance(one.get("number"), int)]
        taken = not all(_by_program(one) for one in opened) or (
            not pulls and await _tip(github, proposed.branch) is not None
        )
        if not taken and (opened or not pulls):
            break
        if not taken and not context.by_hand:
            merged = any(one.get("merged_at") for one in pulls)
            return (
                f"{proposed.branch}: the month was approved already"
                if merged
                else f"{proposed.branch}: the month was refused, its pull request is closed"
            )
        proposed = replace(proposed, round=proposed.round + 1)
    await _push(github, context, default, proposed)
    if check:
        await _pass(github, context, proposed.branch, check)
    told = {"title": proposed.title, "body": proposed.body}
    if opened:
        await github.send("PATCH", f"/pulls/{opened[0]['number']}", told)
        return f"{proposed.branch}: pull request updated"
    await github.send("POST", "/pulls", {**told, "head": proposed.branch, "base": default})
    return f"{proposed.branch}: pull request opened"


def _by_program(pull: Mapping[str, Any]) -> bool:
    user = pull.get("user")
    return isinstance(user, dict) and user.get("type") == "Bot"


async def _pass(github: GitHub, context: Context, branch: str, check: str) -> None:
    """A required check that the pull request does not start would keep it from being merged.

    Where it brings its own files and nothing else there is nothing that the check looks at. People's commits
    start it themselves. https://docs.github.com/en/rest/commits/statuses#create-a-commit-status
    (`statuses: write`).
    """
    tip, trees = await _tip(github, branch), Trees(github)
    if not tip or not context.commit:
        return
    own, planned = await trees.commit(tip), await trees.commit(context.commit)
    if set(await trees.differing(own.tree, planned.tree)) - {FOLDER}:
        return
    said = {
        "state": "success",
        "context": check,
        "description": "The month's frozen plan, made by this run; it changes no mappings.",
    }
    where = {"target_url": context.run_url} if context.run_url else {}
    await github.send("POST", f"/statuses/{tip}", said | where)


async def _push(github: GitHub, context: Context, default: str, proposed: MonthEnd) -> None:
    """One more commit on the month's branch, on top of what was planned; what people put there stays."""
    there = await _tip(github, proposed.branch)
    if there and context.commit:
        await _bring_up_to_date(github, proposed.branch, context.commit)
        there = await _tip(github, proposed.branch)
    parent = there or context.commit or await _tip(github, default)
    if parent is None:
        raise github.bad_answer("GET", ref_path(default), "the default branch has no commit")
    before = (await github.get(f"/git/commits/{parent}")).get("tree")
    base = before.get("sha") if isinstance(before, dict) else None
    entries = []
    for name, content in sorted(proposed.files.items()):
        packed = {"content": base64.b64encode(content).decode(), "encoding": "base64"}
        blob = await github.send("POST", "/git/blobs", packed)
        path = f"{proposed.branch}/{name}"
        entries.append({"path": path, "mode": "100644", "type": "blob", "sha": blob.get("sha")})
    tree = (await github.send("POST", "/git/trees", {"base_tree": base, "tree": entries})).get("sha")
    if there and tree == base:
        return
    commit = {"message": proposed.title, "tree": tree, "parents": [parent]}
    made = (await github.send("POST", "/git/commits", commit)).get("sha")
    if there:
        await github.send("PATCH", f"/git/refs/heads/{proposed.branch}", {"sha": made, "force": False})
    else:
        await github.send("POST", "/git/refs", {"ref": f"refs/heads/{proposed.branch}", "sha": made})


async def _bring_up_to_date(github: GitHub, branch: str, commit: str) -> None:
    try:
        await github.merge(branch, commit)
    except ApiError as failed:
        raise ReconcilerError(
            error(
                "month-end-branch",
                f"{commit[:12]} cannot be merged into {branch}: {failed}",
                "Close its pull request and run month-end by hand: that opens the next one.",
            )
        ) from failed


async def _tip(github: GitHub, branch: str) -> str | None:
    try:
        found = (await github.get(ref_path(branch))).get("object")
    except (RecordNotFound, EndpointNotFound):
        return None
    sha = found.get("sha") if isinstance(found, dict) else None
    return sha if isinstance(sha, str) else None
