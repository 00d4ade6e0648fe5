"""Whatever logs the most: no key, token or secret stands in it."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from reconciler.sandbox.seed import empty_world
from reconciler.sandbox.server import running
from tests.execution.processes import Place

if TYPE_CHECKING:
    from pathlib import Path

EVERYTHING = """
import logging
logging.basicConfig(level=0)
for name in ("httpx", "httpcore", "asyncio", "reconciler"):
    logging.getLogger(name).setLevel(1)
from reconciler.__main__ import main
main()
"""
KEYS = ("CONNECTWISE_PUBLIC_KEY", "CONNECTWISE_PRIVATE_KEY", "CONNECTWISE_CLIENT_ID", "SOPHOS_CLIENT_SECRET")


@pytest.mark.parametrize("wrong", ["", "CONNECTWISE_PRIVATE_KEY", "SOPHOS_CLIENT_SECRET"])
def test_no_secret_is_logged_at_the_deepest_level(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    """Through real connections, so that the libraries below log as well; with keys that are refused too."""
    world = empty_world(datetime.now(UTC).date())
    world.add_catalog_item("MSP-A")
    (tmp_path / "mappings").mkdir()
    (tmp_path / "mappings" / "a.yaml").write_text(
        "version: 1\nmappings: {A-MSP: {product: MSP-A, sync: true}}\n", encoding="utf-8"
    )
    monkeypatch.setenv("PYTHONASYNCIODEBUG", "1")
    monkeypatch.setenv("HTTPX_LOG_LEVEL", "trace")
    with running(world) as sandbox:
        known = sandbox.environment
        if wrong:
            known[wrong] = "x" * 40 + "wrong"
        # exit code 0 shows that the keys were sent and taken
        code, out, err = Place(sandbox, world, tmp_path).run("apply", "--yes", code=EVERYTHING)
        told = out + err
        assert code == (1 if wrong else 0)
        assert "DEBUG:httpcore" in err, "everything is logged"
        assert "DEBUG:reconciler" in err
        basic = f"{known['CONNECTWISE_COMPANY']}+{known['CONNECTWISE_PUBLIC_KEY']}:"
        secrets = [known[name] for name in KEYS]
        secrets += [base64.b64encode((basic + known["CONNECTWISE_PRIVATE_KEY"]).encode()).decode()[:-8]]
        assert [one for one in secrets if one in told] == []
        assert not re.search(
            r"sandbox\.[0-9a-f]{32}|refresh\.[0-9a-f]{32}|(?i:bearer |basic )[A-Za-z0-9]{12}", told
        )
