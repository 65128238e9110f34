"""The job's account as a pass sees it: every attempt's pods priced with the same intensity, PUE and boundary."""

from dataclasses import dataclass

from coppice.accounting.account import Account, attempt_account, combined
from coppice.api.base import rounded
from coppice.api.computeprofile import ComputeProfile
from coppice.api.decision import Intensity, SpentRecord
from coppice.api.vocabulary import AttemptKind
from coppice.lifecycle.attempts import Attempt
from coppice.lifecycle.observed import Observed


@dataclass(frozen=True)
class Books:
    """Accounts by attempt number, and the intensity they were made with."""

    accounts: dict[int, Account]
    intensity: Intensity
    attempts: tuple[Attempt, ...]
    run_seconds: int

    @property
    def total(self) -> Account:
        """All attempts together."""
        return combined(tuple(self.accounts.values()))

    @property
    def spent(self) -> SpentRecord:
        """What has been used up so far, as a decision needs it."""
        total = self.total
        return SpentRecord(
            energy_watt_hours=rounded(float(total.energy_joules) / 3600),
            carbon_grams=rounded(float(total.carbon_grams)),
            run_seconds=self.run_seconds,
            train_attempts=sum(attempt.record.kind is AttemptKind.TRAIN for attempt in self.attempts),
        )


def books_of(observed: Observed, attempts: tuple[Attempt, ...]) -> Books:
    """The books as of now; running pods are counted up to now."""
    accounts: dict[int, Account] = {}
    intensity = observed.world.intensity_of(None)
    for attempt in attempts:
        profile = profile_of(observed, attempt)
        if profile is None:
            continue
        intensity = observed.world.intensity_of(profile)
        pue = observed.world.pue_of(profile)
        accounts[attempt.record.number] = attempt_account(attempt.uses(observed.now), profile, intensity, pue)
    seconds = sum(attempt.run_seconds(observed.now) for attempt in attempts)
    return Books(accounts=accounts, intensity=intensity, attempts=attempts, run_seconds=seconds)


def profile_of(observed: Observed, attempt: Attempt) -> ComputeProfile | None:
    """The ComputeProfile of an attempt, if it is still registered."""
    return next((item for item in observed.world.profiles if item.metadata.name == attempt.record.profile), None)


def crossed_limit(observed: Observed, books: Books) -> str | None:
    """The sentence of the first limit that the job has crossed, or None."""
    limits = observed.resolved.limits
    if limits is None:
        return None
    total = books.total
    checks = (
        ("run time", books.run_seconds, limits.run_seconds, "seconds", "limits.runSeconds"),
        ("energy", float(total.energy_joules) / 3600, limits.energy_watt_hours, "Wh", "limits.energyWattHours"),
        ("carbon", float(total.carbon_grams), limits.carbon_grams, "gCO2e", "limits.carbonGrams"),
    )
    for what, used, limit, unit, field in checks:
        if limit is not None and used >= limit:
            return f"{what} {used:.4g} {unit} reached {field} {limit} {unit}; create a new job with a higher limit"
    return None


def seconds_until_limit(observed: Observed, books: Books) -> float | None:
    """When to look again at a running job that has limits; None without limits."""
    limits = observed.resolved.limits
    if limits is None or limits == type(limits)():
        return None
    left = max(limits.run_seconds - books.run_seconds, 1) if limits.run_seconds is not None else None
    if limits.energy_watt_hours is None and limits.carbon_grams is None:
        return left
    return min(left, 15.0) if left is not None else 15.0
