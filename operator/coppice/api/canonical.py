"""Canonical JSON: sorted keys, no spaces. A value writes its own once, and whatever holds it takes that text over.

A decision's record holds one estimate for many twins, and the same text measures it, names it and is stored; to dump
it as a whole and sort that took longer than to make it. The text is that of `wire`, to the byte.
"""

import json
from collections.abc import Mapping
from decimal import Decimal
from functools import cache, cached_property
from json.encoder import encode_basestring
from typing import Self

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


def _text(value: object) -> str:
    if isinstance(value, str):
        return encode_basestring(value)
    if isinstance(value, Decimal):
        return f'"{decimal_text(value)}"'
    if type(value) is int:
        return str(value)
    if isinstance(value, Canonical):
        return value.canonical()
    if isinstance(value, BaseModel):
        return _fields(value)
    if isinstance(value, Mapping):
        return _braced([f"{encode_basestring(name)}:{_text(value[name])}" for name in sorted(value)])
    if isinstance(value, (tuple, list)):
        return f"[{','.join(map(_text, value))}]"
    return json.dumps(to_jsonable_python(value), ensure_ascii=False)


def _fields(model: BaseModel) -> str:
    values = vars(model)
    return _braced([key + _text(values[name]) for key, name in _keys(type(model)) if values[name] is not None])


def _braced(members: list[str]) -> str:
    return f"{{{','.join(members)}}}"


@cache
def _keys(model: type[BaseModel]) -> list[tuple[str, str]]:
    """What stands before each value, in order, with the field's name."""
    return sorted((f'"{field.alias}":', name) for name, field in model.model_fields.items())
