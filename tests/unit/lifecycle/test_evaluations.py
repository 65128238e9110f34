"""A model that is used as it is gets an attempt of kind Evaluate, which costs none of the attempts to train."""

from builders import make_job, make_model
from coppice.api.labels import RUN_ANNOTATION
from coppice.api.run import parse_run
from loop import Loop

LABELS = [f"topic-{number}" for number in range(8)]
DATA = "pvc://corpora/r8/train.parquet"
JOB = make_job().dataset(labelNames=LABELS).scratch(epochs=30).max_attempts(1)
HEADED = (
    make_model("newswire-classifier")
    .head("text-classification", *LABELS)
    .evaluation("text-classification", "0.97", dataset=DATA)
)


async def test_a_model_with_a_fitting_head_is_evaluated_before_anything_is_trained() -> None:
    loop = Loop(HEADED.body())
    key = loop.apply(JOB)
    await loop.turn()
    [child] = loop.cluster.jobs()
    run = parse_run(child["spec"]["template"]["metadata"]["annotations"][RUN_ANNOTATION])
    assert (run.kind, run.rung.method) == ("Evaluate", "AsIs")
    loop.cluster.run_with_model(child, "0.957")
    await loop.turn()
    assert loop.state(key) == "ObjectiveMet"
    assert loop.job(key).status.summary.attempts == "0/1"


async def test_an_evaluation_that_misses_leaves_every_attempt_to_train() -> None:
    loop = Loop(HEADED.body())
    key = loop.apply(JOB)
    await loop.turn()
    loop.cluster.run(loop.cluster.jobs()[0], "0.60")
    await loop.turn()
    attempts = [(one.kind, one.outcome) for one in loop.job(key).status.attempts]
    assert attempts == [("Evaluate", "Missed"), ("Train", "Running")]
    assert loop.job(key).status.summary.attempts == "1/1"
