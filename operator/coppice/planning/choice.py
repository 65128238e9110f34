"""The choice: what the modes make of the ladder.

    Never       scratch, nothing else looked at
    Recommend   scratch; the substitute that Auto would have tried first is recorded as forgone
    Require     base models only
    Auto        the best ladder that ends in scratch; base models only where there is no such plan or it cannot run

A mode that cannot do what it says is refused with the change that would help.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from coppice.api.decision import DecisionRecord
from coppice.api.reasons import AttemptOutcome, DecisionReason, FitReason, StateReason
from coppice.api.vocabulary import Method, Mode, OptimizeFor
from coppice.planning.board import Board
from coppice.planning.fit.rejection import Rejection
from coppice.planning.ladder import Ladder, Rules, Rung, admissible, best_ladder, fits, miss_probability
from coppice.planning.licenses import judge_data
from coppice.planning.request import Request

SAVES = {
    OptimizeFor.CARBON: DecisionReason.FINE_TUNE_SAVES_CARBON,
    OptimizeFor.ENERGY: DecisionReason.FINE_TUNE_SAVES_ENERGY,
    OptimizeFor.COST: DecisionReason.FINE_TUNE_SAVES_COST,
    OptimizeFor.TIME: DecisionReason.FINE_TUNE_SAVES_TIME,
}
ENDS: Mapping[AttemptOutcome, StateReason] = {
    AttemptOutcome.NO_RESULT: StateReason.NO_RESULT,
    AttemptOutcome.FAILED: StateReason.ATTEMPT_FAILED,
    AttemptOutcome.OUT_OF_MEMORY: StateReason.OUT_OF_MEMORY,
    AttemptOutcome.LIMIT_EXCEEDED: StateReason.LIMIT_EXCEEDED,
}
"""How a job ends when no rung is left, by its last attempt; a miss otherwise."""


@dataclass(frozen=True)
class Refusal:
    """Nothing may run: why, a sentence that says what would help, and what was found where anything was looked at."""

    reason: StateReason
    message: str
    record: DecisionRecord | None = None


SELDOM = 0.5
"""Below this chance the plan from scratch is cheap to try because it seldom reaches the target, which is no saving: on
this project's trials, what trying costs alone chose scratch wherever data were too few for it, and it failed."""


@dataclass(frozen=True)
class Choice:
    """The chosen ladder and why; `advised` is the ladder whose first rung was forgone (mode Recommend)."""

    ladder: Ladder
    reason: DecisionReason
    advised: Ladder | None = None

    @property
    def compared(self) -> Ladder:
        """The ladder whose saving is told."""
        return self.advised or self.ladder


def impossible(request: Request) -> Refusal | None:
    """A job that cannot be decided whatever is registered."""
    verdict = judge_data(request.spec.dataset.license, request.resolved.use)
    if verdict.refusal:
        sentence = f"dataset.license: {verdict.refusal}; use other data or state another use"
        return Refusal(StateReason.INVALID_SPEC, sentence)
    if not request.world.profiles:
        return Refusal(StateReason.NO_PROFILE, "there is no ComputeProfile; an administrator must create one")
    target = request.spec.objective.target is not None
    asked = request.resolved.mode
    if asked is Mode.REQUIRE and not target:
        by = request.resolved.because("mode")
        return Refusal(StateReason.NO_TARGET, f"mode Require ({by}) needs objective.target: add the quality to reach")
    if request.has_scratch_plan or asked is Mode.REQUIRE:
        return None
    if asked is Mode.AUTO:
        if target:
            return None
        return Refusal(StateReason.NO_TARGET, "add objective.target, or a plan from scratch (fromScratch)")
    by = request.resolved.because("mode")
    sentence = f"mode {asked} ({by}) trains from scratch: add fromScratch, trainer.container or trainer.template"
    return Refusal(StateReason.NO_SCRATCH_PLAN, sentence)


@dataclass(frozen=True)
class Question:
    """What the choice is made from, and nothing else: so a decision can be made again from its record.

    `last` is the plan from scratch as a rung, None where there is none or it cannot run; `fitting` says whether any
    base model fits at all.
    """

    mode: Mode
    unit: OptimizeFor
    rungs: Sequence[Rung]
    last: Rung | None
    rules: Rules
    has_scratch_plan: bool
    fitting: bool
    scratch_tried: bool = False


def choose(board: Board) -> Choice | Refusal:
    """The plan for a job that can be decided."""
    request = board.request
    asked = Question(
        mode=request.mode,
        unit=request.unit,
        rungs=board.rungs,
        last=board.last,
        rules=board.rules,
        has_scratch_plan=request.has_scratch_plan,
        fitting=bool(board.survey.groups),
        scratch_tried=request.was_tried(Method.FROM_SCRATCH, None),
    )
    return answer(asked) or _refusal(board)


def answer(asked: Question) -> Choice | None:
    """The plan that the modes make of the ladder; None where nothing may run."""
    if asked.mode is Mode.REQUIRE:
        return _without_scratch(asked, DecisionReason.SUBSTITUTION_REQUIRED)
    auto, last = asked.mode is Mode.AUTO, asked.last
    if auto and not asked.has_scratch_plan:
        return _without_scratch(asked, DecisionReason.NO_SCRATCH_PLAN)
    if last is None:
        return _without_scratch(asked, DecisionReason.SCRATCH_CANNOT_RUN) if auto else None
    if asked.scratch_tried:
        return None
    if not fits([last], asked.rules):
        left = auto and asked.rules.train_rungs
        return _without_scratch(asked, DecisionReason.SCRATCH_EXCEEDS_LIMITS) if left else None
    return _with_scratch(asked, last)


def _with_scratch(asked: Question, last: Rung) -> Choice:
    alone = Ladder((last,), last.chance, last.cost)
    if asked.mode is Mode.NEVER:
        return Choice(alone, DecisionReason.SUBSTITUTION_OFF)
    best = best_ladder(asked.rungs, last, asked.rules)
    assert best is not None
    if len(best.rungs) == 1 and last.chance < SELDOM and not _saves_anything(asked, last):
        best = best_ladder(asked.rungs, last, replace(asked.rules, by_success=True)) or best
    if asked.mode is Mode.RECOMMEND:
        advised = best if len(best.rungs) > 1 else None
        return Choice(alone, DecisionReason.RECOMMENDED_ONLY, advised)
    if len(best.rungs) > 1 and best.cost >= last.cost:
        return Choice(best, DecisionReason.SCRATCH_SELDOM_SUFFICES)
    if len(best.rungs) > 1:
        return Choice(best, SAVES[asked.unit])
    return Choice(best, _why_not(asked, last))


def ending_probabilities(ladder: Ladder) -> list[float]:
    """For each rung the probability that the job ends with it: by success, or because it is the last."""
    reached = [miss_probability(ladder.rungs[:n]) for n in range(len(ladder.rungs))]
    return [here - after for here, after in zip(reached, [*reached[1:], 0.0], strict=True)]


def _why_not(asked: Question, last: Rung) -> DecisionReason:
    """Why no base model is tried before scratch."""
    if not asked.fitting:
        return DecisionReason.NO_BASE_MODEL_FITS
    if not admissible(asked.rungs, last, asked.rules):
        return DecisionReason.NO_ROOM_TO_TRY
    saves = _saves_anything(asked, last)
    return DecisionReason.SAVING_BELOW_MINIMUM if saves else DecisionReason.SCRATCH_IS_CHEAPER


def _saves_anything(asked: Question, last: Rung) -> bool:
    """Whether trying base models first would be expected to save, were there no minimum.

    A ladder saves only if one of its rungs alone does: each spares the last one a share of its runs, at its own price.
    """
    return any(rung.price < last.cost for rung in admissible(asked.rungs, last, asked.rules))


def _without_scratch(asked: Question, reason: DecisionReason) -> Choice | None:
    best = best_ladder(asked.rungs, None, asked.rules)
    return Choice(best, reason) if best is not None else None


def _refusal(board: Board) -> Refusal:
    """Why nothing may run, and what would help."""
    request, last = board.request, board.last
    alone = request.mode is Mode.REQUIRE or (request.mode is Mode.AUTO and not request.has_scratch_plan)
    if isinstance(board.scratch, Rejection) and not alone:
        if request.mode is not Mode.AUTO or not (board.rungs or request.tried):
            unknown = board.scratch.reason is FitReason.METHOD_UNSUPPORTED
            return Refusal(StateReason.INVALID_SPEC if unknown else StateReason.NO_PROFILE, board.scratch.sentence)
        alone = True
    if alone or last is None:
        return _no_substitute(board)
    if request.was_tried(Method.FROM_SCRATCH, None):
        return _ended(board, "no rung is left")
    if request.tried:
        return _nothing_left(board)
    plans = [last, *board.rungs] if request.mode is Mode.AUTO else [last]
    return Refusal(StateReason.LIMITS_TOO_TIGHT, _too_tight(board, plans))


def _no_substitute(board: Board) -> Refusal:
    if board.request.tried:
        return _nothing_left(board)
    if not board.survey.groups:
        return Refusal(StateReason.NO_BASE_MODEL_FITS, f"no base model fits: {found_wanting(board)}")
    return Refusal(StateReason.LIMITS_TOO_TIGHT, _too_tight(board, board.rungs))


def _nothing_left(board: Board) -> Refusal:
    fitting = board.open
    return _ended(
        board, f"{fitting} candidates do not fit the limits and attempts left" if fitting else "no rung is left"
    )


def _ended(board: Board, left: str) -> Refusal:
    return Refusal(ENDS.get(board.request.tried[-1].outcome, StateReason.OBJECTIVE_MISSED), left)


def _too_tight(board: Board, plans: Iterable[Rung]) -> str:
    """The cheapest plan's high estimate beside what the limits leave."""
    plan = board.placed(min(plans, key=lambda rung: (rung.cost, rung.name)))
    units = ("Wh (limits.energyWattHours)", "gCO2e (limits.carbonGrams)", "s (limits.runSeconds)")
    over = [
        f"{high:.4g} of {max(left, 0):.4g} {unit}"
        for high, left, unit in zip(plan.candidate.estimate.highs, board.request.remaining, units, strict=True)
        if high > left
    ]
    return (
        f"{plan.name} may need {', '.join(over) or 'more attempts than maxAttempts'}; raise the limit or shrink the job"
    )


def found_wanting(board: Board, most: int = 5) -> str:
    """The commonest reasons of rejection with their first sentences."""
    if not board.survey.rejected:
        return f"none is registered for {board.request.spec.task}"
    commonest = sorted(board.survey.rejected.items(), key=lambda item: (-item[1], item[0]))[:most]
    return "; ".join(f"{reason} {count} ({board.survey.sentences[reason]})" for reason, count in commonest)
