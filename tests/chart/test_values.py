"""Values: every key is known to the schema, explained, and refused when misspelt."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from devcluster.paths import REPOSITORY_ROOT

CHART = REPOSITORY_ROOT / "charts" / "coppice"
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
FREE = {"resources", "nodeSelector", "affinity", "labels", "annotations"}
"""Parts of Kubernetes' own kinds, which the API server checks, and maps of a user's own words."""


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    reference = node.get("$ref", "").removeprefix("#/$defs/")
    return SCHEMA["$defs"][reference] if reference else node


def unknown(values: dict[str, Any], node: dict[str, Any], path: str = "") -> Iterator[str]:
    """Paths of values that the schema does not name."""
    for key, value in values.items():
        child = resolved(node.get("properties", {}).get(key, {}))
        if not child:
            yield f"{path}{key}"
        elif isinstance(value, dict) and key not in FREE:
            yield from unknown(value, child, f"{path}{key}.")


def objects(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object of the schema that names its keys, with its path."""
    if isinstance(node, dict):
        if "properties" in node:
            yield path, node
        for key, value in node.items():
            yield from objects(value, f"{path}/{key}")


def test_the_schema_names_every_value_and_every_value_has_a_default() -> None:
    assert list(unknown(VALUES, SCHEMA)) == []
    assert set(SCHEMA["properties"]) - set(VALUES) == {"global"}


def test_no_object_of_the_schema_takes_unknown_keys() -> None:
    assert [path for path, node in objects(SCHEMA) if node.get("additionalProperties") is not False] == []


def test_every_value_is_explained_in_the_schema() -> None:
    silent = [
        f"{path}/{key}"
        for path, node in objects(SCHEMA)
        for key, child in node["properties"].items()
        if not resolved(child).get("description")
    ]
    assert silent == []


def test_every_value_stands_in_the_readme() -> None:
    readme = (CHART / "README.md").read_text()
    assert [key for key in VALUES if f"`{key}" not in readme] == []


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ("replica=2", "additional properties 'replica' not allowed"),
        ("policy.source.hosts={a.example.org}", "at '/policy': additional properties 'source' not allowed"),
        ("computeProfiles.nvidia-t5.enabled=true", "additional properties 'nvidia-t5' not allowed"),
        ("policy.defaults.mode=auto", "at '/policy/defaults/mode': value must be one of 'Auto', 'Recommend'"),
        ("accounting.pue=0.9", "at '/accounting/pue'"),
    ],
)
def test_a_wrong_value_is_refused_with_its_place(chart: Any, setting: str, sentence: str) -> None:
    assert sentence in chart.refusal(setting)
