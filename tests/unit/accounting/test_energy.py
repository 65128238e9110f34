"""Energy of a pod: every part from a meter, a count or reserved time, each joule once."""

from decimal import Decimal

import pytest

from builders import make_profile
from coppice.accounting.account import Account, attempt_account
from coppice.accounting.use import PodUse
from coppice.api.computeprofile import ComputeProfile
from coppice.api.result import Outcome
from coppice.api.vocabulary import Component, Grade
from uses import NOON, at, make_earlier, make_energy, make_intensity, make_pod, make_result

CPU_NODE = make_profile().host(cores=4, memory="16Gi", idleWatts="40", peakWatts="80").build()  # 10 W a core above idle
GPU_NODE = make_profile("h100").accelerator(idleWatts="70", peakWatts="700").build()

CPU, HOST, GPU = Component.CPU, Component.HOST_IDLE, Component.ACCELERATOR
MEMORY, OVERHEAD = Component.MEMORY, Component.FACILITY_OVERHEAD
MEASURED, MODELLED, ESTIMATED = Grade.MEASURED, Grade.MODELLED, Grade.ESTIMATED


def account(*pods: PodUse, profile: ComputeProfile = CPU_NODE, pue: str = "1") -> Account:
    return attempt_account(pods, profile, make_intensity(), Decimal(pue))


def test_cpu_seconds_cost_the_watts_above_idle_of_a_core_and_are_modelled() -> None:
    pod = make_pod(result=make_result(cpu_seconds="1800"))
    assert account(pod).parts[CPU, MODELLED] == 1800 * 10


def test_host_idle_is_the_reserved_share_for_the_reserved_time_however_little_was_used() -> None:
    pod = make_pod(seconds=100, result=make_result(cpu_seconds="1"))
    assert account(pod).parts[HOST, ESTIMATED] == 40 * Decimal("0.5") * 100


@pytest.mark.parametrize(
    ("fields", "share"),
    [
        ({"cpu_request": Decimal(1), "memory_request_bytes": 0}, "0.25"),
        ({"cpu_request": Decimal(1), "memory_request_bytes": 12 * 2**30}, "0.75"),
        ({"cpu_request": Decimal(1), "result": make_result(cpu_seconds="300")}, "0.75"),
        ({"cpu_request": Decimal(1), "result": make_result(cpu_seconds="1", peak_memory_bytes=16 * 2**30)}, "1"),
        ({"cpu_request": Decimal(9), "memory_request_bytes": 0}, "1"),
        ({"cpu_request": Decimal(0), "memory_request_bytes": 0}, "1"),
    ],
    ids=["cpu", "memory", "used cpu", "used memory", "more than the node", "no request"],
)
def test_a_cpu_pod_bears_the_larger_share_of_what_it_requests_or_uses(fields: dict[str, object], share: str) -> None:
    assert account(make_pod(seconds=100, **fields)).parts[HOST, ESTIMATED] == 40 * Decimal(share) * 100


def test_an_accelerator_pod_bears_the_host_by_its_accelerators() -> None:
    pod = make_pod(seconds=100, accelerators=2, result=make_result(cpu_seconds="1"))
    assert account(pod, profile=GPU_NODE).parts[HOST, ESTIMATED] == 800 * Decimal(2) / 8 * 100


def test_shares_of_a_full_accelerator_node_and_its_cpu_pods_sum_to_one() -> None:
    node = make_profile("h100").accelerator().host(cpuOnlyShare="0.1").build()
    pods = [make_pod(f"gpu-{i}", 100, accelerators=2, cpu_request=Decimal(12)) for i in range(4)]
    pods += [make_pod(f"cpu-{i}", 100, cpu_request=Decimal(48), memory_request_bytes=0) for i in range(2)]
    assert account(*pods, profile=node).parts[HOST, ESTIMATED] == 800 * 100


def test_rapl_above_idle_replaces_the_modelled_figure_and_leaves_host_idle_alone() -> None:
    result = make_result(cpu_seconds="1800", energy=make_energy(CPU, MEASURED, [9000, 9000], covered=3600))
    parts = account(make_pod(result=result)).parts
    assert parts[CPU, MEASURED] == 18000
    assert (CPU, MODELLED) not in parts
    assert parts[HOST, ESTIMATED] == 40 * Decimal("0.5") * 3600


def test_nvml_covers_what_it_measured_and_the_rest_is_expected_power() -> None:
    energy = make_energy(GPU, MEASURED, [900_000, 900_000], covered=3000)
    pod = make_pod(accelerators=1, init_end=at(400), result=make_result(cpu_seconds="0", energy=energy))
    parts = account(pod, profile=GPU_NODE).parts
    assert parts[GPU, MEASURED] == 1_800_000
    assert parts[GPU, ESTIMATED] == 70 * 400 + 448 * 200  # idle until the trainer starts, then 64 % of 700 W


def test_a_meter_covers_nothing_before_the_trainer_started() -> None:
    energy = make_energy(GPU, MEASURED, [1_000_000], covered=3600)
    pod = make_pod(accelerators=1, init_end=at(600), result=make_result(energy=energy))
    found = account(pod, profile=GPU_NODE)
    assert found.parts[GPU, ESTIMATED] == 70 * 600
    assert found.coverage == Decimal(3000) / 3600


def test_a_pod_without_a_result_is_estimated_at_expected_and_not_at_peak_power() -> None:
    found = account(make_pod(seconds=1000))
    assert found.parts[CPU, ESTIMATED] == 1000 * 2 * Decimal("0.5") * 10
    assert found.gaps == ("Pod pod-1 has no result: cpu is Estimated as 1000 s x 2 cores x 50% x 10 W a core.",)


def test_an_accelerator_without_a_meter_says_by_which_formula_it_is_estimated() -> None:
    found = account(make_pod(seconds=1000, accelerators=1, result=make_result(cpu_seconds="1")), profile=GPU_NODE)
    assert found.parts[GPU, ESTIMATED] == 448 * 1000
    assert found.gaps == (
        "No meter covered 1000 s of pod pod-1: accelerator is Estimated as 1 x 448 W expected (64% of peak).",
    )


def test_an_accelerator_that_the_profile_does_not_know_is_a_gap() -> None:
    found = account(make_pod(accelerators=1, result=make_result(cpu_seconds="1")))
    assert "reserved 1 accelerators that its ComputeProfile does not describe" in found.gaps[0]


def test_the_time_after_the_last_sign_of_a_lost_pod_is_estimated() -> None:
    lost = make_earlier("pod-1", outcome=Outcome.LOST, cpu_seconds="100", started_at=NOON, ended_at=at(600))
    pods = (
        make_pod("pod-1", 700),
        make_pod("pod-2", 60, start=800, result=make_result("pod-2", cpu_seconds="50", earlier=[lost])),
    )
    parts = account(*pods).parts
    assert parts[CPU, MODELLED] == 150 * 10
    assert parts[CPU, ESTIMATED] == 100 * 2 * Decimal("0.5") * 10


def test_metered_memory_counts_only_beside_a_metered_cpu_because_host_watts_include_it() -> None:
    cpu, memory = make_energy(CPU, MEASURED, [100], covered=60), make_energy(MEMORY, MEASURED, [30])
    both = cpu.model_copy(update={"series": (*cpu.series, *memory.series)})
    assert account(make_pod(result=make_result(energy=both))).parts[MEMORY, MEASURED] == 30
    alone = account(make_pod(result=make_result(cpu_seconds="5", energy=memory)))
    assert (MEMORY, MEASURED) not in alone.parts


@pytest.mark.parametrize(
    ("claimed", "counted"),
    [("1", 70 * 3600), ("1000000", 1_000_000), ("99999999", 700 * 3600)],
    ids=["low", "fair", "high"],
)
def test_a_users_own_meter_is_held_between_idle_and_peak(claimed: str, counted: int) -> None:
    energy = make_energy(GPU, MEASURED, [float(claimed)], covered=3600)
    pod = make_pod(accelerators=1, self_reported=True, result=make_result(cpu_seconds="1", energy=energy))
    assert account(pod, profile=GPU_NODE).parts[GPU, MEASURED] == counted


def test_a_users_own_cpu_seconds_are_held_to_the_cores_of_the_node() -> None:
    pod = make_pod(seconds=100, self_reported=True, result=make_result(cpu_seconds="1000000"))
    assert account(pod).parts[CPU, MODELLED] == 4 * 100 * 10


@pytest.mark.parametrize(
    "nonsense",
    [
        {"cpu_seconds": "1e999999"},
        {"cpu_seconds": "-5", "tokens_seen": 10**18, "counted_teraflop": "1e400"},
        {"cpu_seconds": "1", "started_at": "0001-01-01T00:00:00", "ended_at": "9999-12-31T23:59:59"},
        {"energy": {"slots_start": "9999-12-31T00:00:00", "slot_seconds": 10**12, "covered_seconds": 10**30}},
        {
            "energy": {
                "slots_start": "2026-03-01T12:00:00",
                "series": [{"component": "cpu", "grade": "Measured", "joules": ["1e-999999", "1e999999"]}],
            }
        },
    ],
)
def test_nothing_that_a_users_container_says_breaks_the_account(nonsense: dict[str, object]) -> None:
    pod = make_pod(seconds=100, self_reported=True, result=make_result(**nonsense))
    assert 0 < account(pod).energy_joules <= 80 * 100
    assert sum(slot.joules for slot in account(pod).slots) == account(pod).energy_joules


def test_facility_overhead_is_the_pue_less_one_of_the_rest_and_never_measured() -> None:
    result = make_result(energy=make_energy(CPU, MEASURED, [1000], covered=100))
    parts = account(make_pod(seconds=100, result=result), pue="1.5").parts
    assert parts[OVERHEAD, MODELLED] == 500
    assert parts[OVERHEAD, ESTIMATED] == parts[HOST, ESTIMATED] / 2
    assert (OVERHEAD, MEASURED) not in parts


def test_a_pue_below_one_takes_nothing_away() -> None:
    assert account(make_pod(), pue="0.5") == account(make_pod(), pue="1")


def test_a_clock_that_runs_backwards_reserves_nothing() -> None:
    found = account(make_pod(seconds=-5, result=make_result(cpu_seconds="0")))
    assert (found.energy_joules, found.coverage) == (0, 0)
