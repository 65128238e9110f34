"""The observation, understood: attempts folded, priced and judged; what every branch of the life cycle starts from."""

from dataclasses import dataclass

from coppice.api.decision import DecisionRecord, decode_record
from coppice.api.meta import BaseModelReference, Condition
from coppice.api.reasons import AttemptOutcome, EventReason
from coppice.api.trainingjob import Limits
from coppice.api.trainingjob_status import AttemptStatus, DecisionStatus, ProbedModel, TrainingJobStatus
from coppice.api.vocabulary import AttemptKind
from coppice.lifecycle.account import Books
from coppice.lifecycle.attempts import Attempt
from coppice.lifecycle.observed import Event, Observed
from coppice.lifecycle.status import Stand, attempt_status, conditions_of, decision_status
from coppice.lifecycle.summary import summary_of
from coppice.lifecycle.verdict import Verdict
from coppice.planning.catalogue import Registered
from coppice.planning.licenses import UNKNOWN
from coppice.planning.lineage import derived_license
from coppice.planning.obligations import obligations


@dataclass(frozen=True)
class Situation:
    """One job as a pass understands it. `limit` is the sentence of a crossed limit, if there is one."""

    observed: Observed
    attempts: tuple[Attempt, ...]
    verdicts: tuple[Verdict, ...]
    books: Books
    limits: Limits | None
    limit: str | None

    @property
    def running(self) -> Attempt | None:
        """The attempt that is not over, if there is one; there is never more than one."""
        open_ = (item for item, (outcome, _) in self.judged if outcome is AttemptOutcome.RUNNING)
        return next(open_, None)

    @property
    def judged(self) -> tuple[tuple[Attempt, Verdict], ...]:
        """Attempts with their verdicts."""
        return tuple(zip(self.attempts, self.verdicts, strict=True))

    @property
    def last(self) -> tuple[Attempt, Verdict] | None:
        """The latest attempt."""
        return self.judged[-1] if self.attempts else None

    @property
    def last_rung(self) -> tuple[Attempt, Verdict] | None:
        """The latest attempt that ran a rung of a ladder, not a probe."""
        rungs = [pair for pair in self.judged if pair[0].record.kind is not AttemptKind.PROBE]
        return rungs[-1] if rungs else None

    @property
    def probed(self) -> dict[str, ProbedModel]:
        """What probes saw, by the base model's key; a later probe's word stands."""
        seen = [one for item in self.attempts for one in item.probed]
        return {f"{one.base_model.kind}/{one.base_model.name}": one for one in seen}

    def base_model(self, reference: BaseModelReference | None) -> Registered | None:
        """What the catalogue knows of a base model now."""
        namespace = self.observed.job.metadata.namespace or ""
        return self.observed.world.catalogue.get(reference, namespace) if reference else None

    def license_of(self, reference: BaseModelReference | None) -> str:
        """Licence of what is made from a base model and the job's data, computed from the chain.

        A base model that is not registered any more may have had any licence.
        """
        base = self.base_model(reference)
        if reference is not None and base is None:
            return UNKNOWN
        return derived_license(base.spec.license if base else None, self.observed.job.spec.dataset.license)

    def obligations_of(self, reference: BaseModelReference | None) -> tuple[str, ...]:
        """What the licences of a base model and of the job's data ask of the job's use."""
        base = self.base_model(reference)
        use = self.observed.resolved.use
        return obligations([base] if base else [], self.observed.job.spec.dataset.license, use)

    @property
    def record(self) -> DecisionRecord | None:
        """The decision in force: that of the latest child, or of a job that waits to start."""
        texts = [item.child.decision for item in self.attempts if item.child and item.child.decision]
        text = texts[-1] if texts else self.observed.status.decision_record
        return decode_record(text) if text else None

    @property
    def first_record(self) -> DecisionRecord | None:
        """The decision before anything ran; its counterfactual is the job's."""
        texts = [item.child.decision for item in self.attempts if item.child and item.child.decision]
        return decode_record(texts[0]) if texts else self.record

    def attempt_statuses(self) -> list[AttemptStatus]:
        """All attempts as status shows them."""
        return [
            attempt_status(item, outcome, message, self.books, self.observed.now)
            for item, (outcome, message) in self.judged
        ]

    def status(
        self, stand: Stand, decision: DecisionStatus | None = None, **changes: object
    ) -> TrainingJobStatus | None:
        """The status for a stand, or None where it equals what is already written."""
        after = self.status_with(stand, decision, **changes)
        return None if after == self.observed.job.status else after

    def status_with(self, stand: Stand, decision: DecisionStatus | None = None, **changes: object) -> TrainingJobStatus:
        """The whole status for a stand."""
        observed, before = self.observed, self.observed.status
        record = self.record
        decision = decision or (decision_status(record) if record else before.decision)
        attempts = self.attempt_statuses()
        fields: dict[str, object] = {
            "observed_generation": observed.job.metadata.generation,
            "resolved": observed.resolved.wire(),
            "decision": decision,
            "decision_record": "",
            "attempts": attempts,
            **changes,
        }
        after = before.model_copy(update=fields)
        generation = observed.job.metadata.generation
        conditions = conditions_of(before.conditions, stand, after.decision, generation=generation, now=observed.now)
        after = after.model_copy(update={"conditions": conditions})
        summary = summary_of(observed.job.spec, after, stand.state)
        return after.model_copy(update={"summary": summary})


def transition_events(before: TrainingJobStatus, after: TrainingJobStatus) -> tuple[Event, ...]:
    """What is told once about the way from one status to the next."""
    events: list[Event] = []
    if after.decision and (before.decision is None or before.decision.digest != after.decision.digest):
        events.append(Event(EventReason.DECIDED, f"{after.decision.reason}: {after.decision.message}", "Decide"))
    known = {item.number: item for item in before.attempts}
    first = next((item.number for item in after.attempts if item.kind is not AttemptKind.PROBE), None)
    for item in after.attempts:
        events.extend(_attempt_events(known.get(item.number), item, first))
    events.extend(_condition_events(before.conditions, after.conditions))
    return tuple(events)


def _attempt_events(before: AttemptStatus | None, after: AttemptStatus, first_rung: int | None) -> list[Event]:
    events = []
    if before is None:
        further = first_rung is not None and after.number > first_rung
        reason = EventReason.NEXT_RUNG if further else EventReason.ATTEMPT_STARTED
        events.append(Event(reason, f"attempt {after.number}: {_what(after)}, as {after.child.name}", "Start"))
    if after.outcome != AttemptOutcome.RUNNING and (before is None or before.outcome == AttemptOutcome.RUNNING):
        good = after.outcome in {AttemptOutcome.MET, AttemptOutcome.UNJUDGED, AttemptOutcome.PROBED}
        text = f"attempt {after.number} ended {after.outcome}: {after.message}"
        events.append(Event(EventReason.ATTEMPT_ENDED, text, "Judge", warning=not good))
    return events


def _what(attempt: AttemptStatus) -> str:
    if attempt.kind is AttemptKind.PROBE:
        return "a probe of several base models"
    return f"{attempt.method} of {attempt.base_model.name if attempt.base_model else 'no base model'}"


_TOLD = {
    ("Suspended", "True"): EventReason.SUSPENDED,
    ("Finished", "True"): EventReason.FINISHED,
    ("Accounted", "True"): EventReason.ACCOUNTED,
}


def _condition_events(before: tuple[Condition, ...], after: tuple[Condition, ...]) -> list[Event]:
    then = {item.type: item.status for item in before}
    events = []
    for item in after:
        reason = _TOLD.get((item.type, item.status))
        if item.type == "Suspended" and item.status == "False" and then.get("Suspended") == "True":
            reason = EventReason.RESUMED
        if reason is not None and then.get(item.type) != item.status:
            failed = item.type == "Finished" and any(one.type == "Failed" and one.status == "True" for one in after)
            events.append(Event(reason, f"{item.reason}: {item.message}", item.type, warning=failed))
    return events
