"""Arithmetic on one figure or on a column of them, so that one formula serves one network and a thousand at once.

A column is a numpy array. One of floats answers to the same operators as a float, so formulas stay annotated as what
they are about, one network; what operators do not cover is here. A float goes through Python's own mathematics, so
that nothing shown to anyone depends on how an array library rounds: columns narrow a choice down, and tell only digits
that no rounding could change; those of a saving's draws are added, multiplied and sorted alone, which comes to the same
digits everywhere. Columns of whole numbers say what belongs together.
"""

import math
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

Figures: TypeAlias = Any
"""A column of floats. As a type it is anything, because formulas take it for a float, and some for a whole number."""
Truths: TypeAlias = NDArray[np.bool_]
Numbers: TypeAlias = NDArray[np.int64]
Number = TypeVar("Number", int, float)


def column(values: Iterable[float]) -> Figures:
    """A column of these figures."""
    return np.array(list(values), dtype=float)


def whole(values: Iterable[int]) -> Numbers:
    """A column of these whole numbers."""
    return np.fromiter(values, dtype=np.int64)


def distinct(values: Numbers) -> tuple[list[int], Numbers]:
    """Where each value of a column comes first, and for every place its value's number, which is 0 for the least."""
    _, firsts, numbers = np.unique(values, return_index=True, return_inverse=True)
    return firsts.tolist(), numbers


def alike(columns: Iterable[Numbers]) -> list[list[int]]:
    """The places that have the same small number in every column, together; those that come first are the first."""
    together: Numbers = np.zeros(1, dtype=np.int64)
    for one in columns:
        together = together * (1 + one.max()) + one
    firsts, numbers = distinct(together)
    order, ends = np.argsort(numbers, kind="stable").tolist(), np.cumsum(np.bincount(numbers)).tolist()
    found = [order[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]
    return [found[number] for number in np.argsort(firsts).tolist()]


def joined(columns: Iterable[Figures]) -> Figures:
    """Columns one after the other."""
    return np.concatenate(list(columns))


def ascending(values: Figures) -> Numbers:
    """The numbers of a column's figures, the least first; equal ones in their order."""
    return np.argsort(values, kind="stable")


def running_sums(values: Figures) -> Figures:
    """For each figure the sum of all up to it, added up one by one."""
    return np.cumsum(values)


def is_column(value: float) -> bool:
    """Whether this stands for many figures."""
    return isinstance(value, np.ndarray)


def any_of(condition: Any) -> bool:
    """Whether a condition holds anywhere."""
    return bool(np.any(condition)) if is_column(condition) else bool(condition)


def at_least(value: Number, least: Number) -> Number:
    """The larger of the two."""
    return _either(np.maximum, max, value, least)


def at_most(value: Number, most: Number) -> Number:
    """The smaller of the two."""
    return _either(np.minimum, min, value, most)


def clipped(value: float, least: float, most: float) -> float:
    """What lies between the two, or the nearer of them."""
    return cast("float", np.clip(value, least, most)) if is_column(value) else max(least, min(value, most))


def exp(value: float) -> float:
    """e to that power."""
    return _each(np.exp, math.exp, value)


def expm1(value: float) -> float:
    """e to that power, less 1."""
    return _each(np.expm1, math.expm1, value)


def log(value: float) -> float:
    """Natural logarithm."""
    return _each(np.log, math.log, value)


def log10(value: float) -> float:
    """Logarithm to the base 10."""
    return _each(np.log10, math.log10, value)


def log1p(value: float) -> float:
    """Natural logarithm of 1 more."""
    return _each(np.log1p, math.log1p, value)


def sqrt(value: float) -> float:
    """Square root."""
    return _each(np.sqrt, math.sqrt, value)


def hypot(one: float, other: float) -> float:
    """Square root of the sum of two squares."""
    return _either(np.hypot, math.hypot, one, other)


def over(value: float, divisor: float) -> float:
    """The quotient, 0 where the divisor is 0. Columns are divided by what is not."""
    return value / divisor if is_column(divisor) or divisor else 0.0


def where(condition: Any, one: float, other: float) -> float:
    """The one figure where the condition holds, the other elsewhere; of columns."""
    return cast("float", np.where(condition, one, other))


def _each(of_columns: Any, of_floats: Callable[[float], float], value: float) -> float:
    return cast("float", of_columns(value)) if is_column(value) else of_floats(value)


def _either(of_columns: Any, of_floats: Callable[[Number, Number], Number], one: Number, other: Number) -> Number:
    if is_column(one) or is_column(other):
        return cast("Number", of_columns(one, other))
    return of_floats(one, other)
