"""The program as a process of its own, against a sandbox that answers slowly."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reconciler.sandbox.server import RunningSandbox
    from reconciler.sandbox.world import World

ROOT = Path(__file__).resolve().parents[2]
WAIT = 60


@dataclass
class Place:
    """A sandbox, and a folder that says what is to be mapped."""

    sandbox: RunningSandbox
    world: World
    root: Path

    @contextmanager
    def process(
        self,
        *arguments: str,
        stdout: IO[bytes] | int = subprocess.PIPE,
        before: Callable[[], None] | None = None,
        code: str = "",
    ) -> Iterator[subprocess.Popen[str]]:
        """`reconciler …` in the folder; `before` runs in the new process, `code` in the place of -m."""
        environment = {**os.environ, **self.sandbox.environment, "PYTHONPATH": str(ROOT), "CI": "1"}
        program = ["-c", code] if code else ["-m", "reconciler"]
        with subprocess.Popen(
            [sys.executable, *program, *arguments],
            cwd=self.root,
            env=environment,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=before,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def run(
        self,
        *arguments: str,
        stdout: IO[bytes] | int = subprocess.PIPE,
        before: Callable[[], None] | None = None,
        code: str = "",
    ) -> tuple[int, str, str]:
        """Exit code, standard output and standard error of a whole run."""
        with self.process(*arguments, stdout=stdout, before=before, code=code) as process:
            out, err = process.communicate(timeout=WAIT)
            return process.returncode, out or "", err or ""

    @property
    def written(self) -> set[str]:
        """The products that are mapped by now."""
        return {
            str(row["identifier"])
            for row in self.world.tables["catalog"].values()
            if "[sophos:" in str(row.get("notes") or "")
        }
