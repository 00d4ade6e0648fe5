"""Both sides of every switch, and that each has its row in docs/unknowns.md."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.sandbox.app import create_app
from reconciler.sandbox.quirks import QUIRKS
from tests.sandbox.api import Api, item_body, signature
from tests.sandbox.test_additions import LINES, body

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from reconciler.sandbox.world import World

CATALOG = "procurement/catalog"
UNKNOWNS = Path(__file__).parents[2] / "docs" / "unknowns.md"

SEEN: dict[str, tuple[Callable[[Api], Any], dict[str, Any]]] = {}


def sides(quirk: str, **expected: Any) -> Callable[[Callable[[Api], Any]], Callable[[Api], Any]]:
    """Registers how a quirk shows; keys are its values with `_` for `-`."""

    def register(observe: Callable[[Api], Any]) -> Callable[[Api], Any]:
        SEEN[quirk] = (
            observe,
            {name.strip("_").replace("_", "-"): value for name, value in expected.items()},
        )
        return observe

    return register


def first_code(answer: httpx.Response) -> tuple[int, str]:
    errors = answer.json().get("errors") or [{"code": ""}]
    return answer.status_code, errors[0]["code"]


@sides("duplicate-identifier", copy0=(201, "alphaCopy0"), error=(400, "ObjectExists"), accept=(201, "alpha"))
def duplicate(api: Api) -> Any:
    answer = api.post(CATALOG, item_body(identifier="alpha"))
    return (201, answer.json()["identifier"]) if answer.status_code == 201 else first_code(answer)


@sides("notes-filter", allowed=200, refused=400)
def notes_filter(api: Api) -> Any:
    return api.get(CATALOG, conditions='notes contains "sophos:"').status_code


@sides("in-operator", allowed=200, refused=400)
def in_operator(api: Api) -> Any:
    return api.get(CATALOG, conditions="id in (1,2)").status_code


@sides("quote-escape", doubled=[200, 400], backslash=[400, 200], none=[400, 400])
def quote_escape(api: Api) -> Any:
    texts = ('description = "a ""b"""', 'description = "a \\"b\\""')
    return [api.get(CATALOG, conditions=text).status_code for text in texts]


@sides("string-compare", insensitive=[1, 1, 1], sensitive=[0, 0, 0])
def string_compare(api: Api) -> Any:
    texts = ('identifier = "alpha"', 'identifier like "alp*"', 'identifier in ("alpha")')
    return [api.get(f"{CATALOG}/count", conditions=text).json()["count"] for text in texts]


@sides("page-size-over-1000", cap=(200, 1000), refuse=(400, None))
def large_page(api: Api) -> Any:
    for number in range(1100):
        api.world.add_catalog_item(f"MANY-{number}")
    answer = api.get(CATALOG, pageSize=5000, fields="id")
    return answer.status_code, len(answer.json()) if answer.status_code == 200 else None


@sides("forward-only-end", next_link=True, empty_link='<>; rel="next"', none="")
def forward_end(api: Api) -> Any:
    link = api.get(CATALOG, headers={"pagination-type": "forward-only"}).headers.get("Link", "")
    return True if link.endswith('?pageId=3>; rel="next"') else link


@sides("notes-newlines", kept="a\nb", collapsed="a b")
def notes_newlines(api: Api) -> Any:
    return api.patch(f"{CATALOG}/1", ("replace", "notes", "a\nb")).json()["notes"]


@sides("trailing-blank", kept="a ", trimmed="a")
def trailing_blank(api: Api) -> Any:
    return api.patch(f"{CATALOG}/1", ("replace", "description", "a ")).json()["description"]


@sides("price-decimals", kept=(4.125, 5.0), rounded2=(4.13, 5.0))
def price_decimals(api: Api) -> Any:
    row = api.patch(f"{CATALOG}/1", ("replace", "price", 4.125), ("replace", "cost", 5)).json()
    return row["price"], row["cost"]


@sides("quantity-decimals", kept=1.005, rounded2=1.01)
def quantity_decimals(api: Api) -> Any:
    return api.patch(f"{LINES}/1", ("replace", "quantity", 1.005)).json()["quantity"]


@sides("empty-date", omitted="no key", blank="")
def empty_date(api: Api) -> Any:
    return api.get(f"{LINES}/1").json().get("cancelledDate", "no key")


@sides("clear-cancelled-date", remove=[200, 400], replace_null=[400, 200], refused=[400, 400])
def clear_date(api: Api) -> Any:
    found = []
    for operation in (("remove", "cancelledDate"), ("replace", "cancelledDate", None)):
        api.world.addition(1)["cancelledDate"] = "2026-12-31T00:00:00Z"
        answer = api.patch(f"{LINES}/1", operation)
        assert ("cancelledDate" in api.get(f"{LINES}/1").json()) == (answer.status_code == 400)
        found.append(answer.status_code)
    return found


@sides("patch-in-invoiced-period", accepted=200, refused=400)
def patch_invoiced(api: Api) -> Any:
    return api.patch(f"{LINES}/1", ("replace", "quantity", 3)).status_code


@sides("cancel-before-start", accepted=200, refused=400)
def cancel_before_start(api: Api) -> Any:
    return api.patch(f"{LINES}/1", ("replace", "cancelledDate", "2024-01-01T00:00:00Z")).status_code


@sides("mid-period-start", whole=[84.0, 47.0], not_billed=[42.0, 47.0])
def mid_period_start(api: Api) -> Any:
    api.world.add_addition(1, "ALPHA", 10, effectiveDate="2026-12-10T00:00:00Z")
    api.world.add_agreement("FIRST", "By days", prorateFlag=True)
    for start in ("2025-01-01", "2026-12-16"):
        api.world.add_addition(2, "ALPHA", 10, effectiveDate=f"{start}T00:00:00Z", unitPrice=3.1)
    for number in (1, 2):
        assert api.post(f"finance/agreements/{number}/invoice", None).status_code == 201
    return [invoice["total"] for invoice in api.world.rows("invoices")]


@sides("replace-absent", accepted=[200] * 5, refused=[400, 200, 200, 200, 400])
def replace_absent(api: Api) -> Any:
    day = "2026-12-31T00:00:00Z"
    api.world.catalog_item("Beta").pop("notes", None)
    return [
        api.patch(f"{LINES}/1", ("replace", "cancelledDate", day)).status_code,
        api.patch(f"{LINES}/1", ("add", "cancelledDate", day)).status_code,
        api.patch(f"{LINES}/1", ("add", "cancelledDate", day)).status_code,
        api.patch(f"{LINES}/1", ("replace", "cancelledDate", day)).status_code,
        api.patch(f"{CATALOG}/2", ("replace", "notes", "Ours")).status_code,
    ]


@sides("cancelled-day", last_billed=42.0, first_unbilled=0.0)
def cancelled_day(api: Api) -> Any:
    api.world.addition(1)["cancelledDate"] = api.world.agreement(1)["nextInvoiceDate"]
    assert api.post("finance/agreements/1/invoice", None).status_code == 201
    return next(api.world.rows("invoices"))["total"]


@sides("invoice-stamps-lines", no="seeduser", yes="accountant")
def invoice_stamps_lines(api: Api) -> Any:
    assert api.post("finance/agreements/1/invoice", None).status_code == 201
    return api.world.addition(1)["_info"]["updatedBy"]


@sides("create-on-ended-agreement", refused=[201, 400, 400, 400], accepted=[201] * 4)
def create_on_ended(api: Api) -> Any:
    found = []
    for ended in (
        {"endDate": "2026-11-22T00:00:00Z"},
        {"endDate": "2026-11-21T00:00:00Z"},
        {"endDate": None, "cancelledFlag": True},
        {"cancelledFlag": False, "agreementStatus": "Expired"},
    ):
        api.world.agreement(1).update(ended)
        found.append(api.post(LINES, body()).status_code)
    return found


@sides("inactive-product-addition", accepted=201, refused=400)
def inactive_product(api: Api) -> Any:
    assert api.post(LINES, body()).status_code == 201
    return api.post(LINES, body(product={"identifier": "Beta"})).status_code


@sides("addition-serial", writable=["S-1", "S-2"], derived=[None, None])
def addition_serial(api: Api) -> Any:
    made = api.post(LINES, body(serialNumber="S-1")).json()
    changed = api.patch(f"{LINES}/{made['id']}", ("replace", "serialNumber", "S-2")).json()
    return [made.get("serialNumber"), changed.get("serialNumber")]


@sides("auto-update-price", reprices=(5.0, 2.0), none=(4.2, 1.9))
def auto_update(api: Api) -> Any:
    api.world.catalog_item("ALPHA").update({"autoUpdateUnitPriceFlag": True, "autoUpdateUnitCostFlag": True})
    api.patch(f"{CATALOG}/1", ("replace", "price", 5.0), ("replace", "cost", 2.0))
    row = api.get(f"{LINES}/1").json()
    return row["unitPrice"], row["unitCost"]


@sides("addition-repoint", resets=(10.0, 1.0, "Beta product"), keeps=(4.2, 10.0, "Alpha product"))
def repoint(api: Api) -> Any:
    row = api.patch(f"{LINES}/1", ("replace", "product", {"id": 2})).json()
    return row["unitPrice"], row["quantity"], row["invoiceDescription"]


@sides("create-defaults", catalog=(4.2, "Alpha product"), prices=(4.2, None), none=(0.0, None))
def create_defaults(api: Api) -> Any:
    row = api.post(LINES, body()).json()
    return row["unitPrice"], row.get("invoiceDescription")


@sides("addition-description", derived="Alpha product", writable="Ours")
def addition_description(api: Api) -> Any:
    return api.post(LINES, body(description="Ours")).json()["description"]


@sides("addition-status", present=("Active", 200), absent=(None, 400))
def addition_status(api: Api) -> Any:
    listed = api.get(LINES, conditions='additionStatus = "Active"')
    return api.get(f"{LINES}/1").json().get("additionStatus"), listed.status_code


@sides("category-mismatch", derived=(201, "Security"), refused=(400, None))
def category_mismatch(api: Api) -> Any:
    answer = api.post(CATALOG, item_body(category={"id": 2}))
    assert api.post(CATALOG, item_body(identifier="FITS", category={"id": 1})).status_code == 201
    return answer.status_code, answer.json().get("category", {}).get("name")


@sides("class-change", allowed=[200, 200], refused=[400, 200])
def class_change(api: Api) -> Any:
    change = ("replace", "productClass", "Service")
    return [api.patch(f"{CATALOG}/{number}", change).status_code for number in (1, 2)]


@sides("bundles", allowed=200, refused=403)
def bundles(api: Api) -> Any:
    return api.post("system/bundles", {"requests": []}).status_code


@sides("bundle-maximum", **{"50": (200, 400), "3": (400, 400)})
def bundle_maximum(api: Api) -> Any:
    one = {"resourceType": "company", "apiRequest": {}}
    fifty, more = (api.post("system/bundles", {"requests": [one] * count}).status_code for count in (50, 51))
    return fifty, more


@sides("bundle-count", entities=[1, 0], absent=[None, None])
def bundle_count(api: Api) -> Any:
    asked = [{"resourceType": "company", "apiRequest": {}}, {"resourceType": "nothing"}]
    fine, failed = api.post("system/bundles", {"requests": asked}).json()["results"]
    assert failed["success"] is False
    return [fine.get("count"), failed.get("count")]


@sides("read-lag", **{"0": [3.0, 3.0, 3.0, 3.0, 2], "5": [3.0, 10.0, 10.0, 10.0, 1]})
def read_lag(api: Api) -> Any:
    answer = api.patch(f"{LINES}/1", ("replace", "quantity", 3)).json()
    api.post(LINES, body())
    asked = [{"resourceType": "addition", "apiRequest": {"parentId": 1}}]
    [result] = api.post("system/bundles", {"requests": asked}).json()["results"]
    quantities = [
        answer["quantity"],
        api.get(f"{LINES}/1").json()["quantity"],
        api.get(LINES).json()[0]["quantity"],
        result["entities"][0]["quantity"],
    ]
    return [*quantities, api.get(f"{LINES}/count").json()["count"]]


@sides("count", present=[200] * 4, absent=[404] * 4)
def count(api: Api) -> Any:
    paths = ("finance/agreements", LINES, CATALOG, "company/companies")
    return [api.get(f"{path}/count").status_code for path in paths]


@sides(
    "short-list",
    off=[1, 1, 3, 1, [1, 1]],
    agreements=[0, 1, 3, 1, [1, 1]],
    additions=[1, 0, 3, 1, [0, 1]],
    catalog=[1, 1, 2, 1, [1, 1]],
    companies=[1, 1, 3, 0, [1, 0]],
    bundle_item=[1, 1, 3, 1, [1, 0]],
)
def short_list(api: Api) -> Any:
    asked = [
        {"resourceType": "addition", "apiRequest": {"parentId": 1}},
        {"resourceType": "company", "apiRequest": {}},
    ]
    paths = ("finance/agreements", LINES, CATALOG, "company/companies")
    alone = [len(api.get(path).json()) for path in paths]
    results = api.post("system/bundles", {"requests": asked}).json()["results"]
    assert all(result["success"] and result["count"] == len(result["entities"]) for result in results)
    return [*alone, [len(result["entities"]) for result in results]]


@sides("short-times", always=[2, 2, 2], **{"2": [2, 2, 3]})
def short_times(api: Api) -> Any:
    return [len(api.get(CATALOG).json()) for _ in range(3)]


@sides("codebase", v2025_1=("v2025_1/", "True", 200), v4_6_release=("v4_6_release/", "False", 404))
def codebase(api: Api) -> Any:
    info = api.send("GET", "/login/companyinfo/harbourlight").json()
    cloud = api.send("GET", "/v2025_1/apis/3.0/system/info", headers=signature())
    assert api.get("system/info").status_code == 200
    return info["Codebase"], info["IsCloud"], cloud.status_code


@sides("codebase-move", never=([200] * 4, "v2025_1/"), **{"2": ([200, 200, 404, 404], "v2025_2/")})
def codebase_move(api: Api) -> Any:
    old = [api.send("GET", "/v2025_1/apis/3.0/system/info", headers=signature()) for _ in range(4)]
    named = api.send("GET", "/login/companyinfo/harbourlight").json()["Codebase"]
    assert api.send("GET", f"/{named}apis/3.0/system/info", headers=signature()).status_code == 200
    if old[-1].status_code == 404:
        assert old[-1].json()["message"] == "The endpoint does not exist."
    return [answer.status_code for answer in old], named


@sides(
    "bad-credentials",
    unauthorized=(401, "Unauthorized"),
    not_authenticated=(401, "ConnectWiseApi"),
    not_found=(404, "ConnectWiseApi"),
)
def bad_credentials(api: Api) -> Any:
    answer = api.get("system/info", headers={"Authorization": "Basic eDp5"})
    return answer.status_code, answer.json()["code"]


@sides("running-month", partial=[200, 200], absent=[404, 200])
def running_month(api: Api) -> Any:
    api.world.add_tenant("Only Tenant")
    for month in (11, 10):
        api.world.add_usage_line((2026, month), "Only Tenant", "CIXA-MSP", 5)
    return [api.sophos(f"/partner/v1/billing/usage/2026/{month}").status_code for month in (11, 10)]


@sides("tenants-page-size-max", **{"100": (200, 100, 50), "20": (400, 20, 20)})
def tenants_page(api: Api) -> Any:
    pages = api.sophos("/partner/v1/tenants").json()["pages"]
    return api.sophos("/partner/v1/tenants", pageSize=100).status_code, pages["maxSize"], pages["size"]


@sides("sophos-page-size-over-max", refuse=(400, None), cap=(200, 100))
def sophos_page(api: Api) -> Any:
    answer = api.sophos("/partner/v1/tenants", pageSize=500)
    return answer.status_code, answer.json().get("pages", {}).get("size")


@sides("sophos-error-body", full=7, short=3)
def sophos_error(api: Api) -> Any:
    return len(api.sophos("/partner/v1/psa").json())


@sides("sophos-token-failure", **{"401": 401, "400": 400})
def sophos_token(api: Api) -> Any:
    return api.sign_in(client_secret="wrong").status_code


@sides("sophos-retry-after", absent=(429, False), present=(429, True))
def sophos_retry(api: Api) -> Any:
    answers = [api.sophos("/whoami/v1") for _ in range(6)]
    return answers[-1].status_code, "Retry-After" in answers[-1].headers


#: Quirks that show only beside another.
TOGETHER = {"short-times": {"short-list": "catalog"}}
CASES = [(quirk, value) for quirk, (_, expected) in SEEN.items() for value in expected]


@pytest.mark.parametrize(("quirk", "value"), CASES)
def test_side(world: World, quirk: str, value: str) -> None:
    observe, expected = SEEN[quirk]
    value_given = {"v2025-1": "v2025_1", "v4-6-release": "v4_6_release"}.get(value, value)
    limit = 5 if quirk == "sophos-retry-after" else None
    quirks = {**TOGETHER.get(quirk, {}), quirk: value_given}
    assert observe(Api(world, quirks=quirks, rate_limit=limit)) == expected[value]


@pytest.mark.parametrize("quirk", [name for name in SEEN if name in QUIRKS])
def test_the_default_is_the_first_side(world: World, quirk: str) -> None:
    observe, expected = SEEN[quirk]
    limit = 5 if quirk == "sophos-retry-after" else None
    quirks = TOGETHER.get(quirk, {})
    assert observe(Api(world, quirks=quirks, rate_limit=limit)) == next(iter(expected.values()))


def test_every_quirk_is_tested_on_all_its_sides() -> None:
    assert set(SEEN) == set(QUIRKS)
    for name, (_, expected) in SEEN.items():
        assert len(expected) == len(QUIRKS[name].values), name
        assert len({repr(value) for value in expected.values()}) == len(expected), name


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({"nope": "x"}, "duplicate-identifier"),
        ({"bundles": "maybe"}, "allowed, refused"),
        ({"codebase-move": "0"}, "never"),
        ({"codebase-move": "soon"}, "<number>"),
        ({"bundle-maximum": ""}, "50"),
        ({"read-lag": "0.0"}, "<seconds>"),
        ({"read-lag": "-1"}, "<seconds>"),
        ({"read-lag": "<seconds>"}, "<seconds>"),
    ],
)
def test_unknown_quirks_and_values(world: World, asked: dict[str, str], names: str) -> None:
    with pytest.raises(ValueError, match=re.escape(names)):
        create_app(world, quirks=asked)


def documented() -> dict[str, tuple[str, list[str]]]:
    """Per row of the page: the quirk, its bold default, all its values."""
    found = {}
    for line in UNKNOWNS.read_text(encoding="utf-8").splitlines():
        cell = line.rstrip(" |").rpartition("|")[2]
        if match := re.match(r" `([a-z0-9-]+)`: (.*)", cell):
            values = re.sub(r" of requests$", "", match[2]).replace("`", "").split(", ")
            bold = [value.strip("*") for value in values if value.startswith("**")]
            found[match[1]] = (bold[0], [value.strip("*") for value in values])
    return found


def test_every_quirk_has_its_row_and_every_row_its_quirk() -> None:
    expected = {quirk.name: (quirk.default, list(quirk.values)) for quirk in QUIRKS.values()}
    assert documented() == expected


def test_every_row_is_complete() -> None:
    rows = [line for line in UNKNOWNS.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    assert len(rows) == len(QUIRKS) + 2
    for row in rows:
        cells = [cell.strip() for cell in row.strip("|").split(" | ")]
        assert len(cells) == 4, row
        assert all(cells), row
