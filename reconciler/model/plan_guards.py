"""The guards as a plan carries them, so that `apply` can compute them again from the plan alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from reconciler.model.desired import Guards, LineChangeGuard, MostChanges, RunChangeGuard, TotalGuard
from reconciler.model.money import plain


class Answered(StrEnum):
    """What has said yes to a line's change already."""

    APPROVAL = "approval"
    HOLD = "hold"
    ROW = "row"  # a row says itself what happens: `ended`, a code that moves


@dataclass(frozen=True)
class Answer:
    """A yes to the change of one line (`PlannedLine.key`); an approval from a quantity up or down to another.

    `before` and `up_to` are None where it is no approval.
    """

    line: str
    kind: Answered
    before: Decimal | None = None
    up_to: Decimal | None = None

    def lets(self, before: Decimal, after: Decimal) -> bool:
        """Whether it is an approval of this change."""
        if self.before is None or self.up_to is None or self.before != before or before == after:
            return False
        return min(self.before, self.up_to) <= after <= max(self.before, self.up_to)

    def to_json(self) -> dict[str, Any]:
        """The form in plan files."""
        return {
            "line": self.line,
            "kind": self.kind.value,
            "from": None if self.before is None else plain(self.before),
            "upTo": None if self.up_to is None else plain(self.up_to),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Answer:
        """Read back what `to_json` wrote."""
        before, up_to = data["from"], data["upTo"]
        return cls(
            data["line"],
            Answered(data["kind"]),
            None if before is None else Decimal(before),
            None if up_to is None else Decimal(up_to),
        )


@dataclass(frozen=True, order=True)
class GoodUntil:
    """The last day on which a plan's words all hold, which word ends then, and where that stands."""

    day: date
    word: str
    place: str

    def to_json(self) -> dict[str, str]:
        """The form in plan files."""
        return {"day": self.day.isoformat(), "word": self.word, "source": self.place}

    @classmethod
    def from_json(cls, data: dict[str, str]) -> GoodUntil:
        """Read back what `to_json` wrote."""
        return cls(date.fromisoformat(data["day"]), data["word"], data["source"])


_OFF = Guards(None, False, None, None, None, None)


@dataclass(frozen=True)
class PlanGuards:
    """The limits of a plan, what is protected, which lines are answered, and how many products there are.

    `protected` are `product/KEY` and `customer/KEY`, as identifiers compare. `good_until` is None where no
    word that it was made by has an end.
    """

    limits: Guards = _OFF
    protected: tuple[str, ...] = ()
    answers: tuple[Answer, ...] = ()
    products: int = 0
    good_until: GoodUntil | None = None

    def to_json(self) -> dict[str, Any]:
        """The form in plan files; null is off."""
        limits = self.limits
        return {
            "lineChange": _line_change(limits.line_change),
            "lineToZero": limits.line_to_zero,
            "feedTenants": _one("percent", limits.feed_tenants_percent),
            "productToZero": _one("customers", limits.product_to_zero_customers),
            "runChange": _run_change(limits.run_change),
            "mostChanges": [
                {
                    "action": one.action,
                    "count": one.count,
                    "percent": plain(one.percent),
                    "floor": one.floor,
                }
                for one in limits.most_changes
            ],
            "total": _total(limits.total),
            "planAge": _one("days", limits.max_plan_age_days),
            "protected": list(self.protected),
            "answers": [one.to_json() for one in self.answers],
            "products": self.products,
            "goodUntil": None if self.good_until is None else self.good_until.to_json(),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> PlanGuards:
        """Read back what `to_json` wrote."""
        line, run, total, feed = data["lineChange"], data["runChange"], data["total"], data["feedTenants"]
        zero, age = data["productToZero"], data["planAge"]
        limits = Guards(
            line_change=LineChangeGuard(**{key: Decimal(value) for key, value in line.items()})
            if line
            else None,
            line_to_zero=data["lineToZero"],
            feed_tenants_percent=Decimal(feed["percent"]) if feed else None,
            product_to_zero_customers=int(zero["customers"]) if zero else None,
            run_change=RunChangeGuard(Decimal(run["lines"]), Decimal(run["money"]), int(run["floor"]))
            if run
            else None,
            max_plan_age_days=int(age["days"]) if age else None,
            most_changes=tuple(
                MostChanges(one["action"], int(one["count"]), Decimal(one["percent"]), int(one["floor"]))
                for one in data["mostChanges"]
            ),
            total=TotalGuard(
                Decimal(total["rise"]),
                Decimal(total["drop"]),
                int(total["floor"]),
                tuple(sorted((name, Decimal(limit)) for name, limit in total["money"].items())),
            )
            if total
            else None,
        )
        answers = tuple(Answer.from_json(one) for one in data["answers"])
        until = data["goodUntil"]
        good_until = None if until is None else GoodUntil.from_json(until)
        return cls(limits, tuple(data["protected"]), answers, int(data["products"]), good_until)


#: Everything off: of a plan that nobody has made from a configuration.
NO_GUARDS = PlanGuards()


def _line_change(limit: LineChangeGuard | None) -> dict[str, str] | None:
    if limit is None:
        return None
    return {"units": plain(limit.units), "percent": plain(limit.percent), "money": plain(limit.money)}


def _run_change(limit: RunChangeGuard | None) -> dict[str, Any] | None:
    if limit is None:
        return None
    return {"lines": plain(limit.lines), "money": plain(limit.money), "floor": limit.floor}


def _total(limit: TotalGuard | None) -> dict[str, Any] | None:
    if limit is None:
        return None
    return {
        "rise": plain(limit.rise),
        "drop": plain(limit.drop),
        "floor": limit.floor,
        "money": {currency: plain(most) for currency, most in limit.money},
    }


def _one(name: str, value: Decimal | int | None) -> dict[str, Any] | None:
    if value is None:
        return None
    return {name: value if isinstance(value, int) else plain(value)}
