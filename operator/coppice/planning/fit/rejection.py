"""Why something does not fit, for programs and for people."""

from collections.abc import Callable
from dataclasses import dataclass

from coppice.api.reasons import FitReason
from coppice.api.vocabulary import Method
from coppice.planning.catalogue import Registered
from coppice.planning.request import Request


@dataclass(frozen=True)
class Rejection:
    """A reason and the sentence that says what, which object and, where there is something, what to do."""

    reason: FitReason
    sentence: str


ModelCheck = Callable[[Registered, Request], Rejection | None]
MethodCheck = Callable[[Registered, Method, Request], Rejection | None]
