"""The small MSP of `wanted_states` among faults, and what must hold afterwards."""

from __future__ import annotations

import copy
import json
import signal
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

from reconciler.model.outcome import Result
from reconciler.sandbox.faults import Faults
from tests.flows_usage.test_pairs import Books, make_world
from tests.support import COMPLETE, VirtualTime
from tests.wanted_states import PLACES, TENANTS

if TYPE_CHECKING:
    from random import Random

    from reconciler.sandbox.world import Row, World
    from tests.support import Planned, Said
    from tests.wanted_states import Wanted

#: What a command line may end with; see `reconciler/cli/exit_codes.py`.
DOCUMENTED = {0, 1, 3, 4, 5, 130}
#: A product that is not in ConnectWise until a mapping names it, its code, and who has how many units: three
#: times further powers of two, as in `wanted_states`.
NEW, NEW_CODE, NEW_UNITS = "E", "W", {"Alpha": 768, "Second": 384, "Beta": 1536}
#: Lines that no mapping speaks of, by agreement and product; none has a number that a bill gives.
BY_HAND = {(1, "HAND"): 2, (3, "HAND"): 8, (5, "A"): 170}
OURS = "apirec"
#: The tenant of a customer whose lines people keep.
GAMMA = "0a3a0000-0000-4000-8000-000000000000"


@dataclass
class Interrupt:
    """Ctrl-C at the nth step of the event loop, and a second one a step later where `twice`."""

    at: int
    twice: bool = True
    steps: int = 0

    @property
    def happened(self) -> bool:
        """Whether the program got that far."""
        return self.steps >= self.at

    def step(self) -> None:
        """One more turn of the loop."""
        self.steps += 1
        if self.steps == self.at or (self.twice and self.steps == self.at + 1):
            signal.raise_signal(signal.SIGINT)


class Interrupted(VirtualTime):
    """Every await of the program is a turn of its loop."""

    def __init__(self, interrupt: Interrupt) -> None:
        self._interrupt = interrupt
        super().__init__()

    def _run_once(self) -> None:
        self._interrupt.step()
        super()._run_once()  # type: ignore[misc]  # of asyncio's own; there is no public turn


@dataclass
class _Edit:
    """A quantity that a person put on a line, and the line as it was."""

    line: Row
    before: Row
    quantity: float


@dataclass
class Msp(Books):
    """The site, with lines and products that no mapping speaks of, and people who do things meanwhile."""

    world: World = field(default_factory=lambda: _world())
    edits: list[_Edit] = field(default_factory=list)
    touched: set[int] = field(default_factory=set)
    products_touched: set[int] = field(default_factory=set)
    before: dict[str, dict[int, Row]] = field(default_factory=dict)
    wanted: Counter[tuple[int, str]] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.troubles = self.faults = self.faults or Faults("none", 0)
        self.troubles.somebody = self._somebody
        super().__post_init__()

    def want(self, state: Wanted, *, new: bool = False) -> None:
        """These are the mappings now; with `new` there is a row for a product that is to be created."""
        text = state.yaml().replace("version: 1\n", "", 1)
        text += f"\n  {GAMMA}: {{name: Gamma, company: GAMMA, agreement: Managed, sync: false}}"
        if new:
            row = f"mappings:\n  {NEW_CODE}: {{product: {NEW}, sync: true}}"
            text = text.replace("mappings:", row, 1)
            text += f"\nproducts:\n  {NEW}: {{{COMPLETE}, cost: 1}}\n"
        self.wanted = state.lines()
        for name, units in NEW_UNITS.items() if new else ():
            if name not in state.ended:
                self.wanted[PLACES[TENANTS[name], state.agreement[name]], NEW] += units
        self.say(text)

    def look(self) -> None:
        """Remember everything as it is, and which lines and products a plan would change."""
        changes = self.plan().changes
        self.touched = {one["target"]["id"] for one in changes if one["target"]["type"] == "line"}
        self.products_touched = {one["target"]["id"] for one in changes if one["target"]["type"] != "line"}
        self.before = {
            name: copy.deepcopy(self.world.tables[name])
            for name in ("additions", "catalog", "agreements", "companies")
        }

    # --- people

    def _somebody(self, world: World, chance: Random) -> None:
        """Notes of a product, the text of a line that is to stay as it is, or the quantity of a line."""
        edit = chance.choice((self._notes, self._text, self._quantity))
        edit(chance)

    def _notes(self, chance: Random) -> None:
        number = chance.choice(sorted(self.world.tables["catalog"]))
        for table in (self.world.tables["catalog"], self.before["catalog"]):
            if number in table:
                table[number]["notes"] = f"{table[number].get('notes') or ''}\nA person's word."

    def _text(self, chance: Random) -> None:
        edited = {edit.line["id"] for edit in self.edits}
        still = sorted(self.before["additions"].keys() - self.touched - edited)
        if still:
            number = chance.choice(still)
            for table in (self.world.tables["additions"], self.before["additions"]):
                table[number]["invoiceDescription"] += ", as agreed by telephone"
                table[number]["_info"] = self.world.info("jdoe")

    def _quantity(self, chance: Random) -> None:
        lines = list(self.world.rows("additions"))
        if not lines:
            return
        line = chance.choice(lines)
        edit = _Edit(line, copy.deepcopy(line), float(line["quantity"]) + 1)
        line["quantity"], line["_info"] = edit.quantity, self.world.info("jdoe")
        self.edits.append(edit)

    def put_back(self) -> int:
        """People undo the quantities that they changed; how many of them still stood."""
        stood = 0
        while self.edits:
            edit = self.edits.pop()
            if edit.line["quantity"] == edit.quantity:
                edit.line["quantity"], edit.line["_info"] = edit.before["quantity"], edit.before["_info"]
                stood += 1
        return stood

    # --- runs

    def troubled(self, chance: Random, interrupt: Interrupt | None) -> set[str]:
        """One run of a folder or of a saved plan, which may be interrupted; the ids that it says it applied.

        A saved plan is often made before anything goes wrong, so that its writing gets all of the trouble.
        """
        self.loop = VirtualTime if interrupt is None else partial(Interrupted, interrupt)
        source = self.folder
        if chance.random() < 0.6:
            source = self.root / "saved.json"
            source.unlink(missing_ok=True)
            rate, self.troubles.rate = self.troubles.rate, chance.choice((0, 0, self.troubles.rate))
            check(self.run("plan", str(self.folder), "--format", "json", "--out", str(source)))
            self.troubles.rate = rate
        said = self.run("apply", str(source), "--yes", "--format", "json") if source.exists() else None
        self.put_back_the_loop()
        return set() if said is None else check(said)

    def converge(self, most: int = 1) -> int:
        """Apply until a plan is empty; how many runs that took."""
        for runs in range(1, most + 1):
            applied = self.apply()
            planned = self.plan()
            if planned.ids == [] or runs == most:
                assert planned.ids == [], (planned.ids, _open(planned))
                assert (applied.code, planned.code) == (0, 0), (_open(planned), applied.results)
                break
        assert set(applied.results.values()) <= {"applied", "already ok"}, applied.results
        self.forget()
        self.apply()
        assert self.writes == [], "one more apply writes nothing"
        return runs

    def put_back_the_loop(self) -> None:
        """Nobody interrupts any more."""
        self.loop = VirtualTime

    # --- what must hold

    def duplicates(self) -> list[Any]:
        """Open lines beyond the first of a product on an agreement, and products of one name."""
        day = f"{self.today.isoformat()}T00:00:00Z"
        lines = Counter(
            (line["agreementId"], line["product"]["identifier"])
            for line in self.world.rows("additions")
            if (line.get("cancelledDate") or "9") >= day and line["quantity"] > 0
        )
        names = Counter(row["identifier"].strip().casefold() for row in self.world.rows("catalog"))
        return [key for found in (lines, names) for key, count in found.items() if count > 1]

    def untouched(self) -> None:
        """What no plan spoke of is as it was, byte for byte."""
        for name, skip in (("additions", self.touched), ("catalog", self.products_touched)):
            for number, row in self.before[name].items():
                if number not in skip:
                    assert _text_of(self.world.tables[name][number]) == _text_of(row), (name, number)
        known = self.before["catalog"].keys()
        assert not [n for n in known if n not in self.world.tables["catalog"]]
        for line in self.world.rows("additions"):
            product = self.world.tables["catalog"][line["product"]["id"]]
            assert line["unitPrice"] == product["price"], "a line keeps its price, or has its product's"
        assert self.world.tables["companies"] == self.before["companies"]

    def billed(self) -> None:
        """The invoices of the next months bill each unit once, and what nobody mapped as ever."""
        for day in (date(2026, 12, 1), date(2027, 1, 1)):
            if day >= self.today:
                found = self.invoices(day)
                assert found == self.wanted + Counter(BY_HAND), f"the invoices of {day}"


def _open(planned: Planned) -> list[str]:
    """What a plan still asks for, for a person who reads a failed test."""
    waits = [
        f"{one['customer']} {one['product']} {one['state']}: {one['reason']}"
        for one in planned.json["lines"]
        if one["state"] not in ("in step", "unchanged")
    ]
    return [*(one["message"] for one in planned.json["diagnostics"]), *waits]


def check(said: Said) -> set[str]:
    """A documented exit code, and a report that is one valid document where there is one.

    Returns the ids of the changes that were applied by it.
    """
    assert said.code in DOCUMENTED, (said.code, said.err)
    assert "Traceback" not in said.err + said.out
    if not said.out:
        assert said.code in (1, 130), said.err
        return set()
    document = json.loads(said.out)
    if "outcomes" in document:
        ids = [one["id"] for one in document["outcomes"]]
        assert len(ids) == len(set(ids)), "each change has one outcome"
        assert {one["result"] for one in document["outcomes"]} <= set(Result)
        bad = [one for one in document["outcomes"] if one["result"] not in ("applied", "already ok")]
        assert not bad or said.code in (4, 130), said.out
        assert all(one["message"] for one in bad), said.out
    return {one["id"] for one in document.get("outcomes", ()) if one["result"] in ("applied", "already ok")}


def _text_of(row: Row) -> str:
    return json.dumps(row, sort_keys=True)


def _world() -> World:
    world = make_world()
    for month in world.usage:
        for name, units in NEW_UNITS.items():
            world.add_usage_line(month, name, NEW_CODE, units)
    world.add_catalog_item("HAND", price=9.0, cost=1.0, notes="Nobody maps this.\n")
    world.add_company("GAMMA", "Gamma")
    assert world.add_agreement("GAMMA", "Managed")["id"] == 5
    for (agreement, product), units in BY_HAND.items():
        hand = {} if product == "HAND" else {"_info": world.info("jdoe")}
        world.add_addition(agreement, product, float(units), **hand)
    return world
