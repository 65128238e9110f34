"""When a probe comes before the ladder: where it is worth more than it costs, and never at the expense of a limit."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from builders import Builder, JobBuilder, make_job, make_model, make_policy, make_profile
from coppice.api.decision import DecisionRecord, decode_record
from coppice.api.meta import BaseModelReference
from coppice.api.trainingjob import TrainingJob
from coppice.api.trainingjob_status import ProbedModel
from coppice.api.vocabulary import BaseModelKind
from coppice.planning.approval import plan_high
from coppice.planning.decision import decide
from coppice.planning.sampling import Sample, one_after_the_other, probe_estimates, sample_of, sampled_options
from worlds import NOTHING_SPENT, NOW, Case, decided, rungs, tried

MEDIUM_BERT = {"hidden_size": 512, "num_hidden_layers": 8, "intermediate_size": 2048, "num_attention_heads": 8}
DEAR = make_job().dataset(examples=200_000).scratch(epochs=10, **MEDIUM_BERT)
"""A job whose rungs cost much more than a look at a sample."""
NEARLY = {"parameters": 33_360_000, "embeddingParameters": 11_917_824, "layers": 12, "hiddenSize": 384}


def other(name: str = "bge-small-en-v1.5") -> Builder[Any]:
    return make_model(name).architecture(**NEARLY)


MODELS = (make_model(), other())
EXAMPLES = Path(__file__).parents[3] / "examples"


def test_two_models_of_unsure_order_are_looked_at_before_a_dear_ladder() -> None:
    record = decided(DEAR, *MODELS)
    assert record.probe is not None
    assert {model.name for model in record.probe.base_models} == {"all-minilm-l6-v2", "bge-small-en-v1.5"}
    assert record.probe.value > record.probe.estimate.expected
    assert record.message.startswith("First a probe of ")
    assert rungs(record)[-1] == "FromScratch"


def test_the_probe_is_part_of_the_frozen_decision() -> None:
    record = decided(DEAR, *MODELS)
    assert decode_record(record.encoded()) == record
    assert decided(DEAR, *MODELS).digest == record.digest
    assert decided(DEAR.set("spec.substitution.probe", "Never"), *MODELS).digest != record.digest


@pytest.mark.parametrize(
    ("job", "models", "case"),
    [
        (make_job().dataset(examples=5485).scratch(epochs=10), MODELS, {}),
        (DEAR, MODELS[:1], {}),
        (DEAR.set("spec.substitution.probe", "Never"), MODELS, {}),
        (DEAR, MODELS, {"policies": [make_policy().set("spec.probe", "Never")]}),
        (DEAR, MODELS, {"tried": [tried("LinearProbe", "all-minilm-l6-v2")]}),
        (DEAR.mode("Never"), MODELS, {}),
        (DEAR.mode("Recommend"), MODELS, {}),
        (DEAR.target("0.1", metric="Loss"), MODELS, {}),
        (DEAR.dataset(examples=1200), MODELS, {}),
        (DEAR.max_attempts(1), MODELS, {}),
        (DEAR, [model.methods("FullFineTune") for model in MODELS], {}),
        (DEAR.container(command=["/train"]).set("spec.trainer.fineTuneWith", "Template"), MODELS, {}),
    ],
    ids=[
        "cheap job",
        "one base model",
        "job says Never",
        "policy says Never",
        "something ran already",
        "mode Never",
        "mode Recommend",
        "a metric that a probe says nothing of",
        "little data",
        "no attempt beside scratch",
        "models that cannot be probed",
        "the user's own container fine-tunes",
    ],
)
def test_nothing_is_probed(job: JobBuilder, models: list[Builder[Any]], case: dict[str, Any]) -> None:
    assert decided(job, *models, **case).probe is None


def test_a_probe_never_pushes_a_planned_rung_out_of_the_limits() -> None:
    free = decided(DEAR, *MODELS)
    assert free.probe is not None
    ladder = sum(rung.estimate.run_seconds.high for rung in free.ladder)
    both = ladder + free.probe.estimate.run_seconds.high
    assert decided(DEAR.limits(runSeconds=int(both) + 100), *MODELS).probe is not None
    tight = decided(DEAR.limits(runSeconds=int(ladder) + 100), *MODELS)
    assert (tight.probe, rungs(tight)) == (None, rungs(free))


@pytest.mark.parametrize("percent", [100, 101, 150])
@pytest.mark.parametrize("limit", ["runSeconds", "energyWattHours", "carbonGrams"])
def test_whatever_the_limit_probe_and_ladder_stay_within_it(limit: str, percent: int) -> None:
    free = decided(DEAR, *MODELS)
    most = round(float(used(free, limit)) * percent / 100)
    record = Case(DEAR.limits(**{limit: most}), MODELS).decide()
    assert isinstance(record, DecisionRecord)
    assert used(record, limit) <= most


def used(record: DecisionRecord, limit: str) -> Decimal:
    """High estimates of the probe and every rung together."""
    name = {"runSeconds": "run_seconds", "energyWattHours": "energy_watt_hours", "carbonGrams": "carbon_grams"}[limit]
    parts = [*record.ladder, *([record.probe] if record.probe else [])]
    return sum((getattr(part.estimate, name).high for part in parts), Decimal(0))


def test_approvals_and_budgets_count_the_probe() -> None:
    record = decided(DEAR, *MODELS)
    assert plan_high(record).energy_watt_hours == used(record, "energyWattHours")


def test_a_second_probe_is_not_asked_for() -> None:
    ask = Case(DEAR, MODELS).request
    again = decide(ask.job, ask.resolved, ask.world, spent=NOTHING_SPENT, tried=(), now=NOW, may_probe=False)
    assert isinstance(again, DecisionRecord)
    assert again.probe is None


def test_what_a_probe_saw_moves_the_ladder_and_stands_in_the_record() -> None:
    ask = Case(DEAR.methods("LinearProbe"), MODELS).request
    seen = {f"ClusterBaseModel/{name}": probed(name, quality) for name, quality in QUALITIES.items()}
    after = decide(
        ask.job, ask.resolved, ask.world, spent=NOTHING_SPENT, tried=(), now=NOW, probed=seen, may_probe=False
    )
    assert isinstance(after, DecisionRecord)
    assert rungs(after)[0] == "LinearProbe bge-small-en-v1.5"
    assert [str(one.linear_quality) for one in after.probed] == ["0.6", "0.97"]
    assert after.ladder[0].chance.inputs["probe"] > 0


QUALITIES = {"all-minilm-l6-v2": "0.6", "bge-small-en-v1.5": "0.97"}


def probed(name: str, quality: str) -> ProbedModel:
    reference = BaseModelReference(kind=BaseModelKind.CLUSTER, name=name)
    return ProbedModel.model_validate(
        {"baseModel": reference, "linearQuality": quality, "neighbourQuality": quality, "examples": 512, "sample": 512}
    )


@pytest.mark.parametrize(
    ("examples", "labels", "sample"),
    [
        (200_000, 8, Sample(512, 512)),
        (5485, 8, Sample(512, 512)),
        (3000, 8, Sample(512, 300)),
        (200_000, 77, Sample(1536, 512)),
        (200_000, 2000, Sample(2048, 512)),
        (1300, 2, Sample(512, 130)),
        (1200, 2, None),
        (900, 2, None),
    ],
)
def test_the_sample_is_whole_parts_of_the_features_and_a_small_share_of_the_data(
    examples: int, labels: int, sample: Sample | None
) -> None:
    assert sample_of(Case(DEAR.dataset(examples=examples, labels=labels)).request) == sample


def test_a_pod_that_looks_at_two_models_starts_once_and_holds_the_larger() -> None:
    request, sample = Case(DEAR, MODELS).request, Sample(512, 512)
    first, second = sampled_options(request, request.world.catalogue, sample)
    [(_, both)] = probe_estimates([first, second])
    one, two = first[0].estimate, second[0].estimate
    start = float(one.inputs["startSeconds"])
    assert both.seconds.median == pytest.approx(one.seconds.median + two.seconds.median - start)
    assert both.memory_bytes.high == max(one.memory_bytes.high, two.memory_bytes.high)
    assert both.flops.median == pytest.approx(one.flops.median + two.flops.median)
    assert both.energy.median < one.energy.median + two.energy.median


def test_a_model_is_run_forward_once_on_each_example_of_the_sample() -> None:
    request, sample = Case(DEAR, MODELS[:1]).request, Sample(512, 512)
    [[option]] = sampled_options(request, request.world.catalogue, sample)
    whole = next(
        one for one in decided(DEAR.dataset(examples=1024), make_model()).candidates if one.method == "LinearProbe"
    )
    assert option.estimate.flops.median == pytest.approx(float(whole.estimate.flops.mid) / 1.25, rel=0.01)


def test_models_of_one_network_share_what_looking_at_them_uses() -> None:
    request = Case(DEAR, [make_model("one"), make_model("other")]).request
    first, second = sampled_options(request, request.world.catalogue, Sample(512, 512))
    assert first is second


def test_a_sample_is_looked_at_where_the_job_would_run() -> None:
    request = Case(DEAR, MODELS).request
    found = request.hardware
    smaller = request.with_other_data(DEAR.dataset(examples=1024).build())
    assert smaller.hardware is found
    assert smaller.spec.dataset.examples == 1024


def test_configurations_that_one_of_the_models_lacks_are_left_out() -> None:
    request = Case(DEAR, MODELS, profiles=[make_profile(), make_profile("h100").accelerator()]).request
    first, second = sampled_options(request, request.world.catalogue, Sample(512, 512))
    on_cpu = [one for one in second if not one.hardware.accelerators]
    assert len(probe_estimates([first, second])) == 2
    assert [hardware.accelerators for hardware, _ in probe_estimates([first, on_cpu])] == [0]


def test_one_estimate_alone_stays_as_it_is() -> None:
    request = Case(DEAR, MODELS[:1]).request
    [[option]] = sampled_options(request, request.world.catalogue, Sample(512, 512))
    assert one_after_the_other([option.estimate], start_seconds=10).seconds == option.estimate.seconds


def example(path: str) -> JobBuilder:
    """A job that users are shown, as the API server would hold it."""
    written = yaml.safe_load((EXAMPLES / path).read_text())
    metadata = make_job(written["metadata"]["name"]).get("metadata")
    return JobBuilder(TrainingJob, {**written, "metadata": metadata})


def test_the_example_of_a_job_that_looks_first_does() -> None:
    assert decided(example("probe.yaml"), *MODELS).probe is not None


@pytest.mark.parametrize("path", ["demo/31-newswire-topics.yaml", "ladder/20-newswire-topics-strict.yaml"])
def test_the_cheap_jobs_of_the_demo_do_not_look_first_even_where_several_models_fit(path: str) -> None:
    record = decided(example(path).base_models(), *MODELS, profiles=[make_profile().host(memory="16Gi")])
    assert record.considered > 4
    assert record.probe is None
