"""Values → customers and line terms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.config.view import View, key_selector
from reconciler.model.desired import Customer, Example, LineTerms, Origin, Override
from reconciler.model.fields import PRICE_PLACES, Kind
from reconciler.model.line_fields import LINE_FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.config.view import Document


def build_lines(section: View) -> tuple[LineTerms, ...]:
    """The terms under `lines`, in the order of their keys."""
    return tuple(_terms(name, view) for name, view in sorted(section.children(), key=lambda pair: pair[0]))


def build_customers(document: Document) -> tuple[Customer, ...]:
    """The customers, defaults filled in, in the order of their tenant ids."""
    defaults = document.view("defaults").below("customers") or View(document, ("defaults", "customers"), {})
    section = document.view("customers")
    found = (_customer(tenant.lower(), view, defaults) for tenant, view in section.children())
    return tuple(sorted(found, key=lambda customer: customer.tenant_id))


def _customer(tenant_id: str, view: View, defaults: View) -> Customer:
    moved = view.below("movedFrom")
    lines = view.below("lines")
    return Customer(
        tenant_id=tenant_id,
        location=view.location,
        name=view.text("name"),
        company=view.selector("company"),
        agreement=view.agreement("agreement") or defaults.agreement("agreement"),
        sync=view.flag("sync", defaults.flag("sync")),
        mode=view.text("mode") or defaults.text("mode"),
        exclude=view.required_text("exclude") if "exclude" in view.value else None,
        until=view.day("until"),
        overrides=tuple(_overrides(view)),
        lines=build_lines(lines) if lines else (),
        firewalls=tuple(serial.strip() for serial in view.texts("firewalls")),
        moved_from=Origin(moved.selector("company"), moved.agreement("agreement")) if moved else None,
        open_lines=view.text("openLines") or defaults.text("openLines"),
        ended=view.day("ended"),
        restart=view.wholes("restart"),
        start=view.text("start") or defaults.text("start"),
        sync_said="sync" in view.value or "sync" in defaults.value,
        name_differs=view.flag("nameDiffers"),
    )


def _overrides(view: View) -> Iterator[Override]:
    section = view.below("overrides")
    for code, override in sorted(section.children(), key=lambda pair: pair[0]) if section else ():
        yield Override(
            code=code,
            location=override.location,
            targets=override.selectors("product"),
            agreement=override.agreement("agreement"),
            exclude=override.required_text("exclude") if "exclude" in override.value else None,
            until=override.day("until"),
        )


def _terms(name: str, view: View) -> LineTerms:
    return LineTerms(
        product=key_selector(name),
        location=view.location,
        count=view.text("count"),
        quantity=view.text("quantity"),
        blocks_of=view.number("blocksOf"),
        minimum=view.number("minimum"),
        maximum=view.number("maximum"),
        included=view.number("included"),
        per_serial=view.flag("perSerial") if "perSerial" in view.value else None,
        take=view.text("take"),
        when_new=_line_fields(view.below("whenNew")),
        always=_line_fields(view.below("always")),
        examples=tuple(_examples(view)),
        line=view.whole("line"),
        fixed=tuple(item for item in view.value.get("fixed") or () if isinstance(item, int)),
    )


def _line_fields(view: View | None) -> dict[str, Any]:
    """Declared fields of a line: texts normalised, money as Decimals."""
    found: dict[str, Any] = {}
    for field in LINE_FIELDS if view else ():
        if view is None or field.name not in view.value:
            continue
        if field.kind is Kind.MONEY:
            found[field.name] = view.number(field.name, places=PRICE_PLACES)
        elif field.kind is Kind.FLAG:
            found[field.name] = view.flag(field.name)
        else:
            found[field.name] = view.required_text(field.name)
    return found


def _examples(view: View) -> Iterator[Example]:
    for example in view.rows("examples"):
        given = example.below("given")
        usage = {code: given.number(code) for code in given.value} if given else {}
        expect = example.number("expect")
        if expect is not None:
            yield Example({c: n for c, n in usage.items() if n is not None}, expect, example.location)
