"""A finished job as the figures that the summary shows: each read from the cluster, none computed from a constant.

What happened stands in the job's status; what was expected stands in the decision that was frozen on each attempt's
child before its pod existed. A figure that the cluster does not know stays None and is shown as a dash.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from coppice.api import conditions
from coppice.api.decision import DecisionRecord, EstimateRecord
from coppice.api.meta import BaseModelReference
from coppice.api.trainingjob import TrainingJob
from coppice.api.trainingjob_status import AttemptStatus, AvoidedStatus, TrainingJobStatus
from coppice.api.vocabulary import Evidence, Method, Mode

Records = Mapping[int, DecisionRecord]
"""The decision that each attempt was started by, by the attempt's number."""


@dataclass(frozen=True)
class AttemptFigures:
    """What one attempt took, and what it was expected to. Watt-hours, grams, seconds."""

    method: Method
    base_model: str
    outcome: str
    quality: Decimal | None
    standard_error: Decimal | None
    evidence: Evidence | None
    cpu_seconds: Decimal | None
    run_seconds: int
    energy_watt_hours: Decimal | None
    carbon_grams: Decimal | None
    expected: EstimateRecord | None

    @property
    def plan(self) -> str:
        """The method and what it starts from: `LinearProbe of all-minilm-l6-v2`."""
        return plan(self.method, self.base_model)


@dataclass(frozen=True)
class Figures:
    """One job's decision, attempts, result and account. Energy in watt-hours, carbon in grams, times in seconds."""

    name: str
    control: bool
    state: str
    succeeded: bool
    metric: str
    target: Decimal | None
    first: DecisionRecord | None
    attempts: tuple[AttemptFigures, ...]
    quality: Decimal | None
    standard_error: Decimal | None
    met: bool | None
    cpu_seconds: Decimal | None
    run_seconds: int | None
    energy_watt_hours: Decimal | None
    carbon_grams: Decimal | None
    avoided: AvoidedStatus | None
    registered: BaseModelReference | None

    @property
    def decided(self) -> str:
        """The plan before anything ran: `LinearProbe of all-minilm-l6-v2`."""
        if self.first is None or not self.first.ladder:
            return "nothing"
        rung = self.first.ladder[0]
        return plan(rung.method, rung.base_model.name if rung.base_model else "")

    @property
    def line(self) -> str:
        """How it ended, in one line."""
        ran = ", then ".join(attempt.plan for attempt in self.attempts) or "nothing ran"
        reached = f", {self.metric} {self.quality}" if self.quality is not None else ""
        wanted = f", target {self.target}" if self.target is not None else ""
        return f"{self.state}: {ran}{reached}{wanted}"


def figures(job: TrainingJob, records: Records) -> Figures:
    """The figures of a job; of one that is not finished, as far as they are known."""
    status = job.status or TrainingJobStatus()
    result, totals = status.result, status.totals
    best = next((item for item in status.attempts if result and item.number == result.attempt), None)
    mode = job.spec.substitution.mode if job.spec.substitution else None
    return Figures(
        name=job.metadata.name,
        control=mode is Mode.NEVER,
        state=status.summary.state if status.summary else "",
        succeeded=conditions.is_true(status.conditions, conditions.SUCCEEDED),
        metric=str(job.spec.objective.metric),
        target=job.spec.objective.target,
        first=records[min(records)] if records else None,
        attempts=tuple(_attempt(item, records.get(item.number)) for item in status.attempts),
        quality=result.quality if result else None,
        standard_error=best.standard_error if best else None,
        met=result.met if result else None,
        cpu_seconds=_cpu_seconds(status.attempts),
        run_seconds=totals.run_seconds if totals else None,
        energy_watt_hours=totals.energy_joules / 3600 if totals else None,
        carbon_grams=totals.operational_grams + totals.embodied_grams if totals else None,
        avoided=totals.avoided if totals else None,
        registered=result.registered if result else None,
    )


def plan(method: Method, base_model: str) -> str:
    """A method and what it starts from."""
    return f"{method} of {base_model}" if base_model else str(method)


def _attempt(attempt: AttemptStatus, record: DecisionRecord | None) -> AttemptFigures:
    return AttemptFigures(
        method=attempt.method,
        base_model=attempt.base_model.name if attempt.base_model else "",
        outcome=attempt.outcome,
        quality=attempt.quality,
        standard_error=attempt.standard_error,
        evidence=attempt.evidence,
        cpu_seconds=attempt.cpu_seconds,
        run_seconds=attempt.run_seconds,
        energy_watt_hours=attempt.energy_joules / 3600 if attempt.energy_joules is not None else None,
        carbon_grams=attempt.carbon_grams,
        expected=record.ladder[0].estimate if record and record.ladder else None,
    )


def _cpu_seconds(attempts: list[AttemptStatus]) -> Decimal | None:
    known = [attempt.cpu_seconds for attempt in attempts if attempt.cpu_seconds is not None]
    return sum(known, Decimal(0)) if known else None
