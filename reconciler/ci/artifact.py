"""The files of a plan's artifact, and the digest by which they are known again."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import zlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from reconciler.ci.approval import moment
from reconciler.ci.download import DownloadError, unpacked
from reconciler.model.bound import BoundTo
from reconciler.model.json_stream import JsonStream

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.ci.context import Context
    from reconciler.ci.github import GitHub

COMMENT_FILE, PLAN, SPREADSHEET, DIGEST = "comment.md", "plan.json.gz", "plan.xlsx", "digest.txt"
#: What says of which sites a pull request leaves the desired state as it was, in the artifact of no site.
UNCHANGED_FILE = "unchanged.json"
UNCHANGED = "unchanged"
_DIGEST = re.compile(r"(?P<digest>[0-9a-f]{64})  plan\.json\.gz\n?")
_KEYS = frozenset(("repository", "pullRequest", "base", "head", "tree", "mappings", "made"))
#: Characters before the first long list of a plan, and more.
_HEAD = 2**20
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def artifact_name(site: str) -> str:
    """What the plan workflow calls the artifact of a site."""
    return f"plan-{site}"


def digest_text(plan: bytes) -> str:
    """The content of digest.txt, in the form that `sha256sum --check` reads."""
    return f"{hashlib.sha256(plan).hexdigest()}  {PLAN}\n"


def fits(digest: str, plan: bytes) -> bool:
    """Whether a digest.txt is that of a plan."""
    found = _DIGEST.fullmatch(digest)
    return found is not None and found["digest"] == hashlib.sha256(plan).hexdigest()


def unchanged_json(bound: BoundTo, sites: Mapping[str, str]) -> str:
    """The content of unchanged.json: each site with Git's name for its folder."""
    return json.dumps({"boundTo": bound.to_json(), "sites": dict(sites)}, indent=2, sort_keys=True) + "\n"


def bound_plan(content: bytes) -> BoundTo | None:
    """What a packed plan says that it is of; None where it does not say. It stands near its start."""
    try:
        start = gzip.GzipFile(fileobj=io.BytesIO(content)).read(_HEAD)
        for path, _, value in JsonStream(iter((start,)), ((),), (), _HEAD).events():
            if path == ("boundTo",):
                return _bound(value)
    except (EOFError, OSError, zlib.error, ValueError, RecursionError):
        pass
    return None


def unchanged_in(content: bytes) -> tuple[BoundTo | None, dict[str, Any]]:
    """What an unchanged.json is of, and its sites; None where it does not say."""
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        return None, {}
    bound = _bound(data.get("boundTo")) if isinstance(data, dict) else None
    sites = data.get("sites") if bound is not None else None
    return bound, sites if isinstance(sites, dict) else {}


def _bound(told: Any) -> BoundTo | None:
    if not isinstance(told, dict) or set(told) != _KEYS:
        return None
    number = told["pullRequest"]
    texts = all(isinstance(told[key], str) for key in _KEYS - {"pullRequest"})
    return BoundTo.from_json(told) if texts and isinstance(number, int | None) else None


async def artifacts_of(github: GitHub, run: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """The artifacts of a run that have this name, of all its attempts. Raises ApiError's subclasses.

    https://docs.github.com/en/rest/actions/artifacts#list-workflow-run-artifacts (`name`, `digest`,
    `created_at`, `expired`).
    """
    path, params = f"/actions/runs/{run.get('id')}/artifacts", (("name", name),)
    return [one for one in await github.every(path, params, key="artifacts") if one.get("name") == name]


def uploaded_at(artifact: Mapping[str, Any]) -> datetime:
    """When GitHub took an artifact; long ago where it does not say."""
    return moment(artifact.get("created_at")) or _LONG_AGO


async def files_of(github: GitHub, artifact: Mapping[str, Any], *names: str) -> list[bytes]:
    """Files of an artifact whose archive has the digest that GitHub names.

    Raises DownloadError, and OtherDigestError.
    """
    archive = await github.archive(artifact.get("id"))
    told = artifact.get("digest")
    if isinstance(told, str) and told != f"sha256:{hashlib.sha256(archive).hexdigest()}":
        raise OtherDigestError
    return unpacked(archive, *names)


class OtherDigestError(DownloadError):
    """An archive is not the one that GitHub names."""


def is_here(run: Mapping[str, Any], context: Context) -> bool:
    """Whether a run is of a branch of this repository: a fork's could upload a plan that nobody made."""
    head = run.get("head_repository")
    return isinstance(head, dict) and str(head.get("full_name")).lower() == context.repository.lower()
