"""No attempt is running: finish, wait, or start the next rung.

The decision in force is the record: of the latest child while its ladder is followed, or in status while the job
waits to start. It is made once, here, and frozen by the write that carries it.
"""

from dataclasses import replace
from datetime import timedelta

from coppice.api.decision import DecisionRecord, decode_record
from coppice.api.reasons import AttemptOutcome, StateReason, SuspendReason
from coppice.api.vocabulary import AttemptKind, Method, Mode, OnMiss
from coppice.lifecycle.finish import best_attempt, finish
from coppice.lifecycle.observed import Plan
from coppice.lifecycle.release import released
from coppice.lifecycle.situation import Situation, transition_events
from coppice.lifecycle.start import start, startable
from coppice.lifecycle.status import Stand, decision_status
from coppice.lifecycle.waits import Wait, base_model_missing, priced_since, wait_of
from coppice.lifecycle.written import refused_as_written
from coppice.planning.decision import Refusal, Tried, decide

MAX_ATTEMPTS = 16
"""Attempts that status holds; evaluations and killed attempts count here too."""

NEWS = timedelta(seconds=2)
NEWS_SECONDS = 1.0

FINAL = {
    AttemptOutcome.MET: (StateReason.OBJECTIVE_MET, True),
    AttemptOutcome.UNJUDGED: (StateReason.COMPLETED, True),
    AttemptOutcome.LIMIT_EXCEEDED: (StateReason.LIMIT_EXCEEDED, False),
    AttemptOutcome.DELETED: (StateReason.CHILD_DELETED, False),
}
"""Outcomes after which no further rung is tried."""

EXHAUSTED = {
    AttemptOutcome.MISSED: StateReason.OBJECTIVE_MISSED,
    AttemptOutcome.NO_RESULT: StateReason.NO_RESULT,
    AttemptOutcome.FAILED: StateReason.ATTEMPT_FAILED,
    AttemptOutcome.OUT_OF_MEMORY: StateReason.OUT_OF_MEMORY,
    AttemptOutcome.KILLED: StateReason.KILLED,
}
"""How a job ends when no rung is left, by its last attempt's outcome."""


def advance(situation: Situation) -> Plan:
    """The plan for a job without a running attempt."""
    if not situation.observed.namespace_seen:
        return Plan(recheck_seconds=NEWS_SECONDS)
    if situation.last is not None:
        outcome, message = situation.last[1]
        if outcome in FINAL:
            state, succeeded = FINAL[outcome]
            return finish(situation, state, message or state.sentence, succeeded=succeeded)
        if situation.limit:
            return finish(situation, StateReason.LIMIT_EXCEEDED, situation.limit, succeeded=False)
    elif (refusal := _refused_as_written(situation)) is not None:
        return finish(situation, refusal.reason, refusal.message, succeeded=False)
    if len(situation.attempts) >= MAX_ATTEMPTS:
        none_left = f"the job has had {MAX_ATTEMPTS} attempts"
        return _out_of_rungs(situation, Refusal(StateReason.ATTEMPT_FAILED, none_left, None))
    if situation.observed.job.spec.suspend:
        until_told = Wait(SuspendReason.USER_SUSPENDED, "set spec.suspend to false to start")
        return replace(_wait(situation, until_told, _frozen(situation)), release=released(situation))
    decision = _frozen(situation) or _decided(situation)
    if _hasty(situation, decision):
        return Plan(recheck_seconds=NEWS_SECONDS)
    if isinstance(decision, Refusal):
        return _out_of_rungs(situation, decision)
    return _begin(situation, decision)


def _begin(situation: Situation, decision: DecisionRecord) -> Plan:
    """Start what was decided, or say what it waits for."""
    missing = base_model_missing(situation, decision)
    if missing is not None:
        return _wait(situation, missing, _frozen(situation))
    wait = wait_of(situation, decision)
    return start(situation, decision) if wait is None else _wait(situation, wait, decision)


def _refused_as_written(situation: Situation) -> Refusal | None:
    observed = situation.observed
    return refused_as_written(observed.job.spec, observed.resolved, observed.register_obstacle)


def _hasty(situation: Situation, decision: DecisionRecord | Refusal) -> bool:
    """Whether to wait a moment before deciding against base models.

    Watches of different kinds are not ordered: a model or profile applied in one go with the job may be seen after it.
    """
    created = situation.observed.job.metadata.creation_timestamp
    if situation.attempts or created is None or situation.observed.resolved.mode is Mode.NEVER:
        return False
    against = isinstance(decision, Refusal) or decision.ladder[0].method is Method.FROM_SCRATCH
    return against and situation.observed.now - created < NEWS


def _frozen(situation: Situation) -> DecisionRecord | None:
    """The decision of a job that waits to start.

    It is not made again unless what it was to run on is gone, or the prices that it waited for have come.

    One that a child carries already has been run: a crash kept status from saying so.
    """
    text = situation.observed.status.decision_record
    run = any(item.child and item.child.decision == text for item in situation.attempts)
    record = decode_record(text) if text and not run else None
    if record is None or not startable(situation, record) or priced_since(situation, record):
        return None
    return record


def _decided(situation: Situation) -> DecisionRecord | Refusal:
    observed = situation.observed
    ended = [
        Tried(method=item.record.method, base_model=item.record.base_model, outcome=outcome)
        for item, (outcome, _) in situation.judged
        if item.record.kind is not AttemptKind.PROBE
    ]
    # A rung that was killed from outside may be tried once more; killed twice, it is no accident.
    tried = [one for one in ended if one.outcome is not AttemptOutcome.KILLED or ended.count(one) > 1]
    return decide(
        observed.job,
        observed.resolved,
        observed.world,
        spent=situation.books.spent,
        tried=tried,
        now=observed.now,
        probed=situation.probed,
        may_probe=_may_probe(situation),
    )


def _may_probe(situation: Situation) -> bool:
    """Whether a probe may still be made: never after one that ended by itself, once more after one that was killed."""
    probes = [outcome for item, (outcome, _) in situation.judged if item.record.kind is AttemptKind.PROBE]
    return probes in ([], [AttemptOutcome.KILLED])


def _wait(situation: Situation, wait: Wait, record: DecisionRecord | None) -> Plan:
    stand = Stand(
        StateReason.SUSPENDED,
        f"{wait.reason.sentence} {wait.message}",
        suspended=wait.reason,
        suspended_message=wait.message,
    )
    decision = decision_status(record) if record else None
    status = situation.status(stand, decision, decision_record=record.encoded() if record else "")
    events = transition_events(situation.observed.status, status) if status else ()
    return Plan(status=status, events=events, recheck_seconds=wait.recheck_seconds)


def _out_of_rungs(situation: Situation, refusal: Refusal) -> Plan:
    if situation.last_rung is None:
        return finish(situation, refusal.reason, refusal.message, succeeded=False, record=refusal.record)
    spec = situation.observed.job.spec
    outcome, message = situation.last_rung[1]
    best = best_attempt(situation)
    if best is not None and best.quality is not None and spec.objective.on_miss is OnMiss.ACCEPT:
        text = f"attempt {best.number} came closest with {spec.objective.metric} {best.quality}"
        return finish(situation, StateReason.MISSED_ACCEPTED, text, succeeded=True)
    state = EXHAUSTED.get(outcome, StateReason.ATTEMPT_FAILED)
    return finish(situation, state, f"{message}. {refusal.message}".strip(" ."), succeeded=False)
