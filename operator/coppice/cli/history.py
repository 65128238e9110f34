"""What became of a job, from the cluster: the job, its decision record and its report; and a new try of it."""

import re
from typing import Any

from coppice.api.decision import DecisionRecord, decode_record
from coppice.api.labels import DECISION_ANNOTATION, JOB_UID_LABEL, RETRY_OF_ANNOTATION
from coppice.api.trainingjob import TrainingJob
from coppice.cli.cluster import cluster_of
from coppice.cli.errors import UsageError
from coppice.cli.namespaces import current_namespace

MAX_NAME = 45
Body = dict[str, Any]


async def find_job(kubeconfig: str | None, namespace: str | None, name: str) -> tuple[Body, list[Body]]:
    """The job's body, and its children and report, which carry the decision record."""
    async with cluster_of(kubeconfig) as cluster:
        where = namespace or current_namespace(kubeconfig)
        body = await cluster.get("TrainingJob", where, name)
        if body is None:
            raise UsageError(
                f"there is no TrainingJob {name} in namespace {where}; kubectl get trainingjobs -A lists all"
            )
        uid = body["metadata"]["uid"]
        kinds = [(await cluster.list(kind, where))[0] for kind in ("Job", "TrainingReport")]
        mine = [
            item for items in kinds for item in items if item["metadata"].get("labels", {}).get(JOB_UID_LABEL) == uid
        ]
        return body, mine


def decision_of(body: Body, related: list[Body]) -> DecisionRecord | None:
    """The first decision of the job: what its report keeps, its first child carries, or its status waits with."""
    for item in related:
        if item["kind"] == "TrainingReport" and item["spec"].get("decisionRecord"):
            return decode_record(item["spec"]["decisionRecord"])
    children = sorted((item for item in related if item["kind"] == "Job"), key=lambda item: item["metadata"]["name"])
    for child in children:
        text = child["metadata"].get("annotations", {}).get(DECISION_ANNOTATION)
        if text:
            return decode_record(text)
    waiting = (body.get("status") or {}).get("decisionRecord")
    return decode_record(waiting) if waiting else None


async def retried(kubeconfig: str | None, namespace: str | None, name: str, new_name: str | None) -> Body:
    """Create a job with the spec of a finished one. Raises UsageError while that one is unfinished."""
    body, _ = await find_job(kubeconfig, namespace, name)
    job = TrainingJob.model_validate(body)
    conditions = job.status.conditions if job.status else ()
    if not any(item.type == "Finished" and item.status == "True" for item in conditions):
        raise UsageError(f"TrainingJob {name} is not finished; change spec.suspend to stop it, or wait for it")
    async with cluster_of(kubeconfig) as cluster:
        return await cluster.create(retry_manifest(body, new_name or next_name(name)))


def retry_manifest(body: Body, name: str) -> Body:
    """The new job: the same spec, not suspended, and where it comes from."""
    metadata = {"name": name, "namespace": body["metadata"]["namespace"]}
    annotations = {RETRY_OF_ANNOTATION: body["metadata"]["name"]}
    spec = {key: value for key, value in body["spec"].items() if key != "suspend"}
    return {
        "apiVersion": body["apiVersion"],
        "kind": "TrainingJob",
        "metadata": {**metadata, "annotations": annotations},
        "spec": spec,
    }


def next_name(name: str) -> str:
    """`topics` becomes topics-2, topics-2 becomes topics-3; cut to 45 characters."""
    found = re.fullmatch(r"(.+)-(\d+)", name)
    stem, number = (found[1], int(found[2]) + 1) if found else (name, 2)
    suffix = f"-{number}"
    return stem[: MAX_NAME - len(suffix)].rstrip("-.") + suffix
