"""`reconciler validate`: checks the mappings without any credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli import exit_codes
from reconciler.cli.options import folder_anyhow, format_option
from reconciler.model.counts import number_of
from reconciler.reporting.json_text import json_text

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.cli.runtime import Runtime
    from reconciler.config.load import Loaded


@click.command()
@folder_anyhow
@format_option("text", "json", "github")
@click.pass_obj
def validate(runtime: Runtime, folder: Path, output_format: str) -> int:
    """Check the mappings in DIR, offline: format, limits and everything that must agree across files.

    Says everything that is wrong at once, each with its place and what to do.
    """
    from reconciler.cli.configuration import load_configuration

    loaded = load_configuration(runtime, folder)
    _print(runtime, loaded, output_format)
    return exit_codes.DONE if loaded.desired is not None else exit_codes.NO_RESULT


def _print(runtime: Runtime, loaded: Loaded, output_format: str) -> None:
    from reconciler.ci.annotations import first_ones
    from reconciler.reporting.console import commands
    from reconciler.reporting.diagnostics import diagnostics_json, github_annotations, print_diagnostics

    valid = loaded.desired is not None
    if output_format == "json":
        document = {"valid": valid, "diagnostics": diagnostics_json(loaded.diagnostics)}
        runtime.stdout.write(json_text(document))
        return
    if output_format == "github":
        for annotation in github_annotations(first_ones(loaded.diagnostics, "the log of this step")):
            commands(runtime.stdout).write(annotation + "\n")
    print_diagnostics(runtime.err(), loaded.diagnostics)
    runtime.out().print(_verdict(loaded), style="bold")


def _verdict(loaded: Loaded) -> str:
    if loaded.desired is None:
        count = sum(d.severity == "error" for d in loaded.diagnostics)
        return f"Not valid: {number_of(count, 'error')}. Nothing was read from any system."
    files = len(loaded.files)
    return (
        f"Valid: {number_of(len(loaded.desired.rows), 'mapping')}, "
        f"{number_of(len(loaded.desired.products), 'product')}, "
        f"{number_of(len(loaded.desired.customers), 'customer')} in {number_of(files, 'file')}."
    )
