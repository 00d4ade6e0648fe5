"""Makes the nested pieces and single records of the made-up systems: currencies, licences, usage lines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from reconciler.sandbox.identity import PARTNER_ID, made_up_id

_SYMBOLS = {"EUR": ("€", 1), "GBP": ("£", 2), "USD": ("$", 3), "ISK": (" kr.", 4)}


@dataclass(frozen=True, slots=True)
class SoldProduct:
    """A monthly product as a Sophos bill shows it: text, unit kind, a made-up SKU, the unit price in USD."""

    name: str
    group: str
    sku: str
    price: str


# The codes were seen in the vendor's Postman collection and in public code that runs against the live service
# (xasz/ISCPP); names, SKUs and prices are ours.
SOLD: dict[str, SoldProduct] = {
    "CIXA-MSP": SoldProduct("Endpoint", "User", "SBX-EP-U", "1.40"),
    "SVRCLOUDADV-MSP": SoldProduct("Endpoint for Server", "Server", "SBX-EP-S", "3.10"),
    "CIXAXDR": SoldProduct("XDR", "User", "SBX-XDR-U", "2.20"),
    "CIXAMTR-STD-MSP": SoldProduct("MDR Essentials", "User", "SBX-MDRE-U", "3.60"),
    "SVRCIXAMTR-STD-MSP": SoldProduct("MDR Essentials for Server", "Server", "SBX-MDRE-S", "7.20"),
    "CIXAMTR-ADV-MSP": SoldProduct("MDR Complete", "User", "SBX-MDRC-U", "4.90"),
    "SVRCIXAMTR-ADV-MSP": SoldProduct("MDR Complete for Server", "Server", "SBX-MDRC-S", "9.80"),
    "CEMA-MSP": SoldProduct("E-mail Advanced", "User", "SBX-EM-U", "0.80"),
    "CEMA-PE-ADDON-MSP": SoldProduct("E-mail Portal Encryption", "User", "SBX-EMPE-U", "0.45"),
    "CPHISH-MSP": SoldProduct("Phish Threat", "User", "SBX-PT-U", "0.60"),
    "CDE-MSP": SoldProduct("Device Encryption", "User", "SBX-DE-U", "0.70"),
    "CMA-MSP": SoldProduct("Mobile Advanced", "User", "SBX-MOA-U", "0.95"),
    "CMS-MSP": SoldProduct("Mobile Standard", "User", "SBX-MOS-U", "0.65"),
    "NDR-MSP": SoldProduct("NDR", "User", "SBX-NDR-U", "8.00"),
    "CW7-SUP-MSP": SoldProduct("Endpoint for Legacy Platforms", "User", "SBX-LEG-U", "2.90"),
    "xg_email_std": SoldProduct("Firewall E-mail Protection", "Device", "SBX-FW-D", "14.50"),
}


def currency(code: str) -> dict[str, Any]:
    symbol, number = _SYMBOLS.get(code, (code, 9))
    return {
        "id": number,
        "symbol": symbol,
        "currencyCode": code,
        "numberOfDecimals": 0 if code == "ISK" else 2,
        "currencyIdentifier": code,
        "name": code,
    }


def midnight(day: date) -> str:
    """A calendar date in ConnectWise's one accepted format."""
    return f"{day.isoformat()}T00:00:00Z"


def first_of_next_month(day: date) -> str:
    return midnight((day.replace(day=1) + timedelta(days=32)).replace(day=1))


def window(month: tuple[int, int]) -> tuple[date, date]:
    """The billing window of a month: from the 26th of the month before to the 25th."""
    last = date(month[0], month[1], 25)
    return (last.replace(day=1) - timedelta(days=1)).replace(day=26), last


def running_month(today: date) -> tuple[int, int]:
    """The month whose billing window holds `today`."""
    month = today if today.day <= 25 else today.replace(day=1) + timedelta(days=32)
    return month.year, month.month


def month_before(month: tuple[int, int], count: int = 1) -> tuple[int, int]:
    number = month[0] * 12 + month[1] - 1 - count
    return number // 12, number % 12 + 1


def licence(code: str, name: str, count: int, today: date, seed: str) -> dict[str, Any]:
    number = int(made_up_id(f"number-{seed}")[:8], 16) % 10**9
    return {
        "id": made_up_id(f"licence-{seed}"),
        "licenseIdentifier": f"L{number:09d}",
        "product": {"code": code, "name": name, "genericCode": code.removesuffix("-MSP")},
        "startDate": f"{today.year - 1}-01-01",
        "perpetual": False,
        "type": "usage",
        "unlimited": False,
        "usage": {"current": {"count": count, "date": today.isoformat()}},
    }


def _price_band(quantity: float) -> str:
    for top, text in (
        (9, "1-9"),
        (24, "10-24"),
        (49, "25-49"),
        (99, "50-99"),
        (199, "100-199"),
        (499, "200-499"),
    ):
        if quantity <= top:
            return text
    return "500-999"


def usage_line(
    month: tuple[int, int],
    tenant: dict[str, Any] | None,
    code: str,
    quantity: float,
    number: int,
    partner: str,
) -> dict[str, Any]:
    """One line of a month's bill with all 35 keys the vendor's Postman collection shows.

    Prices are strings in USD; `netPrice` is the whole order line's, not this customer's (xasz/ISCPP). Contact
    data is made up. Without a tenant there is no `accountId`.
    """
    sold = SOLD.get(code, SoldProduct(code, "User", f"SBX-{code}", "1.00"))
    first, last = window(month)
    units = sold.group.upper() + "S"
    net = str((Decimal(sold.price) * Decimal(str(quantity))).quantize(Decimal("0.01")))
    name = tenant["name"] if tenant else None
    line: dict[str, Any] = {
        "partnerAccountId": PARTNER_ID,
        "partnerEdiAccountNumber": "7000001",
        "partnerAccountName": partner,
        "billingStartDate": first.isoformat(),
        "billingEndDate": last.isoformat(),
        "orderNumber": f"ORD-{month[0]}{month[1]:02d}",
        "orderLineItemNumber": f"{number:06d}",
        "accountNumberOrSerialNumber": f"A{int(made_up_id(f'account-{name}')[:7], 16):09d}",
        "productDescription": f"{sold.name} - {_price_band(quantity)} {units} - MSP Monthly",
        "productGroup": sold.group,
        "sku": sold.sku,
        "billableQuantity": quantity,
        "externalId": made_up_id(f"external-{name}"),
        "accountId": tenant["id"] if tenant else None,
        "accountStatus": "suspended" if tenant and tenant.get("status") == "suspended" else "active",
        "actualQuantity": quantity,
        "productCode": code,
        "assignedAccountIdentifier": name,
        "contactName": "Sample Contact",
        "contactEmail": f"contact{int(made_up_id(f'contact-{name}')[:4], 16)}@customer.example",
        "contactStreet": "1 Example Street",
        "contactCity": "Exampleton",
        "contactCountry": "Exampleland",
        "contactZip": "00000",
        "distributorAccountName": "Sample Distribution",
        "additionalDiscountPercentage": 0,
        "orderedQuantity": quantity,
    }
    for key, value in (
        ("unitMsrp", sold.price),
        ("unitPrice", sold.price),
        ("netPrice", net),
        ("priceWithTaxes", net),
    ):
        line[f"{key}Currency"] = "USD"
        line[key] = value
    return {key: value for key, value in line.items() if value is not None}
