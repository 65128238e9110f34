"""What the schema of a kind refuses in a manifest, as the API server does when an object is created.

Types, entries that stand there twice, and rules: the schema is the only place that says them. Rules are CEL; values get
the schema's defaults first, as there. What an update may change is not asked, and a rule with a function that only
Kubernetes' CEL has (`cidr`) is left to the API server.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any

import cel

from coppice.api.base import Model
from coppice.api.crd import KINDS, schema

RULES, KEYS = "x-kubernetes-validations", "x-kubernetes-list-map-keys"
OF_UPDATES = "oldSelf"
TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str, date),
    "integer": (int,),
    "boolean": (bool,),
}
"""YAML makes a date of what looks like one; the API server's reader does not."""
KEPT = 4096

Schema = Mapping[str, Any]


def broken(model: type[Model], body: Any) -> Iterator[tuple[str, str]]:
    """Fields with what they must be; `body` is a whole manifest of one of our kinds, or the spec of one."""
    for kind in KINDS:
        if model is kind:
            yield from _broken(schema(kind), body, "")
        elif model is kind.model_fields["spec"].annotation:
            yield from _broken(schema(kind)["properties"]["spec"], body, "")


def _broken(node: Schema, value: Any, path: str) -> Iterator[tuple[str, str]]:
    wanted = node["type"]
    if not isinstance(value, TYPES[wanted]) or (isinstance(value, bool) and wanted != "boolean"):
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        yield path, f"must be in quotes: '{value}'" if is_number and wanted == "string" else f"must be of type {wanted}"
        return
    whole = _with_defaults(node, value)
    for rule in node.get(RULES, ()):
        if not _holds(rule["rule"], whole):
            yield path, rule["message"]
    for name in _repeated(whole, node[KEYS]) if KEYS in node else ():
        yield path, f"must name {name} once"
    for name, inner, one in _parts(node, whole):
        yield from _broken(inner, one, f"{path}.{name}" if path else name)


def _parts(node: Schema, value: Any) -> Iterator[tuple[str, Schema, Any]]:
    """What is within a value, with names and schemas."""
    if isinstance(value, list):
        yield from ((str(number), node["items"], one) for number, one in enumerate(value))
    elif isinstance(value, dict):
        known, others = node.get("properties", {}), node.get("additionalProperties")
        for name, one in value.items():
            inner = known.get(name, others)
            if isinstance(inner, dict):
                yield name, inner, one


def _repeated(entries: Sequence[Any], keys: Sequence[str]) -> Iterator[str]:
    """Of a list whose entries are told apart by some fields, those fields of each that stands there again."""
    named = [" ".join(str(one.get(key)) for key in keys) for one in entries if isinstance(one, dict)]
    yield from (name for number, name in enumerate(named) if name in named[:number])


def _with_defaults(node: Schema, value: Any) -> Any:
    """The value without nulls and with the defaults of what is not there, all the way down."""
    if isinstance(value, list) and "items" in node:
        return [_with_defaults(node["items"], one) for one in value]
    if not isinstance(value, dict) or not node.get("properties"):
        return value
    known = node["properties"]
    said = {name: _with_defaults(known.get(name, {}), one) for name, one in value.items() if one is not None}
    return {name: one["default"] for name, one in known.items() if "default" in one} | said


def _holds(rule: str, value: Any) -> bool:
    """Whether a value keeps a rule, or nothing here can tell."""
    if OF_UPDATES in rule:
        return True
    return _text_holds(rule, value) if isinstance(value, str) else _value_holds(rule, value)


@lru_cache(maxsize=KEPT)
def _text_holds(rule: str, text: str) -> bool:
    """Thousands of base models have files of the same few names."""
    return _value_holds(rule, text)


def _value_holds(rule: str, value: Any) -> bool:
    try:
        return _program(rule).execute({"self": value}) is not False
    except (RuntimeError, ValueError, TypeError, LookupError):
        return True


@lru_cache(maxsize=KEPT)
def _program(rule: str) -> cel.Program:
    return cel.compile(rule)
