"""A site that bills: customers with lines, two months of Sophos usage, and what became of the lines."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from reconciler.sandbox.seed import empty_world
from tests.support import Applied, Planned, Site

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.sandbox.world import Row, World

#: November's bill (26 Oct to 25 Nov) is closed, December's runs.
TODAY = date(2026, 11, 27)
SEPTEMBER, OCTOBER, NOVEMBER, DECEMBER = (2026, 9), (2026, 10), (2026, 11), (2026, 12)
AGREEMENTS = "/finance/agreements"
BUNDLES = "/system/bundles"
USAGE = "/partner/v1/billing/usage"
OURS = "apirec"
#: For stories of many lines that are not about the guards of a whole run.
MANY = ", guards: {runChange: off, mostChanges: off, total: off}"
#: Letters of lines in `Books.customer`: Sophos code, product, price, cost.
SOLD = {
    "ep": ("EP-MSP", "MSP-EP", 4.0, 2.0),
    "sv": ("SV-MSP", "MSP-SV", 6.5, 3.0),
    "em": ("EM-MSP", "MSP-EM", 1.0, 0.4),
}


@dataclass
class Books(Site):
    """A site with two mapped products; `customer` adds customers, `live` and `shadow` write the folder."""

    world: World = field(default_factory=lambda: empty_world(TODAY))
    today: date = TODAY
    rows: dict[str, str] = field(default_factory=dict)
    mapped: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        for letters in ("ep", "sv"):
            self.product(letters)

    # --- what is there

    def product(self, letters: str, *, tagged: bool = True, **fields: Any) -> Row:
        """A product of `SOLD` and its row; not tagged is one whose mapping is not applied yet."""
        code, name, price, cost = SOLD[letters]
        self.mapped[code] = f"{{product: {name}, sync: true}}"
        tag = {"notes": f"[sophos:main {code}]"} if tagged else {}
        return self.world.add_catalog_item(name, price=price, cost=cost, **tag, **fields)

    def customer(self, name: str, *, more: str = "", **lines: tuple[float | None, float, float]) -> int:
        """A customer with one agreement; each line is (quantity there, October's units, November's)."""
        tenant = self.world.add_tenant(name)
        company = name.upper().replace(" ", "")[:20]
        self.world.add_company(company, name)
        agreement: int = self.world.add_agreement(company, "Managed")["id"]
        for letters, (quantity, october, november) in lines.items():
            code, product, _, _ = SOLD[letters]
            for month, units in ((OCTOBER, october), (NOVEMBER, november)):
                if units:
                    self.world.add_usage_line(month, name, code, units)
            if quantity is not None:
                self.line(agreement, product, quantity)
        self.rows[name] = (
            f"{tenant['id']}: {{name: {json.dumps(name)}, company: {company}, agreement: Managed, "
            f"sync: true{more}}}"
        )
        return agreement

    def line(self, agreement: int, product: str, quantity: float, **fields: Any) -> int:
        """A line that we wrote last."""
        info = {"_info": self.world.info(fields.pop("by", OURS))}
        number: int = self.world.add_addition(agreement, product, quantity, **info, **fields)["id"]
        return number

    # --- the configuration

    def live(self, extra: str = "", *, settings: str = "") -> Books:
        """The folder, with every line written."""
        return self._configure("live", extra, settings)

    def shadow(self, extra: str = "", *, settings: str = "") -> Books:
        """The folder, with no line written."""
        return self._configure("shadow", extra, settings)

    def _configure(self, mode: str, extra: str, settings: str) -> Books:
        lines = [f"settings: {{mode: {mode}, timeZone: Europe/Lisbon, connectwiseMember: {OURS}{settings}}}"]
        lines += ["mappings:", *(f"  {code}: {row}" for code, row in self.mapped.items())]
        if self.rows:
            lines += ["customers:", *(f"  {row}" for row in self.rows.values())]
        self.say("\n".join(lines) + "\n" + extra)
        return self

    # --- what came out

    def apply(self, source: Path | None = None, *options: str) -> Applied:
        """`apply --yes --format json` with further options."""
        said = self.run("apply", str(source or self.folder), "--yes", "--format", "json", *options)
        assert said.out, said.err
        return Applied(said.code, said.out, said.err)

    @property
    def patches(self) -> list[tuple[str, dict[str, Any]]]:
        """Path and values of every write that arrived; reads by bundle are none."""
        return [
            (record.path.partition("/apis/3.0")[2], _values(json.loads(record.body)))
            for record in self._written()
            if not record.path.endswith(BUNDLES)
        ]

    def asked(self, system: str) -> list[str]:
        """Verb and path of every request to one of the systems."""
        return [f"{one.method} {one.path}" for one in self.requests if one.system == system]

    def quantity(self, line: int) -> float:
        """A line's quantity as the server keeps it."""
        return float(self.world.addition(line)["quantity"])


def _values(body: Any) -> dict[str, Any]:
    if isinstance(body, list):
        return {operation["path"].lstrip("/"): operation["value"] for operation in body}
    return dict(body)


def rows(planned: Planned) -> list[str]:
    """`Alder MSP-EP more 10→12 +8.00 EUR`, one for each line of a plan."""
    return [
        f"{line['customer']} {line['product']} {line['state']}{' (shadow)' if line['shadow'] else ''} "
        f"{line['quantity']['before']}→{line['quantity']['after']} "
        + (f"{line['sales']['delta']} {line['sales']['currency']}" if line["sales"] else "?")
        for line in planned.json["lines"]
    ]


def updates(planned: Planned) -> list[str]:
    """Ids of the lines that would be written, in order; what is held back has `(held)` behind it."""
    return [one for one in planned.ids if one.startswith("update_line:")]


def update(agreement: int, product: str) -> str:
    """A line change's id."""
    return f"update_line:agreement/{agreement}/product/{product}"


def results(applied: Applied) -> dict[str, str]:
    """Each change's result, by its id."""
    return {one["id"]: one["result"] for one in applied.json["outcomes"]}


def message(applied: Applied, change_id: str) -> str:
    """What one outcome says."""
    (found,) = [one["message"] for one in applied.json["outcomes"] if one["id"] == change_id]
    return str(found)
