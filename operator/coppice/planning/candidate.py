"""A candidate: a base model (or none) with a method on a configuration, estimated."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from coppice.accounting.units import quantity
from coppice.api.meta import BaseModelReference
from coppice.api.vocabulary import BaseModelKind, Method, OptimizeFor
from coppice.planning.catalogue import Registered
from coppice.planning.estimate import Estimate, estimate
from coppice.planning.fitting import laid_out, shortfall
from coppice.planning.hardware import Hardware
from coppice.planning.network import Network, network_of
from coppice.planning.request import Request
from coppice.planning.workload import DEFAULT_EPOCHS, most_epochs


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

    def of_twin(self, model: Registered) -> "Candidate":
        """The same candidate on a model that differs in its name alone."""
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


def on_hardware(request: Request, model: Registered, method: Method) -> list[Candidate]:
    """The candidate on every configuration whose memory holds it by the high estimate."""
    return [option for option in _options(request, model, method) if fits_memory(option)]


def too_small(request: Request, model: Registered, method: Method) -> str:
    """Why no configuration holds the candidate."""
    return closest_shortfall(_options(request, model, method))


def closest_shortfall(options: Iterable[Candidate]) -> str:
    """What a plan needs and what there is, on the configuration that comes closest. There must be one."""
    closest = min(options, key=lambda option: option.estimate.memory_bytes.high / option.hardware.memory_bytes)
    return shortfall(closest.name, closest.estimate.memory_bytes.high, closest.hardware)


def _options(request: Request, model: Registered, method: Method) -> Iterator[Candidate]:
    """The candidate on every configuration, each with the least costly layout that its memory holds."""
    network = network_of(model.spec.architecture, request.spec.task)
    least = float(quantity(model.spec.min_memory)) if model.spec.min_memory else 0.0
    for one in request.hardware:
        correction = request.correction(method, network, one)
        factor = correction.memory.median
        hardware = laid_out(request.spec, network, method, one, may_shard=request.own_fine_tuning, factor=factor)
        estimated = estimate(
            request.spec,
            network,
            method,
            hardware,
            request.world,
            least_memory_bytes=least,
            price_per_job=model.spec.price_per_job,
            price_per_month=model.spec.price_per_month,
            correction=correction,
        )
        yield Candidate(method, model, network, hardware, estimated)


def fits_memory(candidate: Candidate) -> bool:
    """Whether one device, or the pod on CPU, holds it by the high estimate."""
    return candidate.estimate.memory_bytes.high <= candidate.hardware.memory_bytes


def best_configuration(request: Request, options: Iterable[Candidate]) -> Candidate | None:
    """The cheapest configuration, one within the limits before one that breaks them; None where there is none."""
    usable = [option for option in options if option.estimate.of(request.unit) is not None]
    return min(usable, key=lambda option: _rank(request, option), default=None)


def _rank(request: Request, option: Candidate) -> tuple[bool, float, str, int]:
    breaks = any(high > left for high, left in zip(option.estimate.highs, request.remaining, strict=True))
    name = option.hardware.profile.metadata.name
    return breaks, option.estimate.expected(request.unit), name, option.hardware.accelerators


def cheaper(unit: OptimizeFor, one: Candidate) -> tuple[float, tuple[str, str]]:
    """Sort key: least expected cost first."""
    return one.estimate.expected(unit), one.sort_key
