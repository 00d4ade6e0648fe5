"""A customer as planning knows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.model.billing import Agreement
    from reconciler.model.desired import AgreementSelector, Customer


@dataclass
class Party:
    """One customer that is synced. `agreement` is None where none could be chosen (a diagnostic says why).

    `silent` says why the bill cannot speak for the customer: it has nothing at all on it (and its tenant may
    be gone, suspended or no longer monthly); its lines stay as they are then. `asks` says what the tenant is
    today although the bill has usage of it (gone, suspended, no longer monthly): the bill gives the numbers,
    and a change of its lines needs a person's yes. `wrong` says why its row
    cannot be trusted: a person has to decide before anything is written. `unsynced` parties matter only for
    the lines that they share with synced ones; where one is `excluded`, its units do not belong on a line.
    `months_without_usage` counts the closed months in a row that have nothing of it on their bill, as far as
    they are known: 2 is two or more. It stays 0 once the row says when the customer ends. `term` says that
    Sophos bills it by a term licence, and not by the month.
    """

    row: Customer
    name: str
    company: str
    agreements: tuple[Agreement, ...]
    company_name: str = ""
    agreement: Agreement | None = None
    silent: str = ""
    asks: str = ""
    wrong: str = ""
    unsynced: bool = False
    months_without_usage: int = 0
    term: bool = False
    excluded: bool = False
    chosen: dict[AgreementSelector, Agreement | None] = field(default_factory=dict)

    @property
    def subject(self) -> str:
        """Its natural key in diagnostics."""
        return f"customer/{self.row.tenant_id}"
