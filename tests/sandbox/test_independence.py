"""The sandbox can judge the product only as long as it shares nothing with it."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import reconciler.sandbox

FOLDER = Path(reconciler.sandbox.__file__).parent


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, path
            names.add(node.module or "")
    return names


def test_it_imports_only_itself_starlette_uvicorn_and_the_standard_library() -> None:
    files = sorted(FOLDER.rglob("*.py"))
    assert len(files) > 10
    for path in files:
        for name in imported(path):
            is_own = name == "reconciler.sandbox" or name.startswith("reconciler.sandbox.")
            top = name.partition(".")[0]
            assert is_own or top in {"starlette", "uvicorn"} or top in sys.stdlib_module_names, (
                path.name,
                name,
            )
