"""Values → typed rows. Whatever the schema refused is already out, so that the rest can be looked at."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from reconciler.config.build_customers import build_customers, build_lines
from reconciler.config.rules.dated import is_zone
from reconciler.config.schema_guards import MOST_CHANGES, TOTAL
from reconciler.config.view import View, to_selector
from reconciler.model.desired import (
    NEVER,
    Approval,
    Desired,
    Guards,
    Hold,
    LineChangeGuard,
    MostChanges,
    Product,
    Protected,
    Row,
    RunChangeGuard,
    Settings,
    TotalGuard,
    UnknownGuard,
)
from reconciler.model.fields import FIELDS_BY_NAME, PRICE_PLACES, Kind, normalise
from reconciler.model.identifiers import identifier_key

if TYPE_CHECKING:
    from datetime import date, tzinfo

    from reconciler.config.view import Document
    from reconciler.model.diagnostics import Location
    from reconciler.model.fields import DeclaredValue


def build(document: Document) -> Desired:
    """Everything that is wanted. Only meant to be used where nothing was refused; to be checked, always."""
    return Desired(
        settings=_settings(document.view("settings")),
        rows=tuple(_row(code, view) for code, view in sorted(document.view("mappings").children())),
        products=tuple(_product(name, view) for name, view in sorted(document.view("products").children())),
        lines=build_lines(document.view("lines")),
        customers=build_customers(document),
        holds=tuple(_hold(view) for view in document.rows("holds")),
        approvals=_approvals(document),
        protected=_protected(document),
    )


def _settings(view: View) -> Settings:
    marker = view.below("marker")
    return Settings(
        owner=view.text("owner") or "main",
        mode=view.text("mode") or "shadow",
        time_zone=view.text("timeZone") or "UTC",
        connectwise_member=view.text("connectwiseMember"),
        on_zero_usage=view.text("onZeroUsage") or "zero",
        on_unmap=view.text("onUnmap") or "keep",
        on_drift=view.text("onDrift") or "block",
        new_lines=view.text("newLines") or "ask",
        marker_custom_field=marker.text("customField") if marker else None,
        currency=view.text("currency"),
        guards=_guards(view.below("guards") or View(view.document, (*view.path, "guards"), {})),
        homes=view.text("homes") or "free",
        location=view.location,
        on_unmap_said=view.where("onUnmap") if view.text("onUnmap") else None,
    )


def _numbers(guards: View, name: str, **defaults: int) -> dict[str, Any] | None:
    """A guard's numbers over its defaults, or None where it is off."""
    if guards.value.get(name) == "off":
        return None
    view = guards.below(name)
    numbers: dict[str, Any] = {key: Decimal(value) for key, value in defaults.items()}
    for key in defaults:
        number = view.number(key) if view else None
        if number is not None:
            numbers[key] = number
    return numbers


def _guards(view: View) -> Guards:
    line = _numbers(view, "lineChange", units=5, percent=25, money=100)
    feed = _numbers(view, "feedTenants", percent=95)
    zero = _numbers(view, "productToZero", customers=3)
    run = _numbers(view, "runChange", lines=10, money=5, floor=20)
    age = _numbers(view, "planAge", days=7)
    unknown = _numbers(view, "unknownValues", customers=3, percent=5)
    return Guards(
        line_change=LineChangeGuard(**line) if line else None,
        line_to_zero=view.text("lineToZero") != "off",
        feed_tenants_percent=feed["percent"] if feed else None,
        product_to_zero_customers=int(zero["customers"]) if zero else None,
        run_change=RunChangeGuard(run["lines"], run["money"], int(run["floor"])) if run else None,
        max_plan_age_days=int(age["days"]) if age else None,
        most_changes=_most_changes(view),
        total=_total(view),
        unknown_values=UnknownGuard(int(unknown["customers"]), unknown["percent"]) if unknown else None,
    )


def _most_changes(guards: View) -> tuple[MostChanges, ...]:
    """The limit of each action, over its defaults; none for those that are off."""
    if guards.value.get("mostChanges") == "off":
        return ()
    view = guards.below("mostChanges") or View(guards.document, (*guards.path, "mostChanges"), {})
    found = []
    for action, (count, percent, floor) in MOST_CHANGES.items():
        own = _numbers(view, action, count=count, percent=percent, floor=floor)
        if own:
            found.append(MostChanges(action, int(own["count"]), own["percent"], int(own["floor"])))
    return tuple(found)


def _total(guards: View) -> TotalGuard | None:
    own = _numbers(guards, "total", rise=TOTAL["rise"], drop=TOTAL["drop"], floor=TOTAL["floor"])
    if own is None:
        return None
    view = guards.below("total")
    money = view.below("money") if view else None
    limits = ((currency, money.number(currency)) for currency in money.value) if money else ()
    given = tuple(sorted((currency, limit) for currency, limit in limits if limit is not None))
    return TotalGuard(own["rise"], own["drop"], int(own["floor"]), given)


def _row(code: str, view: View) -> Row:
    known_as = view.below("alsoKnownAs")
    return Row(
        code=code,
        targets=view.selectors("product"),
        sync=view.flag("sync"),
        location=view.location,
        exclude=view.required_text("exclude") if "exclude" in view.value else None,
        until=view.day("until"),
        also_known_as=view.texts("alsoKnownAs") if known_as is None else known_as.texts("codes"),
        together=None if known_as is None else known_as.text("count"),
        sync_said="sync" in view.value,
    )


def _product(name: str, view: View) -> Product:
    custom = view.below("customFields")
    declared = [key for key in view.value if key in FIELDS_BY_NAME]
    renamed = view.text("renamedFrom")
    return Product(
        identifier=name.strip(),
        fields={key: _field(key, view) for key in declared},
        custom_fields={} if custom is None else {k.strip(): v for k, v in custom.value.items()},
        location=view.location,
        field_locations=_field_locations(view, custom),
        renamed_from=renamed or None,
        replaces=tuple(text.strip() for text in view.texts("replaces")),
        line_price=view.text("linePrice"),
    )


def _field_locations(view: View, custom: View | None) -> dict[str, Location]:
    """Fields by their names, custom fields as `customFields/CAPTION`."""
    places = {key: view.where(key) for key in view.value}
    if custom is not None:
        places |= {f"customFields/{key.strip()}": custom.where(key) for key in custom.value}
    return places


def _field(key: str, view: View) -> DeclaredValue:
    field, value = FIELDS_BY_NAME[key], view.value[key]
    if value is None:
        return None
    if field.kind is Kind.REFERENCE:
        return to_selector(value)
    if field.kind in (Kind.MONEY, Kind.NUMBER):
        return view.number(key, places=PRICE_PLACES if field.kind is Kind.MONEY else 6)
    if field.kind is Kind.TEXT:
        return view.required_text(key)
    normal = normalise(field, value)
    return normal if isinstance(normal, str | bool | int | Decimal) else None


def _person_row(view: View) -> tuple[str, str, str, date | None]:
    return (
        (view.text("customer") or "").strip(),
        (view.text("product") or "").strip(),
        view.required_text("reason"),
        view.day("until"),
    )


def _hold(view: View) -> Hold:
    from datetime import date

    customer, product, reason, until = _person_row(view)
    quantity = view.number("quantity") or Decimal(0)
    return Hold(customer, product, quantity, reason, until or date.max, view.location)


def _approvals(document: Document) -> tuple[Approval, ...]:
    """The rows; a bare date of theirs is a day of the site."""
    from zoneinfo import ZoneInfo

    name = document.view("settings").text("timeZone") or "UTC"
    zone = ZoneInfo(name if is_zone(name) else "UTC")
    return tuple(_approval(view, zone) for view in document.rows("approvals"))


def _approval(view: View, zone: tzinfo) -> Approval:
    from datetime import date

    customer, product, reason, until = _person_row(view)
    before, up_to = view.number("from") or Decimal(0), view.number("upTo") or Decimal(0)
    given = view.moment("given", zone) or NEVER
    return Approval(customer, product, before, up_to, given, reason, until or date.max, view.location)


def _protected(document: Document) -> tuple[Protected, ...]:
    from reconciler.config.nodes import value_at

    found = []
    for index, text in enumerate(document.values.get("protected") or ()):
        if isinstance(text, str):
            prefix, slash, rest = text.strip().partition("/")
            kind = prefix if slash and prefix in ("customer", "product") else "product"
            name = rest if slash and prefix in ("customer", "product") else text
            place = value_at(document.root, ("protected", index))
            found.append(Protected(kind, identifier_key(name), text.strip(), place))
    return tuple(found)
