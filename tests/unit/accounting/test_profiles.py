"""Which ComputeProfile prices a pod that was not planned here: named, or matched, or none with the reason."""

import pytest

from builders import make_profile
from coppice.accounting.profiles import Wanted, profile_for
from coppice.api.computeprofile import ComputeProfile

PRODUCT = "nvidia.com/gpu.product"
GPU = "nvidia.com/gpu"


def gpu(name: str, product: str, **selector: str) -> ComputeProfile:
    return make_profile(name).accelerator().set("spec.nodeSelector", {PRODUCT: product, **selector}).build()


CPU = make_profile("cpu").build()
A100, H100 = gpu("a100", "A100"), gpu("h100", "H100")
H100_EAST = gpu("h100-east", "H100", pool="east")
PROFILES = (CPU, A100, H100, H100_EAST)


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        (Wanted(named="a100", accelerator=GPU, labels={PRODUCT: "H100"}, node_known=True), "a100"),
        (Wanted(accelerator=GPU, labels={PRODUCT: "H100"}, node_known=True), "h100"),
        (Wanted(accelerator=GPU, labels={PRODUCT: "H100", "pool": "east"}, node_known=True), "h100-east"),
        (Wanted(accelerator=GPU, labels={PRODUCT: "A100"}), "a100"),
        (Wanted(), "cpu"),
        (Wanted(labels={PRODUCT: "A100"}, node_known=True), "a100"),
    ],
    ids=["named", "by label", "most labels", "by the pod's selector", "cpu", "a pod without a GPU on a GPU node"],
)
def test_a_pod_s_profile_is_the_named_or_the_most_specific_that_holds(wanted: Wanted, name: str) -> None:
    found = profile_for(PROFILES, wanted)
    assert isinstance(found, ComputeProfile)
    assert found.metadata.name == name


@pytest.mark.parametrize(
    ("profiles", "wanted", "why"),
    [
        (PROFILES, Wanted(named="b200"), "ComputeProfile b200, which does not exist"),
        (PROFILES, Wanted(accelerator=GPU, labels={PRODUCT: "B200"}, node_known=True), "no ComputeProfile describes"),
        (PROFILES, Wanted(accelerator=GPU), "no ComputeProfile describes"),
        (PROFILES, Wanted(accelerator="amd.com/gpu", labels={}), "amd.com/gpu"),
        ((CPU, make_profile("other").build()), Wanted(), "cpu, other describe its node equally well"),
        ((H100,), Wanted(accelerator=GPU, labels={PRODUCT: "A100"}, node_known=True), "no ComputeProfile describes"),
        ((), Wanted(), "no ComputeProfile describes its node"),
    ],
)
def test_a_pod_without_a_clear_profile_is_told_why(
    profiles: tuple[ComputeProfile, ...], wanted: Wanted, why: str
) -> None:
    found = profile_for(profiles, wanted)
    assert isinstance(found, str)
    assert why in found


def test_where_the_node_is_not_known_the_only_profile_with_the_accelerator_serves() -> None:
    assert profile_for((CPU, H100), Wanted(accelerator=GPU)) is H100
