"""The API server refuses bad manifests with a sentence that says what to change, and accepts the good ones."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from builders import Builder, digest, make_job, make_model, make_policy, make_profile, make_report
from devcluster.controlplane import ControlPlane
from devcluster.errors import DevClusterError

Manifest = dict[str, Any]
LONG = "x" * 46

pytestmark = pytest.mark.usefixtures("kinds")


@pytest.fixture(scope="module")
def tenant(control_plane: ControlPlane) -> Iterator[str]:
    """One namespace for all cases: every one has a name of its own or is a dry run."""
    name = f"validation-{uuid.uuid4().hex[:8]}"
    control_plane.kubectl("create", "namespace", name)
    yield name
    control_plane.kubectl("delete", "namespace", name, "--wait=false")


def refusal(control_plane: ControlPlane, *arguments: str, manifest: Manifest | None = None) -> str:
    """What kubectl says to a request, with the line breaks taken out; empty when it is accepted."""
    try:
        control_plane.kubectl(*arguments, stdin=json.dumps(manifest) if manifest else None)
    except DevClusterError as error:
        return " ".join(str(error).split())
    return ""


def body(builder: Builder[Any], namespace: str) -> Manifest:
    """The manifest a user would apply: without what the server sets, in the test's namespace."""
    manifest = {key: value for key, value in builder.body().items() if key != "status"}
    manifest["metadata"] = {"name": manifest["metadata"]["name"]}
    scoped = manifest["kind"] in {"TrainingJob", "BaseModel", "TrainingReport", "TrainingLedger"}
    manifest["metadata"] |= {"namespace": namespace} if scoped else {}
    return manifest


def job(path: str, value: Any) -> Builder[Any]:
    return make_job().set(path, value)


def source(uri: str) -> Builder[Any]:
    return job("spec.dataset.uri", uri)


def model(path: str, value: Any) -> Builder[Any]:
    return make_model().set(path, value)


def files(*names: str) -> Builder[Any]:
    return model("spec.source.files", [{"name": name, "digest": digest(name)} for name in names])


HTTPS = "https://data.example.org/train.parquet"
URI = "must be pvc://CLAIM/PATH, file:///PATH or https://HOST/PATH, without credentials, query or fragment"
PARENT = "must not contain '..': name the path from the root of its source"
NAME = "must be a Kubernetes name: lower-case letters, digits, '-' and '.'"
DECIMAL = "must be a plain decimal number in quotes, such as '0.95' or '1200'"
QUANTITY = "must be a Kubernetes quantity: a number with an optional unit, such as 500m, 2 or 8Gi"
RATIO = "objective.target of this metric is a ratio above 0 and at most 1, such as '0.95' for 95 %"
NO_SCRATCH = (
    "substitution.mode Never and Recommend train from scratch: add fromScratch, trainer.container or trainer.template"
)

BAD: dict[str, tuple[Builder[Any], str]] = {
    # types and bounds
    "a number in quotes": (job("spec.maxAttempts", "3"), "must be of type integer"),
    "a float": (job("spec.dataset.examples", 1.5), "must be of type integer"),
    "a target without quotes": (job("spec.objective.target", 0.95), "must be of type string"),
    "a text for a list": (job("spec.languages", "en"), "must be of type array"),
    "no task": (job("spec.task", None), "spec.task: Required value"),
    "no objective": (job("spec.objective", None), "spec.objective: Required value"),
    "no spec": (job("spec", None), "spec: Required value"),
    "no examples": (job("spec.dataset.examples", 0), "should be greater than or equal to 1"),
    "too many attempts": (job("spec.maxAttempts", 9), "should be less than or equal to 8"),
    "too many domains": (job("spec.domains", ["text"] * 9), "must have at most 8 items"),
    "a long justification": (job("spec.justification", "x" * 1025), "may not be more than 1024"),
    "many columns": (job("spec.dataset.columns", {f"c{n}": "x" for n in range(9)}), "must have at most 8 items"),
    "a negative limit": (job("spec.limits", {"runSeconds": -1}), "should be greater than or equal to 1"),
    "a seed of 33 bits": (job("spec.trainer.seed", 2**32), "should be less than or equal to"),
    # words
    "an unknown mode": (make_job().mode("Always"), 'supported values: "Auto", "Recommend", "Require", "Never"'),
    "an unknown method": (make_job().methods("Distill"), "supported values:"),
    "an unknown metric": (make_job().target("0.9", metric="BLEU"), "supported values:"),
    "an unknown backend": (job("spec.scheduling.backend", "Slurm"), 'supported values: "Job"'),
    "a task in capitals": (make_job().task("TextClassification"), "must be a Hugging Face pipeline tag"),
    "a domain with a space": (make_job().domains("text / news"), "must be a path of lower-case words"),
    "a language in words": (make_job().languages("en US"), "must be a BCP 47 language"),
    "a target in words": (job("spec.objective.target", "high"), DECIMAL),
    "a target with an exponent": (job("spec.objective.target", "9e-1"), DECIMAL),
    "memory in words": (make_job().resources(memory="8 GB"), QUANTITY),
    "a digest of another kind": (make_job().dataset(digest="md5:1"), "must be 'sha256:' and 64 lower-case"),
    "a profile in capitals": (make_job().resources(profiles=["A100"]), NAME),
    # sentences about the whole
    "a name of 46 characters": (make_job(LONG), "metadata.name must have at most 45 characters"),
    "a target in percent": (make_job().target("95"), RATIO),
    "a target of nothing": (make_job().target("0"), RATIO),
    "a custom metric without direction": (
        make_job().target("30", metric="Custom"),
        "objective.direction is required for metric Custom: say Maximize or Minimize",
    ),
    "an accuracy to be minimized": (
        job("spec.objective.direction", "Minimize"),
        "objective.direction contradicts objective.metric: leave direction out for a known metric",
    ),
    "Never without a plan": (make_job().mode("Never"), NO_SCRATCH),
    "Recommend without a plan": (make_job().mode("Recommend"), NO_SCRATCH),
    "Require without a target": (
        make_job().mode("Require").target(None),
        "substitution.mode Require needs objective.target",
    ),
    "a container and a template": (
        make_job().container().update("spec.trainer", {"template": {"spec": {}}}),
        "trainer.container and trainer.template exclude each other: keep one",
    ),
    "fine-tuning with a template that is not there": (
        job("spec.trainer.fineTuneWith", "Template"),
        "trainer.fineTuneWith Template needs trainer.template or trainer.container",
    ),
    "a template that is no mapping": (job("spec.trainer.template", "pod.yaml"), "must be of type object"),
    "a template with a stray key": (
        job("spec.trainer.template", {"spec": {}, "metadata": {}, "more": {}}),
        "must have at most 2 items",
    ),
    # sources
    "a parent directory": (source("pvc://corpora/../other/train.parquet"), PARENT),
    "a parent directory at the end": (source("file:///opt/coppice/data/.."), PARENT),
    "a parent directory for evaluation": (make_job().dataset(evaluationURI="pvc://corpora/a/../b"), PARENT),
    "credentials": (source("https://user:secret@data.example.org/train.parquet"), URI),
    "a query": (source(HTTPS + "?token=secret"), URI),
    "a fragment": (source(HTTPS + "#part"), URI),
    "plain http": (source("http://data.example.org/train.parquet"), URI),
    "a percent-encoded path": (source("file:///opt/coppice/data/%2e%2e/etc/passwd"), URI),
    "a claim of another namespace": (source("pvc://other/../corpora"), PARENT),
    "https without a digest": (source(HTTPS), "dataset.digest is required for an https source"),
    "https evaluation without a digest": (
        make_job().dataset(evaluationURI=HTTPS),
        "dataset.evaluationDigest is required for an https source",
    ),
    "an output outside its claim": (
        job("spec.output.path", "../models"),
        "output.path is relative to the claim's root",
    ),
    "an absolute output": (job("spec.output.path", "/models"), "output.path is relative to the claim's root"),
    # base models
    "pickled weights": (
        files("config.json", "pytorch_model.bin"),
        "source.files must list the weights as .safetensors: pickled weights can run code and are refused",
    ),
    "pickled weights beside safetensors": (
        files("model.safetensors", "optimizer.pt"),
        "source.files must not list pickled weights",
    ),
    "a file above its source": (files("model.safetensors", "../secrets"), "must be a path below source.uri"),
    "an absolute file": (files("model.safetensors", "/etc/passwd"), "must be a path below source.uri"),
    "a file twice": (files("model.safetensors", "model.safetensors"), "Duplicate value"),
    "no file": (files(), "should have at least 1 items"),
    "a parent directory in a model's source": (make_model().source("file:///opt/coppice/models/../x"), PARENT),
    "a cluster's model on a claim": (
        make_model().source("pvc://models/minilm"),
        "a ClusterBaseModel belongs to no namespace and cannot use pvc://",
    ),
    "an unknown modality": (make_model().modality("smell"), "supported values:"),
    "a model without a licence": (model("spec.license", None), "spec.license: Required value"),
    # profiles and policies
    "more watts at rest than at work": (
        make_profile().host(idleWatts="90", peakWatts="80"),
        "idleWatts must not be negative or above peakWatts",
    ),
    "embodied carbon that falls": (
        make_profile().host(embodiedKilograms={"low": "3", "mid": "2", "high": "4"}),
        "low, mid and high must not fall",
    ),
    "no lifespan": (make_profile().set("spec.lifespanYears", "0"), "spec.lifespanYears must be above 0"),
    "a facility that makes energy": (make_profile().pue("0.9"), "so at least 1"),
    "a share above one": (make_profile().host(cpuOnlyShare="2"), "host.cpuOnlyShare is a share from 0 to 1"),
    "a certain chance and more": (
        make_policy().sufficient_chance("1.1"),
        "spec.sufficientChance is a probability from 0 to 1",
    ),
    "a host with a scheme": (make_policy().hosts("https://models.example.org"), "must be a host name in lower case"),
    "a network that is an address": (make_policy().networks("10.0.0.1"), "must be a network in CIDR notation"),
    "the link-local network": (make_policy().networks("169.254.0.0/16"), "must not hold link-local or metadata"),
    "everything, metadata included": (make_policy().networks("0.0.0.0/0"), "must not hold link-local or metadata"),
    "link-local of version 6": (make_policy().networks("fe80::/64"), "must not hold link-local or metadata"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_manifest_is_refused(control_plane: ControlPlane, tenant: str, case: str) -> None:
    builder, sentence = BAD[case]
    answer = refusal(control_plane, "create", "--dry-run=server", "-f", "-", manifest=body(builder, tenant))
    assert sentence in answer


FULL = {
    "task": "text-classification",
    "domains": ["text/news"],
    "languages": ["en"],
    "dataset": {
        "uri": "pvc://corpora/r8/train.parquet",
        "evaluationURI": "pvc://corpora/r8/test.parquet",
        "format": "Parquet",
        "columns": {"text": "text", "label": "label"},
        "examples": 5485,
        "tokensPerExample": 110,
        "labels": 8,
        "license": "other",
    },
    "objective": {"metric": "Accuracy", "target": "0.95", "onMiss": "Fail"},
    "fromScratch": {
        "config": {"model_type": "bert", "nested": {"deep": [1, "two", None]}},
        "tokenizerFrom": {"kind": "ClusterBaseModel", "name": "all-minilm-l6-v2"},
        "epochs": 30,
    },
    "substitution": {
        "mode": "Auto",
        "methods": ["LinearProbe", "LoRA", "FullFineTune"],
        "baseModels": [],
        "optimizeFor": "Carbon",
    },
    "use": {"commercial": True, "distribution": "Internal"},
    "limits": {"energyWattHours": 5000, "carbonGrams": 2000, "runSeconds": 7200},
    "maxAttempts": 3,
    "resources": {"profiles": [], "acceleratorsPerPod": 1, "pods": 1, "cpu": "2", "memory": "8Gi"},
    "output": {"claimName": "models", "path": "newswire-topics"},
    "trainer": {"seed": 7, "hyperparameters": {"learningRate": "0.0003", "epochs": 3}},
    "register": {"name": "newswire-classifier"},
    "scheduling": {"backend": "Job", "queueName": "team-a"},
    "acknowledge": [],
    "justification": "",
    "suspend": False,
    "managedBy": "coppice.dev/operator",
    "ttlSecondsAfterFinished": 604800,
}

GOOD: dict[str, Builder[Any]] = {
    "a job with everything said": job("spec", FULL),
    "a job with little said": make_job(),
    "a name of 45 characters": make_job(LONG[:45]),
    "a control": make_job().mode("Never").scratch(),
    "a job of the user's own container": make_job().mode("Never").container(),
    "a job of the user's own template": make_job().mode("Recommend").template(nodeSelector={"pool": "a"}),
    "a loss to be minimized": make_job().target("2.5", metric="Loss"),
    "a custom metric": make_job().target("-30", metric="Custom").set("spec.objective.direction", "Maximize"),
    "a pinned https source": make_job().dataset(uri=HTTPS, digest=digest("train")),
    "a dotted file name": make_job().dataset(uri="pvc://corpora/r8/train..v2.parquet"),
    "a cluster's base model": make_model(),
    "a namespace's base model on a claim": make_model().namespaced("any").source("pvc://models/minilm"),
    "a profile of CPU nodes": make_profile(),
    "a profile of accelerator nodes": make_profile("h100").accelerator(),
    "a policy": make_policy().hosts("models.example.org", "*.example.org").networks("10.1.0.0/16", "fd12:3456::/32"),
    "a report": make_report().of(make_job().scratch().build()),
}


@pytest.mark.parametrize("case", GOOD)
def test_a_good_manifest_is_accepted(control_plane: ControlPlane, tenant: str, case: str) -> None:
    manifest = body(GOOD[case], tenant)
    assert refusal(control_plane, "create", "--dry-run=server", "--validate=strict", "-f", "-", manifest=manifest) == ""


@pytest.mark.parametrize("kind", ["trainingjob", "basemodel", "computeprofile", "trainingpolicy"])
def test_a_misspelt_field_is_refused_by_kubectl(control_plane: ControlPlane, tenant: str, kind: str) -> None:
    builders: dict[str, Callable[[], Builder[Any]]] = {
        "trainingjob": make_job,
        "basemodel": lambda: make_model().namespaced("any"),
        "computeprofile": make_profile,
        "trainingpolicy": make_policy,
    }
    manifest = body(builders[kind]().set("spec.sustitution", {}), tenant)
    assert 'unknown field "spec.sustitution"' in refusal(control_plane, "create", "-f", "-", manifest=manifest)


FIXED = "cannot change after creation: create a new TrainingJob instead"
GROWS = "spec.acknowledge can only grow: what was accepted cannot be taken back"
QUEUE = "spec.scheduling.queueName can change only while spec.suspend is true: suspend the job first"
OPTIONAL = {
    "domains": ["text/law"],
    "languages": ["de"],
    "fromScratch": {"config": {"model_type": "bert"}, "epochs": 31},
    "substitution": {"mode": "Auto"},
    "use": {"commercial": False},
    "limits": {"runSeconds": 1},
    "resources": {"pods": 2},
    "output": {"path": "elsewhere"},
    "trainer": {"seed": 8},
    "register": {"name": "other"},
}

CHANGES: dict[str, tuple[Builder[Any], Manifest, str]] = {
    **{f"{name} added": (make_job().set(f"spec.{name}", None), {name: value}, f"spec.{name} {FIXED}")
       for name, value in OPTIONAL.items()},
    **{f"{name} removed": (job(f"spec.{name}", value), {name: None}, f"spec.{name} {FIXED}")
       for name, value in OPTIONAL.items()},
    "another task": (make_job(), {"task": "token-classification"}, f"spec.task {FIXED}"),
    "another dataset": (make_job(), {"dataset": {"examples": 1}}, f"spec.dataset {FIXED}"),
    "a lower target": (make_job(), {"objective": {"target": "0.5"}}, f"spec.objective {FIXED}"),
    "more attempts": (make_job(), {"maxAttempts": 8}, f"spec.maxAttempts {FIXED}"),
    "another controller": (make_job(), {"managedBy": "example.org/other"}, f"spec.managedBy {FIXED}"),
    "another template": (make_job().template(), {"trainer": {"template": {"spec": {"hostNetwork": True}}}},
                         f"spec.trainer {FIXED}"),
    "another model from scratch": (make_job().scratch(), {"fromScratch": {"config": {"hidden_size": 9}}},
                                   f"spec.fromScratch {FIXED}"),
    "an acknowledgement taken back": (make_job().acknowledge("a", "b"), {"acknowledge": ["a"]}, GROWS),
    "all acknowledgements removed": (make_job().acknowledge("a"), {"acknowledge": None}, GROWS),
    "another queue while running": (make_job().queue("a"), {"scheduling": {"queueName": "b"}}, QUEUE),
    "a queue added while running": (make_job().set("spec.scheduling.backend", "Job"),
                                    {"scheduling": {"queueName": "b"}}, QUEUE),
    "a queue with its scheduling added while running": (make_job(), {"scheduling": {"queueName": "b"}}, QUEUE),
}  # fmt: skip


@pytest.mark.parametrize("case", CHANGES)
def test_a_forbidden_change_is_refused(control_plane: ControlPlane, tenant: str, case: str) -> None:
    before, change, sentence = CHANGES[case]
    assert sentence in change_refused(control_plane, tenant, before, change)


ALLOWED: dict[str, tuple[Builder[Any], Manifest]] = {
    "suspension": (make_job().template(), {"suspend": True}),
    "resumption": (make_job().suspended(), {"suspend": False}),
    "a lifetime": (make_job(), {"ttlSecondsAfterFinished": 60}),
    "a justification": (make_job().scratch(), {"justification": "the words are our own"}),
    "an acknowledgement": (make_job().acknowledge("a"), {"acknowledge": ["b", "a"]}),
    "the first acknowledgement": (make_job(), {"acknowledge": ["a"]}),
    "another queue while suspended": (make_job().queue("a").suspended(), {"scheduling": {"queueName": "b"}}),
    "a first queue while suspended": (make_job().suspended(), {"scheduling": {"queueName": "b"}}),
    "no queue while suspended": (make_job().queue("a").suspended(), {"scheduling": None}),
    "another queue with the suspension": (make_job().queue("a"), {"suspend": True, "scheduling": {"queueName": "b"}}),
}


@pytest.mark.parametrize("case", ALLOWED)
def test_an_allowed_change_is_accepted(control_plane: ControlPlane, tenant: str, case: str) -> None:
    before, change = ALLOWED[case]
    assert change_refused(control_plane, tenant, before, change) == ""


def change_refused(control_plane: ControlPlane, namespace: str, before: Builder[Any], change: Manifest) -> str:
    """What the server says when the spec of a stored object is patched."""
    manifest = body(before.named(f"job-{uuid.uuid4().hex[:8]}"), namespace)
    assert refusal(control_plane, "create", "-f", "-", manifest=manifest) == ""
    patch = json.dumps({"spec": change})
    target = ("-n", namespace, manifest["kind"].lower(), manifest["metadata"]["name"])
    return refusal(control_plane, "patch", *target, "--type=merge", "--patch", patch)


def test_a_report_cannot_be_changed(control_plane: ControlPlane, tenant: str) -> None:
    answer = change_refused(control_plane, tenant, make_report(), {"state": "ObjectiveMissed"})
    assert "a TrainingReport is the record of what happened and cannot be changed" in answer
