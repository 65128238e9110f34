"""A candidate: a base model (or none) with a method on a configuration, estimated."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from coppice.accounting.units import quantity
from coppice.api.meta import BaseModelReference
from coppice.api.vocabulary import Method, OptimizeFor
from coppice.planning.catalogue import Registered
from coppice.planning.estimate import Estimate, estimate
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

    @property
    def group(self) -> str:
        """What fails together: the base model, or the plan from scratch."""
        return self.model.key if self.model else Method.FROM_SCRATCH

    @property
    def name(self) -> str:
        """For sentences and as the last word in every tie: `LinearProbe on all-minilm-l6-v2`."""
        return f"{self.method} on {self.model.reference.name}" if self.model else "training from scratch"

    @property
    def sort_key(self) -> tuple[str, str]:
        return self.group, self.method

    def hyperparameters(self, request: Request) -> dict[str, Decimal | int]:
        """What the estimate takes for granted, so that the trainer runs the same."""
        return {"epochs": most_epochs(request.spec, self.method)} if self.method in DEFAULT_EPOCHS else {}


def on_hardware(request: Request, model: Registered, method: Method) -> list[Candidate]:
    """The candidate on every configuration whose memory holds it by the high estimate."""
    network = network_of(model.spec.architecture)
    least = float(quantity(model.spec.min_memory)) if model.spec.min_memory else 0.0
    options = (
        Candidate(
            method,
            model,
            network,
            hardware,
            estimate(
                request.spec,
                network,
                method,
                hardware,
                request.world,
                least_memory_bytes=least,
                price_per_job=model.spec.price_per_job,
                price_per_month=model.spec.price_per_month,
                correction=request.correction(method, network, hardware),
            ),
        )
        for hardware in request.hardware
    )
    return [option for option in options if fits_memory(option)]


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
