"""Sophos's tenants: the partner's customer accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.observed import Tenant
from reconciler.sophos.paging import read_pages
from reconciler.sophos.texts import WrongTypeError, loose_text, required_text, word

if TYPE_CHECKING:
    from reconciler.sophos.client import Client

PATH = "/partner/v1/tenants"
#: The most that one page may hold (clients in use; the answer's `pages.maxSize` says so too).
PAGE_SIZE = 100


async def read_tenants(client: Client) -> tuple[Tenant, ...]:
    """All tenants, in the order of the answer, ids in lower case.

    A tenant without a name is shown as it is elsewhere, or by its id. Raises BadAnswer where a tenant comes
    twice (the list changed while it was read) or lacks its id.
    """
    tenants: dict[str, Tenant] = {}
    for row in await read_pages(client, PATH, size=PAGE_SIZE):
        try:
            tenant = Tenant(
                id=required_text(row, "id").lower(),
                name=loose_text(row, "name") or loose_text(row, "showAs") or required_text(row, "id"),
                show_as=loose_text(row, "showAs"),
                billing_type=word(row, "billingType"),
                status=word(row, "status"),
            )
        except WrongTypeError as wrong:
            raise client.bad_answer(PATH, f"a tenant's {wrong}") from None
        if tenant.id in tenants:
            raise client.bad_answer(PATH, f"the list repeats tenant {tenant.id}")
        tenants[tenant.id] = tenant
    return tuple(tenants.values())
