"""What the operator knows of the cluster, and which keys a piece of news wakes.

`put` and `drop` take raw bodies from any stream, in any order; guards keep out what is older than what is known.
Both return the keys to wake and wake nothing themselves, so that a pass can take over the answer to its own write
without calling itself. No framework's index is used, because Kopf's starts in quadratic time.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from coppice.api.basemodel import BaseModelObject, ClusterBaseModel
from coppice.api.computeprofile import ComputeProfile
from coppice.api.labels import JOB_NAME_LABEL
from coppice.api.trainingapproval import TrainingApproval
from coppice.api.trainingjob import TrainingJob
from coppice.api.trainingpolicy import TrainingPolicy
from coppice.api.trainingreport import TrainingReport
from coppice.index.jobs import Jobs, SeenJob
from coppice.index.key import Key, key_of
from coppice.index.library import Library
from coppice.index.running import Running
from coppice.index.shelf import Shelf
from coppice.index.tables import Table
from coppice.index.versions import Versions, version_of
from coppice.planning.catalogue import Catalogue
from coppice.planning.learning.history import History
from coppice.ports import Clock
from coppice.workloads.projection import seen_child, seen_pod
from coppice.workloads.seen import SeenChild, SeenPod

JOB = "TrainingJob"
CHILD_KINDS = ("Job",)
KINDS = (
    "Namespace", "TrainingPolicy", "ComputeProfile", "ClusterBaseModel", "BaseModel", "TrainingReport",
    "TrainingApproval", JOB, *CHILD_KINDS, "Pod",
)  # fmt: skip
"""Every kind the index takes, in the order in which to list them: first what jobs are decided by, last what they own.

Whoever applies a profile and then a job must not see the job decided without the profile.
"""

UNNEEDED_OF_REPORTS = ("decisionRecord", "accountRecord", "slots", "gaps")
"""Fields of a report that neither estimates nor controls read; they are most of its bytes."""

Body = Mapping[str, Any]
Keys = Sequence[Key]
Put = Callable[[Key, Body], Keys]


class Index:
    """The picture of the cluster; see the module's text."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._versions = {kind: Versions() for kind in KINDS}
        self._jobs = Jobs()
        self._children: Running[SeenChild] = Running()
        self._pods: Running[SeenPod] = Running()
        self._models: dict[str, Table[BaseModelObject]] = {
            "BaseModel": Table(BaseModelObject),
            "ClusterBaseModel": Table(ClusterBaseModel),
        }
        self._shelf = Shelf()
        self._profiles = Table(ComputeProfile)
        self._policies = Table(TrainingPolicy)
        self._reports: dict[str, Table[TrainingReport]] = {}
        self._library = Library()
        self._approvals: dict[str, Table[TrainingApproval]] = {}
        self._namespaces: dict[str, dict[str, str]] = {}
        self._odd: dict[Key, str] = {}
        self._put: dict[str, Put] = {
            JOB: self._put_job,
            **dict.fromkeys(CHILD_KINDS, self._put_child),
            "Pod": self._put_pod,
            "BaseModel": self._put_model,
            "ClusterBaseModel": self._put_model,
            "ComputeProfile": self._put_profile,
            "TrainingPolicy": self._put_policy,
            "TrainingReport": self._put_report,
            "TrainingApproval": self._put_approval,
            "Namespace": self._put_namespace,
        }

    def put(self, kind: str, body: Body) -> Keys:
        """Take over an object as seen; returns the keys to wake, none if it was no news."""
        key = key_of(kind, body)
        if not self._versions[kind].news(key, version_of(body)):
            return ()
        try:
            return self._put[kind](key, body)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            # Somebody else's object with our labels, perhaps: left out, so that all others go on.
            self._odd[key] = f"{type(error).__name__}: {error}"
            return ()

    def drop(self, kind: str, body: Body) -> Keys:
        """The object was deleted; `body` is its last state. Returns the keys to wake."""
        key = key_of(kind, body)
        if not self._versions[kind].bury(key, version_of(body)):
            return ()
        return self._drop(key)

    def put_list(self, kind: str, bodies: Iterable[Body], list_version: int) -> Keys:
        """Take over a complete LIST and drop what it lacks; returns the keys to wake."""
        wake: list[Key] = []
        listed: set[Key] = set()
        for body in bodies:
            listed.add(key_of(kind, body))
            wake += self.put(kind, body)
        versions = self._versions[kind]
        for key in versions.vanished(listed, list_version):
            versions.bury(key, list_version)
            wake += self._drop(key)
        versions.listed(list_version)
        return wake

    # What a pass reads.

    def job(self, key: Key) -> TrainingJob | None:
        """The job, or None if there is none or it cannot be read (see `error`)."""
        seen = self._jobs.get(key)
        return seen.model if seen else None

    def body(self, key: Key) -> dict[str, Any] | None:
        """The job's raw body as last seen: what a status patch starts from."""
        seen = self._jobs.get(key)
        return seen.body if seen else None

    def error(self, key: Key) -> str | None:
        """Why the job's body cannot be read, in a sentence; None if it can."""
        seen = self._jobs.get(key)
        return seen.error if seen and seen.model is None else None

    def departed(self, key: Key) -> tuple[TrainingJob, ...]:
        """Former lives of the key that are gone and not settled yet; call `forget` when they are."""
        return tuple(seen.model for seen in self._jobs.departed(key) if seen.model is not None)

    def forget(self, key: Key, uid: str) -> None:
        """Drop everything kept of a life that is gone and settled."""
        self._jobs.forget(key, uid)
        self._children.forget_gone(uid)
        self._pods.forget_gone(uid)

    def children(self, job_uid: str) -> tuple[SeenChild, ...]:
        """The job's children; vanished ones have `gone_at` and stay until the job is settled."""
        return self._children.of(job_uid)

    def pods(self, job_uid: str) -> tuple[SeenPod, ...]:
        """The job's pods; vanished ones have `gone_at` and stay until the job is settled."""
        return self._pods.of(job_uid)

    def every_pod(self) -> list[SeenPod]:
        """Pods of all jobs, settled ones included as long as they are there."""
        return list(self._pods)

    def nodes(self) -> set[str]:
        """Names of the nodes that pods were put on, vanished pods included until their job is settled."""
        return {pod.node for pod in self._pods if pod.node}

    def knows_namespace(self, namespace: str) -> bool:
        """Whether a namespace was seen yet; until then nobody knows which policies select it."""
        return namespace in self._namespaces

    def namespace_labels(self, namespace: str) -> Mapping[str, str]:
        """Labels of a namespace; empty for one not seen."""
        return self._namespaces.get(namespace, {})

    def base_model(self, key: Key) -> BaseModelObject | None:
        """One BaseModel or ClusterBaseModel."""
        return self._models[key.kind].get(key)

    @property
    def catalogue(self) -> Catalogue:
        """Every base model that can be read, as decisions see them."""
        return self._shelf.catalogue

    @property
    def profiles(self) -> tuple[ComputeProfile, ...]:
        """Every ComputeProfile, ordered by name."""
        return self._profiles.values

    @property
    def policies(self) -> tuple[TrainingPolicy, ...]:
        """Every TrainingPolicy, ordered by name."""
        return self._policies.values

    def reports(self, namespace: str | None = None) -> tuple[TrainingReport, ...]:
        """Reports of a namespace, or of all, without decision records, slots and gaps."""
        if namespace is not None:
            return self._reports[namespace].values if namespace in self._reports else ()
        return tuple(report for name in sorted(self._reports) for report in self._reports[name].values)

    def approvals(self, namespace: str, job: str) -> tuple[TrainingApproval, ...]:
        """Approvals that name a job, whatever life or decision of it, ordered by name."""
        table = self._approvals.get(namespace)
        return tuple(one for one in table.values if one.spec.job == job) if table else ()

    @property
    def history(self) -> History:
        """What the reports of all namespaces teach."""
        return self._library.history

    def jobs(self) -> Iterator[tuple[Key, SeenJob]]:
        """Every job there is now, with its body; the model is made when asked for."""
        return iter(self._jobs)

    def unfinished(self) -> list[Key]:
        """Jobs that are not yet finished and accounted, and places of departed ones: what a resync wakes."""
        waiting = [key for key, job in self._jobs if not job.settled]
        return list(dict.fromkeys([*waiting, *self._jobs.waiting_to_settle()]))

    def model_keys(self) -> list[Key]:
        """Keys of every base model, whose readiness depends on claims that nothing announces."""
        return [Key(kind, model.metadata.namespace or "", model.metadata.name)
                for kind, table in self._models.items() for model in table.values]  # fmt: skip

    @property
    def unreadable(self) -> dict[Key, str]:
        """Objects other than jobs that cannot be read and are left out, each with a sentence."""
        tables: Collection[Table[Any]] = (
            *self._models.values(), self._profiles, self._policies, *self._reports.values(), *self._approvals.values()
        )  # fmt: skip
        return {key: why for table in tables for key, why in table.unreadable.items()} | self._odd

    # One method per kind that takes it over.

    def _put_job(self, key: Key, body: Body) -> Keys:
        job = self._jobs.put(key, body)
        if job.settled:
            self._children.forget_gone(job.uid)
            self._pods.forget_gone(job.uid)
        return (key,)

    def _put_child(self, key: Key, body: Body) -> Keys:
        child = seen_child(body)
        return (_owner(body, child.job_name),) if self._children.put(key, child, self._clock.now()) else ()

    def _put_pod(self, key: Key, body: Body) -> Keys:
        return (_owner(body),) if self._pods.put(key, seen_pod(body), self._clock.now()) else ()

    def _put_model(self, key: Key, body: Body) -> Keys:
        model = self._models[key.kind].put(key, body)
        changed = self._shelf.drop(key) if model is None else self._shelf.put(key, model)
        return (key, *self._jobs.undecided(key.namespace or None)) if changed else (key,)

    def _put_profile(self, key: Key, body: Body) -> Keys:
        self._profiles.put(key, body)
        return self._jobs.undecided()

    def _put_policy(self, key: Key, body: Body) -> Keys:
        self._policies.put(key, body)
        return self._jobs.undecided()

    def _put_report(self, key: Key, body: Body) -> Keys:
        spec = {name: value for name, value in body["spec"].items() if name not in UNNEEDED_OF_REPORTS}
        report = self._reports.setdefault(key.namespace, Table(TrainingReport)).put(key, {**body, "spec": spec})
        if report is None:
            self._library.drop(key)
        else:
            self._library.put(key, report, body["spec"].get("decisionRecord", ""))
        job = Key(JOB, key.namespace, report.spec.job) if report else None
        seen = self._jobs.get(job) if job else None
        return (job,) if job and seen and not seen.settled else ()

    def _put_approval(self, key: Key, body: Body) -> Keys:
        approval = self._approvals.setdefault(key.namespace, Table(TrainingApproval)).put(key, body)
        return (Key(JOB, key.namespace, approval.spec.job),) if approval else ()

    def _put_namespace(self, key: Key, body: Body) -> Keys:
        labels = dict(body["metadata"].get("labels") or {})
        if self._namespaces.get(key.name) == labels:
            return ()
        self._namespaces[key.name] = labels
        return self._jobs.undecided(key.name)

    def _drop(self, key: Key) -> Keys:
        kind = key.kind
        self._odd.pop(key, None)
        if kind == JOB:
            self._jobs.drop(key)
            return (key,)
        if kind in CHILD_KINDS:
            return self._drop_child(key)
        if kind == "Pod":
            return self._drop_pod(key)
        return self._drop_row(key)

    def _drop_child(self, key: Key) -> Keys:
        child = self._children.drop(key, self._clock.now())
        if child is None:
            return ()
        if not self._jobs.open(child.job_uid):
            self._children.forget_gone(child.job_uid)
        return (Key(JOB, key.namespace, child.job_name),)

    def _drop_pod(self, key: Key) -> Keys:
        pod = self._pods.drop(key, self._clock.now())
        if pod is None:
            return ()
        names = {child.job_name for child in self._children.of(pod.job_uid)}
        if not self._jobs.open(pod.job_uid):
            self._pods.forget_gone(pod.job_uid)
        return [Key(JOB, key.namespace, name) for name in names]

    def _drop_row(self, key: Key) -> Keys:
        if key.kind == "Namespace":
            self._namespaces.pop(key.name, None)
            return ()
        if key.kind == "TrainingReport":
            self._reports[key.namespace].drop(key)
            self._library.drop(key)
            return ()
        if key.kind == "TrainingApproval":
            return self._drop_approval(key)
        rows: dict[str, Table[Any]] = {**self._models, "ComputeProfile": self._profiles}
        rows.get(key.kind, self._policies).drop(key)
        if key.kind in self._models:
            self._shelf.drop(key)
        return self._jobs.undecided(key.namespace or None)

    def _drop_approval(self, key: Key) -> Keys:
        """A job that waits says what it still lacks; one that has started goes on."""
        table = self._approvals[key.namespace]
        approval = table.get(key)
        table.drop(key)
        return (Key(JOB, key.namespace, approval.spec.job),) if approval else ()


def _owner(body: Body, name: str | None = None) -> Key:
    metadata = body["metadata"]
    labels = metadata.get("labels") or {}
    return Key(JOB, metadata["namespace"], name or labels.get(JOB_NAME_LABEL, ""))
