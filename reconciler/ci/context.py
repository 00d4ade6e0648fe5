"""Where a workflow's step runs: GitHub's environment variables and the payload of its event.

https://docs.github.com/en/actions/reference/workflows-and-actions/variables (default variables) and
https://docs.github.com/en/webhooks/webhook-events-and-payloads (payloads).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.model.diagnostics import ReconcilerError, error

if TYPE_CHECKING:
    from collections.abc import Mapping

_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}/(?!\.{1,2}$)[A-Za-z0-9_.-]{1,100}")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_LARGEST = 25 * 1024 * 1024  # of a payload; the webhooks' page names it


@dataclass(frozen=True)
class Context:
    """One step's surroundings. `commit` is the commit that the run is about, "" where none is known.

    `by_hand` says that a person started the run, `by_push` that a push did.
    """

    repository: str
    event: Mapping[str, Any] = field(default_factory=dict)
    commit: str = ""
    run_id: int | None = None
    by_hand: bool = False
    by_push: bool = False
    server: str = "https://github.com"

    @property
    def owner(self) -> str:
        """The account that the repository belongs to."""
        return self.repository.partition("/")[0]

    @property
    def run_url(self) -> str:
        """The page of this run; "" where it is not known."""
        return f"{self.server}/{self.repository}/actions/runs/{self.run_id}" if self.run_id else ""

    @property
    def pull_request(self) -> int | None:
        """The number of the pull request that the event is about."""
        number = self._pull.get("number")
        return number if isinstance(number, int) and number > 0 else None

    @property
    def head(self) -> str:
        """The last commit of that pull request; "" where the event is about none."""
        head = self._pull.get("head")
        sha = head.get("sha") if isinstance(head, dict) else None
        return str(sha) if is_commit(sha) else ""

    @property
    def opened_by_workflow(self) -> bool:
        """Whether a workflow or an app opened that pull request, and no person."""
        user = self._pull.get("user")
        return isinstance(user, dict) and user.get("type") == "Bot"

    @property
    def _pull(self) -> Mapping[str, Any]:
        pull = self.event.get("pull_request")
        return pull if isinstance(pull, dict) else {}


def context_of(environ: Mapping[str, str]) -> Context:
    """The step's surroundings. Raises ReconcilerError where the event cannot be read."""
    run = environ.get("GITHUB_RUN_ID", "")
    server = environ.get("GITHUB_SERVER_URL", "")
    commit = environ.get("GITHUB_SHA", "")
    repository = environ.get("GITHUB_REPOSITORY", "")
    return Context(
        repository=repository if _REPOSITORY.fullmatch(repository) else "",
        event=_event(environ.get("GITHUB_EVENT_PATH", "")),
        commit=commit if is_commit(commit) else "",
        by_hand=environ.get("GITHUB_EVENT_NAME") == "workflow_dispatch",
        by_push=environ.get("GITHUB_EVENT_NAME") == "push",
        run_id=int(run) if re.fullmatch(r"[0-9]{1,18}", run) else None,
        server=server if re.fullmatch(r"https://[A-Za-z0-9.-]+(:[0-9]+)?", server) else "https://github.com",
    )


def is_commit(text: Any) -> bool:
    """Whether it is the name of a commit, and not the zeros that stand for none."""
    return isinstance(text, str) and bool(_COMMIT.fullmatch(text)) and bool(text.strip("0"))


def _event(path: str) -> dict[str, Any]:
    if not path:
        return {}
    try:
        file = Path(path)
        data = json.loads(file.read_bytes()) if file.stat().st_size <= _LARGEST else None
    except (OSError, ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise ReconcilerError(
            error(
                "github-event",
                f"{path} (GITHUB_EVENT_PATH) is not an event's JSON object.",
                "Run this command as a step of a workflow, which sets it.",
            )
        )
    return data
