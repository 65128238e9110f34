"""A candidate: a base model (or none) with a method on a configuration, estimated."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from coppice.accounting.units import quantity
from coppice.api.meta import BaseModelReference
from coppice.api.vocabulary import BaseModelKind, Method, OptimizeFor
from coppice.planning.catalogue import Registered
from coppice.planning.estimate import Estimate, estimate
from coppice.planning.fitting import Fit, laid_out, shortfall
from coppice.planning.hardware import Hardware
from coppice.planning.network import Network
from coppice.planning.request import Request
from coppice.planning.workload import DEFAULT_EPOCHS, Effort, Workload, most_epochs


@dataclass(frozen=True)
class Candidate:
    """One way to run the job. `model` is None from scratch; `assumed` says that nobody declared its cost."""

    method: Method
    model: Registered | None
    network: Network | None
    hardware: Hardware
    estimate: Estimate
    assumed: bool = False

    @property
    def reference(self) -> BaseModelReference | None:
        return self.model.reference if self.model else None

    @cached_property
    def group(self) -> str:
        """What fails together: the base model, or the plan from scratch."""
        return self.model.key if self.model else Method.FROM_SCRATCH

    @cached_property
    def name(self) -> str:
        """For sentences and as the last word in every tie: `LinearProbe on all-minilm-l6-v2`."""
        return rung_name(self.method, self.reference)

    @property
    def sort_key(self) -> tuple[str, str]:
        return self.group, self.method

    def of(self, model: Registered) -> "Candidate":
        """The same candidate on a model that differs in its name alone."""
        if self.model is model:
            return self
        return Candidate(self.method, model, self.network, self.hardware, self.estimate, self.assumed)

    def hyperparameters(self, request: Request) -> dict[str, Decimal | int]:
        """What the estimate takes for granted, so that the trainer runs the same."""
        chosen: dict[str, Decimal | int] = {}
        if self.method in DEFAULT_EPOCHS:
            chosen["epochs"] = most_epochs(request.spec, self.method)
        if self.hardware.layout.checkpointing:
            chosen["gradientCheckpointing"] = 1
        return chosen


def rung_name(method: Method, base: BaseModelReference | None) -> str:
    """A rung in words; a namespaced base model may have the name of a cluster's, so its kind is said."""
    if base is None:
        return "training from scratch"
    return f"{method} on {base.name}" if base.kind is BaseModelKind.CLUSTER else f"{method} on {base.kind}/{base.name}"


def on_hardware(request: Request, model: Registered, method: Method, option: int | None = None) -> list[Candidate]:
    """The candidate on every configuration whose memory holds it by the high estimate; or on that of number `option`.

    More accelerators than one, where the job states no bound, are looked at only if none holds it.
    """
    network, effort = model.network(request.spec.task), request.effort(method)
    work = effort.on(network)
    known = None if option is None else (*request.hardware, *request.larger_hardware)[option : option + 1]
    for options in (known,) if known else (request.hardware, request.larger_hardware):
        fits = [fit for one in options if (fit := _fit(request, model, effort, network, one, work)).fits]
        if fits:
            return [_estimated(request, model, effort, network, fit, work) for fit in fits]
    return []


def too_small(request: Request, model: Registered, method: Method) -> str:
    """Why no configuration holds the candidate."""
    network, effort = model.network(request.spec.task), request.effort(method)
    work, options = effort.on(network), (*request.hardware, *request.larger_hardware)
    name = rung_name(method, model.reference)
    return shortfall(name, [_fit(request, model, effort, network, one, work) for one in options])


def _fit(
    request: Request, model: Registered, effort: Effort, network: Network, hardware: Hardware, work: Workload
) -> Fit:
    return laid_out(
        effort,
        network,
        hardware,
        may_shard=request.own_fine_tuning,
        factor=request.correction(effort.method, network, hardware).memory.median,
        least_bytes=least_bytes(model),
        work=work,
    )


def least_bytes(model: Registered) -> float:
    """Memory that the model is known to need at least."""
    return float(quantity(model.spec.min_memory)) if model.spec.min_memory else 0.0


def _estimated(
    request: Request, model: Registered, effort: Effort, network: Network, fit: Fit, work: Workload
) -> Candidate:
    expected = estimate(
        effort,
        network,
        fit.hardware,
        request.world,
        work=work,
        needed=fit.needed,
        price_per_job=model.spec.price_per_job,
        price_per_month=model.spec.price_per_month,
        correction=request.correction(effort.method, network, fit.hardware),
    )
    return Candidate(effort.method, model, network, fit.hardware, expected)


def best_configuration(request: Request, options: Iterable[Candidate]) -> Candidate | None:
    """The cheapest configuration, one within the limits before one that breaks them; None where there is none."""
    usable = [option for option in options if option.estimate.of(request.unit) is not None]
    return min(usable, key=lambda option: _rank(request, option), default=None)


def _rank(request: Request, option: Candidate) -> tuple[bool, float, str, int]:
    breaks = request.limited and any(
        high > left for high, left in zip(option.estimate.highs, request.remaining, strict=True)
    )
    name = option.hardware.profile.metadata.name
    return breaks, option.estimate.expected(request.unit), name, option.hardware.accelerators


def cheaper(unit: OptimizeFor, one: Candidate) -> tuple[float, tuple[str, str]]:
    """Sort key: least expected cost first."""
    return one.estimate.expected(unit), one.sort_key
