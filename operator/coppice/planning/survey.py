"""The survey: every base model that the job can see, checked and estimated, with a count of who fell out and why.

A model that fails as a whole counts once, one that passes counts once per method; so the rejections, the fitting
candidates and their further twins add up to what was considered.

Models that checks, estimates and chances cannot tell apart are twins: one of them is looked at for all. Of so many
twins the first by name stand for the others, which are counted: no ladder holds more than MAX_RUNGS of them and no
record shows more than MAX_CANDIDATES, and equal ones come by name. What the job tried, pinned or probed, and what
reports speak of, is never a twin.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from coppice.api.decision import MAX_CANDIDATES
from coppice.api.reasons import FitReason
from coppice.api.vocabulary import Method
from coppice.planning.candidate import Candidate, best_configuration, on_hardware, too_small
from coppice.planning.catalogue import Registered
from coppice.planning.domains import match
from coppice.planning.fit.ability import NO_PRICE
from coppice.planning.fit.checks import rejected_method, rejected_model
from coppice.planning.fit.rejection import Rejection
from coppice.planning.kinds import Kind
from coppice.planning.languages import share_known
from coppice.planning.remembered import estimated_before
from coppice.planning.request import Request

SUBSTITUTES = tuple(method for method in Method if method is not Method.FROM_SCRATCH)
MOST_TWINS = MAX_CANDIDATES
Outcome = Candidate | Rejection


@dataclass(frozen=True)
class Survey:
    """Fitting candidates, and per reason how many were rejected with the first one's sentence.

    `twins` counts fitting candidates that others stand for; `alike` names, by a model's key, what it is alike to.
    """

    candidates: tuple[Candidate, ...] = ()
    rejected: Counter[str] = field(default_factory=Counter)
    sentences: dict[str, str] = field(default_factory=dict)
    twins: int = 0
    alike: Mapping[str, Hashable] = field(default_factory=dict)

    @property
    def considered(self) -> int:
        return len(self.candidates) + self.twins + self.rejected.total()


def survey(request: Request, *, singled_out: frozenset[str] = frozenset()) -> Survey:
    """Every base model under the job's task, in the order of their names; `singled_out` are keys of no one's twins."""
    task, namespace, catalogue = request.spec.task, request.namespace, request.world.catalogue
    models = sorted(catalogue.visible(task, namespace), key=lambda model: model.key)
    looks = _Looks(request, singled_out | _mentioned(request))
    for model in models:
        looks.look(model)
    others = catalogue.count(namespace) - len(models)
    found = looks.survey()
    if others:
        found.rejected[FitReason.TASK_MISMATCH] += others
        sentence = f"{others} base models are not registered for {task}"
        found.sentences.setdefault(FitReason.TASK_MISMATCH, sentence)
    return found


def _mentioned(request: Request) -> frozenset[str]:
    """Base models that the job's own attempts or probes speak of."""
    tried = (one.base_model for one in request.tried)
    return frozenset(f"{one.kind}/{one.name}" for one in tried if one is not None) | frozenset(request.probed)


class _Looks:
    """One survey in the making: what was found out of each kind of model, and who is of it."""

    def __init__(self, request: Request, singled_out: frozenset[str]) -> None:
        self._request, self._singled_out = request, singled_out
        self._sized = request.resolved.max_parameters is not None
        self._found = Survey()
        self._verdicts: dict[Hashable, FitReason | None] = {}
        self._depths: dict[tuple[str, ...], int] = {}
        self._shares: dict[tuple[str, ...], float | None] = {}
        self._twins: dict[Hashable, list[Registered]] = {}
        self._outcomes: dict[tuple[Hashable, Method], Outcome] = {}
        self._known = estimated_before(request)

    def look(self, model: Registered) -> None:
        """Check one model as a whole; where it passes it joins its twins."""
        size = model.spec.architecture.parameters if self._sized else 0
        pinned = model.key in self._request.pins
        kind = (model.rules, size, pinned)
        if kind not in self._verdicts:
            rejection = rejected_model(model, self._request)
            self._verdicts[kind] = rejection.reason if rejection else None
        reason = self._verdicts[kind]
        if reason is None:
            self._twins.setdefault(self._alike(model), []).append(model)
            return
        if reason not in self._found.sentences:
            first = rejected_model(model, self._request)
            self._found.sentences[reason] = first.sentence if first else ""
        self._found.rejected[reason] += 1

    def survey(self) -> Survey:
        """What was found, once every model was looked at."""
        fitting: list[tuple[str, list[Candidate]]] = []
        alike: dict[str, Hashable] = {}
        further = 0
        for kind, twins in self._twins.items():
            candidates = list(self._fitting(kind, twins))
            shown = twins[:MOST_TWINS]
            further += len(candidates) * (len(twins) - len(shown))
            if not candidates:
                continue
            for model in shown:
                alike[model.key] = kind
                mine = [one if one.model is model else one.of_twin(model) for one in candidates]
                fitting.append((model.key, mine))
        fitting.sort(key=lambda pair: pair[0])
        ordered = tuple(candidate for _, mine in fitting for candidate in mine)
        return replace(self._found, candidates=ordered, twins=further, alike=alike)

    def _alike(self, model: Registered) -> Hashable:
        """What decides whether two models that pass are twins."""
        if model.key in self._singled_out:
            return model.key
        spec, asked = model.spec, self._request.spec
        domains, languages = tuple(spec.domains), tuple(spec.languages)
        if domains not in self._depths:
            self._depths[domains] = match(asked.domains, domains)
        if languages not in self._shares:
            self._shares[languages] = share_known(asked.languages, languages)
        return model.head, self._depths[domains], self._shares[languages]

    def _fitting(self, kind: Hashable, twins: list[Registered]) -> Iterable[Candidate]:
        """The candidates of the first twin; rejections count for all of them."""
        for outcome in self._outcomes_of(kind, twins[0]):
            if isinstance(outcome, Rejection):
                self._found.rejected[outcome.reason] += len(twins)
                self._found.sentences.setdefault(outcome.reason, outcome.sentence)
            else:
                yield outcome

    def _outcomes_of(self, kind: Hashable, model: Registered) -> list[Outcome]:
        """Every method on a model, found out once for all of the same figures; used as it is, of the same head."""
        alone = isinstance(kind, str)
        return [
            self._outcome(kind if alone else model.head if method is Method.AS_IS else model.figures, model, method)
            for method in SUBSTITUTES
        ]

    def _outcome(self, kind: Hashable, model: Registered, method: Method) -> Outcome:
        found = self._outcomes.get((kind, method)) or self._known.get((kind, method))
        if found is None:
            found = _outcome(self._request, model, method)
        self._outcomes[kind, method] = found
        if isinstance(found, Candidate) and isinstance(kind, Kind):
            self._known[kind, method] = found
        return found


def _outcome(request: Request, model: Registered, method: Method) -> Outcome:
    rejection = rejected_method(model, method, request)
    if rejection is not None:
        return rejection
    holding = on_hardware(request, model, method)
    if not holding:
        return Rejection(FitReason.MEMORY_TOO_SMALL, too_small(request, model, method))
    return best_configuration(request, holding) or Rejection(FitReason.FIGURES_MISSING, NO_PRICE)
