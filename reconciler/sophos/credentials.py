"""What is needed to talk to Sophos Central Partner."""

from __future__ import annotations

import re
from dataclasses import dataclass

from reconciler.model.diagnostics import Diagnostic, ReconcilerError, error
from reconciler.transport.secret import Secret
from reconciler.transport.service import parse_origin

ID_URL = "https://id.sophos.com"
API_URL = "https://api.central.sophos.com"
_TEXT = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True)
class Credentials:
    """A partner's API credentials (Sophos Central Partner > Settings & Policies > API Credentials).

    `id_url` and `api_url` are origins, `https://host[:port]`.
    """

    client_id: str
    client_secret: Secret
    id_url: str = ID_URL
    api_url: str = API_URL


def parse_credentials(
    *, client_id: str, client_secret: str, id_url: str = ID_URL, api_url: str = API_URL
) -> Credentials:
    """Credentials from plain strings. Raises ReconcilerError with one diagnostic for each wrong value."""
    problems: list[Diagnostic] = []
    origins = []
    for setting, url in (("SOPHOS_ID_URL", id_url), ("SOPHOS_API_URL", api_url)):
        try:
            origins.append(parse_origin(url, system="Sophos", setting=setting))
        except ReconcilerError as wrong:
            problems += wrong.diagnostics
    for name, value in (("SOPHOS_CLIENT_ID", client_id), ("SOPHOS_CLIENT_SECRET", client_secret)):
        if not _TEXT.fullmatch(value.strip()):
            what = "holds blanks or characters that it cannot have" if value.strip() else "is empty"
            problems.append(error("sophos-credentials", f"{name} {what}", f"Set {name} anew."))
    if problems:
        raise ReconcilerError(problems)
    return Credentials(client_id.strip(), Secret(client_secret.strip()), *origins)
