"""Several real runs at once against a slow server: one open line per seat and every tag, each said."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.sandbox.server import running
from tests.flows_usage.books import MANY, Books

if TYPE_CHECKING:
    from reconciler.sandbox.server import RunningSandbox

ROOT = Path(__file__).resolve().parents[2]
#: How many times runs overlap; `.ci/run` asks for more, with more customers and a slower server.
OVERLAPS = int(os.environ.get("OVERLAPS", "1"))
CUSTOMERS, LATENCY = (5, 0.08) if OVERLAPS == 1 else (40, 0.25)
RUNS = (3,) if OVERLAPS == 1 else (2, 3, 5)
#: Seconds within which the others start: the shares of the latency at which runs met and doubled lines.
APART = 1.6 * LATENCY
#: As `reconciler/cli/exit_codes.py` has them: done, and done but for what is said.
SAID, STALE = {0, 4}, 5


#: One of several commits, each of which brings a code onto the same product.
MAPPINGS = """
lines: {{MSP-SV: {{count: sum}}}}
mappings:
  CODE-{0}: {{product: MSP-SV, sync: true}}
  EP-MSP: {{product: MSP-EP, sync: true}}
  SV-MSP: {{product: MSP-SV, sync: true}}
"""


def started(site: Books, served: RunningSandbox, source: str) -> subprocess.Popen[str]:
    """`apply` of a folder or a saved plan, as a process of its own."""
    command = [sys.executable, "-m", "tests.faults.process", "apply", str(site.root / source), "--yes"]
    environ = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(ROOT), **served.environment}
    return subprocess.Popen(
        [*command, "--format", "json"],
        cwd=site.root,
        env=environ,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def overlapping(
    site: Books, served: RunningSandbox, sources: list[str], chance: random.Random
) -> list[tuple[int, Any]]:
    """Exit code and report of runs that start at almost the same time."""
    runs = []
    for source in sources:
        runs.append(started(site, served, source))
        time.sleep(chance.random() * APART)
    found = []
    for run in runs:
        out, err = run.communicate(timeout=240)
        assert "Traceback" not in err, err
        found.append((run.returncode, json.loads(out) if out.startswith("{") else err))
    return found


def open_lines(site: Books) -> Counter[int]:
    """How many lines each agreement has that may ever bill."""
    rows = site.world.tables["additions"].values()
    never = (row for row in rows if row.get("cancelledDate") == row["effectiveDate"] and not row["quantity"])
    gone = {row["id"] for row in never}
    return Counter(row["agreementId"] for row in rows if row["id"] not in gone)


@pytest.mark.slow
@pytest.mark.parametrize("count", RUNS)
@pytest.mark.parametrize("seed", range(OVERLAPS))
def test_overlapping_runs_leave_one_line_for_each_seat(
    tmp_path: Path, seed: int, count: int, record_property: Any
) -> None:
    site = Books(tmp_path)
    for number in range(CUSTOMERS):
        site.customer(f"Alder {number:02}", ep=(None, 10, 12))
    site.live(settings=MANY)
    with running(site.world, latency=LATENCY) as served:
        found = overlapping(site, served, ["mappings"] * count, random.Random(f"{seed} {count}"))
    assert {code for code, _ in found} <= SAID, found
    assert open_lines(site) == Counter(dict.fromkeys(range(1, CUSTOMERS + 1), 1))
    results = Counter(one["result"] for _, report in found for one in report["outcomes"])
    assert results["taken back"] == len(site.world.tables["additions"]) - CUSTOMERS
    assert set(results) <= {"applied", "already ok", "taken back"}
    record_property("overlap: runs", count)
    record_property("overlap: lines taken back", results["taken back"])
    planned = site.plan()
    assert (planned.code, planned.ids) == (0, [])


@pytest.mark.slow
@pytest.mark.parametrize("older_first", [True, False])
@pytest.mark.parametrize("seed", range(OVERLAPS))
def test_overlapping_runs_of_two_states_of_the_files_bill_no_seat_twice_in_silence(
    tmp_path: Path, seed: int, older_first: bool
) -> None:
    """Between them every customer's company changed; the newer state says which one it was before."""
    site = Books(tmp_path)
    for number in range(CUSTOMERS):
        # numbers of their own, by which no line is taken for another customer's
        site.customer(f"Alder {number:02}", ep=(None, 100 + number, 100 + number), more=", nameDiffers: true")
    for number in range(CUSTOMERS):
        site.world.add_company(f"OTHER{number:02}", f"Other {number:02}")
        site.world.add_agreement(f"OTHER{number:02}", "Managed")
    site.live(settings=MANY)
    older = site.root / "older"
    shutil.copytree(site.folder, older)
    for number, name in enumerate(sorted(site.rows)):
        was = f"company: ALDER{number:02}"
        now = f"company: OTHER{number:02}, movedFrom: {{company: ALDER{number:02}}}"
        assert was in site.rows[name]
        site.rows[name] = site.rows[name].replace(was, now)
    site.live(settings=MANY)
    sources = ["older", "mappings"] if older_first else ["mappings", "older"]
    with running(site.world, latency=LATENCY) as served:
        found = overlapping(site, served, sources, random.Random(f"states {seed} {older_first}"))
    assert {code for code, _ in found} <= {*SAID, STALE}, found
    billed = open_lines(site)
    assert max(billed.values()) == 1
    twice = {number for number in range(1, CUSTOMERS + 1) if billed[number] and billed[number + CUSTOMERS]}
    planned = site.plan()
    named = " ".join(one["reason"] for one in planned.json["lines"])
    named += " ".join(f"line #{one['line']} " for one in planned.json["census"]["apart"])
    rows = site.world.tables["additions"].values()
    doubled = {row["id"] for row in rows if row["agreementId"] in twice}
    assert all(f"line #{number} " in named for number in doubled), "what the older run brought last is named"
    assert planned.code == (4 if twice else 0)
    if not twice:
        assert site.apply().code == 0
        assert site.plan().ids == []


@pytest.mark.slow
@pytest.mark.parametrize("count", RUNS)
@pytest.mark.parametrize("seed", range(OVERLAPS))
def test_overlapping_runs_that_tag_one_product_for_several_codes_leave_every_tag(
    tmp_path: Path, seed: int, count: int
) -> None:
    site = Books(tmp_path)
    site.item("MSP-SV")["notes"] = "Ask Jane."
    plans = [f"plan-{number}.json" for number in range(count)]
    with running(site.world, latency=LATENCY) as served:
        site.environ = served.environment
        for number, plan in enumerate(plans):
            site.say(MAPPINGS.format(number))
            assert site.plan("--out", str(site.root / plan)).code == 0
        found = overlapping(site, served, plans, random.Random(f"tags {seed} {count}"))
    assert {code for code, _ in found} <= SAID, found
    codes = ", ".join([f"CODE-{number}" for number in range(count)] + ["SV-MSP"])
    assert site.notes("MSP-SV") == f"Ask Jane.\n[sophos:main {codes}]"
