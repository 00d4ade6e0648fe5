"""`reconciler ci`: the steps of workflows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli import exit_codes

if TYPE_CHECKING:
    from reconciler.ci.gates import Gates
    from reconciler.ci.github import GitHub
    from reconciler.ci.unchanged import Left
    from reconciler.cli.runtime import Runtime
    from reconciler.model.diagnostics import Diagnostic

a_folder = click.Path(path_type=Path)
plan_argument = click.argument("plan", metavar="PLAN", type=a_folder)
site_option = click.option("--site", metavar="NAME", default="mappings", show_default=True, help="The site.")

_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\.ya?ml")


def workflow_file(_context: click.Context, _option: click.Parameter, text: str) -> str:
    """The name of a workflow's file, which becomes a part of an address."""
    if not _FILE.fullmatch(text):
        raise click.BadParameter("write the name of a file in .github/workflows, for example plan.yml")
    return text


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def ci() -> None:
    """Steps of workflows on GitHub: they read its environment variables and the event's payload."""


@ci.command()
@click.pass_obj
def gate(runtime: Runtime) -> int:
    """Say whether plans may run in this repository, and which of its gates are real.

    A plan holds customers and prices: a public repository is refused (exit code 4) unless the variable
    RECONCILER_PUBLIC is `allowed`. What the token may not read is "not known".
    """
    from reconciler.ci.approval import REVIEW_NAME
    from reconciler.ci.context import context_of
    from reconciler.ci.gates import ALLOWED, ALLOWED_NAME, find_gates, gates_text, may_run
    from reconciler.cli.workflow import annotate, say, summarize, with_github
    from reconciler.model.diagnostics import error

    context = context_of(runtime.environ)
    allowed = runtime.environ.get(ALLOWED_NAME, "")

    async def ask(github: GitHub) -> Gates:
        return await find_gates(github, context, runtime.environ.get(REVIEW_NAME, ""))

    gates = with_github(runtime, context, ask)
    good = may_run(gates, allowed)
    summarize(runtime, gates_text(gates, allowed=good))
    if good:
        say(runtime, "Plans may run here.")
        return exit_codes.DONE
    what = "is public" if gates.public else "is not known to be private"
    annotate(
        runtime,
        [
            error(
                "public-repository",
                f"This repository {what}, and plans hold customers and prices. Nothing was planned.",
                f"Make it private, or set the variable {ALLOWED_NAME} to `{ALLOWED}` if all may read them.",
            )
        ],
    )
    return exit_codes.PARTLY


@ci.command()
@click.pass_obj
def base(runtime: Runtime) -> int:
    """Name the commit that a pull request would be merged into, as the step's output `base`.

    It is the first parent of GITHUB_SHA, the merge commit; what the event names may be older. Needs
    `contents: read`.
    """
    from reconciler.ci.context import context_of
    from reconciler.ci.merged import base_of, not_reviewed
    from reconciler.cli.workflow import put_output, say, with_github

    context = context_of(runtime.environ)
    if not context.commit:
        raise not_reviewed("GITHUB_SHA names no commit.", "Run this as a step of a workflow.")

    async def ask(github: GitHub) -> str:
        return await base_of(github, context.commit)

    found = with_github(runtime, context, ask)
    put_output(runtime, "base", found)
    say(runtime, f"Compared with {found}.")
    return exit_codes.DONE


@ci.command()
@click.option("--base", metavar="DIR", required=True, type=a_folder, help="The base commit's mappings.")
@click.option("--head", metavar="DIR", required=True, type=a_folder, help="The head commit's mappings.")
@site_option
@click.option("--sites", is_flag=True, help="DIR is a whole repository: look at each of its sites.")
@click.option("--bind", is_flag=True, help="With --sites: say in DIR/unchanged.json of which pull request.")
@click.option("--out", metavar="DIR", type=a_folder, help="Where comment.md goes if nothing changed.")
@click.pass_obj
def changed(
    runtime: Runtime, base: Path, head: Path, site: str, sites: bool, bind: bool, out: Path | None
) -> int:
    """Say whether a change touches the desired state: `changed=true` or `changed=false` as the step's output.

    Where it does not, nothing has to be read from ConnectWise and Sophos. The comment.md of --out then only
    takes the place of an older one. Mappings that are missing or not valid count as changed.

    With --sites each site that the change leaves alone or removes gets its NAME/comment.md in --out, and
    `changed` says whether it touches or removes any. A site that goes is a warning, too. With --bind a frozen
    plan that the pull request brings is told, and is exit code 4 where no workflow opened it. That needs
    `contents: read`.
    """
    from reconciler.ci.artifact import COMMENT_FILE
    from reconciler.ci.comment import unchanged_comment, unchanged_text
    from reconciler.ci.sites import SINGLE, check_name
    from reconciler.ci.unchanged import frozen_text
    from reconciler.cli.files import write_text
    from reconciler.cli.workflow import folder_for, put_output, same_in, say, summarize
    from reconciler.model.diagnostics import Severity

    check_name(site)
    files: dict[str, str] = {}
    frozen: Diagnostic | None = None
    if sites:
        same, files, frozen = _changed_sites(runtime, base, head, bind=bind)
    else:
        same = same_in(base, head)
        if same:
            files[COMMENT_FILE] = unchanged_comment(site, named=site != SINGLE)
    put_output(runtime, "changed", "false" if same else "true")
    if frozen is not None:
        summarize(runtime, frozen_text(frozen))
    elif same:
        summarize(runtime, unchanged_text())
    if out is not None:
        for file, text in ((out / name, text) for name, text in files.items()):
            write_text(folder_for(file.parent) / file.name, text)
    say(runtime, "The desired state is as it was." if same else "The desired state has changed.")
    return exit_codes.PARTLY if frozen is not None and frozen.severity is Severity.ERROR else exit_codes.DONE


def _changed_sites(
    runtime: Runtime, base: Path, head: Path, *, bind: bool
) -> tuple[bool, dict[str, str], Diagnostic | None]:
    """Whether no site is changed, what is said of them by file, and of frozen plans that are brought."""
    from reconciler.ci.artifact import COMMENT_FILE, UNCHANGED_FILE
    from reconciler.ci.comment import removed_comment, removed_site, unchanged_comment
    from reconciler.ci.context import context_of
    from reconciler.ci.sites import SINGLE
    from reconciler.ci.unchanged import find_left, frozen_comment, frozen_said
    from reconciler.cli.workflow import annotate, changed_sites, with_github

    found = changed_sites(base, head)
    same = not found.touched and not found.removed
    comments = {one.name: unchanged_comment(one.name, named=one.name != SINGLE) for one in found.same}
    comments |= {one.name: removed_comment(one) for one in found.removed}
    annotate(runtime, [removed_site(one) for one in found.removed])
    files: dict[str, str] = {}
    frozen: Diagnostic | None = None
    if bind:
        context, now = context_of(runtime.environ), runtime.now()

        async def ask(github: GitHub) -> Left:
            return await find_left(github, context, found.same, now)

        left = with_github(runtime, context, ask)
        files[UNCHANGED_FILE] = left.text
        if left.frozen:
            frozen = frozen_said(left.frozen, alone=same and context.opened_by_workflow)
            annotate(runtime, [frozen])
            brought = [one.name for one in found.same if one.name in left.frozen]
            comments |= {name: frozen_comment(name, frozen) for name in brought}
    return same, files | {f"{name}/{COMMENT_FILE}": text for name, text in comments.items()}, frozen


@ci.command()
@plan_argument
@site_option
@click.option("--out", metavar="DIR", type=a_folder, help="Where the artifact's files go.")
@click.option(
    "--root",
    metavar="DIR",
    type=a_folder,
    help="The checkout that was planned, if it is not the working folder: annotations name files below it.",
)
@click.pass_obj
def publish(runtime: Runtime, plan: Path, site: str, out: Path | None, root: Path | None) -> int:
    """Show a saved plan: step summary, annotations on its lines, and the files of an artifact.

    DIR then has comment.md for `reconciler ci comment`, plan.json.gz, plan.xlsx, and digest.txt with the
    SHA-256 of plan.json.gz. Where there is no PLAN, comment.md says so, and the exit code is 1.
    """
    from reconciler.ci.annotations import first_ones
    from reconciler.ci.artifact import COMMENT_FILE, DIGEST, PLAN, SPREADSHEET, digest_text
    from reconciler.ci.comment import comment, no_plan_comment
    from reconciler.ci.context import context_of
    from reconciler.ci.sites import SINGLE, check_name
    from reconciler.cli.files import write_bytes, write_text
    from reconciler.cli.plan_files import plan_bytes, read_plan
    from reconciler.cli.workflow import annotate, below, folder_for, room_in_summary, summarize
    from reconciler.reporting.markdown import markdown
    from reconciler.reporting.spreadsheet import xlsx_bytes

    check_name(site)
    context = context_of(runtime.environ)
    if out is not None and not plan.exists():
        missing = no_plan_comment(site, context.run_url, named=site != SINGLE)
        write_text(folder_for(out) / COMMENT_FILE, missing)
    made = read_plan(plan)
    subject = "this plan" if context.pull_request is None else "this pull request"
    title = "" if site == SINGLE else f"# {site}\n\n"
    room = room_in_summary(runtime) - len(title.encode()) - 1
    summarize(runtime, title + markdown(made, subject=subject, limit=room))
    annotate(runtime, first_ones((below(one, root) for one in made.diagnostics), "the summary of this run"))
    if out is not None:
        folder, content = folder_for(out), plan_bytes(made, packed=True)
        told = comment(made, site, subject=subject, run_url=context.run_url, named=site != SINGLE)
        write_text(folder / COMMENT_FILE, told)
        write_bytes(folder / SPREADSHEET, xlsx_bytes(made))
        write_bytes(folder / PLAN, content)
        write_text(folder / DIGEST, digest_text(content))
    return exit_codes.DONE


@ci.command("comment")
@click.argument("folders", metavar="DIR...", nargs=-1, required=True, type=a_folder)
@click.pass_obj
def post_comment(runtime: Runtime, folders: tuple[Path, ...]) -> int:
    """Put each DIR/comment.md on the pull request: one comment for each site, made once and then updated.

    Needs `pull-requests: write` and no key of ConnectWise or Sophos. A comment that cannot be made is a
    notice, and the exit code is 0: the plan is in the run's summary all the same. On Azure Pipelines it goes
    to the pull request of Azure Repos, with SYSTEM_ACCESSTOKEN.
    """
    from reconciler.ci.comments import Comments, put_comment
    from reconciler.cli.workflow import annotate, comment_folders, read_comment, say, with_comments
    from reconciler.model.diagnostics import ReconcilerError, notice

    remedy = "The plan is in the summary of the run."
    for folder in comment_folders(folders):
        try:
            text = read_comment(folder)

            async def put(comments: Comments, text: str = text) -> str:
                return await put_comment(comments, text)

            say(runtime, f"{folder}: {with_comments(runtime, put)}")
        except ReconcilerError as failed:
            why = " ".join(f"{one.message} {one.remedy}" for one in failed.diagnostics)
            annotate(runtime, [notice("comment-not-made", f"No comment from {folder}: {why}", remedy)])
    return exit_codes.DONE
