"""The form of a document from outside, by its JSON schema: accepted quickly, refused in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jsonschema.exceptions import ValidationError


class Form:
    """One schema, draft-07, compiled once.

    `jsonschema-rs` says yes, a hundred times as quickly as `jsonschema`; its no is only a question: what is
    wrong, or whether anything is, is for `jsonschema` to say. A test holds that neither takes what the other
    one refuses.
    """

    def __init__(self, schema: dict[str, Any]) -> None:
        from jsonschema_rs import Draft7Validator

        self._schema = schema
        self._quick = Draft7Validator(schema)

    def accepts(self, data: Any) -> bool:
        """Whether the data is quickly seen to fit; what is not may fit even so."""
        try:
            return self._quick.is_valid(data)
        except (ValueError, RecursionError):  # text that is no Unicode, a document without end
            return False

    def problem(self, data: Any, place: Sequence[str | int] = ()) -> str:
        """What makes the data none of this form, with its place behind `place`; nothing where it fits.

        Raises RecursionError for what is deeper than any document.
        """
        if self.accepts(data):
            return ""
        from jsonschema import Draft7Validator
        from jsonschema.exceptions import best_match

        found = best_match(Draft7Validator(self._schema).iter_errors(data))
        return "" if found is None else _placed(found, place)


def _placed(found: ValidationError, place: Sequence[str | int]) -> str:
    path = "/".join(str(part) for part in (*place, *found.absolute_path)) or "the document"
    return f"{path}: {found.message[:200]}"
