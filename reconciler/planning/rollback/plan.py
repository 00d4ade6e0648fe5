"""A plan that takes a run back: what stood before it, where nobody has changed it since.

It rests on the run's journal and on ConnectWise as it is now, and on no configuration: the next apply of the
mappings follows the YAML again. Nothing is deleted and nothing is created.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.model.counts import number_of
from reconciler.model.diagnostics import Diagnostic, warning
from reconciler.model.plan import Plan, RollbackOf
from reconciler.planning.order import arrange
from reconciler.planning.rollback.lines import MOVED, roll_back_lines
from reconciler.planning.rollback.products import roll_back_products

if TYPE_CHECKING:
    from datetime import date

    from reconciler.model.journal import Journal
    from reconciler.model.present import Present
    from reconciler.planning.rollback.lines import LineRollback


@dataclass(frozen=True)
class Setting:
    """Where and when the plan is made."""

    tool: str
    today: date


def empty_rollback(journal: Journal, setting: Setting) -> Plan:
    """The plan without any change: whose run it takes back, and where."""
    head = journal.head
    return Plan(
        tool=setting.tool,
        site=head.site,
        owner=head.owner,
        marker_custom_field=head.marker_custom_field,
        instance=dict(head.instance),
        today=setting.today.isoformat(),
        period=None,
        config_hash=head.config_hash,
        changes=(),
        rollback_of=RollbackOf(head.run, head.started, head.plan_hash),
    )


def rollback_plan(journal: Journal, present: Present, setting: Setting) -> Plan:
    """What is to be written so that everything stands as before the run, and what cannot be."""
    products = roll_back_products(journal, present)
    lines = roll_back_lines(journal, present, setting.today, products.renamed)
    plan = empty_rollback(journal, setting)
    found = [*products.diagnostics, *lines.diagnostics, *_moves_stay(lines, mapped=bool(products.changes))]
    return replace(
        plan,
        changes=arrange([*products.changes, *lines.changes], (), {}),
        diagnostics=tuple(sorted([*found, *_about_the_run(journal)], key=_order)),
        lines=lines.rows,
    )


def _moves_stay(lines: LineRollback, *, mapped: bool) -> list[Diagnostic]:
    """That mappings alone go back, where the run moved lines too: it must not look as if they went along."""
    moved = sum(one.code == MOVED for one in lines.diagnostics)
    if not (moved and mapped):
        return []
    stay, them = ("stays", "it") if moved == 1 else ("stay", "them")
    return [
        warning(
            "rollback-moves-stay",
            f"{number_of(moved, 'moved line')} of the run {stay} where the run put {them}: this plan takes "
            f"mappings back and moves no line, so that invoices go on with {them}.",
            "Revert the mappings in Git: their next plan moves the lines back.",
        )
    ]


def _about_the_run(journal: Journal) -> list[Diagnostic]:
    commit = journal.head.commit
    told = [
        warning(
            "rollback-then-sync",
            "The next apply of the mappings follows the YAML, whatever is restored here.",
            f"Revert the commit that was applied{f' ({commit[:12]})' if commit else ''} as well, or say with "
            "`sync: false`, a hold or an exclusion what is to stay.",
        )
    ]
    if not journal.ended:
        open_ones = sum(one.result is None for one in journal.written)
        told.append(
            warning(
                "rollback-unfinished",
                f"The run did not come to its end: of {open_ones} of its changes it is not known whether "
                "they were written. What stands in ConnectWise now decides.",
            )
        )
    return told


_SEVERITIES = ("error", "warning", "notice")


def _order(one: Diagnostic) -> tuple[int, str, str]:
    return _SEVERITIES.index(one.severity.value), one.code, one.subject or ""
