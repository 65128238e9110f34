"""Strict schemas from what Kubernetes and CustomResourceDefinitions publish."""

from __future__ import annotations

from typing import Any

import pytest

from conformity.schemas import (
    INT_OR_STRING,
    OBJECT_META,
    QUANTITY,
    TEXT_OR_NUMBER,
    closed,
    closed_definitions,
    custom_schemas,
    file_name,
    kubernetes_schemas,
)

GVK = "x-kubernetes-group-version-kind"


def reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/definitions/{name}"}


DOCUMENT: dict[str, Any] = {
    "definitions": {
        OBJECT_META: {"type": "object", "properties": {"name": {"type": "string", "description": "Its name."}}},
        "io.k8s.Box": {
            "type": "object",
            "properties": {"metadata": reference(OBJECT_META), "size": reference(QUANTITY)},
            "required": ["size"],
            GVK: [{"group": "boxes.k8s.io", "version": "v1", "kind": "Box"}],
        },
        "io.k8s.BoxList": {
            "type": "object",
            "properties": {"metadata": {}, "items": {"type": "array", "items": reference("io.k8s.Box")}},
            GVK: [{"group": "boxes.k8s.io", "version": "v1", "kind": "BoxList"}],
        },
        "io.k8s.Unused": {"type": "object", "properties": {"box": reference("io.k8s.Unused")}},
        QUANTITY: {"type": "string"},
        INT_OR_STRING: {"type": "string", "format": "int-or-string"},
    }
}


@pytest.mark.parametrize(
    ("group", "version", "kind", "name"),
    [
        ("", "v1", "Pod", "pod-v1.json"),
        ("batch", "v1", "Job", "job-batch-v1.json"),
        ("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterrole-rbac-v1.json"),
        ("coppice.dev", "v1alpha1", "TrainingJob", "trainingjob-coppice-v1alpha1.json"),
    ],
)
def test_a_file_has_the_name_that_kubeconform_asks_for(group: str, version: str, kind: str, name: str) -> None:
    assert file_name(group, version, kind) == name


@pytest.mark.parametrize(
    ("written", "strict"),
    [
        ({"type": "string", "description": "x", "x-kubernetes-y": 1, "format": "byte"}, {"type": "string"}),
        (
            {"type": "object", "properties": {"a": {"type": "string"}}},
            {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False},
        ),
        (
            {"type": "object", "properties": {"description": {"type": "string"}}},
            {"type": "object", "properties": {"description": {"type": "string"}}, "additionalProperties": False},
        ),
        (
            {"type": "object", "properties": {"a": {}}, "x-kubernetes-preserve-unknown-fields": True},
            {"type": "object", "properties": {"a": {}}},
        ),
        (
            {"type": "object", "additionalProperties": {"type": "object", "properties": {}}},
            {
                "type": "object",
                "additionalProperties": {"type": "object", "properties": {}, "additionalProperties": False},
            },
        ),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}], "x-kubernetes-int-or-string": True}, TEXT_OR_NUMBER),
        ({"type": "string", "nullable": True}, {"type": ["string", "null"]}),
        ({"allOf": [{"properties": {"a": {}}}]}, {"allOf": [{"properties": {"a": {}}}]}),
    ],
)
def test_a_schema_takes_no_field_that_it_does_not_name(written: dict[str, Any], strict: dict[str, Any]) -> None:
    assert closed(written) == strict


def test_a_kind_says_what_it_is_and_carries_what_it_refers_to() -> None:
    [(name, schema)] = kubernetes_schemas(DOCUMENT)
    assert name == "box-boxes-v1.json"
    assert schema["properties"]["apiVersion"] == {"enum": ["boxes.k8s.io/v1"]}
    assert schema["required"] == ["apiVersion", "kind", "size"]
    assert schema["definitions"].keys() == {OBJECT_META, QUANTITY}
    assert schema["definitions"][QUANTITY] == TEXT_OR_NUMBER


def test_a_custom_kind_has_the_metadata_of_kubernetes() -> None:
    written = {"type": "object", "properties": {"metadata": {"type": "object"}, "spec": {"type": "string"}}}
    version = {"name": "v1", "schema": {"openAPIV3Schema": written}}
    crd = {"spec": {"group": "coppice.dev", "names": {"kind": "Crate"}, "versions": [version]}}
    [(name, schema)] = custom_schemas(crd, closed_definitions(DOCUMENT))
    assert name == "crate-coppice-v1.json"
    assert schema["properties"]["metadata"] == reference(OBJECT_META)
    assert schema["definitions"][OBJECT_META]["additionalProperties"] is False
