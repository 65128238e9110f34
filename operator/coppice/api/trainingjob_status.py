"""TrainingJob status: what was seen and decided, never what is hoped.

It stays within 16 KiB, a decision record that waits included, but for jobs of very many attempts or pods: what they
used stands nowhere else, so none is left out; every field is bounded.
"""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field

from coppice.api.base import DecimalString, Interval, Model, Sha256, ShortText
from coppice.api.meta import BaseModelReference, Condition
from coppice.api.vocabulary import AttemptKind, Basis, Component, Evidence, Grade, Method, OptimizeFor


class RungStatus(Model):
    """One candidate of the ladder, as decided."""

    method: Method = Field(description="How the base model is used, or FromScratch.")
    base_model: BaseModelReference | None = Field(default=None, description="Base model; absent from scratch.")
    profile: str = Field(max_length=253, description="ComputeProfile the estimate is for.")
    chance: DecimalString = Field(description="Probability of meeting the objective, 0 to 1.")
    energy_watt_hours: Interval = Field(description="Estimated facility energy in watt-hours.")
    carbon_grams: Interval = Field(description="Estimated operational plus embodied carbon in gCO2e.")
    run_seconds: Interval = Field(description="Estimated run time in seconds.")


class CounterfactualStatus(Model):
    """What the job would have cost from scratch."""

    basis: Basis = Field(description="Measured (a control ran), Declared (the user's plan) or Assumed.")
    energy_watt_hours: Interval = Field(description="Facility energy in watt-hours.")
    carbon_grams: Interval = Field(description="Operational plus embodied carbon in gCO2e.")
    run_seconds: Interval = Field(description="Run time in seconds.")


class ProbeStatus(Model):
    """A probe that comes before the ladder is decided for good."""

    base_models: list[BaseModelReference] = Field(
        default_factory=list, max_length=8, description="Base models looked at."
    )
    examples: int = Field(default=0, ge=0, description="Training examples of the sample.")
    energy_watt_hours: Interval = Field(description="Estimated facility energy in watt-hours.")
    carbon_grams: Interval = Field(description="Estimated operational plus embodied carbon in gCO2e.")
    run_seconds: Interval = Field(description="Estimated run time in seconds.")
    value: DecimalString = Field(
        description="What knowing the outcome is expected to save, in the unit of optimizeFor, before the probe's cost."
    )


class DecisionStatus(Model):
    """The frozen decision in brief; the whole record is on the child and in the report."""

    digest: Sha256 = Field(description="sha256 of the decision record.")
    method: Method = Field(description="Method of the first rung.")
    base_model: BaseModelReference | None = Field(default=None, description="Base model of the first rung.")
    reason: str = Field(max_length=64, description="Why this plan, in one word.")
    message: str = Field(default="", max_length=1024, description="Why this plan, in a sentence.")
    optimize_for: OptimizeFor = Field(default=OptimizeFor.CARBON, description="Unit in which plans were compared.")
    ladder: list[RungStatus] = Field(default_factory=list, max_length=8, description="Ordered candidates to try.")
    probe: ProbeStatus | None = Field(
        default=None, description="What runs before the ladder, which is then decided again with what was seen."
    )
    rejected: dict[str, int] = Field(
        default_factory=dict, max_length=64, description="Candidates rejected, counted by reason."
    )
    considered: int = Field(default=0, ge=0, description="Candidates looked at.")
    counterfactual: CounterfactualStatus | None = Field(
        default=None, description="What the job would have cost from scratch."
    )
    expected_saving_grams: Interval | None = Field(
        default=None, description="Expected carbon saved in gCO2e, from paired draws."
    )
    limitations: list[Annotated[str, Field(max_length=256)]] = Field(
        default_factory=list, max_length=16, description="Known biases and limits of the chosen base model."
    )
    forgone: RungStatus | None = Field(
        default=None, description="Mode Recommend: the substitute that would have been chosen."
    )
    decided_at: datetime = Field(description="When it was decided.")


class ChildReference(Model):
    """The batch object that runs an attempt."""

    kind: str = Field(max_length=64, description="Kind of the object.")
    name: str = Field(max_length=253, description="Name of the object.")
    uid: str = Field(default="", max_length=64, description="uid of the object.")


class EnergyPart(Model):
    """One part of the energy: component and grade."""

    component: Component = Field(description="Part of the facility energy.")
    grade: Grade = Field(description="How the figure came about.")
    joules: DecimalString = Field(description="Energy in joules.")


class PodStatus(Model):
    """Reserved time of one pod, kept when the pod itself is gone."""

    uid: str = Field(max_length=64, description="uid of the pod.")
    index: int = Field(default=0, ge=0, description="Completion index; run time is counted over the pods of index 0.")
    start_time: datetime = Field(description="When it was scheduled.")
    end_time: datetime | None = Field(default=None, description="When its last container ended.")
    reported: bool = Field(default=False, description="Whether a result with its energy has been seen.")
    zone: str | None = Field(
        default=None,
        max_length=64,
        description="Zone of the carbon intensity, from its node's region; absent where the node says none.",
    )


class ProbedModel(Model):
    """What a probe saw of one base model on a sample of the job's training data."""

    base_model: BaseModelReference = Field(description="The base model looked at.")
    linear_quality: DecimalString | None = Field(
        default=None, description="The objective's metric of a linear probe on held-out examples of the sample."
    )
    neighbour_quality: DecimalString | None = Field(
        default=None, description="The same of its nearest neighbours in feature space."
    )
    examples: int = Field(default=0, ge=0, description="Held-out examples it was judged on.")
    sample: int = Field(default=0, ge=0, description="Training examples of the sample that it learnt from.")
    message: str = Field(default="", max_length=256, description="Why there is no figure, where there is none.")


class AttemptStatus(Model):
    """Something run for the job."""

    number: int = Field(ge=1, description="Counts from 1.")
    kind: AttemptKind = Field(description="Probe, Evaluate or Train.")
    method: Method = Field(description="How the base model is used, or FromScratch.")
    base_model: BaseModelReference | None = Field(default=None, description="Base model; absent from scratch.")
    child: ChildReference = Field(description="The batch object that runs it.")
    profile: str = Field(max_length=253, description="ComputeProfile accounted.")
    cpu_cores: DecimalString = Field(default=Decimal(0), description="CPU cores that each pod reserves.")
    memory_bytes: int = Field(default=0, ge=0, description="Memory in bytes that each pod reserves.")
    accelerators: int = Field(default=0, ge=0, description="Accelerators of all pods.")
    approval: str | None = Field(
        default=None, max_length=253, description="TrainingApproval that let it start, where one was needed."
    )
    outcome: str = Field(
        default="Running", max_length=64, description="Running, Met, Missed, Unjudged, or why it ended otherwise."
    )
    message: str = Field(default="", max_length=512, description="What happened, for the person who must act.")
    start_time: datetime | None = Field(default=None, description="When its first pod was scheduled.")
    end_time: datetime | None = Field(default=None, description="When its last container ended.")
    run_seconds: int = Field(
        default=0, ge=0, description="Reserved time in seconds, from scheduling to the last container's end."
    )
    pods: list[PodStatus] = Field(default_factory=list, max_length=16, description="Its pods, the last 16.")
    quality: DecimalString | None = Field(default=None, description="Value of the objective's metric.")
    standard_error: DecimalString | None = Field(default=None, description="Standard error of quality.")
    evidence: Evidence | None = Field(default=None, description="Who measured the quality.")
    cpu_seconds: DecimalString | None = Field(default=None, description="CPU time used by its pods, in seconds.")
    steps: int | None = Field(default=None, ge=0, description="Optimiser steps.")
    epochs: DecimalString | None = Field(default=None, description="Passes over the training data.")
    tokens_seen: int | None = Field(default=None, ge=0, description="Training tokens or image patches processed.")
    counted_teraflop: DecimalString | None = Field(
        default=None, description="Floating-point operations counted, in units of 10^12."
    )
    peak_memory_bytes: int | None = Field(default=None, ge=0, description="Most memory its program held, in bytes.")
    probed: list[ProbedModel] = Field(
        default_factory=list, max_length=8, description="What an attempt of kind Probe saw."
    )
    energy_joules: DecimalString | None = Field(default=None, description="Facility energy in joules.")
    carbon_grams: DecimalString | None = Field(default=None, description="Operational plus embodied carbon in gCO2e.")


class ResultStatus(Model):
    """The best attempt, also when it missed."""

    attempt: int = Field(ge=1, description="Its number.")
    quality: DecimalString | None = Field(default=None, description="Value of the objective's metric.")
    met: bool | None = Field(default=None, description="Whether the target was met; absent without a target.")
    evidence: Evidence | None = Field(default=None, description="Who measured the quality.")
    output: str = Field(default="", max_length=1024, description="Where the model is, as a pvc:// URI.")
    model_digest: Sha256 | None = Field(default=None, description="sha256 over the model's file digests.")
    registered: BaseModelReference | None = Field(default=None, description="BaseModel made from it.")
    license: ShortText | None = Field(
        default=None, description="Licence computed from the chain of base models and data."
    )


class SciStatus(Model):
    """Software Carbon Intensity per unit; absent when the objective was missed (R = 0)."""

    grams_per_model: DecimalString | None = Field(
        default=None, description="gCO2e for one model that meets its objective."
    )
    grams_per_exaflop: DecimalString | None = Field(default=None, description="gCO2e per 10^18 counted FLOPs.")
    grams_per_million_tokens: DecimalString | None = Field(
        default=None, description="gCO2e per million training tokens seen."
    )
    grams_per_billion_parameters: DecimalString | None = Field(
        default=None, description="gCO2e per billion parameters of the model."
    )


class AvoidedStatus(Model):
    """Counterfactual minus everything spent; it may be negative."""

    low: DecimalString = Field(description="10th percentile in gCO2e; the only bound that enters totals.")
    mid: DecimalString = Field(description="50th percentile in gCO2e.")
    high: DecimalString = Field(description="90th percentile in gCO2e.")
    basis: Basis = Field(description="Where the counterfactual comes from.")
    equal_quality: str = Field(max_length=16, description="Yes, No or Unknown: whether both reached the target.")
    control: str = Field(default="", max_length=253, description="Report of the control, if one ran.")
    control_quality: DecimalString | None = Field(
        default=None, description="Quality the control reached, also when it missed."
    )


class InheritedStatus(Model):
    """Disclosed footprint of the base model's own training: shown beside the account, never part of it."""

    energy_kilowatt_hours: DecimalString | None = Field(default=None, description="Energy in kilowatt-hours.")
    carbon_kilograms: DecimalString | None = Field(default=None, description="Carbon in kgCO2e.")
    source: str = Field(default="", max_length=512, description="Where the figures come from.")


class TotalsStatus(Model):
    """The account of every attempt of the job."""

    energy_joules: DecimalString = Field(description="Facility energy in joules: the sum of parts.")
    parts: list[EnergyPart] = Field(default_factory=list, max_length=15, description="Energy by component and grade.")
    coverage: DecimalString = Field(description="Share of the reserved time with Measured samples, 0 to 1.")
    operational_grams: DecimalString = Field(description="Operational carbon in gCO2e.")
    embodied_grams: DecimalString = Field(description="Embodied carbon in gCO2e, share of the hardware's lifespan.")
    intensity_grams_per_kilowatt_hour: DecimalString | None = Field(
        default=None, description="Energy-weighted carbon intensity."
    )
    intensity_source: str = Field(
        default="", max_length=256, description="Source, method, signal and year of the intensity."
    )
    run_seconds: int = Field(default=0, ge=0, description="Run time of all attempts in seconds.")
    cost: DecimalString | None = Field(
        default=None, description="Money spent, in the installation's currency; absent where no profile has a price."
    )
    inherited: InheritedStatus | None = Field(
        default=None, description="Disclosed footprint of the base model; not part of these totals."
    )
    sci: SciStatus | None = Field(default=None, description="Software Carbon Intensity, where the objective was met.")
    avoided: AvoidedStatus | None = Field(default=None, description="Carbon avoided against the counterfactual.")


class SummaryStatus(Model):
    """Strings ready for columns."""

    state: str = Field(default="", max_length=64, description="Reason of the Succeeded condition.")
    base: str = Field(default="", max_length=253, description="Base model, or none.")
    accelerators: int = Field(default=0, ge=0, description="Accelerators of the current attempt.")
    attempts: str = Field(default="", max_length=16, description="Train attempts made of those allowed.")
    energy_kilowatt_hours: str = Field(default="", max_length=32, description="Facility energy in kilowatt-hours.")
    carbon_kilograms: str = Field(
        default="", max_length=32, description="Operational plus embodied carbon in kilograms."
    )
    saved: str = Field(
        default="", max_length=64, description="Share of the counterfactual's carbon avoided, with its basis."
    )


class TrainingJobStatus(Model):
    """What was seen and decided."""

    observed_generation: int = Field(default=0, ge=0, description="Spec generation this status was computed from.")
    resolved: dict[str, Any] | None = Field(
        default=None,
        max_length=64,
        description="Values that policy and chart supplied where the spec left them open.",
        json_schema_extra={"x-kubernetes-preserve-unknown-fields": True},
    )
    conditions: tuple[Condition, ...] = Field(
        default=(),
        max_length=16,
        description="Decided, Running, Suspended, Succeeded, Failed, Finished, Accounted.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    )
    decision: DecisionStatus | None = Field(default=None, description="The frozen decision.")
    decision_record: str = Field(
        default="",
        max_length=12288,
        description="The whole frozen decision while the job waits to start: canonical JSON, zlib, base64. Later it is on the child.",
    )
    attempts: list[AttemptStatus] = Field(
        default_factory=list, max_length=16, description="Everything run for the job."
    )
    result: ResultStatus | None = Field(default=None, description="The best attempt.")
    totals: TotalsStatus | None = Field(default=None, description="The account of every attempt.")
    summary: SummaryStatus | None = Field(default=None, description="Strings ready for columns.")
    completion_time: datetime | None = Field(default=None, description="When the job finished.")
