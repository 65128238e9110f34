"""Which pods meters are asked about: those that ran for jobs whose account is not closed yet."""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from coppice.accounting.presence import Span
from coppice.adapters.meters.pods import MeteredPod
from coppice.api.attempt import AttemptRecord
from coppice.api.computeprofile import ComputeProfile, ComputeProfileSpec
from coppice.api.trainingjob import TrainingJob
from coppice.index import Index
from coppice.workloads.seen import SeenPod


def metered_pods(index: Index) -> list[MeteredPod]:
    """Every scheduled pod of every unsettled job, departed jobs and pods that only a status remembers included."""
    profiles = {profile.metadata.name: profile.spec for profile in index.profiles}
    found: dict[str, MeteredPod] = {}
    for job in _unsettled(index):
        found |= {pod.uid: pod for pod in _remembered(job, profiles)}
        uid = job.metadata.uid
        names = {child.attempt: _profile(child.attempt_record) for child in index.children(uid) if child.attempt_record}
        for pod in index.pods(uid):
            profile = profiles.get(names.get(pod.attempt, ""))
            if pod.scheduled_at is not None and profile is not None:
                start, end = pod.scheduled_at.timestamp(), pod.ended_at.timestamp() if pod.ended_at else None
                one = MeteredPod(pod.uid, pod.namespace, pod.name, start, end, pod.accelerators, profile)
                found[pod.uid] = one
    return list(found.values())


def reserved_times(index: Index) -> dict[str, Span]:
    """When pods with accelerators had their nodes, by namespace/name, settled jobs' too: devices may be shared."""
    return {
        f"{pod.namespace}/{pod.name}": (
            pod.scheduled_at.timestamp(),
            pod.ended_at.timestamp() if pod.ended_at else float("inf"),
        )
        for pod in index.every_pod()
        if pod.accelerators and pod.scheduled_at is not None
    }


def workload_pods(pods: Iterable[tuple[SeenPod, ComputeProfile]]) -> list[MeteredPod]:
    """The same of workloads that nobody decided about, whose pods come with the profile that was found for them."""
    return [
        MeteredPod(
            pod.uid,
            pod.namespace,
            pod.name,
            pod.scheduled_at.timestamp(),
            pod.ended_at.timestamp() if pod.ended_at else None,
            pod.accelerators,
            profile.spec,
        )
        for pod, profile in pods
        if pod.scheduled_at is not None
    ]


def _unsettled(index: Index) -> Iterator[TrainingJob]:
    for key in index.unfinished():
        job = index.job(key)
        if job is not None:
            yield job
        yield from index.departed(key)


def _remembered(job: TrainingJob, profiles: Mapping[str, ComputeProfileSpec]) -> Iterator[MeteredPod]:
    """Ended pods in the status, which keeps no name: meters that go by uid know them still."""
    for attempt in job.status.attempts if job.status else ():
        profile = profiles.get(attempt.profile)
        for pod in attempt.pods:
            if profile is not None and pod.end_time is not None:
                start, end = pod.start_time.timestamp(), pod.end_time.timestamp()
                yield MeteredPod(pod.uid, job.metadata.namespace or "", "", start, end, 0, profile)


@lru_cache(maxsize=4096)
def _profile(attempt_record: str) -> str:
    return AttemptRecord.model_validate_json(attempt_record).profile
