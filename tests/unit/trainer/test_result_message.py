"""A result must fit the termination message, and what is given up first must be what matters least."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coppice.api.basemodel import ModelFile
from coppice.api.meta import BaseModelReference
from coppice.api.result import (
    EarlierPod,
    Energy,
    EnergySeries,
    Fault,
    Outcome,
    Reason,
    Result,
    TrainedModel,
    merged_slots,
    parse_result,
    slot_start,
    termination_message,
)
from coppice.api.trainingjob_status import ProbedModel
from coppice.api.vocabulary import BaseModelKind, Component, Grade

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DIGEST = "sha256:" + "a" * 64


def energy(slots: int, *, start: datetime = NOON, series: int = 1) -> Energy:
    kinds = list(Component)[:series]
    return Energy(
        slots_start=start,
        series=tuple(
            EnergySeries(component=kind, grade=Grade.MODELLED, joules=tuple(Decimal(10_000 + i) for i in range(slots)))
            for kind in kinds
        ),
    )


def result(**changes: object) -> Result:
    return Result.model_validate({"attempt": 1, "pod_uid": "u" * 36, "outcome": Outcome.COMPLETED, **changes})


def total(value: Energy) -> Decimal:
    return sum((joules for series in value.series for joules in series.joules), Decimal(0))


def trained(files: int) -> TrainedModel:
    listed = tuple(ModelFile(name=f"file-{i}.json", digest=DIGEST, size_bytes=10**9) for i in range(files))
    return TrainedModel(directory="/coppice/output/x", digest=DIGEST, files=listed, labels=("earn", "acq"))


def test_a_small_result_travels_unchanged() -> None:
    small = result(energy=energy(3), quality="0.957", n=2189, model=trained(4))
    assert parse_result(termination_message(small)) == small


def probed(name: str, message: str = "") -> ProbedModel:
    figures = {} if message else {"linear_quality": Decimal("0.9512"), "neighbour_quality": Decimal("0.9234")}
    reference = BaseModelReference(kind=BaseModelKind.CLUSTER, name=name)
    return ProbedModel(base_model=reference, message=message, examples=512, sample=2048, **figures)


@pytest.mark.parametrize("message", ["", "BadModel: " + "x" * 246], ids=["figures", "messages"])
def test_what_a_probe_saw_of_eight_base_models_always_fits(message: str) -> None:
    seen = tuple(probed(f"{number}" + "m" * 252, message) for number in range(8))
    text = termination_message(result(probed=seen, energy=energy(96, series=3), notes=("a note " * 20,) * 8))
    assert len(text.encode()) <= 4096
    kept = parse_result(text)
    assert kept is not None
    assert [one.linear_quality for one in kept.probed] == [one.linear_quality for one in seen]


@pytest.mark.parametrize("slots", [1, 48, 96])
@pytest.mark.parametrize("files", [0, 8, 256])
@pytest.mark.parametrize("pods", [0, 3, 64])
def test_any_result_fits_and_keeps_its_outcome(slots: int, files: int, pods: int) -> None:
    earlier = tuple(EarlierPod(pod_uid=f"{i:036}", outcome=Outcome.LOST, energy=energy(slots)) for i in range(pods))
    faults = tuple(Fault(reason=Reason.INTERNAL, message="é" * 1024) for _ in range(8))
    full = result(energy=energy(slots, series=3), model=trained(files), earlier=earlier, errors=faults, quality="0.9")
    text = termination_message(full)
    assert len(text.encode()) <= 4096
    parsed = parse_result(text)
    assert parsed is not None
    assert (parsed.outcome, parsed.quality) == (Outcome.COMPLETED, Decimal("0.9"))


def test_slots_are_merged_before_a_file_digest_is_lost() -> None:
    parsed = parse_result(termination_message(result(energy=energy(96, series=4), model=trained(8))))
    assert parsed is not None
    assert parsed.energy is not None
    assert parsed.model is not None
    assert parsed.energy.slot_seconds > 900
    assert len(parsed.model.files) == 8


@given(
    st.integers(min_value=1, max_value=96),
    st.integers(min_value=0, max_value=200),
    st.sampled_from([1, 3, 6, 12, 24, 48]),
)
def test_merging_keeps_sums_alignment_and_cover(slots: int, offset: int, at_most: int) -> None:
    before = energy(slots, start=NOON + timedelta(seconds=900 * offset), series=2)
    after = merged_slots(before, at_most)
    assert total(after) == total(before)
    assert after.slots_start == slot_start(after.slots_start, after.slot_seconds) <= before.slots_start
    count = len(after.series[0].joules)
    end = after.slots_start + timedelta(seconds=count * after.slot_seconds)
    assert end >= before.slots_start + timedelta(seconds=900 * slots)


@pytest.mark.parametrize("text", ["", "Killed", "{}", '{"attempt": 0}', "[]", "null"])
def test_what_is_no_result_reads_as_none(text: str) -> None:
    assert parse_result(text) is None
