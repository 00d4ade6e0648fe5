"""Credentials from the environment, or from a `.env` beside the work where nothing else is set."""

from __future__ import annotations

import stat
from io import StringIO
from typing import TYPE_CHECKING

from reconciler.connectwise import credentials as connectwise
from reconciler.model.diagnostics import Location, ReconcilerError, error
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
_LARGEST_ENV = 1024 * 1024
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
    """The variables of a `.env`; a regular file only, and nothing in it is expanded.

    Raises ReconcilerError for a file that cannot be read, or is no text in UTF-8 (a byte order mark may stand
    before it).
    """
    try:
        about = path.lstat()
        if not stat.S_ISREG(about.st_mode):
            return {}
        data = path.read_bytes() if about.st_size <= _LARGEST_ENV else None
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as failed:
        raise ReconcilerError(
            error("file-unreadable", f"{path} cannot be read: {failed.strerror}.", "Check its permissions.")
        ) from failed
    from dotenv import dotenv_values

    found = dotenv_values(stream=StringIO(_env_text(path, data)), interpolate=False)
    return {name: value for name, value in found.items() if value}


def _env_text(path: Path, data: bytes | None) -> str:
    from reconciler.config.files import decode

    if data is None:
        raise ReconcilerError(error("file-unreadable", f"{path} is larger than any .env.", "Check the file."))
    text = decode(path.name, data)
    if not isinstance(text, str):
        raise ReconcilerError(text)
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise ReconcilerError(
            error(
                "not-utf-8",
                f"{path.name} holds characters that are none, as a file in UTF-16 does.",
                "Save the file as UTF-8.",
                location=Location(path.name, line),
            )
        )
    return text
