"""What licences ask reaches the trained model's card and the registered model, whatever the record had no room for."""

from builders import make_job
from coppice.api.decision import decode_record
from coppice.api.labels import DECISION_ANNOTATION, RUN_ANNOTATION
from coppice.api.run import parse_run
from loop import Loop

CREDIT = "data: cc-by-4.0: credit the authors, link the licence and say what was changed"
NOTICE = "all-minilm-l6-v2: apache-2.0: ship the licence text and the copyright notice with the model"
PLAN = {"num_hidden_layers": 6, "hidden_size": 384, "num_attention_heads": 12, "intermediate_size": 1536}


def job():
    wanted = make_job("newswire-topics").methods("LinearProbe").dataset(license="cc-by-4.0").use()
    return wanted.scratch(epochs=30, **PLAN).max_attempts(2)


async def test_a_card_and_a_registered_model_carry_every_obligation_of_base_and_data() -> None:
    loop = Loop()
    loop.apply(job().register("topics"))
    await loop.turn()
    [child] = loop.cluster.jobs()
    run = parse_run(child["spec"]["template"]["metadata"]["annotations"][RUN_ANNOTATION])
    assert {CREDIT, NOTICE} <= set(run.card.obligations)
    record = decode_record(child["metadata"]["annotations"][DECISION_ANNOTATION])
    assert {CREDIT, NOTICE} <= set(record.obligations)
    loop.cluster.run_with_model(child, "0.957")
    await loop.turn()
    made = loop.cluster.objects[("BaseModel", "research", "topics")]["spec"]
    assert {CREDIT, NOTICE} <= set(made["lineage"]["obligations"])
    assert set(made["license"].split(" AND ")) == {"apache-2.0", "cc-by-4.0"}


async def test_an_internal_use_owes_what_stays_inside_only() -> None:
    loop = Loop()
    loop.apply(job().use(commercial=False, distribution="Internal"))
    await loop.turn()
    run = parse_run(loop.cluster.jobs()[0]["spec"]["template"]["metadata"]["annotations"][RUN_ANNOTATION])
    assert run.card.obligations == ()
