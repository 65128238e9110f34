"""The verdict on one attempt: how it ended, in one word and one sentence.

Who decides what: the batch engine says whether the child is complete or failed, the container's end says why, the
result says with what quality, and the objective says whether that is enough. An attempt is Running until all of
those that it needs have been seen.
"""

from datetime import datetime, timedelta

from coppice.api.reasons import AttemptOutcome
from coppice.api.result import Outcome
from coppice.api.run import TRAINER_CONTAINER
from coppice.api.trainingjob import Objective
from coppice.api.trainingjob_status import ProbedModel
from coppice.api.vocabulary import DIRECTIONS, AttemptKind, Direction
from coppice.lifecycle.attempts import RESULT_GRACE, Attempt
from coppice.workloads.seen import ContainerEnd

Verdict = tuple[AttemptOutcome, str]

RUNNING: Verdict = (AttemptOutcome.RUNNING, "")
NO_FIGURE = "it ended well but wrote no result; see its log"
KILLED_BY_SIGNAL = 137
GONE_GRACE = timedelta(seconds=3)


def verdict(attempt: Attempt, objective: Objective, *, limit: str | None, now: datetime) -> Verdict:
    """How the attempt stands; `limit` is the sentence of a limit that the job has crossed, if it has."""
    child = attempt.child
    if attempt.before is not None and attempt.ended_before:
        return AttemptOutcome(attempt.before.outcome), attempt.before.message
    if child is None or child.gone_at is not None:
        if attempt.live_pods or _just_gone(attempt, now):
            return RUNNING
        name = child.name if child else attempt.before.child.name if attempt.before else "?"
        return AttemptOutcome.DELETED, f"{name} was deleted by someone else"
    if child.finished == "Complete":
        return _completed(attempt, objective, now)
    if child.finished == "Failed":
        return _failed(attempt, now)
    if limit and child.suspended and not attempt.live_pods:
        return AttemptOutcome.LIMIT_EXCEEDED, limit
    return RUNNING


def meets(quality: float, target: float, direction: Direction) -> bool:
    """Whether a quality reaches the target; equal is enough."""
    return quality >= target if direction is Direction.MAXIMIZE else quality <= target


def direction_of(objective: Objective) -> Direction:
    """Which way is better; admission demands a direction for metric Custom."""
    return objective.direction or DIRECTIONS.get(objective.metric, Direction.MAXIMIZE)


def _completed(attempt: Attempt, objective: Objective, now: datetime) -> Verdict:
    result = attempt.result
    if result is None and _may_still_come(attempt, now):
        return RUNNING
    quality = result.quality if result and result.outcome is Outcome.COMPLETED else None
    if attempt.record.kind is AttemptKind.PROBE:
        return _probed(attempt)
    if objective.target is None:
        return AttemptOutcome.UNJUDGED, _measured(objective, quality)
    if quality is None:
        return AttemptOutcome.NO_RESULT, "it ended well but wrote no result with a quality; see its log"
    if meets(float(quality), float(objective.target), direction_of(objective)):
        return AttemptOutcome.MET, _measured(objective, quality)
    return AttemptOutcome.MISSED, _measured(objective, quality)


def _probed(attempt: Attempt) -> Verdict:
    """A probe has done its work when it saw anything of any base model."""
    told = [_seen(item) for item in attempt.probed]
    if any(_has_figure(item) for item in attempt.probed):
        return AttemptOutcome.PROBED, "; ".join(told)[:512]
    return AttemptOutcome.NO_RESULT, (f"it saw none of the base models: {'; '.join(told)}" if told else NO_FIGURE)[:512]


def _has_figure(item: ProbedModel) -> bool:
    return item.linear_quality is not None or item.neighbour_quality is not None


def _seen(item: ProbedModel) -> str:
    if not _has_figure(item):
        return f"{item.base_model.name}: {item.message or 'no figure'}"
    return f"{item.base_model.name}: linear {item.linear_quality}, neighbours {item.neighbour_quality}"


def _measured(objective: Objective, quality: object | None) -> str:
    if quality is None:
        return ""
    wanted = f", target {objective.target}" if objective.target is not None else ""
    return f"{objective.metric} {quality}{wanted}"


def _failed(attempt: Attempt, now: datetime) -> Verdict:
    end = _last_end(attempt)
    if end is None and _may_still_come(attempt, now):
        return RUNNING
    result = attempt.result
    if result and result.errors:
        fault = result.errors[0]
        outcome = AttemptOutcome.OUT_OF_MEMORY if fault.reason == "OutOfMemory" else AttemptOutcome.FAILED
        return outcome, f"{fault.reason}: {fault.message}"[:512]
    if end is None:
        child = attempt.child
        return AttemptOutcome.FAILED, (child.finished_message or child.finished_reason if child else "")[:512]
    if end.reason == "OOMKilled":
        return (
            AttemptOutcome.OUT_OF_MEMORY,
            f"container {end.name} was killed for memory; give it more, or a smaller batch",
        )
    if end.exit_code == KILLED_BY_SIGNAL:
        return AttemptOutcome.KILLED, f"container {end.name} was killed by signal 9 from outside"
    said = end.message if not end.message.startswith("{") else ""
    return (
        AttemptOutcome.FAILED,
        f"container {end.name} ended with exit code {end.exit_code} {end.reason} {said}".strip()[:512],
    )


def _just_gone(attempt: Attempt, now: datetime) -> bool:
    """The deletion of a job's child may be seen before that of the job itself."""
    gone_at = attempt.child.gone_at if attempt.child else None
    return gone_at is not None and now - gone_at < GONE_GRACE


def _last_end(attempt: Attempt) -> ContainerEnd | None:
    """The end that failed the attempt: of its pods, the last container that ended badly."""
    ends = [
        container
        for pod in attempt.pods
        for container in pod.containers
        if container.finished_at and (container.exit_code or container.reason == "OOMKilled")
    ]
    ends.sort(key=lambda container: (container.finished_at, container.name == TRAINER_CONTAINER))
    return ends[-1] if ends else None


def _may_still_come(attempt: Attempt, now: datetime) -> bool:
    child = attempt.child
    if child is None or child.finished_at is None:
        return False
    return now - child.finished_at < RESULT_GRACE and not any(pod.ended_at for pod in attempt.pods if pod.index == 0)
