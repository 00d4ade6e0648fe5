"""Rules about how products are counted and billed, under `lines` and under a customer's `lines`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.config.wording import did_you_mean, either, sentences, show
from reconciler.model.diagnostics import error
from reconciler.model.money import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.config.rules.facts import Facts
    from reconciler.model.desired import LineTerms
    from reconciler.model.diagnostics import Diagnostic, Location


def _all_terms(facts: Facts) -> Iterator[LineTerms]:
    yield from facts.desired.lines
    for customer in facts.desired.customers:
        yield from customer.lines


def _subject(terms: LineTerms) -> str:
    return f"product/{terms.product}"


def known_product(facts: Facts) -> None:
    """Terms of a product that nothing maps to are without effect, so that they are a typo."""
    for terms in _all_terms(facts) if facts.complete else ():
        if terms.product.key not in facts.targets:
            facts.say(unknown_product(facts, str(terms.product), terms.location))


def unknown_product(facts: Facts, name: str, location: Location) -> Diagnostic:
    """The error for a product that no row or override names."""
    return error(
        "unknown-product",
        f"No row or override maps to {show(name)}.",
        did_you_mean(name, (target.text for target in facts.targets.values()))
        or "Map a Sophos product to it, or remove this.",
        location=location,
        subject=f"product/{name}",
    )


def terms_once(facts: Facts) -> None:
    """Identifiers compare without case here as well."""
    groups = [facts.desired.lines, *(customer.lines for customer in facts.desired.customers)]
    for group in groups:
        seen: dict[str, LineTerms] = {}
        for terms in group:
            first = seen.setdefault(terms.product.key, terms)
            if first is not terms:
                facts.say(
                    error(
                        "duplicate-key",
                        f"{show(terms.product)} is the product {show(first.product)} at {first.location}: "
                        "identifiers compare without capitals and outer blanks.",
                        "Keep one of them.",
                        location=terms.location,
                        subject=_subject(terms),
                    )
                )


def count_given(facts: Facts) -> None:
    """Two codes at one tenant can be the same seats or more seats; only the MSP knows."""
    terms = {line.product.key: line for line in facts.desired.lines}
    for key, target in facts.targets.items():
        own = terms.get(key)
        refused = any(path[:1] == ("lines",) for path in facts.document.wrong)
        if len(target.codes) < 2 or not facts.complete or refused or (own and own.count):
            continue
        location = own.location if own else list(target.codes.values())[1]
        key_text = f'"{target.text}"' if target.text.startswith("#") else target.text
        facts.say(
            error(
                "count-missing",
                f"{either(sorted(target.codes)).replace(' or ', ' and ')} share the product "
                f"{show(target.text)}, and nothing says how they are counted together.",
                f"Add under `lines`: {key_text}: {{count: sum}}, or max, or the one code that leads.",
                location=location,
                subject=f"product/{target.text}",
            )
        )


def count_is_a_code(facts: Facts) -> None:
    """A leading code must be one that the product bills."""
    for terms in _all_terms(facts):
        target = facts.targets.get(terms.product.key)
        if terms.count in (None, "sum", "max") or target is None or not facts.complete:
            continue
        codes = {*target.codes, *target.aliases}
        if terms.count not in codes:
            facts.say(
                error(
                    "count-unknown",
                    f"`count` is {show(terms.count)}, which is not mapped to {show(target.text)}.",
                    sentences(
                        did_you_mean(str(terms.count), (*codes, "sum", "max")),
                        f"It is sum, max or one of {either(sorted(codes))}.",
                    ),
                    location=terms.location,
                    subject=_subject(terms),
                )
            )


def least_and_most(facts: Facts) -> None:
    """The minimum that counts is not above the maximum that counts, also after a customer's own terms."""
    general = {line.product.key: line for line in facts.desired.lines}
    for terms in _all_terms(facts):
        base = general.get(terms.product.key, terms)
        least = terms.minimum if terms.minimum is not None else base.minimum
        most = terms.maximum if terms.maximum is not None else base.maximum
        said_here = terms.minimum is not None or terms.maximum is not None
        if said_here and least is not None and most is not None and least > most:
            where = "" if base is terms else f" (with {base.location})"
            facts.say(
                error(
                    "minimum-above-maximum",
                    f"The minimum {plain(least)} is above the maximum {plain(most)}{where}.",
                    "Correct one of them.",
                    location=terms.location,
                    subject=_subject(terms),
                )
            )


def examples_name_codes(facts: Facts) -> None:
    """An example can only give usage of codes that the product bills."""
    for terms in facts.desired.lines if facts.complete else ():
        target = facts.targets.get(terms.product.key)
        if target is None:
            continue
        codes = {*target.codes, *target.aliases}
        for example in terms.examples:
            for code in example.given:
                if code not in codes:
                    facts.say(
                        error(
                            "example-code",
                            f"The example gives usage of {show(code)}, which is not mapped to "
                            f"{show(target.text)}.",
                            did_you_mean(code, codes) or f"Mapped to it: {either(sorted(codes))}.",
                            location=example.location,
                            subject=_subject(terms),
                        )
                    )


def fixed_lines(facts: Facts) -> None:
    """`fixed` lines leave a rest to `line`, which is another one."""
    for customer in facts.desired.customers:
        for terms in customer.lines:
            if terms.fixed and terms.line is None:
                message, remedy = "`fixed` stands without `line`.", "Name the line that carries the rest."
            elif terms.line in terms.fixed:
                message, remedy = f"Line {terms.line} is fixed and carries the rest.", "It can only be one."
            elif len(set(terms.fixed)) < len(terms.fixed):
                message, remedy = "A line stands twice in `fixed`.", "Name it once."
            else:
                continue
            facts.say(error("fixed-lines", message, remedy, location=terms.location, subject=_subject(terms)))


#: Why each of these cannot stand where every firewall has a line of its own.
_NOT_PER_SERIAL = {
    "count": "each firewall is counted for itself, so that only `sum` fits",
    "blocksOf": "blocks are for the line of all units",
    "minimum": "it would hold for each firewall's line",
    "maximum": "it would hold for each firewall's line",
    "included": "the units would be included on each firewall's line again",
    "line": "no single line carries the product",
    "fixed": "no line carries what is left",
}


def serials_alone(facts: Facts) -> None:
    """What is said of the one line of a product cannot stand where there is a line for each firewall."""
    general = {line.product.key: line for line in facts.desired.lines}
    for terms in _all_terms(facts):
        base = general.get(terms.product.key, terms)
        per_serial = base.per_serial if terms.per_serial is None else terms.per_serial
        here, there = _of_one_line(terms), _of_one_line(base)
        if not per_serial or not (here or (there and terms.per_serial)):
            continue
        name = next(iter(here or there))
        elsewhere = base is not terms and not (here and terms.per_serial)
        where = f" (with {base.location})" if elsewhere else ""
        facts.say(
            error(
                "per-serial-terms",
                f"`perSerial` and `{name}` stand together{where}: {_NOT_PER_SERIAL[name]}.",
                f"Remove `{name}`, or `perSerial`: all firewalls then share one line.",
                location=terms.location,
                subject=_subject(terms),
            )
        )


def _of_one_line(terms: LineTerms) -> dict[str, object]:
    """The terms of this row that are about the one line of a product. Two codes need `count: sum` anyway."""
    stated: dict[str, object] = {
        "count": None if terms.count == "sum" else terms.count,
        "blocksOf": terms.blocks_of,
        "minimum": terms.minimum,
        "maximum": terms.maximum,
        "included": terms.included,
        "line": terms.line,
        "fixed": terms.fixed or None,
    }
    return {key: value for key, value in stated.items() if value is not None}


def lines_once(facts: Facts) -> None:
    """A line of an agreement carries one product of one customer."""
    seen: dict[int, LineTerms] = {}
    for customer in facts.desired.customers:
        for terms in customer.lines:
            for line in dict.fromkeys((*([terms.line] if terms.line else []), *terms.fixed)):
                first = seen.setdefault(line, terms)
                if first is not terms:
                    facts.say(
                        error(
                            "line-twice",
                            f"Line {line} is also named at {first.location}.",
                            "A line carries one product of one customer.",
                            location=terms.location,
                            subject=_subject(terms),
                        )
                    )


RULES = (
    known_product,
    terms_once,
    count_given,
    count_is_a_code,
    least_and_most,
    examples_name_codes,
    fixed_lines,
    serials_alone,
    lines_once,
)
