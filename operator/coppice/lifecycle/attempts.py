"""Attempts as they stand: what their children, pods and results say, folded into one view each.

An attempt is known from its child, which carries the attempt record; when the child has vanished, from status. An
attempt that has ended is never judged again. Pods that vanish (eviction, suspension) leave their reserved time in
status and their energy in the result of the pod that goes on after them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from coppice.accounting.use import PodUse
from coppice.api.attempt import AttemptRecord
from coppice.api.base import storable
from coppice.api.reasons import AttemptOutcome
from coppice.api.result import Outcome, Result, parse_result
from coppice.api.run import FETCH_CONTAINER, TRAINER_CONTAINER
from coppice.api.trainingjob import TrainingJob
from coppice.api.trainingjob_status import AttemptStatus, ChildReference, PodStatus, ProbedModel
from coppice.api.vocabulary import AttemptKind, Evidence
from coppice.workloads.names import claim_name
from coppice.workloads.seen import SeenChild, SeenPod
from coppice.workloads.storage import output_path

MAX_PODS_IN_STATUS = 16
DECIMALS = ("quality", "standard_error", "validation_quality", "cpu_seconds", "run_seconds")


@dataclass(frozen=True)
class Attempt:
    """One attempt: its record, what is left of its child and pods, and what status said before."""

    record: AttemptRecord
    child: SeenChild | None
    pods: tuple[SeenPod, ...] = ()
    before: AttemptStatus | None = None

    @property
    def ended_before(self) -> bool:
        """Whether status already says how it ended; that is final."""
        return self.before is not None and self.before.outcome != AttemptOutcome.RUNNING

    @property
    def live_pods(self) -> tuple[SeenPod, ...]:
        """Pods that hold a node and have not ended."""
        return tuple(pod for pod in self.pods if pod.ended_at is None)

    @property
    def result(self) -> Result | None:
        """The result of index 0, from its latest pod that wrote one."""
        ended = sorted((pod for pod in self.pods if pod.index == 0 and pod.ended_at), key=_ended_at, reverse=True)
        return next((result for result in map(result_of, ended) if result is not None), None)

    @property
    def probed(self) -> tuple[ProbedModel, ...]:
        """What a probe that has ended saw of each base model; from its result, or from status once it stands there."""
        if self.record.kind is not AttemptKind.PROBE:
            return ()
        if self.ended_before and self.before is not None:
            return tuple(self.before.probed)
        result = self.result
        return result.probed if result and result.outcome is Outcome.COMPLETED else ()

    def uses(self, now: datetime) -> tuple[PodUse, ...]:
        """What each pod used, each once; a pod that is gone and was not reported is known by its time alone."""
        seen = {pod.uid: self._use(pod, now) for pod in self.pods if pod.scheduled_at}
        gone = {pod.uid: self._gone_use(pod) for pod in self._before_pods if pod.uid not in seen and pod.end_time}
        return tuple({**gone, **seen}.values())

    def run_seconds(self, now: datetime) -> int:
        """Seconds in which a pod of index 0 was reserved; waiting for a node does not count."""
        return round(
            sum(
                (pod.end_time or now).timestamp() - pod.start_time.timestamp()
                for pod in self._all_pods(now)
                if pod.index == 0
            )
        )

    def pod_statuses(self) -> list[PodStatus]:
        """Ended pods, the last sixteen, for status."""
        ended = [pod for pod in self._all_pods(None) if pod.end_time]
        return sorted(ended, key=lambda pod: (pod.start_time, pod.uid))[-MAX_PODS_IN_STATUS:]

    @property
    def _before_pods(self) -> list[PodStatus]:
        return self.before.pods if self.before else []

    def _all_pods(self, now: datetime | None) -> list[PodStatus]:
        seen = {pod.uid: _pod_status(pod, pod.ended_at or now) for pod in self.pods if pod.scheduled_at}
        gone = {pod.uid: pod for pod in self._before_pods if pod.uid not in seen}
        return [*gone.values(), *seen.values()]

    def _use(self, pod: SeenPod, now: datetime) -> PodUse:
        started = next((end.started_at for end in pod.containers if end.name == TRAINER_CONTAINER), None)
        return PodUse(
            uid=pod.uid,
            start=pod.scheduled_at or now,
            end=pod.ended_at or now,
            result=result_of(pod),
            accelerators=pod.accelerators,
            cpu_request=pod.cpu_request_cores,
            memory_request_bytes=pod.memory_request_bytes,
            self_reported=self.record.evidence is Evidence.SELF_REPORTED,
            init_end=started,
            zone=pod.zone,
        )

    def _gone_use(self, pod: PodStatus) -> PodUse:
        pods = max(self.record.pods, 1)
        return PodUse(
            uid=pod.uid,
            start=pod.start_time,
            end=pod.end_time or pod.start_time,
            accelerators=self.record.accelerators // pods,
            cpu_request=self.record.cpu_cores,
            memory_request_bytes=self.record.memory_bytes,
            self_reported=self.record.evidence is Evidence.SELF_REPORTED,
            zone=pod.zone or "",
        )


def attempts_of(job: TrainingJob, children: Sequence[SeenChild], pods: Sequence[SeenPod]) -> tuple[Attempt, ...]:
    """Every attempt of a job, by number, from its children and from what its status says of them."""
    earlier = {status.number: status for status in (job.status.attempts if job.status else ())}
    current = {child.attempt: child for child in sorted(children, key=lambda child: child.gone_at is None)}
    numbers = sorted(earlier.keys() | current.keys())
    return tuple(
        Attempt(
            record=_record(job, current.get(number), earlier.get(number)),
            child=current.get(number),
            pods=tuple(pod for pod in pods if pod.attempt == number),
            before=earlier.get(number),
        )
        for number in numbers
    )


def result_of(pod: SeenPod) -> Result | None:
    """What the pod left in its termination messages: its trainer's result, else that of a fetch step that failed.

    None before it ended, or where no message holds a result.
    """
    messages = {end.name: end.message for end in pod.containers if end.finished_at and end.message}
    for name in (TRAINER_CONTAINER, FETCH_CONTAINER):
        result = parse_result(messages.get(name, ""))
        if result is not None:
            # A stranger's container writes as many digits as its language prints.
            decimals = {field: storable(getattr(result, field)) for field in DECIMALS}
            return result.model_copy(update={"pod_uid": pod.uid, **decimals})
    return None


def _record(job: TrainingJob, child: SeenChild | None, before: AttemptStatus | None) -> AttemptRecord:
    if child is not None and child.attempt_record:
        return AttemptRecord.model_validate_json(child.attempt_record)
    if before is None:
        raise ValueError(f"child {child.name if child else '?'} carries no attempt record")
    return AttemptRecord(
        number=before.number,
        kind=before.kind,
        method=before.method,
        base_model=before.base_model,
        profile=before.profile,
        accelerators=before.accelerators,
        cpu_cores=before.cpu_cores,
        memory_bytes=before.memory_bytes,
        claim_name=claim_name(job),
        output_path=output_path(job),
        evidence=before.evidence or Evidence.EVALUATED,
        approval=before.approval,
    )


def _pod_status(pod: SeenPod, end: datetime | None) -> PodStatus:
    return PodStatus(
        uid=pod.uid,
        index=pod.index,
        start_time=pod.scheduled_at or pod.created_at,
        end_time=end,
        reported=result_of(pod) is not None,
        zone=pod.zone or None,
    )


def _ended_at(pod: SeenPod) -> datetime:
    assert pod.ended_at is not None
    return pod.ended_at


def child_reference(attempt: Attempt) -> ChildReference:
    """The child, also when it is gone."""
    if attempt.child is not None:
        return ChildReference(kind=attempt.child.kind, name=attempt.child.name, uid=attempt.child.uid)
    assert attempt.before is not None
    return attempt.before.child


RESULT_GRACE = timedelta(seconds=60)
"""How long after its child's end an attempt waits for its pod's last state: the two come over different watches."""
