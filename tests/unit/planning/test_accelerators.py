"""The table of accelerators: whole, dense, and in agreement with the profiles that the chart ships."""

from pathlib import Path

import pytest
import yaml

from builders import make_profile
from coppice.api.trainingjob import Resources
from coppice.planning.accelerators import AcceleratorFigures, accelerators
from coppice.planning.hardware import configurations

TABLE = accelerators()
PROFILES = Path(__file__).parents[3] / "charts" / "coppice" / "profiles"
WITH_SPARSITY = {1979.0, 733.0, 624.0, 1513.0}


@pytest.mark.parametrize("figures", TABLE.values(), ids=list(TABLE))
def test_every_accelerator_has_sane_figures(figures: AcceleratorFigures) -> None:
    assert 0 < figures.idle_watts < figures.peak_watts <= 1500
    assert 20 < figures.host_watts < 500
    low, mid, high = figures.embodied_kilograms
    assert 0 < low <= mid <= high
    assert figures.source


def test_no_peak_is_with_sparsity() -> None:
    peaks = {peak / 1e12 for figures in TABLE.values() for peak in figures.peak_flops.values()}
    assert not peaks & WITH_SPARSITY


@pytest.mark.parametrize(
    ("accelerator", "wanted", "computed"),
    [
        ("v100-sxm2-32", "bf16", "fp16"),
        ("t4", "tf32", "fp32"),
        ("h100-sxm5", "fp8", "bf16"),
        ("a100-sxm4-80", "tf32", "tf32"),
        ("tpu-v4", "fp16", "bf16"),
        ("tpu-v4", "fp32", "bf16"),
    ],
)
def test_a_dtype_that_is_missing_falls_back_to_the_next_best(accelerator: str, wanted: str, computed: str) -> None:
    assert TABLE[accelerator].dtype_for(wanted) == computed


def test_what_is_not_published_is_said_to_be_assumed() -> None:
    assert "idle_watts" not in TABLE["h100-sxm5"].assumed
    assert {"idle_watts", "embodied_kilograms"} <= set(TABLE["t4"].assumed)


def test_profiles_of_the_chart_name_accelerators_of_the_table_with_the_same_figures() -> None:
    named = 0
    for path in PROFILES.glob("*.yaml"):
        accelerator = yaml.safe_load(path.read_text())["spec"].get("accelerator")
        if accelerator is None:
            continue
        figures = TABLE[accelerator["hardware"]]
        assert float(accelerator["peakWatts"]) == figures.peak_watts, path.name
        assert float(accelerator["peakTeraFlops"]["fp16"]) == pytest.approx(figures.peak_flops["fp16"] / 1e12), (
            path.name
        )
        named += 1
    assert named >= 10


def test_a_profile_that_names_its_hardware_is_estimated_with_its_bandwidth_and_generation() -> None:
    plain = make_profile("h100").accelerator()
    [generic] = configurations(plain.build(), Resources())
    [known] = configurations(plain.set("spec.accelerator.hardware", "h100-sxm5").build(), Resources())
    [stated] = configurations(plain.set("spec.accelerator.memoryGigabytesPerSecond", "3000").build(), Resources())
    assert (generic.device.generation, known.device.generation) == ("", "hopper")
    assert known.device.bytes_per_second == pytest.approx(3350e9)
    assert stated.device.bytes_per_second == pytest.approx(3000e9)
    assert generic.device.bytes_per_second == pytest.approx(989e12 * 2039e9 / 312e12)
