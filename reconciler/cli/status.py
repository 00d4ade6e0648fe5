"""`reconciler status`: the *Configure usage sync* page as a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import exit_codes
from reconciler.cli.options import folder_option, format_option, period_option
from reconciler.reporting.json_text import json_text

if TYPE_CHECKING:
    from reconciler.cli.runtime import Runtime
    from reconciler.cli.site import Survey
    from reconciler.model.months import Month
    from reconciler.planning.status import ProductStatus


@click.command()
@click.argument("product", required=False)
@folder_option
@period_option
@format_option("text", "json")
@click.pass_obj
def status(
    runtime: Runtime, product: str | None, folder: Path, period: Month | None, output_format: str
) -> int:
    """Show each Sophos product: what it is mapped to, its sync, its usage this period and its state.

    With PRODUCT (a Sophos code or a ConnectWise identifier): that one, with all its fields.
    """
    from reconciler.cli.configuration import read_configuration
    from reconciler.cli.site import How, survey
    from reconciler.planning.plan import Scope
    from reconciler.planning.status import product_statuses

    if product is not None and Path(product).is_dir():
        raise click.UsageError(f"{product} is a folder: say `reconciler status --dir {product}`.")
    head = read_configuration(runtime, folder)
    found = survey(runtime, head, how=How(period, Scope.PRODUCTS))
    rows = product_statuses(head.desired, found.plan, found.month)
    if product is not None:
        return _show_one(runtime, product, rows, found, output_format)
    if output_format == "json":
        runtime.stdout.write(json_text([_json(row) for row in rows]))
    else:
        _print_all(runtime, rows, found)
    return exit_codes.DONE


def _json(row: ProductStatus) -> dict[str, Any]:
    return {
        "code": row.code,
        "name": row.name,
        "products": list(row.products),
        "sync": row.sync or None,
        "usage": row.usage,
        "state": row.state,
    }


def _print_all(runtime: Runtime, rows: list[ProductStatus], found: Survey) -> None:
    from reconciler.reporting.plan_text import period_line
    from reconciler.reporting.tables import print_table

    console = runtime.out()
    console.print(period_line(found.plan.period), style="bold")
    header = ("Sophos product", "Name", "ConnectWise product", "Sync", ">Usage", "State")
    print_table(
        console,
        header,
        [(r.code, r.name, ", ".join(r.products) or "–", r.sync or "–", r.usage, r.state) for r in rows],
    )


def _show_one(
    runtime: Runtime, product: str, rows: list[ProductStatus], found: Survey, output_format: str
) -> int:
    from reconciler.model.diagnostics import ReconcilerError, error
    from reconciler.model.identifiers import identifier_key
    from reconciler.planning.suggest import did_you_mean

    code = next((row for row in rows if row.code == product), None)
    names = code.products if code is not None else (product,)
    keys = {identifier_key(name) for name in names}
    items = [item for item in found.observed.items if item.key in keys]
    if code is None and not items:
        known = [row.code for row in rows] + [item.identifier.strip() for item in found.observed.items]
        raise ReconcilerError(
            error(
                "product-unknown",
                f"{product} is neither a Sophos code nor a ConnectWise product that the mappings know.",
                f"{did_you_mean(product, known)}`reconciler status` lists them; `reconciler search` looks "
                "through all of ConnectWise.",
            )
        )
    mapped = [row for row in rows if row is code or keys & {identifier_key(name) for name in row.products}]
    if output_format == "json":
        document = {"mappings": [_json(row) for row in mapped], "products": [_item_json(i) for i in items]}
        runtime.stdout.write(json_text(document))
        return exit_codes.DONE
    _print_all(runtime, mapped, found)
    for item in items:
        _print_item(runtime, _item_json(item))
    return exit_codes.DONE


def _item_json(item: Any) -> dict[str, Any]:
    from reconciler.model.fields import CATALOG_FIELDS, to_plan

    fields = {f.name: to_plan(item.fields.get(f.name)) for f in CATALOG_FIELDS}
    customs = {f.caption: to_plan(f.value) for f in item.custom_fields}
    return {
        "id": item.id,
        "identifier": item.identifier.strip(),
        "fields": fields,
        "customFields": customs,
        "notes": item.notes,
        "lastUpdated": item.last_updated,
        "updatedBy": item.updated_by.strip(),
    }


def _print_item(runtime: Runtime, item: dict[str, Any]) -> None:
    from reconciler.reporting.tables import print_table
    from reconciler.reporting.values import value_text

    console = runtime.out()
    console.print()
    rows = [("id", str(item["id"]))]
    rows += [(name, value_text(value, longest=200)) for name, value in item["fields"].items()]
    rows += [(f"{name} (custom field)", value_text(value)) for name, value in item["customFields"].items()]
    rows += [("notes", value_text(item["notes"] or None, longest=500))]
    rows += [("last changed", f"{item['lastUpdated']} by {item['updatedBy']}")]
    print_table(console, (item["identifier"], ""), rows)
