"""Pods of open workloads that vanished: noted in the ledger, so that a new process counts them as the old one would.

A Job keeps the pods that failed, but a JobSet that restarts, an eviction or an impatient user does not. Four notes are
kept, because a ledger holds a thousand entries in one object: of more pods the longest have one each, and the others
share notes with their like (same profile, zone and requests). Such a note keeps how many there were and their reserved
time to the second; when each of them began, and what meters said of it, is lost. More than four kinds of pods do not
fit: what is lost of those is told.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from coppice.api.computeprofile import ComputeProfile
from coppice.api.trainingledger import GonePod, LedgerEntry
from coppice.workloads.accounted import WorkloadPod
from coppice.workloads.seen import ContainerEnd, SeenPod

MOST = 4
SHARED = "."
"""What no uid holds: it parts the uid of a shared note from the number of a pod."""


def gone_pods(pods: Sequence[WorkloadPod], profiles: Mapping[str, ComputeProfile]) -> list[GonePod] | None:
    """What is to be noted of pods that vanished; None where none did."""
    vanished = [
        _noted(pod, profiles[pod.seen.uid].metadata.name)
        for pod in pods
        if pod.seen.uid in profiles and pod.seen.gone_at
    ]
    return sorted(_fitting(vanished), key=lambda pod: (pod.start_time, pod.uid)) or None


def remembered(entry: LedgerEntry, namespace: str) -> dict[str, WorkloadPod]:
    """The pods that an entry remembers, by uid; those that share a note as so many of mean length."""
    found = (pod for note in entry.gone or () for pod in _each(note))
    return {pod.uid: WorkloadPod(seen=_seen(pod, namespace), profile=pod.profile) for pod in found}


def _fitting(vanished: Sequence[GonePod]) -> list[GonePod]:
    """As many of the longest as leave room for the others, who share notes."""
    alone = sorted((pod for pod in vanished if SHARED not in pod.uid), key=lambda pod: (-_seconds(pod), pod.uid))
    shared = [pod for pod in vanished if SHARED in pod.uid]
    for kept in range(min(MOST, len(alone)), -1, -1):
        notes = [*alone[:kept], *_shared_notes([*alone[kept:], *shared])]
        if len(notes) <= MOST:
            return notes
    return sorted(_shared_notes(vanished), key=lambda note: -note.pod_seconds)[:MOST]


def _shared_notes(pods: Sequence[GonePod]) -> list[GonePod]:
    like: dict[tuple[object, ...], list[GonePod]] = {}
    for pod in pods:
        kind = (pod.profile, pod.zone, pod.accelerators, pod.cpu_cores, pod.memory_bytes, pod.started_time is None)
        like.setdefault(kind, []).append(pod)
    return [same[0] if len(same) == 1 else _shared_note(same) for same in like.values()]


def _shared_note(pods: Sequence[GonePod]) -> GonePod:
    seconds = round(sum(_seconds(pod) for pod in pods))
    start = datetime.fromtimestamp(round(sum(pod.start_time.timestamp() for pod in pods) / len(pods)), UTC)
    waited = sum((pod.started_time - pod.start_time).total_seconds() for pod in pods if pod.started_time)
    return pods[0].model_copy(
        update={
            "uid": min(pod.uid.partition(SHARED)[0] for pod in pods),
            "name": "",
            "start_time": start,
            "started_time": start + timedelta(seconds=round(waited / len(pods))) if pods[0].started_time else None,
            "end_time": start + timedelta(seconds=seconds // len(pods)),
            "pods": len(pods),
            "pod_seconds": seconds,
        }
    )


def _each(note: GonePod) -> Iterator[GonePod]:
    if note.pods == 1:
        yield note
        return
    mean, left = divmod(note.pod_seconds, note.pods)
    for number in range(note.pods):
        end = note.start_time + timedelta(seconds=mean + (number < left))
        yield note.model_copy(update={"uid": f"{note.uid}{SHARED}{number}", "end_time": end, "pods": 1})


def _seconds(pod: GonePod) -> float:
    return (pod.end_time - pod.start_time).total_seconds()


def _noted(pod: WorkloadPod, profile: str) -> GonePod:
    seen = pod.seen
    assert seen.scheduled_at is not None
    started = [one.started_at for one in seen.containers if one.started_at and not one.init]
    return GonePod(
        uid=seen.uid,
        name=seen.name,
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
        name=pod.name,
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
