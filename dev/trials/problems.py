"""The problems: data, target and the plan from scratch of each, as the TrainingJob a user would apply."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from coppice.api.trainingjob import TrainingJob

NAMESPACE = "trials"
BERT_TINY = {"hidden_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 512}
BERT_MINI = {"hidden_size": 256, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 1024}
"""Turc et al. 2019, "Well-Read Students Learn Better"."""
RESNET = {"num_channels": 1, "image_size": 8, "embedding_size": 32, "layer_type": "basic"}
RESNET |= {"hidden_sizes": [32, 64, 128], "depths": [1, 1, 1]}
VIT = {"num_channels": 1, "image_size": 8, "patch_size": 2, "hidden_size": 64, "num_hidden_layers": 4}
VIT |= {"num_attention_heads": 4, "intermediate_size": 256}


@dataclass(frozen=True)
class Problem:
    """One task on one piece of data. `corpus` is a directory of the demo's inputs, `most` the examples taken of it."""

    name: str
    task: str
    corpus: str
    labels: int
    target: str
    config: Mapping[str, Any]
    most: int
    domain: str
    tokens: int | None = None
    epochs: int = 15
    label_names: tuple[str, ...] = ()

    @property
    def is_text(self) -> bool:
        """Whether its examples are texts."""
        return self.task == "text-classification"

    @property
    def columns(self) -> dict[str, str]:
        """Column by role."""
        return {"text": "text", "label": "label"} if self.is_text else {"image": "pixels", "label": "label"}

    def job(self, *, examples: int | None = None) -> TrainingJob:
        """What a user would apply, `examples` as counted in the file."""
        spec: dict[str, Any] = {
            "task": self.task,
            "domains": [self.domain],
            "dataset": {
                "uri": f"pvc://corpora/{self.name}/train.parquet",
                "evaluationURI": f"pvc://corpora/{self.corpus}/test.parquet",
                "columns": self.columns,
                "examples": examples or self.most,
                "labels": self.labels,
                "license": "LicenseRef-Reuters-21578" if self.is_text else "CC-BY-4.0",
            },
            "objective": {"metric": "Accuracy", "target": self.target},
            "fromScratch": {"config": dict(self.config), "epochs": self.epochs},
            "use": {"commercial": False, "distribution": "Internal"},
            "resources": {"cpu": "1", "memory": "4Gi"},
            "trainer": {"seed": 7, "hyperparameters": {}},
        }
        if self.is_text:
            spec |= {"languages": ["en"]}
            spec["dataset"]["tokensPerExample"] = self.tokens
            spec["trainer"]["hyperparameters"] = {"maxSequenceLength": 64}
        if self.label_names:
            spec["dataset"]["labelNames"] = list(self.label_names)
        metadata = {"name": self.name, "namespace": NAMESPACE, "uid": f"trial-{self.name}"}
        return TrainingJob.model_validate({"metadata": metadata, "spec": spec})


R8 = ("acq", "crude", "earn", "grain", "interest", "money-fx", "ship", "trade")
DIGITS = {"digits-low": ("0", "1", "2", "3", "4"), "digits-high": ("5", "6", "7", "8", "9")}


def _text(name: str, corpus: str, labels: int, target: str, most: int, config: Mapping[str, Any]) -> Problem:
    whole = {"model_type": "bert", **config}
    names = R8 if corpus == "r8" else ()
    return Problem(
        name, "text-classification", corpus, labels, target, whole, most, "text/news", tokens=54, label_names=names
    )


def _image(name: str, corpus: str, target: str, most: int, family: str) -> Problem:
    config = {"model_type": family, **(RESNET if family == "resnet" else VIT)}
    domain = "image/handwriting/digits"
    return Problem(
        name, "image-classification", corpus, 5, target, config, most, domain, epochs=30, label_names=DIGITS[corpus]
    )


PROBLEMS = (
    _text("r8-200", "r8", 8, "0.88", 200, BERT_TINY),
    _text("r8-600", "r8", 8, "0.92", 600, BERT_TINY),
    _text("r8-1000-mini", "r8", 8, "0.90", 1000, BERT_MINI),
    _text("r8-2000", "r8", 8, "0.94", 2000, BERT_TINY),
    _text("r8-all", "r8", 8, "0.90", 5485, BERT_TINY),
    _text("small-topics", "r52-small", 27, "0.80", 969, BERT_TINY),
    _image("digits-high-60", "digits-high", "0.85", 60, "resnet"),
    _image("digits-high-200", "digits-high", "0.93", 200, "resnet"),
    _image("digits-high-all", "digits-high", "0.97", 671, "resnet"),
    _image("digits-low-200", "digits-low", "0.97", 200, "vit"),
    _image("digits-high-vit", "digits-high", "0.95", 671, "vit"),
)

NAMES = tuple(problem.name for problem in PROBLEMS)
