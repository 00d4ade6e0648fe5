"""Which permission of the API member's security role a request needs, in ConnectWise's own words.

From vendors' set-up guides for their ConnectWise integrations; ConnectWise's specification names none.
"""

from __future__ import annotations

_LEVEL = {"GET": "Inquire", "POST": "Add", "PATCH": "Edit"}
_SETUP_TABLES = (
    "/procurement/categories",
    "/procurement/subcategories",
    "/procurement/types",
    "/procurement/unitOfMeasures",
    "/procurement/manufacturers",
    "/finance/agreements/types",
    "/finance/billingCycles",
)


def needed_permission(method: str, path: str) -> str:
    """For instance `Procurement > Product Catalog: Inquire = All`."""
    level = _LEVEL.get(method, method)
    if path.startswith(_SETUP_TABLES):
        where = "System > Table Setup"
    elif path.startswith("/procurement/catalog"):
        where = "Procurement > Product Catalog"
    elif path.startswith("/finance/"):
        where = "Finance > Agreements"
    elif path.startswith("/company/"):
        where = "Companies > Company Maintenance"
    else:
        where = "the security role of the API member"
    return f"{where}: {level} = All"
