"""LoRA, FullFineTune and FromScratch: one training by transformers' Trainer, three ways to get the model.

The Trainer brings the loop, optimiser, checkpoints, resuming and early stopping. What is added: tokens are counted as
they are processed, a checkpoint is made at least every so many seconds and when the pod is asked to stop, and training
ends when the time is up or when the validation part shows the target met by two standard errors: it is looked at after
every epoch, so a smaller margin would often be luck that the evaluation data does not confirm.
A LoRA model is saved merged: it loads like any other and can itself be registered as a base model.
"""

import json
import logging
import math
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from peft import LoraConfig, TaskType, get_peft_model
from transformers import (
    EarlyStoppingCallback,
    EvalPrediction,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

from coppice.api.base import rounded
from coppice.api.result import Reason, Stopped
from coppice.api.vocabulary import Direction, Method
from coppice.trainer.card import model_card
from coppice.trainer.faults import TrainerError
from coppice.trainer.flops import training_flop
from coppice.trainer.models import base_directory, device, load_model, new_config, new_model, save_model
from coppice.trainer.probe import last_linear
from coppice.trainer.quality import measure
from coppice.trainer.workbench import StopRequestedError, Workbench

PATIENCE_STEPS = 100
"""Epochs of small data are a few steps each: so many may pass without a better quality before training ends."""
CONVOLUTION_LEARNING_RATE = 5e-4
"""Full fine-tuning of a convolution network; transformers are torn apart by as much."""
CONVOLUTIONAL = frozenset({"resnet", "convnext", "regnet", "efficientnet", "mobilenet_v1", "mobilenet_v2"})

log = logging.getLogger("coppice.train")


@dataclass(frozen=True)
class Defaults:
    """Settings of a method where the user gives none."""

    learning_rate: float
    epochs: int
    patience: int
    batch_size: int = 32
    weight_decay: float = 0.01
    warmup_ratio: float = 0.06


DEFAULTS = {
    Method.LORA: Defaults(learning_rate=5e-4, epochs=8, patience=2),
    Method.FULL_FINE_TUNE: Defaults(learning_rate=5e-5, epochs=6, patience=2),
    Method.FROM_SCRATCH: Defaults(learning_rate=5e-4, epochs=10, patience=4),
}
TARGET_MARGIN = 2.0
"""Standard errors by which the validation quality must clear the target to end training."""
LORA_RANK = 8
LORA_ALPHA = 16


def fine_tune(bench: Workbench) -> None:
    """Trains the whole model or adapters of it, and saves the best state by validation quality."""
    model = _model(bench)
    items = [_with_labels(bench, part) for part in (bench.train, bench.validation)]
    if bench.stop.is_set():
        raise StopRequestedError
    if bench.run.rung.hyperparameters.gradient_checkpointing:
        _recompute(model)
    per_token, method = training_flop(model.to(device()), bench.task, items[0][:64])
    bench.progress.set(flop_method=method, parameters=sum(parameter.numel() for parameter in model.parameters()))
    trainer = _CountingTrainer(bench, per_token, model=model, train_dataset=items[0], eval_dataset=items[1])
    last = last_checkpoint(bench.output / "checkpoints")
    if last is not None:
        log.info("going on from %s", last.name)
    trainer.train(resume_from_checkpoint=str(last) if last else None)
    # A pod that was stopped after the last step leaves none for the next one, whose callbacks then never run.
    trainer.watch.say_how_far(trainer.state)
    if trainer.watch.stopped is Stopped.SIGNAL:
        raise StopRequestedError
    _finish(bench, trainer)


def _finish(bench: Workbench, trainer: "_CountingTrainer") -> None:
    model = trainer.accelerator.unwrap_model(trainer.model)
    if bench.run.rung.method is Method.LORA:
        model = model.merge_and_unload()
    best = trainer.state.best_metric
    validation = None if best is None else rounded(float(best))
    remark = "LoRA adapters were merged into the weights." if bench.run.rung.method is Method.LORA else ""
    card = model_card(bench.run, bench.labels, validation, remark)
    save_model(model, bench.task, card, bench.output / "model")
    bench.progress.set(
        stopped=trainer.watch.reason(trainer.state),
        validation_quality=validation,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
    )


def _model(bench: Workbench) -> Any:
    method = bench.run.rung.method
    if method is Method.FROM_SCRATCH:
        return _fresh(bench)
    base = base_directory(bench.run)
    model = load_model(base, bench.task, bench.labels)
    bench.task.load(base, model.config)
    bench.task.fit(bench.train.inputs)
    return _with_adapters(model, bench) if method is Method.LORA else model


def _fresh(bench: Workbench) -> Any:
    """A new model; where the plan leaves sizes open, they follow the tokenizer or the pictures."""
    config = new_config(bench.run, bench.labels)
    plan = bench.run.from_scratch
    encoder = Path(plan.tokenizer.directory) if plan and plan.tokenizer else bench.output / "no-encoder"
    bench.task.load(encoder, config)
    bench.task.fit(bench.train.inputs)
    return new_model(config, bench.task)


def _with_adapters(model: Any, bench: Workbench) -> Any:
    wanted = bench.run.rung.hyperparameters
    head = last_linear(model, len(bench.labels))
    head_name = next(name for name, module in model.named_modules() if module is head).split(".", maxsplit=1)[0]
    linears = [
        name
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear) and not name.startswith(head_name)
    ]
    if not linears:
        message = f"{type(model).__name__} has no linear layers to adapt: choose LinearProbe or FullFineTune"
        raise TrainerError(Reason.UNSUPPORTED, message)
    text = bench.task.role == "text"
    settings = LoraConfig(
        task_type=TaskType.SEQ_CLS if text else None,
        r=wanted.lora_rank or LORA_RANK,
        lora_alpha=wanted.lora_alpha or LORA_ALPHA,
        lora_dropout=0.05,
        target_modules=linears,
        modules_to_save=[head_name],
    )
    return get_peft_model(model, settings)


def _recompute(model: Any) -> None:
    """Computes activations of the blocks again in the backward pass. Raises TrainerError where a model cannot."""
    if not getattr(model, "supports_gradient_checkpointing", False):
        message = f"{type(model).__name__} cannot recompute activations: leave gradientCheckpointing out"
        raise TrainerError(Reason.UNSUPPORTED, message)
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})


def _with_labels(bench: Workbench, part: Any) -> list[dict[str, Any]]:
    items = bench.task.encode(part.inputs)
    return [{**item, "labels": number} for item, number in zip(items, bench.numbers(part), strict=True)]


def last_checkpoint(directory: Path) -> Path | None:
    """The newest complete checkpoint; what a killed pod left half written is removed.

    The Trainer writes trainer_state.json last, so a checkpoint that has it readable has everything.
    """
    complete = []
    for path in directory.glob("checkpoint-*"):
        try:
            steps = int(json.loads((path / "trainer_state.json").read_text(encoding="utf-8"))["global_step"])
            complete.append((steps, path))
        except (OSError, ValueError, KeyError):
            shutil.rmtree(path, ignore_errors=True)
    return max(complete)[1] if complete else None


class _CountingTrainer(Trainer):  # type: ignore[misc]  # transformers is not typed
    """The Trainer with this run's settings, counting what it processes."""

    def __init__(self, bench: Workbench, flop_per_token: float, **parts: Any) -> None:
        self._bench = bench
        self._flop_per_token = flop_per_token
        self._flop = 0.0
        self.watch = _Watch(bench)
        metric, seed = bench.run.objective.metric, bench.run.seed

        def metrics(prediction: EvalPrediction) -> dict[str, float]:
            logits = prediction.predictions[0] if isinstance(prediction.predictions, tuple) else prediction.predictions
            found = measure(metric, np.asarray(logits), np.asarray(prediction.label_ids), seed)
            return {"quality": found.value, "quality_standard_error": found.standard_error}

        super().__init__(
            args=training_arguments(bench, str(getattr(parts["model"].config, "model_type", ""))),
            data_collator=bench.task.collate,
            compute_metrics=metrics,
            callbacks=[self.watch, *_early_stopping(bench)],
            **parts,
        )
        self.remove_callback(PrinterCallback)

    def training_step(self, model: Any, inputs: dict[str, Any], *more: Any, **named: Any) -> torch.Tensor:
        """One forward and backward pass, counted after it was done."""
        loss: torch.Tensor = super().training_step(model, inputs, *more, **named)
        tokens, examples = self._bench.task.tokens(inputs, self.model.config), len(inputs["labels"])
        self._flop += self._flop_per_token * (tokens or examples)
        self._bench.progress.set(counted_teraflop=f"{self._flop / 1e12:.6f}")
        self._bench.progress.count(examples, tokens)
        return loss


def training_arguments(bench: Workbench, family: str = "") -> TrainingArguments:
    """The user's hyper-parameters, the method's defaults for the rest; `family` is the network's model_type."""
    wanted, defaults = bench.run.rung.hyperparameters, DEFAULTS[bench.run.rung.method]
    epochs = wanted.epochs or defaults.epochs
    if bench.run.rung.method is Method.FROM_SCRATCH and bench.run.from_scratch:
        epochs = bench.run.from_scratch.epochs
    cuda = torch.cuda.is_available()
    devices = max(torch.cuda.device_count(), 1)  # the Trainer multiplies by them: it trains data parallel
    return TrainingArguments(
        output_dir=str(bench.output / "checkpoints"),
        num_train_epochs=epochs,
        learning_rate=float(wanted.learning_rate or _learning_rate(bench.run.rung.method, family)),
        per_device_train_batch_size=-(-(wanted.batch_size or defaults.batch_size) // devices),
        per_device_eval_batch_size=64,
        weight_decay=float(defaults.weight_decay if wanted.weight_decay is None else wanted.weight_decay),
        warmup_steps=float(defaults.warmup_ratio if wanted.warmup_ratio is None else wanted.warmup_ratio),
        train_sampling_strategy="group_by_length" if bench.task.role == "text" else "random",
        eval_strategy="epoch",
        save_strategy="epoch",
        save_total_limit=2,
        load_best_model_at_end=True,
        metric_for_best_model="quality",
        greater_is_better=bench.run.objective.direction is Direction.MAXIMIZE,
        seed=bench.run.seed,
        use_cpu=not cuda,
        bf16=cuda and torch.cuda.is_bf16_supported(),
        dataloader_pin_memory=cuda,
        remove_unused_columns=False,
        logging_strategy="epoch",
        report_to=[],
        disable_tqdm=True,
        log_level="error",
    )


def _learning_rate(method: Method, family: str) -> float:
    if method is Method.FULL_FINE_TUNE and family in CONVOLUTIONAL:
        return CONVOLUTION_LEARNING_RATE
    return DEFAULTS[method].learning_rate


def _early_stopping(bench: Workbench) -> list[TrainerCallback]:
    wanted, defaults = bench.run.rung.hyperparameters, DEFAULTS[bench.run.rung.method]
    steps_of_an_epoch = math.ceil(len(bench.train) / (wanted.batch_size or defaults.batch_size))
    patience = wanted.patience or max(defaults.patience, math.ceil(PATIENCE_STEPS / max(steps_of_an_epoch, 1)))
    return [EarlyStoppingCallback(early_stopping_patience=patience)]


class _Watch(TrainerCallback):  # type: ignore[misc]  # transformers is not typed
    """Looks after each step whether to checkpoint or to stop, and says after each epoch how good it is."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self._saved = time.monotonic()
        self.stopped: Stopped | None = None

    def say_how_far(self, state: Any) -> None:
        """Puts the steps and epochs of all pods of the attempt into the report."""
        self._bench.progress.set(steps=state.global_step, epochs=rounded(float(state.epoch)))

    def on_step_end(self, _args: Any, state: Any, control: Any, **_: Any) -> None:
        """Checkpoints by the clock and when asked to stop."""
        self.say_how_far(state)
        self._bench.progress.line(f"step {state.global_step} of at most {state.max_steps}")
        self.stopped = self._bench.why_stop()
        if self.stopped is not None:
            control.should_training_stop = True
        if self.stopped is Stopped.SIGNAL or time.monotonic() - self._saved >= self._bench.run.checkpoint_seconds:
            control.should_save = True

    def on_save(self, _args: Any, state: Any, _control: Any, **_: Any) -> None:
        """Starts the clock for the next checkpoint."""
        self._saved = time.monotonic()
        log.debug("checkpoint at step %d", state.global_step)

    def on_evaluate(self, _args: Any, state: Any, control: Any, metrics: dict[str, float], **_: Any) -> None:
        """One line an epoch; ends training when the target is met by a clear margin."""
        value, error = metrics["eval_quality"], metrics["eval_quality_standard_error"]
        objective = self._bench.run.objective
        log.info(
            "epoch %.1f, step %d: %s %.4f (+-%.4f) on validation",
            state.epoch,
            state.global_step,
            objective.metric.value,
            value,
            error,
        )
        self._bench.progress.set(validation_quality=rounded(value))
        sign = 1 if objective.direction is Direction.MAXIMIZE else -1
        if objective.target is not None and sign * value - TARGET_MARGIN * error >= sign * float(objective.target):
            self.stopped = Stopped.TARGET
            control.should_training_stop = True

    def reason(self, state: Any) -> Stopped:
        """Why training ended."""
        if self.stopped is not None:
            return self.stopped
        return Stopped.EPOCHS if state.global_step >= state.max_steps else Stopped.EARLY
