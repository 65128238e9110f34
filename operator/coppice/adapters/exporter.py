"""Prometheus metrics, rendered from a snapshot at scrape: what is gone from the snapshot is gone from the answer.

No value is stored here, so a finished job retires by itself and a restart loses nothing: counters come from ledgers.
Only the leader exports accounts, because two replicas would say the same thing twice.

    coppice_trainingjob_*   gauges of the best knowledge now, one job each
    coppice_namespace_*     counters, from the ledger: they rise once per job, when it is settled
    coppice_grid_*          the intensity in use
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import product

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from coppice.accounting.account import Account
from coppice.accounting.ledger import summed
from coppice.accounting.settlement import COUNTED_BASES
from coppice.adapters.job_figures import SCI_UNITS, JobFigures, visible, with_account
from coppice.api.decision import Intensity
from coppice.api.trainingledger import LedgerTotals, TrainingLedgerSpec
from coppice.api.vocabulary import Component, Grade

JOB = ("namespace", "trainingjob")
INFO = ("uid", "task", "method", "base_model", "profile", "decision_reason")
RETIRE_AFTER = timedelta(hours=6)


@dataclass(frozen=True)
class Snapshot:
    """Everything a scrape shows. `accounts` are live, by job uid, for running jobs whose status has no totals yet."""

    now: datetime
    leader: bool = False
    jobs: Sequence[JobFigures] = ()
    ledgers: Sequence[TrainingLedgerSpec] = ()
    intensities: Sequence[Intensity] = ()
    accounts: Mapping[str, Account] = field(default_factory=dict)


class Exporter(Collector):
    """Renders the snapshot that a callable gives; a finished job's series retire after a while."""

    def __init__(self, snapshot: Callable[[], Snapshot], retire_after: timedelta = RETIRE_AFTER) -> None:
        self._snapshot = snapshot
        self._retire_after = retire_after

    def collect(self) -> Iterator[Metric]:
        """Every metric family; none where this replica does not lead."""
        snapshot = self._snapshot()
        if not snapshot.leader:
            return
        shown = visible(snapshot.jobs, snapshot.now - self._retire_after)
        jobs = [with_account(job, snapshot.accounts.get(job.uid)) for job in shown]
        yield from _job_families(jobs)
        yield from _namespace_families(_totals_by_namespace(snapshot.ledgers))
        yield _intensity_family(snapshot.intensities)
        yield _intensity_age_family(snapshot.intensities, snapshot.now)


def _job_families(jobs: Sequence[JobFigures]) -> Iterator[Metric]:
    yield _gauge(
        "coppice_trainingjob_info",
        "Labels of a TrainingJob to join with; always 1.",
        (*JOB, *INFO),
        (((job.namespace, job.name, job.uid, *(job.info.get(name, "") for name in INFO[1:])), 1.0) for job in jobs),
    )
    yield _gauge(
        "coppice_trainingjob_condition",
        "Current status and reason of each condition of a TrainingJob whose account is not closed; always 1.",
        (*JOB, "condition", "status", "reason"),
        (((job.namespace, job.name, *item), 1.0) for job in jobs if not job.accounted for item in job.conditions),
    )
    yield _gauge(
        "coppice_trainingjob_accounted",
        "1 where the account of a TrainingJob is closed, else 0.",
        JOB,
        (((job.namespace, job.name), float(job.accounted)) for job in jobs),
    )
    yield _gauge(
        "coppice_trainingjob_energy_joules",
        "Facility energy of a TrainingJob so far, by component and grade; the components partition it.",
        (*JOB, "component", "grade"),
        (
            ((job.namespace, job.name, component, grade), joules)
            for job in jobs
            for component, grade, joules in job.energy
        ),
    )
    yield _gauge(
        "coppice_trainingjob_estimated_energy_joules",
        "Facility energy that the decision expected of a TrainingJob's first rung: 10th, 50th and 90th percentile.",
        (*JOB, "bound"),
        (((job.namespace, job.name, bound), joules) for job in jobs for bound, joules in job.estimated_joules),
    )
    yield _gauge(
        "coppice_trainingjob_coverage_ratio",
        "Share of the reserved time of a TrainingJob with Measured samples, 0 to 1.",
        JOB,
        _each(jobs, lambda job: job.coverage),
    )
    yield _gauge(
        "coppice_trainingjob_cost",
        "Money that a TrainingJob took, in the installation's currency; absent where no profile has a price.",
        JOB,
        _each(jobs, lambda job: job.cost),
    )
    yield from _carbon_families(jobs)


def _carbon_families(jobs: Sequence[JobFigures]) -> Iterator[Metric]:
    yield _gauge(
        "coppice_trainingjob_operational_carbon_grams",
        "Operational carbon of a TrainingJob so far, in gCO2e: the sum over time slots of energy x grid intensity.",
        JOB,
        _each(jobs, lambda job: job.operational_grams),
    )
    yield _gauge(
        "coppice_trainingjob_embodied_carbon_grams",
        "Embodied carbon of a TrainingJob so far, in gCO2e: its share of the hardware's making, mid estimate.",
        JOB,
        _each(jobs, lambda job: job.embodied_grams),
    )
    yield _gauge(
        "coppice_trainingjob_avoided_carbon_grams",
        "Carbon avoided against the counterfactual, in gCO2e; negative where substitution cost more.",
        (*JOB, "bound", "basis"),
        (((job.namespace, job.name, bound, basis), grams) for job in jobs for bound, basis, grams in job.avoided),
    )
    for unit in SCI_UNITS:
        yield _gauge(
            f"coppice_trainingjob_sci_grams_per_{unit}",
            f"Software Carbon Intensity of a TrainingJob that met its objective: gCO2e per {unit.replace('_', ' ')}.",
            JOB,
            _each(jobs, lambda job, unit=unit: job.sci.get(unit)),  # type: ignore[misc]
        )


def _namespace_families(totals: Mapping[str, LedgerTotals]) -> Iterator[Metric]:
    yield _counter(
        "coppice_namespace_energy_joules",
        "Facility energy of settled jobs, by component and grade.",
        ("namespace", "component", "grade"),
        (((name, *label), joules) for name, item in totals.items() for label, joules in _energy(item).items()),
    )
    yield _counter(
        "coppice_namespace_operational_carbon_grams",
        "Operational carbon of settled jobs, in gCO2e.",
        ("namespace",),
        (((name,), float(item.operational_grams)) for name, item in totals.items()),
    )
    yield _counter(
        "coppice_namespace_embodied_carbon_grams",
        "Embodied carbon of settled jobs, in gCO2e.",
        ("namespace",),
        (((name,), float(item.embodied_grams)) for name, item in totals.items()),
    )
    yield _counter(
        "coppice_namespace_avoided_carbon_grams",
        "Carbon avoided by settled jobs that met their objective, low bound, in gCO2e; assumed savings never count.",
        ("namespace", "basis"),
        (((name, basis), grams) for name, item in totals.items() for basis, grams in _avoided(item).items()),
    )
    yield _counter(
        "coppice_namespace_spent_in_vain_carbon_grams",
        "Carbon of missed objectives, and of substitution beyond what training from scratch would have cost, in gCO2e.",
        ("namespace",),
        (((name,), float(item.spent_in_vain_grams)) for name, item in totals.items()),
    )
    yield _counter(
        "coppice_namespace_cost",
        "Money that settled jobs took, in the installation's currency.",
        ("namespace",),
        (((name,), float(item.cost)) for name, item in totals.items()),
    )
    yield _counter(
        "coppice_namespace_trainingjobs_finished",
        "Settled jobs, by the method of the deciding attempt and the reason they ended with.",
        ("namespace", "method", "reason"),
        (
            ((name, row.method or "", row.reason), float(row.jobs))
            for name, item in totals.items()
            for row in item.finished
        ),
    )


def _intensity_family(intensities: Iterable[Intensity]) -> Metric:
    return _gauge(
        "coppice_grid_intensity_grams_per_kilowatt_hour",
        "Carbon intensity of electricity in use, in gCO2e per kilowatt-hour.",
        ("zone", "method", "signal", "source"),
        (
            ((item.zone, item.method, item.signal, item.source), float(item.grams_per_kilowatt_hour))
            for item in intensities
        ),
    )


def _intensity_age_family(intensities: Iterable[Intensity], now: datetime) -> Metric:
    return _gauge(
        "coppice_grid_intensity_age_seconds",
        "Age of the live carbon intensity in use: since when its value holds. Yearly values have none.",
        ("zone", "method", "signal", "source"),
        (
            ((item.zone, item.method, item.signal, item.source), max((now - item.as_of).total_seconds(), 0.0))
            for item in intensities
            if item.as_of is not None
        ),
    )


def _totals_by_namespace(ledgers: Iterable[TrainingLedgerSpec]) -> dict[str, LedgerTotals]:
    by_namespace: dict[str, list[LedgerTotals]] = {}
    for ledger in ledgers:
        by_namespace.setdefault(ledger.namespace, []).append(ledger.totals)
    return {name: summed(by_namespace[name]) for name in sorted(by_namespace)}


def _energy(totals: LedgerTotals) -> dict[tuple[str, str], float]:
    """Every component and grade, so that a series starts at 0 and its first rise is seen."""
    energy = {(component.value, grade.value): 0.0 for component, grade in product(Component, Grade)}
    return energy | {(row.component.value, row.grade.value): float(row.joules) for row in totals.energy}


def _avoided(totals: LedgerTotals) -> dict[str, float]:
    return {basis.value: 0.0 for basis in COUNTED_BASES} | {row.basis.value: float(row.grams) for row in totals.avoided}


Samples = Iterable[tuple[tuple[str, ...], float]]


def _each(jobs: Iterable[JobFigures], value: Callable[[JobFigures], float | None]) -> Samples:
    return (((job.namespace, job.name), found) for job in jobs if (found := value(job)) is not None)


def _gauge(name: str, text: str, labels: Sequence[str], samples: Samples) -> Metric:
    family = GaugeMetricFamily(name, text, labels=labels)
    for values, value in samples:
        family.add_metric(values, value)
    return family


def _counter(name: str, text: str, labels: Sequence[str], samples: Samples) -> Metric:
    family = CounterMetricFamily(name, text, labels=labels)
    for values, value in samples:
        family.add_metric(values, value)
    return family
