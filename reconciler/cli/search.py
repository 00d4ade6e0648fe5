"""`reconciler search`: which ConnectWise products can be mapped."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from reconciler.cli import exit_codes
from reconciler.cli.options import format_option
from reconciler.reporting.json_text import json_text

if TYPE_CHECKING:
    from reconciler.cli.runtime import Runtime
    from reconciler.model.observed import CatalogEntry

_LEAST = 2
#: Longer than any identifier or description; a condition has to fit into an address.
_MOST = 100


@click.command()
@click.argument("text")
@click.option("--code", metavar="CODE", default="PRODUCT-CODE", help="The Sophos code for the ready row.")
@click.option("--all", "everything", is_flag=True, help="Also those that cannot take usage, with the reason.")
@format_option("text", "json")
@click.pass_obj
def search(runtime: Runtime, text: str, code: str, everything: bool, output_format: str) -> int:
    """List ConnectWise products whose identifier or description holds TEXT, and print the ready row.

    From two characters on. Inactive products and bundles cannot take usage and are left out.
    """
    if len(text.strip()) < _LEAST:
        raise click.UsageError(f"Give at least {_LEAST} characters to search for.")
    if len(text) > _MOST:
        raise click.UsageError(f"Give at most {_MOST} characters to search for.")
    found = _read(runtime, text)
    shown = [entry for entry in found if everything or not _obstacle(entry)]
    if output_format == "json":
        runtime.stdout.write(json_text([_json(e, code) for e in shown]))
    else:
        _print(runtime, text, code, shown, hidden=len(found) - len(shown))
    return exit_codes.DONE


def _read(runtime: Runtime, text: str) -> list[CatalogEntry]:
    from contextlib import AsyncExitStack

    from reconciler.cli.site import connect_connectwise, progress
    from reconciler.cli.waiting import run_to_its_end
    from reconciler.connectwise.catalog import search_items

    async def read() -> list[CatalogEntry]:
        async with AsyncExitStack() as stack:
            return await search_items(await connect_connectwise(stack, runtime, write=False), text)

    with progress(runtime, "Searching ConnectWise"):
        found = run_to_its_end(read())
    return sorted(found, key=lambda entry: entry.identifier.casefold())


def _obstacle(entry: CatalogEntry) -> str:
    if entry.inactive:
        return "inactive"
    return "a bundle cannot be an agreement line" if entry.product_class == "Bundle" else ""


def _row(entry: CatalogEntry, code: str) -> str:
    from reconciler.model.identifiers import is_safe_in_conditions

    name = entry.identifier.strip()
    target = yaml_text(name) if is_safe_in_conditions(name) else f"{{id: {entry.id}}}"
    return f"{code}: {{product: {target}, sync: true}}"


def yaml_text(text: str) -> str:
    """A YAML scalar that is this text and nothing else, inside a flow mapping too."""
    plain = text.isascii() and text.replace("-", "").replace("_", "").replace(".", "").isalnum()
    return text if plain and not text.startswith("-") else json.dumps(text, ensure_ascii=False)


def _json(entry: CatalogEntry, code: str) -> dict[str, object]:
    return {
        "id": entry.id,
        "identifier": entry.identifier.strip(),
        "description": entry.description,
        "productClass": entry.product_class,
        "inactive": entry.inactive,
        "price": None if entry.price is None else str(entry.price),
        "obstacle": _obstacle(entry) or None,
        "row": None if _obstacle(entry) else _row(entry, code),
    }


def _print(runtime: Runtime, text: str, code: str, shown: list[CatalogEntry], *, hidden: int) -> None:
    from reconciler.model.money import money_text
    from reconciler.reporting.tables import print_table

    console = runtime.out()
    more = f" {hidden} inactive or bundled ones are left out; see them with --all." if hidden else ""
    if not shown:
        console.print(f"No product that can be mapped holds {text!r}.{more}")
        return
    rows = [
        (
            entry.identifier.strip(),
            entry.description,
            entry.product_class or "",
            "" if entry.price is None else money_text(entry.price),
            _obstacle(entry) or _row(entry, code),
        )
        for entry in shown
    ]
    print_table(console, ("Product", "Description", "Class", ">Price", "Ready row"), rows)
    free = [entry.identifier.strip() for entry in shown if not entry.price and not _obstacle(entry)]
    if free:
        console.print(
            f"Without a price: {', '.join(free)}. A new line of it waits until the product has a price, or "
            "its line under `lines`: whenNew: {unitPrice: …}.",
            style="dim",
        )
    if more:
        console.print(more.strip(), style="dim")
