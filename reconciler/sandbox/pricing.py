"""POST /procurement/catalog/{id}/pricing: what a product costs a company. It reads only.

The shape is CatalogPricing of the vendor's specification; how the price comes about is not described. Here
the company's pricing schedule decides, and the catalog where that has no price for the product; quantity and
date are answered as sent and decide nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.sandbox.errors import Complaints, record_not_found
from reconciler.sandbox.schema import PRICING
from reconciler.sandbox.views import shown
from reconciler.sandbox.writing import from_payload

if TYPE_CHECKING:
    from reconciler.sandbox.site import Site
    from reconciler.sandbox.world import Row


def answer_pricing(site: Site, number: int, payload: Any, base: str) -> Row:
    """The answer for one product. Raises Refused: 404 for an unknown product, 400 for a wrong body."""
    item = site.world.tables["catalog"].get(number)
    if item is None:
        raise record_not_found("CatalogItem", number)
    complaints = Complaints(PRICING.label)
    asked = from_payload(site, PRICING, payload, complaints)
    complaints.raise_if_any()
    price = item.get("price") or 0.0
    if asked.get("company") is not None:
        company = site.world.tables["companies"][asked["company"]["id"]]
        schedule = company.get("pricingSchedule") or {}
        price = site.world.price_schedules.get(schedule.get("name", ""), {}).get(number, price)
    row = {**asked, "catalogItem": {"id": number}, "price": price}
    return shown(site, PRICING, row, base)
