"""Names that want to be executed, from both systems and the YAML, through every command and form."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from typing import TYPE_CHECKING

import pytest
from openpyxl import load_workbook

from tests.flows_usage.books import NOVEMBER, Books

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support import Said

NAMES = (
    "a | b",
    "<script>alert(1)</script>",
    "@team",
    "`id`",
    "\x1b[31mred\x1b[0m \x9b1m \x07",
    "one\ntwo\r\nthree\rfour\tfive\u2028six\x85seven",
    "\n::set-output name=a::b",
    "::error file=x,line=1::no",
    " \u00a0::add-mask::1",
    "##teamcity[buildStop]",
    "\n::error file=x,line=1::no",
    "\n##[error]no",
    "first ##[add-mask]1 ##vso[task.complete result=Succeeded;]x ##VSO[task.setvariable variable=y]z",
    "\r::stop-commands::x",
    '=HYPERLINK("https://evil.invalid","x")',
    "+1+cmd|' /C calc'!A0",
    "\u202eevil\u202c \u2066x\u2069 \u200f",
    "$(id) ${HOME} %PATH% {{7*7}} ${{ github.token }}",
    "../../etc/passwd",
    "%s %n {0.__class__}",
    "[link](https://evil.invalid) ![x](https://evil.invalid/x.png)",
    "[bold red]markup[/] :warning:",
    "\ud7ff\ue000\ufffd\U000e0041",
)
#: What moves a terminal's cursor, hides text or turns it around.
STEERS = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
#: What a runner of GitHub or Azure takes from the output of a step.
COMMAND = re.compile(r"^\s*::[a-z-]+|##[a-z]*\[", re.IGNORECASE)
FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]")


def hostile_site(root: Path, name: str) -> Books:
    """Alder is billed as ever; every text that somebody else can choose for Birch is this name."""
    books = Books(root)
    books.customer("Alder", ep=(10, 10, 12))
    books.customer("Birch", ep=(5, 5, 6))
    world = books.world
    world.add_usage_line(NOVEMBER, "Alder", "NEW-MSP", 4)
    for line in world.usage[NOVEMBER]:
        line["productDescription"] = name
    birch = world.tenant("Birch")
    birch["name"] = birch["showAs"] = f"{name} Birch"
    if name.isprintable():
        books.rows["Birch"] = books.rows["Birch"].replace('"Birch"', json.dumps(birch["name"]))
    world.company("BIRCH")["name"] = world.agreements_of("BIRCH")[0]["name"] = name
    for item in world.rows("catalog"):
        item["description"] = item["customerDescription"] = name
        item["notes"] = f"{item.get('notes') or ''}\n{name}"
    for line in world.rows("additions"):
        line["description"] = line["invoiceDescription"] = name
    world.add_company("STRAY", name)
    stray = world.add_agreement("STRAY", name)["id"]
    books.line(stray, "MSP-EP", 3)
    written = json.dumps(name)
    if any(unicodedata.category(one) in STEERS for one in name.replace("\n", "")):
        written = '"plain"'
    return books.live(
        "holds:\n  - {customer: BIRCH, product: MSP-EP, quantity: 5, until: 2026-12-31, "
        f"reason: {written}}}\n"
        f"products:\n  MSP-EP: {{customerDescription: {written}}}\n"
    )


def commands(books: Books, out: Path) -> Iterator[tuple[str, ...]]:
    """Everything that prints a name."""
    folder, plan = str(books.folder), str(books.root / "plan.json")
    yield ("validate", folder)
    yield ("validate", folder, "--format", "github")
    yield ("plan", folder, "--out", plan)
    yield ("show", plan)
    for form in ("markdown", "json", "csv", "xlsx"):
        yield ("show", plan, "--format", form, "--report", str(out / f"report.{form}"))
        if form != "xlsx":
            yield ("show", plan, "--format", form)
    yield ("status", "--dir", folder)
    yield ("status", "MSP-EP", "--dir", folder)
    yield ("search", "MSP")
    yield ("search", "MSP", "--all")
    yield ("score", plan)
    yield ("score", plan, "--format", "csv")
    yield ("ready", "--invoice-date", "2026-12-01", "--dir", folder)
    yield ("usage", "--dir", folder, "--out", str(out / "usage.json"))
    yield ("approve", plan, folder)
    yield ("apply", plan, "--yes")
    (journal,) = (books.root / "journal").iterdir()
    yield ("show", str(journal))
    yield ("rollback", str(journal))
    yield ("plan", folder)


def checked(said: Said, arguments: tuple[str, ...]) -> None:
    """Nothing that was printed steers a terminal, a runner or a spreadsheet."""
    for text in (said.out, said.err):
        steering = {f"U+{ord(one):04X}" for one in text if unicodedata.category(one) in STEERS} - {"U+000A"}
        if "csv" in arguments or "json" in arguments:
            steering -= {"U+000D", "U+FEFF"}
        assert not steering, (arguments, steering)
        if "github" not in arguments:
            assert not [line for line in text.splitlines() if COMMAND.search(line)], arguments
    assert "Traceback" not in said.err
    assert said.code in (0, 2, 4), (arguments, said.code, said.err)
    if "csv" in arguments:
        rows = csv.reader(io.StringIO(said.out))
        assert not [cell for row in rows for cell in row if FORMULA.match(cell) and not _number(cell)]


def _number(cell: str) -> bool:
    return re.fullmatch(r"[+-]?\d+([.,]\d+)?", cell) is not None


@pytest.mark.parametrize("number", range(len(NAMES)))
def test_no_command_executes_a_name(number: int, tmp_path: Path) -> None:
    name = NAMES[number]
    books = hostile_site(tmp_path, name)
    out = tmp_path / "out"
    out.mkdir()
    before = {path.name for path in tmp_path.parent.iterdir()}
    for arguments in commands(books, out):
        checked(books.run(*arguments), arguments)
    assert {path.name for path in tmp_path.parent.iterdir()} == before
    for form in ("markdown", "json", "csv"):
        text = (out / f"report.{form}").read_text(encoding="utf-8")
        assert not [line for line in text.splitlines() if COMMAND.search(line)], form
    sheets = load_workbook(out / "report.xlsx")
    cells = [cell for sheet in sheets for row in sheet for cell in row]
    assert "f" not in {cell.data_type for cell in cells}
    assert books.quantity(1) == 12.0, "and the customer is billed"
