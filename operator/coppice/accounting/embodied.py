"""Embodied carbon: the share of the hardware's making that falls to the time it was reserved.

M = TE x (TiR / EL) x (RR / ToR) (SCI 1.1, ISO/IEC 21031:2024), with TE the embodied carbon, TiR the time reserved,
waiting included, EL the lifespan in wall-clock time and RR / ToR the share of the hardware. Low, mid and high are
added as if they went together: one source's method errs in the same direction for every device.
"""

from decimal import Decimal

from coppice.accounting.units import GRAMS_PER_KILOGRAM, SECONDS_PER_YEAR, grams
from coppice.api.base import Interval
from coppice.api.computeprofile import ComputeProfileSpec

NOTHING = Interval(low=Decimal(0), mid=Decimal(0), high=Decimal(0))


def embodied_grams(
    total_grams: Decimal, reserved_seconds: Decimal, lifespan_years: Decimal, share: Decimal = Decimal(1)
) -> Decimal:
    """Amortised embodied carbon in gCO2e: total x (reserved / lifespan) x share."""
    return total_grams * share * reserved_seconds / (lifespan_years * SECONDS_PER_YEAR)


def pod_embodied(
    profile: ComputeProfileSpec, reserved_seconds: Decimal, host_share: Decimal, accelerators: int
) -> Interval:
    """Embodied carbon of a pod in gCO2e: its share of the host and the accelerators it reserved."""
    host, device = profile.host.embodied_kilograms, profile.accelerator
    each = device.embodied_kilograms if device else NOTHING

    def bound(host_kilograms: Decimal, each_kilograms: Decimal) -> Decimal:
        total = (host_kilograms * host_share + each_kilograms * accelerators) * GRAMS_PER_KILOGRAM
        return grams(embodied_grams(total, reserved_seconds, profile.lifespan_years))

    return Interval(low=bound(host.low, each.low), mid=bound(host.mid, each.mid), high=bound(host.high, each.high))


def added(first: Interval, second: Interval) -> Interval:
    """The sum, bound by bound."""
    return Interval(low=first.low + second.low, mid=first.mid + second.mid, high=first.high + second.high)
