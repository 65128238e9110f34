"""docs/decision.md: the walk-through comes to the planner's numbers, and the page states the constants in use."""

from pathlib import Path

import pytest

import domaintree
import walkthrough
from coppice.api.vocabulary import Method
from coppice.planning import chance, likelihood
from coppice.planning.domains import DOMAINS
from coppice.planning.learning.chapter import MOST_REPORTS, Quantity
from coppice.planning.learning.history import VARIANCES
from coppice.planning.learning.score import ENOUGH

PAGE = (Path(__file__).parents[3] / "docs" / "decision.md").read_text()
LINES = [(heading, line) for heading, lines in walkthrough.sections().items() for line in lines]


@pytest.mark.parametrize("line", [line for _, line in LINES], ids=lambda line: line.what)
def test_pencil_and_paper_come_to_the_planners_number(line: walkthrough.Line) -> None:
    if line.record is not None:
        assert line.paper == pytest.approx(line.record, rel=2e-3)


def test_the_walk_meets_every_number_that_decides() -> None:
    met = [line.record for _, line in LINES if line.record is not None]
    decision = walkthrough.decision()
    for rung in decision.ladder:
        assert float(rung.estimate.expected) in met
        assert float(rung.chance.value) in met
    assert float(decision.ladder_expected or 0) in met
    assert float(decision.ladder_chance or 0) in met


def test_the_page_shows_the_walk_and_the_tree_as_they_are_now() -> None:
    """`python -m generate` writes them anew."""
    assert walkthrough.filled(PAGE) == PAGE
    assert domaintree.filled(PAGE) == PAGE
    assert all(f"`{domain}`" in PAGE for domain in DOMAINS)


def test_the_walk_tries_the_base_model_first() -> None:
    assert [rung.method for rung in walkthrough.decision().ladder] == [Method.LINEAR_PROBE, Method.FROM_SCRATCH]


RATIO = likelihood.METHOD_RATIO
METHODS = [method for method in Method if method is not Method.FROM_SCRATCH]


@pytest.mark.parametrize(
    "stated",
    [
        ", ".join(f"{method.value} {chance.METHOD_LOGITS[method]:g}" for method in METHODS),
        f"{chance.BASE} with a base model, {chance.SCRATCH_BASE} from scratch",
        f"{chance.SIZE_WEIGHT} x (log10 N - 8)",
        f"{chance.DOMAIN_WEIGHT} x depth",
        f"{chance.LANGUAGE_MISSING} x share",
        f"{chance.LANGUAGE_UNKNOWN} if it names none",
        f"{chance.DATA_WEIGHT} x log10(examples of a class / {chance.EXAMPLES_PER_LABEL})",
        f"{chance.DIFFICULTY_WEIGHT} x (logit {chance.TYPICAL_RATIO} - logit w)",
        f"nobody compared: {chance.HEAD_UNNAMED}",
        f"good enough: {chance.RECORDED_MET:g}",
        f"({chance.PRIOR_STRENGTH:g} x prior +",
        f"LinearProbe {RATIO[Method.LINEAR_PROBE]:g}, LoRA {RATIO[Method.LORA]:g}",
        f"FullFineTune {RATIO[Method.FULL_FINE_TUNE]:g}, AsIs {RATIO[Method.AS_IS]:g}",
        f"s is {likelihood.METHOD_SPREAD[Method.LINEAR_PROBE]} for LinearProbe",
        f"From {ENOUGH} attempts on",
        f"newest {MOST_REPORTS:,} reports",
        *(
            f"{name} | " + " | ".join(f"{getattr(VARIANCES[quantity], part):g}" for part in
                                      ("profile", "method", "family", "cell", "scatter"))
            for quantity, name in (
                (Quantity.TIME, "run time"), (Quantity.POWER, "power"), (Quantity.MEMORY, "memory on CPU")
            )
        ),
    ],
)  # fmt: skip
def test_the_page_states_the_constants_in_use(stated: str) -> None:
    assert stated in PAGE.replace("\n", " ")
