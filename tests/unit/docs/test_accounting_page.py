"""docs/accounting.md: the demo's jobs made by hand come to what was recorded, and to what the code says."""

from decimal import Decimal
from pathlib import Path

import pytest
import yaml

import paperaccount
from coppice.accounting.account import attempt_account
from coppice.accounting.totals import totals
from coppice.adapters.intensity.static import StaticIntensity
from coppice.api.computeprofile import ComputeProfile
from coppice.api.vocabulary import Component, Grade
from paperaccount import CONTROL, JOB, PODS, RECORDED, Step, paper
from uses import GIB, NOON, make_pod, make_result

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "accounting.md").read_text()
TRANSCRIPTS = "\n".join(path.read_text() for path in sorted((ROOT / "docs" / "transcripts").glob("*.txt")))
STEPS = [
    *(step for name in (JOB, CONTROL) for step in paperaccount.account(paper(name), RECORDED[name])),
    *paperaccount.savings(),
    *(Step(one.name, "", one.joules, "J", joules) for one, joules in paperaccount.others()),
    *paperaccount.ledger(),
]


@pytest.mark.parametrize("step", [step for step in STEPS if step.recorded], ids=lambda step: step.what)
def test_pencil_and_paper_come_to_what_was_recorded(step: Step) -> None:
    assert f" {step.recorded} " in TRANSCRIPTS.replace("\n", " ")
    number, *unit = step.recorded.split()
    recorded = Decimal(number) * (Decimal("0.001") if unit == ["mg"] else 1)
    assert step.result.quantize(recorded) == recorded


@pytest.mark.parametrize("name", PODS)
def test_the_code_comes_to_the_same(name: str) -> None:
    seconds, cpu_seconds = PODS[name]
    result = make_result(cpu_seconds=cpu_seconds)
    pod = make_pod(seconds=seconds, result=result, cpu_request=paperaccount.cores(), memory_request_bytes=4 * GIB)
    profile = ComputeProfile.model_validate({"metadata": {"name": "cpu-generic"}, "spec": paperaccount.profile()})
    account = attempt_account([pod], profile, StaticIntensity().current("", NOON), paperaccount.pue())
    shown, one = totals(account, run_seconds=seconds), paper(name)
    over = paperaccount.pue() - 1
    assert {(part.component, part.grade): part.joules for part in shown.parts} == {
        (Component.CPU, Grade.MODELLED): round(one.cpu, 3),
        (Component.HOST_IDLE, Grade.ESTIMATED): round(one.idle, 3),
        (Component.FACILITY_OVERHEAD, Grade.MODELLED): round(over * one.cpu, 3),
        (Component.FACILITY_OVERHEAD, Grade.ESTIMATED): round(over * one.idle, 3),
    }
    assert shown.energy_joules == one.joules
    assert shown.operational_grams == round(one.operational, 6)
    assert shown.embodied_grams == round(one.embodied(), 6)
    assert account.embodied_grams.high == pytest.approx(one.embodied("high"))


def test_every_job_of_the_page_asks_for_what_the_page_says() -> None:
    manifests = [*(ROOT / "examples" / "demo").glob("*.yaml"), *(ROOT / "examples" / "ladder").glob("*.yaml")]
    jobs = [body for path in manifests for body in yaml.safe_load_all(path.read_text())]
    asked = {
        body["metadata"]["name"]: body["spec"]["resources"] for body in jobs if body and body["kind"] == "TrainingJob"
    }
    assert {name: asked[name] for name in PODS} == {name: {"cpu": "1700m", "memory": "4Gi"} for name in PODS}
    assert paperaccount.profile()["lifespanYears"] == "4"


def test_the_page_shows_the_steps_as_they_are_now() -> None:
    """`python -m generate` writes them anew."""
    assert paperaccount.filled(PAGE) == PAGE
