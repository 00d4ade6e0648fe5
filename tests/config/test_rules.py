"""Rules between rows and files: code and place. ▸ marks the place, in the file that says it last."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from reconciler.model.diagnostics import Severity
from tests.config.folders import OTHER, ROW, TENANT, loaded, said, unmark

if TYPE_CHECKING:
    from pathlib import Path

ZONE = "settings: {timeZone: UTC}\n"
TWO = "mappings:\n  A-MSP: {product: MSP-A, sync: true}\n  B-MSP: {product: MSP-A, sync: true}\n"
CUSTOMERS = ROW + ZONE + "customers:\n  "
ONE = f"{TENANT}: {{company: SAFELOG, agreement: Security}}\n  "
SECOND = f"{OTHER}: {{company: SAFELOG, agreement: Security, "
HOLD = "quantity: 1, reason: r, until: 2026-12-31}"

ERRORS = {
    # mappings
    "neither": ("product-or-exclude", ROW + "  ▸B-MSP: {sync: false}\n"),
    "both": ("product-and-exclude", ROW + "  ▸B-MSP: {product: P, exclude: why}\n"),
    "sync of nothing": ("sync-without-product", ROW + "  ▸B-MSP: {sync: true}\n"),
    "sync of an excluded one": ("sync-without-product", ROW + "  ▸B-MSP: {exclude: x, sync: true}\n"),
    "until alone": ("until-without-exclude", ROW + "  ▸B-MSP: {product: P, until: 2027-01-01}\n"),
    "product twice": ("product-twice", ROW + "  ▸B-MSP: {product: [P, Q, p]}\n"),
    "id twice": ("product-twice", ROW + "  ▸B-MSP: {product: [{id: 7}, {id: 7}]}\n"),
    "alias is a row": ("code-twice", ROW + "  ▸B-MSP: {product: P, alsoKnownAs: [A-MSP]}\n"),
    "alias is itself": ("code-twice", ROW + "  ▸B-MSP: {product: P, alsoKnownAs: [B-MSP]}\n"),
    "alias of two": (
        "code-twice",
        ROW + "  B-MSP: {product: P, alsoKnownAs: [Z-MSP]}\n  ▸C-MSP: {product: Q, alsoKnownAs: [Z-MSP]}\n",
    ),
    "alias twice": ("code-twice", ROW + "  ▸B-MSP: {product: P, alsoKnownAs: [Z-MSP, Z-MSP]}\n"),
    # products
    "declared twice": ("duplicate-key", ROW + "products:\n  MSP-A: {price: 1}\n  ▸msp-a: {price: 2}\n"),
    "renamed from itself": ("renamed-from-itself", ROW + "products:\n  MSP-A: {renamedFrom: ▸msp-a}\n"),
    "renamed from a declared one": (
        "renamed-from-declared",
        ROW + "products:\n  MSP-A: {renamedFrom: ▸MSP-B}\n  MSP-B: {price: 1}\n",
    ),
    "renamed in a circle": (
        "renamed-from-declared",
        ROW + "products:\n  MSP-A: {renamedFrom: ▸MSP-B}\n  MSP-B: {renamedFrom: MSP-A}\n",
    ),
    "renamed in a chain": (
        "renamed-from-declared",
        ROW + "products:\n  MSP-A: {renamedFrom: ▸MSP-B}\n  MSP-B: {renamedFrom: MSP-C}\n",
    ),
    "renamed twice": (
        "renamed-from-twice",
        ROW + "products:\n  MSP-A: {renamedFrom: OLD}\n  MSP-B: {renamedFrom: ▸old}\n",
    ),
    "old name still mapped": (
        "renamed-product-mapped",
        ROW + "  ▸B-MSP: {product: OLD}\nproducts:\n  MSP-A: {renamedFrom: OLD}\n",
    ),
    "replaces itself": ("replaces-itself", ROW + "products:\n  MSP-A: {replaces: ▸[msp-a]}\n"),
    "replace each other": (
        "replaces-each-other",
        ROW + "products:\n  MSP-A: {replaces: ▸[MSP-B]}\n  MSP-B: {replaces: [MSP-A]}\n",
    ),
    "follows no price": (
        "follow-without-price",
        ROW + "products:\n  MSP-A: {linePrice: ▸follow}\n",
    ),
    "sync to an inactive one": (
        "sync-inactive",
        "mappings:\n  ▸A-MSP: {product: msp-a, sync: true}\nproducts: {MSP-A: {inactiveFlag: true}}\n",
    ),
    "sync to a bundle": (
        "sync-bundle",
        "mappings:\n  ▸A-MSP: {product: MSP-A, sync: true}\nproducts: {MSP-A: {productClass: Bundle}}\n",
    ),
    # lines
    "count missing": ("count-missing", TWO.replace("B-MSP", "▸B-MSP")),
    "count missing in the terms": ("count-missing", TWO + "lines:\n  ▸MSP-A: {minimum: 5}\n"),
    "count missing by id": (
        "count-missing",
        "mappings:\n  A-MSP: {product: {id: 7}}\n  ▸B-MSP: {product: [X, {id: 7}]}\n",
    ),
    "count missing by an override": (
        "count-missing",
        CUSTOMERS + f"{TENANT}:\n    company: X\n    agreement: Y\n    overrides:\n"
        "      ▸B-MSP: {product: MSP-A}\n",
    ),
    "count by another code": ("count-unknown", TWO + "lines:\n  ▸MSP-A: {count: C-MSP}\n"),
    "terms of nothing": ("unknown-product", ROW + "lines:\n  ▸MSP-B: {minimum: 5}\n"),
    "terms twice": ("duplicate-key", ROW + "lines:\n  MSP-A: {minimum: 5}\n  ▸msp-a: {maximum: 6}\n"),
    "minimum above maximum": (
        "minimum-above-maximum",
        ROW + "lines:\n  ▸MSP-A: {minimum: 5, maximum: 4.5}\n",
    ),
    "customer's minimum above": (
        "minimum-above-maximum",
        ROW + ZONE + f"lines: {{MSP-A: {{maximum: 4}}}}\ncustomers:\n  {TENANT}:\n    exclude: x\n"
        "    lines:\n      ▸MSP-A: {minimum: 5}\n",
    ),
    "example of another code": (
        "example-code",
        ROW + "lines:\n  MSP-A:\n    examples:\n      - ▸{given: {B-MSP: 1}, expect: 1}\n",
    ),
    # customers
    "tenant twice": (
        "duplicate-key",
        CUSTOMERS + f"{TENANT}: {{exclude: x}}\n  ▸{TENANT.upper()}: {{exclude: y}}\n",
    ),
    "no company": ("missing-key", CUSTOMERS + f"▸{TENANT}: {{agreement: X}}\n"),
    "no agreement": ("missing-key", CUSTOMERS + f"▸{TENANT}: {{company: X}}\n"),
    "customer until alone": (
        "until-without-exclude",
        CUSTOMERS + f"▸{TENANT}: {{company: X, agreement: Y, until: 2027-01-01}}\n",
    ),
    "override until alone": (
        "until-without-exclude",
        CUSTOMERS + f"{TENANT}: {{exclude: x, overrides: {{▸A-MSP: {{product: P, until: 2027-01-01}}}}}}\n",
    ),
    "override of an unknown code": (
        "unknown-code",
        CUSTOMERS + f"{TENANT}: {{exclude: x, overrides: {{▸Z-MSP: {{agreement: Y}}}}}}\n",
    ),
    "override of another code": (
        "override-alias",
        "mappings: {A-MSP: {product: MSP-A, alsoKnownAs: [B-MSP]}}\n"
        + ZONE
        + f"customers:\n  {TENANT}: {{exclude: x, overrides: {{▸B-MSP: {{product: P}}}}}}\n",
    ),
    "override of both": (
        "product-and-exclude",
        CUSTOMERS + f"{TENANT}: {{exclude: x, overrides: {{▸A-MSP: {{product: P, exclude: y}}}}}}\n",
    ),
    "override twice": (
        "product-twice",
        CUSTOMERS + f"{TENANT}: {{exclude: x, overrides: {{▸A-MSP: {{product: [P, p]}}}}}}\n",
    ),
    "firewall at two": (
        "firewall-twice",
        CUSTOMERS
        + f"{TENANT}: {{exclude: x, firewalls: [c01]}}\n  ▸{OTHER}: {{exclude: x, firewalls: [C01]}}\n",
    ),
    "moved to where it was": (
        "moved-from-itself",
        CUSTOMERS + f"▸{TENANT}: {{company: X, agreement: Y, movedFrom: {{agreement: Y}}}}\n",
    ),
    "moved to where it was, spelled otherwise": (
        "moved-from-itself",
        CUSTOMERS + f"▸{TENANT}: {{company: X, agreement: {{type: MSP}}, "
        "movedFrom: {agreement: {type: msp}}}\n",
    ),
    "one line, two terms": (
        "terms-differ",
        CUSTOMERS + ONE + "▸" + SECOND + "lines: {MSP-A: {minimum: 5}}}\n",
    ),
    "customer's terms of nothing": (
        "unknown-product",
        CUSTOMERS + f"{TENANT}: {{exclude: x, lines: {{▸MSP-X: {{minimum: 5}}}}}}\n",
    ),
    "fixed alone": (
        "fixed-lines",
        CUSTOMERS + f"{TENANT}: {{exclude: x, lines: {{▸MSP-A: {{fixed: [1]}}}}}}\n",
    ),
    "fixed and not": (
        "fixed-lines",
        CUSTOMERS + f"{TENANT}: {{exclude: x, lines: {{▸MSP-A: {{line: 1, fixed: [1]}}}}}}\n",
    ),
    "fixed twice": (
        "fixed-lines",
        CUSTOMERS + f"{TENANT}: {{exclude: x, lines: {{▸MSP-A: {{line: 1, fixed: [2, 2]}}}}}}\n",
    ),
    "serials with a minimum": (
        "per-serial-terms",
        ROW + "lines:\n  ▸MSP-A: {perSerial: true, minimum: 5}\n",
    ),
    "serials with included units": (
        "per-serial-terms",
        ROW + "lines:\n  ▸MSP-A: {perSerial: true, included: 0}\n",
    ),
    "serials counted together": (
        "per-serial-terms",
        TWO + "lines:\n  ▸MSP-A: {perSerial: true, count: max}\n",
    ),
    "a customer's serials on one line": (
        "per-serial-terms",
        CUSTOMERS + f"{TENANT}: {{exclude: x, lines: {{▸MSP-A: {{perSerial: true, line: 1}}}}}}\n",
    ),
    "a customer's blocks over serials": (
        "per-serial-terms",
        CUSTOMERS + f"{TENANT}: {{exclude: x, lines: {{▸MSP-A: {{blocksOf: 5}}}}}}\n"
        "lines: {MSP-A: {perSerial: true}}\n",
    ),
    "a customer's serials over a maximum": (
        "per-serial-terms",
        CUSTOMERS + f"{TENANT}: {{exclude: x, lines: {{▸MSP-A: {{perSerial: true}}}}}}\n"
        "lines: {MSP-A: {maximum: 5}}\n",
    ),
    "line of two": (
        "line-twice",
        CUSTOMERS + f"{TENANT}: {{exclude: x, lines: {{MSP-A: {{line: 1}}}}}}\n"
        f"  {OTHER}: {{exclude: x, lines: {{▸MSP-A: {{line: 1}}}}}}\n",
    ),
    # holds and approvals
    "hold of nobody": (
        "unknown-customer",
        CUSTOMERS + ONE + "\nholds:\n  - ▸{customer: SAFELOK, product: MSP-A, " + HOLD + "\n",
    ),
    "hold of nothing": (
        "unknown-product",
        CUSTOMERS + ONE + "\nholds:\n  - ▸{customer: SAFELOG, product: MSP-B, " + HOLD + "\n",
    ),
    "two holds": (
        "hold-twice",
        CUSTOMERS + ONE + "\nholds:\n  - {customer: SAFELOG, product: MSP-A, " + HOLD + "\n"
        "  - ▸{customer: safelog, product: msp-a, " + HOLD + "\n",
    ),
    "hold over": (
        "expired",
        CUSTOMERS + ONE + "\nholds:\n  - ▸{customer: SAFELOG, product: MSP-A, quantity: 1, reason: r, "
        "until: 2026-11-21}\n",
    ),
    "approval of tomorrow": (
        "given-later",
        CUSTOMERS + ONE + "\napprovals:\n  - ▸{customer: SAFELOG, product: MSP-A, from: 1, upTo: 2, "
        "given: 2026-11-23, reason: r, until: 2026-12-31}\n",
    ),
    "approval of this afternoon": (
        "given-later",
        CUSTOMERS + ONE + "\napprovals:\n  - ▸{customer: SAFELOG, product: MSP-A, from: 1, upTo: 2, "
        "given: 2026-11-22T12:11:00Z, reason: r, until: 2026-12-31}\n",
    ),
    "protected customer without a row": ("protected-customer", ROW + "protected: [▸customer/NOBODY]\n"),
    "protected customer excluded": (
        "protected-customer",
        CUSTOMERS + f"▸{TENANT}: {{company: KEY, agreement: X, exclude: r}}\nprotected: [customer/key]\n",
    ),
    "protected customer not synced": (
        "protected-customer",
        CUSTOMERS + f"▸{TENANT}: {{company: KEY, agreement: X, sync: false}}\nprotected: [customer/KEY]\n",
    ),
    "protected customer's product excluded": (
        "protected-customer",
        CUSTOMERS + f"{TENANT}: {{company: KEY, agreement: X, sync: true, "
        "overrides: {▸A-MSP: {exclude: r}}}\nprotected: [customer/KEY]\n",
    ),
    "approval of nothing": (
        "approval-of-nothing",
        CUSTOMERS + ONE + "\napprovals:\n"
        "  - ▸{customer: SAFELOG, product: MSP-A, from: 5, upTo: 5.0, given: 2026-11-20, "
        "reason: r, until: 2026-12-31}\n",
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_error(tmp_path: Path, case: str) -> None:
    code, marked = ERRORS[case]
    text, place = unmark(marked)
    result = loaded(tmp_path, text)
    assert f"{code} {place}" in said(result, Severity.ERROR)
    assert result.desired is None
    assert len(said(result, Severity.ERROR)) <= 2
    assert all(d.remedy for d in result.diagnostics)


WARNINGS = {
    "code by case": ("code-spelling", ROW + "  ▸a-MSP: {product: P}\n"),
    "other code by case": ("code-spelling", ROW + "  ▸B-MSP: {product: P, alsoKnownAs: [a-msp]}\n"),
    "product by case": (
        "identifier-spelling",
        "mappings:\n  A-MSP: {product: ▸msp-a}\nproducts: {MSP-A: {price: 1}}\n",
    ),
    "product with blanks": ("identifier-spelling", ROW + "  B-MSP: {product: ▸'P '}\n"),
    "terms by case": ("identifier-spelling", ROW + "lines:\n  ▸Msp-a: {minimum: 1}\n"),
    "override by case": (
        "identifier-spelling",
        CUSTOMERS
        + f"{TENANT}: {{exclude: x, overrides: {{B-MSP: {{product: ▸Msp-A}}, A-MSP: {{agreement: Y}}}}}}\n"
        "lines: {MSP-A: {count: sum}}\n",
    ),
    "company by case": (
        "identifier-spelling",
        CUSTOMERS + ONE + "\nholds:\n  - {customer: ▸Safelog, product: MSP-A, " + HOLD + "\n",
    ),
    "unmapped": ("product-unmapped", ROW + "products:\n  ▸MSP-B: {price: 1}\n"),
    "exclusion over": ("expired", ROW + "  ▸B-MSP: {exclude: x, until: 2026-11-21}\n"),
    "customer's exclusion over": (
        "expired",
        CUSTOMERS + f"▸{TENANT}: {{exclude: x, until: 2026-11-21}}\n",
    ),
    "override over": (
        "expired",
        CUSTOMERS + f"{TENANT}: {{exclude: x, overrides: {{▸A-MSP: {{exclude: x, until: 2026-11-21}}}}}}\n",
    ),
    "no time zone": ("time-zone-missing", ROW + f"customers:\n  ▸{TENANT}: {{exclude: x}}\n"),
    "empty section": ("empty-section", ROW + "▸lines:\n"),
}


@pytest.mark.parametrize("case", WARNINGS)
def test_warning(tmp_path: Path, case: str) -> None:
    code, marked = WARNINGS[case]
    text, place = unmark(marked)
    result = loaded(tmp_path, text)
    assert any(entry == f"{code} {place}" for entry in said(result, Severity.WARNING)), said(result)
    assert result.desired is not None, said(result)
    assert all(d.remedy for d in result.diagnostics)


@pytest.mark.parametrize(
    "text",
    [
        ROW,
        TWO + "lines: {msp-a: {count: sum}}\n".replace("msp-a", "MSP-A"),
        TWO + "lines: {MSP-A: {count: B-MSP}}\n",
        # A code that Sophos replaced is the same product; it is not a second one that shares it.
        "mappings: {A-MSP: {product: MSP-A, alsoKnownAs: [B-MSP]}}\nlines: {MSP-A: {count: B-MSP}}\n",
        ROW + "products: {MSP-A: {renamedFrom: OLD, replaces: [OLDER]}}\n",
        "mappings: {A-MSP: {product: MSP-A, sync: false}}\nproducts: {MSP-A: {inactiveFlag: true}}\n",
        CUSTOMERS + ONE + SECOND + "sync: true}\n",
        CUSTOMERS
        + ONE
        + f"{OTHER}: {{company: OTHER, agreement: Security, lines: {{MSP-A: {{minimum: 5}}}}}}\n",
        CUSTOMERS + f"{TENANT}: {{exclude: trial, until: 2026-11-22, company: X, agreement: Y}}\n",
        CUSTOMERS + f"{TENANT}: {{company: X, agreement: Y, overrides: {{Z-MSP: {{product: P}}}}}}\n",
        CUSTOMERS + f"{TENANT}: {{company: X}}\ndefaults: {{customers: {{agreement: {{type: MSP}}}}}}\n",
        CUSTOMERS + ONE + f"\nholds: [{{customer: {TENANT.upper()}, product: MSP-A, {HOLD}]\n",
        ROW + "protected: [GONE]\n",
        CUSTOMERS + SECOND + "sync: true}\nprotected: [customer/safelog]\n",
        CUSTOMERS + f"{TENANT}: {{company: {{id: 7}}, agreement: X}}\nprotected: [customer/ANYBODY]\n",
        ROW + "products: {MSP-A: {linePrice: follow, price: 4.50}}\n",
        TWO + "lines: {MSP-A: {perSerial: true, count: sum}}\n",
        CUSTOMERS + f"{TENANT}: {{exclude: x, lines: {{MSP-A: {{perSerial: false, minimum: 5}}}}}}\n"
        "lines: {MSP-A: {perSerial: true}}\n",
        # A price of 0 that is declared is meant.
        ROW + "lines: {MSP-A: {whenNew: {billCustomer: Billable, unitPrice: 0}}}\n",
    ],
)
def test_nothing_to_say(tmp_path: Path, text: str) -> None:
    result = loaded(tmp_path, text)
    assert said(result) == []
    assert result.desired is not None


def test_dates_matter_only_with_a_day(tmp_path: Path) -> None:
    text = ROW + "  B-MSP: {exclude: x, until: 2026-11-22}\n"
    assert said(loaded(tmp_path, text, today=None)) == []
    assert said(loaded(tmp_path, text, today=date(2026, 11, 22))) == []
    assert said(loaded(tmp_path, text, today=date(2026, 11, 23))) == ["expired 3:3"]


def test_an_approval_whose_last_day_has_passed_is_a_notice(tmp_path: Path) -> None:
    """It lets nothing through any more, so that nothing changes by itself; a hold's number would."""
    row = "{customer: SAFELOG, product: MSP-A, from: 1, upTo: 2, given: 2026-11-20, reason: r"
    result = loaded(tmp_path, CUSTOMERS + ONE + f"\napprovals:\n  - {row}, until: 2026-11-21}}\n")
    assert (said(result, Severity.NOTICE), result.desired is not None) == (["expired 8:5"], True)


@pytest.mark.parametrize(
    "text", ["mappings: {}\n", "settings: {mode: live}\n", "mappings:\n", "# nothing\n", ""]
)
def test_no_row_at_all(tmp_path: Path, text: str) -> None:
    result = loaded(tmp_path, text)
    assert "no-mappings" in said(result, Severity.ERROR)
    assert result.desired is None


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (ROW, "mappings:\n  ▸A-MSP: {product: Q}\n"),
        (ROW + "settings: {mode: live}\n", "settings: {▸mode: shadow}\n"),
        (ROW + "settings: {guards: {planAge: off}}\n", "settings: {▸guards: {lineToZero: off}}\n"),
        (ROW + "defaults: {customers: {sync: true}}\n", "defaults: {▸customers: {sync: true}}\n"),
        (ROW + "products: {P: {price: 1}}\n", "products: {▸P: {price: 1}}\n"),
    ],
)
def test_the_same_key_in_two_files(tmp_path: Path, one: str, two: str) -> None:
    text, place = unmark(two)
    result = loaded(tmp_path, one, text)
    assert f"duplicate-key {place}" in said(result, Severity.ERROR)
    (found,) = [d for d in result.diagnostics if d.code == "duplicate-key"]
    assert found.location is not None
    assert found.location.file.endswith("b.yaml")
    assert "a.yaml:" in found.message


def test_versions_may_stand_in_every_file(tmp_path: Path) -> None:
    assert said(loaded(tmp_path, "version: 1\n" + ROW, "version: 1\nprotected: [P]\n")) == []


def test_sections_of_two_kinds(tmp_path: Path) -> None:
    result = loaded(tmp_path, ROW + "protected: [P]\n", "protected: {P: Q}\nmappings: [A]\n")
    assert said(result, Severity.ERROR) == ["wrong-type 1:12", "wrong-type 2:11"]


def test_a_typo_does_not_bring_others(tmp_path: Path) -> None:
    text = "mappings: {A-MSP: {prodct: MSP-A}}\nlines: {MSP-A: {minimum: 5}}\nproducts: {MSP-A: {price: 1}}\n"
    assert said(loaded(tmp_path, text)) == ["unknown-key 1:20"]


def test_what_hides_nothing_hides_no_error(tmp_path: Path) -> None:
    text = ROW + "settings: {mode: x}\nlines: {MSP-B: {minimum: 5}}\n"
    assert said(loaded(tmp_path, text)) == ["not-one-of 3:18", "unknown-product 4:9"]


def test_a_broken_file_does_not_bring_others(tmp_path: Path) -> None:
    assert said(loaded(tmp_path, "lines: {MSP-A: {minimum: 5}}\n", "mappings: {")) == ["yaml-syntax 2:1"]


def test_an_alias_is_complained_about_once(tmp_path: Path) -> None:
    text = "mappings: {A-MSP: {product: [&p {id: '7'}, *p]}}\n"
    assert said(loaded(tmp_path, text)) == ["quoted-number 1:38"]
