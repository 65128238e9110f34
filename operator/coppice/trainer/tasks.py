"""The tasks this trainer knows. A task is one class that turns examples into batches and loads its kind of model.

Adding one: write the class beside text.py and image.py, name it in TASKS, and give it a row in the tests' tables.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from coppice.api.result import Reason
from coppice.api.run import Run
from coppice.api.trainer_spec import Hyperparameters
from coppice.trainer.faults import TrainerError


class Task(Protocol):
    """What the methods need from a task; `encoder` below is its tokenizer or image processor."""

    role: str
    """The column that holds the input."""

    @property
    def auto_model(self) -> Any:
        """The transformers Auto class with this task's head."""

    def load(self, directory: Path, config: Any) -> None:
        """Takes the encoder from a directory, or makes one that suits the model's configuration."""

    def fit(self, inputs: Any) -> None:
        """Learns what encoding needs to know of the training data, such as the range of pixels."""

    def encode(self, inputs: Any) -> list[dict[str, Any]]:
        """One mapping of arrays per example."""

    def collate(self, items: list[dict[str, Any]]) -> dict[str, Any]:
        """A batch of tensors, with `labels` where the items have one."""

    def tokens(self, batch: dict[str, Any], config: Any) -> int:
        """Tokens or patches in a batch, padding included; 0 for networks that have none."""

    def save(self, directory: Path) -> None:
        """Writes the encoder beside the model."""


def task_of(run: Run) -> Task:
    """The task of a run; raises TrainerError Unsupported for one that is not known."""
    from coppice.trainer.image import ImageClassification  # noqa: PLC0415 (each task brings heavy libraries)
    from coppice.trainer.text import TextClassification  # noqa: PLC0415 (each task brings heavy libraries)

    tasks: dict[str, Callable[[Hyperparameters], Task]] = {
        "text-classification": TextClassification,
        "image-classification": ImageClassification,
    }
    if run.task not in tasks:
        known = " and ".join(tasks)
        message = f"the built-in trainer knows {known}, not {run.task}: use trainer.container or trainer.template"
        raise TrainerError(Reason.UNSUPPORTED, message)
    return tasks[run.task](run.rung.hyperparameters)
