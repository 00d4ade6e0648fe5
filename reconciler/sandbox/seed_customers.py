"""Harbourlight IT's customers: Sophos tenants, ConnectWise companies, agreements and the lines on them.

All names are made up. The lines were last synced for the month before the newest closed one, so that a
plan has ordinary work to show.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from reconciler.sandbox.billing import billed, day_of
from reconciler.sandbox.parts import currency, midnight, month_before, running_month

if TYPE_CHECKING:
    from reconciler.sandbox.world import Row, World


@dataclass(frozen=True, slots=True)
class Customer:
    """A tenant and its company. `buys` has one letter for each package (:data:`PACKAGES`)."""

    name: str
    company: str
    agreement: str
    users: int = 0
    servers: int = 0
    buys: str = ""
    billing: str = "usage"
    firewalls: tuple[str, ...] = ()


# letter: code by users, code by servers (or ""), share of the users who have it
PACKAGES: dict[str, tuple[str, str, float]] = {
    "E": ("CIXA-MSP", "SVRCLOUDADV-MSP", 1.0),
    "X": ("CIXAXDR", "", 1.0),
    "M": ("CIXAMTR-STD-MSP", "SVRCIXAMTR-STD-MSP", 1.0),
    "A": ("CIXAMTR-ADV-MSP", "SVRCIXAMTR-ADV-MSP", 1.0),
    "m": ("CEMA-MSP", "", 1.1),
    "p": ("CEMA-PE-ADDON-MSP", "", 0.3),
    "t": ("CPHISH-MSP", "", 1.0),
    "d": ("CDE-MSP", "", 0.6),
    "o": ("CMA-MSP", "", 0.5),
    "s": ("CMS-MSP", "", 0.4),
    "n": ("NDR-MSP", "", 1.0),
    "l": ("CW7-SUP-MSP", "", 0.1),
}

_SECURITY, _MSP, _IT = "Managed Security", "MSP", "Managed IT"

CUSTOMERS: tuple[Customer, ...] = (
    Customer("Alderbrook Dental", "ALDERBROOK", _SECURITY, 18, 2, "Emt"),
    Customer("Bellwether Logistics", "BELLWETHER", _SECURITY, 64, 6, "Edmpt", firewalls=("SBX0000000001",)),
    Customer("Cobblestone Bakery", "COBBLESTONE", _SECURITY, 9, 0, "Em"),
    Customer("Driftwood Hotels", "DRIFTWOOD", _SECURITY, 118, 8, "Mmto", firewalls=("SBX0000000002",)),
    Customer("Elmfield Primary School", "ELMFIELD", _SECURITY, 85, 3, "Ed"),
    Customer("Fernhill Surveyors", "FERNHILL", _SECURITY, 22, 1, "Emd"),
    Customer("Gullwing Motors", "GULLWING", _SECURITY, 41, 4, "Am", firewalls=("SBX0000000003",)),
    Customer("Hollyoak Care Homes", "HOLLYOAK", _SECURITY, 73, 5, "Ampt"),
    Customer("Inkwell Publishing", "INKWELL", _SECURITY, 27, 2, "Xm"),
    Customer("Juniper Row Architects", "JUNIPER", _SECURITY, 14, 1, "Emo"),
    Customer("Kestrel Freight", "KESTREL", _MSP, 52, 5, "Mmn"),
    Customer("Lanternfish Media", "LANTERNFISH", _MSP, 33, 2, "Ems"),
    Customer("Millrace Engineering", "MILLRACE", _MSP, 96, 11, "Edl", firewalls=("SBX0000000004",)),
    Customer("Nettlebed Nurseries", "NETTLEBED", _MSP, 12, 0, "E"),
    Customer("Oakapple Accountants", "OAKAPPLE", _MSP, 38, 3, "Amptn"),
    Customer("Pebblegate Estates", "PEBBLEGATE", _MSP, 21, 1, "Em"),
    Customer("Quillfeather Legal", "QUILL", _MSP, 47, 4, "Mmpd"),
    Customer("Ravensbourne Foods", "RAVENSB", _MSP, 130, 12, "Edmt", firewalls=("SBX0000000005",)),
    Customer("Saltmarsh Brewing", "SALTMARSH", _MSP, 16, 1, "El"),
    Customer("Thistledown Textiles", "THISTLE", _MSP, 29, 2, "Emt"),
    Customer("Umberside Clinics", "UMBERSIDE", _IT, 58, 6, "Aot"),
    Customer("Vinegar Hill Press", "VINEGAR", _IT, 11, 1, "E"),
    Customer("Weatherby Print", "WEATHERBY", _IT, 19, 1, "Em"),
    Customer("Yarrow and Finch", "YARROW", _IT, 24, 2, "Xs"),
    Customer("Zephyr Sailmakers", "ZEPHYR", _IT, 8, 0, "Em"),
    Customer("Amberley Veterinary Practice", "AMBERLEY", _IT, 31, 2, "Ed", firewalls=("SBX0000000006",)),
    Customer("Brackenwood Lettings", "BRACKEN", _IT, 13, 0, "Em"),
    Customer("Harbourlight IT (internal)", "HARBOURLIGHT", _IT, 26, 4, "Amt"),
    Customer("Cindercone Ceramics", "CINDERCONE", "", billing="trial"),
    Customer("Duskwater Travel", "DUSKWATER", "", billing="trial"),
    Customer("Eiderdown Interiors", "EIDERDOWN", "", billing="trial"),
    Customer("Flintlock Security Guards", "FLINTLOCK", _IT, billing="term"),
    Customer("Goldcrest Insurance Brokers", "GOLDCREST", _IT, billing="term"),
    Customer("Heronsgate College", "HERONSGATE", _IT, billing="term"),
    Customer("Islet Fisheries", "ISLET", "", billing="term"),
    Customer("Jackdaw Scaffolding", "JACKDAW", "", billing="term"),
)

SUSPENDED, NOT_ACTIVATED = "Brackenwood Lettings", "Eiderdown Interiors"
IN_POUNDS = frozenset({"Thistledown Textiles", "Weatherby Print"})
QUARTERLY = frozenset({"Vinegar Hill Press", "Yarrow and Finch"})
PRORATING = frozenset({"Juniper Row Architects", "Lanternfish Media"})
PRICED_BY_SCHEDULE = "Vinegar Hill Press"
CHANGED_BY_HAND = "Fernhill Surveyors"
TWO_LINES = "Lanternfish Media"
RENEWED, CANCELLED = "Pebblegate Estates", "Saltmarsh Brewing"
WITH_CHILD = frozenset({"Driftwood Hotels", "Ravensbourne Foods"})

# The product on the agreement for a Sophos code, as Harbourlight bills today.
LINE_PRODUCTS = {
    "CIXA-MSP": "MSP-ENDPOINT",
    "SVRCLOUDADV-MSP": "MSP-SERVER",
    "CIXAMTR-STD-MSP": "SOPHOS-MTR",
    "CIXAMTR-ADV-MSP": "MSP-GOLD",
    "CMA-MSP": "MSP-MOBILE",
    "CW7-SUP-MSP": "MSP-LEGACY",
    "xg_email_std": "MSP-FIREWALL",
}


def add_tenants(world: World) -> None:
    """The Sophos side's customers, without their usage."""
    for number, customer in enumerate(CUSTOMERS):
        region = ("eu01", "IE") if number % 3 else ("eu02", "DE")
        world.add_tenant(
            customer.name,
            dataRegion=region[0],
            dataGeography=region[1],
            billingType=customer.billing,
            status="suspended" if customer.name == SUSPENDED else "active",
            apiHost=None
            if customer.name == NOT_ACTIVATED
            else f"https://api-{region[0]}.central.example.com",
            products=[{"code": PACKAGES[letter][0]} for letter in customer.buys],
        )


def add_companies_and_agreements(world: World) -> None:
    """The ConnectWise side; lines follow once the usage is known."""
    customer_type = world.reference("companyTypes", "Customer")
    for number, customer in enumerate(CUSTOMERS):
        schedule = {"id": 2, "name": "Yearly contracts"} if customer.name == PRICED_BY_SCHEDULE else None
        world.add_company(
            customer.company, customer.name, types=[dict(customer_type)], pricingSchedule=schedule,
            addressLine1=f"{number + 1} Example Street", city="Exampleton", zip="00000", website=f"https://www.{customer.company.lower()}.example",
        )  # fmt: skip
    world.add_company("OLDQUAY", "Old Quay Chandlers", deletedFlag=True, types=[dict(customer_type)])
    for customer in CUSTOMERS:
        if customer.agreement:
            _add_agreements(world, customer)


def _add_agreements(world: World, customer: Customer) -> None:
    name = "MSP Services" if customer.agreement == _MSP else customer.agreement
    main = world.add_agreement(
        customer.company,
        name,
        type=customer.agreement,
        billingCycle="Quarterly" if customer.name in QUARTERLY else "Monthly",
        currency=currency("GBP" if customer.name in IN_POUNDS else "EUR"),
        prorateFlag=customer.name in PRORATING,
    )
    year_start = midnight(world.today.replace(month=1, day=1))
    if customer.name == RENEWED:
        old_end = midnight(world.today.replace(month=1, day=1) - timedelta(days=1))
        main["startDate"] = main["billStartDate"] = year_start
        world.add_agreement(
            customer.company, name, type=customer.agreement, endDate=old_end, agreementStatus="Expired",
            nextInvoiceDate=None,
        )  # fmt: skip
    if customer.name == CANCELLED:
        world.add_agreement(
            customer.company, "Managed IT", type=_IT, cancelledFlag=True, dateCancelled=year_start,
            reasonCancelled="Moved to MSP Services", agreementStatus="Cancelled", nextInvoiceDate=None,
        )  # fmt: skip
    if customer.name in WITH_CHILD:
        world.add_agreement(customer.company, "Branch offices", type=_IT, parentAgreement=main["id"])


def add_lines(world: World) -> None:
    """The additions, with the quantities of the month before the newest closed one."""
    synced = month_before(running_month(world.today), 2)
    for customer in CUSTOMERS:
        if customer.billing != "usage":
            continue
        agreement = next(a for a in world.agreements_of(customer.company) if a["agreementStatus"] == "Active")
        for product, quantity in _quantities(world, synced, customer.name).items():
            _add_line(world, customer, agreement, product, quantity)
    world.add_addition(world.agreements_of("COBBLESTONE")[0]["id"], "MSP-OLD-AV", 9,
                       cancelledDate=midnight(world.today.replace(day=1) - timedelta(days=1)))  # fmt: skip
    for recap in world.rows("recaps"):
        day = day_of(recap["lastInvoiceDate"]) or world.today
        recap["lastInvoiceAmount"] = f"{billed(world, world.agreement(recap['id']), day):.2f}"


def _quantities(world: World, month: tuple[int, int], tenant: str) -> dict[str, float]:
    number, found = world.tenant(tenant)["id"], dict[str, float]()
    for line in world.usage[month]:
        product = LINE_PRODUCTS.get(line["productCode"])
        if line.get("accountId") == number and product:
            found[product] = found.get(product, 0) + line["billableQuantity"]
    return found


def _add_line(world: World, customer: Customer, agreement: Row, product: str, quantity: float) -> None:
    writer, fields = "apirec", {}
    if customer.name == CHANGED_BY_HAND and product == "MSP-ENDPOINT":
        quantity, writer = quantity + 5, "sampleadmin"
    if customer.name == "Bellwether Logistics" and product == "MSP-ENDPOINT":
        fields = {"lessIncluded": 10.0}
    if customer.name == TWO_LINES and product == "MSP-ENDPOINT":
        # somebody sold more seats at another price and left the first line open
        world.add_addition(
            agreement["id"], product, 20, effectiveDate=agreement["billStartDate"], unitPrice=3.9,
            _info=world.info("sampleadmin"),
        )  # fmt: skip
        quantity -= 20
    world.add_addition(
        agreement["id"],
        product,
        quantity,
        effectiveDate=agreement["billStartDate"],
        _info=world.info(writer),
        **fields,
    )
