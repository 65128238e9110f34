"""Trains a network of random weights for a few steps and prints by how many bytes the process grew at most.

Run as a process of its own: `python peak_memory.py '{"config": ..., "task": ..., "batch": ..., "tokens": ...}'`. What
libraries take is out of the figure: a first small network is trained before the measurement begins. The peak is the
kernel's (VmHWM, reset through clear_refs), with glibc told to give large blocks back at once, so that the growth is
what torch's allocator asked for and not what the heap kept.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

import peft
import torch
import transformers

STEPS = 2
TINY: dict[str, Any] = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}


def status(name: str) -> int:
    """Bytes by name from the kernel's account of this process."""
    found = re.search(rf"^{name}:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024


def built(case: dict[str, Any]) -> Any:
    """The network, with adapters where the method has them."""
    from coppice.trainer.count import AUTO_MODELS

    values = {key: value for key, value in case["config"].items() if key != "model_type"}
    labels = {} if case["task"] == "text-generation" else {"num_labels": case.get("labels", 10)}
    config = transformers.AutoConfig.for_model(case["config"]["model_type"], **values, **labels)
    config.use_cache = False
    config.pad_token_id = 0
    torch.manual_seed(1)
    model = getattr(transformers, AUTO_MODELS[case["task"]]).from_config(config)
    if case.get("checkpointing"):
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    if case.get("method") == "LoRA":
        linears = [name for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)]
        targets = [name for name in linears if name not in {"classifier", "score", "lm_head"}]
        model = peft.get_peft_model(model, peft.LoraConfig(r=8, lora_dropout=0.05, target_modules=targets))
    return model


def batch(model: Any, case: dict[str, Any]) -> dict[str, torch.Tensor]:
    """Random inputs with labels."""
    size = case["batch"]
    if case["task"] == "image-classification":
        side = model.config.image_size if hasattr(model.config, "image_size") else case["side"]
        return {"pixel_values": torch.randn(size, 3, side, side), "labels": torch.zeros(size, dtype=torch.long)}
    ids = torch.randint(5, model.config.vocab_size, (size, case["tokens"]))
    labels = ids if case["task"] == "text-generation" else torch.zeros(size, dtype=torch.long)
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": labels}


def run(case: dict[str, Any]) -> None:
    """Some steps as the Trainer makes them: forward, backward, clipped gradients, fused AdamW."""
    model = built(case)
    if case.get("method") in {"LinearProbe", "AsIs"}:
        with torch.inference_mode():
            model.eval()(**{name: value for name, value in batch(model, case).items() if name != "labels"})
        return
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-4, fused=True)
    model.train()
    for _ in range(STEPS):
        model(**batch(model, case)).loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)


def main() -> None:
    """Warms up, measures, prints."""
    case = json.loads(sys.argv[1])
    torch.set_num_threads(1)
    run({"config": {"model_type": "bert", **TINY}, "task": "text-classification", "batch": 2, "tokens": 8})
    before = status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
    run(case)
    sys.stdout.write(json.dumps({"growth": status("VmHWM") - before}) + "\n")


if __name__ == "__main__":
    main()
