"""What the schema of a kind refuses in a manifest, as the API server does when an object is created.

Types, entries that stand there twice, and rules: the schema is the only place that says them. Rules are CEL, held
against the object as it would be stored. What an update may change is not asked; a rule with a function that only
Kubernetes' CEL has (`cidr`), or over a value that this CEL has no type for, is left to the API server.
"""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

from coppice.api.base import Model, decimal_text
from coppice.api.crd import KINDS, schema

RULES, KEYS = "x-kubernetes-validations", "x-kubernetes-list-map-keys"
OF_UPDATES = "oldSelf"
TYPES: Mapping[str, type] = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool}
KEPT = 4096

Schema = Mapping[str, Any]
NO_SCHEMA: Schema = {}


def stored(model: type[Model], body: Any) -> Any:
    """A manifest, or the spec of one, as the API server stores it: without nulls, with defaults."""
    node = _schema_of(model)
    return _stored(node, body) if node else body


def broken(model: type[Model], stored_body: Any) -> Iterator[tuple[str, str]]:
    """Fields of what would be stored, with what they must be."""
    node = _schema_of(model)
    if node:
        yield from _broken(node, stored_body, "")


def _schema_of(model: type[Model]) -> Schema:
    """That of one of our kinds, or of the spec of one; empty for anything else."""
    for kind in KINDS:
        if model is kind:
            return schema(kind)
        if model is kind.model_fields["spec"].annotation:
            spec: Schema = schema(kind)["properties"]["spec"]
            return spec
    return NO_SCHEMA


def _stored(node: Schema, value: Any) -> Any:
    if isinstance(value, list):
        return [_stored(node.get("items", NO_SCHEMA), one) for one in value]
    if not isinstance(value, dict) or not node.keys() & {"properties", "additionalProperties"}:
        return int(value) if _is_whole(node, value) else value
    known, others = node.get("properties", {}), node.get("additionalProperties", NO_SCHEMA)
    said = {name: _stored(known.get(name, others), one) for name, one in value.items() if one is not None}
    return {name: one["default"] for name, one in known.items() if "default" in one} | said


def _is_whole(node: Schema, value: Any) -> bool:
    """Whether it is a whole number that was written with a point."""
    return node.get("type") == "integer" and isinstance(value, float) and value.is_integer()


def _broken(node: Schema, value: Any, path: str) -> Iterator[tuple[str, str]]:
    wanted = node["type"]
    if not isinstance(value, TYPES[wanted]) or (isinstance(value, bool) and wanted != "boolean"):
        yield path, _of_type(wanted, value)
        return
    for rule in node.get(RULES, ()):
        if not _holds(rule["rule"], value):
            yield path, rule["message"]
    for name in _repeated(value, node[KEYS]) if KEYS in node else ():
        yield path, f"must name {name} once"
    for name, inner, one in _parts(node, value):
        yield from _broken(inner, one, f"{path}.{name}" if path else name)


def _of_type(wanted: str, value: Any) -> str:
    if wanted == "string" and isinstance(value, int | float) and not isinstance(value, bool):
        return f"must be in quotes: '{decimal_text(Decimal(str(value)))}'"
    return f"must be of type {wanted}"


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


def _repeated(entries: Any, keys: Iterable[str]) -> Iterator[str]:
    """Of a list whose entries are told apart by some fields, those fields of each that stands there again."""
    named = [" ".join(str(one.get(key)) for key in keys) for one in entries if isinstance(one, dict)]
    yield from (name for number, name in enumerate(named) if name in named[:number])


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
def _program(rule: str) -> Any:
    # Half a second, for a shell of its own that comes with it: not for commands that read no manifest.
    import cel  # noqa: PLC0415

    return cel.compile(rule)
