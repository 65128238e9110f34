"""AsIs: the base model with the head it has. Nothing is trained; its files are copied and then evaluated."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from transformers import AutoConfig

from coppice.api.result import Reason, Stopped
from coppice.trainer.card import model_card
from coppice.trainer.faults import TrainerError
from coppice.trainer.models import base_directory, finish_directory
from coppice.trainer.workbench import Workbench


def use_as_is(bench: Workbench) -> None:
    """Copies the base model byte for byte; raises TrainerError UnknownLabel when its head lacks one of the labels."""
    base = base_directory(bench.run)
    config = AutoConfig.from_pretrained(base, local_files_only=True, trust_remote_code=False)
    known = [str(label) for _, label in sorted(config.id2label.items(), key=lambda pair: int(pair[0]))]
    number_labels(known, bench.labels)
    _copy(base, bench.output / "model", model_card(bench.run, tuple(known), None))
    bench.progress.set(stopped=Stopped.NOT_TRAINED, labels=tuple(known))


def number_labels(known: Sequence[str], wanted: Sequence[str]) -> dict[str, int]:
    """The class number of every wanted label: by name in any case, or by number where the head has no names.

    Raises TrainerError UnknownLabel for one that the head does not have.
    """
    names = {name: number for number, name in enumerate(known)}
    folded = {name.casefold(): number for name, number in names.items()}
    nameless = all(name == f"LABEL_{number}" for name, number in names.items())
    numbers = {str(number): number for number in range(len(known))} if nameless else {}
    found = {}
    for label in wanted:
        number = names.get(label, folded.get(label.casefold(), numbers.get(label)))
        if number is None:
            message = f"the model's head does not know {label!r}; it knows {', '.join(known[:20])}"
            raise TrainerError(Reason.UNKNOWN_LABEL, message)
        found[label] = number
    return found


def _copy(base: Path, directory: Path, card: str) -> None:
    partial = directory.with_name(f".{directory.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(base, partial, symlinks=False)
    finish_directory(partial, card, directory)
