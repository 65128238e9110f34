"""The base models of the trials: one made elsewhere, the others trained here first, on data that no problem judges.

A model that was trained on one half of the digits is offered for the other half; a model of the small newswire topics
for the large ones and the other way round. So each problem finds models that fit well, badly, and not at all.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coppice.api.basemodel import BaseModelObject
from coppice.planning.configuration import network_of_config
from trials.problems import BERT_MINI, BERT_TINY, NAMESPACE, RESNET, VIT

MINILM = "all-minilm-l6-v2"
NO_DIGEST = f"sha256:{'0' * 64}"
"""Planning wants one for each file; nothing here is fetched."""


@dataclass(frozen=True)
class Recipe:
    """How a base model is made here: trained from scratch on a corpus of the demo."""

    name: str
    task: str
    corpus: str
    labels: int
    config: Mapping[str, Any]
    domain: str
    epochs: int = 12


RECIPES = (
    Recipe("small-topics-mini", "text-classification", "r52-small", 27, {"model_type": "bert"} | BERT_MINI, "text"),
    Recipe("topics-tiny", "text-classification", "r8", 8, {"model_type": "bert", **BERT_TINY}, "text/news", 4),
    Recipe(
        "digits-low-resnet", "image-classification", "digits-low", 5, {"model_type": "resnet", **RESNET},
        "image/handwriting/digits", 30,
    ),
    Recipe(
        "digits-low-vit", "image-classification", "digits-low", 5, {"model_type": "vit", **VIT},
        "image/handwriting/digits", 60,
    ),
    Recipe(
        "digits-high-vit", "image-classification", "digits-high", 5, {"model_type": "vit", **VIT},
        "image/handwriting/digits", 60,
    ),
)  # fmt: skip


def registered(name: str, directory: Path, recipe: Recipe | None) -> BaseModelObject:
    """The base model as it would stand in a cluster; its architecture is read from its own configuration."""
    config = json.loads((directory / "config.json").read_text(encoding="utf-8"))
    labels = recipe.labels if recipe else 2
    network = network_of_config(config, labels)
    if network is None:
        raise ValueError(f"{directory / 'config.json'} is of a family that planning does not know")
    task = recipe.task if recipe else "text-classification"
    shape = {
        "layers": network.layers,
        "hiddenSize": network.hidden_size,
        "imageSize": network.image_size,
        "maxSequenceLength": network.max_sequence_length,
        "forwardFlopsPerExample": network.forward_flops_per_example,
    }
    spec: dict[str, Any] = {
        "source": {"uri": f"pvc://models/{name}", "files": [{"name": "model.safetensors", "digest": NO_DIGEST}]},
        "license": "Apache-2.0",
        "tasks": [task],
        "modality": "text" if task == "text-classification" else "image",
        "domains": [recipe.domain if recipe else "text"],
        "languages": ["en"] if task == "text-classification" else [],
        "architecture": {
            "family": network.family,
            "parameters": network.parameters,
            "embeddingParameters": network.embedding_parameters,
            **{name: value for name, value in shape.items() if value},
        },
    }
    if recipe:
        spec |= {"head": task, "headLabels": sorted(map(str, config.get("id2label", {}).values()))}
    condition = {"type": "Ready", "status": "True", "reason": "Ready", "message": "", "lastTransitionTime": None}
    body = {
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": spec,
        "status": {"conditions": [{**condition, "lastTransitionTime": "2026-01-01T00:00:00Z"}]},
    }
    return BaseModelObject.model_validate(body)
