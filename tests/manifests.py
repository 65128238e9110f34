"""Manifests as users write them: bad ones with the sentence that the API server answers, and good ones.

The same table is held against a real API server and against what the command line says without one.
"""

from typing import Any

from builders import Builder, digest, make_job, make_model, make_policy, make_profile, make_report

Manifest = dict[str, Any]
LONG = "x" * 46


def manifest_of(builder: Builder[Any], namespace: str) -> Manifest:
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
