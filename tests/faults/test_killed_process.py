"""The real process against a served sandbox: killed, or interrupted, whenever; then one more run."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.sandbox.server import running
from tests.faults.msp import Msp
from tests.wanted_states import by_chance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.sandbox.server import RunningSandbox

ROOT = Path(__file__).resolve().parents[2]
#: How many runs are killed; `.ci/run` asks for more.
KILLS = int(os.environ.get("KILLS", "2"))
INTERRUPTS = max(1, KILLS // 5)
#: Seconds: each answer takes so long, so that a signal meets requests on their way.
LATENCY = 0.004
#: Requests that a run makes, about.
MOST = 42


@contextmanager
def process(site: Msp, served: RunningSandbox) -> Iterator[subprocess.Popen[str]]:
    """`apply` of the folder, as a process that is gone at the end of the block."""
    command = [sys.executable, "-m", "tests.faults.process", "apply", str(site.folder), "--yes"]
    environ = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(ROOT), **served.environment}
    with subprocess.Popen(
        [*command, "--format", "json"],
        cwd=site.root,
        env=environ,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as started:
        try:
            yield started
        finally:
            started.kill()


def signalled(site: Msp, served: RunningSandbox, sign: int, chance: random.Random) -> tuple[int, str]:
    """A run that gets a signal once the sandbox has seen so many requests; its exit code and complaints."""
    seen = served.app.state.requests
    wanted = len(seen) + chance.randrange(1, MOST)
    with process(site, served) as started:
        while len(seen) < wanted and started.poll() is None:
            time.sleep(0.0005)
        time.sleep(chance.random() * LATENCY)
        started.send_signal(sign)
        _, complaints = started.communicate(timeout=60)
        return started.returncode, complaints


def _changing(root: Path, chance: random.Random) -> Msp:
    site = Msp(root)
    site.want(by_chance(chance))
    site.converge()
    site.want(by_chance(chance), new=chance.random() < 0.5)
    site.look()
    return site


def _one_more_run_finishes(site: Msp, served: RunningSandbox) -> None:
    with process(site, served) as last:
        out, complaints = last.communicate(timeout=60)
    assert last.returncode == 0, (out, complaints)
    assert site.plan().ids == []
    site.converge()
    assert site.duplicates() == []
    site.untouched()
    site.billed()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(KILLS))
def test_after_a_kill_one_more_run_finishes(seed: int, tmp_path: Path, record_property: Any) -> None:
    chance = random.Random(f"kill {seed}")
    site = _changing(tmp_path, chance)
    with running(site.world, latency=LATENCY) as served:
        code, _ = signalled(site, served, signal.SIGKILL, chance)
        assert code in (0, -signal.SIGKILL)
        _one_more_run_finishes(site, served)
    record_property("faults: processes killed", int(code != 0))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(INTERRUPTS))
def test_ctrl_c_ends_a_process_with_a_word(seed: int, tmp_path: Path, record_property: Any) -> None:
    chance = random.Random(f"interrupt {seed}")
    site = _changing(tmp_path, chance)
    with running(site.world, latency=LATENCY) as served:
        code, complaints = signalled(site, served, signal.SIGINT, chance)
        assert code in (0, 130)
        assert "Traceback" not in complaints
        assert "Warning" not in complaints
        _one_more_run_finishes(site, served)
    record_property("faults: processes interrupted", int(code == 130))
