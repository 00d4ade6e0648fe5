"""Usage that no agreement line carries, for the reports."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class UsageNote:
    """Usage that no line will carry, reported and never acted on.

    `kind` is `unmapped` (no row for the code), `unsynced` (the code's or the customer's row has sync off),
    `unbilled` (the code is mapped, and no customer with a row has it), `excluded` (a row says why),
    `unassigned` (no tenant: a firewall's serial number) or `customer` (a tenant that no row under `customers`
    names). `value` is per
    currency, at Sophos's feed price, as decimal strings.
    """

    kind: str
    code: str
    description: str
    quantity: str
    customers: int
    value: dict[str, str] = field(default_factory=dict)
    serial: str | None = None
    detail: str = ""

    def to_json(self) -> dict[str, Any]:
        """The form in plan files."""
        return {
            "kind": self.kind,
            "code": self.code,
            "description": self.description,
            "quantity": self.quantity,
            "customers": self.customers,
            "value": dict(sorted(self.value.items())),
            "serial": self.serial,
            "detail": self.detail,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> UsageNote:
        """Read back what `to_json` wrote."""
        return cls(**data)
