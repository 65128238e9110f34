"""What a decision asks of a dataset: its name, and whether two jobs learn from the same one."""

from coppice.api.dataset import Dataset
from coppice.api.trainingjob import TrainingJobSpec
from coppice.api.vocabulary import Metric

MAX_NAME_LENGTH = 128
DataKey = tuple[Metric, str, str | None, int | None]
"""Metric, data, held-out data and classes."""


def dataset_name(dataset: Dataset) -> str:
    """Its digest, or its address where nobody gave one: what a recorded evaluation calls it."""
    return (dataset.digest or dataset.uri)[:MAX_NAME_LENGTH]


def data_key(spec: TrainingJobSpec) -> DataKey:
    """What must be equal, beside the task, for the qualities of two jobs to be comparable."""
    data = spec.dataset
    return spec.objective.metric, dataset_name(data), data.evaluation_uri, data.labels
