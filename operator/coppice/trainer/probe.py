"""LinearProbe: the base model stays as it is, only the last linear layer is learnt, on features computed once.

Features are what the model's own last layer reads, so that the learnt layer can be put in its place and the result is
an ordinary model. Text models without a trained head get mean pooling (see pooling.py) unless their own pooling
configuration says otherwise. The layer is a logistic regression: convex, seconds on a processor, its strength chosen on
the validation part.
"""

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from coppice.api.base import rounded
from coppice.api.result import Reason, Stopped
from coppice.api.vocabulary import Direction
from coppice.trainer.card import model_card
from coppice.trainer.faults import TrainerError
from coppice.trainer.features import Features, all_features
from coppice.trainer.models import base_directory, device, load_model, save_model
from coppice.trainer.pooling import can_pool_mean, grow_mean_pooling
from coppice.trainer.quality import measure
from coppice.trainer.workbench import Workbench

STRENGTHS = (0.003, 0.03, 0.3, 3.0)
"""Values of C, the inverse of regularisation, on standardised features."""
MEAN, OWN = "mean", "own"
MEAN_REMARK = (
    "The last layer averages token vectors (mean pooling) by uniform attention; it was constructed, not trained."
)

log = logging.getLogger("coppice.train")

Array = np.ndarray[Any, Any]


def train_probe(bench: Workbench) -> None:
    """Computes features, fits the layer, and saves the model with it."""
    model, head, pooling = frozen_model(bench)
    features, complete = all_features(bench, model, head, pooling)
    weight, bias, value = fit_layer(bench, features)
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy(weight))
        head.bias.copy_(torch.from_numpy(bias))
    validation = rounded(value)
    card = model_card(bench.run, bench.labels, validation, MEAN_REMARK if pooling == MEAN else "")
    save_model(model, bench.task, card, bench.output / "model")
    bench.progress.set(
        validation_quality=validation,
        stopped=Stopped.CONVERGED if complete else Stopped.RUN_SECONDS,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
    )


def frozen_model(bench: Workbench) -> tuple[Any, Any, str]:
    """The rung's base model ready to make features, the layer that reads them, and how they are pooled."""
    base = base_directory(bench.run)
    model = load_model(base, bench.task, bench.labels)
    bench.task.load(base, model.config)
    bench.task.fit(bench.train.inputs)
    mean = wants_mean_pooling(base, model.config)
    if mean:
        model = grow_mean_pooling(model)
        log.info("mean pooling of token vectors, as one more layer")
    head = last_linear(model, len(bench.labels))
    return model.eval().to(device()), head, MEAN if mean else OWN


def wants_mean_pooling(base: Path, config: Any) -> bool:
    """What the model's sentence-embedding configuration says, else yes for a text model without a trained head."""
    if not can_pool_mean(config):
        return False
    pooling = base / "1_Pooling" / "config.json"
    if pooling.exists():
        return bool(json.loads(pooling.read_text(encoding="utf-8")).get("pooling_mode_mean_tokens"))
    return not any("Classification" in name for name in config.architectures or ())


def last_linear(model: Any, outputs: int) -> Any:
    """The layer that makes the logits; raises TrainerError Unsupported for a model that ends otherwise."""
    linears = [module for module in model.modules() if isinstance(module, torch.nn.Linear)]
    found: list[Any] = [module for module in linears if module.out_features == outputs]
    if not found:
        message = f"{type(model).__name__} does not end in a linear layer: choose LoRA or FullFineTune"
        raise TrainerError(Reason.UNSUPPORTED, message)
    if found[-1].bias is None:
        found[-1].bias = torch.nn.Parameter(torch.zeros(outputs))
    return found[-1]


def fit_layer(bench: Workbench, features: Features) -> tuple[Array, Array, float]:
    """Weights (classes x width), biases (classes) and validation quality of the best of four strengths."""
    direction = bench.run.objective.direction
    scaler = StandardScaler().fit(features.train)
    train, validation = scaler.transform(features.train), scaler.transform(features.validation)
    fitted: list[tuple[float, LogisticRegression]] = []
    for strength in STRENGTHS:
        layer = LogisticRegression(C=strength, max_iter=1000, random_state=bench.run.seed)
        layer.fit(train, features.train_labels)
        weight, bias = _all_classes(layer, len(bench.labels))
        logits = validation @ weight.T + bias
        value = measure(bench.run.objective.metric, logits, features.validation_labels).value
        log.info("C = %g: %s %.4f on validation", strength, bench.run.objective.metric.value, value)
        fitted.append((value, layer))
    best = (max if direction is Direction.MAXIMIZE else min)(fitted, key=lambda pair: pair[0])
    weight, bias = _all_classes(best[1], len(bench.labels))
    raw = weight / scaler.scale_
    return raw.astype(np.float32), (bias - raw @ scaler.mean_).astype(np.float32), best[0]


def _all_classes(layer: LogisticRegression, classes: int) -> tuple[Array, Array]:
    """One row per class: two classes have one row between them, and a class not seen gets a logit that never wins."""
    weight, bias = layer.coef_, layer.intercept_
    if len(weight) == 1:
        weight, bias = np.vstack([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    whole, offsets = np.zeros((classes, weight.shape[1])), np.full(classes, -1e4)
    whole[layer.classes_], offsets[layer.classes_] = weight, bias
    return whole, offsets
