"""Claims: which ones an attempt reads, and the one its model is written to.

A claim that is made for a job has no owner reference on purpose: the model is what the user wanted, and deleting the
job must not delete it. Its labels say which life of which job it belongs to.
"""

from collections.abc import Iterable
from typing import Any

from coppice.api.attempt import AttemptRecord
from coppice.api.run import OUTPUT_MOUNT, FileSource, Run, output_directory
from coppice.api.trainingjob import Output, TrainingJob
from coppice.api.vocabulary import AttemptKind
from coppice.workloads.metadata import job_labels
from coppice.workloads.names import claim_name

CLAIM_SCHEME = "pvc://"


def claim_manifest(job: TrainingJob) -> dict[str, Any] | None:
    """The output claim to make, or None where the job names one."""
    output = job.spec.output or Output()
    if output.claim_name:
        return None
    spec: dict[str, Any] = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": output.size}},
    }
    if output.storage_class_name:
        spec["storageClassName"] = output.storage_class_name
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": claim_name(job), "namespace": job.metadata.namespace, "labels": job_labels(job)},
        "spec": spec,
    }


def output_path(job: TrainingJob) -> str:
    """The directory of the claim that the job writes below."""
    output = job.spec.output
    return (output.path if output else "") or job.metadata.name


def output_uri(job: TrainingJob, attempt: AttemptRecord) -> str:
    """Where an attempt's own directory lies, as pvc://CLAIM/PATH."""
    directory = output_directory(attempt.output_path, job.metadata.uid, attempt.number)
    return f"{CLAIM_SCHEME}{attempt.claim_name}{directory.removeprefix(OUTPUT_MOUNT)}"


def source_claims(run: Run) -> tuple[str, ...]:
    """Names of the claims that a run reads, sorted."""
    return tuple(sorted({claim for source in _sources(run) if (claim := claim_of(source.uri))}))


def claim_of(uri: str) -> str | None:
    """The claim that a URI names; None for other schemes."""
    return uri.removeprefix(CLAIM_SCHEME).split("/", 1)[0] if uri.startswith(CLAIM_SCHEME) else None


def _sources(run: Run) -> Iterable[FileSource]:
    yield run.dataset.train
    if run.dataset.evaluation and run.kind is not AttemptKind.PROBE:
        yield run.dataset.evaluation
    for rung in run.rungs:
        if rung.base_model:
            yield from rung.base_model.files
    if run.from_scratch and run.from_scratch.tokenizer:
        yield from run.from_scratch.tokenizer.files
