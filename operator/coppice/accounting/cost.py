"""Money: reserved device-hours x their price, facility energy x its price, licences and data.

    attempt    accelerators (CPU profile: cores) x reserved hours x pricePerHour + kWh x energyPricePerKilowattHour
    licence    pricePerJob + pricePerMonth x the job's run time / 30 days, once for each base model that ran
    data       dataset.price, once

All in the installation's one currency, which no formula needs to know. Without a price of its ComputeProfile an
attempt's cost is not known, and that is None, never 0.
"""

from decimal import Decimal

from coppice.accounting.account import Account
from coppice.accounting.counted import counted
from coppice.accounting.share import reserved_cores
from coppice.accounting.units import JOULES_PER_KILOWATT_HOUR, MICROGRAM
from coppice.accounting.use import AttemptUse, PodUse

SECONDS_PER_HOUR = Decimal(3600)
SECONDS_PER_MONTH = Decimal(30 * 86400)
"""As estimates reckon; calendar months are what budgets are counted by, not what a licence is divided by."""
MILLIONTH = MICROGRAM


def device_cost(use: AttemptUse) -> Decimal | None:
    """Reserved device-hours of every pod x the price of one; None without a price."""
    price = use.profile.spec.price_per_hour
    if price is None:
        return None
    hours = sum((_devices(use, item.pod) * item.pod.reserved_seconds for item in counted(use.pods)[0]), Decimal(0))
    return price * hours / SECONDS_PER_HOUR


def energy_cost(use: AttemptUse, joules: Decimal) -> Decimal | None:
    """An energy at the price where it was used; None without a price."""
    price = use.profile.spec.energy_price_per_kilowatt_hour
    return None if price is None else price * joules / JOULES_PER_KILOWATT_HOUR


def attempt_cost(use: AttemptUse, account: Account) -> Decimal | None:
    """Devices and energy of one attempt; None where its profile has neither price."""
    return added(device_cost(use), energy_cost(use, account.energy_joules))


def license_cost(per_job: Decimal | None, per_month: Decimal | None, run_seconds: int) -> Decimal:
    """What one base model's licence costs a job that ran for so long."""
    return (per_job or Decimal(0)) + (per_month or Decimal(0)) * run_seconds / SECONDS_PER_MONTH


def added(*amounts: Decimal | None) -> Decimal | None:
    """The sum of the amounts that are known; None where none is."""
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if known else None


def _devices(use: AttemptUse, pod: PodUse) -> Decimal:
    if use.profile.spec.accelerator is not None:
        return Decimal(pod.accelerators)
    return reserved_cores(pod, use.profile.spec)
