"""Figures as people read them: two or three digits, a unit that fits, and the interval beside the middle."""

from coppice.api.base import Interval
from coppice.api.meta import BaseModelReference

_UNITS = {
    "Wh": ((1e6, "MWh"), (1e3, "kWh"), (1.0, "Wh"), (1e-3, "mWh")),
    "g": ((1e6, "t"), (1e3, "kg"), (1.0, "g"), (1e-3, "mg")),
    "s": ((86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s")),
    "FLOP": ((1e18, "EFLOP"), (1e15, "PFLOP"), (1e12, "TFLOP"), (1e9, "GFLOP")),
    "B": ((2.0**40, "TiB"), (2.0**30, "GiB"), (2.0**20, "MiB"), (1.0, "B")),
}


def figure(value: float, unit: str) -> str:
    """A value with the unit that leaves one to three digits before the point: `1.3 kWh`."""
    scales = _UNITS[unit]
    factor, name = next((scale for scale in scales if abs(value) >= scale[0]), scales[-1])
    return f"{value / factor:.3g} {name}"


def interval(value: Interval, unit: str) -> str:
    """The middle, with the 10th and 90th percentile in parentheses."""
    return f"{figure(float(value.mid), unit)} ({figure(float(value.low), unit)} to {figure(float(value.high), unit)})"


def percent(ratio: float) -> str:
    """A ratio as a whole percentage."""
    return f"{100 * ratio:.0f} %"


def base_name(reference: BaseModelReference | None) -> str:
    """The base model's name, or a dash."""
    return reference.name if reference else "-"
