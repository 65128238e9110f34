"""A job that cannot go on for a reason outside it: said in a condition, and tried again later."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from coppice.api import conditions as c
from coppice.api.meta import Condition
from coppice.api.reasons import StateReason
from coppice.api.trainingjob_status import SummaryStatus
from coppice.lifecycle.observed import Plan
from coppice.lifecycle.situation import Situation, transition_events
from coppice.lifecycle.status import Stand

RETRY_SECONDS = 30.0


def blocked(situation: Situation, state: StateReason, message: str) -> Plan:
    """The plan for a job whose attempt cannot be made now."""
    frozen = situation.observed.status.decision_record
    stand = Stand(state, f"{state.sentence} {message}"[:1024])
    status = situation.status(stand, decision_record=frozen)
    events = transition_events(situation.observed.status, status) if status else ()
    return Plan(status=status, events=events, recheck_seconds=RETRY_SECONDS)


def unreadable(body: Mapping[str, Any], error: str, now: datetime) -> dict[str, Any] | None:
    """The status of a job that the models cannot read (written by a newer schema, or before a rule existed).

    It stays unfinished, because another version of the operator may read it. None if status says so already, or if the
    job is finished: that is final.
    """
    if c.holds(body, c.FINISHED):
        return None
    before = tuple(Condition.model_validate(item) for item in (body.get("status") or {}).get("conditions") or ())
    generation = body.get("metadata", {}).get("generation", 1)
    after = before
    message = f"{StateReason.INVALID_SPEC.sentence} {error}"[:1024]
    for type_ in (c.SUCCEEDED, c.FAILED, c.FINISHED):
        after = c.with_condition(
            after, type_, "Unknown", StateReason.INVALID_SPEC, message, generation=generation, now=now
        )
    if after == before:
        return None
    summary = SummaryStatus(state=StateReason.INVALID_SPEC).wire()
    return {**(body.get("status") or {}), "conditions": [item.wire() for item in after], "summary": summary}
