"""Figures as people read them: two or three digits, a unit that fits, and the interval beside the middle."""

from coppice.api.base import Interval

_UNITS = {
    "Wh": ((1e6, "MWh"), (1e3, "kWh"), (1.0, "Wh"), (1e-3, "mWh")),
    "g": ((1e6, "t"), (1e3, "kg"), (1.0, "g"), (1e-3, "mg")),
    "s": ((86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s")),
    "FLOP": ((1e18, "EFLOP"), (1e15, "PFLOP"), (1e12, "TFLOP"), (1e9, "GFLOP")),
    "B": ((2.0**40, "TiB"), (2.0**30, "GiB"), (2.0**20, "MiB"), (1.0, "B")),
}

_THOUSANDS = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))


def figure(value: float, unit: str) -> str:
    """A value with the unit that leaves one to three digits before the point: `1.3 kWh`."""
    factor, name = _scale(value, unit)
    return f"{_digits(value / factor)} {name}"


def interval(value: Interval, unit: str) -> str:
    """The middle, with the 10th and 90th percentile in parentheses, all in the middle's unit: `261 mg (152..447)`."""
    factor, name = _scale(float(value.mid), unit)
    low, mid, high = (_digits(float(part) / factor) for part in (value.low, value.mid, value.high))
    return f"{mid} {name} ({low}..{high})"


def _scale(value: float, unit: str) -> tuple[float, str]:
    scales = _UNITS[unit]
    return next((scale for scale in scales if abs(value) >= scale[0]), scales[-1])


def _digits(value: float) -> str:
    """Three significant digits, without an exponent."""
    text = f"{value:.3g}"
    return f"{value:.0f}" if "e" in text else text


def percent(ratio: float) -> str:
    """A ratio as a whole percentage."""
    return f"{100 * ratio:.0f} %"


def short(value: float, gap: str = "") -> str:
    """Three digits and a letter for thousands: `22.7M`. What rounds to a thousand has the larger letter."""
    factor, letter = next(((size, gap + name) for size, name in _THOUSANDS if value >= 0.9995 * size), (1.0, ""))
    return f"{value / factor:.3g}{letter}"
