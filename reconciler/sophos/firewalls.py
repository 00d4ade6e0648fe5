"""Firewall licences, and which customer each is billed to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.model.observed import FirewallLicence
from reconciler.sophos.paging import read_pages
from reconciler.sophos.texts import WrongTypeError, id_below, required_text, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.sophos.client import Client

PATH = "/licenses/v1/licenses/firewalls"
#: The documented default; no larger one is documented.
PAGE_SIZE = 50


async def read_firewalls(client: Client) -> tuple[FirewallLicence, ...]:
    """All firewalls of the partner, each once. Raises BadAnswer where one lacks its serial number."""
    found: dict[FirewallLicence, None] = {}
    for row in await read_pages(client, PATH, size=PAGE_SIZE):
        try:
            found[_firewall(row)] = None
        except WrongTypeError as wrong:
            raise client.bad_answer(PATH, f"a firewall's {wrong}") from None
    return tuple(found)


def _firewall(row: Mapping[str, Any]) -> FirewallLicence:
    """`billingTenant` and `tenant` may be absent or empty objects."""
    licences = [] if row.get("licenses") is None else row["licenses"]
    if not isinstance(licences, list) or not all(isinstance(one, dict) for one in licences):
        raise WrongTypeError("licenses: it is no list of objects")
    products = [one.get("product") for one in licences]
    codes = {text(product, "code") for product in products if isinstance(product, dict)}
    return FirewallLicence(
        serial=required_text(row, "serialNumber"),
        model=text(row, "model"),
        billing_tenant_id=id_below(row, "billingTenant"),
        tenant_id=id_below(row, "tenant"),
        product_codes=tuple(sorted(codes - {""})),
    )
