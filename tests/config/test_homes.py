"""`settings.homes: fixed`: each section in the file of its name, so that owners of files own sections."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.config.homes import HOMES
from reconciler.config.load import Loaded, load
from reconciler.config.merge import SECTIONS
from tests.config.folders import OTHER, ROW, TENANT, said, unmark

if TYPE_CHECKING:
    from pathlib import Path

FIXED = "settings: {timeZone: UTC, homes: fixed}\n"
LET_THROUGH = "approvals: [{customer: SAFELOG, product: MSP-A, from: 22, upTo: 200, reason: asked, "
ASKED = f"{LET_THROUGH}given: 2026-11-21, until: 2026-12-31}}]\n"
#: A valid section each, as somebody could put it into a file of their own.
TEXTS = {
    "settings": "settings: {guards: {lineChange: off}}\n",
    "mappings": "mappings: {B-MSP: {product: MSP-B}}\n",
    "products": "products: {MSP-A: {price: 1}}\n",
    "lines": "lines: {MSP-A: {always: {unitPrice: 0.01}}}\n",
    "customers": f"customers: {{{OTHER}: {{exclude: internal}}}}\n",
    "defaults": "defaults: {customers: {mode: live}}\n",
    "holds": "holds: [{customer: SAFELOG, product: MSP-A, quantity: 1, reason: r, until: 2026-12-31}]\n",
    "approvals": ASKED,
    "protected": "protected: []\n",
}
SITE = {
    "settings.yaml": FIXED,
    "mappings.yaml": ROW,
    "customers.yaml": f"customers:\n  {TENANT}: {{company: SAFELOG, agreement: Security}}\n",
}


def read(folder: Path, files: dict[str, str]) -> Loaded:
    """The folder's configuration with these files."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return load(folder)


def away(result: Loaded) -> list[str]:
    """The places of what stands in a file that is not its own."""
    found = [d.location for d in result.diagnostics if d.code == "away-from-home"]
    return [f"{place.file.rpartition('/')[2]}:{place.line}:{place.column}" for place in found if place]


def test_every_section_has_a_home() -> None:
    assert set(HOMES) == set(SECTIONS) == set(TEXTS)


@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.parametrize(
    "file", ["products.yaml", "lines.yaml", "Settings.yaml", "products.yaml/products.yaml"]
)
def test_no_other_file_takes_a_section(tmp_path: Path, section: str, file: str) -> None:
    """Whoever owns one file cannot say what another file's owner decides, nor can a new file."""
    result = read(tmp_path, {**SITE, file: f"version: 1\n{TEXTS[section]}"})
    home = f"{HOMES[section]}.yaml"
    assert away(result) == ([] if file == home else [f"{file.rpartition('/')[2]}:2:1"]), said(result)
    assert (result.desired is None) == (file != home), said(result)
    if file != home:
        (told,) = (d for d in result.diagnostics if d.code == "away-from-home")
        assert told.message.startswith(f"`{section}` stands in")
        assert told.message.endswith(f"keeps it in {home}.")


@pytest.mark.parametrize("section", SECTIONS)
def test_a_folder_of_the_name_is_a_home_too(tmp_path: Path, section: str) -> None:
    result = read(tmp_path, {**SITE, f"{HOMES[section]}/deeper/more.yaml": TEXTS[section]})
    assert result.desired is not None, said(result)


@pytest.mark.parametrize(
    "text", ["homes: free", "homes: null", "homes: nonsense", "homes: {}", "homes: FIXED"]
)
def test_another_file_cannot_move_the_homes(tmp_path: Path, text: str) -> None:
    """Neither by a second word nor by one that is not valid."""
    result = read(tmp_path, {**SITE, "products.yaml": f"settings: {{{text}}}\n{ASKED}"})
    assert away(result) == ["products.yaml:1:1", "products.yaml:2:1"]
    assert result.desired is None


@pytest.mark.parametrize("text", ["homes: fixed", "homes: nonsense", "homes: {products: any.yaml}"])
def test_the_word_itself_stands_in_the_settings(tmp_path: Path, text: str) -> None:
    others = {name: body for name, body in SITE.items() if name != "settings.yaml"}
    assert away(read(tmp_path, {**others, "products.yaml": f"settings: {{{text}}}\n"})) == [
        "products.yaml:1:1"
    ]


def test_without_the_word_any_file_takes_any_section(tmp_path: Path) -> None:
    free = FIXED.replace("fixed", "free")
    result = read(tmp_path, {**SITE, "settings.yaml": free, "products.yaml": ASKED}).desired
    assert result is not None
    assert result.settings.homes == "free"
    fixed = read(tmp_path / "fixed", SITE).desired
    assert fixed is not None
    assert fixed.settings.homes == "fixed", "for whoever compares the settings of two commits"


@pytest.mark.parametrize("word", ["nameDiffers: true", "restart: [1010]"])
def test_an_answer_in_a_customers_row_has_a_file_of_its_own(tmp_path: Path, word: str) -> None:
    row = f"customers:\n  {TENANT}: {{company: SAFELOG, agreement: Security, ▸{word}}}\n"
    text, place = unmark(row)
    result = read(tmp_path, {**SITE, "customers.yaml": text})
    assert away(result) == [f"customers.yaml:{place}"]
    (told,) = (d for d in result.diagnostics if d.code == "away-from-home")
    assert told.message.endswith("keeps it in answers.yaml.")
    answered = read(tmp_path, {**SITE, "answers.yaml": f"customers: {{{TENANT}: {{{word}}}}}\n"})
    assert answered.desired is not None, said(answered)
    (customer,) = answered.desired.customers
    assert (customer.name_differs, customer.restart) in [(True, ()), (False, (1010,))]
    assert customer.location.file.endswith("customers.yaml")


@pytest.mark.parametrize(
    "word", ["company: OTHER", "sync: true", "lines: {MSP-A: {included: 5}}", "exclude: x"]
)
def test_answers_hold_nothing_else_of_a_row(tmp_path: Path, word: str) -> None:
    result = read(tmp_path, {**SITE, "answers.yaml": f"customers: {{{TENANT}: {{{word}}}}}\n"})
    assert f"answers.yaml:1:{len(TENANT) + 16}" in away(result)
    assert result.desired is None


def test_a_row_is_continued_by_answers_alone(tmp_path: Path) -> None:
    """With homes or without; what is said twice, and a second row of the customer, are errors as ever."""
    free = {**SITE, "settings.yaml": "settings: {timeZone: UTC}\n"}
    once = f"customers: {{{TENANT}: {{nameDiffers: true}}}}\n"
    result = read(tmp_path / "a", {**free, "a.yaml": once})
    assert result.desired is not None
    assert result.desired.customers[0].name_differs
    twice = read(tmp_path / "b", {**free, "a.yaml": once, "b.yaml": once})
    assert "duplicate-key" in {d.code for d in twice.diagnostics}
    second = f"customers: {{{TENANT}: {{nameDiffers: true, mode: live}}}}\n"
    assert "duplicate-key" in {d.code for d in read(tmp_path / "c", {**free, "a.yaml": second}).diagnostics}
