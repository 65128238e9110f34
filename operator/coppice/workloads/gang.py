"""Several pods of one attempt: how they find each other.

The names are those of torchrun's own environment (PET_*, read where a flag is absent), so that a user's container
starts with a plain `torchrun train.py`. The first pod's stable name comes from a headless Service.
"""

from typing import Any

from coppice.api.labels import ATTEMPT_LABEL, JOB_UID_LABEL
from coppice.api.trainingjob import TrainingJob
from coppice.workloads.metadata import attempt_labels, owned_by
from coppice.workloads.names import child_name

PORT = 29500
"""Rendezvous port of torch.distributed; its documented default."""
INDEX_ANNOTATION = "batch.kubernetes.io/job-completion-index"


def service_manifest(job: TrainingJob, attempt: int) -> dict[str, Any]:
    """The headless Service that gives the pods of an attempt names."""
    labels = attempt_labels(job, attempt)
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": child_name(job.metadata.name, job.metadata.uid, attempt),
            "namespace": job.metadata.namespace,
            "labels": labels,
            "ownerReferences": owned_by(job),
        },
        "spec": {
            "clusterIP": "None",
            "publishNotReadyAddresses": True,
            "selector": {key: labels[key] for key in (JOB_UID_LABEL, ATTEMPT_LABEL)},
            "ports": [{"name": "rendezvous", "port": PORT}],
        },
    }


def rendezvous(child: str, pods: int, processes: int) -> list[dict[str, Any]]:
    """torchrun's environment for one of so many pods with so many processes each."""
    rank = {"fieldRef": {"fieldPath": f"metadata.annotations['{INDEX_ANNOTATION}']"}}
    return [
        {"name": "PET_NNODES", "value": str(pods)},
        {"name": "PET_NPROC_PER_NODE", "value": str(processes)},
        {"name": "PET_NODE_RANK", "valueFrom": rank},
        {"name": "PET_MASTER_ADDR", "value": f"{child}-0.{child}"},
        {"name": "PET_MASTER_PORT", "value": str(PORT)},
    ]
