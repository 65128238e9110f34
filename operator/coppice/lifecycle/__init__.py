"""The life of a TrainingJob, as one pure function from what was seen to what is to be done.

    seen ──> decided ──> attempt ──> judged ──┬──> met: finished ──> accounted
              ^  (waits)  (watched)           │
              └──────── next rung <───────────┘ missed

Every pass starts from nothing but the observation; a crash between two writes leaves a state from which the next
pass plans the missing ones. An unchanged world yields an empty plan.
"""

from coppice.api import conditions as c
from coppice.api.labels import REPORTING_CONTROLLER
from coppice.lifecycle.account import books_of, crossed_limit, limits_in_force
from coppice.lifecycle.advance import advance
from coppice.lifecycle.attempts import attempts_of
from coppice.lifecycle.finish import close_finished, settle_deleted
from coppice.lifecycle.observed import Event, Observed, Plan
from coppice.lifecycle.situation import Situation
from coppice.lifecycle.verdict import verdict
from coppice.lifecycle.watch import watch

__all__ = ["Event", "Observed", "Plan", "decide", "settle_deleted"]


def decide(observed: Observed) -> Plan:
    """What this pass has to do for one job."""
    job = observed.job
    if job.spec.managed_by != REPORTING_CONTROLLER or job.metadata.deletion_timestamp is not None:
        return Plan()
    situation = situation_of(observed)
    if c.is_true(observed.status.conditions, c.ACCOUNTED):
        return Plan()
    if c.is_true(observed.status.conditions, c.FINISHED):
        return close_finished(situation)
    if situation.running is not None:
        return watch(situation, situation.running)
    return advance(situation)


def situation_of(observed: Observed) -> Situation:
    """The observation with its attempts folded, priced and judged."""
    attempts = attempts_of(observed.job, observed.children, observed.pods)
    books = books_of(observed, attempts)
    limits = limits_in_force(observed, attempts)
    limit = crossed_limit(limits, books)
    verdicts = tuple(verdict(item, observed.job.spec.objective, limit=limit, now=observed.now) for item in attempts)
    return Situation(observed=observed, attempts=attempts, verdicts=verdicts, books=books, limits=limits, limit=limit)
