"""JSON schemas, strict, from Kubernetes' OpenAPI document and from CustomResourceDefinitions.

kubeconform looks for one file per kind and wants unknown fields refused, as `kubectl apply --validate=strict` does. So
every object that names its fields is closed, texts that may be numbers take both, and each file carries the definitions
that it refers to. What the API server checks beyond types (CEL, defaults, names) is left to tests against a real one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Schema = dict[str, Any]

REFERENCE = "#/definitions/"
QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
INT_OR_STRING = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"
OBJECT_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
TEXT_OR_NUMBER: Schema = {"type": ["string", "number"]}
"""What YAML may write without quotes, such as `cpu: 2` and `port: 80`; the API server takes both."""

OPEN = "x-kubernetes-preserve-unknown-fields"
KINDS = "x-kubernetes-group-version-kind"


def file_name(group: str, version: str, kind: str) -> str:
    """What kubeconform asks for as `{{.ResourceKind}}{{.KindSuffix}}.json`: `job-batch-v1.json`, `pod-v1.json`."""
    return "-".join(filter(None, (kind, group.split(".", maxsplit=1)[0], version))).lower() + ".json"


def kubernetes_schemas(document: Mapping[str, Any]) -> Iterator[tuple[str, Schema]]:
    """File name and schema of every kind of Kubernetes' OpenAPI v2 document; lists are left out."""
    definitions = closed_definitions(document)
    for name, written in document["definitions"].items():
        for place in written.get(KINDS, ()):
            if "metadata" in written.get("properties", {}) and not place["kind"].endswith("List"):
                yield (
                    file_name(place["group"], place["version"], place["kind"]),
                    _alone(_identified(definitions[name], **place), definitions),
                )


def custom_schemas(crd: Mapping[str, Any], definitions: Mapping[str, Schema]) -> Iterator[tuple[str, Schema]]:
    """File name and schema of each version of a CustomResourceDefinition, with Kubernetes' own metadata."""
    group, kind = crd["spec"]["group"], crd["spec"]["names"]["kind"]
    for version in crd["spec"]["versions"]:
        schema = closed(version["schema"]["openAPIV3Schema"])
        schema["properties"]["metadata"] = {"$ref": REFERENCE + OBJECT_META}
        place = {"group": group, "version": version["name"], "kind": kind}
        yield file_name(group, version["name"], kind), _alone(_identified(schema, **place), definitions)


def closed_definitions(document: Mapping[str, Any]) -> dict[str, Schema]:
    """Every definition of an OpenAPI v2 document, closed."""
    definitions = {name: closed(written) for name, written in document["definitions"].items()}
    return {**definitions, QUANTITY: TEXT_OR_NUMBER, INT_OR_STRING: TEXT_OR_NUMBER}


def closed(written: Mapping[str, Any]) -> Schema:
    """A schema that takes no field it does not name; without descriptions and extensions, which check nothing."""
    if written.get("x-kubernetes-int-or-string"):
        return TEXT_OR_NUMBER
    schema = {key: _part(key, value) for key, value in written.items() if not _says_nothing(key, value)}
    if "properties" in schema and "additionalProperties" not in schema and not written.get(OPEN):
        schema["additionalProperties"] = False
    if schema.pop("nullable", False) and "type" in schema:
        schema["type"] = [schema["type"], "null"]
    return schema


def _part(key: str, value: Any) -> Any:
    if key == "properties":
        return {name: closed(part) for name, part in value.items()}
    if key in {"items", "additionalProperties", "not"} and isinstance(value, Mapping):
        return closed(value)
    if key in {"allOf", "anyOf", "oneOf"}:
        # Branches only narrow what stands beside them: closed, they would refuse their siblings' fields.
        return [dict(part) for part in value]
    return value


def _says_nothing(key: str, value: Any) -> bool:
    return (key in {"description", "default", "example", "format"} and not isinstance(value, Mapping)) or key[
        :2
    ] == "x-"


def _identified(schema: Schema, *, group: str, version: str, kind: str) -> Schema:
    """The schema of one kind, which must say what it is."""
    api_version = f"{group}/{version}" if group else version
    named = {"apiVersion": {"enum": [api_version]}, "kind": {"enum": [kind]}}
    properties = {**schema.get("properties", {}), **named}
    return {**schema, "properties": properties, "required": sorted({*schema.get("required", ()), *named})}


def _alone(schema: Schema, definitions: Mapping[str, Schema]) -> Schema:
    """The schema with every definition that it needs, so that the file stands alone."""
    needed: dict[str, Schema] = {}
    waiting = list(_references(schema))
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed[name] = definitions[name]
            waiting += _references(definitions[name])
    return {**schema, "definitions": needed}


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        target = node.get("$ref")
        if isinstance(target, str):
            yield target.removeprefix(REFERENCE)
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)
