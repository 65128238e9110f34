"""The batch/v1 Job of an attempt, and the Service it needs where it has several pods.

It is created once and never applied again: what Kueue or a person changes on it is theirs. The decision and the
attempt travel on it as annotations, so that they exist at the same moment as the child and before any pod.
"""

from typing import Any

from coppice.api.attempt import AttemptRecord
from coppice.api.computeprofile import ComputeProfile
from coppice.api.decision import DecisionRecord
from coppice.api.labels import ATTEMPT_ANNOTATION, DECISION_ANNOTATION, QUEUE_LABEL, RUN_ANNOTATION
from coppice.api.run import Run
from coppice.api.shortening import fitted
from coppice.api.trainingjob import TrainingJob
from coppice.api.vocabulary import Evidence
from coppice.workloads.failure import BACKOFF_LIMIT, pod_failure_policy
from coppice.workloads.gang import service_manifest
from coppice.workloads.images import Images
from coppice.workloads.metadata import attempt_labels, owned_by
from coppice.workloads.names import child_name
from coppice.workloads.pod import Shape, pod_spec
from coppice.workloads.requests import Requests
from coppice.workloads.storage import source_claims
from coppice.workloads.template import templated_pod


def child_manifests(
    job: TrainingJob,
    record: DecisionRecord,
    attempt: AttemptRecord,
    run: Run,
    profile: ComputeProfile,
    reserved: Requests,
    images: Images,
    authority: str = "",
) -> list[dict[str, Any]]:
    """What runs an attempt, in the order to create it: a Service where it has several pods, then the Job.

    An attempt whose evidence is SelfReported runs the user's own template or container. `authority` names a ConfigMap
    of the namespace whose ca.crt the fetch step trusts besides the public ones.
    """
    trainer = job.spec.trainer if attempt.evidence is Evidence.SELF_REPORTED else None
    shape = Shape(
        child=child_name(job.metadata.name, job.metadata.uid, attempt.number),
        attempt=attempt,
        requests=reserved,
        profile=profile,
        images=images,
        sources=source_claims(run),
        authority=authority,
    )
    if trainer and trainer.template is not None:
        pod = templated_pod(trainer.template, shape)
        child = _job_manifest(job, record, attempt, run, pod, trainer.template.get("metadata"))
    else:
        child = _job_manifest(job, record, attempt, run, pod_spec(shape, trainer.container if trainer else None))
    return [service_manifest(job, attempt.number), child] if attempt.pods > 1 else [child]


def _job_manifest(
    job: TrainingJob,
    record: DecisionRecord,
    attempt: AttemptRecord,
    run: Run,
    pod: dict[str, Any],
    template_metadata: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The Job around a pod spec; `template_metadata` is that of a user's own template."""
    queue = job.spec.scheduling.queue_name if job.spec.scheduling else None
    labels = attempt_labels(job, attempt.number)
    spec: dict[str, Any] = {
        "completionMode": "Indexed",
        "completions": attempt.pods,
        "parallelism": attempt.pods,
        "backoffLimit": BACKOFF_LIMIT,
        "podReplacementPolicy": "Failed",
        "podFailurePolicy": pod_failure_policy(),
        "template": {"metadata": _template_metadata(labels, run, template_metadata or {}), "spec": pod},
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": child_name(job.metadata.name, job.metadata.uid, attempt.number),
            "namespace": job.metadata.namespace,
            "labels": labels | ({QUEUE_LABEL: queue} if queue else {}),
            "annotations": {
                DECISION_ANNOTATION: fitted(record).encoded(),
                ATTEMPT_ANNOTATION: attempt.model_dump_json(by_alias=True, exclude_none=True),
            },
            "ownerReferences": owned_by(job),
        },
        "spec": ({"suspend": True} if queue else {}) | spec,
    }


def _template_metadata(labels: dict[str, str], run: Run, own: dict[str, Any]) -> dict[str, Any]:
    """Labels and annotations of the pods: the user's own, and ours above them."""
    return {
        "labels": {**(own.get("labels") or {}), **labels},
        "annotations": {**(own.get("annotations") or {}), RUN_ANNOTATION: run.to_json()},
    }
