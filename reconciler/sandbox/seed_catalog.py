"""Harbourlight IT's set-up tables and product catalog; every name and price is made up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random

    from reconciler.sandbox.world import World

_SECURITY = ("Endpoint", "Server", "MDR", "Bundles", "Email", "Mobile", "Firewall", "Network", "Awareness")
_OTHER_SUBCATEGORIES = (
    ("Software", ("Licensing", "Productivity", "Backup")),
    ("Hardware", ("Workstations", "Notebooks", "Peripherals", "Switches", "Storage")),
    ("Services", ("Licensing", "Remote Support", "Onsite Support")),
)
_CYCLES = (("M", "Monthly"), ("Q", "Quarterly"), ("Y", "Yearly"), ("W", "Weekly"))


def set_up_tables(world: World) -> None:
    """Categories, types, units and the other small tables, with ids that are always the same."""
    for name in ("Security", "Software", "Hardware", "Services"):
        world.add_named("categories", name, inactiveFlag=False)
    for name in _SECURITY:
        world.add_named("subcategories", name, category="Security")
    for category, names in _OTHER_SUBCATEGORIES:
        for name in names:
            world.add_named("subcategories", name, category=category)
    for name, xref in (("Managed Service", "Service"), ("Software", "NonInventoryPart"),
                       ("Hardware", "InventoryPart"), ("Service", "Service")):  # fmt: skip
        world.add_named("types", name, typeXref=xref)
    for name in ("Each", "User", "Device"):
        world.add_named("unitOfMeasures", name, defaultFlag=name == "Each")
    for name in ("Sophos", "Example Devices", "Sample Systems", "Placeholder Storage"):
        world.add_named("manufacturers", name)
    for name in ("Managed Security", "MSP", "Managed IT"):
        world.add_named("agreementTypes", name)
    for identifier, name in _CYCLES:
        world.add_named("billingCycles", name, identifier=identifier, billingOptions=name)
    for name in ("Active", "Not Active"):
        world.add_named("companyStatuses", name, defaultFlag=name == "Active")
    for name in ("Customer", "Prospect", "Vendor"):
        world.add_named("companyTypes", name, vendorFlag=name == "Vendor")
    world.add_custom_field("catalog", 41, "Vendor Programme")
    world.add_custom_field("catalog", 42, "Sophos Mapping")
    world.add_custom_field("catalog", 43, "Contract Reviewed", type="Checkbox")


# identifier, description, subcategory, unit, price, cost, notes
_STORY: tuple[tuple[str, str, str, str, float, float, str | None], ...] = (
    ("MSP-ENDPOINT", "Managed endpoint protection", "Endpoint", "User", 4.20, 1.90,
     "Price agreed with sales in March.\n[sophos:main CDE-MSP, CIXA-MSP]"),
    ("MSP-SERVER", "Managed server protection", "Server", "Device", 6.50, 3.10, None),
    ("SOPHOS-MTR", "Managed detection and response", "MDR", "User", 8.90, 4.00,
     "[sophos:main CIXAMTR-STD-MSP] do not change without asking billing"),
    ("MSP-GOLD", "Security bundle Gold", "Bundles", "User", 12.90, 6.20, "[sophos:main CIXAMTR-ADV-MSP]"),
    ("COST-EMAIL", "E-mail security (cost only)", "Email", "User", 0.0, 0.80, None),
    ("MSP-EMAIL-CRYPT", "E-mail encryption", "Email", "User", 1.10, 0.45,
     "[sophos:main CEMA-PE-ADDON-MSP (sync off)]"),
    ("MSP-ENCRYPTION", "Managed device encryption", "Endpoint", "Device", 1.80, 0.70, None),
    ("MSP-MOBILE", "Managed mobile devices", "Mobile", "User", 2.40, 0.95, "[sophos:main CMA-MSP]"),
    ("MSP-LEGACY", "Endpoint for legacy platforms", "Endpoint", "User", 7.00, 2.90,
     "[sophos:main CW7-SUP-MSP]\nAsk Operations before selling."),
    ("MSP-FIREWALL", "Managed firewall", "Firewall", "Device", 39.00, 14.50, None),
    ("LAB-NDR", "Network detection (lab)", "Network", "Device", 15.00, 8.00, "[sophos:lab NDR-MSP]"),
)  # fmt: skip

# What Sophos's own integration creates (docs.sophos.com, ConnectWiseInitialSync): identifier, description.
_INTEGRATION = (
    ("Sophos_Endpoint_Protection", "Sophos Central Endpoint Protection"),
    ("Sophos_Intercept_X", "Sophos Central Intercept X"),
    ("Sophos_Intercept_X_Advanced", "Sophos Central Intercept X Advanced"),
    ("Sophos_Intercept_X_Advanced_XDR", "Sophos Central Intercept X Advanced with XDR"),
    ("Sophos_MTR_Standard", "Intercept X Advanced with XDR and MTR Standard"),
    ("Sophos_MTR_Advanced", "Intercept X Advanced with XDR and MTR Advanced"),
    ("Sophos_Mobile_Standard", "Sophos Central Mobile Control Standard"),
    ("Sophos_Mobile_Advanced", "Sophos Central Mobile Control Advanced"),
    ("Sophos_Mobile_Security", "Sophos Central Mobile Security"),
    ("Sophos_Email_Portal_Encryption", "Sophos Central Portal Encryption Add-on"),
    ("Sophos_Srv_Protection", "Sophos Central Server Protection"),
    ("Sophos_Intercept_X_Adv_Srv", "Sophos Central Intercept X Advanced for Server"),
    ("Sophos_Device_Encryption", "Sophos Central Device Encryption"),
    ("Sophos_Central_Phish_Threat", "Sophos Central Phish Threat"),
)


def add_story_items(world: World) -> None:
    """The items that the demo and the starter mapping name."""
    for identifier, description, subcategory, unit, price, cost, notes in _STORY:
        fields: dict[str, Any] = {"notes": notes} if notes is not None else {}
        if identifier == "COST-EMAIL":
            fields["billableOption"] = "DoNotBill"
        world.add_catalog_item(
            identifier,
            description=description,
            subcategory=subcategory,
            type="Managed Service",
            taxableFlag=True,
            unitOfMeasure=unit,
            price=price,
            cost=cost,
            customerDescription=f"{description}, per month",
            **fields,
        )
    world.add_catalog_item(
        "MSP-STARTER-KIT", description="Security starter kit", productClass="Bundle", subcategory="Bundles",
        type="Managed Service", taxableFlag=True, price=19.90, cost=9.00,
    )  # fmt: skip
    world.add_catalog_item(
        "MSP-OLD-AV", description="Antivirus (discontinued)", subcategory="Endpoint", type="Managed Service",
        taxableFlag=True, unitOfMeasure="User", price=2.50, cost=1.20, inactiveFlag=True,
    )  # fmt: skip
    for identifier, description in _INTEGRATION:
        world.add_catalog_item(
            identifier, description=description, subcategory="Endpoint", type="Software",
            manufacturer="Sophos", price=0.0, taxableFlag=True,
        )  # fmt: skip


_GOODS = (
    ("NB", "Notebook", "Hardware", "Notebooks", 640.0),
    ("WS", "Workstation", "Hardware", "Workstations", 820.0),
    ("MON", "Monitor", "Hardware", "Peripherals", 180.0),
    ("DOCK", "Docking station", "Hardware", "Peripherals", 140.0),
    ("SW", "Managed switch", "Hardware", "Switches", 310.0),
    ("NAS", "Storage unit", "Hardware", "Storage", 690.0),
    ("LIC", "Volume licence", "Software", "Licensing", 95.0),
    ("OFF", "Office suite", "Software", "Productivity", 12.0),
    ("BAK", "Backup licence", "Software", "Backup", 35.0),
    ("SUP", "Remote support block", "Service", "Remote Support", 75.0),
)
_VARIANTS = ("Basic", "Standard", "Plus", "Pro", "Premium")


def add_filler_items(world: World, chance: random.Random, count: int) -> None:
    """Ordinary hardware, software and service items around the story's.

    Rows share their references and leave defaults out: 100,000 of them are seeded in a second or two.
    """
    info = world.info()
    unit = world.reference("unitOfMeasures", "Each")
    shared = []
    for _, _, kind, subcategory, _ in _GOODS:
        place = world.find("subcategories", name=subcategory)
        makers = [world.reference("manufacturers", name) for name in ("Example Devices", "Sample Systems")]
        reference = world.reference("subcategories", place["id"])
        shared.append((reference, place["category"], world.reference("types", kind), makers))
    for number in range(max(count, 0)):
        which = number % len(_GOODS)
        code, noun, kind, _, usual = _GOODS[which]
        subcategory_ref, category, type_ref, makers = shared[which]
        text = f"{noun} {_VARIANTS[number // 10 % 5]} {number:06d}"
        price = round(usual * chance.uniform(0.7, 1.6), 2)
        world.insert("catalog", {
            "identifier": f"{code}-{number:06d}",
            "description": text,
            "customerDescription": text,
            "productClass": {"Hardware": "Inventory", "Service": "Service"}.get(kind, "NonInventory"),
            "subcategory": subcategory_ref,
            "category": category,
            "type": type_ref,
            "unitOfMeasure": unit,
            "manufacturer": makers[number % 2],
            "price": price,
            "cost": round(price * 0.8, 2),
            "taxableFlag": True,
            "_info": info,
        })  # fmt: skip
