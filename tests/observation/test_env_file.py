"""A `.env` that is no text in UTF-8 is told with its place, and never by a traceback or a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support import Site


@pytest.fixture
def bare(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A site whose credentials stand in `.env` alone."""
    monkeypatch.chdir(tmp_path)
    site.say("mappings: {CODE-1: {product: MSP-A}}\n")
    site.world.add_catalog_item("MSP-A")
    return site


def _env(site: Site) -> str:
    return "".join(f"{name}={value}\n" for name, value in site.environ.items())


def _plan(site: Site, content: bytes) -> tuple[int, str]:
    (site.root / ".env").write_bytes(content)
    kept, site.environ = site.environ, {}
    try:
        said = site.run("plan", str(site.folder))
    finally:
        site.environ = kept
    assert "Traceback" not in said.err
    assert "SandboxPrivate" not in said.out + said.err
    return said.code, said.err


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_utf_8_is_read_with_and_without_a_byte_order_mark(bare: Site, encoding: str) -> None:
    assert _plan(bare, _env(bare).encode(encoding))[0] == 0


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_said(bare: Site, encoding: str) -> None:
    code, err = _plan(bare, _env(bare).encode(encoding))
    assert code == 1
    assert ".env:1:1: error [not-utf-8]" in err
    assert "UTF-16" in err
    assert "Save the file as UTF-8" in err


def test_a_byte_that_is_no_utf_8_is_said_with_its_place(bare: Site) -> None:
    code, err = _plan(bare, b"# ours\n# Jo\xe3o\n" + _env(bare).encode())
    assert code == 1
    assert '.env:2:5: error [not-utf-8] ".env" is not UTF-8: byte 12 is 0xe3.' in err


def test_one_that_is_out_of_all_proportion_is_not_read(bare: Site) -> None:
    code, err = _plan(bare, b"#" * (1024 * 1024 + 1))
    assert (code, "file-unreadable" in err) == (1, True)
