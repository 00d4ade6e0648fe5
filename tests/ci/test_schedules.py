"""`ci drift` and `ci month-end`: what schedules tell people."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from markdown_it import MarkdownIt

from tests.ci.merges import OPENED
from tests.ci.store import bytes_of
from tests.hostile.test_names import NAMES
from tests.support import status

if TYPE_CHECKING:
    from tests.ci.github import Workflow
    from tests.support import Said

BRANCH = "month-end/mappings/2026-11"


def drift(workflow: Workflow, day: date | None = None) -> Said:
    """The step, with a plan of a day."""
    workflow.books.today = day or workflow.books.today
    workflow.output.unlink(missing_ok=True)
    said = workflow.ci("drift", str(workflow.plan()), "--site", "mappings")
    assert said.code == 0, said.err
    return said


def describe(workflow: Workflow, text: str) -> None:
    """Somebody changes a product by hand."""
    workflow.books.item("MSP-EP")["customerDescription"] = text


def test_drift_is_one_issue_opened_updated_and_closed(workflow: Workflow) -> None:
    workflow.books.live("products:\n  MSP-EP: {customerDescription: Ours}\n")
    describe(workflow, "Ours")
    assert drift(workflow).out.endswith("no drift, and no open issue\n"), "usage alone is none"
    assert workflow.output.read_text(encoding="utf-8") == "drift=0\n"

    describe(workflow, "By hand")
    assert drift(workflow).out.endswith("issue opened\n")
    (issue,) = workflow.github.issues
    assert issue["labels"] == ["reconciler-drift"]
    assert issue["title"] == "Drift in mappings: 1 difference, the oldest since today"
    assert "### Products: a value differs from the files: 1" in issue["body"]
    assert "MSP-EP: edit product (customerDescription)" in issue["body"]

    assert drift(workflow, date(2026, 12, 1)).out.endswith("issue updated\n")
    (issue,) = workflow.github.issues
    assert issue["title"] == "Drift in mappings: 1 difference, the oldest for 4 days"
    assert "(for 4 days)" in issue["body"]

    describe(workflow, "Ours")
    assert drift(workflow).out.endswith("issue closed\n")
    assert (issue["state"], issue["state_reason"]) == ("closed", "completed")

    describe(workflow, "By hand again")
    assert drift(workflow).out.endswith("issue opened\n")
    assert [one["state"] for one in workflow.github.issues] == ["closed", "open"]
    assert "since today" in workflow.github.issues[1]["title"], "a new age"


def test_a_line_that_somebody_has_to_decide_is_drift(workflow: Workflow) -> None:
    workflow.books.customer("Doubtful", ep=(10, 10, 900))
    workflow.books.live()
    drift(workflow)
    assert "### Lines: somebody has to say what is right: 1" in workflow.github.issues[0]["body"]
    assert "Alder" not in workflow.github.issues[0]["body"]


def test_a_row_that_cannot_be_used_is_drift_and_an_unread_month_mends_nothing(workflow: Workflow) -> None:
    books = workflow.books
    books.customer("Birch", ep=(10, 10, 10))
    books.rows["Birch"] = books.rows["Birch"].replace("agreement: Managed", "agreement: Other")
    books.live()
    assert "issue opened" in drift(workflow).out
    (issue,) = workflow.github.issues
    assert "### Rows: what they name is not there, or cannot be used: 1" in issue["body"]
    assert "agreement" in issue["body"]
    books.rows["Birch"] = books.rows["Birch"].replace("agreement: Other", "agreement: Managed")
    books.live()
    books.break_("GET", "/partner/v1/billing/usage/2026/11", status(500))
    said = workflow.ci("drift", str(workflow.plan()))
    assert (said.code, "the issue stays as it was" in said.out) == (4, True)
    assert issue["state"] == "open", "nothing is known of its lines"
    books.mend()
    assert "issue closed" in drift(workflow).out


def test_an_issue_that_is_not_ours_is_left_alone(workflow: Workflow) -> None:
    workflow.books.live("products:\n  MSP-EP: {customerDescription: Ours}\n")
    mine = {"body": "<!-- reconciler-drift:mappings -->", "labels": ["reconciler-drift"], "state": "open"}
    outsider = {"id": 1, "number": 1, "user": {"type": "User"}, "author_association": "NONE", **mine}
    pull = {"id": 2, "number": 2, "user": {"type": "Bot"}, "pull_request": {}, **mine}
    workflow.github.issues = [outsider, pull]
    assert drift(workflow).out.endswith("issue opened\n")


@pytest.mark.parametrize(
    "listed", ["<!-- since zz=never 0=2026-13-45 -->", "<!-- since -->", "", "<!-- since 9"]
)
def test_an_edited_list_of_days_does_no_harm(workflow: Workflow, listed: str) -> None:
    workflow.books.live("products:\n  MSP-EP: {customerDescription: Ours}\n")
    drift(workflow)
    (issue,) = workflow.github.issues
    issue["body"] = f"<!-- reconciler-drift:mappings -->\r\n{listed}\r\n"
    drift(workflow)
    assert "since today" in workflow.github.issues[0]["title"]


def test_much_drift_fits_an_issue() -> None:
    from reconciler.ci.drift import Difference, aged, body, title

    found = [Difference("Lines: terms differ from the files", f"k{n}", "x" * 300) for n in range(3_000)]
    dated = aged(found, "", "2026-11-27")
    text = body("mappings", dated, "2026-11-27", "")
    assert 10_000 < len(text) <= 65_536
    assert "### Lines: terms differ from the files: 3000" in text
    assert "3000 differences" in title("mappings", dated, "2026-11-27").replace(",", "")


def month_end(workflow: Workflow, check: str = "", **ready: Any) -> Said:
    """The three files of a month, and the step."""
    root, books = workflow.root, workflow.books
    workflow.run("usage", "--dir", str(books.folder), "--out", str(root / "usage.json"))
    said = workflow.run(
        "ready", "--invoice-date", "2026-12-01", "--dir", str(books.folder), "--format", "json"
    )
    (root / "ready.json").write_text(json.dumps({**said.json, **ready}), encoding="utf-8")
    files = ("--ready", str(root / "ready.json"), "--usage", str(root / "usage.json"))
    plan = str(workflow.plan())
    assert workflow.ci("bind", plan).code == 0
    workflow.github.requests.clear()
    return workflow.ci("month-end", "--site", "mappings", "--plan", plan, "--check", check, *files)


def test_the_months_pull_request_is_opened_once_and_then_updated(workflow: Workflow) -> None:
    said = month_end(workflow)
    assert said.code == 0, said.err
    assert said.out == f"{BRANCH}: pull request opened\n"
    (pull,) = workflow.github.pulls
    assert (pull["head"]["ref"], pull["base"]["ref"], pull["title"]) == (
        BRANCH,
        "main",
        "Month end 2026-11, mappings: not ready",
    )
    assert "❌ Invoices of 2026-12-01 must wait: 1 reason." in pull["body"]
    assert "this month's plan changes invoices by" in pull["body"]
    files = workflow.github.files(BRANCH)
    assert sorted(files) == [
        "README.md",
        *(f"{BRANCH}/{name}" for name in ("plan.json.gz", "ready.json", "usage.json")),
    ]
    assert bytes_of(files[f"{BRANCH}/plan.json.gz"]) == (workflow.root / "plan.json.gz").read_bytes()
    assert workflow.github.refs["heads/main"] == "a" * 40, "the default branch is not written to"

    tip = workflow.github.refs[f"heads/{BRANCH}"]
    assert month_end(workflow).out == f"{BRANCH}: pull request updated\n"
    assert workflow.github.refs[f"heads/{BRANCH}"] == tip, "the same files are no new commit"
    workflow.books.apply()
    assert month_end(workflow).out == f"{BRANCH}: pull request updated\n"
    (pull,) = workflow.github.pulls
    assert pull["title"].endswith(": ready")
    assert "✅ Invoices of 2026-12-01 may be made until" in pull["body"]
    assert workflow.github.store.commit(workflow.github.refs[f"heads/{BRANCH}"])[1] == (tip,)


@pytest.mark.parametrize(
    ("merged", "says"), [("2026-12-01T08:00:00Z", "approved already"), (None, "refused")]
)
def test_a_persons_answer_is_left_alone(workflow: Workflow, merged: str | None, says: str) -> None:
    month_end(workflow)
    workflow.github.pulls[0].update(state="closed", merged_at=merged)
    tip = dict(workflow.github.refs)
    assert says in month_end(workflow).out
    assert workflow.github.refs == tip
    assert len(workflow.github.pulls) == 1


def test_a_run_by_hand_opens_the_months_next_one(workflow: Workflow) -> None:
    month_end(workflow)
    workflow.github.pulls[0].update(state="closed", merged_at="2026-12-01T08:00:00Z")
    workflow.books.environ["GITHUB_EVENT_NAME"] = "workflow_dispatch"
    assert month_end(workflow).out == f"{BRANCH}-2: pull request opened\n"
    assert workflow.github.pulls[1]["title"] == "Month end 2026-11 (2), mappings: not ready"
    assert f"{BRANCH}-2/plan.json.gz" in workflow.github.files(f"{BRANCH}-2")
    assert month_end(workflow).out == f"{BRANCH}-2: pull request updated\n"
    workflow.github.pulls[1].update(state="closed", merged_at=None)
    assert month_end(workflow).out == f"{BRANCH}-3: pull request opened\n"


@pytest.mark.parametrize("opened", [True, False])
def test_a_persons_branch_of_the_months_name_is_left_alone(workflow: Workflow, opened: bool) -> None:
    ref = f"heads/{BRANCH}"
    tip = workflow.github.refs[ref] = workflow.github.store.put({f"{BRANCH}/plan.json.gz": "{}"}, "b" * 40)
    if opened:
        workflow.github.pulls.append(
            {
                "number": 1,
                "state": "open",
                "merged_at": None,
                "base": {"ref": "main"},
                "user": OPENED,
                "head": {"ref": BRANCH, "sha": tip},
            }
        )
    assert month_end(workflow).out == f"{BRANCH}-2: pull request opened\n"
    assert workflow.github.refs[ref] == tip
    assert workflow.github.pulls[-1]["head"]["ref"] == f"{BRANCH}-2"
    assert "title" not in workflow.github.pulls[0] or not opened


def test_what_people_put_on_the_months_branch_stays_and_it_has_what_was_planned(workflow: Workflow) -> None:
    month_end(workflow)
    git = workflow.github
    tip, ref = git.refs[f"heads/{BRANCH}"], f"heads/{BRANCH}"
    assert "b" * 40 in git.store.ancestors(tip), "it begins from the commit that was planned"
    held = git.store.put(git.files(BRANCH) | {"mappings/holds.yaml": "holds"}, tip)
    git.refs[ref] = held
    git.store.put({"README.md": "moved"}, "b" * 40, sha="c" * 40)
    workflow.books.environ["GITHUB_SHA"] = "c" * 40
    workflow.books.apply()
    assert month_end(workflow).code == 0
    assert {held, "c" * 40} <= set(git.store.ancestors(git.refs[ref]))
    assert git.files(BRANCH)["mappings/holds.yaml"] == "holds"


def test_the_required_check_is_set_where_the_pull_request_brings_a_plan_and_nothing_else(
    workflow: Workflow,
) -> None:
    month_end(workflow)
    assert not workflow.github.statuses
    month_end(workflow, check="plan / Plan")
    (status,) = workflow.github.statuses
    tip = workflow.github.refs[f"heads/{BRANCH}"]
    assert (status["sha"], status["context"], status["state"]) == (tip, "plan / Plan", "success")
    assert status["target_url"].endswith("/actions/runs/77")
    files = workflow.github.files(BRANCH) | {"mappings/holds.yaml": "holds"}
    workflow.github.refs[f"heads/{BRANCH}"] = workflow.github.store.put(files, tip)
    workflow.books.apply()
    assert month_end(workflow, check="plan / Plan").code == 0
    assert len(workflow.github.statuses) == 1, "of that nobody made a plan"


def test_a_branch_that_conflicts_says_how_to_go_on(workflow: Workflow) -> None:
    month_end(workflow)
    tip = workflow.github.refs[f"heads/{BRANCH}"]
    workflow.github.refused["POST /merges"] = 409
    said = month_end(workflow)
    assert said.code == 1
    assert "month-end-branch" in said.err
    assert "Close its pull request and run month-end by hand" in said.err
    assert workflow.github.refs[f"heads/{BRANCH}"] == tip


@pytest.mark.parametrize("ready", [{"month": "2026-10"}, {"ready": "yes"}, {"month": None}])
def test_a_verdict_of_another_month_is_refused(workflow: Workflow, ready: dict[str, Any]) -> None:
    said = month_end(workflow, **ready)
    assert said.code == 1
    assert "month-end-differs" in said.err
    assert not workflow.github.requests


def test_a_hostile_reason_is_a_text(workflow: Workflow) -> None:
    reasons = [{"customer": name, "message": name} for name in NAMES]
    month_end(workflow, reasons=reasons)
    text = workflow.github.pulls[0]["body"]
    assert "<script" not in text
    assert "@team" not in text
    page = MarkdownIt("gfm-like", {"linkify": False, "html": True}).render(text)
    assert "<a " not in page
    assert "<img" not in page
