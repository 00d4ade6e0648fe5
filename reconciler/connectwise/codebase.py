"""Where the API of a ConnectWise server lives: its codebase, which each cloud upgrade moves."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from reconciler.model.diagnostics import ReconcilerError, error
from reconciler.transport.errors import BadAnswer, EndpointNotFound, RecordNotFound, excerpt

if TYPE_CHECKING:
    from reconciler.transport.session import Session

#: Served by every release, on-premises and in the cloud (Developer Guide, "Versioning").
FALLBACK = "v4_6_release"
_PATH = "/login/companyinfo/"
# The answer becomes part of every URL, so nothing but a release name may come through.
_RELEASE = re.compile(r"(v[0-9]{4}_[0-9]{1,3}|v4_6_release)/?")


async def discover(session: Session, company: str) -> str:
    """The API's path prefix, for instance `/v2025_1/apis/3.0`.

    Asked without credentials of `/login/companyinfo/{company}` (third-party clients agree on it, the
    specification does not list it). A server without that endpoint gets the prefix that every release
    serves. Raises ReconcilerError for an unknown company (JSON `null`), BadAnswer for an answer that names
    no release.
    """
    path = _PATH + quote(company, safe="")
    try:
        data = (await session.request("GET", path, authorize=False)).data
    except (EndpointNotFound, RecordNotFound):
        return _prefix(FALLBACK)
    if data is None:
        raise ReconcilerError(
            error(
                "connectwise-unknown-company",
                f"ConnectWise: {session.service.host} knows no company {company!r}",
                "Check CONNECTWISE_COMPANY (as on the login screen) and CONNECTWISE_URL (the region).",
            )
        )
    codebase = data.get("Codebase") if isinstance(data, dict) else None
    found = _RELEASE.fullmatch(codebase) if isinstance(codebase, str) else None
    if found is None:
        raise BadAnswer(
            session.service.call("GET", path),
            f"the server names no usable release (Codebase {excerpt(repr(codebase), 60)})",
            "Check that CONNECTWISE_URL is the ConnectWise server itself.",
        )
    return _prefix(found[1])


def _prefix(release: str) -> str:
    return f"/{release}/apis/3.0"
