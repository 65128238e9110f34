"""One decision's question: the job, what is in force for it, and the world, with what follows from them read once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from coppice.api.computeprofile import ComputeProfile
from coppice.api.decision import SpentRecord
from coppice.api.meta import BaseModelReference
from coppice.api.reasons import AttemptOutcome
from coppice.api.trainer_spec import FineTuneWith, Trainer
from coppice.api.trainingjob import Limits, Resources, TrainingJob, TrainingJobSpec
from coppice.api.trainingjob_status import ProbedModel
from coppice.api.vocabulary import Method, Mode, OptimizeFor
from coppice.planning.configuration import network_of_config
from coppice.planning.hardware import Hardware, configurations, templated_configurations
from coppice.planning.learning.correction import NO_CORRECTION, Correction
from coppice.planning.learning.history import NOTHING_LEARNED, Corrections
from coppice.planning.learning.score import Score, score
from coppice.planning.network import Network
from coppice.planning.resolved import Resolved
from coppice.planning.workload import Effort, effort
from coppice.planning.world import World
from coppice.workloads.template import extended_resources

NO_LIMIT = float("inf")
NOTHING_SPENT = SpentRecord()
_OF_PLACE = frozenset({"hardware", "larger_hardware", "_corrections"})
"""What follows from the job's resources and the world, whatever its data."""


@dataclass(frozen=True)
class Tried:
    """A rung that an earlier attempt of the job ran, and how it ended."""

    method: Method
    base_model: BaseModelReference | None
    outcome: AttemptOutcome


@dataclass(frozen=True)
class Request:
    """A job to decide, after policy, in a world, with what it has spent, tried and probed (by base model key).

    `may_probe` is False once a probe was made, whatever came of it.
    """

    job: TrainingJob
    resolved: Resolved
    world: World
    spent: SpentRecord = NOTHING_SPENT
    tried: Sequence[Tried] = ()
    probed: Mapping[str, ProbedModel] = field(default_factory=dict)
    may_probe: bool = True

    @property
    def spec(self) -> TrainingJobSpec:
        return self.job.spec

    @cached_property
    def namespace(self) -> str:
        return self.job.metadata.namespace or ""

    @property
    def unit(self) -> OptimizeFor:
        return self.resolved.optimize_for

    @property
    def mode(self) -> Mode:
        """The mode in effect: without a target nothing says when a base model is good enough, so Auto only advises."""
        mode = self.resolved.mode
        return Mode.RECOMMEND if mode is Mode.AUTO and self.spec.objective.target is None else mode

    @cached_property
    def trainer(self) -> Trainer:
        return self.spec.trainer or Trainer()

    @cached_property
    def own_container(self) -> bool:
        """Whether the user's own container or template is the plan from scratch."""
        return self.trainer.container is not None or self.trainer.template is not None

    @cached_property
    def own_fine_tuning(self) -> bool:
        """Whether the user's own container runs fine-tuning rungs too."""
        return self.own_container and self.trainer.fine_tune_with is FineTuneWith.TEMPLATE

    @property
    def has_scratch_plan(self) -> bool:
        return self.spec.from_scratch is not None or self.own_container

    @cached_property
    def resources(self) -> Resources:
        return self.spec.resources or Resources()

    @cached_property
    def pins(self) -> frozenset[str]:
        """Keys of the base models that the job names; empty: any."""
        named = self.spec.substitution.base_models if self.spec.substitution else []
        return frozenset(f"{reference.kind}/{reference.name}" for reference in named)

    @cached_property
    def methods(self) -> frozenset[Method] | None:
        """Methods that the job allows; None: all."""
        named = self.spec.substitution.methods if self.spec.substitution else []
        return frozenset(named) or None

    @cached_property
    def hardware(self) -> tuple[Hardware, ...]:
        """Configurations for base models, smallest first; a template that fine-tunes too gets what it asks for."""
        if self.own_fine_tuning and self.trainer.template is not None:
            return self.own_hardware
        return tuple(self._hardware(as_asked=False))

    @cached_property
    def larger_hardware(self) -> tuple[Hardware, ...]:
        """More accelerators a pod than one, where the job states no bound: for what one does not hold."""
        if self.resources.accelerators_per_pod is not None or self.own_fine_tuning:
            return ()
        devices = [(one, one.spec.accelerator.per_node) for one in self._profiles if one.spec.accelerator]
        return tuple(
            option
            for one, most in devices
            for option in configurations(one, self.resources.model_copy(update={"accelerators_per_pod": most}))
            if option.accelerators > 1
        )

    @cached_property
    def own_hardware(self) -> tuple[Hardware, ...]:
        """Configurations for the plan from scratch: a user's own container or template gets what it asks for."""
        if not self.own_container:
            return self.hardware
        if self.trainer.template is None:
            return tuple(self._hardware(as_asked=True))
        asked = extended_resources(self.trainer.template)
        return tuple(
            option for one in self._profiles for option in templated_configurations(one, self.resources, asked)
        )

    def with_other_data(self, job: TrainingJob) -> "Request":
        """The same of a job that differs in its data alone: what it may run on, if found out, stays found out."""
        other = replace(self, job=job)
        vars(other).update({name: value for name, value in vars(self).items() if name in _OF_PLACE})
        return other

    @cached_property
    def declared_network(self) -> Network | None:
        """The network of the declared plan from scratch; None without one, or where nobody knows its family."""
        plan, count = self.spec.from_scratch, self.world.count
        if plan is None:
            return None
        known = network_of_config(plan.config, self.spec.dataset.labels or 2, self.spec.task)
        return count(self.spec) if known is None and count is not None else known

    def effort(self, method: Method) -> Effort:
        """What a method does with the job's data, found out once."""
        found = self._efforts.get(method)
        if found is None:
            found = self._efforts[method] = effort(self.spec, method)
        return found

    @cached_property
    def _efforts(self) -> dict[Method, Effort]:
        return {}

    @cached_property
    def chance_score(self) -> Score:
        """How the chances of recorded attempts stood up to what came out."""
        return score(self.world.experience, self.namespace, self.resolved.learning)

    @cached_property
    def _corrections(self) -> Corrections:
        return self.world.experience.corrections(self.namespace, self.resolved.learning)

    @property
    def learned(self) -> bool:
        """Whether finished jobs taught anything, and so families of networks differ in more than their figures."""
        return self._corrections is not NOTHING_LEARNED

    def correction(self, method: Method, network: Network, hardware: Hardware) -> Correction:
        """What finished jobs taught about such a plan; nothing about a program of the user's own."""
        if self.own_container and (method is Method.FROM_SCRATCH or self.own_fine_tuning):
            return NO_CORRECTION
        return self._corrections.of(method, network.family, hardware.profile.metadata.name)

    @cached_property
    def remaining(self) -> tuple[float, float, float]:
        """What the limits leave: watt-hours, grams, seconds; infinite where there is none."""
        limits = self.resolved.limits or Limits()
        spent = self.spent
        pairs = (
            (limits.energy_watt_hours, float(spent.energy_watt_hours)),
            (limits.carbon_grams, float(spent.carbon_grams)),
            (limits.run_seconds, float(spent.run_seconds)),
        )
        energy, carbon, seconds = (NO_LIMIT if most is None else most - used for most, used in pairs)
        return energy, carbon, seconds

    @cached_property
    def limited(self) -> bool:
        """Whether any limit binds."""
        return any(left < NO_LIMIT for left in self.remaining)

    @property
    def rungs_left(self) -> int:
        """Train attempts that may still be made."""
        return max(self.spec.max_attempts - self.spent.train_attempts, 0)

    def was_tried(self, method: Method, reference: BaseModelReference | None) -> bool:
        """Whether an attempt of this rung ended."""
        return any(
            one.method is method and one.base_model == reference and one.outcome is not AttemptOutcome.RUNNING
            for one in self.tried
        )

    @property
    def _profiles(self) -> list[ComputeProfile]:
        """The profiles that the job allows, by name."""
        allowed = self.resources.profiles
        profiles = [one for one in self.world.profiles if not allowed or one.metadata.name in allowed]
        return sorted(profiles, key=lambda profile: profile.metadata.name)

    def _hardware(self, *, as_asked: bool) -> list[Hardware]:
        return [option for one in self._profiles for option in configurations(one, self.resources, as_asked=as_asked)]
