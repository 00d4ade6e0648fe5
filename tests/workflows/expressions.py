"""The part of GitHub's expressions that the workflows use, for tests that run them.

https://docs.github.com/en/actions/reference/workflows-and-actions/expressions
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

_TOKEN = re.compile(r"\s*('(?:[^']|'')*'|&&|\|\||==|!=|!|[(),]|[A-Za-z_][\w.*-]*)")
_WORDS = {"&&": "and", "||": "or", "!": "not"}
_WHOLE = re.compile(r"\s*\$\{\{(.*)\}\}\s*", re.DOTALL)
_PART = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)


@dataclass(frozen=True)
class Values:
    """What expressions may name, and how the job goes so far."""

    contexts: dict[str, Any]
    workspace: Path
    failed: bool = False

    def named(self, name: str) -> Any:
        """The value of `a.b.c`; "" where there is none, and a list for `a.*.c`."""
        found: Any = self.contexts
        parts = name.split(".")
        for at, part in enumerate(parts):
            if part == "*":
                return [one.get(parts[at + 1], "") for one in found.values()]
            found = found.get(part, "") if isinstance(found, dict) else ""
        return found

    def evaluate(self, expression: str) -> Any:
        """One expression, without its braces."""
        code, at = [], 0
        text = expression.strip()
        while at < len(text):
            found = _TOKEN.match(text, at)
            assert found, f"not understood: {text[at:]!r} in {text!r}"
            token, at = found[1], found.end()
            called = text[at : at + 1] == "("
            if token[0] == "'":
                code.append(repr(token[1:-1].replace("''", "'")))
            elif re.match(r"[A-Za-z_]", token) and not called:
                code.append(f"named({token!r})")
            else:
                code.append(_WORDS.get(token, token))
        functions = {
            "named": self.named,
            "fromJSON": json.loads,
            "contains": lambda among, one: one in among,
            "hashFiles": lambda glob: "x" if any(self.workspace.glob(glob.replace("**", "**/*"))) else "",
            "always": lambda: True,
            "cancelled": lambda: False,
            "failure": lambda: self.failed,
            "success": lambda: not self.failed,
        }
        return eval(" ".join(code), {"__builtins__": {}}, functions)

    def condition(self, text: str) -> bool:
        """An `if`; without a status function it is about a job in which nothing failed."""
        whole = _WHOLE.fullmatch(text)
        inner = whole[1] if whole else text
        if not inner:
            return not self.failed
        decided = bool(self.evaluate(inner))
        if re.search(r"\b(always|cancelled|failure|success)\(", inner):
            return decided
        return decided and not self.failed

    def filled(self, data: Any) -> Any:
        """A part of a workflow with its expressions replaced."""
        if isinstance(data, dict):
            return {key: self.filled(value) for key, value in data.items()}
        if not isinstance(data, str):
            return data
        whole = _WHOLE.fullmatch(data)
        if whole and "${{" not in whole[1]:
            return self.evaluate(whole[1])
        return _PART.sub(lambda found: str(self.evaluate(found[1])), data)
