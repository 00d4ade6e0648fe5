"""Names that want to be executed, from both systems and the YAML, through every command and form."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from typing import TYPE_CHECKING

import click
import pytest
from markdown_it import MarkdownIt
from openpyxl import load_workbook

from reconciler.cli.main import main
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
    "##vso[task.setvariable variable=x]y",
    "plain ::error::no \r##[group]x",
    "\x1b]8;;https://evil.invalid\x07link\x1b]8;;\x07 \x1bP+q\x1b\\",
    "<img src=x onerror=alert(1)><!-- reconciler:mappings -->",
    "\t=1+1",
    "@SUM(1+1)*cmd|' /C calc'!A0",
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


#: Commands that say no name of anybody else: our own schemas, and a made-up MSP's. Those of `ci` are tried in
#: tests/ci/test_words.py.
APART = frozenset({"schema", "sandbox", "demo", "ci"})


def forms() -> set[tuple[str, str]]:
    """Every command with every format that it has; an empty one where there is no choice."""
    found: set[tuple[str, str]] = set()
    for name, command in main.commands.items():
        choices = [one.type for one in command.params if one.name == "output_format"]
        for choice in choices:
            assert isinstance(choice, click.Choice)
            found |= {(name, str(form)) for form in choice.choices}
        found |= {(name, "")} if not choices else set()
    return {(name, form) for name, form in found if name not in APART}


def commands(books: Books, out: Path) -> Iterator[tuple[str, ...]]:
    """Everything that prints a name, in every form, to the terminal and into files; `apply` in the middle."""
    folder, plan = str(books.folder), str(books.root / "plan.json")
    invoice = ("--invoice-date", "2026-12-01")
    yield ("plan", folder, "--out", plan)
    yield ("approve", plan, folder)
    yield ("apply", plan, "--yes", "--format", "text")
    (journal,) = (books.root / "journal").iterdir()
    once = {
        "validate": (folder,),
        "plan": (folder,),
        "show": (plan,),
        "rollback": (str(journal),),
        "ready": (*invoice, "--dir", folder),
        "status": ("--dir", folder),
        "search": ("MSP", "--all"),
        "usage": ("--dir", folder, "--out", str(out / "usage.json")),
        "score": (plan,),
        "sites": ("--root", str(books.root)),
        "apply": (folder, "--yes"),
        "approve": (plan, folder, "--all", "--reason", "asked"),
    }
    for name, form in sorted(forms()):
        formed = ("--format", form) if form else ()
        if form != "xlsx":  # no text; it has to be a file
            yield (name, *once[name], *formed)
        if name in ("plan", "show", "score"):
            yield (name, *once[name], *formed, "--report", str(out / f"{name}.{form}"))
    for form in ("text", "json"):
        yield ("show", str(journal), "--format", form)
        yield ("status", "MSP-EP", "--dir", folder, "--format", form)
    for separator in ("semicolon", "tab"):
        yield ("show", plan, "--format", "csv", "--separator", separator)
    yield ("validate", str(books.root / "sites"))


def checked(said: Said, arguments: tuple[str, ...]) -> None:
    """Nothing that was printed steers a terminal, a runner or a spreadsheet."""
    for text in (said.out, said.err):
        steering = {f"U+{ord(one):04X}" for one in text if unicodedata.category(one) in STEERS} - {"U+000A"}
        if "csv" in arguments or "json" in arguments:
            steering -= {"U+000D", "U+FEFF", *(["U+0009"] if "tab" in arguments else [])}
        assert not steering, (arguments, steering)
        if "github" not in arguments:
            assert not [line for line in text.splitlines() if COMMAND.search(line)], arguments
    assert "Traceback" not in said.err
    refuses = (1,) if arguments[0] == "sites" or arguments[1].endswith("sites") else ()
    assert said.code in (0, 2, 4, *refuses), (arguments, said.code, said.err)
    if "csv" in arguments:
        comma = {"semicolon": ";", "tab": "\t"}.get(arguments[-1], ",")
        rows = csv.reader(io.StringIO(said.out), delimiter=comma)
        assert not [cell for row in rows for cell in row if FORMULA.match(cell) and not _number(cell)]


def _number(cell: str) -> bool:
    return re.fullmatch(r"[+-]?\d+([.,]\d+)?", cell) is not None


@pytest.mark.parametrize("number", range(len(NAMES)))
def test_no_command_executes_a_name(number: int, tmp_path: Path) -> None:
    name = NAMES[number]
    books = hostile_site(tmp_path, name)
    site = tmp_path / "sites" / name.replace("/", "_")
    site.mkdir(parents=True)
    (site / f"{site.name}.yaml").write_text(f"mappings: {{{json.dumps(name)}: 1}}\n", encoding="utf-8")
    out = tmp_path / "out"
    out.mkdir()
    before = {path.name for path in tmp_path.parent.iterdir()}
    tried: set[tuple[str, str]] = set()
    for arguments in commands(books, out):
        checked(books.run(*arguments), arguments)
        given = arguments[arguments.index("--format") + 1] if "--format" in arguments else ""
        tried.add((arguments[0], given))
    assert forms() <= tried, "every command's every format"
    assert {path.name for path in tmp_path.parent.iterdir()} == before
    _check_files(out)
    assert books.quantity(1) == 12.0, "and the customer is billed"


def _check_files(out: Path) -> None:
    """Nothing in a report commands a runner that shows it, is a formula, or is markup."""
    for file in out.iterdir():
        if file.suffix == ".xlsx":
            cells = [cell for sheet in load_workbook(file) for row in sheet for cell in row]
            assert "f" not in {cell.data_type for cell in cells}
            continue
        text = file.read_text(encoding="utf-8")
        assert not [line for line in text.splitlines() if COMMAND.search(line)], file
        if file.suffix == ".csv":
            cells_of = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
            assert not [cell for cell in cells_of if FORMULA.match(cell) and not _number(cell)], file
        if file.suffix == ".markdown":
            page = MarkdownIt("gfm-like", {"linkify": False, "html": True}).render(text)
            assert not re.search(r"<(script|img|a|iframe)\b", page), file
