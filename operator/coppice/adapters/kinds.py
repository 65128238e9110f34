"""Where each kind lives in the API: group, version, plural, scope, and which of its objects are ours.

A table and no discovery: the operator talks to a fixed set of kinds, and a missing right or a missing CRD should be
told by its name at the request that needs it.
"""

from dataclasses import dataclass
from typing import Any

from coppice.api.base import GROUP, VERSION
from coppice.api.labels import CHILD_SELECTOR


@dataclass(frozen=True)
class Place:
    """A kind's place in the API; `selector` limits LISTs and watches to objects of ours.

    `unread` are fields of its objects that a LIST drops page by page, where they are most of the bytes of thousands;
    `unread_of_others` those that it drops as well of objects that another selector than ours found, which are other
    people's: of those no more is read than what an account needs.
    """

    group: str
    version: str
    plural: str
    namespaced: bool = True
    selector: str = ""
    unread: tuple[str, ...] = ()
    unread_of_others: tuple[str, ...] = ()

    def path(self, namespace: str | None, name: str | None = None, subresource: str | None = None) -> str:
        """The URL path of the collection, an object, or a subresource; no namespace means all of them."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        parts = [root]
        if self.namespaced and namespace:
            parts += ["namespaces", namespace]
        parts += [part for part in (self.plural, name, subresource) if part]
        return "/".join(parts)

    def trim(self, body: dict[str, Any], *, ours: bool) -> None:
        """Drop what nobody reads, in place."""
        for path in self.unread if ours else (*self.unread, *self.unread_of_others):
            *above, field = path.split(".")
            within: Any = body
            for part in above:
                within = within.get(part) if isinstance(within, dict) else None
            if isinstance(within, dict):
                within.pop(field, None)

    @property
    def api_version(self) -> str:
        """apiVersion of its objects."""
        return f"{self.group}/{self.version}" if self.group else self.version


MANAGED = "metadata.managedFields"
PODS_OF_OTHERS = (MANAGED, "spec.volumes", "spec.tolerations", "spec.affinity", "spec.topologySpreadConstraints")


def _ours(plural: str, *, namespaced: bool = True) -> Place:
    return Place(GROUP, VERSION, plural, namespaced)


KINDS: dict[str, Place] = {
    "TrainingJob": _ours("trainingjobs"),
    "BaseModel": _ours("basemodels"),
    "ClusterBaseModel": _ours("clusterbasemodels", namespaced=False),
    "ComputeProfile": _ours("computeprofiles", namespaced=False),
    "TrainingPolicy": _ours("trainingpolicies", namespaced=False),
    "TrainingApproval": _ours("trainingapprovals"),
    "TrainingReport": _ours("trainingreports"),
    "TrainingLedger": _ours("trainingledgers"),
    "Job": Place("batch", "v1", "jobs", selector=CHILD_SELECTOR, unread_of_others=(MANAGED, "spec")),
    "JobSet": Place("jobset.x-k8s.io", "v1alpha2", "jobsets", unread=(MANAGED, "spec")),
    "TrainJob": Place("trainer.kubeflow.org", "v1alpha1", "trainjobs", unread=(MANAGED, "spec")),
    "PyTorchJob": Place("kubeflow.org", "v1", "pytorchjobs", unread=(MANAGED, "spec")),
    "Pod": Place("", "v1", "pods", selector=CHILD_SELECTOR, unread_of_others=PODS_OF_OTHERS),
    "Service": Place("", "v1", "services"),
    "Node": Place("", "v1", "nodes", namespaced=False, unread=("status",)),
    "Namespace": Place("", "v1", "namespaces", namespaced=False),
    "ConfigMap": Place("", "v1", "configmaps"),
    "PersistentVolumeClaim": Place("", "v1", "persistentvolumeclaims"),
    "Lease": Place("coordination.k8s.io", "v1", "leases"),
    "Event": Place("events.k8s.io", "v1", "events"),
}
