"""What base models are recorded to do on a job's very data, as they are: the only evaluation that says anything of it.

Figures on other data carry no signal about a model's use elsewhere, and are left to the static rank. What a user's own
container said of the model that it made decided that job alone: it stands with the model, marked, and is not read.
"""

from collections.abc import Iterable, Iterator

from coppice.api.basemodel import Evaluation
from coppice.api.trainingjob import TrainingJobSpec
from coppice.api.vocabulary import DIRECTIONS, Direction
from coppice.planning.catalogue import Registered
from coppice.planning.data import dataset_name

SELF_REPORTED = "(self-reported)"
"""Ends the source of a figure that nobody but the maker's own container has measured."""


def trusted(evaluations: Iterable[Evaluation]) -> Iterator[Evaluation]:
    """The evaluations that may speak beyond the job that made them."""
    return (one for one in evaluations if not one.source.endswith(SELF_REPORTED))


def recorded_evaluation(model: Registered, spec: TrainingJobSpec) -> Evaluation | None:
    """The first evaluation on the job's data, for its task, by its metric; None without one or without a target."""
    name = dataset_name(spec.dataset)
    wanted = (spec.task, spec.objective.metric, name)
    if spec.objective.target is None:
        return None
    found = (one for one in trusted(model.spec.evaluations) if (one.task, one.metric, one.dataset) == wanted)
    return next(found, None)


def reaches(evaluation: Evaluation, spec: TrainingJobSpec) -> bool:
    """Whether a recorded value is as good as the job's target. Raises ValueError without a target."""
    target = spec.objective.target
    if target is None:
        raise ValueError("a job without a target has nothing to reach")
    more = DIRECTIONS.get(evaluation.metric, spec.objective.direction or Direction.MAXIMIZE) is Direction.MAXIMIZE
    return evaluation.value >= target if more else evaluation.value <= target
