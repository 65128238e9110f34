"""The generated schemas keep the API rules of the project: described, bounded, without floats, and up to date."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

import generate
from coppice.api.base import Model
from coppice.api.basemodel import ClusterBaseModel
from coppice.api.crd import KINDS, Schema, definition, definitions, schema
from coppice.api.trainingjob import TrainingJob

Field = tuple[str, Schema]

UNITS = {
    "Watts": "watts",
    "WattHours": "watt-hours",
    "Joules": "joules",
    "KilowattHours": "kilowatt-hours",
    "Seconds": "seconds",
    "Grams": "gCO2e",
    "Kilograms": "kg|kilograms",
    "Bytes": "[Bb]ytes",
    "TeraFlops": "TFLOP/s",
    "Percent": "percent",
    "Years": "[Yy]ears",
    "GramsPerKilowattHour": "intensity",
}


def fields(node: Schema, path: str) -> Iterator[Field]:
    """Every field below a schema with its path; `[]` stands for an item, `{}` for a map's value."""
    for name, field in node.get("properties", {}).items():
        yield f"{path}.{name}", field
        yield from fields(field, f"{path}.{name}")
    for key, mark in (("items", "[]"), ("additionalProperties", "{}")):
        if key in node:
            yield f"{path}{mark}", node[key]
            yield from fields(node[key], f"{path}{mark}")


def all_fields() -> list[Field]:
    """Every field of every kind's spec and status."""
    found = []
    for kind in KINDS:
        properties = schema(kind)["properties"]
        for part in ("spec", "status"):
            top = properties.get(part)
            if top:
                path = f"{kind.model_fields['kind'].default}.{part}"
                found += [(path, top), *fields(top, path)]
    return found


generated = cache(generate.files)
FIELDS = all_fields()
NAMED = [(path, field) for path, field in FIELDS if path[-1] not in "]}"]


def test_every_field_says_what_it_is() -> None:
    assert [path for path, field in NAMED if len(field.get("description", "")) <= 3] == []


def test_a_quantity_says_its_unit() -> None:
    silent = [
        path
        for path, field in NAMED
        for suffix, unit in UNITS.items()
        if path.endswith(suffix) and _longest_suffix(path) == suffix and not re.search(unit, field["description"])
    ]
    assert silent == []


def _longest_suffix(path: str) -> str:
    return max((suffix for suffix in UNITS if path.endswith(suffix)), key=len)


def unbounded(field: Schema) -> str | None:
    """What bound a field lacks."""
    kind = field["type"]
    if kind == "array":
        return None if "maxItems" in field else "maxItems"
    if kind == "string":
        bounded = "maxLength" in field or "enum" in field or field.get("format") == "date-time"
        return None if bounded else "maxLength"
    if kind == "object" and "properties" not in field:
        return None if "maxProperties" in field else "maxProperties"
    return None


def test_every_list_text_and_map_is_bounded() -> None:
    assert [f"{path} needs {unbounded(field)}" for path, field in FIELDS if unbounded(field)] == []


@pytest.mark.parametrize(
    "field", [{"type": "string"}, {"type": "string", "pattern": "^a*$"}, {"type": "array"}, {"type": "object"}]
)
def test_a_field_without_a_bound_is_noticed(field: Schema) -> None:
    assert unbounded(field)


def test_a_domain_is_constrained_alike_wherever_it_is_written() -> None:
    spec, model = schema(TrainingJob)["properties"]["spec"], schema(ClusterBaseModel)["properties"]["spec"]
    domains = [part["properties"]["domains"]["items"] for part in (spec, spec["properties"]["register"], model)]
    assert domains[0]["x-kubernetes-validations"]
    assert domains == [domains[0]] * 3


def test_numbers_are_integers_or_decimal_strings() -> None:
    assert {field["type"] for _, field in FIELDS} <= {"array", "boolean", "integer", "object", "string"}


@pytest.mark.parametrize("word", ["$ref", "anyOf", "title", "const", "x-coppice-sentence", "$defs"])
def test_nothing_of_the_model_notation_is_left(word: str) -> None:
    assert not [path for path, field in FIELDS if word in field]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_kind_can_be_found_and_listed(kind: type[Model]) -> None:
    spec = definition(kind)["spec"]
    assert spec["names"]["categories"] == ["coppice"]
    assert spec["names"]["shortNames"]
    columns = spec["versions"][0]["additionalPrinterColumns"]
    assert all(column["description"] for column in columns)
    assert "Age" in [column["name"] for column in columns]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_status_is_a_subresource_where_a_kind_has_one(kind: type[Model]) -> None:
    version = definition(kind)["spec"]["versions"][0]
    has_status = "status" in version["schema"]["openAPIV3Schema"]["properties"]
    assert ("subresources" in version) == has_status


def test_conditions_are_keyed_by_type() -> None:
    conditions = [field for path, field in FIELDS if path.endswith(".conditions")]
    assert conditions
    assert all(field["x-kubernetes-list-map-keys"] == ["type"] for field in conditions)


def test_a_status_has_no_defaults_and_no_rules() -> None:
    status = [field for path, field in FIELDS if ".status" in path]
    assert not [field for field in status if "default" in field or "x-kubernetes-validations" in field]


def test_every_rule_has_a_sentence_that_fits_the_server() -> None:
    rules = [rule for kind in KINDS for rule in _rules(schema(kind))]
    assert len(rules) > 20
    assert all(20 <= len(rule["message"]) <= 300 and "\n" not in rule["message"] for rule in rules)


def _rules(node: Any) -> Iterator[dict[str, str]]:
    if isinstance(node, dict):
        yield from node.get("x-kubernetes-validations", [])
        for child in node.values():
            yield from _rules(child)


def test_generated_files_are_up_to_date() -> None:
    stale = [
        str(path)
        for path, text in generated().items()
        if not (generate.ROOT / path).exists() or (generate.ROOT / path).read_text() != text
    ]
    assert stale == [], "run `python dev/generate.py`"


def test_no_generated_file_is_left_over() -> None:
    expected = set(generated())
    kept = {
        path.relative_to(generate.ROOT) for folder in generate.FOLDERS for path in (generate.ROOT / folder).iterdir()
    }
    assert kept - expected == set()


def test_a_definition_is_small_enough_for_client_side_apply() -> None:
    # kubectl apply without --server-side keeps the whole object in an annotation of at most 262,144 bytes.
    assert max(len(generate.dumped(each)) for each in definitions()) < 200_000
