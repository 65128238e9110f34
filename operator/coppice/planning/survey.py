"""The survey: every base model that the job can see, checked and estimated, with a count of who fell out and why.

A model that fails as a whole counts once, one that passes counts once per method; so the rejections, the fitting
candidates and their further twins add up to what was considered. Of each reason the sentence is that of the first
model by name.

Models that checks, estimates and chances cannot tell apart are twins: one of them is looked at for all. Of so many
twins the first by name stand for the others, which are counted: no ladder holds more than MAX_RUNGS of them and no
record shows more than MAX_CANDIDATES, and equal ones come by name. What the job tried, pinned or probed, and what
reports speak of, is never a twin.

Of the candidates of twins, only those are drafted that the decision can need (see `sieve`); the others are counted.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from coppice.api.decision import MAX_CANDIDATES
from coppice.api.vocabulary import Method
from coppice.planning.candidate import Candidate
from coppice.planning.catalogue import Registered
from coppice.planning.draft import Draft
from coppice.planning.groups import Group, grouped
from coppice.planning.outcomes import Outcomes
from coppice.planning.passing import passing
from coppice.planning.rejections import Rejections
from coppice.planning.request import Request
from coppice.planning.sieving.sieve import Kept, Sieve

MOST_TWINS = MAX_CANDIDATES
FEWEST_OUTLINED = 16
"""Networks from which on outlines of all of them are cheaper than so many estimates."""


@dataclass(frozen=True)
class Twins:
    """Base models of one group, of which one stands for all; the drafts are those of any one of them.

    `others` are methods whose candidates nobody needs. The `chances` of the drafts and how likely the base models are
    `suited`, to the digits of a record, are there where the sieve told them.
    """

    group: Group
    drafts: tuple[Draft, ...]
    others: tuple[Method, ...] = ()
    chances: Sequence[float] = ()
    suited: float | None = None

    @property
    def first(self) -> Registered:
        """The first of them by key."""
        return self.group.first

    @cached_property
    def models(self) -> tuple[Registered, ...]:
        """The first of them in the order of their keys; `further` counts more."""
        return self.group.models(MOST_TWINS)

    @property
    def further(self) -> int:
        return max(self.group.count - MOST_TWINS, 0)


@dataclass(frozen=True)
class Survey:
    """Fitting candidates by twins, and per reason how many were rejected with the first one's sentence.

    `spared` counts candidates without a draft; `fits` are the groups of all base models that have any candidate.
    """

    groups: tuple[Twins, ...] = ()
    rejected: Counter[str] = field(default_factory=Counter)
    sentences: dict[str, str] = field(default_factory=dict)
    spared: int = 0
    fits: Sequence[Group] = ()

    @property
    def considered(self) -> int:
        return self.fitting + self.rejected.total()

    @cached_property
    def fitting(self) -> int:
        """How many candidates fit, with those of further twins."""
        return self.spared + sum(twins.group.count * len(twins.drafts) for twins in self.groups)

    @cached_property
    def candidates(self) -> tuple[Candidate, ...]:
        """The candidates one by one, without those of further twins, in the order of their models' keys."""
        each = [(model, twins.drafts) for twins in self.groups for model in twins.models]
        ordered = sorted(each, key=lambda pair: pair[0].key)
        return tuple(draft.candidate.of(model) for model, drafts in ordered for draft in drafts)


def survey(request: Request, *, singled_out: frozenset[str] = frozenset(), sieve: Sieve | None = None) -> Survey:
    """Every base model under the job's task; `singled_out` are keys of no one's twins.

    Every candidate is drafted unless a `sieve` says which of them the decision can need.
    """
    rejections = Rejections()
    named = _named(request, singled_out | _mentioned(request))
    groups = grouped(request, passing(request, named, rejections), named)
    used = sieve if sieve is not None and may_outline(request, groups) else None
    outcomes = Outcomes(request, groups, rejections, outline=used is not None)
    fitting = [group for group in groups if group.methods]
    kept = used.kept(outcomes, fitting) if used else [Kept(group.methods) for group in fitting]
    pairs = list(zip(fitting, kept, strict=True))
    found = [_twins(group, outcomes, some) for group, some in pairs if some.methods]
    return Survey(
        groups=tuple(sorted(found, key=lambda twins: twins.first.key)),
        rejected=rejections.counts,
        sentences=rejections.sentences(),
        spared=sum(group.count * (len(group.methods) - len(some.methods)) for group, some in pairs),
        fits=fitting,
    )


def may_outline(request: Request, groups: Sequence[Group]) -> bool:
    """Whether outlines pay: few models are laid out as fast. How a user's own container shards, they do not know."""
    return not request.own_fine_tuning and len({group.figures for group in groups}) >= FEWEST_OUTLINED


def _named(request: Request, keys: Iterable[str]) -> list[Registered]:
    """The models of these keys under the job's task."""
    found = (request.world.catalogue.named(key, request.namespace) for key in keys)
    return [model for model in found if model is not None and request.spec.task in model.spec.tasks]


def _mentioned(request: Request) -> frozenset[str]:
    """Base models that the job itself, its attempts or its probe speak of."""
    tried = (one.base_model for one in request.tried)
    keys = frozenset(f"{one.kind}/{one.name}" for one in tried if one is not None)
    return keys | frozenset(request.probed) | request.pins


def _twins(group: Group, outcomes: Outcomes, kept: Kept) -> Twins:
    return Twins(
        group,
        drafts=tuple([outcomes.draft(group, method) for method in kept.methods]),
        others=tuple([method for method in group.methods if method not in kept.methods]),
        chances=kept.chances,
        suited=kept.suited,
    )
