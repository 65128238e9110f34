"""The plan from scratch and what it would cost: measured by a control, declared by the user, or assumed.

A user's own container says nothing about FLOPs, and a job may have no plan from scratch at all; then a small network
of the task's kind is assumed, with an interval so wide that nobody can mistake it for knowledge. Assumed savings
never enter totals.
"""

from dataclasses import dataclass, replace

from coppice.accounting.control import find_control, met_target
from coppice.api.reasons import FitReason
from coppice.api.trainingjob_status import TotalsStatus
from coppice.api.trainingreport import TrainingReport
from coppice.api.vocabulary import Basis, Method
from coppice.planning.candidate import Candidate, best_configuration
from coppice.planning.configuration import network_of_config
from coppice.planning.estimate import JOULES_PER_WATT_HOUR, Estimate, estimate
from coppice.planning.fit.ability import NO_PRICE
from coppice.planning.fit.rejection import Rejection
from coppice.planning.fitting import Fit, laid_out, shortfall
from coppice.planning.hardware import Hardware
from coppice.planning.lognormal import LogNormal
from coppice.planning.network import Network
from coppice.planning.request import Request
from coppice.planning.tasks import TASKS, modality
from coppice.workloads.template import extended_resources

ASSUMED_TEXT = {"model_type": "bert", "hidden_size": 256, "num_hidden_layers": 4, "intermediate_size": 1024}
ASSUMED_IMAGE = {"model_type": "resnet", "layer_type": "basic", "hidden_sizes": [64, 128, 256, 512], "depths": [2] * 4}
"""What is assumed where nobody declared a plan: a four-layer BERT of width 256, ResNet-18."""


@dataclass(frozen=True)
class Counterfactual:
    """What training from scratch costs, on which basis, and the control's report where there is one."""

    basis: Basis
    estimate: Estimate
    profile: str
    report: str = ""


def scratch_candidate(request: Request) -> Candidate | Rejection:
    """The plan from scratch on its best configuration, or why it cannot run; also for a job that has none (assumed)."""
    rejection = _unsupported(request)
    if rejection is not None:
        return rejection
    if not request.own_hardware:
        return Rejection(FitReason.PROFILE_NOT_ALLOWED, _no_hardware(request))
    network = request.declared_network
    assumed = network is None
    fits = _fits(request, network) if network else []
    holding = [fit.hardware for fit in fits if fit.fits] if network else request.own_hardware
    known = network or _assumed_network(request)
    best = best_configuration(request, [_option(request, known, one, assumed=assumed) for one in holding])
    if best is not None:
        return best
    if holding:
        return Rejection(FitReason.FIGURES_MISSING, NO_PRICE)
    return Rejection(FitReason.MEMORY_TOO_SMALL, shortfall("training from scratch", fits))


def counterfactual(request: Request, scratch: Candidate) -> Counterfactual:
    """The best knowledge of what scratch costs: a control that met the target, else the estimate."""
    profile = scratch.hardware.profile.metadata.name
    report = _control(request)
    if report is not None and report.spec.totals is not None:
        measured = _measured(request, scratch, report.spec.totals)
        return Counterfactual(Basis.MEASURED, measured, profile, report.metadata.name)
    basis = Basis.ASSUMED if scratch.assumed else Basis.DECLARED
    return Counterfactual(basis, scratch.estimate, profile)


def _control(request: Request) -> TrainingReport | None:
    """The control that met the job's target; most namespaces have none, and then nobody asks what the job is like."""
    reports, namespace = request.world.reports, request.namespace
    controls = [one for one in reports if one.spec.control and one.metadata.namespace == namespace]
    report = find_control(controls, request.spec) if controls else None
    return report if report is not None and met_target(report) else None


def _measured(request: Request, scratch: Candidate, totals: TotalsStatus) -> Estimate:
    """The control's account, its energy restated with today's intensity: both arms see the same grid."""
    watt_hours = float(totals.energy_joules) / JOULES_PER_WATT_HOUR
    intensity = request.world.intensity_of(scratch.hardware.profile)
    operational = watt_hours / 1000 * float(intensity.grams_per_kilowatt_hour)
    embodied = float(totals.embodied_grams)
    return replace(
        scratch.estimate,
        seconds=LogNormal(float(totals.run_seconds)),
        energy=LogNormal(watt_hours),
        operational=LogNormal(operational),
        embodied=LogNormal(embodied),
        carbon=LogNormal(operational + embodied),
        own_sigma=0.0,
        inputs={"gramsPerKilowattHour": intensity.grams_per_kilowatt_hour},
    )


def _unsupported(request: Request) -> Rejection | None:
    """The built-in trainer must know the task; a user's own container needs nobody's leave."""
    task = TASKS.get(request.spec.task)
    known = task is not None and Method.FROM_SCRATCH in task.methods
    if known or request.own_container:
        return None
    sentence = f"the built-in trainer does not know {request.spec.task}; bring trainer.container or trainer.template"
    return Rejection(FitReason.METHOD_UNSUPPORTED, sentence)


def _no_hardware(request: Request) -> str:
    """Why no configuration can run the plan from scratch, and what would help."""
    template = request.trainer.template
    if template is None:
        return "no ComputeProfile that the job allows can run it; see resources.profiles and peakTeraFlops"
    asked = extended_resources(template)
    if asked:
        wanted = ", ".join(f"{count} {name}" for name, count in sorted(asked.items()))
        return (
            f"trainer.template asks for {wanted} a pod, and no ComputeProfile that the job allows has such an"
            " accelerator.resourceName with enough perNode; see also resources.acceleratorsPerPod"
        )
    return (
        "trainer.template asks for no accelerator, and no ComputeProfile that the job allows is of CPU nodes with"
        " peakTeraFlops; ask for one in the template's container, or set resources.acceleratorsPerPod to 0"
    )


def _fits(request: Request, network: Network) -> list[Fit]:
    """The configurations with their layouts; larger ones than asked for only where none of the others holds it."""
    fits = [_fit(request, network, one) for one in request.own_hardware]
    if request.own_container or any(fit.fits for fit in fits):
        return fits
    return fits + [_fit(request, network, one) for one in request.larger_hardware]


def _fit(request: Request, network: Network, hardware: Hardware) -> Fit:
    method = Method.FROM_SCRATCH
    factor = request.correction(method, network, hardware).memory.median
    return laid_out(request.effort(method), network, hardware, may_shard=request.own_container, factor=factor)


def _option(request: Request, network: Network, hardware: Hardware, *, assumed: bool) -> Candidate:
    method = Method.FROM_SCRATCH
    correction = request.correction(method, network, hardware)
    effort = request.effort(method)
    estimated = estimate(effort, network, hardware, request.world, assumed=assumed, correction=correction)
    return Candidate(method, None, network, hardware, estimated, assumed=assumed)


def _assumed_network(request: Request) -> Network:
    config = ASSUMED_IMAGE if modality(request.spec.task) == "image" else ASSUMED_TEXT
    network = network_of_config(config, request.spec.dataset.labels or 2)
    assert network is not None
    return network
