"""Sizes read from a configuration: what a user wrote is checked before anything is computed from it."""

from collections.abc import Mapping
from typing import Any

Config = Mapping[str, Any]
MOST_SIZE = 10**8
MOST_LAYERS = 10**4


class NoSize(Exception):
    """A size of the configuration that is none: the network is unknown."""


def get(config: Config, default: int, *names: str) -> int:
    """The first of the named keys that is set; null is not. Raises NoSize where it holds no size."""
    value = next((config[name] for name in names if config.get(name) is not None), default)
    return size(value)


def get_ratio(config: Config, default: float, name: str) -> float:
    """A number above 0 and at most 1000, such as a width multiplier. Raises NoSize where it is none."""
    value = default if config.get(name) is None else config[name]
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= 1000:
        raise NoSize
    return float(value)


def get_list(config: Config, default: tuple[int, ...], name: str) -> list[int]:
    """A list of sizes, of at most MOST_LAYERS entries. Raises NoSize where it holds something else."""
    value = config.get(name) or default
    if not isinstance(value, list | tuple) or len(value) > MOST_LAYERS:
        raise NoSize
    return [size(each) for each in value]


def size(value: Any) -> int:
    """A whole number from 1 to MOST_SIZE; a JSON number may be written 64.0. Raises NoSize for anything else."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 1 <= value <= MOST_SIZE or value != int(value):
        raise NoSize
    return int(value)
