"""From the units on Sophos's bill to the quantity of an agreement line.

Per tenant and code the lines of one billing window are summed; the product's codes are counted within the
tenant; the tenants of a line add up; then, once for the line, blocks, minimum, maximum and included units.
Decimal throughout; nothing is rounded on the way.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal
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


def code_usage(lines: Sequence[UsageLine], kind: str, month: Month) -> CodeUsage:
    """The units of one (tenant, code): the sum of its lines, or why there is none.

    Lines of windows that overlap, or that carry different serial numbers, add up; one order line that comes
    twice the same counts once. Windows of the same account that do not touch, and one order line that comes
    with two contents, could count the same seats twice: that is for a person to say. `kind` is `billable`
    or `actual`.
    """
    counted = each_once(lines)
    every = sorted(_units(line, kind) for line in counted)  # the same words in any order of the bill
    for units in every:
        if units < 0:
            return CodeUsage(ZERO, f"Sophos bills a negative quantity, {plain(units)}")
        if units != units.to_integral_value():
            return CodeUsage(ZERO, f"Sophos bills a fraction, {plain(units)}, of whole units")
    total = total_of(every)
    unclear = _contradiction(counted, kind) or _windows_apart(counted, kind, month)
    if unclear:
        return CodeUsage(ZERO, unclear)
    if total > ABSURD:
        return CodeUsage(ZERO, f"Sophos bills {plain(total)} units, which looks like a mistake of the feed")
    return CodeUsage(total)


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


def _windows_apart(lines: Sequence[UsageLine], kind: str, month: Month) -> str:
    if len(lines) < 2:
        return ""
    by_account: dict[str, list[tuple[date, date, Decimal]]] = {}
    for line in lines:
        start = line.window_start or month.first_day
        end = line.window_end or month.last_day
        by_account.setdefault(line.account_or_serial, []).append((start, end, _units(line, kind)))
    for _, windows in sorted(by_account.items()):
        windows.sort()
        reach = windows[0]
        for window in windows[1:]:
            if window[0] > reach[1]:
                shown = " and ".join(f"{w[0]} to {w[1]}: {plain(w[2])}" for w in (reach, window))
                return f"Sophos bills two windows that do not overlap ({shown})"
            reach = max(reach, window, key=lambda w: w[1])
    return ""


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
