"""A registry as large organisations have it: thousands of base models drawn from a seed, and jobs that ask for them.

Seven of ten are fine-tunes of a few public architectures, as on public hubs; the others have an architecture of their
own. Tasks, languages, licences, domains and heads follow rough shares of public hubs. The figures of the named
architectures are those of their public configurations.
"""

from collections.abc import Iterator
from random import Random
from typing import Any

from coppice.api.basemodel import ClusterBaseModel
from coppice.api.computeprofile import ComputeProfile
from coppice.api.trainingjob import TrainingJob
from coppice.planning.catalogue import Registered, registered

DIGEST = "sha256:" + "0" * 64
TEXT = {  # parameters, input embeddings, layers, width, longest input
    "bert": [
        (109482240, 23837184, 12, 768, 512),
        (335141888, 31782912, 24, 1024, 512),
        (22713216, 11917440, 6, 384, 512),
    ],
    "distilbert": [(66362880, 23835648, 6, 768, 512)],
    "roberta": [(124645632, 39000576, 12, 768, 514), (355359744, 51997696, 24, 1024, 514)],
    "xlm-roberta": [(278043648, 192398592, 12, 768, 514), (559890432, 256531456, 24, 1024, 514)],
    "deberta-v2": [(183831552, 98380800, 12, 768, 512), (434012160, 131174400, 24, 1024, 512)],
    "mpnet": [(109486464, 23841408, 12, 768, 514)],
    "llama": [(1235814400, 262668288, 16, 2048, 131072), (6738415616, 131072000, 32, 4096, 4096)],
    "qwen2": [(494032768, 136134656, 24, 896, 32768), (1543714304, 233373696, 28, 1536, 32768)],
    "mistral": [(7241732096, 131072000, 32, 4096, 32768)],
}
IMAGE: dict[
    str, list[tuple[int, int | None, int | None, int]]
] = {  # parameters, width, layers, forward FLOPs of one image
    "vit": [(85798656, 768, 12, 35128000000), (21665664, 384, 12, 9200000000), (303301632, 1024, 24, 123200000000)],
    "resnet": [(25557032, None, None, 8178000000), (11689512, None, None, 3628000000)],
    "swin": [(28288354, 768, 12, 9000000000)],
}
TASKS = (
    ("text-classification", 25), ("text-generation", 20), ("image-classification", 12), ("token-classification", 8),
    ("fill-mask", 8), ("sentence-similarity", 8), ("question-answering", 5), ("summarization", 5),
    ("automatic-speech-recognition", 5), ("object-detection", 4),
)  # fmt: skip
LICENSES = (
    ("apache-2.0",) * 9
    + ("mit",) * 5
    + ("cc-by-4.0", "cc-by-nc-4.0", "llama3.2", "openrail", "cc-by-sa-4.0", "gpl-3.0")
)
LANGUAGES: tuple[list[str], ...] = (["en"],) * 10 + (
    ["de"],
    ["fr"],
    ["zh"],
    ["es"],
    ["en", "de", "fr"],
    ["en", "zh"],
    [],
    ["ja"],
    ["pt", "es"],
)
TEXT_DOMAINS = (
    "text",
    "text/news",
    "text/reviews",
    "text/law",
    "text/medicine",
    "text/finance",
    "text/web",
    "text/science",
)
IMAGE_DOMAINS = ("image", "image/objects", "image/medicine", "image/satellite", "image/handwriting/digits")
OWN_ARCHITECTURE = 0.05


def models(count: int, seed: int = 7, task: str = "") -> Iterator[Registered]:
    """So many registered models, for mixed tasks or all for one."""
    random = Random(seed)  # noqa: S311 - draws a world, guards nothing
    names, weights = zip(*TASKS, strict=True)
    for number in range(count):
        wanted = task or random.choices(names, weights)[0]
        yield model(random, f"model-{number:06d}", wanted)


def model(random: Random, name: str, task: str) -> Registered:
    """One of them, ready."""
    image = task in {"image-classification", "object-detection"}
    head = random.random() < 0.4
    spec: dict[str, Any] = {
        "source": {
            "uri": f"https://huggingface.co/org/{name}",
            "files": [_file("config.json"), _file("model.safetensors")],
        },
        "license": random.choice(LICENSES),
        "tasks": [task],
        "modality": "image" if image else "audio" if "speech" in task else "text",
        "domains": [random.choice(IMAGE_DOMAINS if image else TEXT_DOMAINS)],
        "languages": [] if image else random.choice(LANGUAGES),
        "architecture": _image(random) if image else _text(random),
    }
    if head:
        labels = random.choice((2, 2, 3, 5, 8, 10))
        spec |= {"head": task, "headLabels": [str(label) for label in range(labels)]}
    body = {"apiVersion": "coppice.dev/v1alpha1", "kind": "ClusterBaseModel", "metadata": {"name": name}, "spec": spec}
    return registered(ClusterBaseModel.model_validate(body), ready=True)


def jobs(count: int, seed: int = 11, task: str = "") -> Iterator[TrainingJob]:
    """Jobs of different sizes, targets and wishes."""
    random = Random(seed)  # noqa: S311
    for number in range(count):
        image = (task or random.choice(("text-classification",) * 3 + ("image-classification",))).startswith("image")
        yield TrainingJob.model_validate(_job(random, number, image=image))


def profiles() -> tuple[ComputeProfile, ...]:
    """CPU nodes and one kind of accelerator."""
    kilograms = {"low": "14", "mid": "28", "high": "56"}
    cpu = {"cores": 32, "memory": "128Gi", "idleWatts": "90", "peakWatts": "280", "peakTeraFlops": "2.6"}
    host = {"cores": 96, "memory": "512Gi", "idleWatts": "250", "peakWatts": "900"}
    big = {"low": "700", "mid": "1300", "high": "2500"}
    device = {"resourceName": "nvidia.com/gpu", "perNode": 4, "memory": "40Gi", "idleWatts": "50", "peakWatts": "400"}
    device |= {
        "peakTeraFlops": {"bf16": "312", "fp32": "19.5"},
        "embodiedKilograms": {"low": "75", "mid": "150", "high": "300"},
    }
    accelerated = {"host": host | {"embodiedKilograms": big}, "accelerator": device, "lifespanYears": "4"}
    plain = {"host": cpu | {"embodiedKilograms": big | kilograms}, "lifespanYears": "4"}
    found = {"cpu": plain, "gpu": accelerated}
    return tuple(
        ComputeProfile.model_validate({"metadata": {"name": name}, "spec": spec}) for name, spec in found.items()
    )


def _job(random: Random, number: int, *, image: bool) -> dict[str, Any]:
    dataset = {
        "uri": f"pvc://corpora/{number}.parquet",
        "examples": int(10 ** random.uniform(2.7, 5.3)),
        "license": "cc0-1.0",
    }
    dataset |= {"labels": random.choice((2, 3, 5, 8, 10))}
    if not image:
        dataset["tokensPerExample"] = random.choice((16, 32, 64, 110, 128, 300))
    spec: dict[str, Any] = {
        "task": "image-classification" if image else "text-classification",
        "domains": [random.choice(IMAGE_DOMAINS if image else TEXT_DOMAINS)],
        "languages": [] if image else [random.choice(("en", "en", "en", "de", "fr"))],
        "dataset": dataset,
        "objective": {"target": random.choice(("0.8", "0.9", "0.93", "0.95", "0.97"))},
        "use": {"commercial": random.random() < 0.8, "distribution": "Internal"},
    }
    if random.random() < 0.7:
        spec["fromScratch"] = {"config": _scratch(image=image), "epochs": random.choice((10, 20, 30))}
    if random.random() < 0.3:
        spec["limits"] = {"runSeconds": 100_000}
    return {"metadata": {"name": f"job-{number}", "namespace": "research", "uid": f"uid-{number}"}, "spec": spec}


def _scratch(*, image: bool) -> dict[str, Any]:
    if image:
        return {
            "model_type": "resnet",
            "hidden_sizes": [64, 128, 256, 512],
            "depths": [2, 2, 2, 2],
            "layer_type": "basic",
        }
    return {
        "model_type": "bert",
        "hidden_size": 512,
        "num_hidden_layers": 8,
        "num_attention_heads": 8,
        "intermediate_size": 2048,
    }


def _text(random: Random) -> dict[str, Any]:
    family = random.choice(list(TEXT))
    if random.random() < OWN_ARCHITECTURE:
        layers, width, words = random.randint(2, 32), 64 * random.randint(2, 40), random.randint(8000, 60000)
        sizes = (12 * layers * width**2 + words * width, words * width, layers, width, 512)
    else:
        sizes = random.choice(TEXT[family])
    names = ("parameters", "embeddingParameters", "layers", "hiddenSize", "maxSequenceLength")
    return {"family": family, **dict(zip(names, sizes, strict=True))}


def _image(random: Random) -> dict[str, Any]:
    family = random.choice(list(IMAGE))
    parameters, width, layers, flops = random.choice(IMAGE[family])
    if random.random() < OWN_ARCHITECTURE:
        scale = random.uniform(0.3, 3)
        parameters, flops = int(parameters * scale), int(flops * scale)
    found = {"family": family, "parameters": parameters, "forwardFlopsPerExample": flops}
    return found | ({"hiddenSize": width, "layers": layers} if width else {})


def _file(name: str) -> dict[str, Any]:
    return {"name": name, "sizeBytes": 1, "digest": DIGEST}
