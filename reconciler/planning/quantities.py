"""From the units on Sophos's bill to the quantity of an agreement line.

Per tenant and code the lines of one billing window are summed; the product's codes are counted within the
tenant; the tenants of a line add up; then, once for the line, blocks, minimum, maximum and included units.
Decimal throughout; nothing is rounded on the way.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal
from typing import TYPE_CHECKING

from reconciler.model.money import plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from reconciler.model.desired import LineTerms
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
    the minimum, which then holds at zero too.
    """

    count: str | None = None
    quantity: str = "billable"
    blocks_of: Decimal | None = None
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    included: Decimal | None = None
    take: str | None = None
    line: int | None = None
    fixed: tuple[int, ...] = ()
    own_minimum: bool = False
    layers: Mapping[str, Location] = field(default_factory=dict)

    @property
    def decided_by(self) -> str:
        """The rows that decided, for people: `included mappings/customers.yaml:14`."""
        return ", ".join(f"{key} {place.file}:{place.line}" for key, place in sorted(self.layers.items()))


_KEYS = ("count", "quantity", "blocks_of", "minimum", "maximum", "included", "take", "line")


def merge_terms(product: LineTerms | None, customer: LineTerms | None) -> Terms:
    """The product's terms with the customer's own over them, key by key."""
    values: dict[str, object] = {}
    layers: dict[str, Location] = {}
    for terms in (product, customer):
        if terms is None:
            continue
        for key in _KEYS:
            value = getattr(terms, key)
            if value is not None:
                values[key] = value
                layers[_yaml_name(key)] = terms.location
    if customer is not None and customer.fixed:
        values["fixed"] = customer.fixed
        layers["fixed"] = customer.location
    own_minimum = customer is not None and customer.minimum is not None
    return Terms(**values, own_minimum=own_minimum, layers=layers)  # type: ignore[arg-type]  # keys are Terms' own


def _yaml_name(key: str) -> str:
    return "blocksOf" if key == "blocks_of" else key


@dataclass(frozen=True)
class CodeUsage:
    """The units of one code at one tenant; `problem` says why they cannot be used."""

    quantity: Decimal
    problem: str = ""


def code_usage(lines: Sequence[UsageLine], kind: str, month: Month) -> CodeUsage:
    """The units of one (tenant, code): the sum of its lines, or why there is none.

    Lines of windows that overlap, or that carry different serial numbers, add up. Windows of the same
    account that do not touch would count the same seats twice: that is for a person to say. `kind` is
    `billable` or `actual`.
    """
    total = ZERO
    for line in lines:
        units = line.billable if kind == "billable" else line.actual
        if units < 0:
            return CodeUsage(ZERO, f"Sophos bills a negative quantity, {plain(units)}")
        if units != units.to_integral_value():
            return CodeUsage(ZERO, f"Sophos bills a fraction, {plain(units)}, of whole units")
        total += units
    apart = _windows_apart(lines, month)
    if apart:
        return CodeUsage(ZERO, apart)
    if total > ABSURD:
        return CodeUsage(ZERO, f"Sophos bills {plain(total)} units, which looks like a mistake of the feed")
    return CodeUsage(total)


def _windows_apart(lines: Sequence[UsageLine], month: Month) -> str:
    by_account: dict[str, list[tuple[date, date, Decimal]]] = {}
    for line in lines:
        start = line.window_start or month.first_day
        end = line.window_end or month.last_day
        by_account.setdefault(line.account_or_serial, []).append((start, end, line.billable))
    for windows in by_account.values():
        windows.sort(key=lambda window: window[:2])
        reach = windows[0]
        for window in windows[1:]:
            if window[0] > reach[1]:
                shown = " and ".join(f"{w[0]} to {w[1]}: {plain(w[2])}" for w in (reach, window))
                return f"Sophos bills two windows that do not overlap ({shown})"
            reach = max(reach, window, key=lambda w: w[1])
    return ""


@dataclass(frozen=True)
class Quantity:
    """A line's quantity and included units, and how they came about, for people."""

    quantity: Decimal
    included: Decimal
    parts: str


def line_quantity(tenants: Mapping[str, Mapping[str, Decimal]], terms: Terms) -> Quantity:
    """The quantity of a line from the units per tenant (by name) and code.

    The caller has decided that there is usage, or that the customer's own minimum holds without any.
    """
    counts = {name: _count(codes, terms.count) for name, codes in tenants.items()}
    total = sum((number for number, _ in counts.values()), ZERO)
    texts = [text for _, text in counts.values()]
    if len(counts) == 1:
        parts = texts[0]
    else:
        parts = " + ".join(f"{name} {text}" for name, text in zip(counts, texts, strict=True))
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
    included = min(terms.included or ZERO, quantity)
    explained = f"{plain(quantity)} = {parts}"
    if steps:
        explained = f"{plain(quantity)} = {', '.join(steps)} of {plain(total)} = {parts}"
    if included:
        explained += f"; {plain(included)} included"
    return Quantity(quantity, included, explained)


def _count(codes: Mapping[str, Decimal], count: str | None) -> tuple[Decimal, str]:
    """One tenant's units of a product, and how they are made up."""
    listed = ", ".join(f"{code} {plain(units)}" for code, units in sorted(codes.items()))
    if len(codes) == 1:
        return next(iter(codes.values())), listed
    if count == "max":
        return max(codes.values(), default=ZERO), f"max({listed})"
    if count == "sum" or count is None:
        return sum(codes.values(), ZERO), f"sum({listed})" if codes else "no usage"
    return codes.get(count, ZERO), f"{count} alone of ({listed})"
