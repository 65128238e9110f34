"""Worlds to decide in: `decided(make_job(), make_model(), ...)` gives the decision that the operator would make."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from builders import Builder, JobBuilder, make_profile
from coppice.api.basemodel import BaseModelObject
from coppice.api.decision import DecisionRecord, Intensity, SpentRecord
from coppice.api.meta import BaseModelReference
from coppice.api.reasons import AttemptOutcome
from coppice.api.trainingpolicy import TrainingPolicySpec
from coppice.api.vocabulary import BaseModelKind, IntensityMethod, IntensitySignal, Method
from coppice.planning.catalogue import Catalogue, registered
from coppice.planning.decision import Refusal, Tried, decide
from coppice.planning.policy import resolve
from coppice.planning.request import Request
from coppice.planning.world import World

NOTHING_SPENT = SpentRecord()
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def make_intensity(grams: str = "381", zone: str = "DE") -> Intensity:
    """A yearly average; 381 gCO2e/kWh is Germany's of 2023 (life cycle)."""
    return Intensity(
        zone=zone,
        grams_per_kilowatt_hour=Decimal(grams),
        method=IntensityMethod.LIFE_CYCLE,
        signal=IntensitySignal.AVERAGE,
        period="2023",
        source="Our World in Data",
    )


@dataclass(frozen=True)
class Case:
    """A job with everything around it; each part is a builder."""

    job: JobBuilder
    models: Sequence[Builder[Any]] = ()
    profiles: Sequence[Builder[Any]] = ()
    policies: Sequence[Builder[Any]] = ()
    reports: Sequence[Builder[Any]] = ()
    tried: Sequence[Tried] = ()
    spent: SpentRecord = NOTHING_SPENT
    grams: str = "381"
    zones: Mapping[str, str] | None = None
    pue: str = "1.2"

    @property
    def request(self) -> Request:
        """The question that the case puts."""
        job = self.job.build()
        resolved = resolve(job.spec, [policy.build() for policy in self.policies], TrainingPolicySpec())
        return Request(job, resolved, self.world, self.spent, tuple(self.tried))

    @property
    def world(self) -> World:
        """The world of the case; models are ready as their builders say."""
        return World(
            catalogue=Catalogue.of(_registered(model.build()) for model in self.models),
            profiles=tuple(profile.build() for profile in self.profiles or [make_profile()]),
            intensity=lambda zone: make_intensity((self.zones or {}).get(zone, self.grams), zone),
            default_zone="DE",
            pue=Decimal(self.pue),
            reports=tuple(report.build() for report in self.reports),
            software_version="test",
        )

    def decide(self) -> DecisionRecord | Refusal:
        """The decision."""
        ask = self.request
        return decide(ask.job, ask.resolved, ask.world, spent=self.spent, tried=self.tried, now=NOW)


def decided(job: JobBuilder, *models: Builder[Any], **case: Any) -> DecisionRecord:
    """The decision for a job that can be decided; keywords as in Case."""
    outcome = Case(job, models, **case).decide()
    assert isinstance(outcome, DecisionRecord), outcome
    return outcome


def refused(job: JobBuilder, *models: Builder[Any], **case: Any) -> Refusal:
    """The refusal of a job that cannot run."""
    outcome = Case(job, models, **case).decide()
    assert isinstance(outcome, Refusal), outcome.message
    return outcome


def tried(method: str, base: str | None = None, outcome: AttemptOutcome = AttemptOutcome.MISSED) -> Tried:
    """A rung that was tried."""
    reference = BaseModelReference(kind=BaseModelKind.CLUSTER, name=base) if base else None
    return Tried(Method(method), reference, outcome)


def rungs(record: DecisionRecord) -> list[str]:
    """The ladder in words: `LinearProbe all-minilm-l6-v2`, `FromScratch`."""
    return [_rung(candidate.method, candidate.base_model) for candidate in record.ladder]


def _rung(method: Method, base: BaseModelReference | None) -> str:
    return f"{method} {base.name}" if base else str(method)


def _registered(model: BaseModelObject) -> Any:
    conditions = model.status.conditions if model.status else ()
    ready = next((one for one in conditions if one.type == "Ready"), None)
    return registered(model, ready is not None and ready.status == "True", ready.reason if ready else "")
