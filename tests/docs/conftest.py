"""What the documentation is compared with."""

from __future__ import annotations

import io

import pytest

from reconciler.cli.main import invoke
from reconciler.cli.runtime import Runtime


@pytest.fixture(scope="session")
def demo_output() -> list[str]:
    """What the demo prints to stdout, line by line, without colour."""
    stdout = io.StringIO()
    assert invoke(["demo"], Runtime(environ={}, stdout=stdout, stderr=io.StringIO())) == 0, stdout.getvalue()
    return stdout.getvalue().splitlines()
