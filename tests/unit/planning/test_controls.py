"""Controls: parameter count and static rank, computed with the decision and without a say in it."""

import pytest

from builders import ModelBuilder, make_job, make_model
from coppice.planning.controls import static_ranks
from worlds import Case, decided

JOB, TASK = make_job().scratch(), "text-classification"


def model(name: str, size: int = 22713216, **qualities: str) -> ModelBuilder:
    made = make_model(name).architecture(parameters=size)
    for data, quality in qualities.items():
        made = made.evaluation(TASK, quality, dataset=data)
    return made


def ranks(*models: ModelBuilder, task: str = TASK) -> dict[str, float]:
    found = static_ranks(iter(Case(JOB, models).world.catalogue), task)
    return {key.removeprefix("ClusterBaseModel/"): rank for key, rank in found.items()}


def test_a_static_rank_is_the_mean_place_on_data_that_several_were_evaluated_on() -> None:
    a, b, c = model("a", sst2="0.95", mnli="0.80"), model("b", sst2="0.94", mnli="0.90"), model("c", sst2="0.90")
    assert ranks(a, b, c) == {"a": 0.5, "b": 0.25, "c": 1.0}


def test_who_was_compared_with_nobody_has_no_rank() -> None:
    assert ranks(model("a", sst2="0.95"), model("b", mnli="0.9"), model("c")) == {}
    assert ranks(model("a", sst2="0.95"), model("b", sst2="0.9"), task="fill-mask") == {}


def test_a_rank_does_not_depend_on_the_order_in_which_models_come() -> None:
    others = [model(f"o{one}", a=f"0.{9 - one}", b=f"0.{9 - one}", c=f"0.{9 - one}") for one in range(6)]
    forwards, backwards = model("x", a="0.85", b="0.75", c="0.65"), model("y", c="0.1", b="0.1", a="0.1")
    world = list(Case(JOB, [forwards, *others, backwards]).world.catalogue)
    assert static_ranks(world, TASK) == static_ranks(reversed(world), TASK)


def test_equal_qualities_share_their_places() -> None:
    assert ranks(model("a", sst2="0.9"), model("b", sst2="0.9")) == {"a": 0.5, "b": 0.5}


def test_a_loss_ranks_the_smallest_first() -> None:
    models = [make_model(name).evaluation(TASK, value, metric="Loss") for name, value in (("a", "0.1"), ("b", "0.2"))]
    assert ranks(*models) == {"a": 0.0, "b": 1.0}


def test_a_decision_names_the_first_of_both_rankings() -> None:
    small, large = model("small", 23 * 10**6, sst2="0.97"), model("large", 60 * 10**6, sst2="0.95")
    record = decided(JOB, small, large, model("middle", 40 * 10**6))
    assert record.controls is not None
    assert record.controls.parameters == ("large", "middle", "small")
    assert record.controls.static_rank == ("small", "large")


def test_a_decision_says_how_its_chances_stand() -> None:
    record = decided(JOB, model("a"))
    assert record.chance_score is not None
    assert record.chance_score.statement == "not judged yet: 0 recorded attempts of 20"
    assert "Chances:" not in record.message


@pytest.mark.parametrize("models", [[], [model("de").languages("de")]], ids=["none registered", "none fits"])
def test_without_candidates_there_are_no_controls(models: list[ModelBuilder]) -> None:
    assert decided(JOB, *models).controls is None
