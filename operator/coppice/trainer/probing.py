"""Probe: several frozen base models looked at on a sample, before anybody decides which of them to use.

Each is loaded once and run forward over the sample, and what its features are good for is told in two ways: by a linear
layer, as LinearProbe would learn it, and by the nearest neighbours in feature space, which learn nothing. The sample
comes from the training file alone: it is learnt from examples of the training part and judged on examples of the
validation part, on which the layer's strength is chosen too (one of four, which flatters a little, all models alike).
A base model that cannot be loaded is told of and does not lose the others.
"""

import gc
import logging
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.neighbors import KNeighborsClassifier

from coppice.api.base import rounded
from coppice.api.meta import BaseModelReference
from coppice.api.result import Reason, Stopped
from coppice.api.run import Run, RunProbe
from coppice.api.trainingjob_status import ProbedModel
from coppice.trainer.faults import TrainerError, fault_of
from coppice.trainer.features import Features, sample_features
from coppice.trainer.fetch import fault_file
from coppice.trainer.probe import fit_layer, frozen_model
from coppice.trainer.quality import measure
from coppice.trainer.tasks import task_of
from coppice.trainer.training import deadline_of, reporting_process, workbench
from coppice.trainer.workbench import Progress, StopRequestedError, Workbench

NEIGHBOURS = 10
MOST_MESSAGE = 256

log = logging.getLogger("coppice.probe")

Array = np.ndarray[Any, Any]


def probe_process(run: Run, report: Path, seconds_left: int | None) -> int:
    """Looks at every base model of the run, reports to a file, and returns the exit code: 0, 75 or a fault's."""

    def look(progress: Progress, stop: threading.Event) -> None:
        if run.probe is None:
            raise TrainerError(Reason.INVALID_RUN, "kind Probe needs probe: the size of its sample")
        bench = workbench(run, progress, stop, deadline_of(seconds_left))
        seen: list[ProbedModel] = []
        for rung in run.rungs:
            alone = run.alone(rung)
            seen.append(_looked_at(replace(bench, run=alone, task=task_of(alone)), run.probe))
            progress.set(probed=tuple(seen), stopped=Stopped.NOT_TRAINED)
            progress.flush(now=True)

    return reporting_process(run, report, look)


def _looked_at(bench: Workbench, sample: RunProbe) -> ProbedModel:
    model = bench.run.rung.base_model
    assert model is not None
    reference = BaseModelReference(kind=model.kind, name=model.name)
    try:
        return _seen(bench, sample, reference)
    except StopRequestedError:
        raise
    except Exception as error:
        fault = fault_of(error)
        if fault.reason is Reason.INTERNAL:
            log.exception("unexpected error with %s", model.name)
        message = f"{fault.reason.value}: {fault.message}"
        log.warning("%s is left out: %s", model.name, message)
        return ProbedModel(base_model=reference, message=message[:MOST_MESSAGE])
    finally:
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def _seen(bench: Workbench, sample: RunProbe, reference: BaseModelReference) -> ProbedModel:
    model = bench.run.rung.base_model
    assert model is not None
    fault = fault_file(model)
    if fault.exists():
        return ProbedModel(base_model=reference, message=fault.read_text(encoding="utf-8")[:MOST_MESSAGE])
    network, head, pooling = frozen_model(bench)
    features = sample_features(bench, network, head, pooling, sample.examples, sample.held_out)
    _, _, linear = fit_layer(bench, features)
    neighbours = neighbour_quality(bench, features)
    log.info("%s: linear %.4f, neighbours %.4f", model.name, linear, neighbours)
    return ProbedModel(
        base_model=reference,
        linear_quality=rounded(linear),
        neighbour_quality=rounded(neighbours),
        examples=len(features.validation),
        sample=len(features.train),
    )


def neighbour_quality(bench: Workbench, features: Features) -> float:
    """The objective's metric of a vote among the nearest examples by cosine, the nearer the weightier."""
    count = min(NEIGHBOURS, len(features.train))
    nearest = KNeighborsClassifier(n_neighbors=count, metric="cosine", weights="distance")
    nearest.fit(features.train, features.train_labels)
    votes: Array = np.zeros((len(features.validation), len(bench.labels)))
    votes[:, nearest.classes_] = nearest.predict_proba(features.validation)
    logits = np.log(votes + 1 / (2 * NEIGHBOURS))
    return measure(bench.run.objective.metric, logits, features.validation_labels, bench.run.seed).value
