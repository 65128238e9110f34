"""A decision made again from its record: the same ladder, reason and digest."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import make_job, make_model, make_policy, make_profile
from coppice.api.decision import DecisionRecord, SpentRecord, decode_record
from coppice.planning import search
from coppice.planning.replay import differences, passed_over, replay
from worlds import Case, decided, refused, rungs, tried

JOB, MODEL = make_job().scratch(), make_model()
PROBE = JOB.methods("LinearProbe")
MANY = [make_model(f"model-{n:02}").architecture(parameters=22713216 + n * 10**6) for n in range(30)]
DEAR = make_model("llama-3.2-1b").architecture(
    family="llama", parameters=1235814400, embeddingParameters=262668288, layers=16, hiddenSize=2048
)
HEAD = MODEL.head("text-classification", *map(str, range(8))).evaluation(
    "text-classification", "0.97", dataset=JOB.get("spec.dataset.uri")
)
SPENT = SpentRecord(train_attempts=1, run_seconds=60)

CASES = {
    "substitution": Case(JOB, [MODEL]),
    "as it is": Case(JOB, [HEAD]),
    "many candidates": Case(JOB, MANY),
    "a namesake in the namespace": Case(JOB, [MODEL, MODEL.namespaced("research")]),
    "more attempts": Case(JOB.max_attempts(8), MANY[:6]),
    "scratch is cheaper": Case(JOB.methods("LoRA"), [DEAR], [make_profile().host(memory="64Gi")]),
    "below the minimum": Case(PROBE, [MODEL], policies=[make_policy().minimum_saving(90)]),
    "nothing fits": Case(JOB.languages("de"), [MODEL]),
    "no room": Case(JOB.max_attempts(1), [MODEL]),
    "recommended": Case(PROBE.mode("Recommend"), [MODEL]),
    "required": Case(PROBE.mode("Require"), MANY),
    "never": Case(JOB.mode("Never"), [MODEL]),
    "no scratch plan": Case(make_job(), [MODEL]),
    "a container of unknown cost": Case(make_job().container().limits(runSeconds=6000), [MODEL]),
    "scratch too large": Case(JOB.limits(runSeconds=600), [MODEL]),
    "after a miss": Case(JOB, [MODEL, DEAR], tried=[tried("LinearProbe", "all-minilm-l6-v2")], spent=SPENT),
    "by money": Case(PROBE.optimize_for("Cost"), [MODEL], [make_profile().price("0.05")]),
    "more certainty": Case(JOB, MANY, policies=[make_policy().sufficient_chance("0.999")]),
}


@pytest.mark.parametrize("name", CASES)
def test_a_decision_replays_bit_for_bit_from_what_its_annotation_holds(name: str) -> None:
    record = CASES[name].decide()
    assert isinstance(record, DecisionRecord)
    stored = decode_record(record.encoded())
    again = replay(stored)
    assert (rungs(again), again.reason) == (rungs(record), record.reason)
    assert again.digest == record.digest
    assert again.encoded() == record.encoded()


@pytest.mark.parametrize(
    "job", [make_job().languages("de"), make_job().limits(runSeconds=5), JOB.limits(energyWattHours=1, runSeconds=5)]
)
def test_a_refusal_replays_to_no_ladder(job) -> None:  # type: ignore[no-untyped-def]
    record = refused(job, MODEL).record
    assert record is not None
    assert replay(record).digest == record.digest


@settings(max_examples=12, deadline=None)
@given(
    target=st.sampled_from(["0.8", "0.95", "0.99"]),
    attempts=st.integers(1, 5),
    seconds=st.sampled_from([600, 2400, 7200, 100_000]),
    chance=st.sampled_from(["0.5", "0.9", "0.95", "1"]),
    models=st.lists(st.sampled_from([*MANY[::6], DEAR, HEAD]), min_size=1, max_size=4, unique_by=id),
    mode=st.sampled_from(["Auto", "Require", "Recommend"]),
)
def test_any_decision_replays(target, attempts, seconds, chance, models, mode) -> None:  # type: ignore[no-untyped-def]
    job = JOB.target(target).max_attempts(attempts).limits(runSeconds=seconds).mode(mode)
    outcome = Case(job, models, policies=[make_policy().sufficient_chance(chance)]).decide()
    record = outcome if isinstance(outcome, DecisionRecord) else outcome.record
    assert record is None or replay(record).digest == record.digest


def test_a_search_that_was_cut_short_says_so_and_replays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "MOST_GROWN", 0)
    record = decided(JOB, *MANY[:4])
    assert record.search_cut_short
    assert "cut short" in record.message
    assert replay(record).digest == record.digest
    monkeypatch.undo()
    assert decided(JOB, *MANY[:4]).search_cut_short is None


def test_a_record_that_was_tampered_with_says_so() -> None:
    record = decided(JOB, MODEL)
    shorter = record.model_copy(update={"ladder": record.ladder[1:]})
    dearer = record.counterfactual.model_copy(
        update={"estimate": record.counterfactual.estimate.model_copy(update={"expected": 10**9})}  # type: ignore[union-attr]
    )
    assert differences(record) == []
    assert "ladder" in differences(shorter)
    assert "ladder_expected" in differences(record.model_copy(update={"counterfactual": dearer}))


def test_what_a_ladder_suffices_without_is_not_blamed_for_its_price() -> None:
    """A dearer rung may stand on the ladder itself: likelihood comes before price."""
    job = make_job().scratch(epochs=10)
    record = decided(job, make_model(), policies=[make_policy("p").sufficient_chance("0.5")])
    assert record.ladder[-1].base_model is None
    assert float(record.ladder_chance or 0) >= 0.5
    told = {one.method.value: why for one, why in passed_over(record)}
    prices = {one.method.value: float(one.estimate.expected / one.chance.value) for one in record.candidates}
    assert prices["FullFineTune"] > float(record.ladder[-1].estimate.expected)
    assert set(told.values()) == {"the ladder suffices without it"}
