"""A user's own pod template is refused for whatever a restricted pod may not ask, and says so in a sentence."""

from typing import Any

import pytest

from builders import make_job
from coppice.api.trainingpolicy import PodExceptions
from coppice.workloads.podrules import POD_RULES
from coppice.workloads.security import job_refusals, refusals
from templates import ACCEPTED, ON_REQUEST, REFUSED, Template

NOTHING = PodExceptions()


@pytest.mark.parametrize("case", REFUSED)
def test_a_bad_template_is_refused(case: str) -> None:
    template, sentence = REFUSED[case]
    assert any(sentence in refusal for refusal in refusals(template, NOTHING))


@pytest.mark.parametrize("case", REFUSED)
def test_a_bad_template_is_refused_for_that_alone(case: str) -> None:
    assert len(refusals(REFUSED[case][0], NOTHING)) == 1


def test_every_rule_is_broken_by_some_template() -> None:
    seen = {refusal for template, _ in REFUSED.values() for refusal in refusals(template, NOTHING)}
    assert {f"spec.trainer.template {rule.sentence}" for rule in POD_RULES} <= seen


@pytest.mark.parametrize("case", ON_REQUEST)
def test_what_a_policy_may_allow_is_refused_without_it(case: str) -> None:
    template, sentence, field = ON_REQUEST[case]
    (refusal,) = refusals(template, NOTHING)
    assert sentence in refusal
    assert f"podExceptions.{next(iter(field))}" in refusal


@pytest.mark.parametrize("case", ON_REQUEST)
def test_what_a_policy_lists_is_accepted(case: str) -> None:
    template, _, field = ON_REQUEST[case]
    assert refusals(template, PodExceptions.model_validate(field)) == []


@pytest.mark.parametrize("case", ACCEPTED)
def test_a_good_template_is_accepted(case: str) -> None:
    assert refusals(ACCEPTED[case], NOTHING) == []


@pytest.mark.parametrize(
    "template",
    [
        {"spec": "pod"},
        {"spec": {"containers": "trainer"}},
        {"spec": {"containers": [{"name": "trainer", "securityContext": "none"}], "volumes": {"a": 1}}},
        {"spec": {"containers": [{"name": "trainer", "ports": 80, "env": ["x"], "envFrom": None}]}, "metadata": []},
    ],
)
def test_a_malformed_template_breaks_nothing(template: Template) -> None:
    assert isinstance(refusals(template, NOTHING), list)


def test_a_setting_of_null_counts_as_unset() -> None:
    unset: dict[str, Any] = {"privileged": None, "runAsNonRoot": None, "capabilities": None, "seccompProfile": None}
    template = {"spec": {"containers": [{"name": "trainer", "image": "x", "securityContext": unset}]}}
    assert refusals(template, NOTHING) == []


def test_a_job_without_a_template_has_nothing_to_refuse() -> None:
    assert job_refusals(make_job().container().build().spec, NOTHING) == []
    assert job_refusals(make_job().build().spec, NOTHING) == []


def test_a_job_is_judged_by_its_template() -> None:
    assert len(job_refusals(make_job().template(hostNetwork=True).build().spec, NOTHING)) == 1
