"""Each formula against a figure that a source prints.

Sums over pods, slots and months, and shares of time, are definitions: properties hold them, in the tests beside this.
"""

import csv
from decimal import Decimal
from importlib.resources import files
from statistics import median

import pytest

from builders import make_profile
from coppice.accounting.account import Account, Work, attempt_account
from coppice.accounting.cost import attempt_cost
from coppice.accounting.embodied import embodied_grams, pod_embodied
from coppice.accounting.energy import EXPECTED_ACCELERATOR_SHARE
from coppice.accounting.operational import Slot, operational_grams
from coppice.accounting.savings import avoided
from coppice.accounting.sci import per_unit, sci
from coppice.accounting.stretch import Stretch, facility_overhead
from coppice.accounting.units import quantity
from coppice.accounting.use import AttemptUse
from coppice.api.base import Interval
from coppice.api.vocabulary import Component, Grade
from uses import NOON, at, make_counterfactual, make_intensity, make_pod, make_result


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


@pytest.mark.parametrize(
    ("hours", "watts", "pue", "kilowatt_hours", "intensity", "kilograms"),
    [
        ("672", "189.4", "1.58", "201", "433", "87"),
        ("1008", "172.6", "1.58", "275", "433", "119"),
        ("737280", "289", "1.09", "232e3", "415", "96.4e3"),
    ],
    ids=["Transformer, 213 M", "ELMo", "Meena"],
)
def test_facility_energy_is_the_pue_times_all_that_was_metered(
    hours: str, watts: str, pue: str, kilowatt_hours: str, intensity: str, kilograms: str
) -> None:
    """Device-hours, watts, kWh x PUE and carbon: Strubell et al. 2019, table 3, and Patterson et al. 2021, table 4."""
    metered = Decimal(hours) * 3600 * Decimal(watts)
    stretch = Stretch(Component.ACCELERATOR, Grade.MEASURED, metered, NOON, at(3600))
    total = metered + sum(one.joules for one in facility_overhead([stretch], Decimal(pue)))
    assert total / 3_600_000 == pytest.approx(Decimal(kilowatt_hours), rel=Decimal("0.005"))
    assert operational_grams(total, Decimal(intensity)) / 1000 == pytest.approx(
        Decimal(kilograms), rel=Decimal("0.005")
    )


@pytest.mark.parametrize("cpu_seconds", ["1800", None], ids=["counted, and half busy", "nothing known"])
def test_a_core_draws_its_idle_watts_and_its_busy_ones_by_use(cpu_seconds: str | None) -> None:
    """Cloud Carbon Footprint: watts = min + utilisation x (max - min), kWh x PUE; of AWS 0.74 and 3.5 W a vCPU, 1.135.

    One vCPU for an hour at 50 %, which is also what it takes where utilisation is unknown: 2.12 W and 2.4062 Wh.
    """
    vcpu = make_profile().host(cores=1, memory="8Gi", idleWatts="0.74", peakWatts="3.5").build()
    result = make_result(cpu_seconds=cpu_seconds) if cpu_seconds else None
    pod = make_pod(result=result, cpu_request=Decimal(1), memory_request_bytes=0)
    account = attempt_account([pod], vcpu, make_intensity(), Decimal("1.135"))
    assert account.energy_joules / 3600 == Decimal("2.4062")


@pytest.mark.parametrize(("hours", "price", "dollars"), [(12, "0.43", 41), (84, "0.43", 289), (84, "1.46", 981)])
def test_money_is_device_hours_times_the_price_of_one(hours: int, price: str, dollars: int) -> None:
    """Strubell et al. 2019, table 3: two Transformers on 8 P100 at what Google Cloud asked, preemptible and not."""
    node = make_profile("p100").accelerator().price(price).build()
    use = AttemptUse(1, (make_pod(seconds=hours * 3600, accelerators=8),), node, make_intensity(), Decimal(1))
    cost = attempt_cost(use, attempt_account(use.pods, node, use.intensity, use.pue))
    assert cost is not None
    assert round(cost) == dollars


def test_fine_tuning_avoids_the_counterfactual_less_what_it_took() -> None:
    """Luccioni et al. 2024, table 5: BLOOM-7B1 took 51,686 kWh and BLOOMZ-7B1 on top of it 7,571, 14.6 %; 57 g/kWh."""
    scratch, tuned = (kilowatt_hours * 3_600_000 for kilowatt_hours in (Decimal(51686), Decimal(7571)))
    grams = operational_grams(scratch, Decimal(57))
    declared = make_counterfactual()
    estimate = declared.estimate.model_copy(update={"carbon_grams": Interval(low=grams, mid=grams, high=grams)})
    slot = Slot(NOON, 900, tuned, operational_grams(tuned, Decimal(57)))
    spent = Account(slots=(slot,))
    found = avoided(
        declared.model_copy(update={"estimate": estimate}), None, spent=spent, on_substitution=spent, met=True
    )
    assert found is not None
    assert found.mid == (51686 - 7571) * 57
    assert 1 - found.mid / grams == pytest.approx(Decimal("0.146"), abs=Decimal("0.0005"))


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
