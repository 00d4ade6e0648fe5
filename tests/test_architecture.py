"""The layers, held by reading every import: which folder may know which, and what pure code leaves alone."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "reconciler"

#: What each folder may import of ours besides itself. A dotted entry is that module alone.
LAYERS: dict[str, frozenset[str]] = {
    "model": frozenset(),
    "config": frozenset({"model"}),
    "transport": frozenset({"model"}),
    "connectwise": frozenset({"transport", "model"}),
    "sophos": frozenset({"transport", "model"}),
    "observation": frozenset({"model", "connectwise", "sophos"}),
    "planning": frozenset({"model"}),
    "execution": frozenset({"model", "connectwise", "transport.errors"}),
    "reporting": frozenset({"model"}),
    "ci": frozenset({"model", "config", "planning", "reporting", "transport"}),
    "cli": frozenset(
        {
            "ci", "config", "connectwise", "execution", "model", "observation", "planning", "reporting",
            "sandbox", "sophos", "transport",
        }
    ),
    "sandbox": frozenset(),
}  # fmt: skip

#: Inside `planning`, each folder may import those before it: what is billed as what, to whom, how much,
#: and what becomes of the lines. The modules beside them make a whole of it.
PLANNING = ("products", "customers", "usage", "allocation", "lines", "seats", "accounts", "rollback")
#: A module beside them that all of them may use.
FOR_ALL = ("suggest", "order")

#: Folders that take everything as arguments: no network, no YAML, no environment, no clock.
PURE = ("model", "planning", "reporting")
FORBIDDEN_IN_PURE = {
    "httpx": "the network",
    "socket": "the network",
    "yaml": "the configuration files",
    "dotenv": "the environment",
    "asyncio": "input and output",
}
FORBIDDEN_NAMES = {
    "os.environ": "the environment",
    "os.environb": "the environment",
    "os.getenv": "the environment",
    "datetime.now": "the clock",
    "datetime.utcnow": "the clock",
    "datetime.today": "the clock",
    "date.today": "the clock",
    "time.time": "the clock",
    "time.time_ns": "the clock",
    "time.monotonic": "the clock",
    "time.perf_counter": "the clock",
}

MODULE_LINES = 400
FUNCTION_LINES = 60
#: What is longer today, with its length: it may shrink and must not grow. A new entry is a decision.
LONG_MODULES: dict[str, int] = {}
LONG_FUNCTIONS: dict[str, int] = {
    # Tables: one call a key, without a branch.
    "reconciler/config/schema_settings.py::settings": 80,
    "reconciler/config/schema_lines.py::line_terms": 74,
}


@dataclass(frozen=True)
class Module:
    """One file of the package."""

    path: Path
    tree: ast.Module
    lines: int

    @property
    def name(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @property
    def layer(self) -> str:
        """The folder under the package; empty for the package's own files."""
        parts = self.path.relative_to(ROOT / PACKAGE).parts
        return parts[0] if len(parts) > 1 else ""


@cache
def modules() -> tuple[Module, ...]:
    found = []
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        found.append(Module(path, ast.parse(text, str(path)), len(text.splitlines())))
    return tuple(found)


def imported(module: Module) -> list[tuple[int, str]]:
    """Every module that is imported, also inside functions and for types only, with its line.

    `from reconciler.sandbox import seed` counts as `reconciler.sandbox.seed`, and as what it is where
    `seed` turns out to be a name inside the module.
    """
    found = []
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module.name}:{node.lineno}: a relative import; write {PACKAGE}.…"
            found += [(node.lineno, f"{node.module}.{alias.name}") for alias in node.names]
    return found


def _allowed(target: str, allowed: frozenset[str]) -> bool:
    return any(target == one or target.startswith(one + ".") for one in allowed)


def test_every_folder_is_in_the_table() -> None:
    folders = {module.layer for module in modules()} - {""}
    assert folders == set(LAYERS), "add the new folder to LAYERS and say what it may import"


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_imports_only_what_it_may(layer: str) -> None:
    allowed = LAYERS[layer] | {layer}
    wrong = []
    for module in modules():
        if module.layer != layer:
            continue
        for line, name in imported(module):
            target = name.removeprefix(PACKAGE + ".")
            ours = name.startswith(PACKAGE + ".") and target.partition(".")[0] in LAYERS
            if ours and not _allowed(target, allowed):
                wrong.append(f"{module.name}:{line} imports {name}")
    listed = ", ".join(sorted(LAYERS[layer])) or "nothing of ours"
    assert not wrong, (
        f"`{layer}` may import {listed} besides itself. Pass what it needs as an argument, or move the "
        "shared noun to `model`:\n" + "\n".join(wrong)
    )


def test_the_folders_of_planning_know_those_before_them_only() -> None:
    inside = ROOT / PACKAGE / "planning"
    assert {path.name for path in inside.iterdir() if (path / "__init__.py").exists()} == set(PLANNING)
    wrong = []
    for module in modules():
        folder = module.path.parent.name
        if module.path.parent.parent != inside:
            continue
        allowed = (*PLANNING[: PLANNING.index(folder) + 1], *FOR_ALL)
        for line, name in imported(module):
            package, _, rest = name.partition(".planning.")
            if package == PACKAGE and rest.partition(".")[0] not in allowed:
                wrong.append(f"{module.name}:{line} imports {name}")
    assert not wrong, "the order is that of PLANNING:\n" + "\n".join(wrong)


def test_only_the_command_line_knows_the_sandbox() -> None:
    wrong = [
        f"{module.name}:{line} imports {name}"
        for module in modules()
        if module.layer not in ("sandbox", "cli")
        for line, name in imported(module)
        if name.startswith(f"{PACKAGE}.sandbox")
    ]
    assert not wrong, "the sandbox is an independent judge and shares nothing:\n" + "\n".join(wrong)


@pytest.mark.parametrize("layer", PURE)
def test_pure_layers_reach_for_nothing(layer: str) -> None:
    wrong = []
    for module in modules():
        if module.layer != layer:
            continue
        for line, name in imported(module):
            reach = FORBIDDEN_IN_PURE.get(name.partition(".")[0]) or FORBIDDEN_NAMES.get(name)
            if reach:
                wrong.append(f"{module.name}:{line} imports {name}: {reach}")
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Attribute):
                dotted = ast.unparse(node)
                reach = next(
                    (what for n, what in FORBIDDEN_NAMES.items() if dotted == n or dotted.endswith("." + n)),
                    None,
                )
                if reach:
                    wrong.append(f"{module.name}:{node.lineno} uses {dotted}: {reach}")
    assert not wrong, (
        f"`{layer}` is pure, so that the same input gives the same plan everywhere. Take the value as an "
        "argument; cli passes it:\n" + "\n".join(wrong)
    )


def _functions(module: Module) -> dict[str, int]:
    """Each function's length in lines, decorators included."""
    found: dict[str, int] = {}

    def visit(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            name = prefix
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                name = f"{prefix}.{child.name}" if prefix else child.name
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                start = min([child.lineno, *(d.lineno for d in child.decorator_list)])
                found[f"{module.name}::{name}"] = (child.end_lineno or start) - start + 1
            visit(child, name)

    visit(module.tree, "")
    return found


def _check_lengths(lengths: dict[str, int], most: int, known: dict[str, int], advice: str) -> None:
    too_long = {name: length for name, length in lengths.items() if length > max(most, known.get(name, 0))}
    listed = "\n".join(f"{name}: {length} lines" for name, length in sorted(too_long.items()))
    assert not too_long, f"longer than {most} lines. {advice}\n{listed}"
    settled = [name for name in known if lengths.get(name, 0) <= most]
    assert not settled, f"no longer too long; take them off the list: {settled}"


def test_modules_are_short() -> None:
    lengths = {module.name: module.lines for module in modules()}
    _check_lengths(lengths, MODULE_LINES, LONG_MODULES, "Split the module by what it is about:")


def test_functions_are_short() -> None:
    lengths: dict[str, int] = {}
    for module in modules():
        lengths |= _functions(module)
    _check_lengths(lengths, FUNCTION_LINES, LONG_FUNCTIONS, "Give its steps names:")
