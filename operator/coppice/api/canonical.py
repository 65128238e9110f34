"""Canonical JSON: sorted keys, no spaces. A value writes its own once, and whatever holds it takes that text over.

A decision's record holds one estimate for many twins, and the same text measures it, names it and is stored; to dump
it as a whole and sort that took longer than to make it. The text is that of `wire`, to the byte.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import cache, cached_property
from json.encoder import encode_basestring
from typing import Any, Self

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from coppice.api.base import Model, decimal_text


class Canonical(Model):
    """A frozen value that keeps what was written of it."""

    def canonical(self) -> str:
        """Canonical JSON."""
        return self._canonical

    @cached_property
    def _canonical(self) -> str:
        return _fields(self)

    def __copy__(self) -> Self:
        """Copies are made to change something, so they keep the fields alone."""
        copied = super().__copy__()
        for name in vars(copied).keys() - type(self).model_fields.keys():
            del vars(copied)[name]
        return copied


def _decimal(value: Decimal) -> str:
    return f'"{decimal_text(value)}"'


def _fields(model: BaseModel) -> str:
    values = vars(model)
    members = [
        f"{key}{_WRITERS[type(value)](value)}"
        for key, name in _keys(type(model))
        if (value := values[name]) is not None
    ]
    return f"{{{','.join(members)}}}"


@cache
def _keys(model: type[BaseModel]) -> list[tuple[str, str]]:
    """What stands before each value, in order, with the field's name."""
    return sorted((f'"{field.alias}":', name) for name, field in model.model_fields.items())


def _mapping(values: Mapping[str, object]) -> str:
    members = [f"{encode_basestring(name)}:{_WRITERS[type(value)](value)}" for name, value in sorted(values.items())]
    return f"{{{','.join(members)}}}"


def _sequence(values: Sequence[object]) -> str:
    return f"[{','.join([_WRITERS[type(value)](value) for value in values])}]"


def _other(value: object) -> str:
    """Numbers, times and nothing."""
    return json.dumps(to_jsonable_python(value))


Write = Callable[[Any], str]
_KINDS: Sequence[tuple[type, Write]] = (
    (str, encode_basestring),
    (Decimal, _decimal),
    (Canonical, Canonical.canonical),
    (BaseModel, _fields),
    (Mapping, _mapping),
    (list, _sequence),
    (tuple, _sequence),
    (object, _other),
)


class _Writers(dict[type, Write]):
    """How a value is written by its type, found out once for each."""

    def __missing__(self, kind: type) -> Write:
        self[kind] = next(write for base, write in _KINDS if issubclass(kind, base))
        return self[kind]


_WRITERS = _Writers({int: str})
