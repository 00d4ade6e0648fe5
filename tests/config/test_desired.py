"""What a valid configuration becomes."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from reconciler.model.desired import AgreementSelector, LineChangeGuard, Origin, RunChangeGuard, TotalGuard
from reconciler.model.identifiers import Id, Name
from tests.config.folders import OTHER, ROW, TENANT, loaded, said, wanted

if TYPE_CHECKING:
    from pathlib import Path

FULL = f"""\
version: 1
settings:
  owner: lisbon
  mode: live
  timeZone: Europe/Lisbon
  connectwiseMember: apirec
  onZeroUsage: keep
  onUnmap: end
  onDrift: enforce
  newLines: create
  currency: EUR
  marker: {{customField: Sophos codes}}
  guards:
    lineChange: {{units: 7}}
    lineToZero: off
    feedTenants: off
    productToZero: {{customers: 0}}
    runChange: {{lines: 12.5, floor: 30}}
    planAge: off
mappings:
  CIXA-MSP: {{product: MSP-ENDPOINT, sync: true, alsoKnownAs: [SEP-MSP]}}
  CEMA-MSP: {{product: [MSP-GOLD, {{id: 7}}], sync: true}}
  CIXAMTR-ADV-MSP: {{product: MSP-GOLD}}
  CPHISH-MSP: {{exclude: Included in the awareness contract, until: 2027-03-31}}
products:
  MSP-ENDPOINT:
    description: Managed endpoint protection
    customerDescription: |
      Managed endpoint protection,
      per user and month
    subcategory: Endpoint
    type: {{id: 4}}
    productClass: Agreement
    taxableFlag: true
    price: 4.50
    vendorSku: null
    minStockLevel: 3
    renamedFrom: SOPHOS-EP
    replaces: [Sophos_Intercept_X_Advanced]
    linePrice: keep
    customFields: {{Contract: 2026-04, Seats: 0012, Ratio: 1.50, Active: true, Old: null}}
lines:
  MSP-GOLD:
    count: max
    quantity: actual
    blocksOf: 5
    minimum: 5
    maximum: 500
    included: 10
    take: highest
    whenNew: {{billCustomer: Billable, unitPrice: 9.90, taxableFlag: false}}
    always: {{invoiceDescription: Gold}}
    examples:
      - given: {{CIXAMTR-ADV-MSP: 7, CEMA-MSP: 12}}
        expect: 15
  "#7": {{minimum: 2}}
customers:
  {TENANT.upper()}:
    name: Safelog
    company: SAFELOG
    agreement: Managed Security
    sync: false
    mode: shadow
    start: periodStart
    overrides:
      CIXA-MSP: {{product: MSP-ENDPOINT-EDU}}
      CEMA-MSP: {{agreement: Email}}
      NDR-MSP: {{exclude: Pilot, until: 2027-01-31}}
    lines:
      MSP-GOLD: {{included: 20, minimum: 10}}
      MSP-ENDPOINT: {{line: 5512, fixed: [5513]}}
    firewalls: [C01234ABC1CDEF2]
    movedFrom: {{agreement: Managed IT}}
    ended: 2026-12-31
    restart: [1010, 1020]
  {OTHER}: {{company: {{id: 12}}}}
defaults:
  customers: {{agreement: {{type: MSP}}, sync: true, mode: live}}
holds:
  - {{customer: SAFELOG, product: MSP-ENDPOINT, quantity: 12, reason: two leavers, until: 2026-12-31}}
approvals:
  - {{customer: {TENANT}, product: "#7", from: 38, upTo: 64.5, given: 2026-11-20, reason: new branch,
     until: 2026-12-05}}
protected: [MSP-Backup, customer/KEYACCOUNT]
"""


def decimals(*numbers: int | str) -> tuple[Decimal, ...]:
    return tuple(Decimal(number) for number in numbers)


def test_every_section_arrives(tmp_path: Path) -> None:
    desired = wanted(tmp_path, FULL)
    settings, guards = desired.settings, desired.settings.guards
    assert (settings.owner, settings.mode, settings.time_zone) == ("lisbon", "live", "Europe/Lisbon")
    assert (settings.on_zero_usage, settings.on_unmap, settings.on_drift) == ("keep", "end", "enforce")
    assert (settings.new_lines, settings.currency, settings.connectwise_member) == ("create", "EUR", "apirec")
    assert settings.marker_custom_field == "Sophos codes"
    assert settings.location.line == 2
    assert guards.line_change == LineChangeGuard(Decimal(7), Decimal(25), Decimal(100))
    assert guards.run_change == RunChangeGuard(Decimal("12.5"), Decimal(5), 30)
    assert (guards.line_to_zero, guards.feed_tenants_percent) == (False, None)
    assert (guards.product_to_zero_customers, guards.max_plan_age_days) == (0, None)


def test_rows(tmp_path: Path) -> None:
    rows = {row.code: row for row in wanted(tmp_path, FULL).rows}
    assert list(rows) == sorted(rows)
    assert rows["CIXA-MSP"].codes == ("CIXA-MSP", "SEP-MSP")
    assert rows["CIXA-MSP"].sync is True
    assert rows["CEMA-MSP"].targets == (Name("MSP-GOLD"), Id(7))
    assert rows["CIXAMTR-ADV-MSP"].sync is False
    assert rows["CPHISH-MSP"].exclude == "Included in the awareness contract"
    assert rows["CPHISH-MSP"].until == date(2027, 3, 31)
    assert str(rows["CEMA-MSP"].location).endswith("a.yaml:22:3")


def test_products(tmp_path: Path) -> None:
    (product,) = wanted(tmp_path, FULL).products
    assert product.identifier == "MSP-ENDPOINT"
    assert product.fields == {
        "description": "Managed endpoint protection",
        "customerDescription": "Managed endpoint protection, per user and month",
        "subcategory": Name("Endpoint"),
        "type": Id(4),
        "productClass": "Agreement",
        "taxableFlag": True,
        "price": Decimal("4.50"),
        "vendorSku": None,
        "minStockLevel": 3,
    }
    assert str(product.fields["price"]) == "4.50"
    assert product.custom_fields == {
        "Contract": "2026-04",
        "Seats": "0012",
        "Ratio": Decimal("1.50"),
        "Active": True,
        "Old": None,
    }
    assert product.renamed_from == "SOPHOS-EP"
    assert product.replaces == ("Sophos_Intercept_X_Advanced",)
    assert product.line_price == "keep"
    assert product.where("price").line == 35
    assert product.where("customFields/Seats").line == 41
    assert product.where("cost") == product.location


def test_terms(tmp_path: Path) -> None:
    by_id, gold = wanted(tmp_path, FULL).lines
    assert by_id.product == Id(7)
    assert by_id.minimum == Decimal(2)
    assert (by_id.count, by_id.quantity, by_id.per_serial) == (None, None, None)
    assert (gold.count, gold.quantity, gold.take, gold.per_serial) == ("max", "actual", "highest", None)
    assert (gold.blocks_of, gold.minimum, gold.maximum, gold.included) == decimals(5, 5, 500, 10)
    assert gold.when_new == {
        "billCustomer": "Billable",
        "unitPrice": Decimal("9.90"),
        "taxableFlag": False,
    }
    assert gold.always == {"invoiceDescription": "Gold"}
    (example,) = gold.examples
    assert example.given == {"CIXAMTR-ADV-MSP": Decimal(7), "CEMA-MSP": Decimal(12)}
    assert example.expect == 15


def test_a_line_for_each_serial_number(tmp_path: Path) -> None:
    text = "mappings: {X-MSP: {product: MSP-FIREWALL}}\nlines: {MSP-FIREWALL: {perSerial: true}}\n"
    (firewall,) = wanted(tmp_path, text).lines
    assert firewall.per_serial is True


def test_customers(tmp_path: Path) -> None:
    safelog, ours = wanted(tmp_path, FULL).customers
    assert (safelog.tenant_id, safelog.name, safelog.company) == (TENANT, "Safelog", Name("SAFELOG"))
    assert safelog.agreement == AgreementSelector(name="Managed Security")
    assert (safelog.sync, safelog.mode, safelog.start, safelog.restart) == (
        False,
        "shadow",
        "periodStart",
        (1010, 1020),
    )
    assert safelog.ended == date(2026, 12, 31)
    assert safelog.moved_from == Origin(agreement=AgreementSelector(name="Managed IT"))
    assert safelog.firewalls == ("C01234ABC1CDEF2",)
    overrides = {override.code: override for override in safelog.overrides}
    assert overrides["CIXA-MSP"].targets == (Name("MSP-ENDPOINT-EDU"),)
    assert overrides["CEMA-MSP"].agreement == AgreementSelector(name="Email")
    assert (overrides["NDR-MSP"].exclude, overrides["NDR-MSP"].until) == ("Pilot", date(2027, 1, 31))
    terms = {str(line.product): line for line in safelog.lines}
    assert (terms["MSP-GOLD"].included, terms["MSP-GOLD"].minimum) == decimals(20, 10)
    assert (terms["MSP-ENDPOINT"].line, terms["MSP-ENDPOINT"].fixed) == (5512, (5513,))
    assert (ours.company, ours.agreement) == (Id(12), AgreementSelector(type="MSP"))
    assert (ours.sync, ours.mode) == (True, "live")


def test_what_people_say(tmp_path: Path) -> None:
    desired = wanted(tmp_path, FULL)
    (hold,), (approval,) = desired.holds, desired.approvals
    assert (hold.customer, hold.product, hold.quantity) == ("SAFELOG", "MSP-ENDPOINT", Decimal(12))
    assert (hold.reason, hold.until) == ("two leavers", date(2026, 12, 31))
    assert (approval.customer, approval.product) == (TENANT, "#7")
    assert (approval.before, approval.up_to) == decimals(38, "64.5")
    assert approval.given == datetime(2026, 11, 20, tzinfo=UTC)
    assert [(p.kind, p.key, p.text) for p in desired.protected] == [
        ("product", "msp-backup", "MSP-Backup"),
        ("customer", "keyaccount", "customer/KEYACCOUNT"),
    ]


def test_limits_of_a_whole_run(tmp_path: Path) -> None:
    own = "{mostChanges: {end_line: {count: 7}, create_line: off}, total: {drop: 7.5, money: {EUR: 900}}}"
    guards = wanted(tmp_path, ROW + f"settings: {{guards: {own}}}\n").settings.guards
    most = {one.action: (one.count, one.percent, one.floor) for one in guards.most_changes}
    assert (most["end_line"], "create_line" in most, len(most)) == ((7, Decimal(5), 20), False, 8)
    assert guards.total == TotalGuard(Decimal(25), Decimal("7.5"), 20, (("EUR", Decimal(900)),))
    off = wanted(tmp_path, ROW + "settings: {guards: {mostChanges: off, total: off}}\n").settings.guards
    assert (off.most_changes, off.total) == ((), None)


def test_defaults(tmp_path: Path) -> None:
    settings = wanted(tmp_path, ROW).settings
    guards = settings.guards
    assert (settings.owner, settings.mode, settings.time_zone) == ("main", "shadow", "UTC")
    assert (settings.on_zero_usage, settings.on_unmap) == ("zero", "keep")
    assert (settings.on_drift, settings.new_lines) == ("block", "ask")
    assert guards.line_change == LineChangeGuard(Decimal(5), Decimal(25), Decimal(100))
    assert (guards.line_to_zero, guards.feed_tenants_percent) == (True, Decimal(95))
    assert guards.total == TotalGuard(Decimal(25), Decimal(20), 20)
    assert len(guards.most_changes) == 9
    assert (guards.product_to_zero_customers, guards.max_plan_age_days) == (3, 7)
    assert guards.run_change == RunChangeGuard(Decimal(10), Decimal(5), 20)


@pytest.mark.parametrize(
    "text", ["0012", "NO", "12:30", "1_000", "2026-01-01", "true", "1e3", ".5", "0x1F", "off", "~x", "4,50"]
)
@pytest.mark.parametrize("quote", ["", "'", '"'])
def test_texts_are_what_was_typed(tmp_path: Path, text: str, quote: str) -> None:
    desired = wanted(
        tmp_path,
        f"mappings:\n  A-MSP:\n    product: {quote}{text}{quote}\n"
        f"products:\n  {quote}{text}{quote}:\n    description: {quote}{text}{quote}\n",
    )
    assert desired.rows[0].targets == (Name(text),)
    assert desired.products[0].identifier == text
    assert desired.products[0].fields["description"] == text


@pytest.mark.parametrize(
    "text",
    [
        "mappings: {A-MSP: &p {product: [X]}, B-MSP: {product: Y}, C-MSP: *p}\nlines: {X: {count: sum}}",
        "\ufeffmappings:\r\n  A-MSP:\r\n    product: X\r\n",
        '"mappings": {"A-MSP": {"product": "X"}}',
        "--- # one document\nmappings: {A-MSP: {product: X}}\n...\n",
        "%YAML 1.1\n---\nmappings: {A-MSP: {product: X}}\n",
    ],
)
def test_forms_of_yaml(tmp_path: Path, text: str) -> None:
    rows = wanted(tmp_path, text).rows
    assert {str(target) for row in rows for target in row.targets} <= {"X", "Y"}


@pytest.mark.parametrize("empty", ["", " ~", " null"])
def test_null_clears(tmp_path: Path, empty: str) -> None:
    text = f"mappings:\n  A-MSP: {{product: P}}\nproducts:\n  P:\n    vendorSku:{empty}\n    vendor:{empty}\n"
    fields = (
        wanted(tmp_path, text + f"    price:{empty}\n    recurringCycleType:{empty}\n").products[0].fields
    )
    assert fields == {"vendorSku": None, "vendor": None, "price": None, "recurringCycleType": None}


def test_outer_blanks_do_not_count(tmp_path: Path) -> None:
    result = loaded(tmp_path, 'mappings:\n  A-MSP: {product: " MSP-A "}\n')
    assert result.desired is not None
    assert result.desired.rows[0].targets == (Name("MSP-A"),)
    assert said(result) == ["identifier-spelling 2:20"]


def test_counts_and_files(tmp_path: Path) -> None:
    result = loaded(tmp_path, ROW, "mappings: {B-MSP: {product: X}}\nprotected: [Y]\n")
    assert result.counts == {"mappings": 2, "protected": 1}
    assert [name.rsplit("/", 1)[1] for name in result.files] == ["a.yaml", "b.yaml"]
    assert all(name.startswith(tmp_path.as_posix()) for name in result.files)
    assert len(result.config_hash) == 64


def test_places_are_as_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pathlib import Path as Folder

    from reconciler.config.load import load

    (tmp_path / "mappings" / "sub").mkdir(parents=True)
    (tmp_path / "mappings" / "sub" / "x.yaml").write_text("mapings: {}\n")
    monkeypatch.chdir(tmp_path)
    result = load(Folder("mappings"))
    assert [str(d.location) for d in result.diagnostics] == ["mappings/sub/x.yaml:1:1"]
    assert result.files == ("mappings/sub/x.yaml",)
    assert result.desired is None
    assert result.config_hash == ""


@pytest.mark.parametrize(
    ("zone", "text", "given"),
    [
        ("UTC", "2026-11-20", datetime(2026, 11, 20, tzinfo=UTC)),
        ("Pacific/Auckland", "2026-11-20", datetime(2026, 11, 19, 11, tzinfo=UTC)),
        ("America/Sao_Paulo", "2026-11-20", datetime(2026, 11, 20, 3, tzinfo=UTC)),
        ("Pacific/Auckland", "2026-11-20T09:30Z", datetime(2026, 11, 20, 9, 30, tzinfo=UTC)),
        ("UTC", "2026-11-22T12:09Z", datetime(2026, 11, 22, 12, 9, tzinfo=UTC)),
        ("Pacific/Auckland", "2026-11-20T09:30:15Z", datetime(2026, 11, 20, 9, 30, 15, tzinfo=UTC)),
    ],
)
def test_a_date_is_its_beginning_on_the_site_and_a_moment_is_in_utc(
    tmp_path: Path, zone: str, text: str, given: datetime
) -> None:
    yaml = FULL.replace("given: 2026-11-20", f"given: {text}").replace("Europe/Lisbon", zone)
    assert wanted(tmp_path, yaml).approvals[0].given == given


@pytest.mark.parametrize(("written", "ids"), [("1010", (1010,)), ("[1010]", (1010,)), ("[7, 5]", (7, 5))])
def test_restart_names_one_line_or_several(tmp_path: Path, written: str, ids: tuple[int, ...]) -> None:
    yaml = FULL.replace("restart: [1010, 1020]", f"restart: {written}")
    assert wanted(tmp_path, yaml).customers[0].restart == ids
