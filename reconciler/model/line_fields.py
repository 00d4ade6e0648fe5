"""The agreement line's fields that are declared, counted or dated, and where the typed row has them.

Names, types and enums: the `Addition` schema of ConnectWise's OpenAPI document, releases 2025.1 and 2025.8.
"""

from __future__ import annotations

from reconciler.model.fields import Field, Kind

LINE_FIELDS: tuple[Field, ...] = (
    Field(
        "billCustomer",
        Kind.CHOICE,
        "Whether the customer is billed for the line.",
        choices=("Billable", "DoNotBill", "NoCharge"),
    ),
    Field("unitPrice", Kind.MONEY, "Price per unit, before tax."),
    Field("unitCost", Kind.MONEY, "Cost per unit, before tax."),
    Field("taxableFlag", Kind.FLAG, "Whether tax is charged on the line."),
    Field("invoiceDescription", Kind.TEXT, "The text on the invoice.", limit=6000),
)
#: What a plan counts, besides what is declared.
QUANTITY = Field("quantity", Kind.NUMBER, "Units.")
LESS_INCLUDED = Field("lessIncluded", Kind.NUMBER, "Units that are included and not billed.")

#: Its first and last billed day; the day of a creation, and the day of an end.
EFFECTIVE = Field("effectiveDate", Kind.DAY, "The first day that is billed.")
CANCELLED = Field("cancelledDate", Kind.DAY, "The last day that is billed.")
SERIAL = Field("serialNumber", Kind.TEXT, "The serial number of a firewall with a line of its own.", limit=50)

LINE_FIELDS_BY_NAME = {
    field.name: field for field in (*LINE_FIELDS, QUANTITY, LESS_INCLUDED, EFFECTIVE, CANCELLED, SERIAL)
}

#: The attributes of `model.billing.Line` that hold them.
ATTRIBUTES = {
    "quantity": "quantity",
    "lessIncluded": "less_included",
    "billCustomer": "bill_customer",
    "unitPrice": "unit_price",
    "unitCost": "unit_cost",
    "taxableFlag": "taxable",
    "invoiceDescription": "invoice_description",
    "effectiveDate": "effective",
    "cancelledDate": "cancelled",
    "serialNumber": "serial_number",
}
