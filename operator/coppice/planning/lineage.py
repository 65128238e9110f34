"""What a job's model inherits: the licence of its chain, and how it is registered for later jobs.

A licence is computed, never typed: whatever binds the base model or the data binds what was made of them. A part
that nobody stated stays unknown, so that the derived model fails closed until somebody finds out.
"""

from collections.abc import Sequence

from coppice.api.attempt import AttemptRecord
from coppice.api.basemodel import (
    MOST_OBLIGATIONS,
    Architecture,
    BaseModelObject,
    BaseModelSpec,
    Evaluation,
    Lineage,
    Source,
)
from coppice.api.meta import ObjectMeta
from coppice.api.result import Result
from coppice.api.trainingjob import TrainingJob
from coppice.api.vocabulary import Evidence, Method
from coppice.planning.catalogue import Registered
from coppice.planning.configuration import network_of_config
from coppice.planning.data import dataset_name
from coppice.planning.licenses import UNKNOWN, simplified
from coppice.planning.recorded import SELF_REPORTED
from coppice.planning.tasks import modality

MAX_LICENSE_LENGTH = 128


def derived_license(base: str | None, dataset: str | None) -> str:
    """SPDX expression of a model made from a base model (None: from scratch) and data (None: not stated).

    Parts that cannot be read, or an expression too long for the field, give `LicenseRef-unknown`.
    """
    parts = [part for part in (base, dataset or UNKNOWN) if part]
    whole = simplified(parts)
    return whole if whole is not None and len(whole) <= MAX_LICENSE_LENGTH else UNKNOWN


def registered_model(
    job: TrainingJob, attempt: AttemptRecord, result: Result, base: Registered | None, owed: Sequence[str] = ()
) -> BaseModelObject:
    """The BaseModel that `spec.register` asks for, made from a finished job's best attempt.

    `job` carries its final status, `result` the trained model with its files, `owed` what its chain's licences ask.
    Raises ValueError without a trained model: there is nothing to register.
    """
    status, wanted, trained = job.status, job.spec.register_as, result.model
    if status is None or status.result is None or wanted is None or trained is None or not trained.files:
        raise ValueError(f"TrainingJob {job.metadata.name}: no trained model with files to register")
    spec = BaseModelSpec(
        description=f"{attempt.method} for {job.spec.task}, by TrainingJob {job.metadata.name}.",
        source=Source(uri=status.result.output, files=list(trained.files)),
        license=status.result.license or UNKNOWN,
        tasks=_tasks(job, base),
        head=job.spec.task,
        head_labels=list(trained.labels),
        modality=base.spec.modality if base else modality(job.spec.task),
        domains=list(wanted.domains or job.spec.domains)[:16],
        languages=list(job.spec.languages),
        architecture=_architecture(job, result, base),
        evaluations=_evaluations(job, attempt, result),
        limitations=_limitations(attempt, base),
        lineage=_lineage(job, attempt, base, owed),
    )
    metadata = ObjectMeta(name=wanted.name, namespace=job.metadata.namespace)
    return BaseModelObject(metadata=metadata, spec=spec)


def _tasks(job: TrainingJob, base: Registered | None) -> list[str]:
    return list(dict.fromkeys([job.spec.task, *(base.spec.tasks if base else [])]))[:16]


def _architecture(job: TrainingJob, result: Result, base: Registered | None) -> Architecture:
    if base is not None:
        return base.spec.architecture
    config = job.spec.from_scratch.config if job.spec.from_scratch else {}
    network = network_of_config(config, job.spec.dataset.labels or 2)
    parameters = result.model.parameters if result.model and result.model.parameters else None
    if network is None:
        return Architecture(family=str(config.get("model_type", "unknown")), parameters=parameters or 1)
    return Architecture(
        family=network.family,
        parameters=parameters or network.parameters,
        embedding_parameters=network.embedding_parameters,
        layers=network.layers,
        hidden_size=network.hidden_size,
        max_sequence_length=network.max_sequence_length,
        image_size=network.image_size,
        forward_flops_per_example=network.forward_flops_per_example,
    )


def _evaluations(job: TrainingJob, attempt: AttemptRecord, result: Result) -> list[Evaluation]:
    if result.quality is None:
        return []
    dataset, by = job.spec.dataset, "" if attempt.evidence is Evidence.EVALUATED else f" {SELF_REPORTED}"
    return [
        Evaluation(
            task=job.spec.task,
            dataset=dataset_name(dataset),
            metric=job.spec.objective.metric,
            value=result.quality,
            source=f"TrainingJob {job.metadata.namespace}/{job.metadata.name}{by}",
        )
    ]


def _limitations(attempt: AttemptRecord, base: Registered | None) -> list[str]:
    own = ["Its quality was reported by a user's own container, not by Coppice's evaluation step."]
    inherited = list(base.spec.limitations) if base else []
    return (inherited + (own if attempt.evidence is Evidence.SELF_REPORTED else []))[:16]


def _lineage(job: TrainingJob, attempt: AttemptRecord, base: Registered | None, owed: Sequence[str]) -> Lineage:
    totals = job.status.totals if job.status else None
    carbon = totals.operational_grams + totals.embodied_grams if totals else None
    return Lineage(
        base_model=attempt.base_model,
        base_license=base.spec.license if base else None,
        dataset_license=job.spec.dataset.license,
        obligations=list(owed[:MOST_OBLIGATIONS]),
        job=f"{job.metadata.namespace}/{job.metadata.name}",
        method=None if attempt.method is Method.FROM_SCRATCH else attempt.method,
        energy_joules=totals.energy_joules if totals else None,
        carbon_grams=carbon,
        evidence=attempt.evidence,
    )
