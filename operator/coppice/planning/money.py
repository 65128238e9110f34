"""What a plan costs: hardware by the hour, energy by the kilowatt-hour, licences and data.

Hours and energy are two ways to pay for the same machine: a cloud's price per hour holds its energy, an owned machine
has an energy bill. A profile states one or both, and both count. Without either a plan has no price, for licences
alone would make the longest run look free.

A licence by the month is borne by the share of a 30-day month that the job runs, without a minimum: the shares of all
jobs of a month then never exceed what was paid, and a licence that many jobs use is not counted many times.
"""

from dataclasses import dataclass
from decimal import Decimal

from coppice.api.computeprofile import ComputeProfileSpec
from coppice.planning.lognormal import LogNormal, total

SECONDS_PER_HOUR = 3600.0
SECONDS_PER_MONTH = 30 * 86400.0
WATT_HOURS_PER_KILOWATT_HOUR = 1000.0


@dataclass(frozen=True)
class Prices:
    """Prices in the installation's currency: of a device (CPU: core) hour, a kWh of facility energy, a licence for one
    job and for a month, and of the data. None: not stated."""

    hour: float | None = None
    kilowatt_hour: float | None = None
    job: float = 0.0
    month: float = 0.0
    data: float = 0.0

    @classmethod
    def of(
        cls, profile: ComputeProfileSpec, job: Decimal | None, month: Decimal | None, data: Decimal | None
    ) -> "Prices":
        """The profile's prices with those of a base model and a dataset."""
        hour, energy = profile.price_per_hour, profile.energy_price_per_kilowatt_hour
        return cls(
            None if hour is None else float(hour),
            None if energy is None else float(energy),
            float(job or 0),
            float(month or 0),
            float(data or 0),
        )


def cost(prices: Prices, seconds: LogNormal, energy: LogNormal, units: float) -> LogNormal | None:
    """Cost of a run of so many devices (CPU: cores); None where the profile states neither price."""
    if prices.hour is None and prices.kilowatt_hour is None:
        return None
    hourly = units * (prices.hour or 0.0) / SECONDS_PER_HOUR + prices.month / SECONDS_PER_MONTH
    electricity = energy.times((prices.kilowatt_hour or 0.0) / WATT_HOURS_PER_KILOWATT_HOUR)
    running = total(seconds.times(hourly), electricity, seconds.sigma)
    return total(running, LogNormal(prices.job + prices.data), 0.0)
