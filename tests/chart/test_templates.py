"""What the chart makes, by default and when parts are switched."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from coppice.api.trainingpolicy import TrainingPolicySpec
from devcluster.paths import REPOSITORY_ROOT

CHART = REPOSITORY_ROOT / "charts" / "coppice"
CR_KINDS = {"ComputeProfile", "ClusterBaseModel"}


def kinds(manifests: list[dict[str, Any]]) -> set[str]:
    return {manifest["kind"] for manifest in manifests}


def test_helm_finds_nothing_to_complain_about(chart: Any) -> None:
    answer = chart.run("lint", "--strict", str(CHART))
    assert answer.returncode == 0, answer.stdout


def test_the_default_installs_no_monitor_no_network_policy_and_no_accelerator(chart: Any) -> None:
    made = chart.render()
    assert kinds(made) & {"ServiceMonitor", "NetworkPolicy", "PodDisruptionBudget"} == set()
    assert [each["metadata"]["name"] for each in made if each["kind"] == "ComputeProfile"] == ["cpu-generic"]


def test_everything_can_be_switched_on(everything: list[dict[str, Any]]) -> None:
    assert {"ServiceMonitor", "NetworkPolicy", "PodDisruptionBudget", "Deployment"} <= kinds(everything)


def test_every_object_is_named_once(everything: list[dict[str, Any]]) -> None:
    names = [(each["kind"], each["metadata"]["name"]) for each in everything]
    assert sorted(names) == sorted(set(names))


def test_definitions_stay_when_the_chart_goes_unless_told_otherwise(chart: Any) -> None:
    kept = [each for each in chart.render() if each["kind"] == "CustomResourceDefinition"]
    assert {each["metadata"]["annotations"]["helm.sh/resource-policy"] for each in kept} == {"keep"}
    others = chart.render("crds.keep=false", "admissionPolicies.enabled=false", "catalogue.enabled=false")
    assert not any("annotations" in each["metadata"] for each in others if each["kind"] == "CustomResourceDefinition")
    assert kinds(others) & {"ValidatingAdmissionPolicy", "ClusterBaseModel"} == set()


def test_definitions_can_be_left_to_somebody_else(chart: Any) -> None:
    assert "CustomResourceDefinition" not in kinds(chart.render("crds.enabled=false", served=True))


def test_data_is_made_after_the_definitions_at_first_and_belongs_to_the_release_later(chart: Any) -> None:
    first = [each["metadata"] for each in chart.render() if each["kind"] in CR_KINDS]
    assert {each["annotations"]["helm.sh/hook"] for each in first} == {"post-install,post-upgrade,post-rollback"}
    # What Helm asks of an object before it takes it into a release.
    assert {each["annotations"]["meta.helm.sh/release-name"] for each in first} == {"coppice"}
    assert {each["labels"]["app.kubernetes.io/managed-by"] for each in first} == {"Helm"}
    later = [each for each in chart.render("crds.enabled=false", served=True) if each["kind"] in CR_KINDS]
    assert len(later) == len(first)
    assert not any("helm.sh/hook" in each["metadata"].get("annotations", {}) for each in later)


def test_a_monitor_carries_the_labels_asked_for_and_keeps_the_jobs_namespace(everything: list[dict[str, Any]]) -> None:
    monitor = next(each for each in everything if each["kind"] == "ServiceMonitor")
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
    assert [each["honorLabels"] for each in monitor["spec"]["endpoints"]] == [True]
    service = next(each for each in everything if each["kind"] == "Service")
    wanted = monitor["spec"]["selector"]["matchLabels"].items()
    assert wanted <= service["metadata"]["labels"].items()
    assert {each["port"] for each in monitor["spec"]["endpoints"]} <= {
        each["name"] for each in service["spec"]["ports"]
    }


def test_a_plain_prometheus_finds_the_metrics(chart: Any) -> None:
    service = chart.one("Service")
    assert service["metadata"]["annotations"] == {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": "8080",
        "prometheus.io/path": "/metrics",
    }


@pytest.mark.parametrize(("settings", "strategy"), [((), "Recreate"), (("replicas=2",), "RollingUpdate")])
def test_one_operator_is_replaced_and_several_roll(chart: Any, settings: tuple[str, ...], strategy: str) -> None:
    assert chart.one("Deployment", *settings)["spec"]["strategy"] == {"type": strategy}


def test_a_digest_wins_over_a_tag(everything: list[dict[str, Any]]) -> None:
    deployment = next(each for each in everything if each["kind"] == "Deployment")
    image = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
    assert image == "localhost/coppice-operator@sha256:" + "a" * 64


def test_the_default_policy_is_one_and_a_change_of_it_starts_a_new_pod(
    chart: Any, everything: list[dict[str, Any]]
) -> None:
    settings = chart.one("ConfigMap")["data"]
    policy = TrainingPolicySpec.model_validate(yaml.safe_load(settings["policy.yaml"]), extra="forbid")
    assert policy.sources.hosts == []
    changed = next(each for each in everything if each["kind"] == "Deployment")

    def stamp(deployment: dict[str, Any]) -> str:
        return str(deployment["spec"]["template"]["metadata"]["annotations"]["checksum/settings"])

    assert stamp(changed) != stamp(chart.one("Deployment"))


def test_a_pin_makes_a_catalogue_model_complete_and_a_mirror_moves_it(chart: Any) -> None:
    digest = "sha256:" + "b" * 64
    files = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")
    pins = [f"catalogue.pins.roberta-base.digests.{name.replace('.', chr(92) + '.')}={digest}" for name in files]
    settings = ("catalogue.mirror=https://models.example.org/hf/", "catalogue.pins.roberta-base.revision=abc123", *pins)
    source = chart.one("ClusterBaseModel", *settings, name="roberta-base")["spec"]["source"]
    assert source["uri"] == "https://models.example.org/hf/FacebookAI/roberta-base/resolve/abc123"
    assert source["revision"] == "abc123"
    assert source["files"] == [{"name": name, "digest": digest} for name in files]


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ("catalogue.pins.no-such-model.revision=v1", "the catalogue has no model of this name"),
        (f"catalogue.pins.resnet-18.digests.weights={'sha256:' + 'c' * 64}", "is no file of the model; its files are"),
        ("serviceAccount.create=false", "name the existing service account"),
    ],
)
def test_settings_that_cannot_work_are_refused_with_a_sentence(chart: Any, setting: str, sentence: str) -> None:
    assert sentence in chart.refusal(setting)


def test_accounts_are_kept_to_the_operators_own_service_account(chart: Any) -> None:
    settings = ("serviceAccount.name=trees",)
    account = chart.one("ServiceAccount", *settings)["metadata"]
    policy = chart.one("ValidatingAdmissionPolicy", *settings, name="operator-only.coppice.dev")
    expected = f"system:serviceaccount:{account['namespace']}:{account['name']}"
    assert [expected in rule["expression"] for rule in policy["spec"]["validations"]] == [True]


def test_the_values_shown_in_the_docs_are_accepted(chart: Any, tmp_path: Path) -> None:
    blocks = re.findall(
        r"^```yaml\n(.*?)^```$", (REPOSITORY_ROOT / "docs" / "install.md").read_text(), re.MULTILINE | re.DOTALL
    )
    assert len(blocks) >= 3
    files = [tmp_path / f"{number}.yaml" for number in range(len(blocks))]
    for file, block in zip(files, blocks, strict=True):
        file.write_text(block.replace("sha256:…", "sha256:" + "d" * 64))
    answer = chart.run("template", "coppice", str(CHART), *(f"--values={file}" for file in files))
    assert answer.returncode == 0, answer.stderr
