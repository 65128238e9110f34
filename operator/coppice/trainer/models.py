"""Loading base models and making new ones: safetensors only, no code of theirs, nothing from the network."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig

from coppice.api.result import Reason
from coppice.api.run import Run
from coppice.trainer.faults import TrainerError
from coppice.trainer.tasks import Task


def base_directory(run: Run) -> Path:
    """Where the rung's base model stands; raises TrainerError InvalidRun when the rung names none."""
    if run.rung.base_model is None:
        raise TrainerError(Reason.INVALID_RUN, f"method {run.rung.method.value} needs a base model")
    return Path(run.rung.base_model.directory)


def load_model(directory: Path, task: Task, labels: Sequence[str] | None = None) -> Any:
    """A model with its task's head: the saved head when no labels are given, else one for these labels.

    Raises TrainerError BadModel for files that transformers cannot load.
    """
    heads: dict[str, Any] = {}
    if labels is not None:
        heads = {"num_labels": len(labels), "id2label": dict(enumerate(labels))}
        heads |= {"label2id": {label: number for number, label in enumerate(labels)}, "ignore_mismatched_sizes": True}
    try:
        return task.auto_model.from_pretrained(
            directory,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=torch.float32,
            **heads,
        )
    except (OSError, ValueError, KeyError, RuntimeError, TypeError) as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        raise TrainerError(Reason.BAD_MODEL, f"the model in {directory} cannot be loaded: {error}") from error


def new_config(run: Run, labels: Sequence[str]) -> Any:
    """The configuration of a model from scratch, with this job's labels."""
    plan = run.from_scratch
    if plan is None:
        raise TrainerError(Reason.INVALID_RUN, "method FromScratch needs spec.fromScratch")
    values = dict(plan.config)
    if "auto_map" in values:
        raise TrainerError(
            Reason.REMOTE_CODE_REFUSED, "fromScratch.config has auto_map: the model needs code of its own"
        )
    kind = values.pop("model_type", None)
    try:
        return AutoConfig.for_model(
            kind,
            **{
                **values,
                "num_labels": len(labels),
                "id2label": dict(enumerate(labels)),
                "label2id": {label: number for number, label in enumerate(labels)},
            },
        )
    except (ValueError, TypeError, KeyError) as error:
        raise TrainerError(Reason.BAD_MODEL, f"fromScratch.config is no transformers configuration: {error}") from error


def new_model(config: Any, task: Task) -> Any:
    """A model with fresh weights; raises TrainerError BadModel for a configuration that builds none."""
    try:
        return task.auto_model.from_config(config, trust_remote_code=False)
    except (ValueError, TypeError, KeyError, ZeroDivisionError, AttributeError, RuntimeError) as error:
        message = f"fromScratch.config builds no model for this task: {error}"
        raise TrainerError(Reason.BAD_MODEL, message) from error


def save_model(model: Any, task: Task, card: str, directory: Path) -> None:
    """Writes weights, configuration, encoder and card; the directory appears complete or not at all."""
    partial = directory.with_name(f".{directory.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    model.save_pretrained(partial)
    task.save(partial)
    finish_directory(partial, card, directory)


def finish_directory(partial: Path, card: str, directory: Path) -> None:
    """Adds the card to a written model and moves it to its name, replacing one of an earlier try."""
    (partial / "README.md").write_text(card, encoding="utf-8")
    shutil.rmtree(directory, ignore_errors=True)
    partial.replace(directory)


def device() -> torch.device:
    """The accelerator, or the processor where there is none."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
