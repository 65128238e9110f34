"""Kinds: one object for all equal tuples of values, so that thousands of models fall into groups at the cost of a look.

A registry holds many models that a decision cannot tell apart: fine-tunes of the same few networks. What is found out
for one holds for all of its kind. Kinds are compared by identity, or by number where they stand in columns, and live as
long as something is of them.
"""

from collections.abc import Hashable
from itertools import count
from weakref import WeakValueDictionary


class Kind:
    """All models with the same values; no two kinds that live have the same number."""

    __slots__ = ("__weakref__", "number")

    def __init__(self, number: int) -> None:
        self.number = number


_KINDS: WeakValueDictionary[tuple[Hashable, ...], Kind] = WeakValueDictionary()
_NUMBERS = count()


def kind(*values: Hashable) -> Kind:
    """The kind with these values: the same object for equal ones."""
    known = _KINDS.get(values)
    if known is None:
        known = _KINDS[values] = Kind(next(_NUMBERS))
    return known
