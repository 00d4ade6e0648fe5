"""The filter language of ConnectWise's `conditions`: a tokenizer, a recursive descent parser, and predicates.

Grammar, from the vendor's Developer Guide::

    any      = all { "or" all }
    all      = single { "and" single }
    single   = "(" any ")" | reference test
    test     = ( "=" | "!=" | "<" | "<=" | ">" | ">=" ) literal
             | [ "not" ] ( "contains" | "like" ) string
             | [ "not" ] "in" "(" literal { "," literal } ")"
    literal  = string | number | "True" | "False" | "null" | "[" date "]"

A field that has no value satisfies only `= null`, as in SQL. Whatever is not in the grammar is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Escape = Literal["doubled", "backslash", "none"]


class MalformedConditionError(ValueError):
    """The text is not in the grammar, names an unknown field or compares what cannot be compared."""


class UnsupportedDateError(MalformedConditionError):
    """A date literal in a format that ConnectWise does not read."""


@dataclass(frozen=True, slots=True)
class Column:
    """A field that can be named: how its values compare and how to get it from a row."""

    kind: str
    get: Callable[[dict[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class Dialect:
    """What differs between servers, or between the three condition parameters."""

    case_sensitive: bool = False
    allows_in: bool = True
    escape: Escape = "doubled"


@dataclass(frozen=True, slots=True)
class Token:
    kind: Literal["string", "number", "date", "word", "symbol", "end"]
    text: str
    position: int


_SYMBOLS = re.compile(r"!=|<=|>=|[=<>(),]")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_/]*")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?![A-Za-z0-9_.])")
_DATE_FORMATS = ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d")
_OPERATORS = ("=", "!=", "<", "<=", ">", ">=")


def _string_end(text: str, start: int, escape: Escape) -> tuple[str, int]:
    quote, position, content = text[start], start + 1, []
    while position < len(text):
        char = text[position]
        following = text[position + 1 : position + 2]
        if escape == "backslash" and char == "\\" and following:
            content.append(following)
            position += 2
        elif escape == "doubled" and char == quote and following == quote:
            content.append(quote)
            position += 2
        elif char == quote:
            return "".join(content), position + 1
        else:
            content.append(char)
            position += 1
    raise MalformedConditionError(f"the string that starts at {start} has no end")


def tokens(text: str, escape: Escape = "doubled") -> list[Token]:
    """Splits the text; the last token is always of kind "end"."""
    found: list[Token] = []
    position = 0
    while position < len(text):
        char = text[position]
        if char.isspace():
            position += 1
            continue
        if char in "\"'":
            content, after = _string_end(text, position, escape)
            found.append(Token("string", content, position))
        elif char == "[":
            end = text.find("]", position)
            if end < 0:
                raise MalformedConditionError(f"the date that starts at {position} has no end")
            found.append(Token("date", text[position + 1 : end], position))
            after = end + 1
        elif match := _NUMBER.match(text, position):
            found.append(Token("number", match[0], position))
            after = match.end()
        elif match := _WORD.match(text, position):
            found.append(Token("word", match[0], position))
            after = match.end()
        elif match := _SYMBOLS.match(text, position):
            found.append(Token("symbol", match[0], position))
            after = match.end()
        else:
            raise MalformedConditionError(f"unexpected {char!r} at {position}")
        position = after
    return [*found, Token("end", "", len(text))]


def _date(text: str) -> datetime:
    for form in _DATE_FORMATS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    raise UnsupportedDateError(text)


def _character_set(members: str) -> str:
    """A LIKE set as a regular expression's; a hyphen makes a range only between two letters or digits."""
    negation, members = ("^", members[1:]) if len(members) > 1 and members[0] == "^" else ("", members)
    parts = []
    for number, char in enumerate(members):
        ends = members[number - 1 : number] + members[number + 1 : number + 2]
        is_range = char == "-" and len(ends) == 2 and ends.isalnum() and ends[0] < ends[1]
        parts.append("-" if is_range else re.escape(char))
    return f"[{negation}{''.join(parts)}]"


def _wildcard_pattern(text: str, *, wildcards: bool) -> str:
    """A LIKE pattern as a regular expression: `[…]` is a set of characters, so a bracket is written `[[]`."""
    parts, position = [], 0
    while position < len(text):
        char = text[position]
        end = text.find("]", position + 1) if char == "[" else -1
        if char == "[" and end > position + 1:
            parts.append(_character_set(text[position + 1 : end]))
            position = end + 1
            continue
        parts.append(".*" if wildcards and char in "*%" else re.escape(char))
        position += 1
    return "".join(parts)


class _Parser:
    def __init__(self, text: str, find: Callable[[str], Column | None], dialect: Dialect) -> None:
        self.tokens = tokens(text, dialect.escape)
        self.position = 0
        self.find = find
        self.dialect = dialect

    def peek(self) -> Token:
        return self.tokens[self.position]

    def take(self) -> Token:
        token = self.tokens[self.position]
        self.position += token.kind != "end"
        return token

    def word(self, *words: str) -> str | None:
        """Takes the next token if it is one of these keywords (in any case)."""
        token = self.peek()
        if token.kind == "word" and token.text.lower() in words:
            return self.take().text.lower()
        return None

    def symbol(self, text: str) -> None:
        token = self.take()
        if token.kind != "symbol" or token.text != text:
            raise MalformedConditionError(f"expected {text!r} at {token.position}")

    def any_of(self) -> Callable[[dict[str, Any]], bool]:
        terms = [self.all_of()]
        while self.word("or"):
            terms.append(self.all_of())
        return terms[0] if len(terms) == 1 else lambda row: any(term(row) for term in terms)

    def all_of(self) -> Callable[[dict[str, Any]], bool]:
        terms = [self.single()]
        while self.word("and"):
            terms.append(self.single())
        return terms[0] if len(terms) == 1 else lambda row: all(term(row) for term in terms)

    def single(self) -> Callable[[dict[str, Any]], bool]:
        token = self.take()
        if token.kind == "symbol" and token.text == "(":
            inside = self.any_of()
            self.symbol(")")
            return inside
        if token.kind != "word":
            raise MalformedConditionError(f"expected a field at {token.position}")
        column = self.find(token.text)
        if column is None:
            raise MalformedConditionError(f"unknown field {token.text!r}")
        return self.test(column, token.text)

    def test(self, column: Column, name: str) -> Callable[[dict[str, Any]], bool]:
        negated = self.word("not") is not None
        operator = self.word("contains", "like", "in")
        if operator == "in":
            matches = self.membership(column, name)
        elif operator is not None:
            matches = self.pattern(column, name, operator)
        elif negated or self.peek().text not in _OPERATORS or self.peek().kind != "symbol":
            raise MalformedConditionError(f"expected an operator at {self.peek().position}")
        else:
            return self.comparison(column, name)
        get = column.get
        if negated:
            return lambda row: (value := get(row)) is not None and not matches(value)
        return lambda row: (value := get(row)) is not None and matches(value)

    def membership(self, column: Column, name: str) -> Callable[[Any], bool]:
        if not self.dialect.allows_in:
            raise MalformedConditionError("the operator in is not supported here")
        self.symbol("(")
        wanted = {self.literal(column, name)}
        while self.peek().text == ",":
            self.take()
            wanted.add(self.literal(column, name))
        self.symbol(")")
        fold = self.folded(column)
        return lambda value: fold(value) in wanted

    def pattern(self, column: Column, name: str, operator: str) -> Callable[[Any], bool]:
        token = self.take()
        if token.kind != "string" or column.kind not in ("text", "choice", "any"):
            raise MalformedConditionError(
                f"{operator} compares text; {name} is not, or has no string after it"
            )
        pattern = _wildcard_pattern(token.text, wildcards=operator == "like")
        flags = re.DOTALL if self.dialect.case_sensitive else re.DOTALL | re.IGNORECASE
        compiled = re.compile(pattern, flags)
        if operator == "like":
            return lambda value: compiled.fullmatch(str(value)) is not None
        return lambda value: compiled.search(str(value)) is not None

    def comparison(self, column: Column, name: str) -> Callable[[dict[str, Any]], bool]:
        operator, get = self.take().text, column.get
        if self.word("null"):
            if operator == "=":
                return lambda row: get(row) is None
            if operator == "!=":
                return lambda row: get(row) is not None
            raise MalformedConditionError(f"null has no order: {name} {operator} null")
        if column.kind == "flag" and operator not in ("=", "!="):
            raise MalformedConditionError(f"{name} is true or false and has no order")
        wanted, fold = self.literal(column, name), self.folded(column)
        compare = _COMPARE[operator]
        return lambda row: (value := get(row)) is not None and compare(fold(value), wanted)

    def folded(self, column: Column) -> Callable[[Any], Any]:
        if column.kind == "date":
            return lambda value: _date(value)
        if column.kind in ("text", "choice", "any") and not self.dialect.case_sensitive:
            return lambda value: value.lower() if isinstance(value, str) else value
        return lambda value: value

    def literal(self, column: Column, name: str) -> Any:
        """The next token as a value that this column can be compared with."""
        token = self.take()
        kind = column.kind
        if token.kind == "string" and kind in ("text", "choice", "any"):
            value = token.text.replace("[[]", "[")
            return value if self.dialect.case_sensitive else value.lower()
        if token.kind == "number" and kind in ("integer", "number", "any"):
            return float(token.text) if "." in token.text else int(token.text)
        if token.kind == "date" and kind == "date":
            try:
                return _date(token.text)
            except UnsupportedDateError:
                raise UnsupportedDateError(name) from None
        if token.kind == "word" and token.text.lower() in ("true", "false") and kind in ("flag", "any"):
            return token.text.lower() == "true"
        raise MalformedConditionError(f"{name} cannot be compared with what is at {token.position}")


def _ordered(check: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def compare(left: Any, right: Any) -> bool:
        return isinstance(left, str) == isinstance(right, str) and check(left, right)

    return compare


_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": lambda left, right: bool(left == right),
    "!=": lambda left, right: bool(left != right),
    "<": _ordered(lambda left, right: left < right),
    "<=": _ordered(lambda left, right: left <= right),
    ">": _ordered(lambda left, right: left > right),
    ">=": _ordered(lambda left, right: left >= right),
}


def parse(
    text: str, find: Callable[[str], Column | None], dialect: Dialect | None = None
) -> Callable[[dict[str, Any]], bool]:
    """The predicate that the text describes, over rows whose fields `find` knows.

    Raises MalformedConditionError.
    """
    parser = _Parser(text, find, dialect or Dialect())
    predicate = parser.any_of()
    if parser.peek().kind != "end":
        raise MalformedConditionError(f"unexpected {parser.peek().text!r} at {parser.peek().position}")
    return predicate
