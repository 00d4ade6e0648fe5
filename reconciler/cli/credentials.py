"""Credentials from the environment, or from a `.env` beside the work where nothing else is set."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from reconciler.connectwise import credentials as connectwise
from reconciler.model.diagnostics import ReconcilerError, error
from reconciler.sophos import credentials as sophos

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CONNECTWISE_VARIABLES = (
    "CONNECTWISE_URL",
    "CONNECTWISE_COMPANY",
    "CONNECTWISE_PUBLIC_KEY",
    "CONNECTWISE_PRIVATE_KEY",
    "CONNECTWISE_CLIENT_ID",
)
SOPHOS_VARIABLES = ("SOPHOS_CLIENT_ID", "SOPHOS_CLIENT_SECRET")
SOPHOS_OPTIONAL = {
    "SOPHOS_ID_URL": "https://id.sophos.com",
    "SOPHOS_API_URL": "https://api.central.sophos.com",
}


def connectwise_credentials(environ: Mapping[str, str], folder: Path) -> connectwise.Credentials:
    """The ConnectWise site and keys. Raises ReconcilerError naming every variable that is missing."""
    values = _complete("ConnectWise", CONNECTWISE_VARIABLES, (), environ, folder)
    return connectwise.parse_credentials(
        url=values["CONNECTWISE_URL"],
        company=values["CONNECTWISE_COMPANY"],
        public_key=values["CONNECTWISE_PUBLIC_KEY"],
        private_key=values["CONNECTWISE_PRIVATE_KEY"],
        client_id=values["CONNECTWISE_CLIENT_ID"],
    )


def sophos_credentials(environ: Mapping[str, str], folder: Path) -> sophos.Credentials:
    """The Sophos partner's keys. Raises ReconcilerError naming every variable that is missing."""
    values = _complete("Sophos", SOPHOS_VARIABLES, tuple(SOPHOS_OPTIONAL), environ, folder)
    return sophos.parse_credentials(
        client_id=values["SOPHOS_CLIENT_ID"],
        client_secret=values["SOPHOS_CLIENT_SECRET"],
        id_url=values.get("SOPHOS_ID_URL") or SOPHOS_OPTIONAL["SOPHOS_ID_URL"],
        api_url=values.get("SOPHOS_API_URL") or SOPHOS_OPTIONAL["SOPHOS_API_URL"],
    )


def _complete(
    system: str,
    required: tuple[str, ...],
    optional: tuple[str, ...],
    environ: Mapping[str, str],
    folder: Path,
) -> dict[str, str]:
    """The system's variables, all from one place: a host from a file never meets keys from elsewhere."""
    names = (*required, *optional)
    values = {name: environ[name].strip() for name in names if environ.get(name, "").strip()}
    source = "the environment"
    if not values and not environ.get("CI"):
        values = {name: text for name, text in _dotenv(folder / ".env").items() if name in names and text}
        source = "the environment or .env"
    elif (folder / ".env").exists():
        source = "the environment (.env is not read where CI or a variable of the same system is set)"
    missing = [name for name in required if not values.get(name)]
    if missing:
        raise ReconcilerError(
            error(
                "credentials-missing",
                f"{system}: {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set in {source}.",
                "Set them (docs/credentials.md says where each comes from), or run `reconciler demo` to see "
                "the tool work without any.",
            )
        )
    return values


def _dotenv(path: Path) -> dict[str, str]:
    """The variables of a `.env`; a regular file only, and nothing in it is expanded."""
    try:
        regular = stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return {}
    if not regular:
        return {}
    from dotenv import dotenv_values

    return {name: value for name, value in dotenv_values(path, interpolate=False).items() if value}
