"""A realistic decision: which of eleven public models should classify Reuters newswires on two cores?

Figures of the models are those of their public configurations; the plan from scratch is a BERT of four layers and
width 256 for ten epochs. The right answer is cheap features of a small sentence encoder, for reasons that can be read
off the record: the large encoders cost more than training the small network, the others do not fit.
"""

from typing import Any

import pytest

from builders import Builder, make_job, make_model, make_policy, make_profile
from coppice.api.decision import DecisionRecord
from coppice.api.vocabulary import Basis, Method
from worlds import decided, rungs

TEXT = {  # parameters, input embeddings, layers, width, longest input, languages, licence
    "bert-base-uncased": (109482240, 23837184, 12, 768, 512, ["en"], "Apache-2.0"),
    "distilbert-base-uncased": (66362880, 23835648, 6, 768, 512, ["en"], "Apache-2.0"),
    "roberta-base": (124645632, 39000576, 12, 768, 514, ["en"], "MIT"),
    "xlm-roberta-base": (278043648, 192398592, 12, 768, 514, ["en", "de", "fr", "zh"], "MIT"),
    "deberta-v3-base": (183831552, 98380800, 12, 768, 512, ["en"], "MIT"),
    "bge-small-en-v1.5": (33360000, 11917824, 12, 384, 512, ["en"], "MIT"),
    "e5-small-v2": (33360000, 11917824, 12, 384, 512, ["en"], "MIT"),
    "gbert-base": (109927680, 24282624, 12, 768, 512, ["de"], "MIT"),
    "llama-3.2-1b": (1235814400, 262668288, 16, 2048, 131072, ["en", "de", "fr"], "LicenseRef-llama3.2"),
}
IMAGES = {"vit-base-patch16-224": 35_128_000_000, "resnet-50": 8_178_000_000}


def text_model(name: str) -> Builder[Any]:
    parameters, embeddings, layers, width, longest, languages, license_id = TEXT[name]
    return (
        make_model(name)
        .architecture(parameters=parameters, embeddingParameters=embeddings, layers=layers, hiddenSize=width)
        .architecture(maxSequenceLength=longest)
        .languages(*languages)
        .license(license_id)
    )


def image_model(name: str) -> Builder[Any]:
    builder = make_model(name).modality("image").tasks("image-classification").languages().domains("image/objects")
    return builder.architecture(
        parameters=86_567_656, embeddingParameters=0, layers=None, hiddenSize=None, forwardFlopsPerExample=IMAGES[name]
    )


CATALOGUE = [make_model(), *map(text_model, TEXT), *map(image_model, IMAGES)]
R8 = make_job().dataset(license="other").scratch(epochs=10).use(commercial=True, distribution="Internal")
TWO_CORES = make_profile().host(memory="16Gi", peakTeraFlops="0.166")


@pytest.fixture(scope="module")
def record() -> DecisionRecord:
    return decided_with(sufficient_chance="0.9")


def decided_with(sufficient_chance: str) -> DecisionRecord:
    job, policy = R8.resources(cpu="2", memory="8Gi"), make_policy().minimum_saving(10)
    policies = [policy.sufficient_chance(sufficient_chance)]
    return decided(job, *CATALOGUE, profiles=[TWO_CORES], policies=policies)


def test_a_small_encoder_is_tried_before_training_from_scratch(record: DecisionRecord) -> None:
    first = record.ladder[0]
    assert first.method in {Method.LINEAR_PROBE, Method.LORA, Method.FULL_FINE_TUNE}
    assert first.base_model is not None
    assert first.base_model.name == "all-minilm-l6-v2"
    assert rungs(record)[-1] == "FromScratch"
    assert record.reason == "FineTuneSavesCarbon"


def test_the_first_rung_is_cheap_and_likely_for_what_it_costs(record: DecisionRecord) -> None:
    first, last = record.ladder[0], record.ladder[-1]
    assert first.estimate.carbon_grams.mid < last.estimate.carbon_grams.mid / 2
    assert first.chance.value > last.chance.value
    assert first.chance.basis == "prior only"


def test_a_policy_that_asks_for_more_certainty_gets_it_and_pays_for_it() -> None:
    lenient, strict = decided_with("0.8"), decided_with("0.99")
    first = [one.ladder[0].estimate.carbon_grams.mid for one in (lenient, strict)]
    assert first[0] < first[1]
    assert "together" in lenient.message
    assert _together(lenient) < _together(strict)


def _together(record: DecisionRecord) -> float:
    return float(record.message.partition("together ")[2][:4])


def test_the_counterfactual_is_the_declared_plan(record: DecisionRecord) -> None:
    assert record.counterfactual is not None
    assert record.counterfactual.basis is Basis.DECLARED
    assert record.expected_saving_grams is not None
    assert record.expected_saving_grams.mid > 0


def test_fine_tuning_a_large_encoder_costs_more_than_the_small_network_from_scratch(record: DecisionRecord) -> None:
    scratch = record.ladder[-1].estimate.carbon_grams.mid
    costs = {
        (one.method, one.base_model.name): one.estimate.carbon_grams.mid for one in record.candidates if one.base_model
    }
    tuned = [grams for (method, _), grams in costs.items() if method in {Method.LORA, Method.FULL_FINE_TUNE}]
    assert tuned
    assert min(tuned) > scratch


def test_the_others_fell_out_for_what_they_are(record: DecisionRecord) -> None:
    assert record.rejected["TaskMismatch"] == 2
    assert record.rejected["LanguageMismatch"] == 1
    assert "gbert-base" in record.rejections["LanguageMismatch"]
    assert record.rejected["MemoryTooSmall"] >= 1
    assert record.rejected["MethodUnsupported"] == 9
    assert record.considered == len(record.candidates) + record.candidates_left_out + sum(record.rejected.values())


def test_a_run_is_expected_to_take_minutes_as_it_does(record: DecisionRecord) -> None:
    """A probe over all 5,485 examples took 90 s on two busy cores, an epoch of MiniLM's own size 2 to 4 minutes."""
    assert 60 < record.ladder[0].estimate.run_seconds.mid < 360
    assert 300 < record.ladder[-1].estimate.run_seconds.mid < 3600


def test_a_harder_target_lowers_every_chance_and_still_ends_in_scratch() -> None:
    job = R8.resources(cpu="2", memory="8Gi")
    easy, hard = (decided(job.target(target), *CATALOGUE, profiles=[TWO_CORES]) for target in ("0.90", "0.99"))
    assert hard.ladder[-1].chance.value < easy.ladder[-1].chance.value
    assert rungs(hard)[-1] == "FromScratch"


def test_a_tiny_network_from_scratch_can_win() -> None:
    tiny = R8.scratch(epochs=1, hidden_size=128, num_hidden_layers=2, intermediate_size=512)
    record = decided(tiny.resources(cpu="2", memory="8Gi"), *CATALOGUE, profiles=[TWO_CORES])
    assert rungs(record) == ["FromScratch"]
    assert record.reason == "ScratchIsCheaper"
