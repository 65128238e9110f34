"""An API server in memory, and the batch engine and kubelet that play pods on it; for tests of the loop alone.

It stands in for kube-apiserver, the Job controller and a node. It keeps what the loop relies on: uids, rising
resourceVersions, AlreadyExists with the existing body, Conflict on a stale resourceVersion, status as a
subresource, garbage collection of owned objects. What only the real one can show (schemas, CEL, RBAC, watches) is
tested against the real one in tests/cluster.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from coppice.api.labels import CHILD_SELECTOR
from coppice.api.meta import BaseModelReference
from coppice.api.result import Outcome, Result, TrainedModel
from coppice.api.trainingjob_status import ProbedModel, TrainingJobStatus
from coppice.api.vocabulary import BaseModelKind
from coppice.index import Index
from coppice.lifecycle import Event
from coppice.ports import AlreadyExists, Conflict, NotFound, Refused

Body = dict[str, Any]
Place = tuple[str, str, str]
MOST_DIGITS = 26
"""Length of a decimal string in the CRDs."""


class CrashError(BaseException):
    """The operator was killed; nothing after this write happened."""


@dataclass
class FakeClock:
    """A clock that stands still until it is moved."""

    moment: datetime = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def advance(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


@dataclass
class FakeCluster:
    """Objects by kind, namespace and name. `crash_before` counts down mutating calls and then raises CrashError."""

    clock: FakeClock
    objects: dict[Place, Body] = field(default_factory=dict)
    writes: list[str] = field(default_factory=list)
    events: list[tuple[str, Event]] = field(default_factory=list)
    crash_before: int | None = None
    crash_after: int | None = None
    refuse: dict[str, Exception] = field(default_factory=dict)
    unserved: dict[str, Exception] = field(default_factory=dict)
    other_versions: set[str] = field(default_factory=set)
    _version: int = 0
    _uid: int = 0

    # The port.

    async def list(
        self, kind: str, namespace: str | None = None, selector: str | None = None
    ) -> tuple[list[Body], str]:
        if kind in self.unserved:
            raise self.unserved[kind]
        found = [copied(body) for (of, ns, _), body in self.objects.items() if of == kind and namespace in {None, ns}]
        return [body for body in found if selector is None or selects(selector, body)], str(self._version)

    async def get(self, kind: str, namespace: str | None, name: str) -> Body | None:
        body = self.objects.get((kind, namespace or "", name))
        return copied(body) if body and not isinstance(self.unserved.get(kind), NotFound) else None

    async def has_group(self, kind: str) -> bool:
        return kind in self.other_versions or not isinstance(self.unserved.get(kind), NotFound)

    async def create(self, manifest: Mapping[str, Any]) -> Body:
        kind = manifest["kind"]
        if kind in self.refuse:
            raise self.refuse[kind]
        place = _place(manifest)
        if place in self.objects:
            raise AlreadyExists(f"{place} exists", copied(self.objects[place]))
        with self.write(f"create {kind}"):
            body = self.add(manifest)
        return copied(body)

    async def replace(self, manifest: Mapping[str, Any]) -> Body:
        body = self._guarded(manifest)
        with self.write(f"replace {manifest['kind']}"):
            self.objects[_place(manifest)] = {**copied(manifest), "metadata": {**manifest["metadata"]}}
            self.touch(self.objects[_place(manifest)])
        del body
        return copied(self.objects[_place(manifest)])

    async def patch_status(self, before: Mapping[str, Any], status: Mapping[str, Any]) -> Body:
        body = self._guarded(before)
        if before["kind"] == "TrainingJob":
            _ensure_valid(status)
        with self.write(f"status {before['kind']}"):
            body["status"] = copied(status)
            self.touch(body)
        return copied(body)

    async def suspend(self, kind: str, namespace: str, name: str, uid: str, suspended: bool) -> Body:
        body = self.objects.get((kind, namespace, name))
        if body is None or body["metadata"]["uid"] != uid:
            raise NotFound(f"{kind} {namespace}/{name} is gone")
        with self.write(f"suspend {kind}"):
            body["spec"]["suspend"] = suspended
            self.touch(body)
        return copied(body)

    async def delete(self, kind: str, namespace: str | None, name: str, uid: str) -> None:
        body = self.objects.get((kind, namespace or "", name))
        if body is not None and body["metadata"]["uid"] == uid:
            with self.write(f"delete {kind}"):
                self.remove(kind, namespace or "", name)

    async def emit(self, regarding: Mapping[str, Any], event: Event) -> None:
        self.events.append((regarding["metadata"]["name"], event))

    # What users, the batch engine and the node do.

    def add(self, manifest: Mapping[str, Any]) -> Body:
        """Store an object as the API server would."""
        body = copied(manifest)
        metadata = body.setdefault("metadata", {})
        self._uid += 1
        metadata["uid"] = str(UUID(int=self._uid * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128))
        metadata.setdefault("creationTimestamp", _stamp(self.clock.now()))
        metadata.setdefault("generation", 1)
        self.objects[_place(body)] = body
        self.touch(body)
        return body

    def remove(self, kind: str, namespace: str, name: str) -> Body:
        """Delete an object and what it owns."""
        body = self.objects.pop((kind, namespace, name))
        uid = body["metadata"]["uid"]
        for place, other in list(self.objects.items()):
            if any(owner.get("uid") == uid for owner in other["metadata"].get("ownerReferences", ())):
                self.remove(*place)
        self._version += 1
        return body

    def edit(self, kind: str, namespace: str, name: str, **spec: Any) -> None:
        """Change spec fields as a user does."""
        body = self.objects[(kind, namespace, name)]
        body["spec"].update(spec)
        body["metadata"]["generation"] += 1
        self.touch(body)

    def jobs(self) -> list[Body]:
        """Children, in the order of their creation."""
        return [body for (kind, _, _), body in self.objects.items() if kind == "Job"]

    def start_pod(self, job: Body, suffix: str = "a") -> Body:
        """The batch engine makes a pod of a child, and it starts on a node."""
        now = _stamp(self.clock.now())
        template = copied(job["spec"]["template"])
        metadata = template.get("metadata", {})
        metadata |= {"name": f"{job['metadata']['name']}-0-{suffix}", "namespace": job["metadata"]["namespace"]}
        metadata["ownerReferences"] = [{"uid": job["metadata"]["uid"], "kind": "Job", "controller": True,
                                        "name": job["metadata"]["name"], "apiVersion": "batch/v1"}]  # fmt: skip
        metadata.setdefault("labels", {})["batch.kubernetes.io/job-completion-index"] = "0"
        metadata.setdefault("annotations", {})["batch.kubernetes.io/job-completion-index"] = "0"
        scheduled = {"type": "PodScheduled", "status": "True", "lastTransitionTime": now}
        state = {"name": "trainer", "state": {"running": {"startedAt": now}}, "restartCount": 0}
        status = {"phase": "Running", "conditions": [scheduled], "containerStatuses": [state]}
        spec = {**template["spec"], "nodeName": "node-1"}
        pod = self.add({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": status})
        job.setdefault("status", {})["active"] = 1
        self.touch(job)
        return pod

    def end_pod(self, pod: Body, exit_code: int = 0, message: str = "", reason: str = "") -> None:
        """The trainer's container ends."""
        now = _stamp(self.clock.now())
        container = pod["status"]["containerStatuses"][0]
        started = container["state"].get("running", {}).get("startedAt", now)
        reason = reason or ("Completed" if exit_code == 0 else "Error")
        ended = {"exitCode": exit_code, "reason": reason, "message": message, "startedAt": started, "finishedAt": now}
        container["state"] = {"terminated": ended}
        pod["status"]["phase"] = "Failed" if exit_code else "Succeeded"
        self.touch(pod)

    def end_job(self, job: Body, condition: str) -> None:
        """The batch engine declares a child Complete or Failed."""
        now = _stamp(self.clock.now())
        job["status"] = {"conditions": [{"type": condition, "status": "True", "lastTransitionTime": now}]}
        self.touch(job)

    def run(self, job: Body, quality: str | None, seconds: float = 60, cpu_seconds: str = "50") -> None:
        """A child's whole life: a pod starts, works and leaves a result."""
        pod = self.start_pod(job)
        self.clock.advance(seconds)
        self.end_pod(pod, message=result_text(job, pod, quality, cpu_seconds) if quality else "")
        self.end_job(job, "Complete")

    def run_with_model(self, job: Body, quality: str) -> None:
        """A child's whole life that leaves a trained model."""
        pod = self.start_pod(job)
        self.clock.advance(60)
        digest = "sha256:" + "a" * 64
        files = ({"name": "config.json", "sizeBytes": 700, "digest": digest},
                 {"name": "model.safetensors", "sizeBytes": 90_000_000, "digest": digest})  # fmt: skip
        model = {"directory": "/coppice/output/x/model", "digest": digest, "parameters": 22_000_000, "files": files}
        text = Result.model_validate_json(result_text(job, pod, quality)).model_copy(
            update={"model": TrainedModel.model_validate(model)}
        )
        self.end_pod(pod, message=text.to_json())
        self.end_job(job, "Complete")

    def probe(self, job: Body, seconds: float = 60, **qualities: str | None) -> None:
        """A probe's whole life: what it saw of each model; None where it could not load one. `_` stands for `-`."""
        pod = self.start_pod(job)
        self.clock.advance(seconds)
        self.end_pod(pod, message=probe_text(job, pod, qualities))
        self.end_job(job, "Complete")

    def fail(self, job: Body, exit_code: int = 1, reason: str = "Error", seconds: float = 30) -> None:
        """A child's pod fails."""
        pod = self.start_pod(job)
        self.clock.advance(seconds)
        self.end_pod(pod, exit_code=exit_code, reason=reason)
        self.end_job(job, "Failed")

    def feed(self, index: Index, kinds: Iterable[str]) -> list[Any]:
        """What watches and a LIST would tell the index; returns the keys woken."""
        woken: list[Any] = []
        for kind in kinds:
            ours = CHILD_SELECTOR.rpartition(",")[2] if kind in {"Job", "Pod"} else None
            bodies = [copied(body) for (of, _, _), body in self.objects.items() if of == kind]
            bodies = [body for body in bodies if ours is None or ours in (body["metadata"].get("labels") or {})]
            woken += index.put_list(kind, bodies, self._version)
        return woken

    def write(self, what: str) -> _Write:
        """A mutating call, for stores that live beside the objects too."""
        return _Write(self, what)

    def _guarded(self, manifest: Mapping[str, Any]) -> Body:
        body = self.objects.get(_place(manifest))
        metadata = manifest["metadata"]
        if body is None or body["metadata"]["uid"] != metadata.get("uid"):
            raise NotFound(f"{_place(manifest)} is gone")
        if metadata.get("resourceVersion") != body["metadata"]["resourceVersion"]:
            raise Conflict(f"{_place(manifest)} was written by somebody else")
        return body

    def touch(self, body: Body) -> None:
        """Give a body a new resourceVersion, as every write does."""
        self._version += 1
        body["metadata"]["resourceVersion"] = str(self._version)


def _ensure_valid(status: Mapping[str, Any]) -> None:
    """Lengths and numbers as the CRD has them. Raises Refused: such a status could never be written."""
    try:
        TrainingJobStatus.model_validate(status)
    except ValidationError as error:
        raise Refused(f"status is invalid: {error}") from error
    for value in _leaves(status):
        integer = isinstance(value, int) and abs(value) >= 2**63
        decimal = isinstance(value, str) and len(value) > MOST_DIGITS and value.strip("-.0123456789") == ""
        if integer or decimal:
            raise Refused(f"status is invalid: {value} is too large a number")


def _leaves(value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if not isinstance(value, list | tuple):
        yield value
        return
    for item in value:
        yield from _leaves(item)


class _Write:
    """One mutating call: counted, and the place where the operator can be killed before or after it."""

    def __init__(self, cluster: FakeCluster, what: str) -> None:
        self._cluster, self._what = cluster, what

    def __enter__(self) -> None:
        self._cluster.crash_before = _count_down(self._cluster.crash_before)

    def __exit__(self, *failure: object) -> None:
        self._cluster.writes.append(self._what)
        self._cluster.crash_after = _count_down(self._cluster.crash_after)


def selects(selector: str, body: Body) -> bool:
    """Whether a label selector of the forms `key=value` and `key in (a,b)` holds."""
    labels = body["metadata"].get("labels") or {}
    key, among, values = selector.partition(" in ")
    if among:
        return labels.get(key) in values.strip("()").split(",")
    key, _, value = selector.partition("=")
    return labels.get(key) == value


def copied(body: Any) -> Any:
    """A copy that shares nothing, as one that went over the wire."""
    return json.loads(json.dumps(body))


def _count_down(left: int | None) -> int | None:
    if left == 0:
        raise CrashError
    return None if left is None else left - 1


def result_text(job: Body, pod: Body, quality: str | None, cpu_seconds: str = "50") -> str:
    """What a trainer that measured a quality leaves in its termination message."""
    attempt = int(job["metadata"]["labels"]["coppice.dev/attempt"])
    result = Result(
        attempt=attempt,
        pod_uid=pod["metadata"]["uid"],
        outcome=Outcome.COMPLETED,
        metric="Accuracy",
        quality=quality,
        n=1000,
        standard_error="0.005",
        cpu_seconds=cpu_seconds,
        steps=100,
    )
    return result.to_json()


def probe_text(job: Body, pod: Body, qualities: Mapping[str, str | None]) -> str:
    """What a probe leaves in its termination message."""
    attempt = int(job["metadata"]["labels"]["coppice.dev/attempt"])
    seen = [seen_by_a_probe(name.replace("_", "-"), quality) for name, quality in qualities.items()]
    outcome = Outcome.COMPLETED
    result = Result(attempt=attempt, pod_uid=pod["metadata"]["uid"], outcome=outcome, cpu_seconds="50", probed=seen)
    return result.to_json()


def seen_by_a_probe(name: str, quality: str | None) -> ProbedModel:
    """What a probe says of one cluster base model; without a quality it could not load it."""
    reference = BaseModelReference(kind=BaseModelKind.CLUSTER, name=name)
    if quality is None:
        return ProbedModel(base_model=reference, message="BadModel: it cannot be loaded")
    value = Decimal(quality)
    return ProbedModel(base_model=reference, linear_quality=value, neighbour_quality=value, examples=512, sample=512)


def _place(body: Mapping[str, Any]) -> Place:
    return body["kind"], body["metadata"].get("namespace") or "", body["metadata"]["name"]


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
