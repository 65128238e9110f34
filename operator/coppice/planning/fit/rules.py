"""Checks of rules: licences of the whole chain, and what policies allow."""

from coppice.api.reasons import FitReason
from coppice.api.vocabulary import Method
from coppice.planning.catalogue import Registered
from coppice.planning.fit.rejection import Rejection
from coppice.planning.licenses import judge_data
from coppice.planning.obligations import chain_verdict
from coppice.planning.request import Request


def scope_is_allowed(model: Registered, request: Request) -> Rejection | None:
    """Whether namespaced or cluster base models may be used."""
    scopes = request.resolved.base_model_scopes
    if scopes is None or model.reference.kind in scopes:
        return None
    by = request.resolved.because("baseModelScopes")
    return Rejection(FitReason.SCOPE_DENIED, f"{by} does not allow a {model.reference.kind}: {model.reference.name}")


def size_is_allowed(model: Registered, request: Request) -> Rejection | None:
    """The largest size that a policy allows, in parameters."""
    most, size = request.resolved.max_parameters, model.spec.architecture.parameters
    if most is None or size <= most:
        return None
    by = request.resolved.because("maxParameters")
    return Rejection(FitReason.TOO_LARGE, f"{model.reference.name} has {size} parameters; {by} allows {most}")


def licenses_allow_the_use(model: Registered, request: Request) -> Rejection | None:
    """The model's licence and, where it was derived, that of its base model."""
    verdict = chain_verdict(model.spec, request.resolved.use)
    if not verdict.refusal:
        return None
    return Rejection(FitReason.LICENSE_DENIED, f"{model.reference.name}: {verdict.refusal}")


def data_licenses_allow_the_use(model: Registered, request: Request) -> Rejection | None:
    """The data that a derived model was trained on, where its licence is stated."""
    lineage = model.spec.lineage
    verdict = judge_data(lineage.dataset_license, request.resolved.use) if lineage and lineage.dataset_license else None
    if verdict is None or not verdict.refusal:
        return None
    return Rejection(FitReason.DATASET_LICENSE_DENIED, f"data of {model.reference.name}: {verdict.refusal}")


def method_is_allowed(model: Registered, method: Method, request: Request) -> Rejection | None:
    """What the job and every policy allow."""
    if request.methods is not None and method not in request.methods:
        return Rejection(FitReason.METHOD_NOT_ALLOWED, f"{method} is not among substitution.methods of the job")
    allowed = request.resolved.methods
    if allowed is not None and method not in allowed:
        by = request.resolved.because("methods")
        return Rejection(FitReason.METHOD_NOT_ALLOWED, f"{by} does not allow {method} (on {model.reference.name})")
    return None
