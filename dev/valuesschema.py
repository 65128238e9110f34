"""The parts of the chart's values.schema.json that repeat our kinds, taken from their definitions.

Most of the schema is written by hand. `policy` is a TrainingPolicy's spec and `computeProfiles.*.spec` overrides a
ComputeProfile's, so those two are filled in here: a typing error in a values file is then refused by Helm, before
anything is installed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

Schema = dict[str, Any]


def filled(written: str, definitions: Sequence[Mapping[str, Any]]) -> str:
    """The text of values.schema.json with both parts renewed; what is written by hand stays as it is."""
    schema: Schema = json.loads(written)
    policy = _closed(_spec(definitions, "TrainingPolicy"))
    del policy["properties"]["namespaceSelector"]
    policy["description"] = "Rules of namespaces that no TrainingPolicy selects: the spec of one."
    schema["properties"]["policy"] = policy
    override = _partial(_closed(_spec(definitions, "ComputeProfile")))
    override["description"] = "Fields that replace the shipped figures."
    schema["$defs"]["computeProfile"]["properties"]["spec"] = override
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _spec(definitions: Sequence[Mapping[str, Any]], kind: str) -> Mapping[str, Any]:
    found = next(crd for crd in definitions if crd["spec"]["names"]["kind"] == kind)
    spec: Mapping[str, Any] = found["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return spec


def _closed(node: Any) -> Any:
    """JSON schema that knows every key: an API server drops unknown ones in silence, a chart should not."""
    if isinstance(node, list):
        return [_closed(item) for item in node]
    if not isinstance(node, Mapping):
        return node
    kept = {key: _closed(value) for key, value in node.items() if not key.startswith("x-kubernetes")}
    if kept.get("format") == "int64":
        del kept["format"]
    return {**kept, "additionalProperties": False} if isinstance(node.get("properties"), Mapping) else kept


def _partial(node: Any) -> Any:
    """The same schema with nothing required: an override names only what differs."""
    if isinstance(node, list):
        return [_partial(item) for item in node]
    if not isinstance(node, Mapping):
        return node
    return {key: _partial(value) for key, value in node.items() if not (key == "required" and isinstance(value, list))}
