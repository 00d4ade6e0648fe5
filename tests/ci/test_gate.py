"""`ci gate` and `ci changed`: may a plan be made here, and is there anything to plan?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.ci.github import BOT
from tests.ci.test_sites import ROWS, put

if TYPE_CHECKING:
    from tests.ci.github import Workflow


def test_a_private_repository_may_plan_and_says_what_protects_it(workflow: Workflow) -> None:
    workflow.github.answers |= {
        "/branches/main": {"name": "main", "protected": True},
        "/rules/branches/main": [
            {
                "type": "pull_request",
                "parameters": {"required_approving_review_count": 1, "require_code_owner_review": True},
            },
            {
                "type": "pull_request",
                "parameters": {
                    "required_approving_review_count": 0,
                    "require_code_owner_review": False,
                    "dismiss_stale_reviews_on_push": True,
                    "require_last_push_approval": True,
                },
            },
            {
                "type": "required_status_checks",
                "parameters": {"strict_required_status_checks_policy": True},
            },
        ],
        "/environments": {
            "environments": [
                {"name": "production", "deployment_branch_policy": {"protected_branches": True}},
                {"name": "acme", "deployment_branch_policy": {"custom_branch_policies": True}},
                {"name": "birch", "deployment_branch_policy": {"custom_branch_policies": True}},
                {"name": "cedar", "deployment_branch_policy": {"custom_branch_policies": True}},
                {
                    "name": "elder",
                    "deployment_branch_policy": None,
                    "protection_rules": [{"type": "required_reviewers"}],
                },
                {"name": "acme-plan", "deployment_branch_policy": None},
            ]
        },
        "/environments/acme/deployment-branch-policies": {
            "branch_policies": [{"name": "main", "type": "branch"}]
        },
        "/environments/birch/deployment-branch-policies": {
            "branch_policies": [{"name": "main", "type": "branch"}, {"name": "*", "type": "branch"}]
        },
    }
    said = workflow.ci("gate")
    assert said.code == 0, said.err
    told = workflow.summary.read_text(encoding="utf-8")
    assert "| branch main | protected |" in told
    assert (
        "changes come by pull request, checks must pass, 1 approving review, code owners approve, "
        "stale approvals go, the last push is approved by somebody else, branches are up to date |"
    ) in told
    assert "| environment production | limited to protected branches |" in told
    assert "| environment acme | limited to main |" in told
    assert "| environment birch | **limited to `main`, `*`** |" in told
    assert "| environment cedar | limited to some branches, which ones is not known |" in told
    assert "| environment elder | **open to every branch**, with reviewers |" in told
    assert "| environment acme-plan | open to every branch |" in told


def test_what_a_plan_s_approval_needs_and_the_rules_do_not_ask_for_is_in_bold(workflow: Workflow) -> None:
    workflow.github.answers["/rules/branches/main"] = [
        {"type": "pull_request", "parameters": {"required_approving_review_count": 0}},
        {"type": "required_status_checks", "parameters": {}},
    ]
    assert workflow.ci("gate", RECONCILER_REVIEW="merge").code == 0
    told = workflow.summary.read_text(encoding="utf-8")
    for missing in (
        "**code owners need not approve**",
        "**stale approvals stay**",
        "**who pushed last may approve**",
        "**branches need not be up to date",
        "| approval of a plan | **the merge, by the variable `RECONCILER_REVIEW`** |",
    ):
        assert missing in told
    assert "approving review" not in told


@pytest.mark.parametrize(
    "repository",
    [
        {"visibility": "public", "private": False, "default_branch": "main"},
        {"private": False, "default_branch": "main"},
        {"visibility": "private", "private": False},
        {},
    ],
)
def test_a_public_repository_is_refused_until_a_variable_allows_it(
    workflow: Workflow, repository: dict[str, object]
) -> None:
    workflow.github.repository = repository
    said = workflow.ci("gate")
    assert said.code == 4
    assert "::error title=public-repository::" in said.out
    assert workflow.ci("gate", RECONCILER_PUBLIC="yes").code == 4
    assert workflow.ci("gate", RECONCILER_PUBLIC="allowed").code == 0


@pytest.mark.parametrize(
    ("errors", "said"),
    [
        (None, "**no CODEOWNERS file, so that no code owner is asked**"),
        ([], "a file that GitHub can read"),
        ([{"line": 3, "kind": "Unknown owner"}], "**CODEOWNERS, line 3: this line counts for nothing**"),
        ([{"line": 3}, {"line": 7}], "**CODEOWNERS, line 3, 7: these lines count for nothing**"),
    ],
)
def test_code_owners_that_nobody_asks_are_in_bold(
    workflow: Workflow, errors: list[dict[str, object]] | None, said: str
) -> None:
    """A rule that asks for code owners asks nobody where there is no file, or where its line is not read."""
    if errors is not None:
        workflow.github.answers["/codeowners/errors"] = {"errors": errors}
    assert workflow.ci("gate").code == 0
    assert f"| code owners | {said} |" in workflow.summary.read_text(encoding="utf-8")


def test_what_the_token_may_not_read_is_not_known(workflow: Workflow) -> None:
    paths = ("/branches/main", "/rules/branches/main", "/codeowners/errors", "/environments")
    workflow.github.refused = {f"GET {path}": 403 for path in paths}
    assert workflow.ci("gate").code == 0
    told = workflow.summary.read_text(encoding="utf-8")
    assert told.count("not known |") == 4


def test_visibility_comes_from_the_event_where_the_api_refuses(workflow: Workflow) -> None:
    workflow.github.refused = {"GET ": 403}
    assert workflow.ci("gate").code == 4, "nobody knows"
    workflow.event(repository={"private": True, "visibility": "private"})
    assert workflow.ci("gate").code == 0


def test_without_a_token_there_is_no_answer(workflow: Workflow) -> None:
    said = workflow.ci("gate", GITHUB_TOKEN="")
    assert said.code == 1
    assert "credentials-missing" in said.err
    assert not workflow.github.requests


def test_a_change_of_comments_reads_nothing(workflow: Workflow) -> None:
    base = workflow.root / "base"
    base.mkdir()
    for file in workflow.books.folder.iterdir():
        (base / file.name).write_text(f"# as it was\n{file.read_text(encoding='utf-8')}", encoding="utf-8")
    out = workflow.root / "out"
    folders = ("--base", str(base), "--head", str(workflow.books.folder))
    said = workflow.ci("changed", *folders, "--out", str(out))
    assert said.code == 0
    assert workflow.output.read_text(encoding="utf-8") == "changed=false\n"
    assert "nothing was read" in workflow.summary.read_text(encoding="utf-8")
    assert not workflow.books.requests
    assert not workflow.github.requests
    # it takes the place of an older plan's comment and makes none of its own
    workflow.pull_request()
    assert workflow.ci("comment", str(out)).code == 0
    assert workflow.github.comments == []
    workflow.ci("publish", str(workflow.plan()), "--out", str(workflow.root / "plan"))
    workflow.ci("comment", str(workflow.root / "plan"))
    workflow.ci("comment", str(out))
    (comment,) = workflow.github.comments
    assert "nothing new to plan" in comment["body"]


@pytest.mark.parametrize("broken", ["missing", "base", "head"])
def test_what_differs_or_cannot_be_compared_is_a_change(workflow: Workflow, broken: str) -> None:
    base = workflow.root / "base"
    if broken != "missing":
        base.mkdir()
        file = (workflow.books.folder if broken == "head" else base) / "mappings.yaml"
        file.write_text("mappings: [", encoding="utf-8")
    said = workflow.ci("changed", "--base", str(base), "--head", str(workflow.books.folder))
    assert said.code == 0
    assert workflow.output.read_text(encoding="utf-8") == "changed=true\n"


def test_each_site_that_a_change_leaves_alone_has_its_comment(workflow: Workflow) -> None:
    base, head, out = (workflow.root / name for name in ("before", "after", "out"))
    for root in (base, head):
        for name in ("acme", "birch", "cedar"):
            put(root, f"sites/{name}")
    put(head, "sites/acme", ROWS.replace("ENDPOINT", "OTHER"))
    put(head, "sites/new")
    command = ("changed", "--sites", "--base", str(base), "--head", str(head), "--out", str(out))
    assert workflow.ci(*command).code == 0
    assert workflow.output.read_text(encoding="utf-8") == "changed=true\n"
    assert not workflow.summary.exists()
    assert sorted(file.parent.name for file in out.rglob("comment.md")) == ["birch", "cedar"]
    workflow.pull_request()
    for name in ("acme", "birch"):
        body = f"<!-- reconciler:{name} -->\nits plan"
        workflow.github.comments.append({"id": len(name), "user": BOT, "body": body})
    # as one artifact of several is unpacked, and as the only one is
    assert workflow.ci("comment", str(out)).code == 0
    assert workflow.ci("comment", str(out / "birch"), str(out / "cedar")).code == 0
    acme, birch = (one["body"] for one in workflow.github.comments)
    assert acme.endswith("its plan")
    assert "nothing new to plan" in birch
