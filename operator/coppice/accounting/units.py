"""Units of the account and the exact arithmetic that keeps its sums equal to their parts.

Energy is kept in whole microjoules and carbon in whole nanograms, as decimals: a sum over components, slots or
attempts is then the same in any order, so tests compare with `==` and nothing is lost to rounding.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, Decimal

JOULES_PER_KILOWATT_HOUR = Decimal(3_600_000)
GRAMS_PER_KILOGRAM = Decimal(1000)
SECONDS_PER_YEAR = Decimal(8760 * 3600)
"""A year of 8,760 hours, as in SCI's worked example (1,000 kg over 4 years, one hour: 28.5 g)."""

MICROJOULE = Decimal("0.000001")
NANOGRAM = Decimal("0.000000001")
"""What the account computes in; status and reports show the next two."""
MILLIJOULE = Decimal("0.001")
MICROGRAM = Decimal("0.000001")

_MOST = Decimal(10**15)
_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
_FACTORS: dict[str, Decimal] = {"": Decimal(1), "m": Decimal("0.001")}
_FACTORS |= {unit: Decimal(1000) ** power for power, unit in enumerate("kMGT", start=1)}
_FACTORS |= {f"{unit}i": Decimal(1024) ** power for power, unit in enumerate("KMGT", start=1)}


def joules(value: Decimal) -> Decimal:
    """An energy in joules, to whole microjoules."""
    return value.quantize(MICROJOULE)


def grams(value: Decimal) -> Decimal:
    """A mass in grams, to whole nanograms."""
    return value.quantize(NANOGRAM)


def seconds_between(start: datetime, end: datetime) -> Decimal:
    """Seconds from start to end, never below 0: clocks of two nodes may disagree."""
    return max(Decimal((end - start) // timedelta(microseconds=1)) / 1_000_000, Decimal(0))


def plausible(value: Decimal) -> Decimal:
    """A figure that a pod reports, held to 0 to 10^15 and six digits, so that no arithmetic on it can fail."""
    return min(max(value, Decimal(0)), _MOST).quantize(MICROJOULE)


def utc(moment: datetime) -> datetime:
    """A moment that a pod reports, held to this age of the world; without a zone it is UTC."""
    return min(max(moment if moment.tzinfo else moment.replace(tzinfo=UTC), _EARLIEST), _LATEST)


def divided(amount: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """An amount in parts proportional to weights that are not all 0; the last part takes what rounding leaves.

    The amount is in whole microjoules, and so are the parts; they sum to it exactly and none is negative.
    """
    total = sum(weights, Decimal(0))
    parts = [(amount * weight / total).quantize(MICROJOULE, rounding=ROUND_DOWN) for weight in weights[:-1]]
    return [*parts, amount - sum(parts, Decimal(0))]


def quantity(text: str) -> Decimal:
    """A Kubernetes quantity as a number: `500m` is 0.5, `8Gi` is 8 x 2^30. Raises ValueError for anything else."""
    number = text.rstrip("mkKMGTi")
    try:
        return Decimal(number) * _FACTORS[text[len(number) :]]
    except (ArithmeticError, KeyError) as error:
        raise ValueError(f"{text!r} is not a quantity such as 500m, 2 or 8Gi") from error
