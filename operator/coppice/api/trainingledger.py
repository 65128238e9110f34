"""TrainingLedger: the monotonic totals of one tenant namespace; they survive reports, jobs and the namespace itself.

An entry is opened before a job's first child exists and settled once, by job uid, when the job ends. A settled
entry stays until the job's own status says Accounted, so that a crash between the two writes settles nothing twice.
"""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, ClassVar

from pydantic import Field

from coppice.api.base import API_VERSION, DecimalString, Model, matching
from coppice.api.meta import ObjectMeta
from coppice.api.rules import Column
from coppice.api.vocabulary import Basis, Component, Grade, Method

Month = Annotated[str, matching(r"^[0-9]{4}-[0-9]{2}$", 7, "must be a month such as 2026-05")]


class Reservation(Model):
    """High estimate of what a job may still use, held against the budget of its namespace."""

    month: Month = Field(description="Calendar month it counts for, UTC.")
    energy_watt_hours: DecimalString = Field(default=Decimal(0), description="Facility energy in watt-hours.")
    carbon_grams: DecimalString = Field(default=Decimal(0), description="Operational plus embodied carbon in gCO2e.")
    cost: DecimalString = Field(default=Decimal(0), description="Money in the installation's currency.")


class MonthTotal(Model):
    """What a namespace used in one calendar month, as settled."""

    month: Month = Field(description="Calendar month, UTC.")
    energy_watt_hours: DecimalString = Field(default=Decimal(0), description="Facility energy in watt-hours.")
    carbon_grams: DecimalString = Field(default=Decimal(0), description="Operational plus embodied carbon in gCO2e.")
    cost: DecimalString = Field(default=Decimal(0), description="Money in the installation's currency.")


class GonePod(Model):
    """What a pod of a workload reserved that vanished before the account was closed: nobody else remembers it."""

    uid: str = Field(max_length=64, description="uid of the pod.")
    name: str = Field(default="", max_length=253, description="Name of the pod.")
    profile: str = Field(max_length=253, description="ComputeProfile of its node.")
    zone: str = Field(default="", max_length=64, description="Zone of its node, where that says one.")
    start_time: datetime = Field(description="When it was scheduled.")
    started_time: datetime | None = Field(default=None, description="When its first container started.")
    end_time: datetime = Field(description="When it was seen to have gone.")
    accelerators: int = Field(default=0, ge=0, description="Accelerators that it reserved.")
    cpu_cores: DecimalString = Field(default=Decimal(0), description="CPU cores that it reserved.")
    memory_bytes: int = Field(default=0, ge=0, description="Memory in bytes that it reserved.")
    pods: int = Field(default=1, ge=1, description="How many pods of its kind it stands for; times are then means.")
    pod_seconds: int = Field(default=0, ge=0, description="Time in seconds that these pods were reserved for together.")


class LedgerEntry(Model):
    """One job that is not yet both settled and known to be so."""

    uid: str = Field(max_length=64, description="uid of the TrainingJob, or of the workload.")
    name: str = Field(max_length=253, description="Name of the TrainingJob, or of the workload.")
    kind: str = Field(
        default="", max_length=64, description="Kind of a workload that is accounted and was not decided, such as Job."
    )
    opened: datetime = Field(description="When its first child was about to be made.")
    method: Method | None = Field(default=None, description="Method of its first rung.")
    energy_watt_hours: DecimalString = Field(
        default=Decimal(0), description="Estimated facility energy of the decision, in watt-hours."
    )
    operational_grams: DecimalString = Field(
        default=Decimal(0), description="Estimated operational carbon of the decision, in gCO2e."
    )
    embodied_grams: DecimalString = Field(
        default=Decimal(0), description="Estimated embodied carbon of the decision, in gCO2e."
    )
    accelerators: int = Field(default=0, ge=0, description="Accelerators of its first rung.")
    reserved: Reservation | None = Field(
        default=None, description="What it holds of the month's budget until it is settled."
    )
    gone: list[GonePod] | None = Field(
        default=None,
        max_length=4,
        description="Pods of a workload that vanished while it goes on: the longest, and the others by kind.",
    )
    settled: bool = Field(default=False, description="Whether its totals are in.")


class EnergyTotal(Model):
    """Energy settled so far, by component and grade."""

    component: Component = Field(description="Part of the facility energy.")
    grade: Grade = Field(description="How the figures came about.")
    joules: DecimalString = Field(description="Energy in joules.")


class AvoidedTotal(Model):
    """Avoided carbon settled so far, by basis; Assumed never enters."""

    basis: Basis = Field(description="Measured or Declared.")
    grams: DecimalString = Field(description="Low bounds summed, in gCO2e; negative differences are spent in vain.")


class FinishedTotal(Model):
    """Jobs settled so far."""

    method: Method | None = Field(
        default=None,
        description="Method of the attempt that decided the job; absent for workloads nobody decided about.",
    )
    reason: Annotated[str, Field(max_length=64)] = Field(description="Reason of the Succeeded condition.")
    jobs: int = Field(ge=0, description="Number of jobs.")


class LedgerTotals(Model):
    """Sums that never fall."""

    energy: list[EnergyTotal] = Field(default_factory=list, max_length=15, description="Energy by component and grade.")
    operational_grams: DecimalString = Field(default=Decimal(0), description="Operational carbon in gCO2e.")
    embodied_grams: DecimalString = Field(default=Decimal(0), description="Embodied carbon in gCO2e.")
    avoided: list[AvoidedTotal] = Field(default_factory=list, max_length=3, description="Avoided carbon by basis.")
    cost: DecimalString = Field(default=Decimal(0), description="Money in the installation's currency.")
    spent_in_vain_grams: DecimalString = Field(
        default=Decimal(0), description="Carbon of missed objectives and negative differences, in gCO2e."
    )
    finished: list[FinishedTotal] = Field(
        default_factory=list, max_length=256, description="Jobs settled, by method and reason."
    )


class TrainingLedgerSpec(Model):
    """Totals and open entries of one namespace."""

    namespace: str = Field(max_length=63, description="Tenant namespace.")
    totals: LedgerTotals = Field(default=LedgerTotals(), description="Sums that never fall.")
    months: list[MonthTotal] = Field(
        default_factory=list, max_length=24, description="What was used by month, the last 24; what budgets count."
    )
    entries: list[LedgerEntry] = Field(
        default_factory=list, max_length=1000, description="Jobs open, or settled and not yet known to be so."
    )


class TrainingLedger(Model):
    """The totals of one tenant namespace; kept in the operator's namespace."""

    plural: ClassVar[str] = "trainingledgers"
    short_names: ClassVar[tuple[str, ...]] = ("tled",)
    scope: ClassVar[str] = "Namespaced"
    columns: ClassVar[tuple[Column, ...]] = (
        Column("Namespace", "string", ".spec.namespace", "Tenant namespace"),
        Column("Operational g", "string", ".spec.totals.operationalGrams", "Operational carbon in grams"),
        Column("Embodied g", "string", ".spec.totals.embodiedGrams", "Embodied carbon in grams"),
        Column("Age", "date", ".metadata.creationTimestamp", "Time since creation"),
    )

    api_version: str = API_VERSION
    kind: str = "TrainingLedger"
    metadata: ObjectMeta = Field(default_factory=ObjectMeta)
    spec: TrainingLedgerSpec
