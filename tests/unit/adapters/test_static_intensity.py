"""Carbon intensity from the shipped table: the right country, one kind of figure, and honest fall-backs."""

from decimal import Decimal

import pytest

from coppice.adapters.intensity.static import StaticIntensity
from coppice.api.decision import Intensity
from coppice.api.vocabulary import IntensityMethod, IntensitySignal
from uses import NOON

OWN = {
    "gramsPerKilowattHour": "41",
    "method": "LifeCycle",
    "signal": "Average",
    "period": "2024",
    "source": "our utility",
}


def current(zone: str, **zones: dict[str, str]) -> Intensity:
    return StaticIntensity(zones).current(zone, NOON)


@pytest.mark.parametrize(
    ("zone", "grams", "period"),
    [
        ("FR", "56.039", "2023"),
        ("FRA", "56.039", "2023"),
        ("fr", "56.039", "2023"),
        ("europe-west9", "56.039", "2023"),
        ("gcp/europe-west9", "56.039", "2023"),
        ("US-CAL-CISO", "369.473", "2023"),
        ("us-east-1", "369.473", "2023"),
        ("sa-east-1", "98.348", "2023"),
        ("HK", "699.499", "2022"),
    ],
)
def test_a_zone_is_a_country_a_grid_zone_or_a_cloud_region(zone: str, grams: str, period: str) -> None:
    found = current(zone)
    assert (found.zone, found.grams_per_kilowatt_hour, found.period) == (zone, Decimal(grams), period)
    assert "Our World in Data" in found.source


@pytest.mark.parametrize("zone", ["", "nowhere", "sa-east-9", "-", "QQ-1", "af-south-9"])
def test_an_unknown_zone_gets_the_worlds_average_and_says_so(zone: str) -> None:
    found = current(zone)
    assert found.grams_per_kilowatt_hour == 481
    assert "world average as a fall-back" in found.source


def test_an_administrators_value_replaces_the_table_for_a_country_and_its_regions() -> None:
    assert {current(zone, SE=OWN).grams_per_kilowatt_hour for zone in ("SE", "SWE", "eu-north-1")} == {41}
    assert current("SE", SE=OWN).source == "our utility"
    assert (
        current("eu-north-1", **{"SE": OWN, "eu-north-1": {**OWN, "gramsPerKilowattHour": "7"}}).grams_per_kilowatt_hour
        == 7
    )
    assert current("my-basement", **{"my-basement": OWN}).grams_per_kilowatt_hour == 41


@pytest.mark.parametrize("missing", list(OWN))
def test_an_incomplete_value_is_refused_with_the_zone_and_what_it_lacks(missing: str) -> None:
    with pytest.raises(ValueError, match=f"zone SE cannot be used .*{missing}"):
        StaticIntensity({"SE": {name: value for name, value in OWN.items() if name != missing}})


def test_a_negative_value_is_refused() -> None:
    with pytest.raises(ValueError, match="zone SE is below 0"):
        StaticIntensity({"SE": {**OWN, "gramsPerKilowattHour": "-1"}})


def test_the_shipped_table_holds_one_kind_of_figure_within_what_grids_can_have() -> None:
    provider = StaticIntensity()
    rows = [provider.current(zone, NOON) for zone in provider.zones()]
    assert len(rows) > 200
    assert {(row.method, row.signal) for row in rows} == {(IntensityMethod.LIFE_CYCLE, IntensitySignal.AVERAGE)}
    assert all(0 < row.grams_per_kilowatt_hour < 1400 for row in rows)
