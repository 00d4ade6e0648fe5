"""Rules about the rows under `customers`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.config.rules.mappings import repeated, until_alone
from reconciler.config.wording import did_you_mean, show
from reconciler.model.diagnostics import error
from reconciler.model.identifiers import identifier_key

if TYPE_CHECKING:
    from reconciler.config.rules.facts import Facts
    from reconciler.model.desired import AgreementSelector, Customer, LineTerms, Origin, Override
    from reconciler.model.diagnostics import Location


def _subject(customer: Customer) -> str:
    return f"customer/{customer.tenant_id}"


def _sound(facts: Facts, customer: Customer) -> bool:
    wrong = facts.document.wrong
    return not any(
        len(path) > 1 and path[0] == "customers" and str(path[1]).lower() == customer.tenant_id
        for path in wrong
    )


def tenant_once(facts: Facts) -> None:
    """Tenant ids compare in lower case."""
    seen: dict[str, Customer] = {}
    for customer in facts.desired.customers:
        first = seen.setdefault(customer.tenant_id, customer)
        if first is not customer:
            facts.say(
                error(
                    "duplicate-key",
                    f"This tenant also has the row at {first.location}: ids compare in lower case.",
                    "Keep one of them.",
                    location=customer.location,
                    subject=_subject(customer),
                )
            )


def billed_somewhere(facts: Facts) -> None:
    """A row says where its customer is billed, or why nowhere."""
    for customer in facts.desired.customers:
        if customer.exclude is not None or not _sound(facts, customer):
            continue
        if customer.company is None:
            facts.say(
                error(
                    "missing-key",
                    "The row needs `company`, or `exclude` with a reason.",
                    "Write the ConnectWise company identifier, or {id: 12}.",
                    location=customer.location,
                    subject=_subject(customer),
                )
            )
        if customer.agreement is None and not facts.document.is_wrong(("defaults",)):
            facts.say(
                error(
                    "missing-key",
                    "The row needs `agreement`; there is no default either.",
                    "Write its name, {id: 1234} or {type: MSP}, here or under `defaults.customers`.",
                    location=customer.location,
                    subject=_subject(customer),
                )
            )


def until_needs_exclude(facts: Facts) -> None:
    """`until` only ends an exclusion."""
    for customer in facts.desired.customers:
        rows: list[Customer | Override] = [customer, *customer.overrides]
        for row in rows if _sound(facts, customer) else ():
            if row.until and row.exclude is None:
                facts.say(until_alone(_subject(customer), row.location))


def override_forms(facts: Facts) -> None:
    """An override names other products or excludes, and each product once."""
    for customer in facts.desired.customers:
        for override in customer.overrides:
            twice = repeated(override.targets)
            if override.targets and override.exclude is not None:
                code = "product-and-exclude"
                message = f"The override for {show(override.code)} has a product and is excluded."
                remedy = "Keep one of `product` and `exclude`."
            elif twice:
                code, message = "product-twice", f"The override names {show(twice)} twice."
                remedy = "Name it once."
            else:
                continue
            facts.say(error(code, message, remedy, location=override.location, subject=_subject(customer)))


def override_codes(facts: Facts) -> None:
    """An override is for a code that has a row, unless it brings all that it needs."""
    for customer in facts.desired.customers if facts.complete else ():
        for override in customer.overrides:
            if override.code in facts.rows:
                continue
            alias = facts.aliases.get(override.code)
            if alias is not None:
                code, remedy = (
                    "override-alias",
                    f"Write {alias.code} here: it stands for all codes of its row.",
                )
                message = (
                    f"{show(override.code)} is another code of the row {show(alias.code)} ({alias.location})."
                )
            elif override.targets or override.exclude is not None:
                continue
            else:
                code, message = "unknown-code", f"There is no row for {show(override.code)} under `mappings`."
                remedy = did_you_mean(override.code, facts.rows) or (
                    "Add the row, or give a `product` or an `exclude` here."
                )
            facts.say(error(code, message, remedy, location=override.location, subject=_subject(customer)))


def firewall_once(facts: Facts) -> None:
    """A firewall is billed to one customer."""
    seen: dict[str, Location] = {}
    for customer in facts.desired.customers:
        for serial in customer.firewalls:
            first = seen.get(serial.casefold())
            seen.setdefault(serial.casefold(), customer.location)
            if first is not None:
                facts.say(
                    error(
                        "firewall-twice",
                        f"The firewall {show(serial)} is also listed at {first}.",
                        "Keep it at the customer who pays for it.",
                        location=customer.location,
                        subject=_subject(customer),
                    )
                )


def moved_elsewhere(facts: Facts) -> None:
    """A move leads from one agreement to another."""
    for customer in facts.desired.customers:
        if customer.moved_from is not None and _leads_nowhere(customer.moved_from, customer):
            facts.say(
                error(
                    "moved-from-itself",
                    "`movedFrom` names the place where the customer is.",
                    "Name the company or agreement where it was before, or remove `movedFrom`.",
                    location=customer.location,
                    subject=_subject(customer),
                )
            )


def _leads_nowhere(origin: Origin, customer: Customer) -> bool:
    """Whether a customer would move from where it is."""
    company = customer.company
    if origin.company is not None and (company is None or origin.company.key != company.key):
        return False
    return origin.agreement is None or _same_agreement(origin.agreement, customer.agreement)


def _same_agreement(one: AgreementSelector, other: AgreementSelector | None) -> bool:
    """Whether two selectors say the same; names and types compare as the planner compares them."""
    return other is not None and (one.id, *map(identifier_key, (one.name or "", one.type or ""))) == (
        other.id,
        *map(identifier_key, (other.name or "", other.type or "")),
    )


def shared_lines_agree(facts: Facts) -> None:
    """Two tenants on one agreement add up in one line, which can only have one set of terms."""
    seen: dict[tuple[object, object, str], tuple[Customer, LineTerms | None]] = {}
    products = {terms.product.key for customer in facts.desired.customers for terms in customer.lines}
    if not products:
        return
    for customer in facts.desired.customers:
        if customer.company is None or customer.agreement is None or customer.exclude is not None:
            continue
        own = {terms.product.key: terms for terms in customer.lines}
        for product in products:
            group = (customer.company.key, customer.agreement, product)
            first, terms = seen.setdefault(group, (customer, own.get(product)))
            if first is not customer and _billing(terms) != _billing(own.get(product)):
                facts.say(
                    error(
                        "terms-differ",
                        f"This customer and the one at {first.location} share an agreement, and their "
                        f"terms for {show((own.get(product) or terms or customer.lines[0]).product)} differ.",
                        "They add up in one line: write the same terms for both, or bill them on two "
                        "agreements.",
                        location=customer.location,
                        subject=_subject(customer),
                    )
                )


def _billing(terms: LineTerms | None) -> tuple[object, ...]:
    """What must be the same for two tenants of one line."""
    if terms is None:
        return (None,) * 11
    return (
        terms.count,
        terms.quantity,
        terms.blocks_of,
        terms.minimum,
        terms.maximum,
        terms.included,
        terms.per_serial,
        terms.take,
        dict(terms.when_new) or None,
        dict(terms.always) or None,
        (terms.line, terms.fixed) if terms.line else None,
    )


RULES = (
    tenant_once,
    billed_somewhere,
    until_needs_exclude,
    override_forms,
    override_codes,
    firewall_once,
    moved_elsewhere,
    shared_lines_agree,
)
