"""Each formula against a figure that its source prints."""

import csv
from decimal import Decimal
from importlib.resources import files
from statistics import median

import pytest

from builders import make_profile
from coppice.accounting.account import Account, Work
from coppice.accounting.embodied import embodied_grams, pod_embodied
from coppice.accounting.energy import EXPECTED_ACCELERATOR_SHARE
from coppice.accounting.operational import Slot, operational_grams
from coppice.accounting.sci import per_unit, sci
from coppice.accounting.units import quantity
from coppice.api.base import Interval
from uses import NOON


def test_embodied_carbon_of_scis_own_example() -> None:
    """SCI 1.1: a server of 1,000 kg with a lifespan of 4 years, reserved for one hour: 28.5 g."""
    hour = embodied_grams(Decimal(1_000_000), Decimal(3600), Decimal(4))
    assert hour.quantize(Decimal("0.1")) == Decimal("28.5")


def test_carbon_per_flop_of_scis_example_for_ai() -> None:
    """SCI for AI, Provider: 2e5 kg over 5e22 FLOP are 4 g per 1e15 FLOP, hence 4,000 g per exaflop."""
    assert per_unit(Decimal("2e8"), Decimal("5e22") / Decimal("1e15")) == 4
    account = Account(
        embodied_grams=Interval(low=Decimal(0), mid=Decimal("2e8"), high=Decimal(0)), work=Work(0, Decimal("5e10"))
    )
    score = sci(account, models=1)
    assert score is not None
    assert score.grams_per_exaflop == 4000


def test_embodied_carbon_of_a_reserved_h100_with_its_eighth_of_a_host() -> None:
    """164 kg (NVIDIA's PCF of 1,312 kg per 8) and an eighth of 5,700 kg (Boavizta), 4 years: 25 g an hour."""
    node = make_profile("h100").accelerator().build().spec
    hour = pod_embodied(node, Decimal(3600), Decimal(1) / 8, 1)
    assert hour.mid.quantize(Decimal(1)) == 25
    assert hour.low < hour.mid < hour.high


@pytest.mark.parametrize(
    ("kilowatt_hours", "intensity", "grams"), [("1", "56.039", "56.039"), ("85.7e3", "545", "46706500")]
)
def test_operational_carbon_is_energy_times_intensity(kilowatt_hours: str, intensity: str, grams: str) -> None:
    """France 2023 (Our World in Data); T5 with 85.7 MWh at 545 g/kWh: 46.7 t (Patterson et al. 2021, table 4)."""
    assert operational_grams(Decimal(kilowatt_hours) * 3_600_000, Decimal(intensity)) == Decimal(grams)


def test_scores_divide_all_carbon_by_each_unit() -> None:
    slot = Slot(NOON, 900, Decimal(3_600_000), Decimal(400))
    embodied = Interval(low=Decimal(50), mid=Decimal(100), high=Decimal(200))
    account = Account(slots=(slot,), embodied_grams=embodied, work=Work(tokens=2_000_000, teraflop=Decimal(5_000_000)))
    score = sci(account, models=1, parameters=22_713_216)
    assert score is not None
    assert score.grams_per_model == 500
    assert score.grams_per_exaflop == 100
    assert score.grams_per_million_tokens == 250
    assert score.grams_per_billion_parameters == 22014


def test_without_a_model_or_a_count_there_is_no_score_rather_than_zero() -> None:
    account = Account(embodied_grams=Interval(low=Decimal(1), mid=Decimal(1), high=Decimal(1)))
    assert sci(account, models=0) is None
    score = sci(account, models=1)
    assert score is not None
    assert (score.grams_per_model, score.grams_per_exaflop, score.grams_per_million_tokens) == (1, None, None)


def test_expected_accelerator_power_is_the_median_of_the_shipped_measured_runs() -> None:
    text = (files("coppice") / "data" / "accelerator-power.csv").read_text(encoding="utf-8")
    shares = [Decimal(row["share_of_tdp"]) for row in csv.DictReader(text.splitlines())]
    assert median(shares).quantize(Decimal("0.01")) == EXPECTED_ACCELERATOR_SHARE


@pytest.mark.parametrize(
    ("text", "number"),
    [("2", "2"), ("500m", "0.5"), ("8Gi", str(8 * 2**30)), ("1.5Ki", "1536"), ("3k", "3000"), ("2Ti", str(2**41))],
)
def test_quantities_read_as_kubernetes_reads_them(text: str, number: str) -> None:
    assert quantity(text) == Decimal(number)


@pytest.mark.parametrize("text", ["", "Gi", "8Gb", "2K", "x2", "1mi"])
def test_what_is_no_quantity_says_so(text: str) -> None:
    with pytest.raises(ValueError, match="is not a quantity such as"):
        quantity(text)
