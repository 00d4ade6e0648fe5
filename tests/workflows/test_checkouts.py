"""What a hostile head brings into the workspace, with the settings of the workflows' checkouts."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from tests.workflows.reader import jobs

if TYPE_CHECKING:
    from pathlib import Path


def _git(folder: Path, *arguments: str, environ: dict[str, str] | None = None) -> None:
    told = ["-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "protocol.file.allow=always"]
    subprocess.run(
        ["git", *told, *arguments],
        cwd=folder,
        check=True,
        capture_output=True,
        env=dict(os.environ)
        | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        | (environ or {}),
    )


def test_no_env_no_code_and_no_link_of_the_head_arrives(tmp_path: Path) -> None:
    (step,) = (
        step
        for job in jobs("plan")
        if job.name == "plan"
        for step in job.steps
        if step.uses.startswith("actions/checkout@") and step.data["with"]["path"] == "head"
    )
    hostile = tmp_path / "hostile"
    (hostile / "sites" / "acme").mkdir(parents=True)
    (hostile / "sites" / "acme" / "mappings.yaml").write_text("mappings: {}\n", encoding="utf-8")
    (hostile / ".env").write_text("CONNECTWISE_URL=https://elsewhere.example\n", encoding="utf-8")
    (hostile / "reconciler").mkdir()
    (hostile / "reconciler" / "__init__.py").write_text("", encoding="utf-8")
    (hostile / "sites" / "other").symlink_to("../../tool/mappings")
    (hostile / "mappings").symlink_to("/etc")
    (hostile / "sites" / "acme" / "more.yaml").symlink_to("/proc/self/environ")
    _git(hostile, "init", "--quiet", "--initial-branch=main")
    _git(hostile, "add", "--all", "--force")
    _git(hostile, "commit", "--quiet", "--message", "hostile")

    head = tmp_path / "head"
    patterns = step.data["with"]["sparse-checkout"].split()
    head.mkdir()
    _git(head, "init", "--quiet", environ=step.data["env"])
    _git(head, "fetch", "--quiet", str(hostile), "main", environ=step.data["env"])
    _git(head, "sparse-checkout", "set", "--no-cone", *patterns, environ=step.data["env"])
    _git(head, "checkout", "--quiet", "FETCH_HEAD", environ=step.data["env"])

    arrived = {
        path.relative_to(head).as_posix(): path for path in head.rglob("*") if ".git" not in path.parts
    }
    assert "sites/acme/mappings.yaml" in arrived
    assert not [name for name, path in arrived.items() if path.is_symlink()]
    assert not {".env", "reconciler", "reconciler/__init__.py"} & set(arrived)
    assert (head / "sites" / "acme" / "more.yaml").read_text(encoding="utf-8") == "/proc/self/environ"
