"""Which Jobs and JobSets stand between a workload and the pods that bear its name: names are used again, uids are not.

A pod says which Job it is of, and with most versions of JobSet which JobSet; what it leaves out is asked for, only
where a pod of the name is not yet known to be the workload's. What was learnt stays with the life, so that the pods of
one that is deleted are told from those of the next of its name.
"""

from collections.abc import Iterable

from coppice.index.workloads import WorkloadLife
from coppice.ports import Cluster
from coppice.workloads.accounted import WORKLOAD_KINDS, WorkloadPod, is_pod_of, owner_uid

OWNERS_OF_PODS = frozenset({"Job", "PyTorchJob"})


async def learn_lineage(cluster: Cluster, life: WorkloadLife, pods: Iterable[WorkloadPod]) -> None:
    """Let a life know what is below it, as far as these pods need it. Raises ClusterError."""
    workload = life.workload
    if workload.kind in OWNERS_OF_PODS or not (unknown := _unknown(life, pods)):
        return
    if workload.kind == "TrainJob":  # it runs as a JobSet of its own name
        body = await cluster.get("JobSet", workload.namespace, workload.name)
        if body is not None and owner_uid(body) == workload.uid:
            life.below.add(body["metadata"]["uid"])
            life.jobsets.add(body["metadata"]["uid"])
    if any(len(pod.above) < 2 for pod in _unknown(life, unknown)):  # a Job's uid and no JobSet's
        label = WORKLOAD_KINDS["JobSet"].pod_label
        jobs, _ = await cluster.list("Job", workload.namespace, f"{label}={workload.name}")
        ours = {workload.uid, *life.below}
        life.below.update(job["metadata"]["uid"] for job in jobs if owner_uid(job) in ours)


def _unknown(life: WorkloadLife, pods: Iterable[WorkloadPod]) -> list[WorkloadPod]:
    return [pod for pod in pods if not is_pod_of(life.workload, pod, life.below)]
