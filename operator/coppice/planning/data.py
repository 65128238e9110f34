"""What a decision asks of a dataset: its name, and whether two jobs learn from the same one."""

from coppice.api.dataset import Dataset
from coppice.api.trainingjob import TrainingJobSpec

MAX_NAME_LENGTH = 128


def dataset_name(dataset: Dataset) -> str:
    """Its digest, or its address where nobody gave one: what a recorded evaluation calls it."""
    return (dataset.digest or dataset.uri)[:MAX_NAME_LENGTH]


def same_data(one: TrainingJobSpec, other: TrainingJobSpec) -> bool:
    """Whether both are judged on the same task, metric and data, so that their qualities can be compared."""
    return (
        one.task == other.task
        and one.objective.metric == other.objective.metric
        and dataset_name(one.dataset) == dataset_name(other.dataset)
        and one.dataset.evaluation_uri == other.dataset.evaluation_uri
        and one.dataset.labels == other.dataset.labels
    )
