"""May plans run in this repository, and which of its own gates are real: asked of GitHub, not assumed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.ci.approval import MERGE_APPROVES, REVIEW_NAME
from reconciler.model.counts import number_of
from reconciler.reporting.markdown_text import code, md
from reconciler.transport.errors import ApiError, RecordNotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.ci.context import Context
    from reconciler.ci.github import GitHub

ALLOWED_NAME, ALLOWED = "RECONCILER_PUBLIC", "allowed"
#: Of the environments with keys that may only read.
PLAN_SUFFIX = "-plan"
_NOT_KNOWN = "not known"
_RULES = {
    "pull_request": "changes come by pull request",
    "required_status_checks": "checks must pass",
    "non_fast_forward": "no force push",
    "deletion": "cannot be deleted",
}
#: Of which rule, GitHub's name for it, what is said where it is asked for, and where not.
_WANTED = (
    ("pull_request", "require_code_owner_review", "code owners approve", "code owners need not approve"),
    ("pull_request", "dismiss_stale_reviews_on_push", "stale approvals go", "stale approvals stay"),
    (
        *("pull_request", "require_last_push_approval", "the last push is approved by somebody else"),
        "who pushed last may approve",
    ),
    (
        *("required_status_checks", "strict_required_status_checks_policy", "branches are up to date"),
        "branches need not be up to date: a plan from before another merge counts for nothing",
    ),
)


@dataclass(frozen=True)
class Gates:
    """What the token could find out; `public` is None where not even that. Rows are (gate, finding)."""

    public: bool | None
    rows: tuple[tuple[str, str], ...] = ()


def may_run(gates: Gates, allowed: str) -> bool:
    """Whether plans may run here: they hold customers and prices, so that a public repository must say so."""
    return gates.public is False or allowed.strip() == ALLOWED


async def find_gates(github: GitHub, context: Context, review: str = "") -> Gates:
    """Ask for the repository's visibility, its default branch's protection and its environments.

    https://docs.github.com/en/rest/repos/repos#get-a-repository (`visibility`, `private`). What may not be
    read is "not known"; a visibility that may not be read is taken from the event, where it has one.
    """
    try:
        repository = await github.get("")
    except ApiError:
        told = context.event.get("repository")
        repository = told if isinstance(told, dict) else {}
    branch = repository.get("default_branch")
    rows = [("visibility", str(repository.get("visibility") or _NOT_KNOWN))]
    if isinstance(branch, str) and branch:
        rows += [(f"branch {branch}", await _branch(github, branch))]
        rows += [(f"rules of {branch}", await _rules(github, branch))]
        rows += [("code owners", await _owners(github))]
    if review.strip() == MERGE_APPROVES:
        rows.append(("approval of a plan", f"**the merge, by the variable {code(REVIEW_NAME)}**"))
    rows += await _environments(github, str(branch or ""))
    return Gates(_public(repository), tuple(rows))


def _public(repository: dict[str, Any]) -> bool | None:
    visibility, private = repository.get("visibility"), repository.get("private")
    if visibility in ("private", "internal") and private is not False:
        return False
    if visibility is None and private is True:
        return False
    return None if visibility is None and private is None else True


async def _branch(github: GitHub, branch: str) -> str:
    """https://docs.github.com/en/rest/branches/branches#get-a-branch (`protected`; contents: read)."""
    try:
        protected = (await github.get(f"/branches/{_quoted(branch)}")).get("protected")
    except ApiError:
        return _NOT_KNOWN
    if protected is True:
        return "protected"
    return (
        "**not protected: whoever may push can change it unreviewed**" if protected is False else _NOT_KNOWN
    )


async def _rules(github: GitHub, branch: str) -> str:
    """https://docs.github.com/en/rest/repos/rules#get-rules-for-a-branch (metadata: read).

    Rules of rulesets only; those of classic branch protection need a right that no workflow's token has.
    """
    try:
        rules = await github.every(f"/rules/branches/{_quoted(branch)}")
    except ApiError:
        return _NOT_KNOWN
    found = [_RULES[kind] for kind in _RULES if any(rule.get("type") == kind for rule in rules)]
    return ", ".join([*found, *_reviews(rules)]) or "none in rulesets; classic protection is not known"


async def _owners(github: GitHub) -> str:
    """https://docs.github.com/en/rest/repos/repos#list-codeowners-errors (contents: read).

    Of the default branch, without `ref`. A line with an error counts for nothing: GitHub skips it.
    """
    try:
        found = (await github.get("/codeowners/errors")).get("errors")
    except RecordNotFound:
        return "**no CODEOWNERS file, so that no code owner is asked**"
    except ApiError:
        return _NOT_KNOWN
    if not isinstance(found, list):
        return _NOT_KNOWN
    lines = [str(one["line"]) for one in found if isinstance(one, dict) and isinstance(one.get("line"), int)]
    what = "these lines count for nothing" if len(lines) != 1 else "this line counts for nothing"
    return f"**CODEOWNERS, line {', '.join(lines)}: {what}**" if found else "a file that GitHub can read"


def _reviews(rules: Sequence[dict[str, Any]]) -> list[str]:
    """What is asked of an approval, of all rules together; in bold what a plan's approval needs and lacks."""
    count = max([0, *(n for n in _asked(rules, "required_approving_review_count") if isinstance(n, int))])
    words = [number_of(count, "approving review")] * bool(count)
    for kind, name, has, lacks in _WANTED:
        if any(rule.get("type") == kind for rule in rules):
            words.append(has if True in _asked(rules, name) else f"**{lacks}**")
    return words


def _asked(rules: Sequence[dict[str, Any]], name: str) -> list[Any]:
    told = [rule.get("parameters") for rule in rules]
    return [parameters.get(name) for parameters in told if isinstance(parameters, dict)]


async def _environments(github: GitHub, default: str) -> list[tuple[str, str]]:
    """https://docs.github.com/en/rest/deployments/environments#list-environments (actions: read)."""
    try:
        found = await github.every("/environments", key="environments")
    except ApiError:
        return [("environments", _NOT_KNOWN)]
    return [
        (f"environment {one.get('name')}", await _environment(github, one, default)) for one in found
    ] or [("environments", "**none: every workflow of the repository can read every key**")]


async def _environment(github: GitHub, one: dict[str, Any], default: str) -> str:
    rules = one.get("protection_rules")
    kinds: Sequence[Any] = (
        [r.get("type") for r in rules if isinstance(r, dict)] if isinstance(rules, list) else []
    )
    reviewers = ", with reviewers" if "required_reviewers" in kinds else ""
    return await _branches(github, one, default) + reviewers


async def _branches(github: GitHub, one: dict[str, Any], default: str) -> str:
    """Which branches reach an environment's keys; those of plans are to be reached from every branch.

    https://docs.github.com/en/rest/deployments/branch-policies#list-deployment-branch-policies (actions:
    read; names may be patterns, and `type` is `branch` or `tag`).
    """
    name, policy = str(one.get("name")), one.get("deployment_branch_policy")
    if not isinstance(policy, dict):
        return "open to every branch" if name.endswith(PLAN_SUFFIX) else "**open to every branch**"
    if policy.get("protected_branches") is True:
        return "limited to protected branches"
    path = f"/environments/{_quoted(name)}/deployment-branch-policies"
    try:
        policies = await github.every(path, key="branch_policies")
    except ApiError:
        return f"limited to some branches, which ones is {_NOT_KNOWN}"
    if [(each.get("name"), each.get("type", "branch")) for each in policies] == [(default, "branch")]:
        return f"limited to {md(default)}"
    named = ", ".join(code(str(each.get("name"))) for each in policies) or "no branch at all"
    return f"**limited to {named}**"


def _quoted(branch: str) -> str:
    from urllib.parse import quote

    return quote(branch, safe="")


def gates_text(gates: Gates, *, allowed: bool) -> str:
    """The step summary's part: which gate is real here."""
    lines = ["### Gates of this repository", "| Gate | Found |", "| --- | --- |"]
    for gate, finding in gates.rows:
        # findings are our own texts, with names marked up; the visibility is a word of GitHub's
        lines.append(f"| {md(gate)} | {finding if gate != 'visibility' else md(finding)} |")
    if gates.public is not False:
        word = "is allowed by" if allowed else "needs"
        lines.append(f"\nNot known to be private: a plan here {word} {code(ALLOWED_NAME)}.")
    return "\n".join(lines) + "\n"
