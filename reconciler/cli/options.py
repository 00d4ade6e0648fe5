"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.model.months import Month

if TYPE_CHECKING:
    from collections.abc import Callable

folder_argument = click.argument(
    "folder", metavar="[DIR]", default="mappings", type=click.Path(path_type=Path)
)
folder_option = click.option(
    "--dir",
    "folder",
    metavar="DIR",
    default="mappings",
    show_default=True,
    type=click.Path(path_type=Path),
    help="The folder with the mappings.",
)
products_option = click.option(
    "--product",
    "products",
    metavar="IDENTIFIER",
    multiple=True,
    help="Only this ConnectWise product, and what its changes wait for. Can be given several times.",
)
yes_option = click.option("--yes", is_flag=True, help="Write without asking.")


def format_option(*formats: str) -> Callable[[Any], Any]:
    """`--format`, the first being the default."""
    return click.option(
        "--format",
        "output_format",
        type=click.Choice(formats),
        default=formats[0],
        show_default=True,
        help="How the result is printed.",
    )


def parse_month(_context: click.Context, _option: click.Parameter, text: str | None) -> Month | None:
    """A `YYYY-MM` option."""
    if text is None:
        return None
    try:
        return Month.parse(text)
    except ValueError as wrong:
        raise click.BadParameter(str(wrong)) from None


scope_option = click.option(
    "--scope",
    type=click.Choice(["all", "products", "usage"]),
    default="all",
    show_default=True,
    help="What is to be written: products and mappings, quantities of agreement lines, or both.",
)
period_option = click.option(
    "--period",
    metavar="YYYY-MM",
    callback=parse_month,
    help="The Sophos month to show usage of; the newest closed one by default.",
)
