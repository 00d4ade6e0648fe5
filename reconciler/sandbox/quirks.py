"""The switches of the sandbox: one for each thing about the real APIs that nobody has confirmed.

Each has a row in ``docs/unknowns.md`` that says what is known and what the product does about it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.sandbox.short_lists import ALWAYS, BUNDLE_ITEM

if TYPE_CHECKING:
    from collections.abc import Mapping

NUMBER = "<number>"
"""Among a quirk's values: any whole number from 1 on."""
SECONDS = "<seconds>"
"""Among a quirk's values: any number above 0, like 5 or 0.5."""
_SECONDS = re.compile(r"\d{1,6}(\.\d{1,6})?")


@dataclass(frozen=True, slots=True)
class Quirk:
    """One open question and the answers the sandbox can give."""

    name: str
    values: tuple[str, ...]
    default: str
    meaning: str

    def accepts(self, value: str) -> bool:
        if value in self.values:
            return value not in (NUMBER, SECONDS)
        if SECONDS in self.values:
            return _SECONDS.fullmatch(value) is not None and float(value) > 0
        return NUMBER in self.values and value.isdecimal() and int(value) > 0


_ALL = (
    Quirk("duplicate-identifier", ("copy0", "error", "accept"), "copy0",
          "POST of a catalog item whose identifier exists: Copy0 is appended, 400, or a second one is made"),
    Quirk("notes-filter", ("allowed", "refused"), "allowed",
          "Whether the catalog's notes may be named in conditions"),
    Quirk("in-operator", ("allowed", "refused"), "allowed", "Whether conditions know `in (…)`"),
    Quirk("quote-escape", ("doubled", "backslash", "none"), "doubled",
          "How a quote is written inside a string of a condition"),
    Quirk("string-compare", ("insensitive", "sensitive"), "insensitive",
          "Whether conditions compare strings without regard to case"),
    Quirk("page-size-over-1000", ("cap", "refuse"), "cap", "A pageSize above 1000: served as 1000, or 400"),
    Quirk("forward-only-end", ("next-link", "empty-link", "none"), "next-link",
          "The Link header on the last page of forward-only paging"),
    Quirk("notes-newlines", ("kept", "collapsed"), "kept",
          "Whether line ends in notes survive; in every other string they become one blank"),
    Quirk("trailing-blank", ("kept", "trimmed"), "kept", "Blanks at the end of a written string"),
    Quirk("price-decimals", ("kept", "rounded2"), "kept", "Decimals of prices and costs on write"),
    Quirk("quantity-decimals", ("kept", "rounded2"), "kept", "Decimals of an addition's quantities on write"),
    Quirk("empty-date", ("omitted", "blank"), "omitted", "A date without a value: no key, or ''"),
    Quirk("clear-cancelled-date", ("remove", "replace-null", "refused"), "remove",
          "The one patch that re-opens an addition; the others answer 400"),
    Quirk("replace-absent", ("accepted", "refused"), "accepted",
          "A patch that replaces a field without a value; add is accepted either way"),
    Quirk("patch-in-invoiced-period", ("accepted", "refused"), "accepted",
          "PATCH of a quantity while the addition's current period is already invoiced"),
    Quirk("cancel-before-start", ("accepted", "refused"), "accepted",
          "A cancelledDate before the addition's effectiveDate"),
    Quirk("mid-period-start", ("whole", "not-billed"), "whole",
          "An addition that begins inside a period that is not invoiced and does not prorate"),
    Quirk("cancelled-day", ("last-billed", "first-unbilled"), "last-billed",
          "Whether an addition is still billed on its cancelledDate"),
    Quirk("invoice-stamps-lines", ("no", "yes"), "no",
          "Whether making an invoice counts as a write of the additions on it, by whoever makes it"),
    Quirk("create-on-ended-agreement", ("refused", "accepted"), "refused",
          "POST of an addition to an agreement that is cancelled or has expired"),
    Quirk("inactive-product-addition", ("accepted", "refused"), "accepted",
          "An addition of a product that is set inactive"),
    Quirk("addition-serial", ("writable", "derived"), "writable",
          "Whether an addition's serialNumber can be written"),
    Quirk("auto-update-price", ("reprices", "none"), "reprices",
          "What a changed price or cost does to open additions where the product's autoUpdate flags are set"),
    Quirk("addition-repoint", ("resets", "keeps"), "resets",
          "What PATCH of an addition's product does to price, cost, text, tax, billing and quantity"),
    Quirk("create-defaults", ("catalog", "prices", "none"), "catalog",
          "What a POST of an addition takes from the catalog: price, cost, tax, text; price, cost; nothing"),
    Quirk("addition-description", ("derived", "writable"), "derived",
          "Whether an addition's description can be written"),
    Quirk("addition-status", ("present", "absent"), "present", "Whether additions carry additionStatus"),
    Quirk("category-mismatch", ("derived", "refused"), "derived",
          "A category that is not the subcategory's: ignored, or 400"),
    Quirk("class-change", ("allowed", "refused"), "allowed",
          "PATCH of productClass on a catalog item that is on an agreement"),
    Quirk("bundles", ("allowed", "refused"), "allowed", "Whether POST /system/bundles may be used"),
    Quirk("bundle-maximum", ("50", NUMBER), "50", "The most requests one bundle may hold"),
    Quirk("bundle-count", ("entities", "absent"), "entities",
          "Whether each result of a bundle says how many entities it holds"),
    Quirk("read-lag", ("0", SECONDS), "0",
          "How many seconds reads trail writes: lists, bundles, counts and single records"),
    Quirk("count", ("present", "absent"), "present", "Whether lists have a /count beside them, or it is 404"),
    Quirk("short-list", ("off", "agreements", "additions", "catalog", "companies", BUNDLE_ITEM), "off",
          "The list that lacks its last record, with status 200; or the item of a bundle that comes empty"),
    Quirk("short-times", (ALWAYS, NUMBER), ALWAYS, "How often that happens"),
    Quirk("codebase", ("v2025_1", "v4_6_release"), "v2025_1", "The codebase that companyinfo names"),
    Quirk("codebase-move", ("never", NUMBER), "never",
          "After how many ConnectWise requests a cloud upgrade moves the codebase (v2025_2)"),
    Quirk("bad-credentials", ("unauthorized", "not-authenticated", "not-found"), "unauthorized",
          "The answer to a wrong company or key: two bodies of 401, or 404"),
    Quirk("running-month", ("partial", "absent"), "partial",
          "Billing usage of a month whose window has not ended: what is counted so far, or 404"),
    Quirk("tenants-page-size-max", ("100", NUMBER), "100", "The largest pageSize of the Sophos tenants list"),
    Quirk("sophos-page-size-over-max", ("refuse", "cap"), "refuse", "A larger pageSize: 400, or the maximum"),
    Quirk("sophos-error-body", ("full", "short"), "full",
          "Sophos errors with all seven keys, or only error, correlationId and requestId"),
    Quirk("sophos-token-failure", ("401", "400"), "401", "The status of a refused token request"),
    Quirk("sophos-retry-after", ("absent", "present"), "absent", "Whether Sophos sends Retry-After with 429"),
)  # fmt: skip

QUIRKS: Mapping[str, Quirk] = {quirk.name: quirk for quirk in _ALL}


def chosen(asked: Mapping[str, str] | None) -> dict[str, str]:
    """Every quirk's value: the asked one, else its default.

    Raises ValueError, naming what is known, for an unknown quirk or value.
    """
    values = {quirk.name: quirk.default for quirk in _ALL}
    for name, value in (asked or {}).items():
        quirk = QUIRKS.get(name)
        if quirk is None:
            raise ValueError(f"unknown quirk {name!r}; known: {', '.join(sorted(QUIRKS))}")
        if not quirk.accepts(value):
            raise ValueError(f"quirk {name} has no value {value!r}; known: {', '.join(quirk.values)}")
        values[name] = value
    return values
