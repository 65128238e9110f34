"""A decision made again from its record alone: the same ladder and the same reason, so the same digest.

A ladder is searched by the figures that the record shows, so nothing is lost by rounding. A record keeps the best
candidates and counts the rest; what was left out cannot change the outcome, because the ladder's own rungs are kept
and a best ladder of many candidates is also the best of any few that hold it. Records of refusals hold no ladder;
they replay to none. What the estimates and chances were made from stands in their inputs.
"""

from collections.abc import Iterable

from coppice.api.base import rounded
from coppice.api.decision import CandidateRecord, DecisionRecord
from coppice.api.reasons import DecisionReason
from coppice.api.trainingjob import Limits
from coppice.api.vocabulary import Method, Mode
from coppice.planning.board import rung_of
from coppice.planning.candidate import rung_name
from coppice.planning.choice import Choice, Question, answer
from coppice.planning.ladder import MAX_RUNGS, Rules, Rung, admissible, miss_probability
from coppice.planning.request import NO_LIMIT
from coppice.planning.rung import expected_cost

SCRATCH = rung_name(Method.FROM_SCRATCH, None)


def replay(record: DecisionRecord) -> DecisionRecord:
    """The record with the choice made again. Equal inputs give equal bytes: its digest is that of the original."""
    known = {_name(candidate): candidate for candidate in _candidates(record)}
    choice = answer(_question(record, known))
    if choice is None:
        nothing = {"ladder": (), "ladder_chance": None, "ladder_expected": None, "forgone": None}
        return record.model_copy(update=nothing | {"reason": _without_ladder(record)})
    if record.search_cut_short:
        return _as_recorded(record, choice)
    advised = choice.advised
    return record.model_copy(
        update={
            "reason": choice.reason,
            "ladder": tuple(known[rung.name] for rung in choice.ladder.rungs),
            "ladder_chance": rounded(choice.ladder.chance),
            "ladder_expected": rounded(choice.ladder.cost),
            "forgone": known[advised.rungs[0].name] if advised else None,
        }
    )


def _as_recorded(record: DecisionRecord, choice: Choice) -> DecisionRecord:
    """With the recorded ladder, judged anew: a search that was cut short may end elsewhere among fewer candidates."""
    left = _remaining(record)
    rungs = [_rung(record, one, left) for one in record.ladder]
    figures = {"ladder_chance": rounded(1 - miss_probability(rungs)), "ladder_expected": rounded(expected_cost(rungs))}
    return record.model_copy(update={"reason": choice.reason, **figures})


def differences(record: DecisionRecord) -> list[str]:
    """What the replay says otherwise, by field; empty where the record is what its inputs make it."""
    again = replay(record)
    fields = ("reason", "ladder", "ladder_chance", "ladder_expected", "forgone")
    return [name for name in fields if getattr(again, name) != getattr(record, name)]


def passed_over(record: DecisionRecord) -> list[tuple[CandidateRecord, str]]:
    """The candidates that fit and stand on no ladder, each with why: the first rule that tells."""
    known = {_name(candidate): candidate for candidate in _candidates(record)}
    asked = _question(record, known)
    chosen = {_name(candidate) for candidate in record.ladder}
    last = asked.last if record.ladder and record.ladder[-1].base_model is None else None
    suffices = record.ladder_chance is not None and float(record.ladder_chance) >= asked.rules.sufficient
    told = []
    for rung in asked.rungs:
        if rung.name in chosen:
            continue
        if not admissible([rung], last, asked.rules):
            why = "no attempt or no room within the limits" + (" beside scratch" if last else "")
        elif suffices:
            why = "the ladder suffices without it"
        elif last is not None and rung.price >= last.cost:
            why = "costs more for its chance than scratch"
        else:
            why = "others make success more likely"
        told.append((known[rung.name], why))
    return told


def _question(record: DecisionRecord, known: dict[str, CandidateRecord]) -> Question:
    left = _remaining(record)
    substitutes = [_rung(record, one, left) for one in known.values() if one.base_model is not None]
    scratch = known.get(SCRATCH)
    last = _rung(record, scratch, left) if scratch else None
    attempts = MAX_RUNGS if record.max_attempts is None else record.max_attempts - record.spent.train_attempts
    return Question(
        mode=record.mode,
        unit=record.optimize_for,
        rungs=substitutes,
        last=last,
        rules=Rules(
            remaining=left,
            train_rungs=max(attempts, 0),
            sufficient=float(record.resolved["sufficientChance"]),
            minimum_saving=float(record.resolved["minimumSavingRatio"]),
        ),
        has_scratch_plan=last is not None or record.reason is DecisionReason.SCRATCH_CANNOT_RUN,
        fitting=record.considered > sum(record.rejected.values()),
    )


def _candidates(record: DecisionRecord) -> Iterable[CandidateRecord]:
    """Every candidate that the record holds; the ladder's last word on one counts."""
    yield from record.candidates
    if record.forgone is not None:
        yield record.forgone
    if record.scratch is not None:
        yield record.scratch
    yield from record.ladder


def _rung(record: DecisionRecord, one: CandidateRecord, left: tuple[float, ...]) -> Rung:
    estimate, base, compared = one.estimate, one.base_model, record.counterfactual
    expected = compared.estimate.expected if base is None and compared else estimate.expected
    chance = float(one.chance.value)
    highs = (estimate.energy_watt_hours.high, estimate.carbon_grams.high, estimate.run_seconds.high)
    return rung_of(
        name=_name(one),
        method=one.method,
        group=f"{base.kind}/{base.name}" if base else Method.FROM_SCRATCH,
        cost=float(expected),
        chance=chance,
        suited=1.0 if one.chance.suited is None else max(float(one.chance.suited), chance),
        highs=tuple(float(high) if most < NO_LIMIT else 0.0 for high, most in zip(highs, left, strict=True)),
        remaining=left if one.assumed else None,
    )


def _remaining(record: DecisionRecord) -> tuple[float, ...]:
    """What the limits leave, in the order of the high estimates."""
    limits, spent = Limits.model_validate(record.resolved.get("limits") or {}), record.spent
    pairs = (
        (limits.energy_watt_hours, float(spent.energy_watt_hours)),
        (limits.carbon_grams, float(spent.carbon_grams)),
        (limits.run_seconds, float(spent.run_seconds)),
    )
    return tuple(NO_LIMIT if most is None else most - used for most, used in pairs)


def _without_ladder(record: DecisionRecord) -> DecisionReason:
    """Why there is none: after attempts, because nothing fits, or because of the limits."""
    if record.reason is DecisionReason.NO_PLAN_LEFT:
        return record.reason
    fitting = record.considered > sum(record.rejected.values())
    scratch = record.scratch is not None and record.mode is not Mode.REQUIRE
    return DecisionReason.LIMITS_TOO_TIGHT if fitting or scratch else DecisionReason.NO_BASE_MODEL_FITS


def _name(one: CandidateRecord) -> str:
    return rung_name(one.method, one.base_model)
