"""What one file can get wrong: the code and the place of every refusal. ▸ marks the place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.model.diagnostics import Severity
from tests.config.folders import ROW, TENANT, loaded, said, unmark

if TYPE_CHECKING:
    from pathlib import Path

A_PRODUCT = "mappings:\n  A-MSP: {product: P}\nproducts:\n  P:\n    "
A_ROW = "mappings:\n  A-MSP: "
A_SETTING = ROW + "settings:\n  "
A_LINE = ROW + "lines:\n  MSP-A: "
A_CUSTOMER = ROW + "settings: {timeZone: UTC}\ncustomers:\n  "
A_HOLD = ROW + "holds:\n  - "
AN_APPROVAL = ROW + "approvals:\n  - "
HELD = "{customer: X, product: MSP-A, quantity: 1, reason: r, until: 2026-12-31}\n"
GIVEN = "{customer: X, product: MSP-A, from: 1, upTo: 2, given: ▸%s, reason: r, until: 2026-12-31}\n"

REFUSED = {
    # YAML itself
    "syntax": ("yaml-syntax", "mappings: a▸: b\n"),
    "conflict": (
        "conflict-marker",
        ROW + "▸<<<<<<< HEAD\n  B-MSP: {product: P}\n=======\n  B-MSP: {product: Q}\n>>>>>>> other\n",
    ),
    "conflict before": ("conflict-marker", "▸<<<<<<< HEAD\n" + ROW + "=======\n" + ROW + ">>>>>>> other\n"),
    "half a conflict": ("conflict-marker", ROW + "▸>>>>>>> other\n"),
    "no closing bracket": ("yaml-syntax", "mappings: {A-MSP: {product: P}\n▸"),
    "tab": ("yaml-syntax", ROW + "▸\tx: y\n"),
    "no-break space before a key": ("yaml-syntax", ROW + "▸\u00a0\u00a0B-MSP: {product: P}\n"),
    "no-break space after blanks": ("yaml-syntax", "mappings:\n  A-MSP:\n  ▸\u00a0\u00a0product: P\n"),
    "wide blank before a list": ("yaml-syntax", ROW + "protected:\n▸\u3000- P: x\n"),
    "second document": ("several-documents", ROW + "▸---\nlines: {}\n"),
    "python tag": ("yaml-tag", A_ROW + "{product: ▸!!python/object/apply:os.system [x]}\n"),
    "include tag": ("yaml-tag", A_ROW + "▸!include other.yaml\n"),
    "string tag": ("yaml-tag", A_ROW + "{product: ▸!!str P}\n"),
    "merge key": ("merge-key", A_ROW + "&a {product: P}\n  B-MSP: {▸<<: *a, sync: true}\n"),
    "undefined alias": ("undefined-alias", A_ROW + "▸*nothing\n"),
    "recursive alias": ("recursive-alias", A_ROW + "&a {product: [▸*a]}\n"),
    "deep": ("too-deep", "[" * 20 + "▸[" + "]" * 21),
    "list as a key": ("bad-key", "mappings:\n  ? ▸[a]\n  : {product: P}\n"),
    "empty key": ("bad-key", "mappings: {▸~: {product: P}}\n"),
    "key twice": ("duplicate-key", ROW + "  ▸A-MSP: {product: Q}\n"),
    "section twice": ("duplicate-key", ROW + "▸mappings: {B-MSP: {product: Q}}\n"),
    "field twice": ("duplicate-key", A_ROW + "{product: P, ▸product: Q}\n"),
    "bidi in the open": ("hidden-character", A_ROW + "{product: P▸\u202eX}\n"),
    "bidi in a comment": ("hidden-character", ROW + "# safe ▸\u2066 or not\n"),
    "bidi as an escape": ("hidden-character", A_ROW + '{product: ▸"P\\u202eX"}\n'),
    "bidi in a reason": ("hidden-character", A_ROW + '{exclude: ▸"a\\u2067b"}\n'),
    "no width": ("hidden-character", A_ROW + "{product: P▸\u200bX}\n"),
    "byte order mark inside": ("hidden-character", ROW + "▸\ufeff\n"),
    "nul": ("hidden-character", ROW + "▸\x00\n"),
    "escape character": ("hidden-character", A_ROW + '{exclude: ▸"\\e[31m"}\n'),
    "line separator": ("hidden-character", A_ROW + '{exclude: ▸"a\\Lb"}\n'),
    # shapes
    "a text": ("wrong-type", "▸hello\n"),
    "a list": ("wrong-type", "▸- a\n- b\n"),
    "section of the wrong kind": ("wrong-type", "mappings: ▸[]\n"),
    "list section of the wrong kind": ("wrong-type", ROW + "protected: ▸{A: b}\n"),
    "row without keys": ("wrong-type", A_ROW + "▸MSP-A\n"),
    "empty row": ("empty", A_ROW + "▸{}\n"),
    "nothing": ("wrong-type", "mappings:\n  A-MSP:▸\n"),
    "product null": ("wrong-type", A_ROW + "{product: ▸null}\n"),
    "no product in the list": ("empty", A_ROW + "{product: ▸[]}\n"),
    "list in the list": ("wrong-type", A_ROW + "{product: [P, ▸[Q]]}\n"),
    "unknown section": ("unknown-key", ROW + "▸product: {}\n"),
    "unknown key": ("unknown-key", A_ROW + "{product: P, ▸snyc: true}\n"),
    "unknown field": ("unknown-key", A_PRODUCT + "▸descripton: x\n"),
    "category": ("unknown-key", A_PRODUCT + "▸category: x\n"),
    "unknown key in a selector": ("unknown-key", A_ROW + "{product: {id: 7, ▸name: P}}\n"),
    "selector without an id": ("missing-key", A_ROW + "{▸product: {}}\n"),
    "id as a text": ("quoted-number", A_ROW + "{product: {id: ▸'7'}}\n"),
    "id zero": ("too-small", A_ROW + "{product: {id: ▸0}}\n"),
    "id too large": ("too-large", A_ROW + "{product: {id: ▸2147483648}}\n"),
    "another version": ("unsupported-version", ROW + "version: ▸2\n"),
    "version text": ("not-a-number", ROW + "version: ▸one\n"),
    # numbers and flags
    "decimal comma": ("decimal-comma", A_PRODUCT + "price: ▸4,50\n"),
    "thousands and comma": ("decimal-comma", A_PRODUCT + "price: ▸1.234,50\n"),
    "decimal comma in braces": ("decimal-comma", "products: {P: {price: 4,▸50}}\n" + ROW),
    "underscore": ("not-a-number", A_PRODUCT + "price: ▸1_000\n"),
    "thousands comma": ("decimal-comma", A_PRODUCT + "price: ▸1,000\n"),
    "exponent": ("not-a-number", A_PRODUCT + "price: ▸1e3\n"),
    "hexadecimal": ("not-a-number", A_PRODUCT + "price: ▸0x1F\n"),
    "octal": ("not-a-number", A_PRODUCT + "price: ▸0o17\n"),
    "leading zero": ("not-a-number", A_PRODUCT + "price: ▸007\n"),
    "plus": ("not-a-number", A_PRODUCT + "price: ▸+4\n"),
    "infinity": ("not-a-number", A_PRODUCT + "price: ▸.inf\n"),
    "not a number": ("not-a-number", A_PRODUCT + "price: ▸.nan\n"),
    "sexagesimal": ("not-a-number", A_PRODUCT + "price: ▸12:30\n"),
    "currency": ("not-a-number", A_PRODUCT + "price: ▸4.50 EUR\n"),
    "quoted number": ("quoted-number", A_PRODUCT + "price: ▸'4.50'\n"),
    "huge": ("not-a-number", A_PRODUCT + "price: ▸" + "9" * 500 + "\n"),
    "too large": ("too-large", A_PRODUCT + "price: ▸1000000001\n"),
    "five places": ("too-many-decimals", A_PRODUCT + "price: ▸4.50505\n"),
    "five places on a line": ("too-many-decimals", A_LINE + "{whenNew: {unitPrice: ▸9.99999}}\n"),
    "three places of a quantity": ("too-many-decimals", A_LINE + "{minimum: ▸1.005}\n"),
    "negative": ("too-small", A_PRODUCT + "price: ▸-1\n"),
    "half a unit in stock": ("not-a-number", A_PRODUCT + "minStockLevel: ▸1.5\n"),
    "yes": ("not-a-boolean", A_ROW + "{product: P, sync: ▸yes}\n"),
    "on": ("not-a-boolean", A_ROW + "{product: P, sync: ▸on}\n"),
    "capital": ("not-a-boolean", A_ROW + "{product: P, sync: ▸True}\n"),
    "quoted flag": ("not-a-boolean", A_ROW + "{product: P, sync: ▸'true'}\n"),
    "one": ("not-a-boolean", A_ROW + "{product: P, sync: ▸1}\n"),
    "list of flags": ("wrong-type", A_ROW + "{product: P, sync: ▸[true]}\n"),
    # texts
    "too long": ("too-long", A_PRODUCT + "description: ▸" + "x" * 51 + "\n"),
    "identifier too long": ("too-long", A_ROW + "{product: ▸" + "x" * 61 + "}\n"),
    "key too long": ("too-long", ROW + "products:\n  ▸" + "x" * 61 + ": {price: 1}\n"),
    "empty text": ("empty-text", A_PRODUCT + "description: ▸''\n"),
    "blanks": ("empty-text", A_PRODUCT + "description: ▸'  '\n"),
    "reason as it was printed": ("placeholder", A_HOLD + HELD.replace("reason: r", "reason: ▸…")),
    "reason in dots": ("placeholder", A_HOLD + HELD.replace("reason: r", "reason: ▸...")),
    "reason without a word": ("placeholder", A_HOLD + HELD.replace("reason: r", "reason: ▸'?'")),
    "reason of the help": ("placeholder", A_HOLD + HELD.replace("reason: r", "reason: ▸TEXT")),
    "last day as it was printed": ("placeholder", A_HOLD + HELD.replace("2026-12-31", "▸…")),
    "quantity as it was printed": ("placeholder", A_HOLD + HELD.replace("quantity: 1", "quantity: ▸…")),
    "exclusion as it was printed": ("placeholder", A_ROW + "{exclude: ▸…}\n"),
    "line as it was printed": ("placeholder", A_LINE + "{fixed: [▸…]}\n"),
    "agreement as it was printed": ("placeholder", A_CUSTOMER + f"{TENANT}: {{company: X, agreement: ▸…}}\n"),
    "row with its dots": ("placeholder", A_ROW + "{▸…, product: P}\n"),
    "empty reason": ("empty-text", A_ROW + "{exclude: ▸''}\n"),
    "blank reason": ("empty-text", A_ROW + "{exclude: ▸'   '}\n"),
    "cannot be cleared": ("not-clearable", A_PRODUCT + "description: ▸null\n"),
    "cannot be cleared, empty": ("not-clearable", A_PRODUCT + "taxableFlag:▸\n"),
    "null in capitals": ("ambiguous-null", A_PRODUCT + "vendorSku: ▸NULL\n"),
    "choice": ("not-one-of", A_PRODUCT + "productClass: ▸agreement\n"),
    "identifier with a quote": ("unsafe-identifier", A_ROW + "{product: ▸O'P}\n"),
    "identifier with a bracket": ("unsafe-identifier", A_ROW + "{product: ▸'P[1]'}\n"),
    "identifier with percent": ("unsafe-identifier", A_ROW + "{product: [Q, ▸P%]}\n"),
    "identifier with a backslash": ("unsafe-identifier", ROW + "products:\n  ▸P\\Q: {price: 1}\n"),
    "identifier with a line break": ("unsafe-identifier", A_ROW + '{product: ▸"P\\nQ"}\n'),
    "identifier ending in a line break": ("unsafe-identifier", A_ROW + '{product: ▸"P\\n"}\n'),
    "identifier with a hard blank": ("unsafe-identifier", A_ROW + "{product: ▸P\u00a0Q}\n"),
    "identifier like an id": ("malformed", A_ROW + "{product: ▸'#7'}\n"),
    "code with a line break": ("malformed", 'mappings:\n  ▸"A-MSP\\n": {product: P}\n'),
    "code with blanks around": ("malformed", 'mappings:\n  ▸" A-MSP": {product: P}\n'),
    "empty code": ("empty-text", 'mappings:\n  ▸"": {product: P}\n'),
    "alias code": ("malformed", A_ROW + '{product: P, alsoKnownAs: [▸"B\\tC"]}\n'),
    "no other codes": ("empty", A_ROW + "{product: P, alsoKnownAs: ▸[]}\n"),
    "vendor": ("unsafe-identifier", A_PRODUCT + "vendor: ▸O'Neil\n"),
    "protected": ("unsafe-identifier", ROW + "protected: [▸'P%']\n"),
    "protected nothing": ("malformed", ROW + "protected: [▸customer/]\n"),
    # dates
    "date form": ("malformed", A_ROW + "{exclude: x, until: ▸31.12.2026}\n"),
    "date not in the calendar": ("bad-date", A_ROW + "{exclude: x, until: ▸2026-02-30}\n"),
    "date and time": ("malformed", A_ROW + "{exclude: x, until: ▸2026-12-31T00:00:00}\n"),
    # settings
    "owner": ("malformed", A_SETTING + "owner: ▸our company\n"),
    "mode": ("not-one-of", A_SETTING + "mode: ▸dry-run\n"),
    "zone": ("unknown-time-zone", A_SETTING + "timeZone: ▸Europe/Lisboa\n"),
    "zone of the machine": ("unknown-time-zone", A_SETTING + "timeZone: ▸localtime\n"),
    "region": ("unknown-time-zone", A_SETTING + "timeZone: ▸Europe\n"),
    "zone path": ("malformed", A_SETTING + "timeZone: ▸../../etc/passwd\n"),
    "zone path inside": ("unknown-time-zone", A_SETTING + "timeZone: ▸Europe//Lisbon/x\n"),
    "currency setting": ("malformed", A_SETTING + "currency: ▸eur\n"),
    "marker": ("missing-key", A_SETTING + "▸marker: {}\n"),
    "guard word": ("malformed", A_SETTING + "guards: {lineChange: ▸none}\n"),
    "guard flag": ("malformed", A_SETTING + "guards: {runChange: ▸false}\n"),
    "guard percent": ("too-large", A_SETTING + "guards: {feedTenants: {percent: ▸101}}\n"),
    "guard count": ("not-a-number", A_SETTING + "guards: {productToZero: {customers: ▸2.5}}\n"),
    "guard key": ("unknown-key", A_SETTING + "guards: {lineChange: {▸unit: 2}}\n"),
    "guard to zero": ("not-one-of", A_SETTING + "guards: {lineToZero: ▸true}\n"),
    # lines
    "count": ("malformed", A_LINE + "{count: ▸'*'}\n"),
    "blocks of none": ("too-small", A_LINE + "{blocksOf: ▸0}\n"),
    "negative minimum": ("too-small", A_LINE + "{minimum: ▸-1}\n"),
    "take": ("not-one-of", A_LINE + "{take: ▸first}\n"),
    "line under lines": ("unknown-key", A_LINE + "{▸line: 7}\n"),
    "unknown field of a line": ("unknown-key", A_LINE + "{always: {▸quantity: 7}}\n"),
    "example without a result": ("missing-key", A_LINE + "{examples: [▸{given: {A-MSP: 1}}]}\n"),
    "negative usage": ("too-small", A_LINE + "{examples: [{given: {A-MSP: ▸-1}, expect: 1}]}\n"),
    # customers
    "tenant id": ("malformed", A_CUSTOMER + "▸718b6047: {company: X, agreement: Y}\n"),
    "agreement by two": (
        "wrong-type",
        A_CUSTOMER + TENANT + ": {company: X, agreement: ▸{id: 1, type: MSP}}\n",
    ),
    "agreement by none": ("wrong-type", A_CUSTOMER + TENANT + ": {company: X, agreement: ▸{}}\n"),
    "company too long": ("too-long", A_CUSTOMER + TENANT + ": {agreement: A, company: ▸" + "x" * 31 + "}\n"),
    "moved from": ("empty", A_CUSTOMER + TENANT + ": {exclude: x, movedFrom: ▸{}}\n"),
    "serial": ("malformed", A_CUSTOMER + TENANT + ": {exclude: x, firewalls: [▸'C 01']}\n"),
    "empty override": ("empty", A_CUSTOMER + TENANT + ": {exclude: x, overrides: {A-MSP: ▸{}}}\n"),
    # holds and approvals
    "hold without an end": (
        "missing-key",
        A_HOLD + "▸{customer: X, product: MSP-A, quantity: 1, reason: r}\n",
    ),
    "approval that is not dated": (
        "missing-key",
        AN_APPROVAL + "▸{customer: X, product: MSP-A, from: 1, upTo: 2, reason: r, until: 2026-12-31}\n",
    ),
    "given as a word": ("malformed", AN_APPROVAL + GIVEN % "yesterday"),
    "given in local time": ("malformed", AN_APPROVAL + GIVEN % "2026-11-20T09:30:00"),
    "given on no day": ("bad-date", AN_APPROVAL + GIVEN % "2026-02-30"),
    "given at no hour": ("bad-date", AN_APPROVAL + GIVEN % "2026-11-20T25:00Z"),
    "restart of everything": ("not-a-number", A_CUSTOMER + TENANT + ": {exclude: x, restart: ▸true}\n"),
    "restart of anything in a list": (
        "not-a-number",
        A_CUSTOMER + TENANT + ": {exclude: x, restart: [1010, ▸true]}\n",
    ),
    "restart of nothing": ("empty", A_CUSTOMER + TENANT + ": {exclude: x, restart: ▸[]}\n"),
    "restart of no id": ("too-small", A_CUSTOMER + TENANT + ": {exclude: x, restart: ▸0}\n"),
    "hold without a quantity": (
        "missing-key",
        A_HOLD + "▸{customer: X, product: MSP-A, reason: r, until: 2026-12-31}\n",
    ),
    "blank reason of a hold": (
        "empty-text",
        A_HOLD + "{customer: X, product: MSP-A, quantity: 1, reason: ▸' ', until: 2026-12-31}\n",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(tmp_path: Path, case: str) -> None:
    code, marked = REFUSED[case]
    text, place = unmark(marked)
    result = loaded(tmp_path, text)
    errors = said(result, Severity.ERROR)
    assert f"{code} {place}" in errors
    assert len(errors) <= 2  # one mistake does not bring a list of others
    assert result.desired is None
    for diagnostic in result.diagnostics:
        assert diagnostic.message.isprintable()
        assert diagnostic.remedy.isprintable()
        assert "given schemas" not in diagnostic.message
        assert diagnostic.remedy, diagnostic


def messages(tmp_path: Path, text: str) -> str:
    return "\n".join(f"{d.message} {d.remedy}" for d in loaded(tmp_path, text).diagnostics)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (A_PRODUCT + "price: 1.234,50\n", "1234.50"),
        (A_PRODUCT + "descripton: x\n", 'Did you mean "description"?'),
        (A_PRODUCT + "description: " + "x" * 51 + "\n", "Shorten it by 1."),
        (A_ROW + "{product: " + "x" * 61 + "}\n", "releases before 2023 keep 60 characters, later ones 75"),
        (A_PRODUCT + "taxableFlag: Yes\n", "Write true, in lower case"),
        (A_PRODUCT + "productClass: agreement\n", 'Did you mean "Agreement"?'),
        (A_PRODUCT + "price: '4.50'\n", "Write 4.50 without quotes."),
        (A_ROW + "{product: 'P[1]'}\n", "{id: 7}"),
        (A_ROW + "{product: '#12'}\n", "{id: 12}"),
        (A_SETTING + "timeZone: Europe/Lisboa\n", 'Did you mean "Europe/Lisbon"?'),
        (ROW + "\tx: y\n", "not with tabs"),
        (A_ROW + '{product: "P\\u202eX"}\n', "U+202E"),
        (A_ROW + '{product: "P\\u202eX"}\n', "\\u202e"),
    ],
)
def test_messages_say_what_to_do(tmp_path: Path, text: str, expected: str) -> None:
    assert expected in messages(tmp_path, text)


def test_all_errors_at_once_in_order(tmp_path: Path) -> None:
    text = (
        "mappings:\n  A-MSP: {product: P, snyc: true}\n  B-MSP: {product: 'P%'}\n"
        "settings: {mode: x, timeZone: Mars/Base}\n"
    )
    other = "products:\n  P: {price: 4.50505, sku: 1}\n  Q: {renamedFrom: q}\n"
    assert said(loaded(tmp_path, text, other), Severity.ERROR) == [
        "unknown-key 2:23",
        "unsafe-identifier 3:20",
        "not-one-of 4:18",
        "unknown-time-zone 4:31",
        "too-many-decimals 2:14",
        "unknown-key 2:23",
        "renamed-from-itself 3:20",
    ]


def test_a_flood_is_cut(tmp_path: Path) -> None:
    result = loaded(tmp_path, "mappings:\n" + "  A-MSP: {product: P}\n" * 5000)
    assert len(result.diagnostics) == 501
    assert result.diagnostics[0].code == "more-problems"
    assert "4999" in result.diagnostics[0].message


@pytest.mark.parametrize("case", ["decimal comma", "quoted number", "yes", "id as a text", "guard count"])
def test_a_value_of_the_wrong_form_is_said_once(tmp_path: Path, case: str) -> None:
    code, marked = REFUSED[case]
    text, place = unmark(marked)
    assert said(loaded(tmp_path, text), Severity.ERROR) == [f"{code} {place}"]


def test_what_a_restart_and_an_approval_need_is_said(tmp_path: Path) -> None:
    """People who wrote these before read what to add."""
    text = A_CUSTOMER + TENANT + ": {company: X, agreement: Y, restart: true}\n"
    text += "approvals:\n  - {customer: X, product: P, from: 1, upTo: 2, reason: r, until: 2026-12-31}\n"
    remedies = {d.code: d.remedy for d in loaded(tmp_path, text).diagnostics}
    assert remedies["not-a-number"] == (
        "Write the ids of the ended lines that shall be billed again, such as [1010]; the plan's message "
        "about each of them prints the row."
    )
    assert remedies["missing-key"].startswith("When the yes was given: a date")
