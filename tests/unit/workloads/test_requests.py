"""What a pod reserves where its job does not say: a share of the node that the estimate, too, counts on."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import make_profile
from coppice.api.computeprofile import ComputeProfile
from coppice.api.trainingjob import Resources
from coppice.workloads.quantity import bytes_text, cores_text, parse_quantity
from coppice.workloads.requests import Requests, requests
from coppice.workloads.template import extended_resources, templated_requests

GIB = 2**30
CPU = make_profile().host(cores=16, memory="64Gi").build()
SMALL = make_profile().host(cores=1, memory="1Gi").build()
GPUS = make_profile().accelerator(perNode=8).host(cores=100, memory="1000Gi").build()


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("2", "2"),
        ("500m", "0.5"),
        ("1.5", "1.5"),
        ("8Gi", str(8 * GIB)),
        ("1k", "1000"),
        ("2Ti", str(2 * 2**40)),
        ("1e3", "1000"),
        ("1E", str(10**18)),
        (4, "4"),
    ],
)
def test_a_quantity_is_a_number(text: str | int, number: str) -> None:
    assert parse_quantity(text) == Decimal(number)


@pytest.mark.parametrize("text", ["", "Gi", "8 GB", "1..2", "x", "--1", "1Xi"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a Kubernetes quantity"):
        parse_quantity(text)


@given(st.integers(min_value=1, max_value=2**50))
def test_bytes_are_written_without_losing_any(size_bytes: int) -> None:
    written = parse_quantity(bytes_text(size_bytes))
    assert size_bytes <= written < size_bytes + 2**20


@given(st.integers(min_value=1, max_value=10**6))
def test_thousandths_of_a_core_are_written_as_they_are(thousandths: int) -> None:
    assert parse_quantity(cores_text(Decimal(thousandths) / 1000)) == Decimal(thousandths) / 1000


def test_what_a_job_asks_for_is_taken() -> None:
    assert requests(Resources(cpu="1500m", memory="3Gi"), CPU, 0) == Requests(Decimal("1.5"), 3 * GIB)


@pytest.mark.parametrize(
    ("profile", "accelerators", "needed", "cores", "memory"),
    [
        (CPU, 0, None, 4, 2 * GIB),
        (CPU, 0, 7 * GIB, 4, 8 * GIB),
        (SMALL, 0, 7 * GIB, 1, int(0.8 * GIB) // 2**20 * 2**20),
        (GPUS, 1, None, 10, 100 * GIB),
        (GPUS, 8, None, 80, 800 * GIB),
    ],
    ids=["small work", "large work", "a small node", "one of eight accelerators", "a whole node"],
)
def test_what_is_chosen_is_a_share_of_the_node(
    profile: ComputeProfile, accelerators: int, needed: int | None, cores: int, memory: int
) -> None:
    chosen = requests(None, profile, accelerators, needed)
    assert chosen == Requests(Decimal(cores), memory, accelerators)


def test_no_accelerator_is_asked_for_where_none_is_needed() -> None:
    assert set(requests(None, GPUS, 0).wire("nvidia.com/gpu")) == {"cpu", "memory"}


def holding(*resources: object, setup: object = None) -> dict[str, object]:
    """A pod template whose containers have these resources, and an init container these."""
    containers = [{"name": f"c{n}", "resources": each} for n, each in enumerate(resources)]
    return {"spec": {"containers": containers, "initContainers": [{"name": "setup", "resources": setup}]}}


@pytest.mark.parametrize(
    ("template", "asked"),
    [
        (holding({"limits": {"nvidia.com/gpu": 2, "cpu": "4", "hugepages-2Mi": "1Gi"}}), {"nvidia.com/gpu": 2}),
        (holding({"requests": {"a.io/x": "1"}}, {"limits": {"a.io/x": "2"}}), {"a.io/x": 3}),
        (holding({"limits": {"a.io/x": "1"}}, setup={"limits": {"a.io/x": "4"}}), {"a.io/x": 4}),
        (holding({"limits": {"a.io/x": "0", "x.kubernetes.io/y": "1", "kubernetes.io/z": "1"}}), {}),
        (holding({"limits": {"a.io/x": "many", "a.io/y": None}}), {}),
        (holding("none", {"limits": "none"}), {}),
        ({"spec": "pod"}, {}),
    ],
)
def test_a_template_asks_for_the_extended_resources_of_its_pod(
    template: dict[str, object], asked: dict[str, int]
) -> None:
    assert extended_resources(template) == asked


def test_what_is_no_quantity_in_a_template_reserves_nothing() -> None:
    template = holding({"requests": {"cpu": "2", "memory": "lots", "nvidia.com/gpu": "1e99999"}}, "none")
    reserved = templated_requests(template, "nvidia.com/gpu")
    assert (reserved.cpu_cores, reserved.memory_bytes, reserved.accelerators) == (2, 0, 2**60)
