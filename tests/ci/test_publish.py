"""`ci publish` and `ci comment`: what a pull request is shown."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import TYPE_CHECKING

import pytest
from markdown_it import MarkdownIt
from openpyxl import load_workbook

from reconciler.ci.comment import comment
from reconciler.model.lines import LineState
from tests.ci.github import BOT, Workflow
from tests.hostile.test_names import COMMAND, NAMES, STEERS, hostile_site
from tests.reporting.made import ending, line
from tests.reporting.test_markdown import plan_of

if TYPE_CHECKING:
    from pathlib import Path

LIMIT = 65_536


def published(workflow: Workflow, plan: Path, *more: str) -> Path:
    """The artifact of a plan."""
    out = workflow.root / "out"
    said = workflow.ci("publish", str(plan), "--out", str(out), *more)
    assert said.code == 0, said.err
    return out


def test_a_plan_is_published_whole(workflow: Workflow) -> None:
    workflow.pull_request()
    plan = workflow.plan()
    out = published(workflow, plan)
    assert (out / "plan.json.gz").read_bytes() == plan.read_bytes()
    digest = hashlib.sha256(plan.read_bytes()).hexdigest()
    assert (out / "digest.txt").read_text(encoding="utf-8") == f"{digest}  plan.json.gz\n"
    assert load_workbook(out / "plan.xlsx").sheetnames
    text = (out / "comment.md").read_text(encoding="utf-8")
    first, second = text.splitlines()[:2]
    assert first == "<!-- reconciler:mappings -->"
    assert "this pull request changes invoices by **" in second
    assert "https://github.com/alder/mappings/actions/runs/77" in text
    assert "this pull request changes invoices" in workflow.summary.read_text(encoding="utf-8")


def test_the_comment_is_made_once_and_then_updated(workflow: Workflow) -> None:
    workflow.pull_request()
    out = published(workflow, workflow.plan())
    assert workflow.ci("comment", str(out)).out.endswith("comment made\n")
    first = workflow.github.comments[0]["body"]
    assert workflow.ci("comment", str(out)).out.endswith("already says so\n")
    workflow.books.customer("Birch", ep=(5, 5, 6))
    workflow.books.live()
    published(workflow, workflow.plan())
    assert workflow.ci("comment", str(out)).out.endswith("comment updated\n")
    (only,) = workflow.github.comments
    assert only["body"] != first
    assert "Birch" in only["body"]


def test_a_run_of_an_older_commit_leaves_the_comment_to_the_last_one(workflow: Workflow) -> None:
    """A run that is started again would put its old plan under the reviewer's eyes."""
    workflow.pull_request()
    out = published(workflow, workflow.plan())
    workflow.github.heads[7] = "d" * 40
    said = workflow.ci("comment", str(out))
    assert said.code == 0
    assert "no comment, because the pull request is at dddddddddddd by now" in said.out
    assert workflow.github.comments == []


def test_each_site_has_its_comment(workflow: Workflow) -> None:
    workflow.pull_request()
    plan = workflow.plan()
    folders = []
    for site in ("acme", "birch"):
        folders.append(workflow.root / site)
        workflow.ci("publish", str(plan), "--site", site, "--out", str(folders[-1]))
    workflow.ci("comment", *map(str, folders))
    workflow.ci("comment", *map(str, folders))
    assert [one["body"].split("\n")[:2] for one in workflow.github.comments] == [
        ["<!-- reconciler:acme -->", "**Site acme**"],
        ["<!-- reconciler:birch -->", "**Site birch**"],
    ]


def test_an_outsiders_comment_is_not_taken_for_ours(workflow: Workflow) -> None:
    workflow.pull_request()
    marker = "<!-- reconciler:mappings -->\nall is well"
    someone = {"login": "mallory", "type": "User"}
    others = [{"id": n, "body": "hello", "user": BOT} for n in range(2, 202)]
    workflow.github.comments = [
        {"id": 1, "body": marker, "user": someone, "author_association": "NONE"},
        *others,
        {"id": 202, "body": marker, "user": BOT, "author_association": "NONE"},
    ]
    workflow.ci("comment", str(published(workflow, workflow.plan())))
    assert workflow.github.comments[0]["body"] == marker
    assert "changes invoices" in workflow.github.comments[-1]["body"], "on the third page"
    assert len(workflow.github.comments) == 202


def test_the_files_of_one_artifact_are_taken_as_their_folder(workflow: Workflow) -> None:
    workflow.pull_request()
    out = published(workflow, workflow.plan())
    said = workflow.ci("comment", *(str(path) for path in sorted(out.iterdir())))
    assert said.out.endswith("comment made\n")
    assert "::notice" not in said.out


@pytest.mark.parametrize(
    "refused",
    [{"POST /issues/7/comments": 403}, {"GET /issues/7/comments": 403}, {"GET /issues/7/comments": 500}],
)
def test_a_comment_that_cannot_be_made_is_a_notice(workflow: Workflow, refused: dict[str, int]) -> None:
    workflow.pull_request()
    out = published(workflow, workflow.plan())
    workflow.github.refused = refused
    said = workflow.ci("comment", str(out))
    assert said.code == 0
    assert said.out.startswith("::notice title=comment-not-made::")
    assert workflow.github.comments == []


def test_without_a_pull_request_or_a_comment_nothing_is_sent(workflow: Workflow) -> None:
    out = published(workflow, workflow.plan())
    assert "about no pull request" in workflow.ci("comment", str(out)).out
    workflow.pull_request()
    (out / "comment.md").write_text("no marker", encoding="utf-8")
    said = workflow.ci("comment", str(out), str(workflow.root / "missing"))
    assert said.code == 0
    assert said.out.count("::notice title=comment-not-made::") == 2
    assert not workflow.github.requests


def test_three_thousand_lines_fit_and_what_takes_away_is_not_cut() -> None:
    lines = [line(f"Customer {n:04}", before=10, after=12, agreement_id=n) for n in range(2_900)]
    gone = [ending(f"Leaver {n:02}", agreement_id=5_000 + n) for n in range(50)]
    asked = [
        line(f"Asked {n:02}", state=LineState.NEEDS_DECISION, reason="two", agreement_id=6_000 + n)
        for n in range(50)
    ]
    made = plan_of([*lines, *gone, *asked])
    text = comment(made, "acme", subject="this pull request", run_url="https://x.invalid/1", named=True)
    assert 10_000 < len(text) <= LIMIT
    assert all(f"Leaver {n:02}" in text and f"Asked {n:02}" in text for n in range(50))
    assert "more lines, together" in text
    # where not even those fit, their number stands in their place
    made = plan_of([ending(f"Leaver {n:04}", agreement_id=n) for n in range(3_000)])
    text = comment(made, "acme", subject="this pull request", run_url="https://x.invalid/1", named=True)
    assert "3,000 lines to zero or to an end" in text or "3000 lines to zero or to an end" in text
    assert "The whole plan is in the summary of [this run](https://x.invalid/1)" in text


def test_a_summary_that_is_nearly_full_gets_a_shorter_plan(workflow: Workflow) -> None:
    workflow.summary.write_text("x" * 999_300, encoding="utf-8")
    published(workflow, workflow.plan())
    assert 999_300 < workflow.summary.stat().st_size <= 1_000_000


def test_at_most_ten_annotations_and_the_rest_counted(workflow: Workflow) -> None:
    for number in range(14):
        workflow.books.customer(f"Doubtful {number}", ep=(11, 10, 12))
    workflow.books.live()
    said = workflow.ci("publish", str(workflow.plan()), "--root", str(workflow.root))
    lines = [line for line in said.out.splitlines() if line.startswith("::")]
    assert len(lines) == 10
    assert "file=mappings/mappings.yaml,line=" in lines[0]
    assert lines[-1].startswith("::notice title=more-annotations::")


@pytest.mark.parametrize("number", range(len(NAMES)))
def test_no_name_is_executed(number: int, tmp_path: Path) -> None:
    workflow = Workflow(tmp_path, hostile_site(tmp_path, NAMES[number]))
    workflow.pull_request()
    out = workflow.root / "out"
    said = workflow.ci("publish", str(workflow.plan()), "--out", str(out))
    assert workflow.ci("comment", str(out)).code == 0
    (posted,) = workflow.github.comments
    for text in (said.out, posted["body"], workflow.summary.read_text(encoding="utf-8")):
        assert not {one for one in text if unicodedata.category(one) in STEERS} - {"\n"}
    for said_line in said.out.splitlines():
        assert re.match(
            r"::(error|warning|notice) title=[a-z-]+(,file=[^:,]+,line=\d+,col=\d+)?::", said_line
        )
    assert _links_of(posted["body"]) == ["https://github.com/alder/mappings/actions/runs/77"]


def _links_of(text: str) -> list[str]:
    """Where a text of GitHub's leads to; it names nobody and shows nothing."""
    page = MarkdownIt("gfm-like", {"linkify": False, "html": True}).render(text)
    for word in ("<script", "@team", "<img", "<iframe"):
        assert word not in page
    return re.findall(r'href="([^"]*)"', page)


@pytest.mark.parametrize("number", range(len(NAMES)))
def test_nor_in_the_issue_and_the_pull_request_of_a_schedule(number: int, tmp_path: Path) -> None:
    books = hostile_site(tmp_path, NAMES[number])
    workflow = Workflow(tmp_path, books)
    for file, arguments in {
        "usage": ("usage", "--dir"),
        "ready": ("ready", "--format", "json", "--dir"),
    }.items():
        out = ("--out", str(tmp_path / "usage.json")) if file == "usage" else ()
        told = workflow.run(*arguments, str(books.folder), *out)
        if file == "ready":
            (tmp_path / "ready.json").write_text(told.out, encoding="utf-8")
    plan = str(workflow.plan())
    assert workflow.ci("bind", plan).code == 0
    named = [part for name in ("ready", "usage") for part in (f"--{name}", str(tmp_path / f"{name}.json"))]
    for step in (("drift", plan), ("month-end", "--plan", plan, *named)):
        said = workflow.ci(*step)
        assert said.code == 0, said.err
        assert not [line for line in said.out.splitlines() if COMMAND.search(line)]
    (issue,) = workflow.github.issues
    (pull,) = workflow.github.pulls
    for shown in (issue, pull):
        for text in (shown["title"], shown["body"]):
            assert not {one for one in text if unicodedata.category(one) in STEERS} - {"\n"}
        assert set(_links_of(shown["body"])) <= {"https://github.com/alder/mappings/actions/runs/77"}


def test_a_folder_with_much_that_is_wrong_shows_ten_annotations_and_the_rest_in_the_log(
    workflow: Workflow,
) -> None:
    rows = "".join(f"  CODE{number}-MSP: {{product: MSP-EP, sink: true}}\n" for number in range(30))
    (workflow.books.folder / "more.yaml").write_text(f"mappings:\n{rows}", encoding="utf-8")
    said = workflow.run("validate", str(workflow.books.folder), "--format", "github")
    assert said.code == 1
    shown = [line for line in said.out.splitlines() if line.startswith("::")]
    assert len(shown) == 10
    assert shown[-1] == "::notice title=more-annotations::21 more are in the log of this step."
    assert said.err.count("error [unknown-key]") == 30
