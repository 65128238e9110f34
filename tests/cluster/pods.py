"""A node without a kubelet, whose part is played here: pods bound to it start, end as told, and obey deletion.

Everything else about a pod is real: the Job controller makes it, the scheduler binds it, the Job controller sees how
it ended and completes or fails the child, the garbage collector takes it away. A thread plays, so that tests state
what is to become of a job's pods and then wait for what the operator makes of it.

    node.script("research", "newswire", "0.90", "0.957")     # the pod of attempt 1, of attempt 2
    node.hold("research", "newswire")                        # nothing happens to its pods, not even their deletion
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import urllib3

from cluster.api import STRATEGIC, Api, ApiError, Body
from coppice.api.labels import ATTEMPT_LABEL, JOB_NAME_LABEL, JOB_UID_LABEL
from coppice.api.run import FETCH_CONTAINER, TRAINER_CONTAINER
from fake_cluster import probe_text, result_text

TURN_SECONDS = 0.4
HEARTBEAT_SECONDS = 10.0
CHECKPOINTED = 75
CAPACITY = {"cpu": "512", "memory": "2Ti", "pods": "1000", "ephemeral-storage": "1Ti"}

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class End:
    """How a trainer's container ends: with a quality, or what a probe saw of each model, or without a result."""

    quality: str | None = None
    probed: Mapping[str, str | None] | None = None
    exit_code: int = 0
    reason: str = ""


def reserved_for(pod: Body) -> str | None:
    """When the pod got its node."""
    conditions = pod["status"].get("conditions") or ()
    return next((one["lastTransitionTime"] for one in conditions if one["type"] == "PodScheduled"), None)


class Node:
    """A node of generous size; `with` makes it and plays until the end."""

    def __init__(self, api: Api, name: str = "stage") -> None:
        self._api = api
        self.name = name
        self._scripts: dict[tuple[str, str], tuple[End, ...]] = {}
        self._held: set[tuple[str, str]] = set()
        self._ages: dict[tuple[str, str], int] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._play, name="node", daemon=True)

    def script(self, namespace: str, job: str, *ends: str | End) -> None:
        """How the pod of the job's first attempt ends, of its second, ...; attempts beyond go on running."""
        made = tuple(End(quality=end) if isinstance(end, str) else end for end in ends)
        self._scripts[namespace, job] = made

    def hold(self, namespace: str, job: str) -> None:
        """From now on nothing happens to the job's pods: they neither start nor end nor go."""
        self._held.add((namespace, job))

    def let_go(self, namespace: str, job: str) -> None:
        """Whatever was held back happens now."""
        self._held.discard((namespace, job))

    def backdate(self, namespace: str, job: str, seconds: int) -> None:
        """Pods of the job that start from now on say that they have had their node for so long."""
        self._ages[namespace, job] = seconds

    def __enter__(self) -> Self:
        taints: list[Body] = []
        body = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": self.name}, "spec": {"taints": taints}}
        self._api.create(body)
        self._report()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(30)
        self._api.delete("Node", None, self.name)

    def _play(self) -> None:
        beat = time.monotonic()
        while not self._stop.wait(TURN_SECONDS):
            try:
                if time.monotonic() - beat > HEARTBEAT_SECONDS:
                    self._report()
                    beat = time.monotonic()
                for pod in self._api.list("Pod", fieldSelector=f"spec.nodeName={self.name}"):
                    self._turn(pod)
            except (ApiError, urllib3.exceptions.HTTPError) as error:
                log.warning("the node goes on after: %s", error)

    def _report(self) -> None:
        """What a kubelet says of its node every few seconds; without it the node is tainted."""
        now = stamp(datetime.now(UTC))
        ready = {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "played"}
        ready |= {"lastHeartbeatTime": now, "lastTransitionTime": now}
        status = {"capacity": CAPACITY, "allocatable": CAPACITY, "conditions": [ready]}
        self._api.patch("Node", None, self.name, {"status": status}, "status", STRATEGIC)

    def _turn(self, pod: Body) -> None:
        labels = pod["metadata"].get("labels") or {}
        job = pod["metadata"]["namespace"], labels.get(JOB_NAME_LABEL, "")
        if job in self._held or not labels.get(JOB_UID_LABEL):
            return
        try:
            self._act(pod, job, int(labels.get(ATTEMPT_LABEL, "0")))
        except ApiError as error:
            if error.status not in {404, 409, 422}:  # it changed or went meanwhile; the next turn sees how
                raise

    def _act(self, pod: Body, job: tuple[str, str], attempt: int) -> None:
        phase, ends = pod["status"]["phase"], self._scripts.get(job, ())
        if pod["metadata"].get("deletionTimestamp"):
            if phase == "Running":
                self._end(pod, End(exit_code=CHECKPOINTED, reason="Error"))
            uid = {"uid": pod["metadata"]["uid"]}
            self._api.delete("Pod", job[0], pod["metadata"]["name"], gracePeriodSeconds=0, preconditions=uid)
        elif phase == "Pending":
            self._start(pod, self._ages.get(job, 0))
        elif phase == "Running" and attempt <= len(ends):
            self._end(pod, ends[attempt - 1])

    def _start(self, pod: Body, age: int) -> None:
        began = stamp(datetime.now(UTC) - timedelta(seconds=age))
        scheduled = began if age else reserved_for(pod) or began
        conditions = [
            {"type": "PodScheduled", "status": "True", "lastTransitionTime": scheduled},
            *({"type": name, "status": "True", "lastTransitionTime": began} for name in ("Initialized", "Ready")),
        ]
        fetched = {"exitCode": 0, "reason": "Completed", "startedAt": began, "finishedAt": began}
        status = {
            "phase": "Running",
            "startTime": scheduled,
            "conditions": conditions,
            "initContainerStatuses": [container(FETCH_CONTAINER, {"terminated": fetched})],
            "containerStatuses": [container(TRAINER_CONTAINER, {"running": {"startedAt": began}})],
        }
        self._write(pod, status)

    def _end(self, pod: Body, end: End) -> None:
        now = stamp(datetime.now(UTC))
        running = pod["status"]["containerStatuses"][0]["state"].get("running", {})
        message = result_text(pod, pod, end.quality) if end.quality is not None else ""
        message = probe_text(pod, pod, end.probed) if end.probed is not None else message
        ended = {"exitCode": end.exit_code, "message": message, "startedAt": running.get("startedAt", now)}
        ended |= {"reason": end.reason or ("Error" if end.exit_code else "Completed"), "finishedAt": now}
        conditions = [{"type": "Ready", "status": "False", "lastTransitionTime": now}]
        status = {
            "phase": "Failed" if end.exit_code else "Succeeded",
            "conditions": conditions,
            "containerStatuses": [container(TRAINER_CONTAINER, {"terminated": ended})],
        }
        self._write(pod, status)

    def _write(self, pod: Body, status: Mapping[str, Any]) -> None:
        metadata = pod["metadata"]
        change = {"metadata": {"uid": metadata["uid"]}, "status": status}
        self._api.patch("Pod", metadata["namespace"], metadata["name"], change, "status", STRATEGIC)


def container(name: str, state: Body) -> Body:
    """A container's status."""
    return {"name": name, "image": "played", "imageID": "played", "ready": "running" in state, "restartCount": 0,
            "state": state}  # fmt: skip


def stamp(moment: datetime) -> str:
    """A time as the API server writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
