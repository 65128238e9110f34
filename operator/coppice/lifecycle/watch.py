"""Watching the attempt that runs: what its pods do, whether it must stop, and when to look again."""

from datetime import datetime, timedelta

from coppice.api.reasons import StateReason, SuspendReason
from coppice.api.run import FETCH_CONTAINER, TRAINER_CONTAINER
from coppice.api.vocabulary import AttemptKind
from coppice.lifecycle.account import seconds_until_limit
from coppice.lifecycle.attempts import Attempt
from coppice.lifecycle.observed import Plan
from coppice.lifecycle.situation import Situation, transition_events
from coppice.lifecycle.status import Stand
from coppice.workloads.seen import ContainerEnd, SeenChild, SeenPod

FIRST_STATUS_DELAY = timedelta(seconds=1)
"""A new child's pods usually change within a second; one status write then says what two would have said."""

SETTLING_SECONDS = 3.0
"""When to look again at an attempt that is ending: some of what it waits for is the absence of news."""

PODLESS_PATIENCE = timedelta(seconds=10)
"""How long a child may have had no pod at all before that is told: the batch engine makes one within a second."""

PULL_PROBLEMS = {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"}
START_PROBLEMS = PULL_PROBLEMS | {"CreateContainerConfigError", "CreateContainerError", "RunContainerError"}


def watch(situation: Situation, attempt: Attempt) -> Plan:
    """The plan while an attempt runs."""
    stand = stand_of(situation, attempt)
    status = situation.status(stand)
    young = _is_young(situation, attempt)
    recheck = _recheck(situation, attempt, young=young)
    if status is None or young or _is_settling(attempt, situation.observed.now):
        return Plan(suspend=_suspension(situation, attempt), recheck_seconds=recheck)
    return Plan(
        suspend=_suspension(situation, attempt),
        status=status,
        events=transition_events(situation.observed.status, status),
        recheck_seconds=recheck,
    )


def stand_of(situation: Situation, attempt: Attempt) -> Stand:
    """How a job with a running attempt stands."""
    name = f"attempt {attempt.record.number} ({_what(attempt)})"
    child = attempt.child
    if child is None or child.gone_at or child.finished:
        return Stand(
            StateReason.RUNNING, f"{name} has ended; its last state is awaited", running=bool(attempt.live_pods)
        )
    if situation.limit:
        return Stand(
            StateReason.STOPPING, f"{name} is being stopped: {situation.limit}", running=bool(attempt.live_pods)
        )
    if situation.observed.job.spec.suspend:
        return _stopped_by_user(attempt, name)
    if child.suspended:
        return Stand(
            StateReason.SUSPENDED,
            f"{name} waits in queue {child.queue}" if child.queue else f"{name} is about to go on",
            suspended=SuspendReason.QUEUED if child.queue else SuspendReason.NOT_SUSPENDED,
        )
    return _pods_stand(attempt, name, situation.observed.now)


def _stopped_by_user(attempt: Attempt, name: str) -> Stand:
    stopping = bool(attempt.live_pods)
    return Stand(
        StateReason.STOPPING if stopping else StateReason.SUSPENDED,
        f"{name} is stopping" if stopping else f"{name} is stopped; set spec.suspend to false to go on",
        running=stopping,
        suspended=SuspendReason.USER_SUSPENDED,
    )


def _pods_stand(attempt: Attempt, name: str, now: datetime) -> Stand:
    pods = attempt.live_pods
    if _podless(attempt, now):
        where = f"kubectl describe job {attempt.child.name}" if attempt.child else "its events"
        return Stand(StateReason.POD_BLOCKED, f"{name} gets no pod; a quota or Pod Security may refuse it: see {where}")
    if any(_trainer_runs(pod) for pod in pods):
        return Stand(StateReason.RUNNING, f"{name} is running on {attempt.record.profile}", running=True)
    blocked = next((end for pod in pods for end in pod.containers if end.waiting_reason in START_PROBLEMS), None)
    if blocked is not None:
        return Stand(StateReason.POD_BLOCKED, _blocked_message(name, blocked))
    waiting = next((pod for pod in pods if pod.unschedulable and not pod.scheduled_at), None)
    if waiting is not None:
        return Stand(StateReason.UNSCHEDULABLE, f"{name}: no node can take its pod: {waiting.unschedulable}"[:1024])
    if any(_fetch_runs(pod) for pod in pods):
        return Stand(StateReason.STARTING, f"{name} is fetching its model and data")
    if attempt.pods and not pods:
        return Stand(StateReason.STARTING, f"{name}: its pod has ended and the next one is awaited")
    return Stand(StateReason.STARTING, f"{name} exists; its pod is starting")


def _blocked_message(name: str, end: ContainerEnd) -> str:
    return f"{name}: container {end.name} cannot start: {end.waiting_reason} {end.waiting_message}".strip()[:1024]


def _trainer_runs(pod: SeenPod) -> bool:
    return any(end.name == TRAINER_CONTAINER and end.started_at and not end.finished_at for end in pod.containers)


def _fetch_runs(pod: SeenPod) -> bool:
    return any(end.name == FETCH_CONTAINER and end.started_at and not end.finished_at for end in pod.containers)


def _what(attempt: Attempt) -> str:
    base = attempt.record.base_model
    if attempt.record.kind is AttemptKind.PROBE:
        return "a probe of base models"
    return f"{attempt.record.method} of {base.name}" if base else str(attempt.record.method)


def _suspension(situation: Situation, attempt: Attempt) -> tuple[tuple[SeenChild, bool], ...]:
    child = attempt.child
    if child is None or child.finished or child.gone_at:
        return ()
    wanted = situation.observed.job.spec.suspend or situation.limit is not None
    if wanted and not child.suspended:
        return ((child, True),)
    # A queue admits again by itself; only what we stopped ourselves do we let go on.
    if not wanted and child.suspended and not child.queue:
        return ((child, False),)
    return ()


def _is_young(situation: Situation, attempt: Attempt) -> bool:
    child = attempt.child
    if child is None or any(item.number == attempt.record.number for item in situation.observed.status.attempts):
        return False
    age = situation.observed.now - child.created_at
    return age < FIRST_STATUS_DELAY and not child.active and not child.finished


def _is_settling(attempt: Attempt, now: datetime) -> bool:
    """Whether the pods have just ended: the child's end, or the next pod, is told within moments and says more."""
    if not attempt.pods or attempt.live_pods or attempt.child is None or attempt.child.suspended:
        return False
    ends = [end for end in (attempt.child.finished_at, *(pod.ended_at for pod in attempt.pods)) if end is not None]
    return now - max(ends, default=now) < timedelta(seconds=SETTLING_SECONDS)


def _podless(attempt: Attempt, now: datetime) -> bool:
    child = attempt.child
    if child is None or attempt.pods or child.active:
        return False
    return now - child.created_at > PODLESS_PATIENCE


def _recheck(situation: Situation, attempt: Attempt, *, young: bool) -> float | None:
    if young:
        return FIRST_STATUS_DELAY.total_seconds()
    child = attempt.child
    if child is None or child.finished or child.gone_at or situation.limit:
        return SETTLING_SECONDS
    now = situation.observed.now
    if _is_settling(attempt, now):
        return SETTLING_SECONDS
    if not attempt.pods and not child.active and now - child.created_at <= PODLESS_PATIENCE:
        return (child.created_at + PODLESS_PATIENCE - now).total_seconds() + 1
    return seconds_until_limit(situation.limits, situation.books) if attempt.live_pods else None
