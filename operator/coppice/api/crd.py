"""CustomResourceDefinitions from the models, so that the models stay the only schema.

pydantic writes JSON schema; the API server wants a structural schema: no references, no null alternatives, no titles,
every type said. The translation drops what carries no meaning there and keeps descriptions, bounds and CEL rules.
Two choices are ours: empty defaults ("", [], {}) are left out, so that `kubectl get -o yaml` shows what a user wrote
and `has()` in a rule means what it says; and integers are int64, because counted FLOPs and bytes pass 2^31.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from typing import Any, Protocol

from coppice.api.base import GROUP, SENTENCE, VERSION, Model, decimal_text
from coppice.api.basemodel import BaseModelObject, ClusterBaseModel
from coppice.api.computeprofile import ComputeProfile
from coppice.api.rules import Column
from coppice.api.trainingapproval import TrainingApproval
from coppice.api.trainingjob import TrainingJob
from coppice.api.trainingledger import TrainingLedger
from coppice.api.trainingpolicy import TrainingPolicy
from coppice.api.trainingreport import TrainingReport

CATEGORY = "coppice"

Schema = dict[str, Any]


class Kind(Protocol):
    """What a model class says of itself beyond its schema."""

    plural: str
    short_names: tuple[str, ...]
    scope: str
    columns: tuple[Column, ...]


KINDS: tuple[type[Model], ...] = (
    TrainingJob,
    BaseModelObject,
    ClusterBaseModel,
    ComputeProfile,
    TrainingPolicy,
    TrainingApproval,
    TrainingReport,
    TrainingLedger,
)

WRITTEN_BY_OPERATOR = frozenset({TrainingReport, TrainingLedger})
"""Kinds that only the operator writes, always whole: they repeat what was accepted or measured elsewhere, so that
defaults would add what nobody said, and rules could refuse a record of what did happen."""

_RULES = "x-kubernetes-validations"
_KEPT = (
    "description",
    "type",
    "format",
    "pattern",
    "enum",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "required",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-preserve-unknown-fields",
    _RULES,
    SENTENCE,
)


def definitions() -> tuple[dict[str, Any], ...]:
    """Every CustomResourceDefinition of the group."""
    return tuple(definition(kind) for kind in KINDS)


def definition(model: type[Model]) -> dict[str, Any]:
    """The CustomResourceDefinition of one kind."""
    kind = str(model.model_fields["kind"].default)
    about = _about(model)
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{about.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": about.scope,
            "names": {
                "kind": kind,
                "listKind": f"{kind}List",
                "plural": about.plural,
                "singular": kind.lower(),
                "shortNames": list(about.short_names),
                "categories": [CATEGORY],
            },
            "versions": [_version(model, about.columns)],
        },
    }


@cache
def schema(model: type[Model]) -> Schema:
    """The structural schema of one kind, made once and not to be changed by whoever reads it.

    Raises ValueError for a construct that has no structural form.
    """
    whole = model.model_json_schema(by_alias=True)
    references = whole.get("$defs", {})
    spec = _structural(whole["properties"]["spec"], references)
    properties: Schema = {
        "apiVersion": {"type": "string", "description": "Group and version of this schema."},
        "kind": {"type": "string", "description": "Kind of the object."},
        "metadata": {"type": "object"},
        "spec": _recorded(spec) if model in WRITTEN_BY_OPERATOR else _spoken(spec),
    }
    if "status" in whole["properties"]:
        properties["status"] = _recorded(_structural(whole["properties"]["status"], references))
    root = {"type": "object", "description": (model.__doc__ or "").strip(), "required": ["spec"]}
    rules = {_RULES: whole[_RULES]} if _RULES in whole else {}
    return root | rules | {"properties": properties}


def _version(model: type[Model], columns: tuple[Column, ...]) -> dict[str, Any]:
    version: dict[str, Any] = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "additionalPrinterColumns": [_column(column) for column in columns],
        "schema": {"openAPIV3Schema": schema(model)},
    }
    return version | ({"subresources": {"status": {}}} if "status" in model.model_fields else {})


def _column(column: Column) -> dict[str, Any]:
    shown = {
        "name": column.name,
        "type": column.type,
        "jsonPath": column.json_path,
        "description": f"{column.description}.",
    }
    return shown | ({"priority": column.priority} if column.priority else {})


def _structural(node: Mapping[str, Any], references: Mapping[str, Any]) -> Schema:
    node = _resolved(node, references)
    kept: Schema = {key: node[key] for key in _KEPT if key in node}
    if "type" not in kept:
        raise ValueError(f"no structural form for {dict(node)}")
    if kept["type"] == "integer":
        kept["format"] = "int64"
    if "properties" in node:
        kept["properties"] = {name: _structural(field, references) for name, field in node["properties"].items()}
    if "items" in node:
        kept["items"] = _structural(node["items"], references)
    if isinstance(node.get("additionalProperties"), Mapping):
        kept["additionalProperties"] = _structural(node["additionalProperties"], references)
    default = _default(node)
    if default is not None:
        kept["default"] = default
    return kept


def _resolved(node: Mapping[str, Any], references: Mapping[str, Any]) -> dict[str, Any]:
    """The node with its reference and its null alternative put in place; what stands beside them wins."""
    beside = {key: value for key, value in node.items() if key not in {"$ref", "anyOf"}}
    if "$ref" in node:
        return _resolved(references[node["$ref"].rsplit("/", 1)[-1]], references) | beside
    alternatives = [each for each in node.get("anyOf", []) if each.get("type") != "null"]
    if not alternatives:
        return beside
    if len(alternatives) > 1:
        raise ValueError(f"a union has no structural form: {alternatives}")
    return _resolved(alternatives[0], references) | beside


def _default(node: Mapping[str, Any]) -> Any:
    """The default worth stating, or None: empty values and whole objects mean the same as absence."""
    value = node.get("default")
    if value in (None, "", [], {}) or isinstance(value, Mapping):
        return None
    if node["type"] == "string" and not isinstance(value, str):
        return decimal_text(Decimal(str(value)))
    return value


def _spoken(node: Schema) -> Schema:
    """Patterns that have a sentence as rules: the API server shows a rule's message, but of a pattern only the pattern."""
    sentence = node.get(SENTENCE)
    if sentence:
        rule = {"rule": f"self.matches(r'{node['pattern']}')", "message": sentence}
        node = node | {_RULES: [rule, *node.get(_RULES, [])]}
    return _below(
        {key: value for key, value in node.items() if not sentence or key not in {SENTENCE, "pattern"}}, _spoken
    )


def _recorded(node: Schema) -> Schema:
    """A schema for what only the operator writes; a rule of its root stays."""
    return _bare(node) | ({_RULES: node[_RULES]} if _RULES in node else {})


def _bare(node: Schema) -> Schema:
    return _below({key: value for key, value in node.items() if key not in {"default", SENTENCE, _RULES}}, _bare)


def _below(node: Schema, change: Callable[[Schema], Schema]) -> Schema:
    """The schema with a change made to each schema right below it."""
    changed = dict(node)
    if "properties" in node:
        changed["properties"] = {name: change(field) for name, field in node["properties"].items()}
    for key in ("items", "additionalProperties"):
        if key in node:
            changed[key] = change(node[key])
    return changed


def _about(model: Any) -> Kind:
    about: Kind = model
    return about
