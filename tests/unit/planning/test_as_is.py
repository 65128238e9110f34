"""Is training needed at all? AsIs comes first where something speaks for the head, and only then."""

import pytest

from builders import JobBuilder, ModelBuilder, make_job, make_model
from coppice.api.decision import DecisionRecord
from coppice.api.meta import BaseModelReference
from coppice.api.trainingjob_status import ProbedModel
from coppice.api.vocabulary import BaseModelKind, Method
from coppice.planning.decision import decide
from coppice.planning.fit.ability import unknown_labels
from coppice.planning.network import Network, network_of
from worlds import NOW, Case, decided, rungs

TOPICS = ["acq", "crude", "earn", "grain", "interest", "money-fx", "ship", "trade"]
NAME, DATA, TASK = "newswire-bert", "pvc://corpora/r8/train.parquet", "text-classification"
JOB = make_job().scratch().max_attempts(3)
NAMED = JOB.dataset(labelNames=TOPICS)
HEADED = make_model(NAME).head(TASK, *(topic.upper() for topic in TOPICS))
OTHER = make_model()


def make_network() -> Network:
    return network_of(make_model().build().spec.architecture)


def as_is(record: DecisionRecord) -> float:
    found = next(one for one in (*record.ladder, *record.candidates) if one.method is Method.AS_IS)
    return float(found.chance.value)


def test_an_evaluation_on_this_very_data_that_met_the_target_puts_it_first() -> None:
    record = decided(JOB, HEADED.evaluation(TASK, "0.97", dataset=DATA), OTHER)
    assert rungs(record)[0] == f"AsIs {NAME}"
    assert as_is(record) > 0.9


def test_an_evaluation_that_missed_keeps_it_out() -> None:
    record = decided(JOB.methods("AsIs"), HEADED.evaluation(TASK, "0.80", dataset=DATA))
    assert record.rejected["EvaluatedBelowTarget"] == 1
    assert rungs(record) == ["FromScratch"]


def test_as_many_classes_alone_are_no_reason_to_believe_in_a_head() -> None:
    unnamed, named = decided(JOB, HEADED, OTHER), decided(NAMED, HEADED, OTHER)
    assert as_is(unnamed) < 0.1 < as_is(named)


def test_a_probe_of_a_model_whose_head_knows_the_classes_puts_it_first() -> None:
    ask = Case(NAMED.dataset(examples=50000), [HEADED, OTHER]).request
    reference = BaseModelReference(kind=BaseModelKind.CLUSTER, name=NAME)
    seen = ProbedModel.model_validate(
        {"baseModel": reference, "linearQuality": "0.99", "examples": 512, "sample": 512}, by_alias=True, by_name=True
    )
    probed = {f"ClusterBaseModel/{NAME}": seen}
    record = decide(ask.job, ask.resolved, ask.world, spent=ask.spent, tried=(), now=NOW, probed=probed)
    assert isinstance(record, DecisionRecord)
    assert rungs(record)[0] == f"AsIs {NAME}"


def test_trying_it_costs_one_pass_and_no_train_attempt() -> None:
    record = decided(JOB.max_attempts(1), HEADED.evaluation(TASK, "0.97", dataset=DATA))
    assert rungs(record) == [f"AsIs {NAME}", "FromScratch"]
    forward = 0.25 * JOB.get("spec.dataset.examples") * make_network().forward_flops(110)
    assert float(record.ladder[0].estimate.flops.mid) == pytest.approx(forward, rel=1e-3)


@pytest.mark.parametrize(
    ("job", "model"),
    [
        (NAMED, HEADED.head(TASK, *"abcdefgh")),
        (NAMED, HEADED.head(TASK, *TOPICS[:-1])),
        (JOB, HEADED.head(TASK, *TOPICS, "other")),
        (NAMED, HEADED.head("token-classification", *TOPICS)),
        (NAMED, OTHER),
    ],
    ids=["other classes", "a class missing", "another number of classes", "another task", "no head"],
)
def test_a_head_that_cannot_answer_is_rejected(job: JobBuilder, model: ModelBuilder) -> None:
    assert decided(job.methods("AsIs"), model).rejected["HeadMismatch"] == 1


def test_a_head_may_know_more_classes_than_the_data_has() -> None:
    assert "HeadMismatch" not in decided(NAMED, HEADED.head(TASK, *TOPICS, "other")).rejected


def test_a_head_without_names_is_compared_by_number() -> None:
    assert unknown_labels(["LABEL_0", "LABEL_1"], ["0", "1", "2"]) == ["2"]
    assert unknown_labels(["Spam", "Ham"], ["spam", "0"]) == ["0"]


def test_what_the_makers_own_container_said_decides_no_later_job() -> None:
    job = JOB.methods("AsIs")
    alone = as_is(decided(job, HEADED))
    for quality in ("0.99", "0.80"):
        said = HEADED.evaluation(TASK, quality, dataset=DATA, source="TrainingJob a/b (self-reported)")
        assert as_is(decided(job, said)) == alone
