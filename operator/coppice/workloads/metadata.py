"""Labels and owners of what is made for a job."""

from typing import Any

from coppice.api.base import API_VERSION
from coppice.api.labels import ATTEMPT_LABEL, JOB_NAME_LABEL, JOB_UID_LABEL, MANAGED_BY, MANAGED_BY_LABEL
from coppice.api.trainingjob import TrainingJob


def job_labels(job: TrainingJob) -> dict[str, str]:
    """Labels of everything that belongs to one life of a job."""
    return {MANAGED_BY_LABEL: MANAGED_BY, JOB_NAME_LABEL: job.metadata.name, JOB_UID_LABEL: job.metadata.uid}


def attempt_labels(job: TrainingJob, attempt: int) -> dict[str, str]:
    """Labels of everything that belongs to one attempt, pods included."""
    return job_labels(job) | {ATTEMPT_LABEL: str(attempt)}


def owned_by(job: TrainingJob) -> list[dict[str, Any]]:
    """The job as controlling owner.

    It does not block the owner's deletion: that would ask for a right on finalizers, and a job is deleted at once.
    """
    return [
        {
            "apiVersion": API_VERSION,
            "kind": "TrainingJob",
            "name": job.metadata.name,
            "uid": job.metadata.uid,
            "controller": True,
            "blockOwnerDeletion": False,
        }
    ]
