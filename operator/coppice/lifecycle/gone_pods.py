"""Pods of open workloads that vanished: noted in the ledger, so that a new process counts them as the old one would.

A Job keeps the pods that failed, but a JobSet that restarts, an eviction or an impatient user does not. Only the
longest four are kept, because a ledger holds a thousand entries in one object; what is lost beyond them is told.
"""

from collections.abc import Mapping, Sequence

from coppice.api.computeprofile import ComputeProfile
from coppice.api.trainingledger import GonePod, LedgerEntry
from coppice.workloads.accounted import WorkloadPod
from coppice.workloads.seen import ContainerEnd, SeenPod

MOST = 4


def gone_pods(pods: Sequence[WorkloadPod], profiles: Mapping[str, ComputeProfile]) -> list[GonePod] | None:
    """What is to be noted of pods that vanished; None where none did."""
    vanished = [
        _noted(pod, profiles[pod.seen.uid].metadata.name)
        for pod in pods
        if pod.seen.uid in profiles and pod.seen.gone_at
    ]
    longest = sorted(vanished, key=lambda pod: (pod.start_time - pod.end_time, pod.uid))[:MOST]
    return sorted(longest, key=lambda pod: (pod.start_time, pod.uid)) or None


def remembered(entry: LedgerEntry, namespace: str) -> dict[str, WorkloadPod]:
    """The pods that an entry remembers, by uid."""
    return {pod.uid: WorkloadPod(seen=_seen(pod, namespace), profile=pod.profile) for pod in entry.gone or ()}


def _noted(pod: WorkloadPod, profile: str) -> GonePod:
    seen = pod.seen
    assert seen.scheduled_at is not None
    started = [one.started_at for one in seen.containers if one.started_at and not one.init]
    return GonePod(
        uid=seen.uid,
        profile=profile,
        zone=seen.zone,
        start_time=seen.scheduled_at,
        started_time=min(started, default=None),
        end_time=max(seen.ended_at or seen.scheduled_at, seen.scheduled_at),
        accelerators=seen.accelerators,
        cpu_cores=seen.cpu_request_cores,
        memory_bytes=seen.memory_request_bytes,
    )


def _seen(pod: GonePod, namespace: str) -> SeenPod:
    return SeenPod(
        namespace=namespace,
        name="",
        uid=pod.uid,
        job_uid="",
        attempt=0,
        zone=pod.zone,
        phase="Running",
        scheduled_at=pod.start_time,
        accelerators=pod.accelerators,
        cpu_request_cores=pod.cpu_cores,
        memory_request_bytes=pod.memory_bytes,
        containers=(ContainerEnd(name="", started_at=pod.started_time),) if pod.started_time else (),
        gone_at=pod.end_time,
    )
