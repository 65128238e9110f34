"""The training process: reads the training data, never the evaluation data, and leaves a model."""

import logging
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import torch

from coppice.api.result import Reason
from coppice.api.run import EXIT_DONE, EXIT_RESUME, Run
from coppice.api.vocabulary import Method
from coppice.trainer.examples import split, training_examples
from coppice.trainer.faults import TrainerError, exit_code_of, fault_of
from coppice.trainer.libraries import prepare_libraries
from coppice.trainer.tasks import task_of
from coppice.trainer.workbench import Progress, StopRequestedError, Workbench

VALIDATION_FRACTION = 0.1
EVALUATION_SHARE = 0.1
"""Part of the run seconds that is kept for saving and evaluation, at most two minutes."""
EVALUATION_SECONDS = 120.0

log = logging.getLogger("coppice.train")


def train_process(run: Run, report: Path, seconds_left: int | None) -> int:
    """Trains, reports to a file, and returns the exit code: 0 with a model, 75 with a checkpoint."""

    def train(progress: Progress, stop: threading.Event) -> None:
        method = method_of(run.rung.method)
        method(workbench(run, progress, stop, deadline_of(seconds_left)))

    return reporting_process(run, report, train)


def reporting_process(run: Run, report: Path, work: Callable[[Progress, threading.Event], None]) -> int:
    """Does the work of a process that can be stopped and says how it stands: its exit code is 0, 75 or a fault's."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    prepare_libraries(run.seed)
    progress = Progress(report)
    try:
        work(progress, stop)
    except StopRequestedError:
        progress.flush(now=True)
        return EXIT_RESUME
    except Exception as error:
        fault = fault_of(error)
        if fault.reason is Reason.INTERNAL:
            log.exception("unexpected error")
        progress.set(fault=fault)
        progress.flush(now=True)
        return exit_code_of(fault)
    if torch.cuda.is_available():
        progress.set(peak_accelerator_memory_bytes=torch.cuda.max_memory_allocated())
    progress.flush(now=True)
    return EXIT_DONE


def method_of(method: Method) -> Callable[[Workbench], None]:
    """What trains by a method; each imports its own libraries, which takes seconds of processor time.

    Raises TrainerError Unsupported for a method that this trainer has not.
    """
    if method is Method.AS_IS:
        from coppice.trainer.as_is import use_as_is  # noqa: PLC0415

        return use_as_is
    if method is Method.LINEAR_PROBE:
        from coppice.trainer.probe import train_probe  # noqa: PLC0415

        return train_probe
    if method in {Method.LORA, Method.FULL_FINE_TUNE, Method.FROM_SCRATCH}:
        from coppice.trainer.finetune import fine_tune  # noqa: PLC0415

        return fine_tune
    message = f"the built-in trainer has no method {method.value}: choose LoRA or FullFineTune"
    raise TrainerError(Reason.UNSUPPORTED, message)


def workbench(run: Run, progress: Progress, stop: threading.Event, deadline: float | None) -> Workbench:
    """Training and validation part of the run's data, read and split."""
    task = task_of(run)
    examples = training_examples(run.dataset, task.role, run.seed)
    labels = examples.classes()
    if len(labels) < 2:
        message = f"the training data has {len(labels)} class: classification needs two or more"
        raise TrainerError(Reason.BAD_DATA, message)
    fraction = float(run.rung.hyperparameters.validation_fraction or VALIDATION_FRACTION)
    train, validation = split(examples, fraction, run.seed)
    log.info("%d examples to learn from, %d to validate, %d classes", len(train), len(validation), len(labels))
    progress.set(labels=labels)
    return Workbench(run, task, labels, train, validation, progress, stop, deadline)


def deadline_of(seconds_left: int | None) -> float | None:
    """When to end on the monotonic clock, so that what comes after still fits; None without a limit."""
    if seconds_left is None:
        return None
    return time.monotonic() + seconds_left - min(EVALUATION_SECONDS, seconds_left * EVALUATION_SHARE)
