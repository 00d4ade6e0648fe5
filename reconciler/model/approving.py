"""The rows under `approvals` that let a plan's withheld lines through."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from reconciler.model.identifiers import identifier_key
from reconciler.model.lines import LineState
from reconciler.model.moments import moment, moment_text
from reconciler.model.money import plain

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from reconciler.model.lines import PlannedLine
    from reconciler.model.plan import Plan

_PLAIN_YAML = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*[A-Za-z_][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class Asked:
    """A withheld line and what the approval of its change says."""

    line: PlannedLine
    customer: str
    before: Decimal
    up_to: Decimal
    until: str

    @property
    def key(self) -> tuple[str, str, Decimal, Decimal]:
        """What makes two approvals the same."""
        return identifier_key(self.customer), identifier_key(self.line.product), self.before, self.up_to

    def row(self, reason: str, until: str | None) -> str:
        """The row as YAML."""
        return (
            f"{{customer: {yaml_text(self.customer)}, product: {yaml_text(self.line.product)}, "
            f"from: {plain(self.before)}, upTo: {plain(self.up_to)}, given: {self.line.given}, "
            f"reason: {json_text(reason)}, until: {until or self.until}}}"
        )


def an_approval_helps(line: PlannedLine) -> bool:
    """An approval names a quantity that changes; where one is asked for, the plan says from when on."""
    changes = (line.before or Decimal(0)) != line.after
    return changes and bool(line.given) and (line.state is LineState.WITHHELD or line.left_over)


def open_row(line: PlannedLine) -> str:
    """The row that approves a line's change, as YAML, its reason and its last day left open."""
    return (
        f"{{customer: {yaml_text(line.company or line.tenants[0])}, product: {yaml_text(line.product)}, "
        f"from: {plain(line.before or Decimal(0))}, upTo: {plain(line.after or Decimal(0))}, "
        f"given: {line.given}, reason: …, until: …}}"
    )


def given_text(written: Iterable[str], today: date) -> str:
    """What an approval says as `given` so that it covers lines that were last written at these moments.

    The site's day where that is late enough in every time zone, else the moment of the last write: what is
    written afterwards uses the approval up.
    """
    moments = [when for text in written if (when := moment(text)) is not None]
    last = max(moments, default=None)
    if last is None or last.date() < today - timedelta(days=1):
        return today.isoformat()
    whole = last.replace(microsecond=0)
    return moment_text(whole if whole == last else whole + timedelta(seconds=1))


def asked(plan: Plan) -> list[Asked]:
    """The withheld lines that an approval lets through, in the plan's order.

    Where a company has the product on several agreements, the tenant says which one is meant.
    """
    places = Counter((identifier_key(line.company), identifier_key(line.product)) for line in plan.lines)
    return [_asked(line, plan.today, places) for line in _withheld(plan.lines)]


def _withheld(lines: Iterable[PlannedLine]) -> Iterable[PlannedLine]:
    return (line for line in lines if line.after is not None and _is_withheld(line))


def _is_withheld(line: PlannedLine) -> bool:
    return line.state is LineState.WITHHELD and an_approval_helps(line)


def _asked(line: PlannedLine, today: str, places: Counter[tuple[str, str]]) -> Asked:
    several = places[identifier_key(line.company), identifier_key(line.product)] > 1
    by_tenant = not line.company or (several and len(line.tenants) == 1)
    until = today if line.first_invoice is None else line.first_invoice.isoformat()
    return Asked(
        line,
        line.tenants[0] if by_tenant else line.company,
        line.before or Decimal(0),
        line.after or Decimal(0),
        until,
    )


def yaml_text(text: str) -> str:
    """A text as a value of a YAML row, quoted where it has to be."""
    return text if _PLAIN_YAML.fullmatch(text) else json_text(text)


def json_text(text: str) -> str:
    """A quoted text, as JSON and YAML both read it."""
    return json.dumps(text, ensure_ascii=False)
