"""Floating-point operations, counted on one small batch and scaled.

torch counts the operations of a real forward and backward pass; what a training does is that count times the
tokens seen (examples, where there are no tokens). Attention grows faster than tokens, so the sample has the length of
a typical batch. Networks with grouped convolutions are counted forward and taken three times, because the counter
overstates their backward pass. Passes for validation and evaluation are left out.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from coppice.trainer.tasks import Task

SAMPLE = 4


def forward_flop(model: Any, task: Task, items: list[dict[str, Any]]) -> tuple[float, str]:
    """Operations of one forward pass per token (or example), and how they were counted."""
    return _counted(model, task, items, lambda batch: model(**batch)), "flop-counter, forward, one batch scaled"


def training_flop(model: Any, task: Task, items: list[dict[str, Any]]) -> tuple[float, str]:
    """Operations of one training step per token (or example), and how they were counted."""
    if any(isinstance(module, torch.nn.Conv2d) and module.groups > 1 for module in model.modules()):
        forward, _ = forward_flop(model, task, items)
        return 3 * forward, "flop-counter, 3 x forward, one batch scaled"

    def step(batch: dict[str, Any]) -> None:
        with torch.enable_grad():
            model(**batch).logits.sum().backward()
        model.zero_grad(set_to_none=True)

    counted = _counted(model, task, items, step)
    if getattr(model, "is_gradient_checkpointing", False):  # the sample ran without: evaluation mode recomputes nothing
        again, _ = forward_flop(model, task, items)
        return counted + again, "flop-counter, forward twice and backward, one batch scaled"
    return counted, "flop-counter, forward and backward, one batch scaled"


def _counted(model: Any, task: Task, items: list[dict[str, Any]], work: Callable[[dict[str, Any]], object]) -> float:
    bare = [{key: value for key, value in item.items() if key != "labels"} for item in _typical(items)]
    batch = {key: value.to(model.device) for key, value in task.collate(bare).items()}
    training = model.training
    with torch.random.fork_rng(), torch.no_grad(), FlopCounterMode(display=False) as counter:
        model.eval()  # batch statistics must not see the sample twice
        work(batch)
    model.train(training)
    return float(counter.get_total_flops()) / (task.tokens(batch, model.config) or len(bare))


def _typical(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A few items around the median length, so that padding does not distort the count."""
    ordered = sorted(items, key=lambda item: len(item.get("input_ids", ())))
    middle = len(ordered) // 2
    return ordered[max(0, middle - SAMPLE // 2) : middle + SAMPLE // 2 + 1][:SAMPLE]
