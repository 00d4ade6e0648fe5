"""The fields of the ConnectWise objects that the sandbox serves.

Written from the vendor's published OpenAPI document (developer.connectwise.com, Manage REST, release 2025.1):
names, maximum lengths, enums and what POST requires. Only what an integration for billing can meet is here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind = Literal["text", "integer", "number", "flag", "date", "choice", "reference", "object", "list"]


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its kind, its limits, and whether a client may write it."""

    kind: Kind
    maximum: int | None = None
    choices: tuple[str, ...] = ()
    table: str | None = None
    parts: tuple[str, ...] = ()
    required: bool = False
    writable: bool = True
    default: Any = None


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of object: its table, its name in errors, its fields and whether it can be written."""

    table: str
    path: str
    label: str
    title: str
    fields: Mapping[str, Field]
    verbs: frozenset[str] = frozenset({"GET"})
    href: str = ""
    parts: tuple[str, ...] = ("id", "name")
    defaults: Mapping[str, Any] = field(default_factory=dict)


def _text(maximum: int | None = None, *, required: bool = False, writable: bool = True) -> Field:
    return Field("text", maximum=maximum, required=required, writable=writable)


def _flag(default: bool | None = False) -> Field:
    return Field("flag", default=default)


def _ref(table: str, parts: tuple[str, ...] = ("id", "name"), *, required: bool = False) -> Field:
    return Field("reference", table=table, parts=parts, required=required)


def _choice(
    *choices: str, default: str | None = None, required: bool = False, writable: bool = True
) -> Field:
    return Field("choice", choices=choices, default=default, required=required, writable=writable)


def _object(*parts: str) -> Field:
    return Field("object", parts=parts)


ID = Field("integer", writable=False)
INFO = Field("object", parts=("lastUpdated", "updatedBy", "dateEntered", "createdDate"), writable=False)
CUSTOM_FIELDS = Field("list", parts=("id", "caption", "type", "value"))
NUMBER = Field("number")
DATE = Field("date")
DERIVED_NUMBER = Field("number", writable=False)
BILLING_OPTIONS = ("Billable", "DoNotBill", "NoCharge", "NoDefault")
AGREEMENT_STATUSES = ("Active", "Cancelled", "Expired", "Inactive")
CYCLES = ("ContractYear", "CalendarYear")
COMPANY_PARTS = ("id", "identifier", "name")

CATALOG_FIELDS: dict[str, Field] = {
    "id": ID,
    "identifier": _text(75, required=True),
    "description": _text(60, required=True),
    "inactiveFlag": _flag(),
    "subcategory": _ref("subcategories", required=True),
    "type": _ref("types", required=True),
    "productClass": _choice(
        "Agreement", "Bundle", "Inventory", "NonInventory", "Service", default="NonInventory"
    ),
    "serializedFlag": _flag(),
    "serializedCostFlag": _flag(),
    "phaseProductFlag": _flag(),
    "unitOfMeasure": _ref("unitOfMeasures"),
    "minStockLevel": Field("integer", default=0),
    "price": Field("number", default=0.0),
    "cost": Field("number", default=0.0),
    "priceAttribute": _choice("FixedFee", "NotToExceed", "OverrideRate", "TimeAndMaterials"),
    "taxableFlag": _flag(),
    "dropShipFlag": _flag(),
    "specialOrderFlag": _flag(),
    "customerDescription": _text(6000, required=True),
    "manufacturer": _ref("manufacturers"),
    "manufacturerPartNumber": _text(50),
    "vendor": _ref("companies", COMPANY_PARTS),
    "vendorSku": _text(50),
    "notes": _text(),
    "integrationXRef": _text(50),
    "sla": _object("id", "name"),
    "entityType": _object("id", "name"),
    "recurringFlag": _flag(),
    "recurringRevenue": NUMBER,
    "recurringCost": NUMBER,
    "recurringOneTimeFlag": _flag(),
    "recurringBillCycle": _ref("billingCycles"),
    "recurringCycleType": _choice(*CYCLES),
    "calculatedPriceFlag": _flag(),
    "calculatedCostFlag": _flag(),
    "category": _ref("categories"),
    "calculatedPrice": DERIVED_NUMBER,
    "calculatedCost": DERIVED_NUMBER,
    "billableOption": _choice(*BILLING_OPTIONS),
    "connectWiseID": _text(writable=False),
    "agreementType": _ref("agreementTypes"),
    "markupPercentage": NUMBER,
    "markupFlag": _flag(),
    "autoUpdateUnitCostFlag": _flag(),
    "autoUpdateUnitPriceFlag": _flag(),
    "_info": INFO,
    "customFields": CUSTOM_FIELDS,
}

_LIGHT = (
    "id", "identifier", "description", "inactiveFlag", "productClass", "serializedCostFlag", "price", "cost",
    "taxableFlag", "dropShipFlag", "specialOrderFlag", "customerDescription", "manufacturerPartNumber",
    "vendorSku", "billableOption", "_info",
)  # fmt: skip

ADDITION_FIELDS: dict[str, Field] = {
    "id": ID,
    "product": _ref("catalog", ("id", "identifier", "serializedFlag"), required=True),
    "quantity": Field("number", default=0.0),
    "lessIncluded": Field("number", default=0.0),
    "unitPrice": Field("number", default=0.0),
    "unitCost": Field("number", default=0.0),
    "billCustomer": _choice("Billable", "DoNotBill", "NoCharge", required=True),
    "effectiveDate": DATE,
    "cancelledDate": DATE,
    "taxableFlag": _flag(),
    "serialNumber": _text(50),
    "invoiceDescription": _text(6000),
    "purchaseItemFlag": _flag(),
    "specialOrderFlag": _flag(),
    "agreementId": ID,
    "description": _text(writable=False),
    "billedQuantity": DERIVED_NUMBER,
    "uom": _text(writable=False),
    "extPrice": DERIVED_NUMBER,
    "extCost": DERIVED_NUMBER,
    "sequenceNumber": NUMBER,
    "margin": DERIVED_NUMBER,
    "prorateCost": DERIVED_NUMBER,
    "proratePrice": DERIVED_NUMBER,
    "extendedProrateCost": DERIVED_NUMBER,
    "extendedProratePrice": DERIVED_NUMBER,
    "prorateCurrentPeriodFlag": _flag(),
    "opportunity": _object("id", "name"),
    "agreementStatus": _choice(*AGREEMENT_STATUSES, writable=False),
    "additionStatus": _choice("Active", "Inactive", "Cancelled", "Expired", writable=False),
    "invoiceGrouping": _object("id", "name", "description", "showPriceFlag", "showSubItemsFlag"),
    "_info": INFO,
    "customFields": CUSTOM_FIELDS,
}

AGREEMENT_FIELDS: dict[str, Field] = {
    "id": ID,
    "name": _text(100, required=True),
    "type": _ref("agreementTypes", required=True),
    "company": _ref("companies", COMPANY_PARTS, required=True),
    "contact": _object("id", "name"),
    "site": _object("id", "name"),
    "parentAgreement": _ref("agreements"),
    "customerPO": _text(50),
    "location": _object("id", "name"),
    "department": _object("id", "identifier", "name"),
    "startDate": DATE,
    "endDate": DATE,
    "noEndingDateFlag": _flag(),
    "cancelledFlag": _flag(),
    "dateCancelled": DATE,
    "reasonCancelled": _text(100),
    "internalNotes": _text(),
    "applicationUnits": _choice("Amount", "Hours", "Incidents", default="Hours"),
    "applicationCycle": _text(),
    "oneTimeFlag": _flag(),
    "employeeCompRate": _choice("Actual", "Hourly", default="Actual"),
    "employeeCompNotExceed": _choice("Billing", "Amount", "Percent", default="Billing"),
    "billingCycle": _ref("billingCycles"),
    "billOneTimeFlag": _flag(),
    "invoicingCycle": _choice(*CYCLES, default="CalendarYear"),
    "billToCompany": _ref("companies", COMPANY_PARTS),
    "billAmount": Field("number", default=0.0),
    "taxable": _flag(),
    "billStartDate": DATE,
    "taxCode": _object("id", "name"),
    "prorateFlag": _flag(),
    "invoiceProratedAdditionsFlag": _flag(),
    "invoiceDescription": _text(),
    "billTime": _choice(*BILLING_OPTIONS, default="NoDefault"),
    "billExpenses": _choice(*BILLING_OPTIONS, default="NoDefault"),
    "billProducts": _choice(*BILLING_OPTIONS, default="NoDefault"),
    "currency": _object("id", "symbol", "currencyCode", "numberOfDecimals", "currencyIdentifier", "name"),
    "periodType": _choice("Current", "Future", "Both", "Undefined"),
    "autoInvoiceFlag": _flag(),
    "nextInvoiceDate": DATE,
    "agreementStatus": _choice(*AGREEMENT_STATUSES, default="Active"),
    "_info": INFO,
    "customFields": CUSTOM_FIELDS,
}

COMPANY_FIELDS: dict[str, Field] = {
    "id": ID,
    "identifier": _text(30, required=True),
    "name": _text(50, required=True),
    "status": _ref("companyStatuses"),
    "addressLine1": _text(50),
    "addressLine2": _text(50),
    "city": _text(50),
    "state": _text(50),
    "zip": _text(12),
    "country": _object("id", "name"),
    "phoneNumber": _text(30),
    "website": _text(255),
    "territory": _object("id", "name"),
    "accountNumber": _text(),
    "parentCompany": _ref("companies", COMPANY_PARTS),
    "billToCompany": _ref("companies", COMPANY_PARTS),
    "pricingSchedule": _object("id", "name"),
    "taxCode": _object("id", "name"),
    "currency": _object("id", "currencyCode", "name"),
    "deletedFlag": _flag(),
    "dateDeleted": DATE,
    "leadFlag": _flag(),
    "isVendorFlag": _flag(),
    "types": Field("list", table="companyTypes", parts=("id", "name")),
    "_info": INFO,
    "customFields": CUSTOM_FIELDS,
}

RECAP_FIELDS: dict[str, Field] = {
    "id": ID,
    "name": _text(),
    "companyName": _text(),
    "agreementStatus": _text(),
    "lastInvoiceDate": DATE,
    "lastInvoiceNumber": _text(),
    "lastInvoiceAmount": _text(),
    "nextInvoiceDate": DATE,
    "nextInvoiceAmount": NUMBER,
    "unbilledPeriods": Field("integer", default=0),
}


def _named(**more: Field) -> dict[str, Field]:
    common = {
        "id": ID,
        "name": _text(50, required=True),
        "defaultFlag": _flag(),
        "inactiveFlag": _flag(),
        "_info": INFO,
    }
    return common | more


def _lookup(table: str, path: str, title: str, href: str, **more: Field) -> Resource:
    label = title[:1].lower() + title[1:]
    return _resource(table, path, label, title, _named(**more), href=href)


def _resource(
    table: str, path: str, label: str, title: str, fields: dict[str, Field], *, href: str = "",
    parts: tuple[str, ...] = ("id", "name"), verbs: str = "GET",
) -> Resource:  # fmt: skip
    defaults = {name: entry.default for name, entry in fields.items() if entry.default is not None}
    return Resource(table, path, label, title, fields, frozenset(verbs.split()), href, parts, defaults)


_ALL = (
    _resource(
        "catalog", "procurement/catalog", "catalogItem", "CatalogItem", CATALOG_FIELDS,
        href="catalog_href", parts=("id", "identifier"), verbs="GET POST PATCH DELETE",
    ),
    _resource(
        "additions", "finance/agreements/{parent}/additions", "addition", "Addition", ADDITION_FIELDS,
        verbs="GET POST PATCH DELETE",
    ),
    _resource(
        "agreements", "finance/agreements", "agreement", "Agreement", AGREEMENT_FIELDS, href="agreement_href"
    ),
    _resource(
        "companies", "company/companies", "company", "Company", COMPANY_FIELDS,
        href="company_href", parts=COMPANY_PARTS,
    ),
    _lookup("categories", "procurement/categories", "Category", "category_href", integrationXref=_text(50)),
    _lookup(
        "subcategories", "procurement/subcategories", "SubCategory", "subcategory_href",
        category=_ref("categories"), integrationXref=_text(50),
    ),
    _lookup("types", "procurement/types", "ProductType", "type_href", typeXref=_text()),
    _lookup(
        "unitOfMeasures", "procurement/unitOfMeasures", "UnitOfMeasure", "uom_href",
        uomScheduleXref=_text(31),
    ),
    _lookup("manufacturers", "procurement/manufacturers", "Manufacturer", "manufacturer_href"),
    _lookup(
        "agreementTypes", "finance/agreements/types", "AgreementType", "type_href",
        employeeCompRate=_choice("Actual", "Hourly", default="Actual"),
        employeeCompNotExceed=_choice("Billing", "Amount", "Percent", default="Billing"),
        invoicingCycle=_choice(*CYCLES, default="CalendarYear"),
        billTime=_choice(*BILLING_OPTIONS, default="NoDefault"),
        billExpenses=_choice(*BILLING_OPTIONS, default="NoDefault"),
        billProducts=_choice(*BILLING_OPTIONS, default="NoDefault"),
    ),
    _lookup(
        "billingCycles", "finance/billingCycles", "BillingCycle", "billingCycle_href",
        identifier=_text(5), billingOptions=_text(),
    ),
    _lookup("companyStatuses", "company/companies/statuses", "CompanyStatus", "status_href"),
    _lookup("companyTypes", "company/companies/types", "CompanyType", "type_href", vendorFlag=_flag()),
    _resource("recaps", "finance/agreementrecap", "agreementRecap", "AgreementRecap", RECAP_FIELDS),
    _resource(
        "catalogInfo", "procurement/catalog/info", "catalogItemInfo", "CatalogItemInfo",
        {name: CATALOG_FIELDS[name] for name in _LIGHT},
    ),
)  # fmt: skip

PRICING = _resource(
    "catalogPricing", "procurement/catalog/{parent}/pricing", "catalogPricing", "CatalogPricing",
    {
        "catalogItem": _ref("catalog", ("id", "identifier")),
        "company": _ref("companies", COMPANY_PARTS),
        "location": _object("id", "name"),
        "quantity": Field("integer", default=1),
        "date": DATE,
        "price": DERIVED_NUMBER,
    },
)  # fmt: skip
"""A question that POST answers; there are no such rows."""

RESOURCES: Mapping[str, Resource] = {resource.table: resource for resource in _ALL}
