"""From the units on Sophos's bill to the quantity of an agreement line.

Per tenant and code the lines of one billing window are summed; the product's codes are counted within the
tenant; the tenants of a line add up; then, once for the line, blocks, minimum, maximum and included units.
Decimal throughout; nothing is rounded on the way.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal
from itertools import combinations
from sys import intern
from typing import TYPE_CHECKING

from reconciler.model.money import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date
    from typing import Any

    from reconciler.model.desired import LineTerms, Row
    from reconciler.model.diagnostics import Location
    from reconciler.model.months import Month
    from reconciler.model.observed import UsageLine

#: More units than this of one product at one customer are taken for a mistake of the feed.
ABSURD = Decimal(100_000)
ZERO = Decimal(0)


@dataclass(frozen=True)
class Terms:
    """How one line is counted: the product's terms with the customer's own over them, key by key.

    `layers` says for each key where its value came from; `own_minimum` that the customer's own row states
    the minimum, which then holds at zero too; `own_new` which fields of a new line its own row states.
    """

    count: str | None = None
    quantity: str = "billable"
    blocks_of: Decimal | None = None
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    included: Decimal | None = None
    take: str | None = None
    line: int | None = None
    per_serial: bool | None = None
    fixed: tuple[int, ...] = ()
    own_minimum: bool = False
    always: Mapping[str, Any] = field(default_factory=dict)
    when_new: Mapping[str, Any] = field(default_factory=dict)
    own_new: frozenset[str] = frozenset()
    layers: Mapping[str, Location] = field(default_factory=dict, compare=False)

    @property
    def decided_by(self) -> str:
        """The rows that decided, for people: `included mappings/customers.yaml:14`."""
        return ", ".join(f"{key} {place.file}:{place.line}" for key, place in sorted(self.layers.items()))


_KEYS = ("count", "quantity", "blocks_of", "minimum", "maximum", "included", "take", "line", "per_serial")


def merge_terms(product: LineTerms | None, customer: LineTerms | None) -> Terms:
    """The product's terms with the customer's own over them, key by key."""
    values: dict[str, Any] = {}
    layers: dict[str, Location] = {}
    always: dict[str, Any] = {}
    when_new: dict[str, Any] = {}
    for terms in (product, customer):
        if terms is None:
            continue
        for key in _KEYS:
            value = getattr(terms, key)
            if value is not None:
                values[key] = value
                layers[_yaml_name(key)] = terms.location
        if terms.always:
            always |= terms.always
            layers["always"] = terms.location
        if terms.when_new:
            when_new |= terms.when_new
            layers["whenNew"] = terms.location
    if customer is not None and customer.fixed:
        values["fixed"] = customer.fixed
        layers["fixed"] = customer.location
    return Terms(
        always=always,
        when_new=when_new,
        own_minimum=customer is not None and customer.minimum is not None,
        own_new=frozenset(customer.when_new) if customer is not None else frozenset(),
        layers=layers,
        **values,
    )


def _yaml_name(key: str) -> str:
    return {"blocks_of": "blocksOf", "per_serial": "perSerial"}.get(key, key)


def own_codes(rows: Iterable[Row]) -> dict[str, str]:
    """The code of the row that speaks of each code: a code that Sophos replaced counts as its successor."""
    return {code: row.code for row in rows for code in row.codes}


@dataclass(frozen=True, slots=True)
class CodeUsage:
    """The units of one code at one tenant; `problem` says why they cannot be used."""

    quantity: Decimal
    problem: str = ""


def code_usage(lines: Sequence[UsageLine], kind: str, month: Month, together: str | None = None) -> CodeUsage:
    """The units of one (tenant, code): the sum of its lines, or why there is none.

    Lines of equal windows, of windows of which one holds the other, or with different serial numbers add up;
    one order line that comes twice the same counts once. Other windows of one account, and one order line
    that comes with two contents, could count the same seats twice: that is for a person to say. So it is
    with units under a code and under one that replaced it, unless the row says `together` (`sum` or `max`).
    `kind` is `billable` or `actual`.
    """
    if len(lines) > 1 and len({line.product_code for line in lines}) > 1:
        return _both_codes(lines, kind, month, together)
    counted = each_once(lines)
    every = sorted(_units(line, kind) for line in counted)  # the same words in any order of the bill
    for units in every:
        if units < 0:
            return CodeUsage(ZERO, f"Sophos bills a negative quantity, {plain(units)}")
        if units != units.to_integral_value():
            return CodeUsage(ZERO, f"Sophos bills a fraction, {plain(units)}, of whole units")
    total = total_of(every)
    unclear = _contradiction(counted, kind) or _windows_unclear(counted, kind, month)
    if unclear:
        return CodeUsage(ZERO, unclear)
    if total > ABSURD:
        return CodeUsage(ZERO, f"Sophos bills {plain(total)} units, which looks like a mistake of the feed")
    return CodeUsage(total)


def _both_codes(lines: Sequence[UsageLine], kind: str, month: Month, together: str | None) -> CodeUsage:
    """The units of a code and of those that replaced it; one number only where the row says how."""
    by_code: dict[str, list[UsageLine]] = {}
    for line in lines:
        by_code.setdefault(line.product_code, []).append(line)
    each = {code: code_usage(own, kind, month) for code, own in sorted(by_code.items())}
    problems = [f"{code}: {usage.problem}" for code, usage in each.items() if usage.problem]
    if problems:
        return CodeUsage(ZERO, "; ".join(problems))
    units = [usage.quantity for usage in each.values() if usage.quantity]
    if len(units) < 2:
        return CodeUsage(total_of(units))
    if together is not None:
        return CodeUsage(sum(units, ZERO) if together == "sum" else max(units))
    shown = " and ".join(f"{code} {plain(usage.quantity)}" for code, usage in each.items() if usage.quantity)
    return CodeUsage(
        ZERO,
        f"Sophos bills both {shown}, of which the row says that one replaced the other. If these are other "
        "seats, say in the row `alsoKnownAs: {codes: […], count: sum}`; if they are the same, `count: max`",
    )


def total_of(numbers: Sequence[Decimal]) -> Decimal:
    """Their sum. Of one it is that very number, which a large plan keeps once and not in every line."""
    return numbers[0] if len(numbers) == 1 else sum(numbers, ZERO)


def _units(line: UsageLine, kind: str) -> Decimal:
    return line.actual if kind == "actual" else line.billable


def each_once(lines: Sequence[UsageLine]) -> list[UsageLine]:
    """Without the repetitions of a line that is the same in everything, its order line included."""
    if len(lines) < 2:
        return list(lines)
    found: dict[UsageLine | int, UsageLine] = {}
    for number, line in enumerate(lines):
        found.setdefault(line if line.order_number and line.order_line else number, line)
    return list(found.values())


def _contradiction(lines: Sequence[UsageLine], kind: str) -> str:
    """One order line, account and window with two contents: one of them is a correction of the other."""
    if len(lines) < 2:
        return ""
    seen: dict[tuple[object, ...], UsageLine] = {}
    for line in lines:
        if not (line.order_number and line.order_line):
            continue
        same = (
            line.product_code, line.order_number, line.order_line, line.account_or_serial,
            line.window_start, line.window_end,
        )  # fmt: skip
        first = seen.setdefault(same, line)
        if first is not line:
            low, high = sorted((_units(first, kind), _units(line, kind)))
            return (
                f"Sophos's bill has order line {line.order_number}/{line.order_line} twice with different "
                f"content ({plain(low)} and {plain(high)})"
            )
    return ""


def _windows_unclear(lines: Sequence[UsageLine], kind: str, month: Month) -> str:
    """Two windows of one account of which neither holds the other: seats of the one may be in the other."""
    if len(lines) < 2:
        return ""
    by_account: dict[str, dict[tuple[date, date], Decimal]] = {}
    for line in lines:
        window = line.window_start or month.first_day, line.window_end or month.last_day
        windows = by_account.setdefault(line.account_or_serial, {})
        windows[window] = windows.get(window, ZERO) + _units(line, kind)
    for _, windows in sorted(by_account.items()):
        for one, other in combinations(sorted(windows), 2):
            if _holds(one, other) or _holds(other, one):
                continue
            shown = " and ".join(f"{w[0]} to {w[1]}: {plain(windows[w])}" for w in (one, other))
            how = "overlap only in part" if other[0] <= one[1] else "do not overlap"
            return f"Sophos bills two windows that {how} ({shown})"
    return ""


def _holds(window: tuple[date, date], other: tuple[date, date]) -> bool:
    return window[0] <= other[0] and other[1] <= window[1]


@dataclass(frozen=True, slots=True)
class Quantity:
    """A line's quantity and included units, and how they came about, for people.

    `counted` are the units before blocks, minimum and maximum.
    """

    quantity: Decimal
    included: Decimal
    parts: str
    counted: Decimal = ZERO


def line_quantity(tenants: Mapping[str, Mapping[str, Decimal]], terms: Terms) -> Quantity:
    """The quantity of a line from the units per tenant (by name) and code.

    No usage at all is zero and never goes through a minimum, unless the customer's own row states it. What
    a zero means for the line is the caller's decision.
    """
    counts = {name: _count(codes, terms.count) for name, codes in tenants.items()}
    total = total_of([number for number, _ in counts.values()])
    texts = [text for _, text in counts.values()]
    if len(counts) <= 1:
        parts = "".join(texts) or "no usage"
    else:
        parts = " + ".join(f"{name} {text}" for name, text in zip(counts, texts, strict=True))
    return stepped_quantity(total, parts, terms)


def stepped_quantity(total: Decimal, parts: str, terms: Terms) -> Quantity:
    """The line's quantity from its units; `parts` says how they came about. As `line_quantity` at zero."""
    if total == 0 and not terms.own_minimum:
        return Quantity(ZERO, ZERO, f"0 = {parts}")
    quantity, steps = _stepped(total, terms)
    included = min(terms.included or ZERO, quantity)
    explained = f"{plain(quantity)} = {parts}"
    if steps:
        explained = f"{plain(quantity)} = {', '.join(steps)} of {plain(total)} = {parts}"
    if included:
        explained += f"; {plain(included)} included"
    # the same few texts stand on many lines
    return Quantity(quantity, included, intern(explained), total)


def _stepped(total: Decimal, terms: Terms) -> tuple[Decimal, list[str]]:
    """Blocks, minimum and maximum, once for the line; each that changed the number is named."""
    quantity = total
    steps: list[str] = []
    if terms.blocks_of is not None:
        blocks = (quantity / terms.blocks_of).to_integral_value(rounding=ROUND_CEILING)
        if blocks * terms.blocks_of != quantity:
            quantity = blocks * terms.blocks_of
            steps.append(f"blocks of {plain(terms.blocks_of)}")
    if terms.minimum is not None and quantity < terms.minimum:
        quantity = terms.minimum
        steps.append(f"minimum {plain(terms.minimum)}")
    if terms.maximum is not None and quantity > terms.maximum:
        quantity = terms.maximum
        steps.append(f"maximum {plain(terms.maximum)}")
    return quantity, steps


def _count(codes: Mapping[str, Decimal], count: str | None) -> tuple[Decimal, str]:
    """One tenant's units of a product, and how they are made up."""
    listed = ", ".join(f"{code} {plain(units)}" for code, units in sorted(codes.items()))
    if not codes:
        return ZERO, "no usage"
    if count not in (None, "sum", "max"):
        return codes.get(str(count), ZERO), listed if list(codes) == [count] else f"{count} of ({listed})"
    if len(codes) == 1:
        return next(iter(codes.values())), listed
    if count == "max":
        return max(codes.values()), f"max({listed})"
    return sum(codes.values(), ZERO), f"sum({listed})"
