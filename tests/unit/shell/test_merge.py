"""Merge patches: applying one to what is there must give what should be, for any two statuses."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from coppice.adapters.merge import merge_patch

LEAVES = st.sampled_from((0, 1, "", "text", True, [], [1], [1, {"a": 1}]))
VALUES = st.recursive(LEAVES, lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3), max_leaves=8)
OBJECTS = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)


def applied(target: Any, patch: Any) -> Any:
    """RFC 7386, section 2, word for word."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = applied(result.get(name), value)
    return result


@given(OBJECTS, OBJECTS)
def test_the_patch_turns_one_into_the_other(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert applied(before, merge_patch(before, after)) == after


@given(OBJECTS)
def test_equal_objects_need_no_patch(status: dict[str, Any]) -> None:
    assert merge_patch(status, status) == {}


def test_only_what_changed_is_sent() -> None:
    before = {"a": {"x": 1, "y": 2}, "b": [1, 2], "c": "old", "d": 4}
    after = {"a": {"x": 1, "y": 3}, "b": [1, 2], "d": 4}
    assert merge_patch(before, after) == {"a": {"y": 3}, "c": None}
