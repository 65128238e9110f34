"""The record: complete, small, and the same for the same inputs."""

import base64
import json
import zlib
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import make_job, make_model, make_policy, make_profile
from coppice.api.decision import MAX_ENCODED_BYTES, ControlsRecord, DecisionRecord, decode_record
from coppice.api.meta import BaseModelReference
from coppice.api.reasons import FitReason
from coppice.api.shortening import fitted
from coppice.api.trainingjob_status import ProbedModel
from coppice.api.vocabulary import BaseModelKind
from coppice.planning.acknowledgement import MOST_STRINGS, unacknowledged
from worlds import NOW, Case, decided

JOB, MODEL = make_job().scratch(), make_model()
MANY = [make_model(f"model-{n:02}").architecture(parameters=22713216 + n * 10**6) for n in range(30)]


def test_equal_inputs_give_equal_bytes_in_whatever_order_the_world_is_told() -> None:
    profiles = [make_profile(), make_profile("other").zone("SE")]
    one = Case(JOB, MANY, profiles).decide()
    other = Case(JOB, MANY[::-1], profiles).decide()
    assert one.encoded() == other.encoded()  # type: ignore[union-attr]
    assert one.digest == other.digest  # type: ignore[union-attr]


def test_a_record_survives_its_annotation() -> None:
    record = decided(JOB, MODEL)
    assert decode_record(record.encoded()) == record


def test_the_record_fits_the_annotation_and_counts_what_it_leaves_out() -> None:
    record = decided(JOB, *MANY)
    assert len(record.encoded()) <= MAX_ENCODED_BYTES
    assert len(record.candidates) + record.candidates_left_out == 90
    assert record.considered == 30 * 5


def test_the_record_says_what_it_was_made_from() -> None:
    case = Case(JOB, [MODEL], policies=[make_policy("frugal").minimum_saving(5)], pue="1.3", grams="50")
    record = case.decide()
    assert record.policies == ("frugal",)  # type: ignore[union-attr]
    assert record.resolved["minimumSavingRatio"] == "0.05"  # type: ignore[union-attr]
    assert record.catalogue_digest == case.world.catalogue.digest_for("research")  # type: ignore[union-attr]
    assert str(record.intensity.grams_per_kilowatt_hour) == "50"  # type: ignore[union-attr]
    assert (record.decided_at, record.software_version) == (NOW, "test")  # type: ignore[union-attr]
    assert record.job_uid == JOB.build().metadata.uid  # type: ignore[union-attr]


def test_the_intensity_is_that_of_the_first_rung_s_zone() -> None:
    record = decided(
        JOB, MODEL, profiles=[make_profile("a").zone("PL"), make_profile("b").zone("SE")], zones={"SE": "20"}
    )
    assert record.ladder[0].profile == "b"
    assert record.intensity.zone == "SE"


def test_a_refusal_carries_what_was_looked_at() -> None:
    outcome = Case(make_job().languages("de"), [MODEL]).decide()
    assert outcome.record.rejected == {"LanguageMismatch": 1}  # type: ignore[union-attr]
    assert outcome.record.ladder == ()  # type: ignore[union-attr]


def test_the_trainer_is_told_the_epochs_that_were_estimated() -> None:
    record = decided(JOB.hyperparameters(epochs=2), MODEL)
    trained = {one.method: one.hyperparameters for one in record.candidates}
    assert trained["LoRA"] == {"epochs": 2}  # type: ignore[index]
    assert trained["LinearProbe"] == {}  # type: ignore[index]


def test_the_message_reads_as_a_plan() -> None:
    text = decided(JOB.methods("LinearProbe"), MODEL).message
    assert "LinearProbe on all-minilm-l6-v2" in text
    assert "then training from scratch" in text
    assert "declared" in text


def test_another_tenant_s_models_change_nothing() -> None:
    stranger = make_model("secret").namespaced("sales")
    assert decided(JOB, MODEL, stranger).encoded() == decided(JOB, MODEL).encoded()


NAME = "abcdefghijklmnopqrstuvwxyz0123456789"
ANY = NAME + "ABCDEFGHIJKLMNOPQRSTUVWXYZ äöüßéèñçøåæœłżźćńśğıñ 的一是在不了有和人这中大为上个国我以要他"
BASE = decided(JOB, MODEL)
RUNGS = [*decided(JOB, *MANY).candidates, *decided(JOB, MODEL).candidates] * 8


def dumped(record: DecisionRecord) -> str:
    """Canonical JSON from the record as a whole."""
    return json.dumps(record.wire(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


@pytest.mark.parametrize("record", [BASE, decided(JOB.hyperparameters(epochs=2), *MANY)])
def test_what_is_written_part_by_part_is_the_record_s_json(record: DecisionRecord) -> None:
    assert record.canonical() == dumped(record)


def test_twins_share_one_estimate_on_the_record() -> None:
    record = decided(JOB.methods("LinearProbe"), *(make_model(f"twin-{number}") for number in range(5)))
    assert len(record.candidates) == 5
    assert len({id(one.estimate) for one in record.candidates}) == 1


def test_a_changed_copy_is_written_and_named_anew() -> None:
    changed = BASE.model_copy(update={"message": "other"})
    assert (changed.canonical(), changed.digest) != (BASE.canonical(), BASE.digest)
    assert changed.canonical() == dumped(changed)
    assert decode_record(changed.encoded()).message == "other"


def test_a_record_is_the_same_whether_or_not_it_was_written() -> None:
    written, other = (BASE.model_copy() for _ in range(2))
    assert written.encoded()
    assert written == other
    assert written.model_dump() == other.model_dump()


NONE_ELSE = {"names": 0, "rungs": 1, "probed": 0}


def swollen(random: Random, **most: int) -> DecisionRecord:
    """A record with so many random parts, each as long as the API lets it be."""

    def text(length: int, letters: str = ANY) -> str:
        return "".join(random.choices(letters, k=length))

    subjects = [text(random.choice((10, 200)), NAME) for _ in range(9)]

    def reference() -> BaseModelReference:
        return BaseModelReference(kind=BaseModelKind.CLUSTER, name=text(253, NAME))

    def rung(candidate: Any) -> Any:
        return candidate.model_copy(update={"base_model": reference(), "profile": text(63, NAME)})

    def conditions(count: int) -> tuple[str, ...]:
        return tuple(f"{subjects[n % 9]}: {text(300)}"[:256] for n in range(count))

    limitations, obligations = conditions(most["limitations"]), conditions(most["obligations"])
    names = [text(253, NAME) for _ in range(most["names"])]
    changes = {
        "message": text(1024),
        "ladder": tuple(rung(one) for one in RUNGS[: most["rungs"]]),
        "forgone": rung(BASE.ladder[0]),
        "limitations": limitations,
        "obligations": obligations,
        "unacknowledged": unacknowledged((*limitations, *obligations), ()),
        "rejections": {str(reason): text(300) for reason in list(FitReason)[: most["rejections"]]},
        "resolved": {**BASE.resolved, "hosts": names, "licenses": {"allow": names}, "limits": {"runSeconds": 60}},
        "policies": tuple(names),
        "candidates": tuple(rung(one) for one in RUNGS[: most["candidates"]]),
        "probed": tuple(ProbedModel(base_model=reference(), message=text(128)) for _ in range(most["probed"])),
        "controls": ControlsRecord(parameters=[text(253, NAME)] * 3, static_rank=[text(253, NAME)] * 3),
        "intensity": BASE.intensity.model_copy(update={"source": text(300)}),
    }
    return BASE.model_copy(update=changes)


@settings(max_examples=15, deadline=None)
@given(
    st.integers(),
    st.fixed_dictionaries(
        {
            "rungs": st.integers(1, 8),
            "candidates": st.integers(0, 20),
            "rejections": st.integers(0, 20),
            "limitations": st.integers(0, 40),
            "obligations": st.integers(0, 40),
            "names": st.integers(0, 64),
            "probed": st.integers(0, 8),
        }
    ),
)
def test_every_record_fits_whatever_was_written(seed: int, most: dict[str, int]) -> None:
    whole = swollen(Random(seed), **most)
    record = fitted(whole)
    assert len(record.encoded()) <= MAX_ENCODED_BYTES
    assert record.unacknowledged == whole.unacknowledged
    assert [(one.method, one.base_model) for one in record.ladder] == [
        (one.method, one.base_model) for one in whole.ladder
    ]
    assert record.resolved["limits"] == {"runSeconds": 60}
    assert len(record.candidates) + record.candidates_left_out == most["candidates"]
    assert decode_record(record.encoded()) == record
    assert record.canonical() == dumped(record)


def test_what_had_no_say_goes_last_and_is_named() -> None:
    most = {"rejections": 20, "limitations": 40, "obligations": 40, "names": 64}
    record = fitted(swollen(Random(1), rungs=8, candidates=20, probed=8, **most))
    assert len(record.encoded()) <= MAX_ENCODED_BYTES
    assert record.left_out == ("controls", "what a probe saw of 8 base models that are on no rung")


@pytest.mark.parametrize("seed", range(5))
def test_no_candidate_goes_that_would_have_fitted(seed: int) -> None:
    whole = swollen(Random(seed), limitations=1, obligations=1, rejections=3, candidates=20, **NONE_ELSE)
    kept = len(fitted(whole).candidates)
    assert 0 < kept < 20
    one_more = {"candidates": whole.candidates[: kept + 1], "candidates_left_out": 19 - kept}
    assert len(whole.model_copy(update=one_more).encoded()) > MAX_ENCODED_BYTES


@pytest.mark.parametrize("seed", range(5))
def test_a_record_fits_whenever_it_does_as_small_as_it_can_be(seed: int) -> None:
    whole = swollen(Random(seed), limitations=1, obligations=1, rejections=3, candidates=20, **NONE_ELSE)
    for count in range(20):
        record = whole.model_copy(update={"candidates": whole.candidates[:count]})
        smallest = base64.b64encode(zlib.compress(record.canonical().encode(), 9))
        assert (len(record.encoded()) <= MAX_ENCODED_BYTES) == (len(smallest) <= MAX_ENCODED_BYTES)
        assert decode_record(record.encoded()) == record


def test_a_record_that_fits_loses_nothing() -> None:
    assert fitted(BASE) == BASE


def test_what_is_left_out_is_counted_and_candidates_go_first() -> None:
    whole = swollen(Random(1), limitations=40, obligations=0, rejections=20, candidates=0, **NONE_ELSE)
    record = fitted(whole)
    kept = len(record.limitations) - 1
    assert record.limitations == (*whole.limitations[:kept], f"and {40 - kept} more, left out for length")
    few = fitted(swollen(Random(1), limitations=1, obligations=1, rejections=3, candidates=20, **NONE_ELSE))
    assert (few.candidates_left_out > 0, len(few.rejections), len(few.limitations)) == (True, 3, 1)


MANY_WANTED = [f"m{n % 3}: sentence {n}" for n in range(40)]


@pytest.mark.parametrize(
    ("wanted", "accepted", "missing"),
    [
        ([], [], 0),
        (["a: x", "a: y", "b: z"], ["a: y"], 2),
        (MANY_WANTED[:32], [], 32),
        (MANY_WANTED, [], 3),
        (MANY_WANTED[:30], [f"other: {n}" for n in range(3)], 3),
        ([f"m: {''.join(Random(n).choices(ANY, k=250))}" for n in range(8)], [], 1),
    ],
)
def test_no_more_is_to_be_acknowledged_than_a_job_can(wanted: list[str], accepted: list[str], missing: int) -> None:
    asked = unacknowledged(wanted, accepted)
    assert len(asked) == missing
    assert len(asked) + len(accepted) <= MOST_STRINGS
    assert unacknowledged(wanted, [*accepted, *asked]) == ()


def test_an_acknowledgement_of_everything_is_of_what_was_told() -> None:
    asked = unacknowledged(MANY_WANTED, [])
    assert unacknowledged(MANY_WANTED[:30], asked) != ()
    assert unacknowledged([*MANY_WANTED[:-1], "m0: something else"], asked) != ()
