"""The account as status and reports show it: decimal strings, rounded once, whose parts sum to the whole."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from coppice.accounting.account import Account, combined
from coppice.accounting.control import find_control
from coppice.accounting.savings import avoided as avoided_grams
from coppice.accounting.sci import sci
from coppice.accounting.units import MICROGRAM, MILLIJOULE
from coppice.api.decision import CounterfactualRecord, Intensity
from coppice.api.reasons import AttemptOutcome
from coppice.api.result import Result
from coppice.api.trainingjob import TrainingJob
from coppice.api.trainingjob_status import AttemptStatus, AvoidedStatus, EnergyPart, TotalsStatus
from coppice.api.trainingreport import TrainingReport
from coppice.api.vocabulary import Method

THOUSANDTH = Decimal("0.001")
MAX_SOURCE = 256


def totals(
    account: Account,
    *,
    run_seconds: int,
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
        sci=sci(account, models=models, parameters=parameters),
        avoided=avoided,
    )


def totals_of(
    job: TrainingJob,
    accounts: Mapping[int, Account],
    *,
    counterfactual: CounterfactualRecord | None,
    reports: Iterable[TrainingReport],
    attempts: Sequence[AttemptStatus],
    results: Sequence[Result | None],
    run_seconds: int,
    met: bool | None,
    succeeded: bool,
) -> tuple[TotalsStatus, tuple[str, ...]]:
    """The final totals of a job and what is missing from them, in sentences.

    `accounts` are by attempt number; `attempts` and `results` stand side by side. `reports` are searched for a
    control, those of other namespaces left out. `met` is None where the job has no target.
    """
    account = combined(accounts.values())
    substitutes = [accounts[item.number] for item in attempts if _substitutes(item) and item.number in accounts]
    decisive = _decisive(attempts)
    result = results[attempts.index(decisive)] if decisive else None
    control = find_control((item for item in reports if item.metadata.namespace == job.metadata.namespace), job.spec)
    saving = avoided_grams(
        counterfactual,
        control,
        spent=account,
        on_substitution=combined(substitutes) if substitutes else None,
        met=met if succeeded else False,
        from_scratch=decisive is not None and not _substitutes(decisive),
    )
    made = succeeded and met is not False
    parameters = result.model.parameters if result and result.model else None
    status = totals(account, run_seconds=run_seconds, models=int(made), parameters=parameters, avoided=saving)
    return status, account.gaps


def _substitutes(attempt: AttemptStatus) -> bool:
    return attempt.method is not Method.FROM_SCRATCH


def _decisive(attempts: Sequence[AttemptStatus]) -> AttemptStatus | None:
    """The attempt that ended the job well, if one did."""
    well = (AttemptOutcome.MET, AttemptOutcome.UNJUDGED)
    return next((item for item in reversed(attempts) if item.outcome in well), None)


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
