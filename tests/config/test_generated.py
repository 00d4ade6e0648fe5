"""The published schema and the reference page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import yaml

from reconciler.config.schema import mappings_schema
from reconciler.model.fields import CATALOG_FIELDS
from tests.config.folders import loaded, said
from tests.config.test_desired import FULL
from tests.generate import GENERATED, ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DRAFT_7 = {
    *["$schema", "title", "description", "markdownDescription", "type", "enum", "default", "examples"],
    *["properties", "additionalProperties", "propertyNames", "required", "minProperties", "maxProperties"],
    *["items", "minItems", "minLength", "maxLength", "pattern", "minimum", "maximum", "exclusiveMinimum"],
}
PAGE = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "text"), GENERATED)
def test_fresh(name: str, text: Callable[[], str]) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == text(), "run: python -m tests.generate"


def positions(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema below and including this one."""
    yield path, schema
    for key, below in schema.get("properties", {}).items():
        yield from positions(below, f"{path}/{key}")
    for keyword in ("additionalProperties", "propertyNames", "items"):
        if isinstance(schema.get(keyword), dict):
            yield from positions(schema[keyword], f"{path}/{keyword}")


SCHEMA = mappings_schema()
POSITIONS = dict(positions(SCHEMA))


def test_it_is_draft_7() -> None:
    assert SCHEMA["$schema"] == "http://json-schema.org/draft-07/schema#"
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    for path, schema in POSITIONS.items():
        assert set(schema) <= DRAFT_7, path


def test_every_key_is_described() -> None:
    for path, schema in POSITIONS.items():
        assert schema["description"].endswith("."), path
        assert "type" in schema, path
        assert "object" not in schema["type"] or "additionalProperties" in schema, path


def test_examples_and_defaults_are_valid() -> None:
    for path, schema in POSITIONS.items():
        validator = jsonschema.Draft7Validator(schema)
        for value in [*schema.get("examples", ()), *([schema["default"]] if "default" in schema else [])]:
            assert validator.is_valid(value), (path, value)


def test_every_field_of_a_product_is_there() -> None:
    properties = SCHEMA["properties"]["products"]["additionalProperties"]["properties"]
    for field in CATALOG_FIELDS:
        schema = properties[field.name]
        assert field.about in schema["description"]
        assert ("null" in schema["type"]) == field.clearable
        if field.kind.value == "text":
            assert schema["maxLength"] == field.limit
        if field.choices:
            assert [choice for choice in schema["enum"] if choice is not None] == list(field.choices)


def test_editors_accept_what_is_accepted() -> None:
    """As the YAML servers of editors see it: dates are texts, `0012` under a text may be a number."""

    class Core(yaml.SafeLoader):
        pass

    Core.yaml_implicit_resolvers = {
        first: [(tag, form) for tag, form in forms if not tag.endswith("timestamp")]
        for first, forms in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    values = yaml.load(FULL.replace("lineToZero: off", "lineToZero: 'off'").replace(": off", ": 'off'"), Core)
    assert [error.message for error in jsonschema.Draft7Validator(SCHEMA).iter_errors(values)] == []
    values["products"]["MSP-ENDPOINT"]["vendorSku"] = 12
    assert jsonschema.Draft7Validator(SCHEMA).is_valid(values)


@pytest.mark.parametrize("block", re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL))
def test_examples_of_the_page_load(tmp_path: Path, block: str) -> None:
    rows = "CIXA-MSP: {product: MSP-ENDPOINT}\n  CEMA-MSP: {product: MSP-GOLD}\n  "
    extra = {
        "mappings": rows + "CIXAMTR-ADV-MSP: {product: MSP-GOLD}\n",
        "settings": "timeZone: UTC\n",
        "customers": "9f2c0000-0000-4000-8000-000000000001: {company: SAFELOG, agreement: A}\n",
    }
    if "mappings:\n" not in block:
        extra["lines"] = "MSP-GOLD: {count: max}\n"
    rest = "".join(f"{name}:\n  {row}" for name, row in extra.items() if f"{name}:\n" not in block)
    result = loaded(tmp_path, block, rest)
    assert result.desired is not None, said(result)


def test_the_page_names_every_key() -> None:
    for path, schema in POSITIONS.items():
        for key in schema.get("properties", {}):
            if {*schema["properties"]} <= {"id", "type"}:
                continue
            assert f"`{key}`" in PAGE, path
