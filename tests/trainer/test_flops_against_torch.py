"""Derived FLOPs against torch's counter on meta tensors, method by method; the figures of `networks.py` come from here.

Attention is counted unfused (two products forward, four backward), as the formulas have it; fused kernels compute
scores once more in the backward pass. `python tests/trainer/test_flops_against_torch.py` prints the whole table.
"""

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from coppice.planning.configuration import network_of_config
from coppice.planning.families import LLAMA_LIKE
from coppice.planning.passes import training_flops
from networks import COUNTED, IMAGE, Counted

TOLERANCE = 0.03


def counted(case: Counted) -> tuple[float, float]:
    """GFLOP of one example by torch's counter: forward, and a training pass."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    model = _model(case)
    inputs = _inputs(model, case)
    with FlopCounterMode(display=False) as forward, torch.no_grad():
        model(**inputs)
    model.train()
    if case.checkpointing:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    with FlopCounterMode(display=False) as training:
        model(**inputs)[0].sum().backward()
    return forward.get_total_flops() / 1e9, training.get_total_flops() / 1e9


def _model(case: Counted) -> Any:
    import torch
    import transformers
    from peft import LoraConfig, get_peft_model

    from coppice.trainer.count import AUTO_MODELS

    values = {key: value for key, value in case.config.items() if key != "model_type"}
    labels = {} if case.task == "text-generation" else {"num_labels": case.labels}
    config = transformers.AutoConfig.for_model(case.config["model_type"], **values, **labels)
    config.use_cache = False
    if case.tokens > getattr(config, "max_position_embeddings", case.tokens):
        config.max_position_embeddings = case.tokens
    with torch.device("meta"):
        model = getattr(transformers, AUTO_MODELS[case.task]).from_config(config).eval()
        if case.method == "LoRA":
            heads = [name for name, _ in model.named_children() if name in {"classifier", "score", "lm_head"}]
            linears = [name for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)]
            targets = [name for name in linears if name.split(".", maxsplit=1)[0] not in heads]
            saved = [] if case.task == "text-generation" else heads
            model = get_peft_model(model, LoraConfig(r=case.rank, target_modules=targets, modules_to_save=saved))
    return model


def _inputs(model: Any, case: Counted) -> dict[str, Any]:
    import torch

    if case.task == IMAGE:
        side = getattr(model.config, "image_size", None) or 224
        return {"pixel_values": torch.zeros(1, 3, side, side, device="meta")}
    ids = {"input_ids": torch.zeros(1, case.tokens, dtype=torch.long, device="meta")}
    if case.config["model_type"] in LLAMA_LIKE:  # they look at a mask's values; one that is whole is taken as it is
        ids["attention_mask"] = torch.zeros(1, 1, case.tokens, case.tokens, device="meta")
    return ids


def derived(case: Counted) -> tuple[float, float]:
    """The same by formula."""
    network = network_of_config(case.config, case.labels, case.task)
    assert network is not None
    tokens = network.counted_tokens or case.tokens
    training = training_flops(network, case.method, tokens, rank=case.rank, checkpointing=case.checkpointing)
    return network.forward_flops(tokens) / 1e9, training / 1e9


@pytest.mark.parametrize("case", COUNTED, ids=lambda case: f"{case.name} {case.tokens or ''}".strip())
def test_formulas_agree_with_the_counter(case: Counted) -> None:
    forward, training = counted(case)
    if case.method != "LoRA":  # adapters stand in the training pass
        assert derived(case)[0] == pytest.approx(forward, rel=TOLERANCE)
    assert case.forward == pytest.approx(forward, rel=1e-3)
    if case.training is not None:
        assert derived(case)[1] == pytest.approx(training, rel=TOLERANCE)
        assert case.training == pytest.approx(training, rel=1e-3)


def _table() -> None:
    for case in COUNTED:
        (forward, training), (by_formula, trained) = counted(case), derived(case)
        off = [100 * (by_formula / forward - 1), 100 * (trained / training - 1)]
        if case.training is None:  # the counter's backward pass of grouped convolutions is wrong
            off[1] = float("nan")
        sys.stdout.write(
            f"{case.name:32} {case.tokens:5} forward {forward:12.4f} {off[0]:+6.2f} %"
            f"   training {training:12.4f} {off[1]:+6.2f} %   training/forward {training / forward:.3f}\n"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    _table()
