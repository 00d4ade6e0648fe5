"""Every page: real output, examples that load, links that lead somewhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from reconciler.config.load import load
from reconciler.model.diagnostics import Severity
from tests.docs.pages import PAGES, ROOT, Block, blocks, prose, read

if TYPE_CHECKING:
    from pathlib import Path

CUT = "…"
OUTPUTS = [block for page in PAGES for block in blocks(page) if block.info == "text demo"]
EXAMPLES = [
    block
    for page in PAGES
    if page.name != "configuration.md"  # shows fragments, and has tests of its own
    for block in blocks(page)
    if block.info == "yaml"
]
_LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#+ (?P<text>.+)$", re.MULTILINE)


def _pieces(block: Block) -> list[list[str]]:
    """The runs of lines between the cuts."""
    pieces: list[list[str]] = [[]]
    for line in block.text.splitlines():
        if line == CUT:
            pieces.append([])
        else:
            pieces[-1].append(line)
    return [piece for piece in pieces if piece]


def _find(piece: list[str], lines: list[str], start: int) -> int:
    return next(
        (at for at in range(start, len(lines)) if lines[at : at + len(piece)] == piece),
        -1,
    )


@pytest.mark.slow
@pytest.mark.parametrize("block", OUTPUTS, ids=str)
def test_output_is_cut_from_a_real_run(block: Block, demo_output: list[str]) -> None:
    start = 0
    for piece in _pieces(block):
        at = _find(piece, demo_output, start)
        assert at >= 0, f"{block}: `reconciler demo` does not print these lines here:\n" + "\n".join(piece)
        start = at + len(piece)


def test_there_is_real_output_in_the_readme() -> None:
    assert any(block.page.name == "README.md" for block in OUTPUTS)


@pytest.mark.parametrize("block", EXAMPLES, ids=str)
def test_examples_load(block: Block, tmp_path: Path) -> None:
    (tmp_path / "example.yaml").write_text(block.text, encoding="utf-8")
    loaded = load(tmp_path)
    told = [f"{d.location}: {d.message}" for d in loaded.diagnostics if d.severity is not Severity.NOTICE]
    assert not told, f"{block}: {told}"
    assert loaded.desired is not None


def _anchors(page: Path) -> set[str]:
    """The anchors that GitHub makes of the headings."""
    titles = [found["text"].lower() for found in _HEADING.finditer(prose(page))]
    return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for found in _LINK.finditer(prose(page)):
        target, _, anchor = found["target"].partition("#")
        if "://" in target or target.startswith("mailto:"):
            continue
        path = (page.parent / target).resolve() if target else page
        if not path.exists() or (anchor and anchor not in _anchors(path)):
            broken.append(found["target"])
    assert not broken, f"{page.name}: {broken}"


def test_the_readme_fits_one_screen_and_leads_to_every_page() -> None:
    text = read(ROOT / "README.md")
    assert len(text.splitlines()) <= 85
    linked = {(ROOT / found["target"]).resolve() for found in _LINK.finditer(text)}
    missing = [page.name for page in PAGES if page.name != "README.md" and page not in linked]
    assert not missing, f"the README links to no {missing}"
