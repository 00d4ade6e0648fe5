"""`reconciler ci standing` and `ci reviewed`: what a review is told, and what an apply is given of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import exit_codes
from reconciler.cli.ci import a_folder, ci, plan_argument, site_option, workflow_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reconciler.ci.github import GitHub
    from reconciler.ci.reviewed import ReviewedPlan
    from reconciler.cli.runtime import Runtime
    from reconciler.model.bound import BoundTo
    from reconciler.model.diagnostics import Diagnostic


@ci.command()
@site_option
@click.pass_obj
def tip(runtime: Runtime, site: str) -> int:
    """Stop a run whose commit the default branch has left behind: exit code 5, before a step that writes.

    "Re-run" takes the commit of the first run. A newer one that changes neither the site's mappings nor the
    tool is no matter. Needs `contents: read`; on Azure Pipelines SYSTEM_ACCESSTOKEN.
    """
    from reconciler.ci.azure import AZURE, Repository, superseded_on_azure
    from reconciler.ci.context import context_of
    from reconciler.ci.sites import check_name
    from reconciler.ci.tip import superseded
    from reconciler.cli.workflow import annotate, say, with_azure, with_github

    check_name(site)

    async def on_github(github: GitHub) -> Diagnostic | None:
        return await superseded(github, context_of(runtime.environ), site)

    async def on_azure(repository: Repository) -> Diagnostic | None:
        return await superseded_on_azure(repository, runtime.environ)

    if runtime.environ.get(AZURE):
        found = with_azure(runtime, on_azure)
    else:
        found = with_github(runtime, context_of(runtime.environ), on_github)
    if found is not None:
        annotate(runtime, [found])
        return exit_codes.STALE
    say(runtime, f"{site}: no newer commit changes what this run writes")
    return exit_codes.DONE


@ci.command()
@plan_argument
@click.option("--base-plan", metavar="PLAN", required=True, type=a_folder, help="Of the base's mappings.")
@click.pass_obj
def standing(runtime: Runtime, plan: Path, base_plan: Path) -> int:
    """Tell a plan's new problems from those that the base's plan has too: exit code 4 for new ones.

    Both plans have to be of the same day and the same usage. Without a plan of the base every problem is new:
    the site is, or the base could not be planned.
    """
    from reconciler.ci.standing import compare, standing_text
    from reconciler.cli.plan_files import read_plan
    from reconciler.cli.workflow import say, summarize
    from reconciler.model.counts import number_of

    problems = compare(read_plan(plan), read_plan(base_plan) if base_plan.exists() else None)
    summarize(runtime, standing_text(problems))
    for told in problems.new:
        say(runtime, f"New: {told}")
    new = number_of(len(problems.new), "new problem")
    say(runtime, f"{new}, {len(problems.standing)} without this change as well.")
    return exit_codes.PARTLY if problems.new else exit_codes.DONE


def _workflow(name: str, does: str) -> Callable[[Any], Any]:
    """The option with the file of a workflow."""
    return click.option(
        f"--{name}-workflow",
        metavar="FILE",
        default=f"{name}.yml",
        show_default=True,
        callback=workflow_file,
        help=f"The workflow of this repository that {does}.",
    )


@ci.command("bind")
@plan_argument
@site_option
@click.pass_obj
def bind_plan(runtime: Runtime, plan: Path, site: str) -> int:
    """Write into a saved plan what it is a plan of: repository, pull request, commits, and the site's folder.

    `ci reviewed` takes no plan that does not say so. Needs `contents: read`.
    """
    from dataclasses import replace

    from reconciler.ci.binding import bind
    from reconciler.ci.context import context_of
    from reconciler.ci.sites import check_name, path_of
    from reconciler.ci.trees import Trees
    from reconciler.cli.plan_files import read_plan, write_plan
    from reconciler.cli.workflow import say, with_github

    check_name(site)
    made, context = read_plan(plan), context_of(runtime.environ)

    async def ask(github: GitHub) -> BoundTo:
        return await bind(Trees(github), context, path_of(site), runtime.now())

    made = replace(made, bound_to=with_github(runtime, context, ask))
    write_plan(plan, made)
    say(runtime, f"Plan {made.hash} of {site}")
    return exit_codes.DONE


@ci.command()
@site_option
@click.option("--out", metavar="DIR", required=True, type=a_folder, help="Where the plans go.")
@_workflow("plan", "plans pull requests")
@_workflow("apply", "applies")
@_workflow("month-end", "freezes a month")
@click.pass_obj
def reviewed(
    runtime: Runtime,
    site: str,
    out: Path,
    plan_workflow: str,
    apply_workflow: str,
    month_end_workflow: str,
) -> int:
    """Fetch the reviewed plans of everything merged since the site was applied last, for `apply --within`.

    A plan counts that says it is of the merged pull request and of the mappings that were merged, and that
    was made before an approval of its last push that stands. Where RECONCILER_REVIEW is `merge`, the merge is
    the approval. Exit code 5 where there is none. The output `plans` counts them; 0 says that nothing that
    was merged touches this site. Needs `actions`, `contents` and `pull-requests: read`.
    """
    from reconciler.ci.approval import REVIEW_NAME
    from reconciler.ci.context import context_of
    from reconciler.ci.merged import NotReviewed
    from reconciler.ci.reviewed import Workflows, find_reviewed
    from reconciler.ci.sites import check_name
    from reconciler.cli.workflow import annotate, folder_for, put_output, with_github

    check_name(site)
    context = context_of(runtime.environ)
    review = runtime.environ.get(REVIEW_NAME, "")
    if any(folder_for(out).iterdir()):
        raise click.UsageError(f"--out {out}: the folder is not empty. Name a new one.")

    async def ask(github: GitHub) -> list[ReviewedPlan]:
        workflows = Workflows(plan_workflow, apply_workflow, month_end_workflow)
        return await find_reviewed(github, context, site, workflows, review)

    try:
        found = with_github(runtime, context, ask)
        hashes = _write(out, found)
    except NotReviewed as failed:
        annotate(runtime, failed.diagnostics)
        return exit_codes.STALE
    put_output(runtime, "plans", str(len(found)))
    _say_what_was_reviewed(runtime, out, found, hashes)
    return exit_codes.DONE


def _say_what_was_reviewed(runtime: Runtime, out: Path, found: list[ReviewedPlan], hashes: list[str]) -> None:
    """The hashes are those that the comments of the pull requests have."""
    from reconciler.cli.workflow import say, summarize

    if not found:
        say(runtime, "Nothing that was merged since the last successful run touches this site.")
        return
    lines = ["Reviewed plans:", ""]
    for one, plan_hash in zip(found, hashes, strict=True):
        say(runtime, f"Pull request {one.number}: {out / one.name}, plan {plan_hash}")
        lines.append(f"- pull request {one.number}: {plan_hash}")
    summarize(runtime, "\n".join(lines))


def _write(out: Path, found: list[ReviewedPlan]) -> list[str]:
    """All of them or none; their hashes. Raises NotReviewed where one is no plan that this version reads."""
    from reconciler.ci.merged import not_reviewed
    from reconciler.cli.files import write_bytes
    from reconciler.cli.plan_files import read_plan
    from reconciler.model.diagnostics import ReconcilerError

    written: list[Path] = []
    hashes: list[str] = []
    try:
        for one in found:
            path = out / one.name
            write_bytes(path, one.content)
            written.append(path)
            hashes.append(read_plan(path).hash)
    except ReconcilerError as failed:
        for path in written:
            path.unlink()
        raise not_reviewed(failed.diagnostics[0].message) from None
    return hashes
