"""A user's own container or template: what it is compared with, and where it can run."""

import pytest

from builders import make_job, make_model, make_profile
from coppice.api.reasons import DecisionReason, StateReason
from coppice.api.vocabulary import Basis
from worlds import decided, refused, rungs

MODEL = make_model()
GPU = make_profile("gpu").accelerator(perNode=4)
CPU = make_profile("cpu")


def asking(**resources: str):  # type: ignore[no-untyped-def]
    """A job whose own template asks for these resources."""
    trainer = {"name": "trainer", "image": "registry.example/trainer:1", "resources": {"limits": resources}}
    return make_job().template(containers=[trainer]).mode("Never")


def test_a_user_s_container_is_a_scratch_plan_of_unknown_cost() -> None:
    record = decided(make_job().methods("LinearProbe").container(), MODEL)
    assert rungs(record)[-1] == "FromScratch"
    assert record.counterfactual is not None
    assert record.counterfactual.basis is Basis.ASSUMED
    carbon = record.counterfactual.estimate.carbon_grams
    assert carbon.high > 10 * carbon.low


def test_a_container_with_a_declared_plan_is_declared() -> None:
    record = decided(make_job().scratch().methods("LinearProbe").container(), MODEL)
    assert record.counterfactual is not None
    assert record.counterfactual.basis is Basis.DECLARED


def test_a_container_of_unknown_cost_leaves_no_room_under_a_limit() -> None:
    job = make_job().methods("LinearProbe").container().limits(runSeconds=600)
    record = decided(job, MODEL)
    assert (rungs(record), record.reason) == (["FromScratch"], DecisionReason.NO_ROOM_TO_TRY)


@pytest.mark.parametrize(
    ("job", "profile", "accelerators"),
    [
        (asking(), "cpu", 0),
        (asking(cpu="2"), "cpu", 0),
        (asking(**{"nvidia.com/gpu": "1"}), "gpu", 1),
        (asking(**{"nvidia.com/gpu": "3"}), "gpu", 3),
        (asking(**{"nvidia.com/gpu": "3"}).resources(acceleratorsPerPod=3, pods=2), "gpu", 3),
    ],
)
def test_a_template_runs_where_there_is_what_it_asks_for(job, profile: str, accelerators: int) -> None:  # type: ignore[no-untyped-def]
    [rung] = decided(job, profiles=[CPU, GPU]).ladder
    assert (rung.profile, rung.accelerators_per_pod) == (profile, accelerators)


@pytest.mark.parametrize(
    ("job", "profiles", "sentence"),
    [
        (asking(**{"nvidia.com/gpu": "1"}), [CPU], "asks for 1 nvidia.com/gpu a pod"),
        (asking(**{"nvidia.com/gpu": "5"}), [CPU, GPU], "asks for 5 nvidia.com/gpu a pod"),
        (asking(**{"amd.com/gpu": "1"}), [CPU, GPU], "asks for 1 amd.com/gpu a pod"),
        (asking(**{"nvidia.com/gpu": "3"}).resources(acceleratorsPerPod=2), [GPU], "resources.acceleratorsPerPod"),
        (asking(), [GPU], "asks for no accelerator"),
        (asking(**{"nvidia.com/gpu": "1"}).resources(profiles=["cpu"]), [CPU, GPU], "that the job allows"),
    ],
)
def test_a_template_that_nothing_can_run_is_refused(job, profiles, sentence: str) -> None:  # type: ignore[no-untyped-def]
    refusal = refused(job, profiles=profiles)
    assert refusal.reason == StateReason.NO_PROFILE
    assert sentence in refusal.message


def test_a_template_that_fine_tunes_too_gets_what_it_asks_for() -> None:
    own = asking(**{"nvidia.com/gpu": "2"}).set("spec.trainer.fineTuneWith", "Template").mode("Require").methods("LoRA")
    [rung] = decided(own, MODEL, profiles=[CPU, GPU]).ladder
    assert (rung.profile, rung.accelerators_per_pod) == ("gpu", 2)


def test_base_models_are_tried_anywhere_beside_a_template() -> None:
    job = asking(**{"nvidia.com/gpu": "2"}).mode("Auto").methods("LinearProbe")
    record = decided(job, MODEL, profiles=[CPU, GPU])
    assert [one.profile for one in record.candidates] == ["cpu"]
