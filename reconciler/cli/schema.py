"""`reconciler schema`: the JSON schemas, for editors and for those who read plan files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from reconciler.cli import exit_codes

if TYPE_CHECKING:
    from reconciler.cli.runtime import Runtime


@click.command()
@click.argument("document", type=click.Choice(["mappings", "plan", "journal"]), default="mappings")
@click.pass_obj
def schema(runtime: Runtime, document: str) -> int:
    """Print the JSON schema of the mappings (for your editor), of plan files or of a journal's lines."""
    from reconciler.config.schema import mappings_schema
    from reconciler.model.journal_schema import journal_schema
    from reconciler.model.plan_schema import plan_schema

    schemas = {"mappings": mappings_schema, "plan": plan_schema, "journal": journal_schema}
    found = schemas[document]()
    runtime.stdout.write(json.dumps(found, ensure_ascii=False, indent=2) + "\n")
    return exit_codes.DONE
