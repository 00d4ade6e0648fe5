"""Rules about the entries under `products`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.config.wording import show
from reconciler.model.diagnostics import error, warning
from reconciler.model.identifiers import identifier_key

if TYPE_CHECKING:
    from reconciler.config.rules.facts import Facts
    from reconciler.model.desired import Product


def declared_once(facts: Facts) -> None:
    """Identifiers compare without case, so that MSP-X and msp-x are one product."""
    seen: dict[str, Product] = {}
    for product in facts.desired.products:
        first = seen.setdefault(identifier_key(product.identifier), product)
        if first is not product:
            facts.say(
                error(
                    "duplicate-key",
                    f"{show(product.identifier)} is the product {show(first.identifier)} at "
                    f"{first.location}: identifiers compare without capitals and outer blanks.",
                    "Keep one of them.",
                    location=product.location,
                    subject=_subject(product),
                )
            )


def _subject(product: Product) -> str:
    return f"product/{product.identifier}"


def renames(facts: Facts) -> None:
    """A rename leads from a name that nothing else claims."""
    takers: dict[str, Product] = {}
    for product in facts.desired.products:
        if product.renamed_from is None:
            continue
        old = identifier_key(product.renamed_from)
        other, taker = facts.declared.get(old), takers.setdefault(old, product)
        if old == identifier_key(product.identifier):
            code, what = "renamed-from-itself", "that is its own identifier"
            remedy = "Remove `renamedFrom`; capitals alone are changed by writing the identifier so."
        elif other is not None:
            code, what = "renamed-from-declared", f"that product is declared at {other.location}"
            remedy = "Rename one step at a time, and remove the old entry in the same change."
        elif taker is not product:
            code, what = "renamed-from-twice", f"so is {show(taker.identifier)} at {taker.location}"
            remedy = "One product becomes one product: keep `renamedFrom` at one of them."
        else:
            continue
        facts.say(
            error(
                code,
                f"{show(product.identifier)} is renamed from {show(product.renamed_from)}, but {what}.",
                remedy,
                location=product.where("renamedFrom"),
                subject=_subject(product),
            )
        )


def old_names(facts: Facts) -> None:
    """What is renamed is named by its new identifier everywhere."""
    for product in facts.desired.products:
        old = identifier_key(product.renamed_from or "")
        target = facts.targets.get(old)
        if not old or target is None or old in facts.declared:
            continue
        facts.say(
            error(
                "renamed-product-mapped",
                f"{show(target.text)} is mapped here, but it is renamed to {show(product.identifier)} at "
                f"{product.where('renamedFrom')}.",
                f"Write {product.identifier} here.",
                location=next(iter(target.codes.values())),
                subject=_subject(product),
            )
        )


def replaced(facts: Facts) -> None:
    """A product cannot take its own place, nor two products each other's."""
    replaced_by = {
        identifier_key(p.identifier): {identifier_key(r) for r in p.replaces} for p in facts.desired.products
    }
    for product in facts.desired.products:
        own = identifier_key(product.identifier)
        for name in product.replaces:
            key = identifier_key(name)
            if key == own:
                code, what, remedy = "replaces-itself", "itself", "Remove it from `replaces`."
            elif own in replaced_by.get(key, ()):
                code, what = "replaces-each-other", f"{show(name)}, which replaces it"
                remedy = "Keep `replaces` at the product that stays."
            else:
                continue
            facts.say(
                error(
                    code,
                    f"{show(product.identifier)} replaces {what}.",
                    remedy,
                    location=product.where("replaces"),
                    subject=_subject(product),
                )
            )


def follows_a_price(facts: Facts) -> None:
    """Lines can only follow a price that is declared: one that is changed in ConnectWise is not reviewed."""
    for product in facts.desired.products:
        price_is_wrong = facts.document.is_wrong(("products", product.identifier, "price"))
        if product.line_price == "follow" and product.fields.get("price") is None and not price_is_wrong:
            facts.say(
                error(
                    "follow-without-price",
                    f"{show(product.identifier)} says `linePrice: follow` and declares no `price` to follow.",
                    "Declare its `price`, or remove `linePrice`: the lines then keep theirs.",
                    location=product.where("linePrice"),
                    subject=_subject(product),
                )
            )


def unmapped(facts: Facts) -> None:
    """An entry that no row names is edited, and takes no usage."""
    if not facts.complete:
        return
    for product in facts.desired.products:
        if identifier_key(product.identifier) not in facts.targets:
            facts.say(
                warning(
                    "product-unmapped",
                    f"{show(product.identifier)} is declared, but no row or override maps to it.",
                    "It is still created and edited. Map a Sophos product to it, or delete the entry.",
                    location=product.location,
                    subject=_subject(product),
                )
            )


def can_take_usage(facts: Facts) -> None:
    """Usage sync needs a product that can be an agreement line."""
    for row in facts.desired.rows:
        for selector in row.targets if row.sync else ():
            product = facts.declared.get(selector.key)
            if product is None:
                continue
            if product.fields.get("inactiveFlag") is True:
                code, what, field = "sync-inactive", "inactive", "inactiveFlag"
            elif product.fields.get("productClass") == "Bundle":
                code, what, field = (
                    "sync-bundle",
                    "a Bundle, which cannot be an agreement line",
                    "productClass",
                )
            else:
                continue
            facts.say(
                error(
                    code,
                    f"{show(row.code)} syncs usage to {show(product.identifier)}, which is declared {what} "
                    f"at {product.where(field)}.",
                    "Set sync: false, or map to another product.",
                    location=row.location,
                    subject=f"code/{row.code}",
                )
            )


RULES = (declared_once, renames, old_names, replaced, follows_a_price, unmapped, can_take_usage)
