"""A calendar month, the unit of Sophos billing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

_FORM = re.compile(r"(\d{4})-(\d{2})")
_NAMES = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


@dataclass(frozen=True, order=True)
class Month:
    """A calendar month; month counts from 1."""

    year: int
    month: int

    @classmethod
    def of(cls, day: date) -> Month:
        """The month that holds the day."""
        return cls(day.year, day.month)

    @classmethod
    def parse(cls, text: str) -> Month:
        """From `2026-11`. Raises ValueError for anything else."""
        found = _FORM.fullmatch(text)
        if not found or not 1 <= int(found[2]) <= 12 or int(found[1]) < 2000:
            raise ValueError(f"{text!r} is no month; write it as YYYY-MM, for example 2026-11")
        return cls(int(found[1]), int(found[2]))

    def previous(self) -> Month:
        """The month before."""
        return Month(self.year - 1, 12) if self.month == 1 else Month(self.year, self.month - 1)

    def next(self) -> Month:
        """The month after."""
        return Month(self.year + 1, 1) if self.month == 12 else Month(self.year, self.month + 1)

    @property
    def first_day(self) -> date:
        """Its first day."""
        return date(self.year, self.month, 1)

    @property
    def last_day(self) -> date:
        """Its last day."""
        return self.next().first_day - timedelta(days=1)

    @property
    def name(self) -> str:
        """Without its year: `November`."""
        return _NAMES[self.month - 1]

    @property
    def title(self) -> str:
        """As people write it: `November 2026`."""
        return f"{self.name} {self.year}"

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"
