"""Fixtures that every test may use."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c_interrupts() -> Iterator[None]:
    """Ctrl-C does what it does at a terminal: a job in the background starts with it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def anyio_backend() -> str:
    """Asynchronous tests run on asyncio, as the tool does."""
    return "asyncio"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was tried by chance: wanted states, spoiled files, and faults with what they did."""
    counts: dict[str, int] = {}
    for report in terminalreporter.getreports("passed"):
        for name, number in getattr(report, "user_properties", ()):
            if report.when == "call" and isinstance(number, int):
                counts[name] = counts.get(name, 0) + number
    groups: dict[str, list[str]] = {}
    for name, number in sorted(counts.items()):
        group, colon, kind = name.partition(": ")
        title, shown = (group, f"{kind} {number}") if colon else ("tried", f"{number} {name}")
        groups.setdefault(title, []).append(shown)
    for title, entries in groups.items():
        terminalreporter.write_line(f"{title}: {', '.join(entries)}")
