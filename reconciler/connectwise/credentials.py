"""What is needed to talk to one ConnectWise."""

from __future__ import annotations

import re
from dataclasses import dataclass

from reconciler.model.diagnostics import Diagnostic, ReconcilerError, error
from reconciler.transport.secret import Secret
from reconciler.transport.service import parse_origin

_COMPANY = re.compile(r"[^\s/+:]+")
_HEADER_TEXT = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True)
class Credentials:
    """A ConnectWise host and an API member's keys.

    `url` is the origin, `https://host[:port]`; `company` the company id of the login screen; `client_id`
    the integration's GUID, which ConnectWise asks of every program (it identifies, it is no secret).
    """

    url: str
    company: str
    public_key: Secret
    private_key: Secret
    client_id: str


def parse_credentials(
    *, url: str, company: str, public_key: str, private_key: str, client_id: str
) -> Credentials:
    """Credentials from plain strings, as settings give them.

    The URL may be the host alone, with or without scheme, with or without the API path. Raises
    ReconcilerError with one diagnostic for each value that cannot be right; none repeats a key.
    """
    problems: list[Diagnostic] = []
    origin = ""
    try:
        origin = parse_origin(url, system="ConnectWise", setting="CONNECTWISE_URL")
    except ReconcilerError as wrong:
        problems += wrong.diagnostics
    values = {
        "CONNECTWISE_COMPANY": (company.strip(), _COMPANY),
        "CONNECTWISE_PUBLIC_KEY": (public_key.strip(), _HEADER_TEXT),
        "CONNECTWISE_PRIVATE_KEY": (private_key.strip(), _HEADER_TEXT),
        "CONNECTWISE_CLIENT_ID": (client_id.strip(), _HEADER_TEXT),
    }
    for name, (value, form) in values.items():
        if not form.fullmatch(value):
            what = "is empty" if not value else "holds blanks or characters that it cannot have"
            problems.append(error("connectwise-credentials", f"{name} {what}", f"Set {name} anew."))
    if problems:
        raise ReconcilerError(problems)
    return Credentials(
        url=origin,
        company=company.strip(),
        public_key=Secret(public_key.strip()),
        private_key=Secret(private_key.strip()),
        client_id=client_id.strip(),
    )
