"""A finished job as the figures that the summary shows: each read from its status, none computed from a constant.

A figure that the cluster does not know stays None and is shown as a dash.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from coppice.api import conditions
from coppice.api.base import Interval
from coppice.api.meta import BaseModelReference
from coppice.api.trainingjob import TrainingJob
from coppice.api.trainingjob_status import AttemptStatus, AvoidedStatus, DecisionStatus, TrainingJobStatus
from coppice.api.vocabulary import Mode


@dataclass(frozen=True)
class Figures:
    """One job's decision, result and account. Energy in watt-hours, carbon in grams, times in seconds."""

    name: str
    control: bool
    state: str
    succeeded: bool
    metric: str
    decision: DecisionStatus | None
    attempts: tuple[AttemptStatus, ...]
    quality: Decimal | None
    standard_error: Decimal | None
    target: Decimal | None
    met: bool | None
    cpu_seconds: Decimal | None
    run_seconds: int | None
    energy_watt_hours: Decimal | None
    carbon_grams: Decimal | None
    avoided: AvoidedStatus | None
    registered: BaseModelReference | None

    @property
    def line(self) -> str:
        """How it ended, in one line."""
        reached = f", {self.metric} {self.quality}" if self.quality is not None else ""
        wanted = f", target {self.target}" if self.target is not None else ""
        return f"{self.state}: {self.decided}{reached}{wanted}"

    @property
    def decided(self) -> str:
        """The plan in a few words: `LinearProbe of all-minilm-l6-v2`."""
        return plan(str(self.decision.method), self.decision.base_model) if self.decision else "nothing"

    @property
    def estimated_watt_hours(self) -> Interval | None:
        """Energy of the first rung as estimated before anything ran."""
        return self.decision.ladder[0].energy_watt_hours if self.decision and self.decision.ladder else None

    @property
    def estimated_grams(self) -> Interval | None:
        """Carbon of the first rung as estimated before anything ran."""
        return self.decision.ladder[0].carbon_grams if self.decision and self.decision.ladder else None

    @property
    def estimated_seconds(self) -> Interval | None:
        """Run time of the first rung as estimated before anything ran."""
        return self.decision.ladder[0].run_seconds if self.decision and self.decision.ladder else None


def figures(job: TrainingJob) -> Figures:
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
        decision=status.decision,
        attempts=tuple(status.attempts),
        quality=result.quality if result else None,
        standard_error=best.standard_error if best else None,
        target=job.spec.objective.target,
        met=result.met if result else None,
        cpu_seconds=_cpu_seconds(status.attempts),
        run_seconds=totals.run_seconds if totals else None,
        energy_watt_hours=totals.energy_joules / 3600 if totals else None,
        carbon_grams=totals.operational_grams + totals.embodied_grams if totals else None,
        avoided=totals.avoided if totals else None,
        registered=result.registered if result else None,
    )


def plan(method: str, base: BaseModelReference | None) -> str:
    """A method and what it starts from."""
    return f"{method} of {base.name}" if base else method


def _cpu_seconds(attempts: list[AttemptStatus]) -> Decimal | None:
    known = [attempt.cpu_seconds for attempt in attempts if attempt.cpu_seconds is not None]
    return sum(known, Decimal(0)) if known else None
