"""The chance that a candidate meets the objective: a prior from what is known before, moved by what reports observed.

Prior, in log-odds, from features that are known to carry signal (size, domain, language, the method) and from how
hard the target is; self-reported accuracies on other data carry none and are left out. The weights are judgement,
not a fit: they rank candidates, and every observation counts against them.

    logit p = BASE + 0.5 (log10 N - 8) + 0.25 domain depth + language + method + data + difficulty
              (with a probe of the base model: its log likelihood ratio in place of data and difficulty;
              as it is, the head counts too, and an evaluation on this very data most)
    value   = (4 p + weighted successes) / (4 + weighted observations)        beta-binomial, prior worth 4 jobs

N counts parameters without embeddings. From scratch neither size nor domain helps, and many examples weigh twice. Few
examples weigh more the more of a network is trained on them (FEW_EXAMPLES), as this project's trials show: with 25
texts of a class a probe met its target where adapters, full fine-tuning and scratch all missed by far.

How these chances stood up to what came out is said with every decision and changes none (`learning.score`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import log

from coppice.api.base import rounded
from coppice.api.decision import ChanceRecord
from coppice.api.trainingjob import TrainingJobSpec
from coppice.api.trainingjob_status import ProbedModel
from coppice.api.vocabulary import Method, Metric
from coppice.planning.candidate import Candidate
from coppice.planning.catalogue import Registered
from coppice.planning.column import Figures, clipped, exp, log10
from coppice.planning.domains import match
from coppice.planning.evidence import OTHER_RUNG, Observed, RungKey
from coppice.planning.languages import share_known
from coppice.planning.likelihood import RATIOS, probe_logits
from coppice.planning.network import Network
from coppice.planning.recorded import recorded_evaluation
from coppice.planning.request import Request

BASE, SCRATCH_BASE = 1.2, -0.6
SIZE_WEIGHT, DOMAIN_WEIGHT, DATA_WEIGHT, DIFFICULTY_WEIGHT = 0.5, 0.25, 0.5, 0.5
METHOD_LOGITS = {
    Method.AS_IS: -1.5,
    Method.LINEAR_PROBE: -0.3,
    Method.LORA: 0.1,
    Method.QLORA: 0.0,
    Method.FULL_FINE_TUNE: 0.2,
    Method.FROM_SCRATCH: 0.0,
}
HEAD_UNNAMED = -2.5
"""As it is, where nobody said which classes the data has: as many classes are most likely other classes."""
LANGUAGE_UNKNOWN, LANGUAGE_MISSING = -0.3, -1.0
"""Where a model states no language, and per unit of the job's languages that it does not know."""
RECORDED_MET = 3.0
"""The model as it is, with an evaluation on this very data that met the target; one that missed it does not fit."""
TYPICAL_RATIO = 0.85
"""Target, as a share of the way from guessing to perfect, at which difficulty adds nothing."""
EXAMPLES_PER_LABEL = 100
PRIOR_STRENGTH = 4.0
LEAST, MOST = 0.01, 0.99
FEW_EXAMPLES = {
    Method.AS_IS: 0.0,
    Method.LINEAR_PROBE: 1.0,
    Method.LORA: 3.0,
    Method.QLORA: 3.0,
    Method.FULL_FINE_TUNE: 3.0,
    Method.FROM_SCRATCH: 5.0,
}
"""How much more than its share a lack of examples costs each method."""
HEAD_NAMED = 1.0
"""As it is, where the head's classes are the data's by name."""
NOTHING_OBSERVED = Observed()
NOT_PROBED: Mapping[str, ProbedModel] = {}


@dataclass(frozen=True)
class Chance:
    """Probability of meeting the objective: now, before any observation, and what it was made from."""

    value: float
    prior: float
    observed: Observed
    terms: Mapping[str, float]

    def record(self, suited: Decimal | None = None) -> ChanceRecord:
        """As it stands in the decision; `suited` is how likely the base model suits the job, None from scratch."""
        inputs: dict[str, Decimal | str] = {name: rounded(term, 3) for name, term in self.terms.items()}
        if self.observed.weight:
            inputs["evidenceMet"] = rounded(self.observed.successes, 3)
            inputs["evidenceWeight"] = rounded(self.observed.weight, 3)
        return ChanceRecord(
            value=rounded(self.value, 3),
            prior=rounded(self.prior, 3),
            observations=self.observed.own + self.observed.foreign,
            basis=_basis(self.observed),
            suited=suited,
            inputs=inputs,
        )


class Chances:
    """The chances of one decision's candidates: what the job alone says of a method is worked out once."""

    def __init__(
        self, request: Request, reports: Mapping[RungKey, Observed], probed: Mapping[str, ProbedModel] | None = None
    ) -> None:
        self._request, self._reports = request, reports
        self._probed = request.probed if probed is None else probed
        self._others = reports.get(OTHER_RUNG, NOTHING_OBSERVED)
        spec, labels = request.spec, request.spec.dataset.labels or 2
        self._difficulty = _difficulty(spec.objective.target, spec.objective.metric, labels)
        self._data = {method: _data(spec.dataset.examples, labels, method) for method in Method}
        self._of_method = {method: self._terms_of_method(method) for method in Method}
        self._logits_of_method = {method: tuple(terms.values()) for method, terms in self._of_method.items()}

    def of(
        self,
        method: Method,
        model: Registered | None,
        network: Network | None,
        depth: int = 0,
        share: float | None = None,
    ) -> Chance:
        """The chance of a method on a base model, or from scratch, by prior, probe and reports.

        `depth` of the domain and `share` of the languages that the job shares with the model.
        """
        if model is None:
            terms = {"base": SCRATCH_BASE, "data": self._data[method], "difficulty": self._difficulty}
        else:
            terms = self._of_model(_size(network), depth, self.language(model, share))
            terms |= self._of_method[method] | self.head(method, model)
        if model is not None and model.key in self._probed:
            terms = _probed(method, self._request.spec, self._probed[model.key], terms)
        observed, prior = self._observed(method, model), _prior(terms.values())
        return Chance(_posterior(prior, observed), prior, observed, terms)

    def values(
        self, methods: Sequence[Method], model: Registered, network: Network | None, depth: int, share: float | None
    ) -> list[float]:
        """The values alone of several methods' chances on a base model, equal to those of `of` to the last digit.

        Most chances are compared and never shown; so what the model says is worked out once, and no terms are named.
        """
        if model.key in self._probed:
            return [self.of(method, model, network, depth, share).value for method in methods]
        logits = tuple(self._of_model(_size(network), depth, self.language(model, share)).values())
        priors = [_prior(logits + self._logits(method, model)) for method in methods]
        if not self._reports:
            return priors
        return [_posterior(prior, self._observed(one, model)) for prior, one in zip(priors, methods, strict=True)]

    def of_many(self, method: Method, size: Figures, depth: Figures, language: Figures, head: Figures) -> Figures:
        """The chances of a method on base models of which neither probe nor reports speak, all at once.

        Of each the parameters in multiplications, the depth of the domain, and what language and head add.
        """
        terms = (*self._of_model(size, depth, language).values(), *self._logits_of_method[method], head)
        return _posterior(_prior(terms), self._others)

    def language(self, model: Registered, share: float | None) -> float:
        """What a model's languages add, of which it shares so much with the job."""
        return _language(self._request.spec, model, share)

    def head(self, method: Method, model: Registered) -> dict[str, float]:
        """What a model's head adds, which matters to its use as it is alone."""
        return _head(self._request.spec, model) if method is Method.AS_IS else {}

    def _observed(self, method: Method, model: Registered | None) -> Observed:
        """What reports say of the rung itself, else of the others."""
        if not self._reports:
            return self._others
        return self._reports.get((method, model.key if model else "")) or self._others

    def _logits(self, method: Method, model: Registered) -> tuple[float, ...]:
        """What a method adds to a base model's terms."""
        logits = self._logits_of_method[method]
        return logits + tuple(self.head(method, model).values()) if method is Method.AS_IS else logits

    def _of_model(self, size: float | None, depth: float, language: float) -> dict[str, float]:
        """The terms of a base model, whatever the method."""
        return {
            "base": BASE,
            "size": 0.0 if size is None else SIZE_WEIGHT * (log10(size) - 8),
            "domain": DOMAIN_WEIGHT * depth,
            "language": language,
        }

    def _terms_of_method(self, method: Method) -> dict[str, float]:
        """The terms of a method, whatever the base model, but for its head; they come after the model's."""
        return {"method": METHOD_LOGITS[method], "data": self._data[method], "difficulty": self._difficulty}


def chance(
    candidate: Candidate,
    request: Request,
    reports: Mapping[RungKey, Observed],
    probed: Mapping[str, ProbedModel] = NOT_PROBED,
) -> Chance:
    """The chance of one candidate, by prior, probe and reports; `probed` by the key of the base model."""
    spec, model = request.spec, candidate.model
    depth = match(spec.domains, model.spec.domains) if model else 0
    share = share_known(spec.languages, model.spec.languages) if model else None
    return Chances(request, reports, probed).of(candidate.method, model, candidate.network, depth, share)


def _head(spec: TrainingJobSpec, model: Registered) -> dict[str, float]:
    """What is known of the head that a model used as it is comes with."""
    if recorded_evaluation(model, spec):
        return {"recorded": RECORDED_MET}
    if spec.dataset.label_names:
        return {"head": HEAD_NAMED}
    return {"head": HEAD_UNNAMED if spec.dataset.labels is not None else 0.0}


def _probed(method: Method, spec: TrainingJobSpec, seen: ProbedModel, terms: dict[str, float]) -> dict[str, float]:
    """A probe has seen the data and the target, so it takes the place of what was assumed of both."""
    logits = probe_logits(seen, method, spec)
    if logits is None or "recorded" in terms or terms.get("head", 0.0) < 0:
        return terms
    replaced = {name: 0.0 for name in ("data", "difficulty") if name in terms}
    return terms | replaced | {"probe": logits}


def _language(spec: TrainingJobSpec, model: Registered, share: float | None) -> float:
    if model.spec.modality != "text" or not spec.languages:
        return 0.0
    return LANGUAGE_UNKNOWN if share is None else LANGUAGE_MISSING * (1 - share)


def _data(examples: int, labels: int, method: Method) -> float:
    """More examples of a class help, up to a point; too few of them hurt, most where most is trained."""
    help_or_harm = max(-0.75, min(DATA_WEIGHT * log10(examples / labels / EXAMPLES_PER_LABEL), 0.75))
    if help_or_harm < 0:
        return help_or_harm * FEW_EXAMPLES[method]
    return help_or_harm * (2 if method is Method.FROM_SCRATCH else 1)


def _difficulty(target: Decimal | None, metric: Metric, labels: int) -> float:
    """How far the target lies beyond what is typical, for metrics between guessing and 1; 0 for the others."""
    if target is None or metric not in RATIOS:
        return 0.0
    way = (float(target) - 1 / labels) / (1 - 1 / labels)
    return DIFFICULTY_WEIGHT * (_logit(TYPICAL_RATIO) - _logit(max(0.01, min(way, 0.999))))


def _basis(observed: Observed) -> str:
    if not observed.weight:
        return "prior only"
    parts = [f"{observed.own} of this namespace"] if observed.own else []
    parts += [f"{observed.foreign} of others"] if observed.foreign else []
    parts += [f"{observed.related} of other rungs"] if observed.related else []
    return f"prior and reports: {', '.join(parts)}"


def _size(network: Network | None) -> int | None:
    """What the size of a model is judged by."""
    return network.matrix_parameters if network else None


def _prior(terms: Iterable[float]) -> float:
    return _clipped(1 / (1 + exp(-sum(terms))))


def _posterior(prior: float, observed: Observed) -> float:
    """What observations make of a prior; without any it stays as it is."""
    if not observed.weight:
        return prior
    return _clipped((PRIOR_STRENGTH * prior + observed.successes) / (PRIOR_STRENGTH + observed.weight))


def _logit(probability: float) -> float:
    return log(probability / (1 - probability))


def _clipped(probability: float) -> float:
    return clipped(probability, LEAST, MOST)
