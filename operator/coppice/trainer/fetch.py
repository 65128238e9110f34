"""The init step: everything the trainer will read is brought to the work volume and verified first.

Weights are skipped where only a tokenizer is wanted. What this step itself used is left on the work volume, so that
the trainer can count it: a container cannot see another one's processes.
"""

import logging
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from coppice.api.result import Reason
from coppice.api.run import FileSource, Run, RunBaseModel
from coppice.api.vocabulary import AttemptKind
from coppice.trainer.faults import TrainerError
from coppice.trainer.fetch_usage import write_fetch_usage
from coppice.trainer.files import write_whole
from coppice.trainer.safety import check_content, check_name
from coppice.trainer.sources import Places, bring

WEIGHTS = (".safetensors", ".safetensors.index.json")

log = logging.getLogger("coppice.fetch")


def fetch(run: Run, work: Path, places: Places | None = None) -> None:
    """Brings base model, tokenizer and data; raises TrainerError at the first file that breaks a rule."""
    places = places or Places()
    started = time.time()
    if run.kind is AttemptKind.PROBE:
        _fetch_what_can_be(run, places)
    else:
        for model, skip_weights in _models(run):
            _fetch_model(model, run, places, skip_weights=skip_weights)
    sources = tuple(_data(run))
    if len({source.name for source in sources}) < len(sources):
        raise TrainerError(Reason.INVALID_RUN, "training and evaluation data need different file names")
    for source in sources:
        _check_data_name(source.name)
        log.info("data %s from %s", source.name, source.uri)
        bring(source, Path(run.dataset.directory) / source.name, run.fetch, places)
    seconds = time.time() - started
    write_fetch_usage(work, started, seconds, sum(os.times()[:4]))
    log.info("all sources verified after %.1f s", seconds)


def _models(run: Run) -> Iterator[tuple[RunBaseModel, bool]]:
    if run.rung.base_model:
        yield run.rung.base_model, False
    elif run.from_scratch and run.from_scratch.tokenizer:
        yield run.from_scratch.tokenizer, True


def fault_file(model: RunBaseModel) -> Path:
    """Where it stands why a probe's base model could not be brought."""
    directory = Path(model.directory)
    return directory.with_name(f".{directory.name}.fault")


def _fetch_what_can_be(run: Run, places: Places) -> None:
    """A probe goes on without a base model that cannot be brought; raises the last one's error where none can."""
    faults: list[TrainerError] = []
    for model in (rung.base_model for rung in run.rungs if rung.base_model):
        try:
            _fetch_model(model, run, places, skip_weights=False)
        except TrainerError as error:
            log.warning("%s %s is left out: %s", model.kind.value, model.name, error.message)
            shutil.rmtree(model.directory, ignore_errors=True)
            write_whole(fault_file(model), f"{error.reason.value}: {error.message}")
            faults.append(error)
    if len(faults) == len(run.rungs):
        raise faults[-1]


def _data(run: Run) -> Iterator[FileSource]:
    yield run.dataset.train
    if run.dataset.evaluation and run.kind is not AttemptKind.PROBE:
        yield run.dataset.evaluation


def _fetch_model(model: RunBaseModel, run: Run, places: Places, *, skip_weights: bool) -> None:
    wanted = [source for source in model.files if not (skip_weights and source.name.endswith(WEIGHTS))]
    for source in wanted:
        check_name(source.name)
        if source.digest is None:
            message = f"{model.kind.value} {model.name}: {source.name} has no digest; add it to source.files"
            raise TrainerError(Reason.DIGEST_MISMATCH, message)
    log.info("%s %s: %d files", model.kind.value, model.name, len(wanted))
    for source in wanted:
        destination = Path(model.directory) / source.name
        bring(source, destination, run.fetch, places)
        try:
            check_content(destination, source.name)
        except TrainerError:
            destination.unlink()
            raise


def _check_data_name(name: str) -> None:
    if "/" in name or name.startswith(".") or "\\" in name or "\0" in name:
        raise TrainerError(Reason.UNSAFE_PATH, f"{name!r} is no plain file name")
