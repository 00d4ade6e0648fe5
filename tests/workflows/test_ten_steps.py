"""The ten steps of docs/gitops.md, walked in their order: what is typed is run, what is clicked is noted.

Git, the workflows' steps and the command line are real; GitHub is the stand-in of tests/ci, with a branch
that takes no push once a rule protects it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.docs.pages import DOCS, read
from tests.workflows.project import Project, told
from tests.workflows.reader import ROOT, workflow

if TYPE_CHECKING:
    from pathlib import Path

STEPS = re.findall(
    r"^\d+\. \*\*([^*]+)\*\*", read(DOCS / "gitops.md").partition("## What each")[0], re.MULTILINE
)
#: Step 9: the first rows, with the site's own settings.
ROWS = {
    "settings.yaml": "settings: {timeZone: Europe/Lisbon, homes: fixed, mode: shadow, "
    "connectwiseMember: apirec}\n",
    "mappings.yaml": "mappings: {EM-MSP: {product: MSP-EM, sync: true}}\n",
}
SCHEDULES = {"usage": ["usage"], "month-end": ["freeze", "open"], "drift": ["plan", "issue"]}


class Newcomer:
    """Somebody who follows the page; `main` is what a push or a merge has brought to the default branch."""

    def __init__(self, root: Path) -> None:
        self.project = Project(root)
        self.protected = False
        self.clicked: set[str] = set()
        self.project.runner.variables = {}

    def template(self) -> None:
        """A private repository with the files of this one, in one commit."""
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
        )
        self.project.git("rm", "--quiet", "-r", "mappings", ".env")
        for name in listed.stdout.split("\0"):
            if name.startswith((".github/", "docs/", "starter/")):
                (self.project.folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / name, self.project.folder / name)
        self.push("Initial commit")
        self.project.before = self.project.base

    def push(self, message: str) -> None:
        """A commit straight to `main`, which a rule refuses."""
        assert not self.protected, f"{message}: main takes no push any more"
        self.project.git("add", "--all")
        self.project.git("commit", "--quiet", "--message", message)
        self.project.base = self.project.git("rev-parse", "HEAD")
        self.project.github.refs["heads/main"] = self.project.base

    def owners(self) -> None:
        """Step 5, as its text has it."""
        example = self.project.folder / "docs" / "CODEOWNERS.example"
        shutil.copyfile(example, self.project.folder / ".github" / "CODEOWNERS")
        self.push("Say who reviews what")
        self.project.github.answers["/codeowners/errors"] = {"errors": []}

    def protect(self) -> None:
        """Step 7: the rules, as GitHub then tells them."""
        self.protected = True
        text = read(DOCS / "gitops.md").partition("7. **Protect")[2].partition("\n")[0]
        asked = {
            "dismiss_stale_reviews_on_push": "Dismiss stale pull request approvals when new "
            "commits are pushed",
            "require_code_owner_review": "Require review from Code Owners",
            "require_last_push_approval": "Require approval of the most recent reviewable push",
        }
        assert all(
            f"*{words}*" in text
            for words in (*asked.values(), "Require branches to be up to date before merging")
        )
        parameters = dict.fromkeys(asked, True) | {"required_approving_review_count": 1}
        self.project.github.answers |= {
            "/branches/main": {"name": "main", "protected": True},
            "/rules/branches/main": [
                {"type": "pull_request", "parameters": parameters},
                {"type": "non_fast_forward"},
                {"type": "deletion"},
                {
                    "type": "required_status_checks",
                    "parameters": {
                        "strict_required_status_checks_policy": True,
                        "required_status_checks": [{"context": "Plan"}],
                    },
                },
            ],
        }

    def environments(self) -> None:
        """Steps 3 and 4, as GitHub then tells them."""
        self.project.github.answers |= {
            "/environments": {
                "environments": [
                    {"name": "production-plan", "deployment_branch_policy": None},
                    {"name": "production", "deployment_branch_policy": {"custom_branch_policies": True}},
                ]
            },
            "/environments/production/deployment-branch-policies": {
                "branch_policies": [{"name": "main", "type": "branch"}]
            },
        }

    def propose(self) -> str:
        """Step 9: a branch with the first rows."""
        project = self.project
        project.git("switch", "--quiet", "--create", "first-rows")
        (project.folder / "mappings").mkdir()
        for name, content in ROWS.items():
            (project.folder / "mappings" / name).write_text(content, encoding="utf-8")
        project.git("add", "--all")
        project.git("commit", "--quiet", "--message", "The first rows")
        return project.git("rev-parse", "HEAD")

    def schedules(self) -> dict[str, list[str]]:
        """What each schedule does now, and whether it says that there are no rows."""
        found = {}
        for name, jobs in SCHEDULES.items():
            ran = self.project.scheduled(name, *jobs)
            assert not any(one.failed for one in ran.values()), told(ran)
            found[name] = [job for job, one in ran.items() if one.codes]
        return found


@pytest.mark.slow
def test_the_ten_steps_work_in_their_order_and_leave_no_row_of_the_demo(tmp_path: Path) -> None:
    one = Newcomer(tmp_path)
    project, github = one.project, one.project.github
    walk = iter(STEPS)

    assert next(walk).startswith("Make a private repository")
    one.template()
    assert one.schedules() == {name: [] for name in SCHEDULES}, "nothing is switched on yet"
    assert next(walk) == "Make two members in ConnectWise"  # the sandbox has both
    assert next(walk) == "Make the environment `production-plan`"
    assert next(walk) == "Make the environment `production`"
    one.environments()
    assert next(walk) == "Say who reviews what"
    one.owners()
    assert next(walk) == "Set what Actions may do"
    assert next(walk) == "Protect `main`"
    one.protect()
    assert next(walk) == "Switch the workflows on"
    project.runner.variables = {"RECONCILER_WORKFLOWS": "on"}
    assert one.schedules() == {name: ["sites"] for name in SCHEDULES}, "there are no rows yet"
    assert not project.books.requests

    assert next(walk) == "Open a pull request with the first rows"
    head = one.propose()
    ran = project.plan(head)
    assert not any(job.failed for job in ran.values()), told(ran)
    gates = ran["sites"].summary
    assert "**" not in gates.partition("### Gates")[2], gates
    (comment,) = github.comments
    assert "MSP-EM" in comment["body"]
    assert not project.books.writes

    assert next(walk) == "Have it approved once the comment is there, and merge it."
    project.git("switch", "--quiet", "main")
    project.git("merge", "--quiet", "--ff-only", "first-rows")
    project.merge(head)
    ran = project.apply(head)
    assert not any(job.failed for job in ran.values()), told(ran)
    assert "EM-MSP" in project.books.notes("MSP-EM")
    assert not [write for write in project.books.writes if "additions" in write], "mode: shadow"
    assert next(walk, None) is None

    rows = project.git("ls-tree", "-r", "--name-only", "main", "mappings", "sites").split()
    assert rows == ["mappings/mappings.yaml", "mappings/settings.yaml"], "and none of starter/"


@pytest.mark.slow
def test_what_main_requires_of_the_month_s_pull_request_is_set_by_the_workflow(tmp_path: Path) -> None:
    """GitHub starts no check of a pull request that a workflow opened: nobody has to close and reopen it."""
    one = Newcomer(tmp_path)
    one.protect()
    one.project.runner.variables = {"RECONCILER_WORKFLOWS": "on"}
    ran = one.project.scheduled("month-end", "freeze", "open")
    assert not ran["open"].failed, told(ran)
    (pull,) = one.project.github.pulls
    required = {
        check["context"]
        for rule in one.project.github.answers["/rules/branches/main"]
        for check in rule.get("parameters", {}).get("required_status_checks", [])
    }
    green = {
        each["context"]
        for each in one.project.github.statuses
        if each["sha"] == pull["head"]["sha"] and each["state"] == "success"
    }
    assert required == {"Plan"} == green


@pytest.mark.slow
def test_approvals_in_the_products_of_a_pull_request_are_refused(tmp_path: Path) -> None:
    """Whoever owns `products.yaml` alone lets nothing through that a guard withholds."""
    one = Newcomer(tmp_path)
    one.template()
    one.project.runner.variables = {"RECONCILER_WORKFLOWS": "on"}
    one.propose()
    approval = (
        "approvals: [{customer: ALDER, product: MSP-EP, from: 22, upTo: 200, given: 2026-11-26, "
        "reason: please, until: 2026-12-31}]\n"
    )
    (one.project.folder / "mappings" / "products.yaml").write_text(approval, encoding="utf-8")
    one.project.git("add", "--all")
    one.project.git("commit", "--quiet", "--message", "A price")
    ran = one.project.plan(one.project.git("rev-parse", "HEAD"))
    assert ran["plan"].failed
    assert "`approvals` stands in" in ran["plan"].said
    assert ran["result"].failed


def test_the_code_s_checks_do_not_run_for_a_change_of_rows() -> None:
    for event in ("push", "pull_request"):
        assert workflow("ci")["on"][event]["paths-ignore"] == ["mappings/**", "sites/**", "month-end/**"]
