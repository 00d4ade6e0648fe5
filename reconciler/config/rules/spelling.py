"""Rules about how names are spelled in several places."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.config.nodes import key_at, value_at
from reconciler.config.wording import show
from reconciler.model.diagnostics import error, warning
from reconciler.model.identifiers import identifier_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.config.rules.facts import Facts
    from reconciler.config.values import Path
    from reconciler.config.view import Document
    from reconciler.model.diagnostics import Location

#: A name as it stands in a file, and where; the flag says that it is a key.
Mention = tuple[str, "Path", bool]


def products_alike(facts: Facts) -> None:
    """One product, one spelling: it is found anyway, but people search for what they read."""
    _alike(facts, "product", _product_mentions(facts.document))


def companies_alike(facts: Facts) -> None:
    """The same for companies."""
    _alike(facts, "company", _company_mentions(facts.document))


def _alike(facts: Facts, kind: str, mentions: Iterable[Mention]) -> None:
    first: dict[str, Mention] = {}
    for mention in mentions:
        text, path, is_key = mention
        key = identifier_key(text)
        if not key:
            message = f"The {kind} identifier is nothing but blanks."
            place = _place(facts.document, path, is_key)
            facts.say(error("empty-text", message, "Write the identifier.", location=place))
            continue
        earlier, its_path, its_is_key = first.setdefault(key, mention)
        if text != text.strip():
            what, remedy = f"{show(text)} has blanks at its ends.", f"Write {text.strip()}."
        elif text != earlier.strip():
            where = _place(facts.document, its_path, its_is_key)
            what, remedy = f"{show(text)} is spelled {show(earlier)} at {where}.", "Spell it one way."
        else:
            continue
        facts.say(
            warning(
                "identifier-spelling",
                f"{what} It is taken for the same {kind}.",
                remedy,
                location=_place(facts.document, path, is_key),
            )
        )


def _place(document: Document, path: Path, is_key: bool) -> Location:
    return key_at(document.root, path) if is_key else value_at(document.root, path)


def _product_mentions(document: Document) -> Iterator[Mention]:
    """Where it is declared first, then where it is mapped: that spelling is the model for the others."""
    for name, view in document.view("products").children():
        yield name, view.path, True
    for _, view in document.view("mappings").children():
        yield from _texts(view.value.get("product"), (*view.path, "product"))
    for name, view in document.view("lines").children():
        yield name, view.path, True
    for _, view in document.view("customers").children():
        overrides, lines = view.below("overrides"), view.below("lines")
        for _, override in overrides.children() if overrides else ():
            yield from _texts(override.value.get("product"), (*override.path, "product"))
        for name, terms in lines.children() if lines else ():
            yield name, terms.path, True
    for section in ("holds", "approvals"):
        for view in document.rows(section):
            yield from _texts(view.value.get("product"), (*view.path, "product"))


def _company_mentions(document: Document) -> Iterator[Mention]:
    for _, view in document.view("customers").children():
        yield from _texts(view.value.get("company"), (*view.path, "company"))
    for section in ("holds", "approvals"):
        for view in document.rows(section):
            yield from _texts(view.value.get("customer"), (*view.path, "customer"))


def _texts(value: Any, path: Path) -> Iterator[Mention]:
    if isinstance(value, str):
        yield value, path, False
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, (*path, index))


def protected_names(facts: Facts) -> None:
    """A protection must name something, although what it names may be gone."""
    for row in facts.desired.protected:
        if not row.key:
            facts.say(
                error(
                    "malformed",
                    f"{show(row.text)} protects nothing.",
                    "Write a product identifier, or customer/ and a company identifier.",
                    location=row.location,
                )
            )


RULES = (products_alike, companies_alike, protected_names)
