"""Checks of trust: only pinned, declared and safe weights from places that a policy allows."""

from urllib.parse import urlsplit

from coppice.api.reasons import FitReason
from coppice.planning.catalogue import Registered
from coppice.planning.fit.rejection import Rejection
from coppice.planning.hosts import covers
from coppice.planning.request import Request


def no_remote_code(model: Registered, request: Request) -> Rejection | None:
    """Code that comes with weights is never run."""
    del request
    if model.spec.architecture.trust_remote_code:
        return Rejection(FitReason.REMOTE_CODE, f"{model.reference.name} needs code of its own, which is never run")
    return None


def every_file_has_a_digest(model: Registered, request: Request) -> Rejection | None:
    """What is not pinned can change under a decision."""
    del request
    missing = [file.name for file in model.spec.source.files if file.digest is None]
    if missing:
        return Rejection(FitReason.DIGEST_MISSING, f"{model.reference.name}: {missing[0]} has no digest; record it")
    return None


def weights_are_safetensors(model: Registered, request: Request) -> Rejection | None:
    """Pickled weights can run code."""
    del request
    if any(file.name.endswith(".safetensors") for file in model.spec.source.files):
        return None
    return Rejection(FitReason.NOT_SAFETENSORS, f"{model.reference.name} lists no .safetensors file; convert it")


def is_ready(model: Registered, request: Request) -> Rejection | None:
    """Its Ready condition, whatever the reason."""
    del request
    if model.ready:
        return None
    return Rejection(FitReason.NOT_READY, f"{model.reference.name} is not Ready ({model.reason or 'not checked yet'})")


def host_is_allowed(model: Registered, request: Request) -> Rejection | None:
    """https sources need a host that every policy lists; `*.example.org` covers its subdomains."""
    address = urlsplit(model.spec.source.uri)
    host = address.hostname or ""
    if address.scheme != "https" or any(covers(pattern, host) for pattern in request.resolved.hosts):
        return None
    sentence = f"{model.reference.name} comes from {host}, which no policy lists under sources.hosts"
    return Rejection(FitReason.SOURCE_DENIED, sentence)
