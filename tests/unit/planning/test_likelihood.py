"""What a probe says: its quality with its error, held against the target, with growth allowed for."""

import pytest

from builders import JobBuilder, make_job, make_model
from coppice.api.meta import BaseModelReference
from coppice.api.trainingjob_status import ProbedModel
from coppice.api.vocabulary import BaseModelKind, Method
from coppice.planning.chance import Chance, chance
from coppice.planning.likelihood import MOST_LOGITS, probe_logits
from coppice.planning.survey import survey
from worlds import Case

JOB = make_job().scratch()
REFERENCE = BaseModelReference(kind=BaseModelKind.CLUSTER, name="all-minilm-l6-v2")
KEY = "ClusterBaseModel/all-minilm-l6-v2"


def seen(
    linear: str | None = None, neighbour: str | None = None, examples: int = 200, sample: int = 512
) -> ProbedModel:
    fields = {"linear_quality": linear, "neighbour_quality": neighbour}
    return ProbedModel(base_model=REFERENCE, examples=examples, sample=sample, **{k: v for k, v in fields.items() if v})  # type: ignore[arg-type]


def logits(probed: ProbedModel | None, method: Method = Method.LINEAR_PROBE, **dataset: int) -> float:
    found = probe_logits(probed, method, JOB.dataset(**dataset).build().spec)
    assert found is not None
    return found


def test_a_probe_far_above_the_target_speaks_for_the_rung_and_far_below_against_it() -> None:
    assert logits(seen("0.99")) > 2
    assert logits(seen("0.60")) == -MOST_LOGITS


def test_a_probe_at_the_target_on_all_the_data_is_a_toss_up() -> None:
    assert logits(seen("0.95"), examples=512) == pytest.approx(0.0, abs=1e-9)


def test_a_larger_job_will_do_better_than_its_sample() -> None:
    assert logits(seen("0.94"), examples=8000) > logits(seen("0.94"), examples=512)
    assert logits(seen("0.94", sample=0), examples=8000) == logits(seen("0.94"), examples=512)


def test_a_small_sample_says_less_than_a_large_one() -> None:
    few, many = (logits(seen("0.90", examples=count), examples=1) for count in (20, 2000))
    assert many < few < 0


def test_a_probe_says_more_of_itself_than_of_training_further() -> None:
    poor, good = seen("0.85"), seen("0.95")
    assert logits(poor) < logits(poor, Method.LORA) < 0 < logits(good, Method.LORA) < logits(good)


def test_neighbours_stand_in_for_a_missing_head() -> None:
    assert logits(seen(neighbour="0.97")) == logits(seen("0.97"))


@pytest.mark.parametrize(
    ("probed", "method", "metric"),
    [
        (None, Method.LINEAR_PROBE, "Accuracy"),
        (seen(), Method.LINEAR_PROBE, "Accuracy"),
        (seen("0.9", examples=0), Method.LINEAR_PROBE, "Accuracy"),
        (seen("0.9"), Method.FROM_SCRATCH, "Accuracy"),
        (seen("0.9"), Method.LINEAR_PROBE, "Loss"),
    ],
    ids=["no probe", "no figure", "no examples", "from scratch", "no ratio"],
)
def test_it_says_nothing_of(probed: ProbedModel | None, method: Method, metric: str) -> None:
    assert probe_logits(probed, method, JOB.target("0.95", metric).build().spec) is None


def test_a_probe_takes_the_place_of_what_was_assumed_of_data_and_target() -> None:
    ask = Case(JOB, [make_model()]).request
    candidate = next(one for one in survey(ask).candidates if one.method is Method.LINEAR_PROBE)
    before, after = chance(candidate, ask, {}), chance(candidate, ask, {}, {KEY: seen("0.99")})
    assert after.value > before.value
    assert (after.terms["data"], after.terms["difficulty"]) == (0.0, 0.0)
    assert after.terms["probe"] == pytest.approx(logits(seen("0.99")))


def as_it_is(job: JobBuilder, probed: ProbedModel | None = None) -> Chance:
    model = make_model().head("text-classification", *"abcdefgh")
    ask = Case(job, [model]).request
    candidate = next(one for one in survey(ask).candidates if one.method is Method.AS_IS)
    return chance(candidate, ask, {}, {KEY: probed} if probed else {})


def test_a_probe_speaks_for_a_head_only_where_it_means_the_same_classes() -> None:
    named = JOB.dataset(labelNames=list("ABCDEFGH"))
    assert as_it_is(named, seen("0.99")).value > as_it_is(named).value
    assert as_it_is(JOB, seen("0.99")) == as_it_is(JOB)
