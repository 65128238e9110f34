"""Estimates: energy is power x time, the PUE counts once, embodied carbon is time's share, intervals are log-normal."""

from decimal import Decimal
from math import exp, log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import Builder, ProfileBuilder, make_job, make_model, make_profile
from coppice.accounting.share import host_share
from coppice.accounting.use import PodUse
from coppice.api.trainingjob import Resources
from coppice.api.vocabulary import Method, OptimizeFor
from coppice.planning.candidate import Candidate
from coppice.planning.estimate import Estimate, estimate
from coppice.planning.hardware import configurations
from coppice.planning.lognormal import LogNormal, from_interval, total
from coppice.planning.memory import GIBIBYTE
from coppice.planning.network import Network, network_of
from coppice.planning.power import draw
from coppice.planning.survey import survey
from coppice.planning.workload import effort
from worlds import NOW, Case

CPU, GPU = make_profile(), make_profile("h100").accelerator()
MINILM = network_of(make_model().build().spec.architecture)
BERT = Network("bert", 109_482_240, 23_837_184, 12, 768, 512)


def estimated(
    method: Method = Method.FULL_FINE_TUNE,
    profile: Builder = CPU,
    network: Network = MINILM,
    **case: str,  # type: ignore[type-arg]
) -> Estimate:
    world = Case(make_job().scratch(), profiles=[profile], **case).world  # type: ignore[arg-type]
    [hardware] = configurations(profile.build(), Resources())
    return estimate(effort(make_job().scratch().build().spec, method), network, hardware, world)


def test_carbon_is_energy_times_intensity_plus_embodied() -> None:
    found = estimated(grams="500")
    assert found.operational.median == pytest.approx(found.energy.median / 1000 * 500)
    assert found.carbon.mean == pytest.approx(found.operational.mean + found.embodied.mean)


def test_the_pue_is_applied_once() -> None:
    assert estimated(pue="1.5").energy.median == pytest.approx(1.5 * estimated(pue="1.0").energy.median)


def test_a_profile_s_own_pue_and_zone_win() -> None:
    found = estimated(profile=CPU.pue("1.0").zone("SE"), pue="2.0", zones={"SE": "0"})
    assert found.energy.median == pytest.approx(estimated(pue="1.0").energy.median)
    assert found.operational.median == 0


def test_embodied_carbon_is_the_reserved_share_of_the_lifespan() -> None:
    """SCI's worked example: 1,000 kg over 4 years, one hour of the whole device, 28.5 g."""
    host = {"low": "1000", "mid": "1000", "high": "1000"}
    found = estimated(profile=CPU.host(embodiedKilograms=host, cores=1))
    assert found.embodied.median / found.seconds.median * 3600 == pytest.approx(28.5, rel=0.01)


def test_cpu_power_is_idle_share_plus_busy_cores_never_peak() -> None:
    [hardware] = configurations(CPU.build(), Resources(cpu="1"))
    found = draw(hardware, 0.5, 0.0, 100.0, 1e12, 1.0)
    assert found.host_idle_watts == pytest.approx(1.42 / 2)
    assert found.cpu_watts == pytest.approx((8.52 - 1.42) / 2 * 0.95)
    assert found.accelerator_watts == 0


def test_an_accelerator_node_is_borne_by_the_accelerators_asked_for() -> None:
    [hardware] = configurations(GPU.build(), Resources())
    assert hardware.share(0) == pytest.approx(1 / 8)


def test_a_small_job_does_not_reach_what_a_large_one_does() -> None:
    def reached(network: Network, **data: int) -> float:
        spec = make_job().dataset(examples=10**5, **data).hyperparameters(maxSequenceLength=512).build().spec
        [hardware] = configurations(GPU.build(), Resources())
        found = estimate(effort(spec, Method.FULL_FINE_TUNE), network, hardware, Case(make_job()).world)
        return found.flops.median / (found.seconds.median - 60) / hardware.peak_flops

    assert reached(MINILM, tokensPerExample=64) < 0.1
    assert reached(Network("llama", 7 * 10**9, 0, 32, 4096), tokensPerExample=512) > 0.25


def test_bounds_open_larger_configurations_in_powers_of_two() -> None:
    counts = [option.accelerators for option in configurations(GPU.build(), Resources(accelerators_per_pod=6))]
    assert counts == [1, 2, 4]
    assert [option.accelerators for option in configurations(GPU.build(), Resources())] == [1]


def test_a_user_s_own_container_gets_what_it_asks_for() -> None:
    [option] = configurations(GPU.build(), Resources(accelerators_per_pod=6, pods=2), as_asked=True)
    assert (option.accelerators, option.pods) == (6, 2)


def test_cost_is_device_hours_and_the_licence_s_price() -> None:
    assert estimated().cost is None
    found = estimated(profile=CPU.price("3.6"))
    assert found.cost is not None
    assert found.expected(OptimizeFor.COST) == pytest.approx(found.seconds.mean * 0.001, rel=0.01)
    priced = survey(Case(make_job(), [make_model().set("spec.pricePerJob", "100")], [CPU.price("3.6")]).request)
    assert all(one.estimate.expected(OptimizeFor.COST) > 100 for one in priced.candidates)


def test_a_plan_without_a_price_cannot_be_compared_by_cost() -> None:
    with pytest.raises(ValueError, match="price"):
        estimated().expected(OptimizeFor.COST)


def test_every_estimate_shows_its_inputs() -> None:
    record = estimated().record(OptimizeFor.CARBON)
    assert {"parameters", "epochs", "facilityWatts", "pue", "gramsPerKilowattHour", "hostShare"} <= set(record.inputs)
    assert record.carbon_grams.low < record.carbon_grams.mid < record.carbon_grams.high


def test_an_estimate_says_whose_measured_behaviour_it_used() -> None:
    named = GPU.set("spec.accelerator.hardware", "h100-sxm5")
    assert estimated(profile=GPU).inputs["measuredGeneration"] == "none"
    assert estimated(profile=named).inputs["measuredGeneration"] == "hopper"
    assert "measuredGeneration" not in estimated().inputs


@settings(max_examples=40, deadline=None)
@given(st.floats(0.01, 1e6), st.floats(0, 2), st.floats(0.01, 1e6), st.floats(0, 2))
def test_a_sum_keeps_the_mean_of_its_parts(one: float, sigma: float, other: float, spread: float) -> None:
    parts = LogNormal(one, sigma), LogNormal(other, spread)
    assert total(*parts, min(sigma, spread)).mean == pytest.approx(parts[0].mean + parts[1].mean, rel=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.floats(0.001, 1e9), st.floats(0, 2))
def test_an_interval_and_its_distribution_say_the_same(median: float, sigma: float) -> None:
    again = from_interval(LogNormal(median, sigma).interval())
    assert log(again.median / median) == pytest.approx(0, abs=1e-3)
    assert again.sigma == pytest.approx(sigma, abs=2e-3)
    assert exp(sigma**2 / 2) * median == pytest.approx(LogNormal(median, sigma).mean)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from([Method.LORA, Method.FULL_FINE_TUNE, Method.FROM_SCRATCH]),
    st.integers(1, 10**6),
    st.integers(1, 10**6),
)
def test_more_data_never_costs_less(method: Method, few: int, more: int) -> None:
    def seconds(examples: int) -> float:
        return effort(make_job().scratch().dataset(examples=examples).build().spec, method).on(MINILM).flops

    assert seconds(few) <= seconds(few + more) * (1 + 1e-12)


def test_candidates_are_estimated_on_the_memory_that_a_pod_will_reserve() -> None:
    [probe, *_] = survey(Case(make_job().methods("LinearProbe"), [make_model()]).request).candidates
    assert isinstance(probe, Candidate)
    assert probe.estimate.inputs["memoryRequestBytes"] >= 2 * GIBIBYTE  # type: ignore[operator]


@pytest.mark.parametrize("gibibytes", [0, 1, 3, 6, 8, 20])
@pytest.mark.parametrize("profile", [CPU, GPU, GPU.host(cpuOnlyShare="0.1")])
@pytest.mark.parametrize("accelerators", [0, 1])
def test_a_plan_bears_the_share_of_its_host_that_the_account_will_charge(
    profile: ProfileBuilder, accelerators: int, gibibytes: int
) -> None:
    if accelerators == 0 and profile is not CPU:
        profile = profile.host(peakTeraFlops="3")
    asked = Resources(accelerators_per_pod=accelerators, cpu="1")
    [hardware] = configurations(profile.build(), asked)
    pod = PodUse(
        uid="",
        start=NOW,
        end=NOW,
        accelerators=hardware.accelerators,
        cpu_request=Decimal(str(hardware.cores)),
        memory_request_bytes=gibibytes * GIBIBYTE,
    )
    charged = float(host_share(pod, None, hardware.profile.spec))
    assert hardware.share(gibibytes * GIBIBYTE) == pytest.approx(charged)


def test_evaluation_data_counts_by_its_size_where_both_sizes_are_stated() -> None:
    def read(**sizes: int) -> float:
        job = make_job().dataset(examples=1000, evaluationURI="pvc://corpora/test.parquet", **sizes)
        return effort(job.build().spec, Method.AS_IS).on(MINILM).forward_flops

    assert read(sizeBytes=1000, evaluationSizeBytes=4000) == pytest.approx(16 * read(sizeBytes=1000))
