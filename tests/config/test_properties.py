"""What holds for every input."""

from __future__ import annotations

import json
import random
import re
import tempfile
from pathlib import Path
from typing import Any

import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reconciler.config.load import load
from reconciler.config.schema import mappings_schema
from tests.config.folders import TODAY, loaded, said
from tests.config.test_desired import FULL

QUICK = settings(max_examples=100, deadline=2000)


def load_bytes(*files: bytes) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        return loaded(Path(folder), *files)


@QUICK
@given(st.binary(max_size=400))
@example(b"\xff\xfe")
@example(b"&a *a")
@example(b"? ? ? ?")
@example(b"!<!> x")
@example(b"%TAG ! tag:x,2000:\n--- !x y")
@example(b"a: |9\n x")
@example(b"- - - - - -\n-")
def test_any_bytes(data: bytes) -> None:
    result = load_bytes(data)
    assert (result.desired is None) == any(d.severity == "error" for d in result.diagnostics)


OURS = "product sync exclude until alsoKnownAs id type name price A-MSP P off max sum"
SIGNS = ": , [ ] { } & * ! | > - ? # ' \" ~ null true 4,50 4.50 2026-12-31 << &a *a !x --- ... %"
BREAKS = ["\n", "\t", "\n  ", "\n    ", ": "]
WORDS = st.sampled_from([*mappings_schema()["properties"], *OURS.split(), *SIGNS.split(), *BREAKS])


@QUICK
@given(st.lists(WORDS, max_size=40).map("".join))
def test_any_text_that_looks_like_ours(text: str) -> None:
    result = load_bytes(text.encode())
    for diagnostic in result.diagnostics:
        assert diagnostic.message.isprintable()


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-10, 10)
    | st.text(max_size=5)
    | st.sampled_from(["A-MSP", "MSP-A", "off", "2026-12-31", "customer/X", "#7", 4.5]),
    lambda below: (
        st.lists(below, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["product", "sync", "exclude", "until", "id", "A-MSP", "MSP-A", "lines", "count", "x"]
            ),
            below,
            max_size=4,
        )
    ),
    max_leaves=12,
)
SECTIONS = st.dictionaries(st.sampled_from([*mappings_schema()["properties"]]), VALUES, max_size=5)


@QUICK
@given(SECTIONS)
def test_any_shape_in_any_section(values: dict[str, Any]) -> None:
    text = yaml.safe_dump({"mappings": {"A-MSP": {"product": "MSP-A"}}} | values, allow_unicode=True)
    result = load_bytes(text.encode())
    assert (result.desired is None) == any(d.severity == "error" for d in result.diagnostics)


def shuffled(value: Any, chance: random.Random) -> Any:
    """The same with keys in another order."""
    if isinstance(value, dict):
        keys = list(value)
        chance.shuffle(keys)
        return {key: shuffled(value[key], chance) for key in keys}
    return [shuffled(item, chance) for item in value] if isinstance(value, list) else value


def flow(value: Any) -> str:
    """YAML on one line; what needs no quotes gets none, so that numbers and dates stay what they were."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{flow(key)}: {flow(below)}" for key, below in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    return json.dumps(value) if re.search(r"[\n#:,]", value) else str(value)


def split(values: dict[str, Any], parts: int, chance: random.Random) -> list[str]:
    """The rows of every section spread over files."""
    files: list[dict[str, Any]] = [{} for _ in range(parts)]
    for section, rows in values.items():
        if isinstance(rows, dict):
            for key, row in rows.items():
                chance.choice(files).setdefault(section, {})[key] = row
        elif isinstance(rows, list):
            for row in rows:
                chance.choice(files).setdefault(section, []).append(row)
    return [flow(file) for file in files]


@settings(max_examples=25, deadline=4000)
@given(st.integers(1, 6), st.integers(0, 10_000))
def test_the_hash_is_the_same_however_it_is_written(parts: int, seed: int) -> None:
    chance = random.Random(seed)
    values = yaml.load(FULL, Loader=yaml.BaseLoader)
    texts = split(shuffled(values, chance), parts, chance)
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        first = loaded(Path(one), FULL)
        second = loaded(Path(other), *texts)
        assert second.desired is not None, (said(second), texts)
        assert first.config_hash == second.config_hash
        assert first.counts == second.counts


def test_the_hash_knows_every_difference(tmp_path: Path) -> None:
    seen = {loaded(tmp_path, FULL).config_hash}
    changes = {
        "sync: true, alsoKnownAs": "sync: false, alsoKnownAs",
        "price: 4.50": "price: 4.51",
        "vendorSku: null": "vendorSku: 'null'",
        "[MSP-GOLD, {id: 7}]": "[{id: 7}, MSP-GOLD]",
        "Active: true": "Active: 'true'",
        "Ratio: 1.50": "Ratio: '1.5'",
        "mode: live": "mode: shadow",
        "reason: two leavers": "reason: three leavers",
    }
    for before, after in changes.items():
        assert before in FULL
        result = loaded(tmp_path, FULL.replace(before, after, 1))
        assert result.desired is not None, (after, said(result))
        seen.add(result.config_hash)
    assert len(seen) == len(changes) + 1
    shorter = loaded(tmp_path, FULL.replace("4.50", "4.5"))
    assert shorter.config_hash in seen
    assert load(tmp_path, today_in=lambda _zone: TODAY) == shorter
