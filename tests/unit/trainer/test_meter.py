"""Joules must be those that were used: in the right slot, once, and absent where nothing could be read."""

import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coppice.api.run import RunMeter
from coppice.api.vocabulary import Component, Grade
from coppice.trainer.meter.cpu import modelled_cpu_joules, process_tree_cpu_seconds
from coppice.trainer.meter.meter import Meter
from coppice.trainer.meter.nvml import Nvml
from coppice.trainer.meter.rapl import Rapl, counted
from coppice.trainer.meter.slots import Sample, Slots

QUARTER = 900
SAMPLES = st.lists(st.tuples(st.floats(0, 3 * 86400), st.floats(0, 7200), st.floats(0, 1e6)), min_size=1, max_size=5)


def sample(start: float, end: float, joules: float) -> Sample:
    return Sample(Component.CPU, Grade.MODELLED, "cpu-seconds", start, end, joules)


def test_a_sample_over_a_boundary_is_divided_by_time() -> None:
    slots = Slots()
    slots.add(sample(QUARTER - 30, QUARTER + 90, 120.0))
    energy = slots.energy(120)
    assert energy is not None
    assert energy.slots_start == datetime.fromtimestamp(0, tz=UTC)
    assert energy.series[0].joules == (Decimal(30), Decimal(90))


@given(SAMPLES)
def test_slots_lose_no_joule_and_stay_under_96(samples: list[tuple[float, float, float]]) -> None:
    slots = Slots()
    for start, length, joules in samples:
        slots.add(sample(start, start + length, joules))
    energy = slots.energy(0)
    assert energy is not None
    joules = energy.series[0].joules
    assert len(joules) <= 96
    assert float(sum(joules)) == pytest.approx(sum(item[2] for item in samples), abs=0.1)
    assert energy.slots_start.timestamp() % energy.slot_seconds == 0


def test_nothing_sampled_is_no_energy_rather_than_zero() -> None:
    assert Slots().energy(10) is None


@pytest.mark.parametrize(
    ("meter", "joules"),
    [
        (RunMeter(host_idle_watts=Decimal(40), host_peak_watts=Decimal(140), host_cores=4), 250.0),
        (RunMeter(host_peak_watts=Decimal(140), host_cores=4), None),
        (RunMeter(), None),
    ],
)
def test_cpu_joules_are_seconds_times_dynamic_watts_per_core(meter: RunMeter, joules: float | None) -> None:
    assert modelled_cpu_joules(10.0, meter) == joules


def test_the_process_tree_counts_work_that_was_done() -> None:
    before = process_tree_cpu_seconds()
    spent = time.process_time() + 0.05
    while time.process_time() < spent:
        pass
    assert process_tree_cpu_seconds() - before >= 0.04


def test_a_counter_that_wraps_goes_on() -> None:
    assert [counted(10, 30, 100), counted(90, 5, 100)] == [20, 15]


def powercap(root: Path, name: str, label: str, microjoules: int) -> Path:
    zone = root / name
    zone.mkdir(exist_ok=True)
    (zone / "name").write_text(f"{label}\n")
    (zone / "energy_uj").write_text(f"{microjoules}\n")
    (zone / "max_energy_range_uj").write_text("1000000000\n")
    return zone


def test_rapl_counts_packages_only_and_takes_idle_off_first(tmp_path: Path) -> None:
    powercap(tmp_path, "intel-rapl:0", "package-0", 0)
    powercap(tmp_path, "intel-rapl:0:0", "core", 0)
    powercap(tmp_path, "intel-rapl:1", "psys", 0)
    rapl = Rapl(root=tmp_path, idle_watts=30.0)
    for name in ("intel-rapl:0", "intel-rapl:0:0", "intel-rapl:1"):
        (tmp_path / name / "energy_uj").write_text("500000000")
    joules = rapl.pod_joules(10.0, 1e9)  # more CPU time than the node had: the share is capped at 1
    assert joules is not None
    assert joules in {0.0, 200.0}  # 0 where the node's clock did not tick in between


def test_without_readable_files_there_is_no_rapl(tmp_path: Path) -> None:
    assert not Rapl(root=tmp_path).readable
    assert Rapl(root=tmp_path).pod_joules(1.0, 1.0) is None


class Board:
    """A management library with one device."""

    def __init__(self, *, counts: bool = True, sliced: bool = False) -> None:
        self.millijoules, self.milliwatts, self._counts, self._sliced = 1000, 200_000, counts, sliced

    def library(self) -> Any:
        def counter(_: object) -> int:
            if not self._counts:
                raise RuntimeError("Not Supported")
            return self.millijoules

        return SimpleNamespace(
            nvmlInit=lambda: None,
            nvmlDeviceGetCount=lambda: 1,
            nvmlDeviceGetHandleByIndex=lambda index: index,
            nvmlDeviceGetName=lambda _: "Board 9000",
            nvmlDeviceGetTotalEnergyConsumption=counter,
            nvmlDeviceGetPowerUsage=lambda _: self.milliwatts,
            nvmlDeviceGetMigMode=lambda _: (int(self._sliced), 0),
        )


def test_the_energy_counter_is_read_and_a_decrease_is_a_reset() -> None:
    board = Board()
    nvml = Nvml(board.library())
    board.millijoules = 51_000
    assert nvml.joules(10) == 50.0
    board.millijoules = 7_000
    assert (nvml.joules(10), nvml.source) == (7.0, "nvml-counter")


def test_power_is_integrated_where_there_is_no_counter() -> None:
    board = Board(counts=False)
    nvml = Nvml(board.library())
    board.milliwatts = 300_000
    assert (nvml.joules(10), nvml.source) == (2500.0, "nvml-power")


def test_a_sliced_board_is_not_counted_by_every_slice() -> None:
    assert not Nvml(Board(sliced=True).library()).readable


def test_the_meter_counts_the_init_step_with_the_pod() -> None:
    figures = RunMeter(host_idle_watts=Decimal(0), host_peak_watts=Decimal(10), host_cores=1)
    with Meter(figures) as meter:
        meter.add_init_step(time.time() - 60, 50.0, 7.0)
        usage = meter.usage()
    assert usage.cpu_seconds is not None
    assert usage.cpu_seconds >= 7
    assert usage.run_seconds is not None
    assert usage.run_seconds >= 60
    assert usage.energy is not None
    assert sum(usage.energy.series[0].joules) >= 70
