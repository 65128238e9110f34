"""What was estimated a moment ago for the same question: jobs come in bursts, and a job is decided again and again.

A question is everything that an estimate reads beside the model: the whole spec, what is in force, what the limits
leave, profiles, grid, and what finished jobs taught. Nothing is guessed from a similar one, so a decision is the same
with and without. Only candidates are kept; why something does not fit names a model and is found out anew.
"""

from collections import OrderedDict
from collections.abc import Hashable

from coppice.api.vocabulary import Method
from coppice.planning.candidate import Candidate
from coppice.planning.request import Request

Candidates = dict[tuple[Hashable, Method], Candidate]

MOST_QUESTIONS = 8
_QUESTIONS: OrderedDict[Hashable, tuple[Candidates, object]] = OrderedDict()
"""The newest last, each with the objects that its key names by identity."""


def estimated_before(request: Request) -> Candidates:
    """Candidates of earlier decisions that asked the same, by the kind of their models and method."""
    world = request.world
    named = (*world.profiles, world.experience)
    key = (
        request.namespace,
        request.spec.model_dump_json(),
        str(request.resolved.wire()),
        request.remaining,
        tuple(map(id, named)),
        tuple(str(world.intensity_of(profile).grams_per_kilowatt_hour) for profile in world.profiles),
        tuple(str(world.pue_of(profile)) for profile in world.profiles),
    )
    if key not in _QUESTIONS:
        _QUESTIONS[key] = {}, named
    _QUESTIONS.move_to_end(key)
    while len(_QUESTIONS) > MOST_QUESTIONS:
        _QUESTIONS.popitem(last=False)
    return _QUESTIONS[key][0]
