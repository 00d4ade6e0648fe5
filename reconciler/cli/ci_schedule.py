"""`reconciler ci drift`, `ci month-end`, `ci heard` and `ci notify`: what schedules tell people."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import exit_codes
from reconciler.cli.ci import a_folder, ci, plan_argument, site_option, workflow_file

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.ci.github import GitHub
    from reconciler.ci.heard import Watched
    from reconciler.cli.runtime import Runtime

_LARGEST = 64 * 1024 * 1024


@ci.command()
@plan_argument
@site_option
@click.pass_obj
def drift(runtime: Runtime, plan: Path, site: str) -> int:
    """Open, update or close the site's one issue about drift, from a plan of the default branch.

    Each difference has its kind and its age. Quantities that usage moves are none. The output `drift` counts
    them. A plan that could count no usage leaves the issue as it was: exit code 4. Needs `issues: write`.
    """
    from reconciler.ci.context import context_of
    from reconciler.ci.drift import put_issue
    from reconciler.ci.sites import check_name
    from reconciler.cli.plan_files import read_plan
    from reconciler.cli.workflow import put_output, say, with_github
    from reconciler.model.verdict import usage_is_counted

    check_name(site)
    made = read_plan(plan)
    context = context_of(runtime.environ)
    if not usage_is_counted(made):
        say(runtime, f"{site}: no usage could be counted, so that the issue stays as it was")
        return exit_codes.PARTLY

    async def put(github: GitHub) -> tuple[int, str]:
        return await put_issue(github, site, made, context.run_url)

    count, done = with_github(runtime, context, put)
    put_output(runtime, "drift", str(count))
    say(runtime, f"{site}: {done}")
    return exit_codes.DONE


@ci.command("month-end")
@site_option
@click.option("--plan", metavar="PLAN", required=True, type=a_folder, help="The month's frozen plan.")
@click.option("--ready", metavar="FILE", required=True, type=a_folder, help="`ready --format json`.")
@click.option("--usage", metavar="FILE", required=True, type=a_folder, help="What `usage --out` froze.")
@click.option("--check", metavar="NAME", default="", help="A required check of pull requests to set on it.")
@click.pass_obj
def month_end(runtime: Runtime, site: str, plan: Path, ready: Path, usage: Path, check: str) -> int:
    """Open the month's pull request with its frozen plan, or update it: merging it is the approval.

    The files go to the folder month-end/NAME/YYYY-MM, on a branch of the same name. A pull request that was
    merged or closed is left alone; where a person started the run, the month's next one is opened. Needs
    `contents` and `pull-requests: write`; with --check `statuses: write`.
    """
    from reconciler.ci.artifact import PLAN
    from reconciler.ci.context import context_of
    from reconciler.ci.month_end import month_end as make
    from reconciler.ci.month_end import propose
    from reconciler.ci.sites import check_name
    from reconciler.cli.files import read_usage
    from reconciler.cli.plan_files import packed_name, plan_bytes, read_plan
    from reconciler.cli.workflow import say, with_github

    check_name(site)
    made = read_plan(plan)
    read_usage(usage)
    verdict = _text(ready)
    content = plan.read_bytes() if packed_name(plan) else plan_bytes(made, packed=True)
    files = {PLAN: content, "usage.json": _text(usage).encode(), "ready.json": verdict.encode()}
    proposed = make(site, made, _json(verdict), files)
    context = context_of(runtime.environ)

    async def put(github: GitHub) -> str:
        return await propose(github, context, proposed, check)

    say(runtime, with_github(runtime, context, put))
    return exit_codes.DONE


@ci.command()
@click.option(
    "--workflow",
    metavar="FILE",
    required=True,
    callback=workflow_file,
    help="The scheduled workflow of this repository that is looked at.",
)
@click.option(
    "--hours",
    metavar="NUMBER",
    required=True,
    type=click.IntRange(1, 24 * 366),
    help="How long it may be silent.",
)
@click.option(
    "--begun",
    is_flag=True,
    help="Enough is a run that its schedule began, if it came to an end: one that failed tells so itself.",
)
@click.pass_obj
def heard(runtime: Runtime, workflow: str, hours: int, begun: bool) -> int:
    """Say whether another schedule has succeeded on the default branch in the last hours: exit code 4 if not.

    One that was switched off by hand, is not in the repository, is new, skipped its jobs or is under way
    alarms nobody. Needs `actions: read`.
    """
    from datetime import timedelta

    from reconciler.ci.context import context_of
    from reconciler.ci.heard import find_watched, judge
    from reconciler.cli.workflow import annotate, say, summarize, with_github

    context, now = context_of(runtime.environ), runtime.now()

    async def ask(github: GitHub) -> Watched:
        return await find_watched(github, context, workflow, now - timedelta(hours=hours))

    text, wrong = judge(with_github(runtime, context, ask), now, hours, begun=begun)
    if wrong is None:
        say(runtime, text)
        return exit_codes.DONE
    summarize(runtime, f"🔴 {wrong.message}")
    annotate(runtime, [wrong])
    return exit_codes.PARTLY


@ci.command()
@click.option("--title", metavar="TEXT", required=True, help="What happened.")
@click.option("--file", metavar="FILE", type=a_folder, help="The message's text, cut where it is long.")
@click.option("--link", metavar="URL", help="What to open; this run's page on GitHub by default.")
@click.pass_obj
def notify(runtime: Runtime, title: str, file: Path | None, link: str | None) -> int:
    """Send one message to Teams, to Slack and to what sends e-mail, where their webhooks are set.

    They are RECONCILER_TEAMS_WEBHOOK, RECONCILER_SLACK_WEBHOOK and RECONCILER_EMAIL_WEBHOOK; the last one
    gets JSON with `subject`, `text` and `link`. Without any, nothing is sent. https only.
    """
    from reconciler.ci.context import context_of
    from reconciler.ci.webhooks import message
    from reconciler.ci.webhooks import notify as send
    from reconciler.cli.waiting import run_to_its_end
    from reconciler.cli.workflow import say

    text = "" if file is None else _text(file)
    context = context_of(runtime.environ)
    named = f"{context.repository}: {title}" if context.repository else title
    told = message(named, text, context.run_url if link is None else link)
    sent = run_to_its_end(send(runtime.environ, told, runtime.transport))
    say(runtime, f"Sent to: {', '.join(sent)}" if sent else "No webhook is configured: nothing was sent.")
    return exit_codes.DONE


def _text(path: Path) -> str:
    from reconciler.model.diagnostics import ReconcilerError, error

    try:
        if path.stat().st_size <= _LARGEST:
            return path.read_text(encoding="utf-8")
        why = "it is too large"
    except OSError as failed:
        why = failed.strerror or "it cannot be opened"
    except ValueError:
        why = "it is not UTF-8"
    raise ReconcilerError(error("file-unreadable", f"{path} cannot be read: {why}.", "Check the path."))


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
