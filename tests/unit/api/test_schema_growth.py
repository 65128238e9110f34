"""Until v1 a schema only grows: what was once accepted stays accepted, what was once stored stays readable.

The snapshot in tests/golden/schema.txt holds a line per field: path, type, enumeration and bounds. After a change that
only adds, write it anew with UPDATE_GOLDEN=1; a change that this test refuses needs a new version of the API.
"""

import re
from collections.abc import Iterator
from functools import cache

import pytest

from coppice.api.crd import KINDS, Schema, schema
from goldens import golden

UPPER = ("maxItems", "maxLength", "maxProperties", "maximum")
LOWER = ("minItems", "minLength", "minProperties", "minimum")


@cache
def snapshot() -> str:
    """One line per field of every kind."""
    lines: list[str] = []
    for kind in KINDS:
        lines += _lines(schema(kind), kind.model_fields["kind"].default)
    return "\n".join(sorted(lines)) + "\n"


def _lines(node: Schema, path: str) -> Iterator[str]:
    for name, field in node.get("properties", {}).items():
        yield _line(f"{path}.{name}", field, required=name in node.get("required", []))
        yield from _lines(field, f"{path}.{name}")
    for key, mark in (("items", "[]"), ("additionalProperties", "{}")):
        if key in node:
            yield _line(f"{path}{mark}", node[key], required=False)
            yield from _lines(node[key], f"{path}{mark}")


def _line(path: str, field: Schema, *, required: bool) -> str:
    words = [path, field["type"], "required" if required else "optional"]
    words += [f"enum={'|'.join(map(str, field['enum']))}"] if "enum" in field else []
    words += [f"{bound}={field[bound]}" for bound in (*LOWER, *UPPER) if bound in field]
    return " ".join(words)


def shrinkage(before: str, after: str) -> list[str]:
    """What the later snapshot refuses that the earlier one accepted."""
    old, new = _parsed(before), _parsed(after)
    missing = [f"{path} is gone" for path in old if path not in new]
    narrower = [fault for path in old if path in new for fault in _narrower(path, old[path], new[path])]
    demanded = [
        f"{path} is new and required"
        for path in new
        if path not in old and new[path]["need"] == "required" and _parent(path) in old
    ]
    return missing + narrower + demanded


def _parsed(text: str) -> dict[str, dict[str, str]]:
    parsed = {}
    for line in text.splitlines():
        path, kind, need, *rest = line.split(" ")
        parsed[path] = {"type": kind, "need": need, **dict(word.split("=", 1) for word in rest)}
    return parsed


def _parent(path: str) -> str:
    return re.sub(r"(\.\w+|\[\]|\{\})$", "", path)


def _narrower(path: str, old: dict[str, str], new: dict[str, str]) -> Iterator[str]:
    if old["type"] != new["type"]:
        yield f"{path} was {old['type']} and is {new['type']}"
    if old["need"] == "optional" and new["need"] == "required":
        yield f"{path} became required"
    gone = set(old.get("enum", "").split("|")) - set(new.get("enum", "").split("|"))
    if "enum" in new and gone:
        yield f"{path} lost {', '.join(sorted(gone))}" if "enum" in old else f"{path} became an enumeration"
    for bounds, sign in ((UPPER, 1), (LOWER, -1)):
        for bound in bounds:
            if bound in new and (bound not in old or sign * float(new[bound]) < sign * float(old[bound])):
                yield f"{path} has a tighter {bound}"


def test_the_schema_only_grows() -> None:
    assert shrinkage(golden("schema.txt", snapshot()), snapshot()) == []


def test_the_snapshot_is_up_to_date() -> None:
    assert golden("schema.txt", snapshot()) == snapshot(), "it grew: UPDATE_GOLDEN=1 pytest tests/unit/api"


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ("A.b string optional", "", "A.b is gone"),
        ("A.b string optional", "A.b integer optional", "A.b was string and is integer"),
        ("A.b string optional", "A.b string required", "A.b became required"),
        ("A object required", "A object required\nA.b string required", "A.b is new and required"),
        ("A.b string optional enum=x|y", "A.b string optional enum=x", "A.b lost y"),
        ("A.b string optional", "A.b string optional enum=x", "A.b became an enumeration"),
        ("A.b string optional maxLength=9", "A.b string optional maxLength=8", "A.b has a tighter maxLength"),
        ("A.b integer optional minimum=0", "A.b integer optional minimum=1", "A.b has a tighter minimum"),
        ("A.b integer optional", "A.b integer optional maximum=5", "A.b has a tighter maximum"),
    ],
)
def test_what_narrows_is_found(before: str, after: str, fault: str) -> None:
    assert shrinkage(before, after) == [fault]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("A.b string required", "A.b string optional"),
        ("A.b string optional enum=x", "A.b string optional enum=x|y"),
        ("A.b string optional maxLength=8", "A.b string optional maxLength=9"),
        ("A.b string optional", "A.b string optional\nA.c object optional\nA.c.d string required"),
    ],
)
def test_what_widens_is_welcome(before: str, after: str) -> None:
    assert shrinkage(before, after) == []
