"""The decision record: everything that led to the choice, in the form that is frozen, shown and replayed."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import islice

from coppice.api.base import Interval, rounded
from coppice.api.decision import MAX_CANDIDATES, SHORT_MESSAGE, CandidateRecord, DecisionRecord, Intensity
from coppice.api.reasons import DecisionReason
from coppice.api.shortening import fitted
from coppice.api.trainingjob_status import ProbedModel
from coppice.planning.acknowledgement import unacknowledged
from coppice.planning.board import Board, Placed
from coppice.planning.choice import Choice, ending_probabilities
from coppice.planning.controls import controls
from coppice.planning.entries import Entries
from coppice.planning.fit.rejection import Rejection
from coppice.planning.ladder import Ladder, admissible, by_price
from coppice.planning.obligations import MAX_SENTENCE, obligations
from coppice.planning.probing import Probe
from coppice.planning.request import Request
from coppice.planning.saving import Arm, saving_grams

WITHOUT_TARGET = "Auto only advises without objective.target: nothing says when a base model is good enough."


def chosen_record(board: Board, choice: Choice, now: datetime, probe: Probe | None = None) -> DecisionRecord:
    """The record of a plan that will run, or of a probe that comes before it."""
    request, entries = board.request, Entries(board.request)
    ladder = [board.placed(rung) for rung in choice.ladder.rungs]
    advised = [board.placed(rung) for rung in choice.advised.rungs] if choice.advised else []
    limitations, owed = _conditions(request, [*ladder, *advised[:1]])
    saving = _saving(board, choice.compared, advised or ladder, probe)
    accepted = set(request.spec.acknowledge)
    wanted = (*limitations, *owed) if request.resolved.require_acknowledgement else ()
    used = any(placed.candidate.model for placed in ladder)
    forgone = advised[0] if advised else None
    base = _base_record(board, entries, choice.reason, _message(board, choice, ladder, forgone, saving, probe), now)
    record = base.model_copy(
        update={
            "intensity": _intensity(request, ladder[0]),
            "probe": probe.record(request) if probe else None,
            "ladder": tuple(map(entries.candidate, ladder)),
            "license_again": _license_again(request, ladder),
            "ladder_chance": rounded(choice.ladder.chance),
            "ladder_expected": rounded(choice.ladder.cost),
            "search_cut_short": None if choice.compared.proven else True,
            "scratch": _unused_scratch(board, entries, choice),
            "forgone": entries.candidate(forgone) if forgone else None,
            "expected_saving_grams": saving,
            "limitations": limitations,
            "obligations": owed,
            "unacknowledged": unacknowledged(wanted, accepted) if used else (),
        }
    )
    return fitted(record)


def refused_record(board: Board, reason: DecisionReason, message: str, now: datetime) -> DecisionRecord:
    """The record of a refusal: what was looked at, and no ladder."""
    entries = Entries(board.request)
    record = _base_record(board, entries, reason, message, now)
    return fitted(record.model_copy(update={"scratch": _unused_scratch(board, entries, None)}))


def _base_record(board: Board, entries: Entries, reason: DecisionReason, message: str, now: datetime) -> DecisionRecord:
    request, survey = board.request, board.survey
    shown = _best(board)
    compared, ranked = board.counterfactual, controls(survey.fits, request.spec.task)
    return DecisionRecord(
        software_version=request.world.software_version,
        decided_at=now,
        job_uid=request.job.metadata.uid,
        generation=request.job.metadata.generation,
        mode=request.mode,
        optimize_for=request.unit,
        reason=reason,
        message=message,
        resolved=request.resolved.wire(),
        policies=request.resolved.policies,
        intensity=request.world.intensity_of(request.world.profiles[0]),
        pue=request.world.pue,
        spent=request.spent.model_copy(update={"base_models": None}),
        data_price=request.spec.dataset.price or None,
        max_attempts=request.spec.max_attempts,
        probed=tuple(_briefly(seen) for _, seen in sorted(request.probed.items())),
        counterfactual=entries.counterfactual(compared) if compared else None,
        considered=survey.considered,
        rejected=dict(sorted(survey.rejected.items())),
        rejections=dict(sorted(survey.sentences.items())),
        candidates=tuple(map(entries.candidate, shown)),
        candidates_left_out=board.open - len(shown),
        chance_score=request.chance_score.record(ranked.parameters if ranked else ()),
        controls=ranked,
        catalogue_digest=request.world.catalogue.digest_for(request.namespace),
    )


def _briefly(seen: ProbedModel) -> ProbedModel:
    """What a probe saw; why it saw nothing stands in full in the attempt's status."""
    return seen.model_copy(update={"message": seen.message[:SHORT_MESSAGE]})


def _license_again(request: Request, ladder: Iterable[Placed]) -> Decimal | None:
    """The price of a base model's licence for one job, as often as the ladder's costs hold it beyond the first time."""
    paid = set() if request.spent.cost is None else set(request.spent.base_models or ())
    again = Decimal(0)
    for placed in ladder:
        model, reference = placed.candidate.model, placed.candidate.reference
        if model is not None and reference is not None:
            again += (model.spec.price_per_job or Decimal(0)) if reference in paid else Decimal(0)
            paid.add(reference)
    return again or None


def _unused_scratch(board: Board, entries: Entries, choice: Choice | None) -> CandidateRecord | None:
    """The plan from scratch as a candidate, where no ladder says it already."""
    last = board.last
    if last is None or isinstance(board.scratch, Rejection):
        return None
    if choice is not None and choice.ladder.rungs[-1].name == last.name:
        return None
    return entries.candidate(board.scratch)


def _best(board: Board) -> list[Placed]:
    """What may run first, then by cost for the chance: what a rung is worth before the rest of the ladder is known."""
    possible = admissible(board.rungs, board.last, board.rules)
    first = list(islice(by_price(possible), MAX_CANDIDATES))
    if len(first) < MAX_CANDIDATES:
        numbers = {id(rung) for rung in possible}
        others = by_price(rung for rung in board.rungs if id(rung) not in numbers)
        first += islice(others, MAX_CANDIDATES - len(first))
    return [board.placed(rung) for rung in first]


def _saving(board: Board, ladder: Ladder, placed: Sequence[Placed], probe: Probe | None) -> Interval | None:
    compared = board.counterfactual
    if compared is None or placed[0].candidate.model is None:
        return None
    scratch = Arm("scratch", compared.profile, compared.estimate)
    arms = [_arm(one, scratch) for one in placed]
    ending = list(zip(arms, ending_probabilities(ladder), strict=True))
    if probe is not None:
        ending.insert(0, (Arm("probe", probe.hardware.profile.metadata.name, probe.estimate), 0.0))
    return saving_grams(ending, scratch)


def _arm(placed: Placed, scratch: Arm) -> Arm:
    if placed.candidate.model is None:
        return scratch
    return Arm(placed.name, placed.candidate.hardware.profile.metadata.name, placed.candidate.estimate)


def _conditions(request: Request, ladder: Iterable[Placed]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Limitations and obligations of every base model on the ladder, and of the data."""
    models = [placed.candidate.model for placed in ladder if placed.candidate.model is not None]
    limitations = dict.fromkeys(
        f"{model.reference.name}: {text}"[:MAX_SENTENCE] for model in models for text in model.spec.limitations
    )
    return tuple(limitations), obligations(models, request.spec.dataset.license, request.resolved.use)


def _intensity(request: Request, first: Placed) -> Intensity:
    return request.world.intensity_of(first.candidate.hardware.profile)


def _message(
    board: Board,
    choice: Choice,
    placed: Sequence[Placed],
    forgone: Placed | None,
    saving: Interval | None,
    probe: Probe | None,
) -> str:
    """The plan in a sentence or two, with the numbers that decided."""
    ladder, request = choice.ladder, board.request
    rungs = zip(ladder.rungs, placed, strict=True)
    steps = ", then ".join(f"{rung.name} ({_grams(one)}, chance {rung.chance:.2f})" for rung, one in rungs)
    cut_short = "" if ladder.proven else " Its search was cut short: a better one may exist."
    parts = [choice.reason.sentence, f"Plan: {steps}; together {ladder.chance:.2f}.{cut_short}"]
    if request.mode is not request.resolved.mode:
        parts.insert(1, WITHOUT_TARGET)
    if probe is not None:
        parts.insert(0, probe.sentence(request))
    if forgone is not None:
        parts.append(f"Forgone: {forgone.name} ({_grams(forgone)}).")
    if saving is not None and board.counterfactual is not None:
        basis = board.counterfactual.basis.lower()
        parts.append(f"Expected saving against scratch ({basis}): {saving.low} to {saving.high} gCO2e.")
    if request.chance_score.judged:
        parts.append(f"Chances: {request.chance_score.sentence}.")
    if isinstance(board.scratch, Rejection) and request.has_scratch_plan:
        parts.append(f"Scratch: {board.scratch.sentence}.")
    return " ".join(parts)[:1024]


def _grams(placed: Placed) -> str:
    return f"{placed.candidate.estimate.carbon.median:.3g} gCO2e"
