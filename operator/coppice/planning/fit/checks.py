"""The checks in order: cheap and telling ones first, because a rejected candidate carries the first reason only."""

from coppice.api.vocabulary import Method
from coppice.planning.catalogue import Registered
from coppice.planning.fit import ability, relevance, rules, trust
from coppice.planning.fit.rejection import MethodCheck, ModelCheck, Rejection
from coppice.planning.request import Request

MODEL_CHECKS: tuple[ModelCheck, ...] = (
    rules.scope_is_allowed,
    trust.no_remote_code,
    trust.every_file_has_a_digest,
    trust.weights_are_safetensors,
    trust.is_ready,
    relevance.reads_the_data,
    relevance.knows_a_language,
    relevance.domain_is_not_excluded,
    rules.licenses_allow_the_use,
    rules.data_licenses_allow_the_use,
    trust.host_is_allowed,
)
"""Of a base model as a whole, between whether it is pinned and its size. That it serves the task is known from the
catalogue's index."""

METHOD_CHECKS: tuple[MethodCheck, ...] = (
    rules.method_is_allowed,
    ability.trainer_has_the_method,
    ability.model_has_the_method,
)
"""Of a base model with one method."""

HEAD_CHECKS: tuple[MethodCheck, ...] = (ability.head_answers_the_task, ability.has_not_missed_as_it_is)
"""After these, of a base model as it is."""

FIGURES_CHECKS: tuple[MethodCheck, ...] = (
    ability.figures_are_known,
    ability.price_is_known,
    ability.a_profile_is_allowed,
)
"""At last, of what an estimate needs. That it fits into memory is known once it is estimated."""


def rejected_model(model: Registered, request: Request) -> Rejection | None:
    """The first reason against a base model, whatever its name and size."""
    for check in MODEL_CHECKS:
        found = check(model, request)
        if found is not None:
            return found
    return None


def rejected_method(
    checks: tuple[MethodCheck, ...], model: Registered, method: Method, request: Request
) -> Rejection | None:
    """The first reason of some checks against a method on a base model that itself fits."""
    for check in checks:
        found = check(model, method, request)
        if found is not None:
            return found
    return None
