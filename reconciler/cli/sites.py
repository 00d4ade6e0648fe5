"""`reconciler sites`: the sites of a repository, as a workflow's matrix."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli import exit_codes
from reconciler.cli.options import format_option

if TYPE_CHECKING:
    from reconciler.cli.runtime import Runtime


def _output_name(_context: click.Context, _option: click.Parameter, text: str | None) -> str | None:
    if text is not None and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", text):
        raise click.BadParameter("it is letters, digits, - and _, beginning with a letter or _.")
    return text


@click.command()
@click.option(
    "--root",
    metavar="DIR",
    default=".",
    show_default=True,
    type=click.Path(path_type=Path),
    help="The repository.",
)
@click.option(
    "--since",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="The base commit's repository: only sites whose desired state the change touches.",
)
@click.option(
    "--github-output",
    metavar="NAME",
    callback=_output_name,
    help="Also make the JSON the step's output of this name, in the file that GITHUB_OUTPUT names.",
)
@click.option(
    "--none-yet", is_flag=True, help="A repository without mappings is no error: there is nothing to do."
)
@format_option("text", "json")
@click.pass_obj
def sites(
    runtime: Runtime,
    root: Path,
    since: Path | None,
    github_output: str | None,
    none_yet: bool,
    output_format: str,
) -> int:
    """List the sites of a repository: each folder of sites/*/ with mappings, else the single mappings/.

    As JSON: the entries of a workflow's matrix. With --since, a site that the change removes is in the text
    alone: there is nothing to plan for it.
    """
    from reconciler.ci.sites import sites_of
    from reconciler.cli.workflow import changed_sites, put_output
    from reconciler.reporting.clean import clean
    from reconciler.reporting.json_text import json_text

    changed = None if since is None else changed_sites(since, root)
    found = sites_of(root) if changed is None else changed.touched
    if changed is None and not found:
        _say_none(runtime, root, good=none_yet)
    if github_output is not None:
        put_output(runtime, github_output, json.dumps([site.to_json() for site in found]))
    if output_format == "json":
        runtime.stdout.write(json_text([site.to_json() for site in found]))
    else:
        for site in found:
            told = f"{site.name}: {site.path}, environment {site.environment}"
            runtime.stdout.write(f"{clean(told)}\n")
        for site in () if changed is None else changed.removed:
            runtime.stdout.write(f"{clean(site.name)}: removed by this change\n")
    return exit_codes.DONE


def _say_none(runtime: Runtime, root: Path, *, good: bool) -> None:
    """Raises ReconcilerError where that is not good."""
    from reconciler.ci.sites import MANY, SINGLE
    from reconciler.model.diagnostics import ReconcilerError, error

    what = f"{root} has neither {SINGLE}/ nor a folder of {MANY}/ with *.yaml files in it."
    if not good:
        remedy = f"Give the repository with --root, or write the first {SINGLE}."
        raise ReconcilerError(error("no-sites", what, remedy))
    runtime.stderr.write(f"No rows yet: {what}\n")
