"""Words that somebody else can choose command no runner, in whatever `reconciler ci` writes."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

import pytest
from markdown_it import MarkdownIt

from reconciler.cli.ci import ci
from reconciler.cli.main import main  # noqa: F401 - it adds the commands to ci
from reconciler.cli.runtime import Runtime
from reconciler.cli.workflow import put_output
from reconciler.model.diagnostics import ReconcilerError
from tests.ci.github import HEAD
from tests.hostile.test_names import COMMAND, NAMES, STEERS

if TYPE_CHECKING:
    from tests.ci.github import Workflow

OURS = re.compile(r"::(error|warning|notice) title=[a-z-]+(,[a-z]+=[^:,]*)*::")
#: The lines of outputs: ours have a name that we chose and a value on one line.
OUTPUT = re.compile(r"(changed|plans|drift|base|sites)=[^\r\n]*")
LATER = "c" * 40


def steps(workflow: Workflow, name: str) -> list[tuple[str, ...]]:
    """Every step that says a name of a branch, a file, an environment, a person or an answer of GitHub's."""
    github, root = workflow.github, workflow.root
    usable = name.replace("/", "_").replace("\0", "_")
    folder = {f"month-end/{usable}/2026-11/plan.json.gz": "{}"}
    github.store.put({"README.md": "x", **folder}, HEAD, sha=LATER)
    merge = github.store.put({"README.md": "x", **folder}, HEAD, LATER)
    workflow.event(
        repository={"default_branch": name, "visibility": name},
        pull_request={
            "number": 7,
            "title": name,
            "head": {"sha": LATER, "ref": name},
            "user": {"login": name},
        },
    )
    workflow.books.environ["GITHUB_SHA"] = merge
    github.repository = {"private": True, "visibility": name, "default_branch": name}
    github.answers |= {
        "/environments": {"environments": [{"name": name, "protection_rules": [{"type": name}]}]},
        f"/rules/branches/{name}": [{"type": name}],
    }
    github.refs[f"heads/{name}"] = LATER
    empty = root / "empty"
    empty.mkdir()
    folders = ("--base", str(empty), "--head", str(empty))
    (root / "plan.json").write_text("{}", encoding="utf-8")
    return [
        ("gate",),
        ("base",),
        ("changed", "--sites", "--bind", *folders, "--out", str(root / "out")),
        ("tip",),
        ("reviewed", "--out", str(root / "reviewed")),
        ("comment", str(root / name.replace("\0", ""))),
        ("bind", str(root / name)),
        ("standing", str(root / name), "--base-plan", str(root / name)),
        ("notify", "--title", name),
        ("heard", "--workflow", "usage.yml", "--hours", "24"),
        ("lock", "--wait", "0"),
        ("unlock",),
        ("publish", str(root / name), "--out", str(root / "none")),
        ("drift", str(root / name)),
        (
            "month-end",
            *(word for option in ("plan", "ready", "usage") for word in (f"--{option}", str(root / name))),
        ),
    ]


def test_every_step_is_tried(workflow: Workflow) -> None:
    assert {step[0] for step in steps(workflow, "name")} == set(ci.commands)


@pytest.mark.parametrize("number", range(len(NAMES)))
def test_no_step_says_a_name_so_that_the_runner_obeys(workflow: Workflow, number: int) -> None:
    name = NAMES[number]
    for step in steps(workflow, name):
        said = workflow.ci(*step)
        for text in (said.out, said.err):
            assert not {one for one in text if unicodedata.category(one) in STEERS} - {"\n"}, step
            for line in text.splitlines():
                left = OURS.sub("", line, count=1) if OURS.match(line) else line
                assert not COMMAND.search(left), (step, line)
    written = [workflow.summary, *(workflow.root / "out").rglob("*.md")]
    for file in (one for one in written if one.exists()):
        page = MarkdownIt("gfm-like", {"linkify": False, "html": True}).render(
            file.read_text(encoding="utf-8")
        )
        assert not re.search(r"<(script|img|a) ", page.replace("<script>", "<script >")), page
    if workflow.output.exists():
        for line in workflow.output.read_text(encoding="utf-8").splitlines():
            assert OUTPUT.fullmatch(line), line


@pytest.mark.parametrize("number", range(len(NAMES)))
def test_what_github_answers_is_said_as_a_text(workflow: Workflow, number: int) -> None:
    workflow.github.refusal = NAMES[number]
    workflow.github.refused = {"GET /git/ref/heads/main": 403, "GET /git/commits/" + HEAD: 422}
    workflow.event(repository={"default_branch": "main"})
    for step in (("tip",), ("reviewed", "--out", str(workflow.root / "reviewed"))):
        said = workflow.ci(*step)
        assert said.code != 0
        for line in (said.out + said.err).splitlines():
            assert not COMMAND.search(OURS.sub("", line, count=1) if OURS.match(line) else line), line


@pytest.mark.parametrize("value", ["a\nb=c", "a\rb", "a<<b\nc"])
def test_an_output_is_one_line_or_none(workflow: Workflow, value: str) -> None:
    with pytest.raises(ReconcilerError, match="output"):
        put_output(Runtime(environ=workflow.books.environ), "sites", value)
    assert not workflow.output.exists()
