"""Checks of relevance: the base model reads the job's kind of data, knows its language, and was not ruled out."""

from coppice.api.reasons import FitReason
from coppice.planning.catalogue import Registered
from coppice.planning.domains import within
from coppice.planning.fit.rejection import Rejection
from coppice.planning.languages import share_known
from coppice.planning.request import Request
from coppice.planning.tasks import TASKS


def is_pinned_if_the_job_pins(model: Registered, request: Request) -> Rejection | None:
    """`substitution.baseModels` names all that may be used."""
    if not request.pins or model.key in request.pins:
        return None
    return Rejection(FitReason.NOT_PINNED, f"{model.reference.name} is not among substitution.baseModels of the job")


def reads_the_data(model: Registered, request: Request) -> Rejection | None:
    """The task's kind of data; a task that nobody knows is not checked."""
    task = TASKS.get(request.spec.task)
    if task is None or model.spec.modality in task.modalities:
        return None
    sentence = f"{model.reference.name} reads {model.spec.modality}, which {request.spec.task} does not"
    return Rejection(FitReason.MODALITY_MISMATCH, sentence)


def knows_a_language(model: Registered, request: Request) -> Rejection | None:
    """At least one of the job's languages; a model that states none is not rejected, only less likely to serve."""
    if share_known(request.spec.languages, model.spec.languages) != 0.0:
        return None
    sentence = f"{model.reference.name} knows none of {', '.join(request.spec.languages)}"
    return Rejection(FitReason.LANGUAGE_MISMATCH, sentence)


def domain_is_not_excluded(model: Registered, request: Request) -> Rejection | None:
    """The model's own word about what it must not be used for, and everything below it."""
    for domain in request.spec.domains:
        for excluded in model.spec.excluded_domains:
            if within(domain, excluded):
                sentence = f"{model.reference.name} must not be used for {excluded}"
                return Rejection(FitReason.DOMAIN_EXCLUDED, sentence)
    return None
