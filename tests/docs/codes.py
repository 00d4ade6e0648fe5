"""Every diagnostic code in the source, found by reading it.

A code is a text that is passed as a parameter named `code`, that is assigned to a variable of that name,
or that simply looks like one: words joined by hyphens. What looks like one and is none is listed here.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from tests.docs.pages import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Stands for the system's name in codes such as `sophos-unreachable`.
SYSTEM = "SYSTEM"
#: Look like codes and are none: headers, encodings and the values they take.
NOT_CODES = frozenset(
    {
        "api-version",
        "about-to-write",
        "by-hand",
        "forward-only",
        "month-end",
        "pagination-type",
        "pull-requests",
        "reconciler-drift",
        "reconciler-lock",
        "reconciler-messages",
        "rev-parse",
        "sophos-usage",
        "utf-8",
        "utf-8-sig",
    }
)
#: Make no diagnostics: pages and another product's answers.
_SKIPPED = ("reporting", "sandbox")
_LOOKS_LIKE_A_CODE = re.compile(r"[a-z]+(-[a-z0-9]+)+")
_MAKERS = {"error": 0, "warning": 0, "notice": 0, "say": 0, "Diagnostic": 1}


def used_codes() -> dict[str, str]:
    """Each code and one place that uses it."""
    trees = {
        path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted((ROOT / "reconciler").rglob("*.py"))
        if path.relative_to(ROOT / "reconciler").parts[0] not in _SKIPPED
    }
    places = _MAKERS | {name: at for tree in trees.values() for name, at in _parameters(tree)}
    found: dict[str, str] = {}
    for name, tree in trees.items():
        for line, code in (*_named(tree, places), *_looking(tree)):
            found.setdefault(code, f"{name}:{line}")
    return found


def _parameters(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Private helpers that take a diagnostic's code: their name and the parameter's position.

    Elsewhere `code` is a Sophos product code; helpers that make diagnostics take `message` as well.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            names = [argument.arg for argument in node.args.args]
            if "code" in names and "message" in names:
                yield node.name, names.index("code")


def _named(tree: ast.Module, places: dict[str, int]) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.expr | ast.stmt):
            continue
        values: list[ast.expr] = []
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            values = node.args[places[name] : places[name] + 1] if name in places else []
        elif isinstance(node, ast.Assign):
            values = [value for target in node.targets for value in _assigned(target, node.value, "code")]
        elif isinstance(node, ast.ClassDef):
            words = [
                member.value
                for member in node.body
                if isinstance(member, ast.Assign | ast.AnnAssign) and _targets(member) == ["word"]
            ]
            yield from ((node.lineno, f"{SYSTEM}-{text}") for word in words for text in _texts(word) if text)
        for value in values:
            yield from ((node.lineno, text) for text in _texts(value))


def _targets(node: ast.Assign | ast.AnnAssign) -> list[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _assigned(target: ast.expr, value: ast.expr, name: str) -> Iterator[ast.expr]:
    """What `name` gets in `name = …`, `name, other = …, …` and either with a condition."""
    if isinstance(value, ast.IfExp):
        yield from _assigned(target, value.body, name)
        yield from _assigned(target, value.orelse, name)
    elif isinstance(target, ast.Name) and target.id == name:
        yield value
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for part, its_value in zip(target.elts, value.elts, strict=False):
            yield from _assigned(part, its_value, name)


def _texts(value: ast.expr | None) -> Iterator[str]:
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield value.value
    elif isinstance(value, ast.IfExp):
        yield from _texts(value.body)
        yield from _texts(value.orelse)
    elif isinstance(value, ast.JoinedStr):
        parts = [str(p.value) if isinstance(p, ast.Constant) else SYSTEM for p in value.values]
        # f"{system}-{word}" is what the classes' words stand for
        if parts != [SYSTEM, "-", SYSTEM]:
            yield "".join(parts)


def _looking(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Texts that look like codes, but for arguments of methods (`parts.append("one-time")`)."""
    passed_over: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            passed_over |= {
                id(member.value)
                for member in node.body
                if isinstance(member, ast.Assign | ast.AnnAssign) and _targets(member) == ["word"]
            }
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            passed_over |= {id(argument) for argument in node.args}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in passed_over:
            text = node.value
            if _LOOKS_LIKE_A_CODE.fullmatch(text) and text not in NOT_CODES:
                yield node.lineno, text
