"""The record: complete, small, and the same for the same inputs."""

from builders import make_job, make_model, make_policy, make_profile
from coppice.api.decision import MAX_ENCODED_BYTES, decode_record
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
