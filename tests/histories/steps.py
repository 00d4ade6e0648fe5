"""What people and servers change between two runs. Each step says what it did, or None where it cannot be.

A step draws from a chance of its own, so that a history without one of its steps makes the same of the rest.
"""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING

from tests.histories.identities import Seat, route
from tests.histories.site import PERSON, Msp, following
from tests.histories.worlds import SOLD, SPARE
from tests.planning_lines.books import tenant_id

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from reconciler.sandbox.world import Row
    from tests.histories.oracle import Oracle
    from tests.histories.site import Document

    Step = Callable[[Msp, Oracle, Random], str | None]

#: What a row says where its tenant's name does not resemble its company's.
NAME_DIFFERS: Document = {"nameDiffers": True}

STEPS: dict[str, Step] = {}
#: Steps of people at ConnectWise, which may fall between a plan and its apply.
OF_PEOPLE: list[str] = []


def step(kind: str) -> Callable[[Step], Step]:
    """Enter a step under its kind."""

    def enter(action: Step) -> Step:
        STEPS[kind] = action
        if kind.startswith(("hand", "tag")):
            OF_PEOPLE.append(kind)
        return action

    return enter


# --- rows of customers


def _some_row(site: Msp, chance: Random, **wanted: object) -> Document | None:
    rows = [
        row
        for row in site.document["customers"].values()
        if all(row.get(key) == value for key, value in wanted.items())
    ]
    return chance.choice(rows) if rows else None


def _agreements(site: Msp, company: str) -> list[str]:
    return [agreement["name"] for agreement in site.world.agreements_of(company)]


@step("company")
def _company(site: Msp, oracle: Oracle, chance: Random) -> str | None:
    row = _some_row(site, chance)
    others = [one["identifier"] for one in site.world.rows("companies")]
    if row is None or len(others) < 2:
        return None
    old, new = row["company"], chance.choice([name for name in others if name != row["company"]])
    row.update(company=new, agreement="Managed", **NAME_DIFFERS)
    row.pop("movedFrom", None)
    return f"{row['name']} has the company {new} (was {old})"


@step("company, moved from")
def _company_moved(site: Msp, oracle: Oracle, chance: Random) -> str | None:
    row = _some_row(site, chance)
    if row is None:
        return None
    old = row["company"]
    told = _company(site, oracle, chance)
    changed = [one for one in site.document["customers"].values() if one.get("movedFrom") is None]
    if told is None or row not in changed or row["company"] == old:
        return told
    row["movedFrom"] = {"company": old}
    return f"{told}, moved from {old}"


@step("agreement")
def _agreement(site: Msp, oracle: Oracle, chance: Random) -> str | None:
    row = _some_row(site, chance)
    names = [] if row is None else _agreements(site, row["company"])
    if row is None or len(names) < 2:
        return None
    row["agreement"] = next(name for name in names if name != row["agreement"])
    row.pop("movedFrom", None)
    return f"{row['name']} has the agreement {row['agreement']}"


@step("agreement, moved from")
def _agreement_moved(site: Msp, oracle: Oracle, chance: Random) -> str | None:
    row = _some_row(site, chance)
    names = [] if row is None else _agreements(site, row["company"])
    if row is None or len(names) < 2:
        return None
    old = row["agreement"]
    row["agreement"] = next(name for name in names if name != old)
    row["movedFrom"] = {"agreement": old}
    return f"{row['name']} has the agreement {row['agreement']}, moved from {old}"


@step("rows swapped")
def _swapped(site: Msp, oracle: Oracle, chance: Random) -> str | None:
    rows = list(site.document["customers"].values())
    if len({row["company"] for row in rows}) < 2:
        return None
    first = chance.choice(rows)
    second = chance.choice([row for row in rows if row["company"] != first["company"]])
    for key in ("company", "agreement"):
        first[key], second[key] = second[key], first[key]
    for row in (first, second):
        row.update(NAME_DIFFERS)
        row.pop("movedFrom", None)
    return f"{first['name']} and {second['name']} have each other's company and agreement"


@step("customer excluded")
def _excluded(site: Msp, oracle: Oracle, chance: Random) -> str | None:
    row = _some_row(site, chance, exclude=None)
    if row is None:
        return None
    row["exclude"] = "made up"
    return f"{row['name']} is excluded"


@step("customer's sync off")
def _sync_off(site: Msp, oracle: Oracle, chance: Random) -> str | None:
    row = _some_row(site, chance, sync=True)
    if row is None:
        return None
    row["sync"] = False
    return f"{row['name']} is not synced"


@step("customer ended")
def _ended(site: Msp, oracle: Oracle, chance: Random) -> str | None:
    row = _some_row(site, chance, ended=None, exclude=None)
    if row is None:
        return None
    row["ended"] = site.today.replace(day=10).isoformat()
    return f"{row['name']} ended on {row['ended']}"


@step("row removed")
def _removed(site: Msp, oracle: Oracle, chance: Random) -> str | None:
    row = _some_row(site, chance)
    if row is None or len(site.document["customers"]) < 2:
        return None
    del site.document["customers"][tenant_id(row["name"])]
    return f"the row of {row['name']} is gone"


@step("override excluded")
def _override_excluded(site: Msp, oracle: Oracle, chance: Random) -> str | None:
    row = _some_row(site, chance)
    if row is None:
        return None
    code = chance.choice(list(SOLD))
    row.setdefault("overrides", {})[code] = {"exclude": "made up"}
    return f"{row['name']}'s {code} is excluded"


@step("override's product")
def _override_product(site: Msp, oracle: Oracle, chance: Random) -> str | None:
    row = _some_row(site, chance)
    if row is None:
        return None
    code, product = chance.choice(list(SOLD)), chance.choice(SPARE)
    row.setdefault("overrides", {})[code] = {"product": product}
    return f"{row['name']}'s {code} is billed as {product}"


@step("override's agreement")
def _override_agreement(site: Msp, oracle: Oracle, chance: Random) -> str | None:
    row = _some_row(site, chance)
    names = [] if row is None else _agreements(site, row["company"])
    if row is None or len(names) < 2:
        return None
    code, name = chance.choice(list(SOLD)), next(name for name in names if name != row["agreement"])
    row.setdefault("overrides", {})[code] = {"agreement": name}
    return f"{row['name']}'s {code} is billed on {name}"


@step("open lines")
def _open_lines(site: Msp, oracle: Oracle, chance: Random) -> str | None:
    """What a row that is excluded or not synced says of its open lines."""
    rows = [row for row in site.document["customers"].values() if row.get("exclude") or not row["sync"]]
    if not rows:
        return None
    row = chance.choice(rows)
    row["openLines"] = chance.choice(("keep", "end"))
    if row["openLines"] == "keep":  # whatever they bill, they are this customer's by a person's word
        for agreement in site.world.agreements_of(row["company"]):
            for line in site.world.rows("additions"):
                if line["agreementId"] == agreement["id"]:
                    oracle.ledger[line["id"]] = frozenset()
    return f"{row['name']} says openLines: {row['openLines']}"


@step("back")
def _back(site: Msp, oracle: Oracle, chance: Random) -> str | None:
    """The mappings of an earlier commit; approvals are of their day."""
    if len(oracle.documents) < 2:
        return None
    number = chance.randrange(len(oracle.documents) - 1)
    document = copy.deepcopy(oracle.documents[number])
    document.pop("approvals", None)
    for row in document["customers"].values():
        row.pop("restart", None)
    site.document = document
    return f"the mappings are those of step {number} again"


# --- mappings and products


def _some_code(site: Msp, chance: Random) -> str | None:
    codes = [code for code, row in site.document["mappings"].items() if row.get("product")]
    return chance.choice(codes) if codes else None


@step("code moved")
def _code_moved(site: Msp, oracle: Oracle, chance: Random) -> str | None:
    code = _some_code(site, chance)
    if code is None:
        return None
    row = site.document["mappings"][code]
    products = [product for product, _ in SOLD.values()]
    old, new = row["product"], chance.choice([p for p in (*SPARE, *products) if p != row["product"]])
    site.document["mappings"][code] = {"product": new, "sync": True}
    return f"{code} is billed as {new} (was {old})"


@step("replaces")
def _replaces(site: Msp, oracle: Oracle, chance: Random) -> str | None:
    """A code moves to a product that says which one it takes the place of."""
    code = _some_code(site, chance)
    if code is None:
        return None
    old, new = site.document["mappings"][code]["product"], chance.choice(SPARE)
    if old == new:
        return None
    for row in site.document["mappings"].values():
        if row.get("product") == old:
            row["product"] = new
    site.document.setdefault("products", {})[new] = {"replaces": [old]}
    return f"{new} replaces {old}"


@step("mapping excluded")
def _mapping_excluded(site: Msp, oracle: Oracle, chance: Random) -> str | None:
    code = _some_code(site, chance)
    if code is None:
        return None
    site.document["mappings"][code] = {"exclude": "made up"}
    return f"the code {code} is excluded"


@step("mapping's sync off")
def _mapping_sync_off(site: Msp, oracle: Oracle, chance: Random) -> str | None:
    code = _some_code(site, chance)
    if code is None:
        return None
    site.document["mappings"][code]["sync"] = False
    return f"the code {code} is not synced"


@step("mapping removed")
def _mapping_removed(site: Msp, oracle: Oracle, chance: Random) -> str | None:
    code = _some_code(site, chance)
    if code is None or len(site.document["mappings"]) < 2:
        return None
    del site.document["mappings"][code]
    return f"the row of the code {code} is gone"


@step("owner renamed")
def _owner(site: Msp, oracle: Oracle, chance: Random) -> str | None:
    site.document["settings"]["owner"] = "second"
    return "settings.owner is second"


def _some_tagged(site: Msp, chance: Random) -> Row | None:
    tagged = [item for item in site.world.rows("catalog") if "[sophos:" in (item.get("notes") or "")]
    return chance.choice(tagged) if tagged else None


@step("tag lost")
def _tag_lost(site: Msp, oracle: Oracle, chance: Random) -> str | None:
    item = _some_tagged(site, chance)
    if item is None:
        return None
    item["notes"] = "Cleaned up."
    return f"the notes of {item['identifier']} are cleaned up"


@step("tag damaged")
def _tag_damaged(site: Msp, oracle: Oracle, chance: Random) -> str | None:
    item = _some_tagged(site, chance)
    if item is None:
        return None
    item["notes"] = item["notes"].replace("]", "", 1)
    return f"the closing bracket of {item['identifier']}'s tag is gone"


@step("tag foreign")
def _tag_foreign(site: Msp, oracle: Oracle, chance: Random) -> str | None:
    item = _some_tagged(site, chance)
    if item is None:
        return None
    item["notes"] = item["notes"].replace("[sophos:main", "[sophos:lab")
    return f"the tag of {item['identifier']} has another owner's name"


# --- a person's hand on lines


def _some_line(site: Msp, oracle: Oracle, chance: Random) -> Row | None:
    lines = [
        line for line in site.world.rows("additions") if site.is_open(line) and oracle.ledger.get(line["id"])
    ]
    return chance.choice(lines) if lines else None


def _by_hand(site: Msp, oracle: Oracle, line: Row, quantity: float) -> None:
    line.update(quantity=float(quantity), _info={**line["_info"], **site.stamp()})
    oracle.hands[line["id"]] = float(quantity)
    oracle.answered.discard(line["id"])


@step("hand: quantity")
def _hand_quantity(site: Msp, oracle: Oracle, chance: Random) -> str | None:
    """A number that neither of the two last bills gives."""
    line = _some_line(site, oracle, chance)
    if line is None:
        return None
    old = line["quantity"]
    _by_hand(site, oracle, line, old + 50 + chance.randint(1, 9))
    return f"a person makes line #{line['id']} {line['quantity']:g} (was {old:g})"


@step("hand: put back")
def _hand_put_back(site: Msp, oracle: Oracle, chance: Random) -> str | None:
    """The number of last month's bill, where this month's has been written."""
    line = _some_line(site, oracle, chance)
    if line is None:
        return None
    last = site.units(site.last_month)
    old, new = line["quantity"], sum(last.get(seat, 0) for seat in oracle.ledger[line["id"]])
    if not new or new == old:
        return None
    _by_hand(site, oracle, line, new)
    return f"a person puts line #{line['id']} back to {new} (was {old:g})"


@step("hand: end")
def _hand_end(site: Msp, oracle: Oracle, chance: Random) -> str | None:
    line = _some_line(site, oracle, chance)
    if line is None:
        return None
    day = site.today.replace(day=28)
    line["cancelledDate"] = f"{day.isoformat()}T00:00:00Z"
    line["_info"] = {**line["_info"], **site.stamp()}
    oracle.ended[line["id"]] = oracle.step
    return f"a person ends line #{line['id']} on {day}"


@step("hand: second line")
def _hand_line(site: Msp, oracle: Oracle, chance: Random) -> str | None:
    """A line of the same product beside one that bills the seats."""
    line = _some_line(site, oracle, chance)
    if line is None:
        return None
    units = chance.choice((line["quantity"], 4.0))
    new = site.line(line["agreementId"], line["product"]["identifier"], units, by=PERSON)
    oracle.ledger[new["id"]] = oracle.ledger[line["id"]]
    return f"a person adds line #{new['id']} ({units:g}) beside line #{line['id']}"


@step("hand: line elsewhere")
def _hand_line_elsewhere(site: Msp, oracle: Oracle, chance: Random) -> str | None:
    """The line that a row will ask for, made by a person on another agreement, at the bill's number."""
    row = _some_row(site, chance, exclude=None, sync=True)
    if row is None:
        return None
    units = site.units(site.month)
    for code in SOLD:
        seat = Seat(row["name"], code)
        for place in route(site, seat).places if units.get(seat) else ():
            others = [one for one in site.world.rows("agreements") if one["id"] != place.agreement]
            if not others:
                return None
            there = chance.choice(others)["id"]
            new = site.line(there, place.product, float(units[seat]), by=PERSON)
            oracle.ledger[new["id"]] = frozenset({seat})
            return (
                f"a person adds line #{new['id']} of {place.product} ({units[seat]}) on agreement #{there} "
                f"for {row['name']}"
            )
    return None


@step("hand: price")
def _hand_price(site: Msp, oracle: Oracle, chance: Random) -> str | None:
    line = _some_line(site, oracle, chance)
    if line is None:
        return None
    line["unitPrice"] += 0.25
    return f"the price of line #{line['id']} is {line['unitPrice']:g}"


@step("hand: notes")
def _hand_notes(site: Msp, oracle: Oracle, chance: Random) -> str | None:
    item = chance.choice(list(site.world.rows("catalog")))
    item["notes"] = f"Ask before ordering.\n{item.get('notes') or ''}"
    return f"a person writes into the notes of {item['identifier']}"


# --- words for one time


@step("restart")
def _restart(site: Msp, oracle: Oracle, chance: Random) -> str | None:
    """The word for the line that a person ended last; it stays in the row."""
    if not oracle.ended:
        return None
    number = max(oracle.ended, key=lambda line: (oracle.ended[line], line))
    for seat in sorted(oracle.ledger[number]):
        row = site.document["customers"].get(tenant_id(seat.tenant))
        if row is not None:
            row["restart"] = sorted({*row.get("restart", ()), number})
    return f"restart of line #{number}"


#: An approval as the plan prints it.
_PRINTED = re.compile(
    r"\{customer: (?P<customer>[^,]+), product: (?P<product>[^,]+), from: (?P<from>[\d.]+), "
    r"upTo: (?P<upTo>[\d.]+), given: (?P<given>[^,]+), reason: …, until: …\}"
)


@step("approvals")
def _approvals(site: Msp, oracle: Oracle, chance: Random) -> str | None:
    """Every approval that the last plan printed for what it withheld or asked about; they stay."""
    given: list[Document] = []
    for row in oracle.asked:
        for printed in _PRINTED.finditer(row["reason"]):
            approval = printed.groupdict()
            numbers = {key: float(approval[key]) for key in ("from", "upTo")}
            until = following(site.today).isoformat()
            given.append({**approval, **numbers, "reason": "made up", "until": until})
            oracle.answered.update(_lines_at(site, approval["product"], numbers["from"]))
    if not given:
        return None
    site.document["approvals"] = [*site.document.get("approvals", ()), *given]
    return f"approvals for {', '.join(approval['product'] for approval in given)}"


def _lines_at(site: Msp, product: str, units: float) -> list[int]:
    """The lines of a product that stand at these units."""
    lines = site.world.rows("additions")
    return [
        line["id"] for line in lines if line["product"]["identifier"] == product and line["quantity"] == units
    ]


# --- the bill


@step("usage")
def _usage(site: Msp, oracle: Oracle, chance: Random) -> str | None:
    """Sophos corrects the closed month by a little, or by much."""
    units = site.units(site.month)
    if not units:
        return None
    seat = chance.choice(sorted(units))
    units[seat] = max(1, units[seat] + chance.choice((1, 2, -1, 3, 25)))
    site.set_units(site.month, units)
    return f"Sophos bills {seat[0]} {units[seat]} {seat[1]}"


@step("product gone from the bill")
def _product_gone(site: Msp, oracle: Oracle, chance: Random) -> str | None:
    units = site.units(site.month)
    if not units:
        return None
    seat = chance.choice(sorted(units))
    if not any(number for other, number in units.items() if other != seat):
        return None  # a bill without any line is none: the month before it is the newest then
    units[seat] = 0
    site.set_units(site.month, units)
    return f"Sophos bills {seat[0]} no {seat[1]} any more"


@step("tenant silent")
def _tenant_silent(site: Msp, oracle: Oracle, chance: Random) -> str | None:
    units = site.units(site.month)
    names = sorted({tenant for tenant, _ in units})
    if len(names) < 2:
        return None
    name = chance.choice(names)
    site.set_units(site.month, {seat: number for seat, number in units.items() if seat[0] != name})
    return f"Sophos bills {name} nothing"


@step("next month")
def _next_month(site: Msp, oracle: Oracle, chance: Random) -> str | None:
    """The invoices are made, the next month closes, and a few seats come and go."""
    site.invoices()
    units = site.units(site.month)
    for seat in sorted(units):
        units[seat] = max(1, units[seat] + chance.choice((0, 0, 0, 1, 2, -1)))
    day = following(site.today)
    site.today = day.replace(day=27)
    site.invoice_day = following(site.today)
    running = following(site.today)
    for month in (site.month, (running.year, running.month)):
        site.set_units(month, units)
    site.document.pop("approvals", None)
    oracle.hands.clear()
    return f"the invoices are made; it is {site.today}"


@step("nothing")
def _nothing(site: Msp, oracle: Oracle, chance: Random) -> str | None:
    return "nothing happens"
