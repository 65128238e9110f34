"""What the API server refuses in a manifest and Python reads all the same: so that a pipeline learns it first.

Rules between fields are the API server's alone; `kubectl apply --dry-run=server` asks it.
"""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel

from coppice.api.base import API_VERSION

NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
MOST_NAME = 253


def refused(model: type[BaseModel], body: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each thing, with the field in front; `body` is a whole manifest, or the spec of one."""
    if "kind" in body:
        yield from _header(body)
    for path, value in _unquoted(model, body, ""):
        yield f"{path}: must be in quotes, for Kubernetes keeps no fractions: '{value}'"


def _header(body: Mapping[str, Any]) -> Iterator[str]:
    if body.get("apiVersion") != API_VERSION:
        yield f"apiVersion: must be {API_VERSION}"
    name = (body.get("metadata") or {}).get("name")
    if not isinstance(name, str) or len(name) > MOST_NAME or not NAME.fullmatch(name):
        yield f"metadata.name: must be lower-case letters, digits, '-' and '.', at most {MOST_NAME} of them"


def _unquoted(kind: Any, value: Any, path: str) -> Iterator[tuple[str, object]]:
    """Numbers where text is asked for, with the fields that they stand in."""
    if kind is Decimal:
        if isinstance(value, int | float):
            yield path, value
        return
    for inner, one, name in _inside(kind, value):
        yield from _unquoted(inner, one, f"{path}.{name}" if path and name else path or name)


def _inside(kind: Any, value: Any) -> Iterator[tuple[Any, Any, str]]:
    """The parts of a value with their types and names; of one of several types, the value as each of them."""
    arguments, origin = get_args(kind), get_origin(kind)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        fields = [(field.annotation, field.alias or name) for name, field in kind.model_fields.items()]
        yield from (
            (inner, value[name], name) for inner, name in fields if isinstance(value, Mapping) and name in value
        )
    elif origin in {list, tuple}:
        yield from (
            (arguments[0], one, str(number)) for number, one in enumerate(value if isinstance(value, list) else ())
        )
    elif origin is dict:
        yield from ((arguments[1], one, name) for name, one in (value.items() if isinstance(value, Mapping) else ()))
    else:
        yield from ((inner, value, "") for inner in (arguments[:1] if origin is Annotated else arguments))
