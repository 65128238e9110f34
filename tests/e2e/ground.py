"""What the jobs of the life tests stand on: a namespace with tiny data and tiny models on its claims.

Everything is made here, so that nothing is downloaded and an attempt takes seconds: word-level BERTs of a few thousand
parameters, sentences whose words give the topic away, and the same sentences with labels that are partly chance, so
that no training can reach a target close to 1.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builders import JobBuilder, make_job, make_model
from coppice.trainer.files import sha256_of
from demo.inputs.prepare import InputFile, Inputs
from demo.loading import load
from devcluster.cluster import Cluster
from devcluster.images.targets import Image
from devcluster.progress import Progress
from trainer.kit import TOPICS, text_rows, write_parquet, write_text_model

NAMESPACE = "coppice-life"
CORPORA, MODELS = "corpora", "models"
BASE_MODELS = {"narrow": 32, "wide": 48}
"""Base models by name, each with the width of its hidden state."""
LAYERS = 2
SCRATCH = {"model_type": "bert", "hidden_size": 32, "num_hidden_layers": LAYERS, "num_attention_heads": 2}
SCRATCH |= {"intermediate_size": 64, "max_position_embeddings": 64}
EXAMPLES = 1200
OWN_IMAGE = Image(
    "life-trainer",
    context=Path(__file__).parent / "images",
    dockerfile=Path(__file__).parent / "images" / "Dockerfile",
    inputs=("trainer.py",),
)

Body = dict[str, Any]


@dataclass(frozen=True)
class Ground:
    """The loaded namespace: the images that jobs may name, and the digest of each loaded file by its URI."""

    cluster: Cluster
    own_image: str
    files: dict[str, InputFile]


def make_inputs(directory: Path) -> Inputs:
    """Data and base models as they will lie on the claims."""
    for name, noise in (("topics", 0.0), ("noise", 0.4)):
        for part, count, seed in (("train", EXAMPLES, 1), ("test", 300, 2)):
            write_parquet(directory / CORPORA / name / f"{part}.parquet", with_chance(text_rows(count, seed), noise))
    for name, width in BASE_MODELS.items():
        write_text_model(directory / MODELS / name, hidden_size=width, num_hidden_layers=LAYERS)
    return Inputs(directory, tuple(described(directory, path) for path in sorted(directory.rglob("*.*"))))


def with_chance(rows: dict[str, list[Any]], share: float) -> dict[str, list[Any]]:
    """The rows with that share of the labels drawn anew."""
    dice = random.Random(5)
    drawn = [dice.choice(sorted(TOPICS)) if dice.random() < share else label for label in rows["label"]]
    return {**rows, "label": drawn}


def described(directory: Path, path: Path) -> InputFile:
    claim, *rest = path.relative_to(directory).parts
    digest = sha256_of(path).removeprefix("sha256:")
    return InputFile(claim, "/".join(rest), digest, path.stat().st_size, None)


def lay(cluster: Cluster, inputs: Inputs, trainer_image: str, own_image: str) -> Ground:
    """The namespace with its claims, files, policy and base models, as if it had been there always."""
    create(cluster, namespace(NAMESPACE), policy(), claim(NAMESPACE, CORPORA), claim(NAMESPACE, MODELS))
    progress = Progress()
    with progress.step("Load tiny data and models") as step:
        load(cluster, inputs, trainer_image, (), step, NAMESPACE)
    files = {file.uri: file for file in inputs.files}
    create(cluster, *(base_model(name, width, inputs.files) for name, width in BASE_MODELS.items()))
    for name in BASE_MODELS:
        cluster.kubectl("wait", "-n", NAMESPACE, "--for=condition=Ready", "--timeout=120s", f"basemodel/{name}")
    return Ground(cluster, own_image, files)


def create(cluster: Cluster, *bodies: Body) -> None:
    """`kubectl create` of the objects."""
    cluster.kubectl("create", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": list(bodies)}))


def namespace(name: str) -> Body:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def claim(where: str, name: str) -> Body:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "200Mi"}}}
    metadata = {"name": name, "namespace": where}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}


def policy() -> Body:
    spec = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": NAMESPACE}}}
    return {
        "apiVersion": "coppice.dev/v1alpha1",
        "kind": "TrainingPolicy",
        "metadata": {"name": NAMESPACE},
        "spec": spec,
    }


def base_model(name: str, width: int, files: Sequence[InputFile]) -> Body:
    """A model that lies on the claim, with the digests of what was loaded."""
    directory = f"{name}/"
    listed = [
        {"name": file.path.removeprefix(directory), "sizeBytes": file.size_bytes, "digest": f"sha256:{file.sha256}"}
        for file in files
        if file.claim == MODELS and file.path.startswith(directory)
    ]
    figures = {"parameters": LAYERS * 12 * width**2, "embeddingParameters": 0, "layers": LAYERS, "hiddenSize": width}
    model = make_model(name).namespaced(NAMESPACE).architecture(**figures, maxSequenceLength=64)
    model = model.set("spec.source", {"uri": f"pvc://{MODELS}/{name}", "files": listed}).set("status", None)
    return model.body()


def job(name: str, data: str = "topics", **resources: str) -> JobBuilder:
    """Three topics from English news, tiny in every respect; no target, no plan from scratch yet."""
    parts = {"uri": f"pvc://{CORPORA}/{data}/train.parquet", "evaluationURI": f"pvc://{CORPORA}/{data}/test.parquet"}
    asked = {"profiles": ["cpu-generic"], "cpu": "450m", "memory": "2Gi", **resources}
    return (
        make_job(name, NAMESPACE)
        .dataset(**parts, examples=EXAMPLES, tokensPerExample=10, labels=len(TOPICS))
        .set("spec.output", {"claimName": MODELS, "path": f"out/{name}"})
        .set("spec.resources", asked)
        .hyperparameters(maxSequenceLength=16)
        .target(None)
    )


def from_scratch(job: JobBuilder, epochs: int) -> JobBuilder:
    """The job with a plan from scratch: the narrow model's shape, with its tokenizer."""
    tokenizer = {"kind": "BaseModel", "name": "narrow"}
    return job.set("spec.fromScratch", {"config": SCRATCH, "tokenizerFrom": tokenizer, "epochs": epochs})
