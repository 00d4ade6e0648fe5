"""A third party's client, pyconnectwise, works against the sandbox; it checks answers with its own models."""

from __future__ import annotations

import warnings
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.sandbox.seed import small_msp
from reconciler.sandbox.server import environment, running
from tests.sandbox.api import item_body

with warnings.catch_warnings():
    # The package's models use a form of pydantic's fields that pydantic has deprecated.
    warnings.simplefilter("ignore")
    import pyconnectwise.models.manage  # noqa: F401 - the clients import it when first used
    from pyconnectwise import ConnectWiseManageAPIClient
    from pyconnectwise.exceptions import NotFoundException, ObjectExistsError, PermissionsFailedException

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.sandbox.server import RunningSandbox


class OverHttp(ConnectWiseManageAPIClient):
    """The package knows https only; nothing else is changed."""

    def _make_request(self, method: Any, url: str, *args: Any, **options: Any) -> Any:
        return super()._make_request(method, url.replace("https://", "http://", 1), *args, **options)


def client_for(sandbox: RunningSandbox, member: str = "readwrite") -> Any:
    settings = environment(sandbox.url, member=member)
    return OverHttp(
        settings["CONNECTWISE_COMPANY"],
        sandbox.url.removeprefix("http://"),
        settings["CONNECTWISE_CLIENT_ID"],
        settings["CONNECTWISE_PUBLIC_KEY"],
        settings["CONNECTWISE_PRIVATE_KEY"],
    )


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    quirks = {"duplicate-identifier": "error"}
    with running(small_msp(date(2026, 11, 22), catalog_size=300), quirks=quirks) as started:
        yield started


@pytest.fixture
def client(sandbox: RunningSandbox) -> Any:
    return client_for(sandbox)


def test_it_finds_the_codebase(client: Any) -> None:
    assert client.codebase == "v2025_1/"
    assert client.system.info.get().version.startswith("v2025.1")


def test_it_filters_the_catalog(client: Any) -> None:
    params = {"conditions": 'notes contains "sophos:main"', "orderBy": "identifier asc", "pageSize": 1000}
    found = client.procurement.catalog.get(params=params)
    assert [item.identifier for item in found] == [
        "MSP-EMAIL-CRYPT", "MSP-ENDPOINT", "MSP-GOLD", "MSP-LEGACY", "MSP-MOBILE", "SOPHOS-MTR",
    ]  # fmt: skip
    assert found[1].subcategory.name == "Endpoint"
    assert found[1].price == 4.2


def test_it_pages_by_the_link_header(client: Any, sandbox: RunningSandbox) -> None:
    before = len(sandbox.app.state.requests)
    items = list(client.procurement.catalog.paginated(1, 100).all())
    assert len(items) == client.procurement.catalog.count.get().count >= 300
    pages = [r for r in sandbox.app.state.requests[before:] if r.path.endswith("/catalog")]
    assert len(pages) == -(-len(items) // 100)


def test_it_creates_and_patches_an_item(client: Any, sandbox: RunningSandbox) -> None:
    created = client.procurement.catalog.post(data=item_body(identifier="FROM-PYCW", price=2.5))
    assert (created.identifier, created.product_class, created.price) == ("FROM-PYCW", "NonInventory", 2.5)
    operation = {"op": "replace", "path": "price", "value": 3.5}
    patched = client.procurement.catalog.id(created.id).patch(data=[operation])
    assert patched.price == 3.5
    assert sandbox.app.state.world.catalog_item("FROM-PYCW")["price"] == 3.5
    with pytest.raises(ObjectExistsError):
        client.procurement.catalog.post(data=item_body(identifier="FROM-PYCW"))


def test_it_reads_agreements_and_additions(client: Any) -> None:
    params = {
        "conditions": 'company/identifier="ALDERBROOK" and agreementStatus="Active" and cancelledFlag=false'
    }
    [agreement] = client.finance.agreements.get(params=params)
    assert (agreement.type.name, agreement.currency.currency_code) == ("Managed Security", "EUR")
    additions = client.finance.agreements.id(agreement.id).additions.get(
        params={"conditions": "cancelledDate=null"}
    )
    assert "MSP-ENDPOINT" in [addition.product.identifier for addition in additions]
    assert additions[0].ext_price == pytest.approx(additions[0].quantity * additions[0].unit_price)
    assert additions[0].effective_date.year == 2025


def test_it_reads_the_other_tables(client: Any) -> None:
    assert (
        client.company.companies.get(params={"conditions": 'identifier="KESTREL"'})[0].name
        == "Kestrel Freight"
    )
    assert {row.name for row in client.procurement.categories.get()} == {
        "Security",
        "Software",
        "Hardware",
        "Services",
    }
    assert [row.name for row in client.procurement.unit_of_measures.get()] == ["Each", "User", "Device"]
    assert len(client.procurement.types.get()) == 4
    assert client.finance.agreements.types.get()[0].name == "Managed Security"


def test_it_understands_the_refusals(client: Any, sandbox: RunningSandbox) -> None:
    with pytest.raises(NotFoundException):
        client.procurement.catalog.id(99999).get()
    with pytest.raises(PermissionsFailedException):
        client_for(sandbox, "readonly").procurement.catalog.post(data=item_body(identifier="NEVER"))
