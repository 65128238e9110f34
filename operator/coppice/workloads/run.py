"""The run of an attempt: job, candidate and base model put together as the pod reads them.

Everything that a pod needs is in it and nothing else is: no policy, no price, no name of another job. Paths are those
of the pod contract, so the same text works in the built-in trainer and in a user's own container.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from coppice.api.basemodel import MOST_OBLIGATIONS, BaseModelSpec
from coppice.api.computeprofile import ComputeProfile
from coppice.api.dataset import Dataset
from coppice.api.decision import CandidateRecord, ProbeRecord
from coppice.api.meta import BaseModelReference
from coppice.api.run import (
    DATA_DIRECTORY,
    OUTPUT_MOUNT,
    FileSource,
    ModelCard,
    Run,
    RunBaseModel,
    RunDataset,
    RunFetch,
    RunFromScratch,
    Rung,
    RunLimits,
    RunMeter,
    RunObjective,
    RunProbe,
    base_model_directory,
    output_directory,
)
from coppice.api.trainer_spec import Hyperparameters
from coppice.api.trainingjob import Objective, TrainingJob
from coppice.api.vocabulary import DIRECTIONS, AttemptKind, Direction, Method
from coppice.workloads.storage import output_path

DEFAULT_SEED = 7


@dataclass(frozen=True)
class ModelFiles:
    """A base model as a run needs it: its reference and its spec."""

    reference: BaseModelReference
    spec: BaseModelSpec


@dataclass(frozen=True)
class RunRules:
    """What policy and account add to a run.

    `hosts` and `networks` are those that https sources may reach, `license` the one computed for the model that comes
    out, `seconds_left` what remains of the job's run time.
    """

    hosts: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    ca_bundle: str | None = None
    license: str = ""
    obligations: tuple[str, ...] = field(default=())
    seconds_left: int | None = None


def run_for(
    job: TrainingJob,
    candidate: CandidateRecord,
    base: ModelFiles | None,
    tokenizer: ModelFiles | None,
    profile: ComputeProfile,
    attempt: int,
    rules: RunRules,
) -> Run:
    """The run of one attempt; `base` is the candidate's base model, `tokenizer` the one that `fromScratch` names."""
    run = _run(job, kind_of(candidate.method), (_rung(job, candidate, base),), profile, attempt, rules)
    from_scratch = _from_scratch(job, tokenizer) if candidate.method is Method.FROM_SCRATCH else None
    return run.model_copy(update={"from_scratch": from_scratch})


def probe_run(
    job: TrainingJob,
    probe: ProbeRecord,
    models: Sequence[ModelFiles],
    profile: ComputeProfile,
    attempt: int,
    rules: RunRules,
) -> Run:
    """The run of a probe: a LinearProbe rung for each base model, and the sample they look at.

    Seed, settings and cache are those of a LinearProbe of the whole data, so that one finds the sample's features.
    """
    asked = (job.spec.trainer and job.spec.trainer.hyperparameters) or Hyperparameters()
    rungs = tuple(
        Rung(method=Method.LINEAR_PROBE, base_model=_base_model(model), hyperparameters=asked) for model in models
    )
    sample = RunProbe(examples=probe.examples, held_out=probe.held_out)
    return _run(job, AttemptKind.PROBE, rungs, profile, attempt, rules, sample)


def _run(
    job: TrainingJob,
    kind: AttemptKind,
    rungs: tuple[Rung, ...],
    profile: ComputeProfile,
    attempt: int,
    rules: RunRules,
    probe: RunProbe | None = None,
) -> Run:
    path = output_path(job)
    return Run(
        job_uid=job.metadata.uid,
        job_name=job.metadata.name,
        namespace=job.metadata.namespace or "",
        attempt=attempt,
        kind=kind,
        rungs=rungs,
        probe=probe,
        task=job.spec.task,
        dataset=_dataset(job.spec.dataset),
        objective=_objective(job.spec.objective),
        seed=job.spec.trainer.seed if job.spec.trainer else DEFAULT_SEED,
        output_directory=output_directory(path, job.metadata.uid, attempt),
        cache_directory=f"{OUTPUT_MOUNT}/{path.strip('/')}/features",
        limits=RunLimits(run_seconds=rules.seconds_left),
        meter=_meter(profile),
        fetch=RunFetch(allowed_hosts=rules.hosts, allowed_networks=rules.networks, ca_bundle=rules.ca_bundle),
        card=_card(job, rules),
    )


def kind_of(method: Method) -> AttemptKind:
    """What an attempt of this method is for: a model that is used as it is only has to be judged."""
    return AttemptKind.EVALUATE if method is Method.AS_IS else AttemptKind.TRAIN


def _rung(job: TrainingJob, candidate: CandidateRecord, base: ModelFiles | None) -> Rung:
    asked = job.spec.trainer.hyperparameters if job.spec.trainer else None
    said = asked.model_dump(exclude_none=True) if asked else {}
    chosen = Hyperparameters.model_validate(candidate.hyperparameters)
    return Rung(
        method=candidate.method,
        base_model=_base_model(base) if base else None,
        hyperparameters=chosen.model_copy(update=said),
    )


def _base_model(model: ModelFiles) -> RunBaseModel:
    source, reference = model.spec.source, model.reference
    root = source.uri.rstrip("/")
    return RunBaseModel(
        kind=reference.kind,
        name=reference.name,
        license=model.spec.license,
        directory=base_model_directory(reference.kind, reference.name),
        files=tuple(
            FileSource(name=file.name, uri=f"{root}/{file.name}", digest=file.digest, size_bytes=file.size_bytes)
            for file in source.files
        ),
    )


def _dataset(dataset: Dataset) -> RunDataset:
    evaluation = None
    if dataset.evaluation_uri:
        evaluation = FileSource(
            name=_data_name("evaluation", dataset.evaluation_uri),
            uri=dataset.evaluation_uri,
            digest=dataset.evaluation_digest,
            size_bytes=dataset.evaluation_size_bytes,
        )
    return RunDataset(
        format=dataset.format,
        columns=dataset.columns,
        train=FileSource(
            name=_data_name("train", dataset.uri),
            uri=dataset.uri,
            digest=dataset.digest,
            size_bytes=dataset.size_bytes,
        ),
        evaluation=evaluation,
        directory=DATA_DIRECTORY,
        license=dataset.license or "",
        name=dataset.uri.split("://", 1)[1][-128:],
    )


def _data_name(part: str, uri: str) -> str:
    """A plain name by part, so that two sources that end alike never meet; suffixes tell their form."""
    suffixes = uri.rsplit("/", 1)[-1].split(".")[1:][-2:]
    return ".".join([part, *suffixes])[:64]


def _objective(objective: Objective) -> RunObjective:
    direction = objective.direction or DIRECTIONS.get(objective.metric, Direction.MAXIMIZE)
    return RunObjective(metric=objective.metric, direction=direction, target=objective.target)


def _from_scratch(job: TrainingJob, tokenizer: ModelFiles | None) -> RunFromScratch | None:
    plan = job.spec.from_scratch
    if plan is None:
        return None
    return RunFromScratch(
        config=plan.config, tokenizer=_base_model(tokenizer) if tokenizer else None, epochs=plan.epochs
    )


def _meter(profile: ComputeProfile) -> RunMeter:
    host, accelerator = profile.spec.host, profile.spec.accelerator
    return RunMeter(
        host_idle_watts=Decimal(host.idle_watts),
        host_peak_watts=Decimal(host.peak_watts),
        host_cores=host.cores,
        accelerator_idle_watts=accelerator.idle_watts if accelerator else None,
        accelerator_peak_watts=accelerator.peak_watts if accelerator else None,
    )


def _card(job: TrainingJob, rules: RunRules) -> ModelCard:
    register = job.spec.register_as
    return ModelCard(
        name=(register.name if register else job.metadata.name)[:128],
        license=rules.license,
        languages=tuple(job.spec.languages),
        obligations=rules.obligations[:MOST_OBLIGATIONS],
    )
