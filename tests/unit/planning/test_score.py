"""The chances' own record: better than the base rate, or no better, and then what size would say."""

import pytest

from coppice.api.vocabulary import Learning, Method, Metric
from coppice.planning.learning.chapter import Chapter
from coppice.planning.learning.history import History
from coppice.planning.learning.lesson import Lesson
from coppice.planning.learning.score import ENOUGH, Forecast, Score, score, scored

GOOD: list[Forecast] = [(0.9, True), (0.1, False)] * 20
BAD: list[Forecast] = [(0.1, True), (0.9, False)] * 20


def test_the_brier_score_is_the_mean_square_of_the_miss() -> None:
    assert scored([(0.8, True), (0.4, False)]).brier == pytest.approx((0.04 + 0.16) / 2)


def test_the_base_rate_is_taken_over_the_other_attempts() -> None:
    """Three of four met: a success was expected at 2/3, the miss at 3/3."""
    forecasts = [(0.5, True)] * 3 + [(0.5, False)]
    assert scored(forecasts).base_brier == pytest.approx((3 * (1 / 3) ** 2 + 1.0) / 4)
    assert scored(forecasts).base_rate == 0.75


def test_chances_that_know_something_beat_the_base_rate() -> None:
    assert not scored(GOOD).worthless
    assert scored(GOOD).sentence.startswith("better than the base rate: Brier score 0.010 against 0.263")


def test_chances_that_do_not_are_called_no_better_beside_the_ranking_by_size() -> None:
    assert scored(BAD).worthless
    assert scored([(0.5, True), (0.5, False)] * 20).sentence.startswith("better than the base rate")
    assert scored(BAD).sentence.startswith("no better than the base rate: Brier score 0.810 against 0.263")
    assert scored(BAD).statement(("large", "small")).endswith("; ranked by size: large, small")
    assert "ranked" not in scored(GOOD).statement(("large", "small"))


@pytest.mark.parametrize("count", [0, 1, ENOUGH - 1])
def test_few_attempts_judge_nothing(count: int) -> None:
    found = scored(BAD[:count])
    assert not found.worthless
    assert found.sentence == f"not judged yet: {count} recorded attempts of {ENOUGH}"


def chapter(forecasts: list[Forecast]) -> Chapter:
    data = (Metric.ACCURACY, "r8", None, 8)
    taught = (
        Lesson("uid", "text-classification", data, Method.LORA, "m", False, "bert", "p", met=met, chance=chance)
        for chance, met in forecasts
    )
    return Chapter(tuple(taught))


def judged(learning: Learning = Learning.ALL, **chapters: list[Forecast]) -> Score:
    return score(History({name: chapter(forecasts) for name, forecasts in chapters.items()}), "research", learning)


def test_own_attempts_judge_where_there_are_enough() -> None:
    assert not judged(research=GOOD, sales=BAD * 50).worthless


def test_one_tenant_cannot_flood_the_judgement_of_another() -> None:
    several = {f"team-{number}": GOOD for number in range(3)}
    found = judged(research=GOOD[:4], sales=BAD * 50, **several)
    assert found.attempts == 4 + 4 * ENOUGH
    assert not found.worthless


def test_learning_says_whose_attempts_judge() -> None:
    assert judged(Learning.OWN_NAMESPACE, research=BAD[:4], sales=BAD).attempts == 4
    assert judged(Learning.OFF, research=BAD) == Score()
