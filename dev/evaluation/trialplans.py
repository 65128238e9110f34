"""The planner's ladders for the problems of the trials: decided as in a cluster that holds the trials' base models."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import yaml

from coppice.adapters.intensity.static import StaticIntensity
from coppice.api.basemodel import BaseModelObject, ClusterBaseModel
from coppice.api.computeprofile import ComputeProfile
from coppice.api.decision import SpentRecord
from coppice.api.trainingjob import TrainingJob
from coppice.planning.catalogue import Catalogue, registered
from coppice.planning.decision import Refusal, decide
from coppice.planning.resolved import Resolved
from coppice.planning.world import World
from evaluation.regret import Rung

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
ONE_CORE = {
    "host": {
        "cores": 2,
        "memory": "16Gi",
        "idleWatts": "1.4",
        "peakWatts": "8.5",
        "peakTeraFlops": "0.166",
        "embodiedKilograms": {"low": "14", "mid": "28", "high": "56"},
    },
    "lifespanYears": "4",
}
"""A node of two cores like the one that the trials ran on; a job of theirs asks for one core."""


def models(path: Path) -> list[BaseModelObject]:
    """The base models of a file of manifests."""
    found = [body for body in yaml.safe_load_all(path.read_text()) if body]
    kinds = {"ClusterBaseModel": ClusterBaseModel, "BaseModel": BaseModelObject}
    return [kinds[body["kind"]].model_validate(body) for body in found]


def world(bases: Sequence[BaseModelObject]) -> World:
    """One profile, one grid, and these base models, all ready."""
    profile = ComputeProfile.model_validate({"metadata": {"name": "one-core"}, "spec": ONE_CORE})
    intensity = StaticIntensity({})
    return World(
        catalogue=Catalogue.of(registered(base, ready=True) for base in bases),
        profiles=(profile,),
        intensity=lambda zone: intensity.current(zone, MOMENT),
        default_zone="DE",
        pue=Decimal("1.2"),
    )


def ladder(job: TrainingJob, where: World) -> list[Rung]:
    """Method and base model of each rung. Raises ValueError for a job that would be refused."""
    decision = decide(job, Resolved(), where, spent=SpentRecord(), tried=(), now=MOMENT, may_probe=False)
    if isinstance(decision, Refusal):
        raise ValueError(f"TrainingJob {job.metadata.name} is refused: {decision.message}")  # noqa: TRY004
    return [(rung.method, rung.base_model.name if rung.base_model else "") for rung in decision.ladder]
