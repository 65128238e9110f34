"""The evaluation process: the saved model, the evaluation data, once.

It loads the model from its files, as anybody would, so that what is judged is what was saved; it writes nothing but its
report. The supervising process compares the files' digests before and after.
"""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import torch

from coppice.api.base import rounded
from coppice.api.result import Reason
from coppice.api.run import EXIT_DONE, Run
from coppice.trainer.as_is import number_labels
from coppice.trainer.examples import evaluation_examples
from coppice.trainer.faults import exit_code_of, fault_of
from coppice.trainer.libraries import prepare_libraries
from coppice.trainer.models import device, load_model
from coppice.trainer.quality import measure
from coppice.trainer.report import Report
from coppice.trainer.tasks import Task, task_of

BATCH = 64

log = logging.getLogger("coppice.evaluate")


def evaluate_process(run: Run, report: Path) -> int:
    """Evaluates the saved model, reports to a file, and returns the exit code."""
    prepare_libraries(run.seed)
    try:
        _evaluate(run).write(report)
    except Exception as error:
        fault = fault_of(error)
        if fault.reason is Reason.INTERNAL:
            log.exception("unexpected error")
        Report(fault=fault).write(report)
        return exit_code_of(fault)
    return EXIT_DONE


def _evaluate(run: Run) -> Report:
    directory, task = Path(run.model_directory), task_of(run)
    model = load_model(directory, task).eval().to(device())
    task.load(directory, model.config)
    examples = evaluation_examples(run.dataset, task.role, run.seed)
    known = [str(model.config.id2label[number]) for number in range(model.config.num_labels)]
    numbers = number_labels(known, examples.classes())
    labels = np.asarray([numbers[label] for label in examples.labels])
    log.info("evaluating on %d examples", len(labels))
    found = measure(run.objective.metric, logits_of(model, task, examples.inputs), labels, run.seed)
    return Report(quality=rounded(found.value), n=found.n, standard_error=rounded(found.standard_error, 2))


def logits_of(model: Any, task: Task, inputs: Any) -> Any:
    """Predictions (n x classes) in the order of the inputs, computed in batches of similar length."""
    items = task.encode(inputs)
    order = sorted(range(len(items)), key=lambda row: len(items[row].get("input_ids", ())))
    result: list[Any] = [None] * len(items)
    for start in range(0, len(order), BATCH):
        rows = order[start : start + BATCH]
        batch = {key: value.to(model.device) for key, value in task.collate([items[row] for row in rows]).items()}
        with torch.inference_mode():
            logits = model(**batch).logits.float().cpu().numpy()
        for row, value in zip(rows, logits, strict=True):
            result[row] = value
    return np.stack(result)
