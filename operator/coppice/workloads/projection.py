"""Watched Jobs and Pods to the small values that decisions are made from.

A body comes from the API server, so its shape is known; every part that may be absent is read as absent. Times are
read as they stand, aware and in UTC.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from coppice.api.labels import (
    ATTEMPT_ANNOTATION,
    ATTEMPT_LABEL,
    DECISION_ANNOTATION,
    JOB_NAME_LABEL,
    JOB_UID_LABEL,
    QUEUE_LABEL,
)
from coppice.workloads.gang import INDEX_ANNOTATION
from coppice.workloads.quantity import parse_quantity
from coppice.workloads.seen import ContainerEnd, SeenChild, SeenPod

Body = Mapping[str, Any]

ACCELERATOR = re.compile(r".+/.*(gpu|tpu|npu|mig-|gaudi|neuron|accelerator)")
"""Extended resources that are accelerators; others (network adapters, licences) have a slash too."""

MOST_DIGITS = 9


def seen_child(body: Body) -> SeenChild:
    """A batch/v1 Job that carries our labels."""
    metadata, spec, status = body["metadata"], body.get("spec") or {}, body.get("status") or {}
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    end = next((each for each in _true(status) if each["type"] in {"Complete", "Failed"}), {})
    return SeenChild(
        namespace=metadata.get("namespace", ""),
        name=metadata["name"],
        uid=metadata["uid"],
        owner_uid=_controller(metadata),
        job_uid=labels.get(JOB_UID_LABEL, ""),
        job_name=labels.get(JOB_NAME_LABEL, ""),
        attempt=_number(labels.get(ATTEMPT_LABEL)),
        created_at=datetime.fromisoformat(metadata["creationTimestamp"]),
        suspended=bool(spec.get("suspend")),
        queue=labels.get(QUEUE_LABEL, ""),
        active=status.get("active", 0),
        ready=status.get("ready", 0),
        succeeded=status.get("succeeded", 0),
        failed=status.get("failed", 0),
        finished=end.get("type", ""),
        finished_reason=end.get("reason", ""),
        finished_message=end.get("message", ""),
        finished_at=_time(end.get("lastTransitionTime")),
        deleting="deletionTimestamp" in metadata,
        decision=annotations.get(DECISION_ANNOTATION, ""),
        attempt_record=annotations.get(ATTEMPT_ANNOTATION, ""),
    )


def seen_pod(body: Body) -> SeenPod:
    """A Pod that carries our labels."""
    metadata, spec, status = body["metadata"], body.get("spec") or {}, body.get("status") or {}
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    conditions = {each["type"]: each for each in status.get("conditions") or ()}
    scheduled = conditions.get("PodScheduled", {})
    reserved = _reserved(spec)
    return SeenPod(
        namespace=metadata.get("namespace", ""),
        name=metadata["name"],
        uid=metadata["uid"],
        job_uid=labels.get(JOB_UID_LABEL, ""),
        attempt=_number(labels.get(ATTEMPT_LABEL)),
        index=_number(annotations.get(INDEX_ANNOTATION)),
        owner_uid=_controller(metadata),
        node=spec.get("nodeName", ""),
        phase=status.get("phase", "Pending"),
        created_at=_time(metadata.get("creationTimestamp")),
        scheduled_at=_time(scheduled.get("lastTransitionTime")) if scheduled.get("status") == "True" else None,
        unschedulable=_unschedulable(scheduled),
        taken_at=_time(conditions.get("DisruptionTarget", {}).get("lastTransitionTime"))
        or _time(metadata.get("deletionTimestamp")),
        disrupted=conditions.get("DisruptionTarget", {}).get("status") == "True",
        deleting="deletionTimestamp" in metadata,
        accelerators=int(sum((count for name, count in reserved.items() if ACCELERATOR.match(name)), Decimal(0))),
        cpu_request_cores=reserved.get("cpu", Decimal(0)),
        memory_request_bytes=int(reserved.get("memory", Decimal(0))),
        containers=(
            *_ends(status.get("initContainerStatuses"), init=True),
            *_ends(status.get("containerStatuses"), init=False),
        ),
    )


def accelerator_name(spec: Body) -> str:
    """The accelerator that a pod asks most of, as a resource name; empty for pods without any."""
    found = {name: count for name, count in _reserved(spec).items() if ACCELERATOR.match(name) and count}
    return max(sorted(found), key=lambda name: found[name], default="")


def _unschedulable(scheduled: Body) -> str:
    """The scheduler's message; a pod held back by a gate or not yet looked at is merely pending."""
    if scheduled.get("status") != "False" or scheduled.get("reason") != "Unschedulable":
        return ""
    return str(scheduled.get("message") or "no node can take the pod")


def _ends(statuses: Iterable[Body] | None, *, init: bool) -> Iterable[ContainerEnd]:
    return [_end(status, init=init) for status in statuses or ()]


def _end(status: Body, *, init: bool) -> ContainerEnd:
    """The container as it stands; one that waits for a restart shows how it ended before."""
    state = status.get("state") or {}
    waiting = state.get("waiting") or {}
    ended = state.get("terminated") or (status.get("lastState") or {}).get("terminated") or {}
    if "running" in state:
        ended = {"startedAt": state["running"].get("startedAt")}
    return ContainerEnd(
        name=status["name"],
        init=init,
        started_at=_time(ended.get("startedAt")),
        finished_at=_time(ended.get("finishedAt")),
        exit_code=ended.get("exitCode"),
        reason=ended.get("reason", ""),
        message=ended.get("message", ""),
        restarts=status.get("restartCount", 0),
        waiting_reason=waiting.get("reason", ""),
        waiting_message=waiting.get("message", ""),
    )


def _reserved(spec: Body) -> dict[str, Decimal]:
    """What the scheduler reserves for the pod: the sum of its containers, or an init container's need if larger."""
    total: dict[str, Decimal] = {}
    for container in spec.get("containers") or ():
        for name, amount in _requests(container).items():
            total[name] = total.get(name, Decimal(0)) + amount
    for container in spec.get("initContainers") or ():
        for name, amount in _requests(container).items():
            total[name] = max(total.get(name, Decimal(0)), amount)
    return total


def _requests(container: Body) -> dict[str, Decimal]:
    resources = container.get("resources") or {}
    said = {**(resources.get("limits") or {}), **(resources.get("requests") or {})}
    return {name: parse_quantity(amount) for name, amount in said.items()}


def _true(status: Body) -> list[Body]:
    return [each for each in status.get("conditions") or () if each.get("status") == "True"]


def _controller(metadata: Body) -> str:
    owners = metadata.get("ownerReferences") or ()
    return next((str(owner["uid"]) for owner in owners if owner.get("controller")), "")


def _number(text: str | None) -> int:
    """Of an annotation or label that anybody may write: `isdigit` is true of "²" too, and `int` has limits."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS else 0


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
