"""A decision record made to fit its annotation: what goes first, and how each thing that goes is told.

First go candidates, then the length of rejections' sentences, limitations and obligations from the last on, lists of the
resolved policy, the inputs of estimates, the end of the message, and at last what changed nothing: the controls, and
what a probe saw of base models that are on no rung. What must be acknowledged and the limits stay whole.
"""

from bisect import bisect_left
from collections.abc import Iterator
from functools import cache
from typing import TypeVar

from coppice.api.decision import (
    MAX_ENCODED_BYTES,
    SHORT_MESSAGE,
    CandidateRecord,
    CounterfactualRecord,
    DecisionRecord,
    ProbeRecord,
)

Holder = TypeVar("Holder", CandidateRecord, CounterfactualRecord, ProbeRecord)


def fitted(record: DecisionRecord) -> DecisionRecord:
    """The record so that it fits into 8 KiB encoded; what had to go is counted where it stood, or named in leftOut."""
    record = _with_most_candidates(record)
    for shorter in SHORTER:
        for smaller in shorter(record):
            if _fits(record):
                return record
            record = smaller
    return record


def _fits(record: DecisionRecord) -> bool:
    return len(record.encoded()) <= MAX_ENCODED_BYTES


def _with_most_candidates(record: DecisionRecord) -> DecisionRecord:
    """With as many candidates as fit, or none; found by halving, as each takes room whatever the others are."""

    @cache
    def without(count: int) -> DecisionRecord:
        kept = record.candidates[: len(record.candidates) - count]
        left_out = record.candidates_left_out + count
        return record.model_copy(update={"candidates": kept, "candidates_left_out": left_out})

    if not record.candidates or _fits(record):
        return record
    counts = range(1, len(record.candidates))
    return without(1 + bisect_left(counts, True, key=lambda count: _fits(without(count))))


def _shorter_rejections(record: DecisionRecord) -> Iterator[DecisionRecord]:
    for length in (160, 80, 40, 0):
        shown = {reason: _cut(sentence, length) for reason, sentence in record.rejections.items() if length}
        yield record.model_copy(update={"rejections": shown})


def _fewer_conditions(record: DecisionRecord) -> Iterator[DecisionRecord]:
    for kept in (32, 16, 8, 4, 2, 1, 0):
        fewer = {name: _first(getattr(record, name), kept) for name in ("limitations", "obligations")}
        yield record.model_copy(update=fewer)


def _fewer_rules(record: DecisionRecord) -> Iterator[DecisionRecord]:
    """Without the parts of `resolved` that can be long; their names are kept."""
    long = ("podExceptions", "hosts", "allowedNetworks", "licenses", "sources", "policies")
    kept = {name: value for name, value in record.resolved.items() if name not in long}
    left_out = [name for name in long if name in record.resolved]
    yield record.model_copy(update={"resolved": {**kept, "leftOut": left_out}, "policies": _first(record.policies, 2)})


def _fewer_inputs(record: DecisionRecord) -> Iterator[DecisionRecord]:
    """Without what estimates and chances were made from, and with the beginning of the message."""
    yield record.model_copy(
        update={
            "ladder": tuple(map(_bare, record.ladder)),
            "forgone": record.forgone and _bare(record.forgone),
            "scratch": record.scratch and _bare(record.scratch),
            "counterfactual": record.counterfactual and _bare_estimate(record.counterfactual),
            "probe": record.probe and _bare_estimate(record.probe),
            "message": _cut(record.message, SHORT_MESSAGE),
        }
    )


def _fewer_asides(record: DecisionRecord) -> Iterator[DecisionRecord]:
    """Without what had no say, or has its say in the chances already; what is gone is named."""
    source = _cut(record.intensity.source, SHORT_MESSAGE)
    told = [*(record.left_out or ()), *(["controls"] if record.controls else [])]
    yield (
        record := record.model_copy(
            update={
                "controls": None,
                "left_out": tuple(told),
                "intensity": record.intensity.model_copy(update={"source": source}),
            }
        )
    )
    tried = {rung.base_model for rung in record.ladder}
    kept = tuple(one.model_copy(update={"message": ""}) for one in record.probed if one.base_model in tried)
    if len(kept) < len(record.probed):
        told.append(f"what a probe saw of {len(record.probed) - len(kept)} base models that are on no rung")
    yield record.model_copy(update={"probed": kept, "left_out": tuple(told)})


SHORTER = (_shorter_rejections, _fewer_conditions, _fewer_rules, _fewer_inputs, _fewer_asides)
"""What goes, after candidates, from a record that is too long, in this order."""


def _bare(candidate: CandidateRecord) -> CandidateRecord:
    return _bare_estimate(candidate).model_copy(update={"chance": candidate.chance.model_copy(update={"inputs": {}})})


def _bare_estimate(holder: Holder) -> Holder:
    return holder.model_copy(update={"estimate": holder.estimate.model_copy(update={"inputs": {}})})


def _first(texts: tuple[str, ...], kept: int) -> tuple[str, ...]:
    """The first texts, and in the last one's place how many more there are."""
    return texts if len(texts) <= kept else (*texts[:kept], f"and {len(texts) - kept} more, left out for length")


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
