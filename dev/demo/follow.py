"""Follow one job until it is finished and accounted, and say what it is at."""

from __future__ import annotations

import itertools
import time

from coppice.api import conditions
from coppice.api.trainingjob import TrainingJob
from demo.objects import Objects
from devcluster.errors import DevClusterError
from devcluster.progress import Step

POLL_SECONDS = 5.0
"""Each look is a kubectl process, which takes a third of a second from the job that it looks at."""
LOOKS_PER_LOG = 5
"""How many looks at a job go by before its log is asked, for the same reason."""
MOST_SECONDS = 3600.0
"""A job of the demo takes minutes; after an hour something is stuck, and it is better to say so."""


def follow(objects: Objects, name: str, step: Step) -> TrainingJob:
    """Wait for Finished and Accounted; raises DevClusterError with the job's own words when that takes too long."""
    deadline = time.monotonic() + MOST_SECONDS
    said = ""
    for look in itertools.count(1):
        job = objects.job(name)
        if accounted(job):
            break
        if look % LOOKS_PER_LOG == 0:
            said = objects.last_log_line(job)
        step.detail(f"{now(job)}{f' | {said}' if said else ''}")
        if time.monotonic() > deadline:
            minutes = MOST_SECONDS / 60
            raise DevClusterError(f"TrainingJob {name} is not finished after {minutes:.0f} minutes: {now(job)}")
        time.sleep(POLL_SECONDS)
    return job


def accounted(job: TrainingJob) -> bool:
    """Whether the job is finished and its account closed."""
    found = job.status.conditions if job.status else ()
    return conditions.is_true(found, conditions.FINISHED) and conditions.is_true(found, conditions.ACCOUNTED)


def now(job: TrainingJob) -> str:
    """What the job is at, in its own words: the decision, then the state and its message."""
    status = job.status
    if status is None:
        return "not seen by the operator yet"
    state = conditions.find(status.conditions, conditions.SUCCEEDED)
    words = f"{state.reason}: {state.message}" if state else "seen"
    if not status.attempts:
        return words
    attempt = status.attempts[-1]
    base = f" of {attempt.base_model.name}" if attempt.base_model else ""
    return f"attempt {attempt.number}, {attempt.method}{base}: {words}"
