"""Which pods meters are asked about: those that ran for jobs whose account is not closed yet."""

from collections.abc import Iterator
from functools import lru_cache

from coppice.adapters.meters.pods import MeteredPod
from coppice.api.attempt import AttemptRecord
from coppice.index import Index


def metered_pods(index: Index) -> list[MeteredPod]:
    """Every scheduled pod of every unsettled job, departed jobs included."""
    profiles = {profile.metadata.name: profile.spec for profile in index.profiles}
    found = []
    for uid in dict.fromkeys(_unsettled(index)):
        names = {child.attempt: _profile(child.attempt_record) for child in index.children(uid) if child.attempt_record}
        for pod in index.pods(uid):
            profile = profiles.get(names.get(pod.attempt, ""))
            if pod.scheduled_at is not None and profile is not None:
                start, end = pod.scheduled_at.timestamp(), pod.ended_at.timestamp() if pod.ended_at else None
                found.append(MeteredPod(pod.uid, pod.namespace, pod.name, start, end, pod.accelerators, profile))
    return found


def _unsettled(index: Index) -> Iterator[str]:
    for key in index.unfinished():
        body = index.body(key)
        if body is not None:
            yield str(body["metadata"].get("uid", ""))
        yield from (job.metadata.uid for job in index.departed(key))


@lru_cache(maxsize=4096)
def _profile(attempt_record: str) -> str:
    return AttemptRecord.model_validate_json(attempt_record).profile
