"""Small books by hand for stories: what people change, a run, and the lines that are open then."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

from tests.histories.histories import Player
from tests.histories.identities import Place, Seat
from tests.histories.oracle import Oracle, Verdict
from tests.histories.site import OURS, Msp
from tests.histories.steps import STEPS
from tests.planning_lines.books import tenant_id

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random

    from reconciler.sandbox.world import Row
    from tests.histories.site import Document

#: Codes and their products; what nothing feeds yet.
PRODUCTS = {"EP": "MSP-EP", "SV": "MSP-SV", "EM": "MSP-EM"}
SPARE = "SPARE-1"


class Story:
    """A site with the products of `PRODUCTS`, each tagged and mapped, and no customer yet."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.site = Msp(root=folder)
        self.oracle = Oracle({})
        for code, product in PRODUCTS.items():
            self.site.world.add_catalog_item(product, price=2.0, cost=0.5, notes=f"[sophos:main {code}]")
            self.site.document["mappings"][code] = {"product": product, "sync": True}
        self.site.world.add_catalog_item(SPARE, price=2.0, cost=0.5)

    # --- what is there

    def company(self, name: str, *agreements: str) -> None:
        """A company with agreements; the first one is `Managed`."""
        self.site.world.add_company(name.upper(), name)
        for agreement in ("Managed", *agreements):
            self.site.world.add_agreement(name.upper(), agreement)

    def tenant(self, name: str, company: str, **units: int) -> None:
        """A tenant with the same units of each code in every month, and its row."""
        self.site.world.add_tenant(name, tenant_id=tenant_id(name))
        for month in ((2026, 9), (2026, 10), (2026, 11), (2026, 12)):
            for code, number in units.items():
                self.site.world.add_usage_line(month, name, code, float(number))
        self.site.document["customers"][tenant_id(name)] = {
            "name": name, "company": company.upper(), "agreement": "Managed", "sync": True,
        }  # fmt: skip

    def line(self, company: str, product: str, units: int, *seats: str, by: str = OURS) -> Row:
        """A line of a company's first agreement, written before the month closed, for `Tenant CODE` seats."""
        agreement = self.site.world.agreements_of(company.upper())[0]["id"]
        line = self.site.world.add_addition(agreement, product, units, _info=self.site.world.info(by))
        self.oracle.ledger[line["id"]] = frozenset(Seat(*seat.rsplit(" ", 1)) for seat in seats)
        return line

    def row(self, tenant: str, **values: Any) -> Document:
        """A tenant's row, with other values from now on."""
        row = self.site.row(tenant)
        row.update(values)
        return row

    def bill(self, tenant: str, code: str, units: int) -> None:
        """What Sophos's newest closed bill says of one seat."""
        bill = self.site.units(self.site.month) | {(tenant, code): units}
        self.site.set_units(self.site.month, bill)

    def notes(self, product: str, text: str) -> None:
        """A product's internal notes, as a person leaves them."""
        self.site.world.catalog_item(product)["notes"] = text

    def step(self, kind: str, chance: Random) -> str | None:
        """One of the generator's steps."""
        self.oracle.step += 1
        return STEPS[kind](self.site, self.oracle, chance)

    # --- what is done

    def run(self, *options: str, quiet: bool | None = None) -> Verdict:
        """`apply`, the next plan and `ready`, judged; `quiet` is whether nothing is left to say."""
        self.settle()
        before = self.site.lines()
        said = self.site.run_apply(*(options or ("--yes",)))
        self.oracle.judge(self.site, before)
        return self.ask(said.code, quiet=quiet)

    def settle(self) -> None:
        """The mappings as they are now stand in the folder, and nothing is in the way."""
        self.site.write()
        self.site.direct.healthy()
        self.oracle.step += 1
        self.oracle.documents.append(copy.deepcopy(self.site.document))

    def ask(self, code: int, *, quiet: bool | None = None, trouble: bool = False) -> Verdict:
        """The next plan and `ready` after a run that ended with this code."""
        self.site.direct.healthy()
        planned, ready = self.site.ask_plan(), self.site.ask_ready()
        plan = json.loads(planned.out) if planned.out else None
        verdict = Verdict(code, planned.code, plan, ready.code, trouble=trouble)
        self.oracle.heard(verdict)
        self.oracle.judge_words(self.site, verdict)
        if quiet is not None:
            assert verdict.is_quiet is quiet, (planned.code, ready.code, planned.err)
        return verdict

    def player(self) -> Player:
        """Runs of other kinds on these books."""
        return Player(self.site, self.oracle, [])

    # --- what came of it

    def open_lines(self) -> list[str]:
        """`ALDER Managed MSP-EP 20`, in order, for each line that is billed on the next invoice."""
        found = []
        for line in self.site.world.rows("additions"):
            if self.site.is_open(line):
                agreement = self.site.world.agreement(line["agreementId"])
                company = agreement["company"]["identifier"]
                product = line["product"]["identifier"]
                found.append(f"{company} {agreement['name']} {product} {line['quantity']:g}")
        return sorted(found)

    def place(self, line: Row) -> Place:
        """Where a line stands."""
        return Place(line["agreementId"], line["product"]["identifier"])


def alder(folder: Path) -> Story:
    """Alder's 20 units of EP on line #1, in step; Birch is another company, without lines."""
    story = Story(folder)
    story.company("Alder", "Mail")
    story.company("Birch")
    story.tenant("Alder", "Alder", EP=20)
    story.line("Alder", "MSP-EP", 20, "Alder EP")
    return story


def shared(folder: Path) -> Story:
    """Alder and its branch share line #1: 20 and 7 units of EP; Birch has 5 of its own on line #2."""
    story = Story(folder)
    story.company("Alder", "Mail")
    story.company("Birch")
    story.tenant("Alder", "Alder", EP=20)
    story.tenant("Alder North", "Alder", EP=7)
    story.tenant("Birch", "Birch", EP=5)
    story.line("Alder", "MSP-EP", 27, "Alder EP", "Alder North EP")
    story.line("Birch", "MSP-EP", 5, "Birch EP")
    return story
