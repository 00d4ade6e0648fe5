"""A real process and what ends it early: signals, a reader that goes away, a disk that is full."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reconciler.sandbox.seed import empty_world
from reconciler.sandbox.server import running
from tests.execution.processes import WAIT, Place

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has neither these signals nor /dev/full")

#: More than are written at once, and slow enough for a signal to come between.
PRODUCTS = 12
LATENCY = 0.03
FULL = Path("/dev/full")
NAMES = {f"MSP-{number}" for number in range(PRODUCTS)}
INTERRUPTED_WHILE_READ = """
import importlib.abc, runpy, signal, sys
class Hook(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "reconciler.cli.main":
            signal.raise_signal(signal.SIGINT)
sys.meta_path.insert(0, Hook())
runpy.run_module("reconciler", run_name="__main__")
"""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """Products to map, one request each."""
    world = empty_world(datetime.now(UTC).date())
    for name in sorted(NAMES):
        world.add_catalog_item(name)
    rows = [f"  CODE-{name}: {{product: {name}, sync: true}}" for name in sorted(NAMES)]
    (tmp_path / "mappings").mkdir()
    (tmp_path / "mappings" / "a.yaml").write_text("version: 1\nmappings:\n" + "\n".join(rows), "utf-8")
    with running(world, latency=LATENCY) as sandbox:
        yield Place(sandbox, world, tmp_path)


def outcomes(text: str) -> dict[str, str]:
    """What a report for people says of each product."""
    said = re.findall(r"^  . (\w[\w ]*?) +([\w-]+): map .*  map_product:product/\2/code", text, re.MULTILINE)
    return {product: result for result, product in said}


def until_asked(place: Place, method: str) -> None:
    """Waits until a request of that verb has arrived."""
    deadline = time.monotonic() + WAIT
    while not any(one.method == method for one in place.sandbox.app.state.requests):
        assert time.monotonic() < deadline
        time.sleep(0.01)


# --- signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("form", ["text", "json"])
def test_a_signal_lets_what_is_in_flight_finish_and_reports(place: Place, number: int, form: str) -> None:
    with place.process("apply", "--yes", "--format", form) as process:
        until_asked(place, "PATCH")
        process.send_signal(number)
        out, err = process.communicate(timeout=WAIT)
    assert process.returncode == 128 + number
    assert "Traceback" not in err
    if form == "json":
        document = json.loads(out)
        assert document["interrupted"] is True
        told = {one["id"].split("/")[1]: one["result"] for one in document["outcomes"]}
    else:
        told = outcomes(out)
    assert set(told) == NAMES, "each change is told"
    assert {name for name, result in told.items() if result == "applied"} == place.written
    assert set(told.values()) == {"applied", "not attempted"}


def test_the_second_signal_stops_at_once_and_still_reports(place: Place) -> None:
    with place.process("apply", "--yes", "--format", "json") as process:
        until_asked(place, "PATCH")
        process.send_signal(signal.SIGTERM)
        time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=WAIT)
    assert (process.returncode, "Traceback" in err) == (143, False)
    assert {one["id"].split("/")[1] for one in json.loads(out)["outcomes"]} == NAMES


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_it_only_reads(place: Place, number: int) -> None:
    with place.process("plan") as process:
        until_asked(place, "GET")
        process.send_signal(number)
        out, err = process.communicate(timeout=WAIT)
    assert (process.returncode, out, err.strip()) == (128 + number, "", "Interrupted.")


def test_ctrl_c_while_python_still_reads_the_program(place: Place) -> None:
    assert place.run("--version", code=INTERRUPTED_WHILE_READ) == (130, "", "Interrupted.\n")


# --- a reader that has gone


def test_where_nobody_reads_on_the_writes_in_flight_finish_and_are_told_elsewhere(place: Place) -> None:
    with place.process("apply", "--yes") as process:
        until_asked(place, "PATCH")
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        err = process.stderr.read()
        process.wait(timeout=WAIT)
    assert (process.returncode, "Traceback" in err) == (4, False)
    told = outcomes(err)
    assert set(told) == NAMES
    assert {name for name, result in told.items() if result == "applied"} == place.written
    assert 1 <= len(place.written) < PRODUCTS, "nothing more is begun"


def test_a_json_report_that_nobody_reads_is_told_elsewhere(place: Place) -> None:
    with place.process("apply", "--yes", "--format", "json") as process:
        until_asked(place, "PATCH")
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        err = process.stderr.read()
        process.wait(timeout=WAIT)
    assert (process.returncode, "Traceback" in err) == (0, False)
    assert outcomes(err) == dict.fromkeys(NAMES, "applied")
    assert place.written == NAMES


def test_a_plan_that_nobody_reads_is_no_traceback(place: Place) -> None:
    with place.process("plan", "--out", "plan.json") as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        err = process.stderr.read()
        process.wait(timeout=WAIT)
    assert (process.returncode, err) == (1, "")
    assert (place.root / "plan.json").is_file()


# --- a disk that is full

full = pytest.mark.skipif(not FULL.is_char_device(), reason="there is no /dev/full here")


@full
@pytest.mark.parametrize(
    "arguments", [["plan"], ["plan", "--format", "json"], ["apply", "--yes"], ["--help"]]
)
def test_an_output_that_is_full_is_said_and_nothing_is_written(place: Place, arguments: list[str]) -> None:
    with FULL.open("wb") as stdout:
        code, _, err = place.run(*arguments, stdout=stdout)
    assert (code, "Traceback" in err, "Exception" in err) == (1, False, False)
    assert "The output cannot be written: No space left on device" in err
    assert place.written == set()


@full
def test_what_was_written_is_told_elsewhere_where_the_report_finds_no_room(place: Place) -> None:
    with FULL.open("wb") as stdout:
        code, _, err = place.run("apply", "--yes", "--format", "json", stdout=stdout)
    assert (code, "Traceback" in err) == (1, False)
    assert "No space left on device" in err
    assert outcomes(err) == dict.fromkeys(NAMES, "applied")
    assert place.written == NAMES


@full
@pytest.mark.parametrize("option", ["--out", "--report"])
def test_a_file_that_is_full_is_said(place: Place, option: str) -> None:
    code, out, err = place.run("plan", option, str(FULL))
    assert (code, "Traceback" in err) == (1, False)
    assert "/dev/full cannot be written: No space left on device" in err
    assert stat.S_ISCHR(FULL.stat().st_mode), "a device is written to, and never replaced"
    assert ("12 to map" in out) is (option == "--out"), "the plan is shown all the same"


@pytest.mark.parametrize("option", ["--out", "--report"])
def test_a_file_that_finds_no_room_leaves_what_was_there(place: Place, option: str) -> None:
    import resource

    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))

    there = place.root / "there.json"
    there.write_text("before", encoding="utf-8")
    code, _, err = place.run("plan", option, "there.json", before=little_room)
    assert (code, "file-unwritable" in err) == (1, True)
    assert there.read_text(encoding="utf-8") == "before"
    assert sorted(one.name for one in place.root.iterdir()) == ["mappings", "there.json"]


def test_a_pipe_and_a_link_can_be_named_as_files(place: Place) -> None:
    code, out, err = place.run("plan", "--out", "/dev/stdout", "--report", "linked")
    assert (code, err.count("Saved to")) == (0, 1)
    assert json.loads(out)["changes"]
    (place.root / "link").symlink_to("linked")
    place.run("plan", "--report", "link")
    assert (place.root / "link").is_symlink()
