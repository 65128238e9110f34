"""The example that docs/accounting.md works by hand comes out of the code, digit by digit."""

from decimal import Decimal
from pathlib import Path

import pytest

from builders import make_profile
from coppice.accounting.account import attempt_account
from coppice.accounting.savings import avoided
from coppice.accounting.summary import saved_text
from coppice.accounting.totals import totals
from coppice.adapters.intensity.static import StaticIntensity
from coppice.api.vocabulary import Component, Grade
from uses import NOON, interval, make_counterfactual, make_pod, make_result

DOCUMENT = (Path(__file__).parents[3] / "docs" / "accounting.md").read_text(encoding="utf-8")

RESULT = make_result(cpu_seconds="96", tokens_seen=603_350)
GERMANY = StaticIntensity().current("DE", NOON)
ACCOUNT = attempt_account([make_pod(seconds=60, result=RESULT)], make_profile().build(), GERMANY, Decimal("1.56"))


def test_the_parts_of_the_example() -> None:
    assert ACCOUNT.parts == {
        (Component.CPU, Grade.MODELLED): Decimal("340.8"),
        (Component.HOST_IDLE, Grade.ESTIMATED): Decimal("85.2"),
        (Component.FACILITY_OVERHEAD, Grade.MODELLED): Decimal("190.848"),
        (Component.FACILITY_OVERHEAD, Grade.ESTIMATED): Decimal("47.712"),
    }


def results() -> list[str]:
    """Every figure of the table that the code computes."""
    declared = make_counterfactual()
    estimate = declared.estimate.model_copy(update={"carbon_grams": interval("0.7", "1.2", "2.0")})
    plan = declared.model_copy(update={"estimate": estimate})
    saving = avoided(plan, None, spent=ACCOUNT, on_substitution=ACCOUNT, met=True)
    shown = totals(ACCOUNT, run_seconds=60, models=1, avoided=saving)
    assert shown.sci is not None
    assert saving is not None
    embodied = [grams.quantize(Decimal("0.000001")) for _, grams in ACCOUNT.embodied_grams]
    figures = [
        shown.energy_joules,
        shown.operational_grams,
        *embodied,
        ACCOUNT.carbon_grams.quantize(Decimal("0.000001")),
    ]
    figures += [shown.sci.grams_per_million_tokens or Decimal(0), saving.low, saving.mid, saving.high]
    return [*(f"{figure.normalize():f}" for figure in figures), saved_text(shown)]


@pytest.mark.parametrize("figure", results())
def test_the_document_prints_what_the_code_computes(figure: str) -> None:
    assert figure in DOCUMENT
