"""The lines of an agreement: derived values, dates, what a new product resets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.sandbox.api import Api

LINES = "finance/agreements/1/additions"
NEXT = "2026-12-01T00:00:00Z"


def body(**changes: Any) -> dict[str, Any]:
    start: dict[str, Any] = {
        "product": {"id": 1},
        "quantity": 7,
        "billCustomer": "Billable",
        "effectiveDate": NEXT,
    }
    return {key: value for key, value in {**start, **changes}.items() if value is not None}


def messages(answer: Any) -> list[tuple[str, str]]:
    assert answer.status_code == 400
    assert answer.json()["message"] == "addition object is invalid"
    return [(entry["field"], entry["message"]) for entry in answer.json()["errors"]]


def test_create_takes_price_cost_tax_and_text_from_the_catalog(api: Api) -> None:
    api.world.catalog_item("ALPHA")["taxableFlag"] = True
    answer = api.post(LINES, body(lessIncluded=2))
    row = answer.json()
    assert answer.status_code == 201
    assert (row["unitPrice"], row["unitCost"], row["taxableFlag"]) == (4.2, 1.9, True)
    assert row["invoiceDescription"] == "Alpha product"
    assert (row["quantity"], row["billedQuantity"], row["extPrice"], row["extCost"]) == (7.0, 5.0, 29.4, 13.3)
    assert (row["margin"], row["uom"], row["agreementStatus"]) == (16.1, "Each", "Active")
    assert (row["agreementId"], row["product"]["identifier"]) == (1, "ALPHA")
    assert "cancelledDate" not in row
    assert row["_info"]["updatedBy"] == "apirec"


def test_what_is_sent_wins_over_the_catalog(api: Api) -> None:
    row = api.post(
        LINES, body(product={"identifier": "ALPHA"}, unitPrice=9.9, invoiceDescription="Ours")
    ).json()
    assert (row["product"]["id"], row["unitPrice"], row["unitCost"]) == (1, 9.9, 1.9)
    assert row["invoiceDescription"] == "Ours"


def test_required_fields(api: Api) -> None:
    assert messages(api.post(LINES, {"effectiveDate": NEXT})) == [
        ("product", "The product/id field is required."),
        ("billCustomer", "The billCustomer field is required."),
    ]


def test_before_the_billing_start(api: Api) -> None:
    found = messages(api.post(LINES, body(effectiveDate="2024-12-31T00:00:00Z")))
    assert found == [("effectiveDate", "effectiveDate cannot be less than the agreement billing start date")]


def test_on_the_billing_start(api: Api) -> None:
    api.world.agreement(1)["billStartDate"] = NEXT
    assert api.post(LINES, body()).status_code == 201


def test_without_a_start_it_is_today(api: Api) -> None:
    api.world.agreement(1)["prorateFlag"] = True
    assert api.post(LINES, body(effectiveDate=None)).json()["effectiveDate"] == "2026-11-22T00:00:00Z"


def test_inside_an_invoiced_period(api: Api) -> None:
    [(field, message)] = messages(api.post(LINES, body(effectiveDate="2026-11-30T00:00:00Z")))
    assert field == "effectiveDate"
    assert message.startswith("Since this period has already been invoiced")


@pytest.mark.parametrize(
    ("agreement", "recap"),
    [({"prorateFlag": True}, {}), ({"nextInvoiceDate": None}, {}), ({}, {"lastInvoiceDate": None})],
)
def test_an_early_start_where_it_can_be_billed(
    api: Api, agreement: dict[str, Any], recap: dict[str, Any]
) -> None:
    api.world.agreement(1).update(agreement)
    api.world.tables["recaps"][1].update(recap)
    assert api.post(LINES, body(effectiveDate="2026-11-30T00:00:00Z")).status_code == 201


def test_the_date_rules_hold_for_a_patch_of_the_date_only(api: Api) -> None:
    assert api.patch(f"{LINES}/1", ("replace", "quantity", 12)).json()["quantity"] == 12.0
    assert messages(api.patch(f"{LINES}/1", ("replace", "effectiveDate", "2026-11-02T00:00:00Z")))
    assert api.patch(f"{LINES}/1", ("replace", "effectiveDate", NEXT)).status_code == 200


@pytest.mark.parametrize(
    "text", ["2026-12-01", "2026-12-01T00:00:00.000Z", "2026-12-01T00:00:00+00:00", "2026-12-1T00:00:00Z", ""]
)
def test_one_date_format(api: Api, text: str) -> None:
    answer = api.post(LINES, body(effectiveDate=text))
    assert answer.status_code == 400
    assert answer.json() == {
        "code": "UnsupportedFormat",
        "message": "Unsupported format applied to effectiveDate",
    }


def test_ending_a_line(api: Api) -> None:
    answer = api.patch(f"{LINES}/1", ("replace", "cancelledDate", "2026-11-30T00:00:00Z"))
    assert (answer.status_code, answer.json()["cancelledDate"]) == (200, "2026-11-30T00:00:00Z")
    assert api.get(LINES, conditions="cancelledDate = null").json() == []
    assert len(api.get(LINES, conditions="cancelledDate > [2026-11-22T00:00:00Z]").json()) == 1


def test_a_new_product_resets_what_is_not_sent_again(api: Api) -> None:
    api.world.addition(1).update({"unitPrice": 3.0, "billCustomer": "NoCharge"})
    row = api.patch(f"{LINES}/1", ("replace", "product", {"id": 2}), ("replace", "quantity", 11)).json()
    assert (row["product"]["identifier"], row["unitPrice"], row["quantity"]) == ("Beta", 10.0, 11.0)
    assert (row["billCustomer"], row["invoiceDescription"]) == ("Billable", "Beta product")


def test_derived_fields_are_not_written(api: Api) -> None:
    row = api.patch(
        f"{LINES}/1", ("replace", "extPrice", 1.0), ("replace", "agreementStatus", "Expired")
    ).json()
    assert (row["extPrice"], row["agreementStatus"]) == (42.0, "Active")


def test_a_bundle_cannot_be_a_line(api: Api) -> None:
    api.world.add_catalog_item("KIT", productClass="Bundle")
    assert messages(api.post(LINES, body(product={"identifier": "KIT"})))[0][0] == "product"
    assert messages(api.patch(f"{LINES}/1", ("replace", "product", {"id": 4})))[0][0] == "product"


def test_unknown_product(api: Api) -> None:
    assert messages(api.post(LINES, body(product={"id": 999})))[0][0] == "product/id"


def test_only_below_its_own_agreement(api: Api) -> None:
    api.world.add_agreement("FIRST", "Second")
    assert api.get(f"{LINES}/1").status_code == 200
    answer = api.get("finance/agreements/2/additions/1")
    assert (answer.status_code, answer.json()) == (
        404,
        {"code": "NotFound", "message": "Addition 1 not found"},
    )
    missing = api.get("finance/agreements/9/additions")
    assert missing.json() == {"code": "NotFound", "message": "Agreement 9 not found"}
    assert api.get("finance/agreements/2/additions").json() == []
    assert api.get("finance/agreements/1/additions/count").json() == {"count": 1}


def test_what_is_sent_stays_and_zero_is_something(api: Api) -> None:
    api.world.catalog_item("ALPHA")["taxableFlag"] = True
    sent = {"lessIncluded": 7.0, "unitPrice": 0.0, "unitCost": 0.0, "taxableFlag": False,
            "invoiceDescription": "Ours", "serialNumber": "S-1", "billCustomer": "NoCharge"}  # fmt: skip
    row = api.post(LINES, body(**sent)).json()
    assert {name: row[name] for name in sent} == sent


def test_two_open_lines_of_one_product(api: Api) -> None:
    assert [api.post(LINES, body()).status_code for _ in range(2)] == [201, 201]
    open_lines = api.get(LINES, conditions="cancelledDate = null and product/id = 1").json()
    assert [row["id"] for row in open_lines] == [1, 2, 3]


def test_the_automatic_price_and_cost_each_have_their_flag(api: Api) -> None:
    ended = api.world.add_addition(1, "ALPHA", 1, cancelledDate="2026-11-21T00:00:00Z")
    ends = api.world.add_addition(1, "ALPHA", 1, cancelledDate="2026-11-22T00:00:00Z")
    other = api.world.add_addition(1, "Beta", 1)
    item = "procurement/catalog/1"
    flag = ("replace", "autoUpdateUnitPriceFlag", True)
    assert api.patch(item, flag).json()["autoUpdateUnitPriceFlag"] is True
    assert api.get(f"{LINES}/1").json()["_info"]["updatedBy"] == "seeduser"
    api.patch(item, ("replace", "price", 5.0), ("replace", "cost", 2.0))
    rows = [api.get(f"{LINES}/{number}").json() for number in (1, ended["id"], ends["id"], other["id"])]
    assert [row["unitPrice"] for row in rows] == [5.0, 4.2, 5.0, 10.0]
    assert [row["unitCost"] for row in rows] == [1.9, 1.9, 1.9, 0.0]
    assert [row["_info"]["updatedBy"] for row in rows] == ["apirec", "seeduser", "apirec", "seeduser"]


def test_a_catalog_price_reaches_no_existing_line(api: Api) -> None:
    api.patch("procurement/catalog/1", ("replace", "price", 99.0))
    assert api.get(f"{LINES}/1").json()["unitPrice"] == 4.2


def test_delete(api: Api) -> None:
    assert api.connectwise("DELETE", f"{LINES}/1").status_code == 204
    assert api.get(LINES).json() == []
