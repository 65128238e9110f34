"""The account as status and reports show it: decimal strings, rounded once, whose parts sum to the whole."""

from decimal import Decimal

from coppice.accounting.account import Account
from coppice.accounting.sci import sci
from coppice.accounting.units import MICROGRAM, MILLIJOULE
from coppice.api.decision import Intensity
from coppice.api.trainingjob_status import AvoidedStatus, EnergyPart, TotalsStatus

THOUSANDTH = Decimal("0.001")
MAX_SOURCE = 256


def totals(
    account: Account,
    *,
    run_seconds: int,
    cost: Decimal | None = None,
    models: int = 0,
    parameters: int | None = None,
    avoided: AvoidedStatus | None = None,
) -> TotalsStatus:
    """The totals of a job: `models` is 1 where a model that meets the objective came out, else 0 (no SCI).

    `run_seconds` is the run time of all attempts, which for attempts of several pods is less than what they reserved.
    """
    parts = energy_parts(account)
    intensity = account.grams_per_kilowatt_hour
    return TotalsStatus(
        energy_joules=sum((part.joules for part in parts), Decimal(0)),
        parts=parts,
        coverage=account.coverage.quantize(THOUSANDTH),
        operational_grams=account.operational_grams.quantize(MICROGRAM),
        embodied_grams=account.embodied_grams.mid.quantize(MICROGRAM),
        intensity_grams_per_kilowatt_hour=None if intensity is None else intensity.quantize(THOUSANDTH),
        intensity_source=intensity_source(account),
        run_seconds=run_seconds,
        cost=cost,
        sci=sci(account, models=models, parameters=parameters),
        avoided=avoided,
    )


def energy_parts(account: Account) -> list[EnergyPart]:
    """Energy by component and grade, to the millijoule; parts that round to nothing are left out."""
    rounded = ((label, joules.quantize(MILLIJOULE)) for label, joules in account.parts.items())
    return [EnergyPart(component=label[0], grade=label[1], joules=joules) for label, joules in rounded if joules]


def intensity_source(account: Account) -> str:
    """Where the intensities come from, in words: zone, method, signal, period and source of each."""
    return "; ".join(described(item) for item in account.intensities)[:MAX_SOURCE]


def described(intensity: Intensity) -> str:
    """One intensity in words, such as `DE LifeCycle Average 2023: Our World in Data`."""
    return f"{intensity.zone} {intensity.method} {intensity.signal} {intensity.period}: {intensity.source}"
