"""Setting conditions without losing what they remember.

Every setter returns a new tuple; a condition whose status did not change keeps its transition time, so that an
unchanged world serialises to the same bytes and causes no write.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal

from coppice.api.meta import Condition

SUCCEEDED = "Succeeded"
FAILED = "Failed"
FINISHED = "Finished"
DECIDED = "Decided"
RUNNING = "Running"
SUSPENDED = "Suspended"
ACCOUNTED = "Accounted"
READY = "Ready"

JOB_CONDITIONS = (DECIDED, RUNNING, SUSPENDED, SUCCEEDED, FAILED, FINISHED, ACCOUNTED)

Status = Literal["True", "False", "Unknown"]


def status_of(conditions: Iterable[Condition], type_: str) -> Status:
    """The status of one condition; a missing one is Unknown, never None."""
    found = find(conditions, type_)
    return found.status if found else "Unknown"


def find(conditions: Iterable[Condition], type_: str) -> Condition | None:
    """The condition of that type, if it was ever set."""
    return next((condition for condition in conditions if condition.type == type_), None)


def is_true(conditions: Iterable[Condition], type_: str) -> bool:
    """Whether that condition holds."""
    return status_of(conditions, type_) == "True"


def holds(body: Mapping[str, Any], condition: str) -> bool:
    """Whether a condition of a raw body is True."""
    conditions = (body.get("status") or {}).get("conditions") or ()
    return any(item.get("type") == condition and item.get("status") == "True" for item in conditions)


def with_condition(
    conditions: tuple[Condition, ...],
    type_: str,
    status: Status,
    reason: str,
    message: str,
    *,
    generation: int,
    now: datetime,
) -> tuple[Condition, ...]:
    """The conditions with one set; its transition time moves only when its status does."""
    before = find(conditions, type_)
    since = before.last_transition_time if before and before.status == status else now.replace(microsecond=0)
    after = Condition(
        type=type_,
        status=status,
        reason=reason,
        message=message[:1024],
        observed_generation=generation,
        last_transition_time=since,
    )
    if before is None:
        return (*conditions, after)
    return tuple(after if condition.type == type_ else condition for condition in conditions)
