"""Counts a network from its configuration alone, for plans whose family no formula knows.

The network is built and run on tensors that have shapes and no data, so that counting a model of any size takes
seconds and no memory. torch's FLOP counter (2 per multiply-add) overstates the backward pass of grouped convolutions,
sixfold and more; networks that have them are taken as three forward passes. Remote code is never run.
"""

import json
import sys
from collections.abc import Mapping
from typing import Any

import torch
import transformers
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.flop_counter import FlopCounterMode

from coppice.api.count import NetworkCount
from coppice.api.result import Reason
from coppice.trainer.faults import TrainerError, exit_code_of, fault_of

AUTO_MODELS = {
    "text-classification": "AutoModelForSequenceClassification",
    "token-classification": "AutoModelForTokenClassification",
    "question-answering": "AutoModelForQuestionAnswering",
    "text-generation": "AutoModelForCausalLM",
    "fill-mask": "AutoModelForMaskedLM",
    "summarization": "AutoModelForSeq2SeqLM",
    "translation": "AutoModelForSeq2SeqLM",
    "feature-extraction": "AutoModel",
    "image-classification": "AutoModelForImageClassification",
}
"""Which of transformers' classes puts the head of a task on a network."""
IMAGE_TASKS = frozenset({"image-classification"})
DEFAULT_SIDE = 224


def count_process(task: str, labels: int, tokens: int, image_size: int | None) -> int:
    """Reads a configuration from standard input, prints the count as JSON, and returns the exit code."""
    transformers.utils.logging.set_verbosity_error()
    try:
        config = json.loads(sys.stdin.read())
        found = count(config, task, labels, tokens, image_size)
    except Exception as error:  # noqa: BLE001 (whatever it is, the caller must be told)
        fault = fault_of(error)
        sys.stderr.write(f"{fault.reason.value}: {fault.message}\n")
        return exit_code_of(fault)
    sys.stdout.write(found.model_dump_json(by_alias=True, exclude_none=True) + "\n")
    return 0


def count(config: Mapping[str, Any], task: str, labels: int, tokens: int, image_size: int | None) -> NetworkCount:
    """Parameters, FLOPs and kept elements of one example. Raises TrainerError for what cannot be built or run."""
    settings = _settings(config, task, labels)
    try:
        model = _built(settings, task, torch.device("meta"))
        inputs = _inputs(model, task, tokens, image_size)
        forward = _flops(model, inputs, backward=False)
        grouped = any(isinstance(module, torch.nn.Conv2d) and module.groups > 1 for module in model.modules())
        training = 3 * forward if grouped else _flops(model, inputs, backward=True)
    except (ValueError, TypeError, KeyError, AttributeError, RuntimeError, NotImplementedError, IndexError) as error:
        raise TrainerError(Reason.BAD_MODEL, f"the network cannot be counted without data: {error}") from error
    pixels = inputs.get("pixel_values")
    lookups = {id(m.weight): m.weight.numel() for m in model.modules() if isinstance(m, torch.nn.Embedding)}
    return NetworkCount(
        family=settings.model_type,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        embedding_parameters=sum(lookups.values()),
        layers=_whole(settings, "num_hidden_layers"),
        hidden_size=_whole(settings, "hidden_size"),
        tokens=None if pixels is not None else tokens,
        image_size=None if pixels is None else pixels.shape[-1],
        forward_flops=forward,
        training_flops=training,
        kept_elements=_kept_elements(settings, task, tokens, image_size),
        flop_method="flop-counter on meta tensors" + (", 3 x forward" if grouped else ", forward and backward"),
    )


def _settings(config: Mapping[str, Any], task: str, labels: int) -> Any:
    if task not in AUTO_MODELS:
        raise TrainerError(Reason.UNSUPPORTED, f"{task} cannot be counted; known are {', '.join(sorted(AUTO_MODELS))}")
    if not isinstance(config, dict) or "auto_map" in config:
        message = "the configuration has auto_map (code of its own), or is no JSON object"
        raise TrainerError(Reason.REMOTE_CODE_REFUSED, message)
    values = {key: value for key, value in config.items() if key != "model_type"}
    try:
        settings = transformers.AutoConfig.for_model(str(config.get("model_type", "")), **values, num_labels=labels)
    except (ValueError, TypeError, KeyError) as error:
        raise TrainerError(Reason.BAD_MODEL, f"this is no transformers configuration: {error}") from error
    settings.use_cache = False
    return settings


def _built(settings: Any, task: str, where: torch.device) -> Any:
    with where:
        automatic = getattr(transformers, AUTO_MODELS[task])
        return automatic.from_config(settings, trust_remote_code=False).eval()


def _inputs(model: Any, task: str, tokens: int, image_size: int | None) -> dict[str, torch.Tensor]:
    """One example."""
    where, settings = model.device, model.config
    if task not in IMAGE_TASKS:
        ids = torch.zeros(1, tokens, dtype=torch.long, device=where)
        if settings.is_encoder_decoder:
            return {"input_ids": ids, "decoder_input_ids": ids}
        mask = {"attention_mask": torch.zeros(1, 1, tokens, tokens, device=where)} if _is_causal(model) else {}
        return {"input_ids": ids, **mask}
    side = image_size or getattr(settings, "image_size", None) or DEFAULT_SIDE
    height, width = side if isinstance(side, list | tuple) else (side, side)
    return {"pixel_values": torch.zeros(1, getattr(settings, "num_channels", 3), height, width, device=where)}


def _is_causal(model: Any) -> bool:
    """Decoders look at their mask's values, which tensors without data do not have; a whole mask is taken as it is."""
    return any(getattr(module, "is_causal", False) for module in model.modules())


def _flops(model: Any, inputs: dict[str, torch.Tensor], *, backward: bool) -> int:
    with FlopCounterMode(display=False) as counter, torch.set_grad_enabled(backward):
        output = model(**inputs)[0]
        if backward:
            output.sum().backward()
    return int(counter.get_total_flops())


def _kept_elements(settings: Any, task: str, tokens: int, image_size: int | None) -> int | None:
    """Elements of all tensors but the weights that autograd keeps; None where tensors without data do not do."""
    held: dict[int, torch.Tensor] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        held[tensor.untyped_storage()._cdata] = tensor  # noqa: SLF001 (two views of one storage count once)
        return tensor

    try:
        model = _built(settings, task, torch.device("meta"))
        with FakeTensorMode(allow_non_fake_inputs=True):
            model = model.to_empty(device="cpu")
            inputs = _inputs(model, task, tokens, image_size)
            weights = {parameter.untyped_storage()._cdata for parameter in model.parameters()}  # noqa: SLF001
            with saved_tensors_hooks(keep, lambda tensor: tensor):
                output = model(**inputs)[0]
            elements = (t.untyped_storage().nbytes() // 4 for key, t in held.items() if key not in weights)
            return sum(elements) if output.requires_grad else None
    except Exception:  # noqa: BLE001 (memory is then estimated from FLOPs)
        return None


def _whole(settings: Any, name: str) -> int | None:
    value = getattr(settings, name, None)
    return value if isinstance(value, int) and value > 0 else None
