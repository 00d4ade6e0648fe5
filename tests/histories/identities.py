"""Where each unit on the bill belongs and which open lines concern us, counted without the product's help.

It knows one way of counting (the codes of a product and the tenants of a line add up) and follows rows that
name a company by its identifier and an agreement by its name.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from tests.planning_lines.books import tenant_id

if TYPE_CHECKING:
    from reconciler.sandbox.world import Row
    from tests.histories.site import Document, Msp

#: A tag of any owner, and what is left of one without its closing bracket.
_TAG = re.compile(r"\[sophos:(?P<owner>\S+)(?P<entries>[^\]\[\n]*)")


class Seat(NamedTuple):
    """The units of one code that Sophos bills a tenant."""

    tenant: str
    code: str


class Place(NamedTuple):
    """Where a seat is billed: an agreement's id, and a product."""

    agreement: int
    product: str


class Route(NamedTuple):
    """Where a seat is to be billed, or the account of its units and the word that says why it is not."""

    places: frozenset[Place] = frozenset()
    account: str = ""
    word: str = ""


def route(site: Msp, seat: Seat, document: Document | None = None) -> Route:
    """Where the rows send a seat."""
    said = site.document if document is None else document
    row = said["customers"].get(tenant_id(seat.tenant))
    if row is None:
        return Route(account="no customer row")
    if row.get("exclude"):
        return Route(account="excluded", word="exclude")
    if row.get("ended") and row["ended"] < site.invoice_day.isoformat():
        return Route(account="excluded", word="ended")
    if not row.get("sync", False):
        return Route(account="excluded", word="sync: false")
    own = (row.get("overrides") or {}).get(seat.code, {})
    if own.get("exclude"):
        return Route(account="excluded", word="exclude")
    mapping = said["mappings"].get(seat.code, {})
    if "product" not in own:
        if not mapping:
            return Route(account="no mapping")
        if mapping.get("exclude"):
            return Route(account="excluded", word="exclude")
        if not mapping.get("sync", False):
            return Route(account="excluded", word="sync: false")
    targets = own.get("product", mapping.get("product"))
    agreement = _agreement(site, row["company"], own.get("agreement", row["agreement"]))
    if agreement is None:
        return Route(account="undecided", word="no agreement")
    names = [targets] if isinstance(targets, str) else targets
    return Route(frozenset(Place(agreement, name) for name in names))


def _agreement(site: Msp, company: str, name: str) -> int | None:
    found = [row["id"] for row in site.world.agreements_of(company) if row["name"] == name]
    return found[0] if len(found) == 1 else None


def seats_by_place(site: Msp, document: Document | None = None) -> dict[Place, frozenset[Seat]]:
    """The seats with units on the newest closed bill that each place is to bill."""
    found: dict[Place, set[Seat]] = {}
    for (tenant, code), units in site.units(site.month).items():
        seat = Seat(tenant, code)
        for place in route(site, seat, document).places if units else ():
            found.setdefault(place, set()).add(seat)
    return {place: frozenset(seats) for place, seats in found.items()}


def wanted_lines(site: Msp, document: Document | None = None) -> Counter[Place]:
    """The units that have to be open at each place."""
    units = site.units(site.month)
    return Counter({
        place: sum(units[seat] for seat in seats)
        for place, seats in seats_by_place(site, document).items()
    })  # fmt: skip


def silent_tenants(site: Msp) -> set[str]:
    """Tenants with a row that have nothing on the newest closed bill."""
    billed = {tenant for (tenant, _), units in site.units(site.month).items() if units}
    return set(site.tenants()) - billed


# --- the two identities


def product_codes(site: Msp, documents: list[Document]) -> dict[str, set[str]]:
    """The codes that feed or fed each product: by any of the documents, or by any owner's tag."""
    found: dict[str, set[str]] = {}
    for said in documents:
        for code, mapping in said["mappings"].items():
            found.setdefault(str(mapping.get("product", "")), set()).add(code)
        for row in said["customers"].values():
            for code, own in (row.get("overrides") or {}).items():
                found.setdefault(str(own.get("product", "")), set()).add(code)
        for declared in said.get("products", {}).values():
            for old in declared.get("replaces", ()):
                found.setdefault(old, set()).add("replaced")
    for item in site.world.rows("catalog"):
        for tag in _TAG.finditer(item.get("notes") or ""):
            found.setdefault(item["identifier"], set()).update(re.findall(r"[\w.%-]+", tag["entries"]))
    found.pop("", None)
    return found


def lines_that_concern_us(site: Msp, documents: list[Document]) -> list[Row]:
    """The lines that are not over, of products that a Sophos code feeds or fed, or written last by us."""
    ours = site.document["settings"].get("connectwiseMember")
    known = product_codes(site, documents)
    return [
        line
        for line in site.world.rows("additions")
        if site.may_bill(line)
        and (line["product"]["identifier"] in known or line["_info"].get("updatedBy") == ours)
    ]


def units_on_the_bill(site: Msp) -> int:
    """All units on the newest closed bill."""
    return sum(site.units(site.month).values())


def units_without_a_row(site: Msp) -> Counter[str]:
    """The units of the accounts that follow from the rows alone, by account and word."""
    found: Counter[str] = Counter()
    for (tenant, code), units in site.units(site.month).items():
        way = route(site, Seat(tenant, code))
        if way.account in ("excluded", "no customer row", "no mapping"):
            found[way.account] += units
    return found
