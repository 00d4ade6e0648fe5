"""`reconciler ci standing` and `ci reviewed`: what a review is told, and what an apply is given of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli import exit_codes
from reconciler.cli.ci import a_folder, ci, plan_argument, site_option, workflow_file

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.ci.github import GitHub
    from reconciler.ci.reviewed import ReviewedPlan
    from reconciler.cli.runtime import Runtime


@ci.command()
@plan_argument
@click.option("--base-plan", metavar="PLAN", required=True, type=a_folder, help="Of the base's mappings.")
@click.pass_obj
def standing(runtime: Runtime, plan: Path, base_plan: Path) -> int:
    """Tell a plan's new problems from those that the base's plan has too: exit code 4 for new ones.

    Both plans have to be of the same day and the same usage.
    """
    from reconciler.ci.standing import compare, standing_text
    from reconciler.cli.files import read_plan
    from reconciler.cli.workflow import say, summarize
    from reconciler.model.counts import number_of

    problems = compare(read_plan(plan), read_plan(base_plan))
    summarize(runtime, standing_text(problems))
    for told in problems.new:
        say(runtime, f"New: {told}")
    new = number_of(len(problems.new), "new problem")
    say(runtime, f"{new}, {len(problems.standing)} without this change as well.")
    return exit_codes.PARTLY if problems.new else exit_codes.DONE


@ci.command()
@site_option
@click.option("--out", metavar="DIR", required=True, type=a_folder, help="Where the plans go.")
@click.option(
    "--plan-workflow",
    metavar="FILE",
    default="plan.yml",
    show_default=True,
    callback=workflow_file,
    help="The workflow of this repository that plans pull requests.",
)
@click.option(
    "--apply-workflow",
    metavar="FILE",
    default="apply.yml",
    show_default=True,
    callback=workflow_file,
    help="The workflow of this repository that applies.",
)
@click.pass_obj
def reviewed(runtime: Runtime, site: str, out: Path, plan_workflow: str, apply_workflow: str) -> int:
    """Fetch the reviewed plans of everything merged since the site was applied last, for `apply --within`.

    Looks for the plan run of each merged pull request's last commit and for its artifact `plan-NAME`, and
    compares digests. Exit code 5 where a plan is missing or differs. The output `plans` counts them; 0 says
    that nothing that was merged touches this site. Needs `actions`, `contents` and `pull-requests: read`.
    """
    from reconciler.ci.context import context_of
    from reconciler.ci.merged import NotReviewed
    from reconciler.ci.reviewed import Workflows, find_reviewed
    from reconciler.ci.sites import check_name
    from reconciler.cli.workflow import annotate, folder_for, put_output, say, with_github

    check_name(site)
    context = context_of(runtime.environ)
    if any(folder_for(out).iterdir()):
        raise click.UsageError(f"--out {out}: the folder is not empty. Name a new one.")

    async def ask(github: GitHub) -> list[ReviewedPlan]:
        return await find_reviewed(github, context, site, Workflows(plan_workflow, apply_workflow))

    try:
        found = with_github(runtime, context, ask)
        _write(out, found)
    except NotReviewed as failed:
        annotate(runtime, failed.diagnostics)
        return exit_codes.STALE
    put_output(runtime, "plans", str(len(found)))
    for one in found:
        say(runtime, f"Pull request {one.number}: {out / one.name}")
    if not found:
        say(runtime, "Nothing that was merged since the last successful run touches this site.")
    return exit_codes.DONE


def _write(out: Path, found: list[ReviewedPlan]) -> None:
    """All of them or none. Raises NotReviewed where one is no plan that this version reads."""
    from reconciler.ci.merged import not_reviewed
    from reconciler.cli.files import read_plan, write_bytes
    from reconciler.model.diagnostics import ReconcilerError

    written = []
    try:
        for one in found:
            path = out / one.name
            write_bytes(path, one.content)
            written.append(path)
            read_plan(path)
    except ReconcilerError as failed:
        for path in written:
            path.unlink()
        raise not_reviewed(failed.diagnostics[0].message) from None
