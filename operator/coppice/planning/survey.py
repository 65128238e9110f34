"""The survey: every base model that the job can see, checked and estimated, with a count of who fell out and why.

A model that fails as a whole counts once, one that passes counts once per method; so the rejections and the fitting
candidates add up to what was considered.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from coppice.api.reasons import FitReason
from coppice.api.vocabulary import Method
from coppice.planning.candidate import Candidate, best_configuration, on_hardware, too_small
from coppice.planning.catalogue import Registered
from coppice.planning.fit.checks import rejected_method, rejected_model
from coppice.planning.fit.rejection import Rejection
from coppice.planning.request import Request

SUBSTITUTES = tuple(method for method in Method if method is not Method.FROM_SCRATCH)


@dataclass(frozen=True)
class Survey:
    """Fitting candidates, and per reason how many were rejected with the first one's sentence."""

    candidates: tuple[Candidate, ...] = ()
    rejected: Counter[str] = field(default_factory=Counter)
    sentences: dict[str, str] = field(default_factory=dict)

    @property
    def considered(self) -> int:
        return len(self.candidates) + self.rejected.total()


def survey(request: Request) -> Survey:
    """Every base model under the job's task, looked at in the order of their names."""
    task, namespace, catalogue = request.spec.task, request.namespace, request.world.catalogue
    models = sorted(catalogue.visible(task, namespace), key=lambda model: model.key)
    found = Survey()
    fitting = [candidate for model in models for candidate in _fitting(request, model, found)]
    others = catalogue.count(namespace) - len(models)
    if others:
        _note(found, Rejection(FitReason.TASK_MISMATCH, f"{others} base models are not registered for {task}"), others)
    return Survey(tuple(fitting), found.rejected, found.sentences)


def _fitting(request: Request, model: Registered, found: Survey) -> Iterator[Candidate]:
    rejection = rejected_model(model, request)
    if rejection is not None:
        _note(found, rejection)
        return
    for method in SUBSTITUTES:
        outcome = _candidate(request, model, method)
        if isinstance(outcome, Rejection):
            _note(found, outcome)
        else:
            yield outcome


def _candidate(request: Request, model: Registered, method: Method) -> Candidate | Rejection:
    rejection = rejected_method(model, method, request)
    if rejection is not None:
        return rejection
    best = best_configuration(request, on_hardware(request, model, method))
    if best is None:
        return Rejection(FitReason.MEMORY_TOO_SMALL, too_small(request, model, method))
    return best


def _note(found: Survey, rejection: Rejection, count: int = 1) -> None:
    found.rejected[rejection.reason] += count
    found.sentences.setdefault(rejection.reason, rejection.sentence)
