"""A thousand rows are checked in well under a second; the bound is generous to slow machines."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

from tests.config.folders import loaded, said

if TYPE_CHECKING:
    from pathlib import Path

ROWS = "mappings:\n" + "".join(f"  CODE-{n}: {{product: MSP-{n}, sync: true}}\n" for n in range(1000))


def test_a_thousand_rows(tmp_path: Path) -> None:
    loaded(tmp_path, ROWS)  # imports and the validator are measured by the test below
    start = time.perf_counter()
    result = loaded(tmp_path, ROWS)
    spent = time.perf_counter() - start
    assert result.desired is not None
    assert result.counts == {"mappings": 1000}
    assert spent < 1.0


def test_a_whole_process(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(ROWS)
    code = "import sys, pathlib; from reconciler.config.load import load; load(pathlib.Path(sys.argv[1]))"
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    assert time.perf_counter() - start < 3.0


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    code = (
        "import sys, reconciler.config.load, reconciler.config.schema; "
        "heavy = {'jsonschema', 'jsonschema_rs', 'rapidfuzz', 'httpx', 'click', 'zoneinfo'}; "
        "heavy &= set(sys.modules); "
        "sys.exit(', '.join(heavy) or 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_thousand_mistakes(tmp_path: Path) -> None:
    start = time.perf_counter()
    result = loaded(tmp_path, ROWS.replace("sync", "snyc"))
    assert time.perf_counter() - start < 5.0
    assert len(said(result)) >= 200
