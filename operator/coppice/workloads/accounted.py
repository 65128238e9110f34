"""Workloads of other controllers that are accounted and not decided: what is read of them, and which pods are theirs.

Only what every version of these kinds has in common is read: conditions, owner references, and the labels that their
controllers put on pods. No schema of theirs is copied, so a newer version of a kind needs no change here.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from coppice.api.base import GROUP
from coppice.api.labels import ACCOUNT_LABEL, PROFILE_ANNOTATION
from coppice.workloads.projection import accelerator_name, seen_pod
from coppice.workloads.seen import SeenPod

Body = Mapping[str, Any]

TRAINING_JOB = "TrainingJob"


@dataclass(frozen=True)
class WorkloadKind:
    """One kind: where it lives, the conditions that end it, and the label of its pods that holds its name."""

    api_version: str
    succeeded: str
    failed: str
    pod_label: str


WORKLOAD_KINDS: Mapping[str, WorkloadKind] = {
    "Job": WorkloadKind("batch/v1", "Complete", "Failed", "batch.kubernetes.io/job-name"),
    "JobSet": WorkloadKind("jobset.x-k8s.io/v1alpha2", "Completed", "Failed", "jobset.sigs.k8s.io/jobset-name"),
    # A TrainJob runs as a JobSet of its own name.
    "TrainJob": WorkloadKind("trainer.kubeflow.org/v1alpha1", "Complete", "Failed", "jobset.sigs.k8s.io/jobset-name"),
    "PyTorchJob": WorkloadKind("kubeflow.org/v1", "Succeeded", "Failed", "training.kubeflow.org/job-name"),
}

UID_LABELS = ("batch.kubernetes.io/controller-uid", "jobset.sigs.k8s.io/jobset-uid")
"""Labels of pods with the uid of a workload above them."""


@dataclass(frozen=True)
class Owner:
    """The controller of an object. `group` is its API group, without the version: others have kinds of such names."""

    kind: str
    name: str
    uid: str
    group: str = ""

    @property
    def decided(self) -> bool:
        """Whether it is a TrainingJob of ours, which counts its own pods."""
        return self.kind == TRAINING_JOB and self.group == GROUP

    @property
    def accountable(self) -> bool:
        """Whether it is of a kind that can be accounted."""
        known = WORKLOAD_KINDS.get(self.kind)
        return known is not None and group_of(known.api_version) == self.group


@dataclass(frozen=True)
class SeenWorkload:
    """One workload. `succeeded` is None while it is not over; `ended_pods` is what its controller counts, if it does.

    `gone_at` is when it was found deleted, `left_at` when it was found without the label.
    """

    kind: str
    namespace: str
    name: str
    uid: str
    created_at: datetime
    owner: Owner | None = None
    labelled: bool = True
    profile: str = ""
    succeeded: bool | None = None
    ended_at: datetime | None = None
    message: str = ""
    ended_pods: int | None = None
    gone_at: datetime | None = None
    left_at: datetime | None = None

    @property
    def over_at(self) -> datetime | None:
        """Since when nothing more is expected of it; None while it goes on."""
        return self.ended_at or self.gone_at or self.left_at

    def __str__(self) -> str:
        """As kubectl writes it: job/nightly. No TrainingJob has a slash in its name, so the two never mix."""
        return f"{self.kind.lower()}/{self.name}"


@dataclass(frozen=True)
class WorkloadPod:
    """A pod of a workload, with what says which ComputeProfile describes its node, and which uids are above it.

    `profile` names the ComputeProfile of a pod that only the ledger remembers.
    """

    seen: SeenPod
    accelerator: str = ""
    node_selector: tuple[tuple[str, str], ...] = ()
    above: frozenset[str] = frozenset()
    profile: str = ""

    @property
    def reserved(self) -> bool:
        """Whether it ever held a node."""
        return self.seen.scheduled_at is not None

    @property
    def live(self) -> bool:
        """Whether it holds a node still."""
        return self.reserved and self.seen.ended_at is None


def seen_workload(kind: str, body: Body) -> SeenWorkload:
    """The projection of one object. Raises KeyError for an object without name, uid or time of creation."""
    metadata, status = body["metadata"], body.get("status") or {}
    place = WORKLOAD_KINDS[kind]
    true = {each["type"]: each for each in status.get("conditions") or () if each.get("status") == "True"}
    end = true.get(place.succeeded) or true.get(place.failed) or {}
    created = datetime.fromisoformat(metadata["creationTimestamp"])
    moment = end.get("lastTransitionTime") or end.get("lastUpdateTime")
    return SeenWorkload(
        kind=kind,
        namespace=metadata.get("namespace", ""),
        name=metadata["name"],
        uid=metadata["uid"],
        created_at=created,
        owner=_owner(metadata),
        labelled=(metadata.get("labels") or {}).get(ACCOUNT_LABEL) == "true",
        profile=(metadata.get("annotations") or {}).get(PROFILE_ANNOTATION, ""),
        succeeded=(end["type"] == place.succeeded) if end else None,
        ended_at=(datetime.fromisoformat(moment) if moment else created) if end else None,
        message=str(end.get("message") or ""),
        ended_pods=int(status.get("succeeded") or 0) + int(status.get("failed") or 0) if kind == "Job" else None,
    )


def workload_pod(body: Body) -> WorkloadPod:
    """The projection of one pod."""
    metadata, spec = body["metadata"], body.get("spec") or {}
    labels = metadata.get("labels") or {}
    owner = _owner(metadata)
    return WorkloadPod(
        seen=seen_pod(body),
        accelerator=accelerator_name(spec),
        node_selector=tuple(sorted((spec.get("nodeSelector") or {}).items())),
        above=frozenset(
            uid for uid in (*(labels.get(name) for name in UID_LABELS), owner.uid if owner else None) if uid
        ),
    )


def is_pod_of(workload: SeenWorkload, pod: WorkloadPod, below: Collection[str] = ()) -> bool:
    """Whether a pod with the workload's name in its label is of this life of it, and of this kind.

    `below` are uids of what is known to stand between the two.
    """
    created = pod.seen.created_at
    if created is not None and created < workload.created_at:
        return False
    return workload.uid in pod.above or not pod.above.isdisjoint(below)


def group_of(api_version: str) -> str:
    """The API group of an apiVersion; empty for the core's."""
    return api_version.rpartition("/")[0]


def owner_uid(body: Body) -> str:
    """uid of an object's controller; empty without one."""
    owner = _owner(body["metadata"])
    return owner.uid if owner else ""


def gone(pod: WorkloadPod, moment: datetime) -> WorkloadPod:
    """The pod as one that vanished; it ended when it said that it did, else now."""
    return pod if pod.seen.gone_at else replace(pod, seen=replace(pod.seen, gone_at=moment))


def frozen(pod: WorkloadPod, moment: datetime) -> WorkloadPod:
    """The pod as if it had gone at a moment, where it still held a node."""
    return gone(pod, moment) if pod.live else pod


def covered_by_others(owners: Iterable[SeenWorkload | Owner], accounted: Collection[str] = ()) -> bool:
    """Whether one of the owners above has an account of its own: the outermost counts.

    `accounted` are uids of those that have or had one: what they counted is not counted below them again, also when
    they have lost the label since.
    """
    return any(
        owner.decided if isinstance(owner, Owner) else owner.labelled or owner.uid in accounted for owner in owners
    )


def _owner(metadata: Body) -> Owner | None:
    owners = metadata.get("ownerReferences") or ()
    found = next((one for one in owners if one.get("controller")), None)
    if found is None:
        return None
    return Owner(found["kind"], found["name"], found["uid"], group_of(found.get("apiVersion") or ""))
