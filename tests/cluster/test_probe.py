"""A probe on the real API server: it comes first, its word decides the ladder, and the account holds it."""

from __future__ import annotations

from cluster.pods import End
from cluster.stage import Life, Stage
from coppice.api.decision import DecisionRecord, decode_record
from coppice.api.labels import DECISION_ANNOTATION, RUN_ANNOTATION
from coppice.api.run import parse_run
from probes import FIRST, SECOND, dear_job, second_model


def decision_of(life: Life, number: int) -> DecisionRecord:
    """The decision that the child of an attempt carries."""
    return decode_record(life.children()[number - 1]["metadata"]["annotations"][DECISION_ANNOTATION])


def test_a_probe_is_made_then_the_ladder_is_decided_with_what_it_saw_and_run(stage: Stage) -> None:
    stage.add(second_model().body())
    tenant = stage.tenant()
    life = stage.apply(dear_job("reviews", tenant).set("spec.output", {"claimName": "models"}))
    life.until_state("Running")
    [child] = life.children()
    run = parse_run(child["spec"]["template"]["metadata"]["annotations"][RUN_ANNOTATION])
    assert (run.kind, [rung.base_model.name for rung in run.rungs if rung.base_model]) == ("Probe", [FIRST, SECOND])
    planned = life.status["decision"]
    assert [model["name"] for model in planned["probe"]["baseModels"]] == [FIRST, SECOND]
    stage.node.script(tenant, "reviews", End(probed={FIRST: "0.61", SECOND: "0.97"}))
    stage.until(lambda: len(life.children()) == 2, lambda: f"the first rung of {life}")
    decided = decision_of(life, 2)
    assert decided.probe is None
    assert {one.base_model.name: str(one.linear_quality) for one in decided.probed} == {FIRST: "0.61", SECOND: "0.97"}
    first = decided.ladder[0].base_model
    assert first is not None
    assert first.name == SECOND
    stage.node.script(tenant, "reviews", End(), "0.957")
    life.until_accounted()
    status = life.status
    assert life.state == "ObjectiveMet"
    told = [(one["kind"], one.get("baseModel", {}).get("name"), one["outcome"]) for one in status["attempts"]]
    assert told == [("Probe", None, "Probed"), ("Train", SECOND, "Met")]
    assert [one["linearQuality"] for one in status["attempts"][0]["probed"]] == ["0.61", "0.97"]
    spent = [float(one["energyJoules"]) for one in status["attempts"]]
    assert min(spent) > 0
    assert float(status["totals"]["energyJoules"]) >= 0.99 * sum(spent)
    [report] = life.reports()
    assert report["spec"]["attempts"] == status["attempts"]
    assert stage.until_books_closed(tenant, 1) == {"ObjectiveMet": 1}


def test_a_probe_that_fails_is_told_and_the_ladder_is_run_by_what_was_known(stage: Stage) -> None:
    tenant = stage.tenant()
    life = stage.apply(dear_job("blind", tenant).set("spec.output", {"claimName": "models"}))
    stage.node.script(tenant, "blind", End(exit_code=1), "0.957")
    life.until_accounted()
    told = [(one["kind"], one["outcome"]) for one in life.status["attempts"]]
    assert told == [("Probe", "Failed"), ("Train", "Met")]
    assert "exit code 1" in life.status["attempts"][0]["message"]
    assert decision_of(life, 2).probed == ()


def test_an_operator_that_was_killed_during_a_probe_goes_on_with_it(stage: Stage) -> None:
    tenant = stage.tenant()
    life = stage.apply(dear_job("killed", tenant).set("spec.output", {"claimName": "models"})).until_state("Running")
    stage.operator.kill()
    stage.node.script(tenant, "killed", End(probed={FIRST: "0.61", SECOND: "0.97"}), "0.957")
    stage.restart()
    life.until_accounted()
    told = [(one["kind"], one["outcome"]) for one in life.status["attempts"]]
    assert told == [("Probe", "Probed"), ("Train", "Met")]
    first = decision_of(life, 2).ladder[0].base_model
    assert first is not None
    assert first.name == SECOND
