"""The decision: one pure function from a job and its world to a frozen record, or a refusal.

    refuse what cannot be decided ─> survey (fit, estimate) ─> plan from scratch ─> board (chances) ─> choice ─> record

The choice may ask for a probe first; the record then says so, and it is decided again with what the probe saw.

Equal inputs give equal bytes. After each attempt it is asked again with what was tried and spent; nothing else is
carried over, so a restarted operator decides the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from coppice.api.decision import DecisionRecord, SpentRecord
from coppice.api.reasons import DecisionReason, StateReason
from coppice.api.trainingjob import TrainingJob
from coppice.api.trainingjob_status import ProbedModel
from coppice.api.vocabulary import Mode
from coppice.planning.board import set_up
from coppice.planning.chance import Chances
from coppice.planning.choice import Refusal, choose, impossible
from coppice.planning.counterfactual import scratch_candidate
from coppice.planning.evidence import evidence
from coppice.planning.probing import worth_probing
from coppice.planning.record import chosen_record, refused_record
from coppice.planning.request import Request, Tried
from coppice.planning.resolved import Resolved
from coppice.planning.sieving.sieve import Sieve
from coppice.planning.survey import Survey, survey
from coppice.planning.world import World

__all__ = ["Refusal", "Tried", "decide"]


def decide(
    job: TrainingJob,
    resolved: Resolved,
    world: World,
    *,
    spent: SpentRecord,
    tried: Sequence[Tried],
    now: datetime,
    probed: Mapping[str, ProbedModel] | None = None,
    may_probe: bool = True,
) -> DecisionRecord | Refusal:
    """The plan for a job: its ladder has at least one rung.

    `spent`, `tried` and `probed` (by the base model's key) are those of the job's earlier attempts. A job that ran
    out of rungs is a Refusal too, with the reason of its last attempt. With `may_probe` the record may ask for a probe
    first; the ladder beside it is then decided again.
    """
    request = Request(job, resolved, world, spent, tuple(tried), probed or {}, may_probe)
    refusal = impossible(request)
    if refusal is not None:
        return refusal
    reports, scratch = evidence(request), scratch_candidate(request)
    chances, told = Chances(request, reports), frozenset(key for _, key in reports)
    sieve = Sieve.of(request, scratch, chances)
    found = Survey() if request.mode is Mode.NEVER else survey(request, singled_out=told, sieve=sieve)
    board = set_up(request, found, scratch, chances)
    choice = choose(board)
    if isinstance(choice, Refusal):
        return replace(choice, record=refused_record(board, _decision_reason(choice), choice.message, now))
    return chosen_record(board, choice, now, worth_probing(board, choice))


def _decision_reason(refusal: Refusal) -> DecisionReason:
    """The reason that the record of a refusal carries."""
    if refusal.reason is StateReason.NO_BASE_MODEL_FITS:
        return DecisionReason.NO_BASE_MODEL_FITS
    if refusal.reason is StateReason.LIMITS_TOO_TIGHT:
        return DecisionReason.LIMITS_TOO_TIGHT
    return DecisionReason.NO_PLAN_LEFT
