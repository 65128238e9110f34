"""TrainingReport: the immutable account of one finished job; it outlives the job and is what estimates learn from."""

from datetime import datetime
from typing import Annotated, ClassVar, Self

from pydantic import ConfigDict, Field

from coppice.api.base import API_VERSION, DecimalString, Model, Sentence, Sha256
from coppice.api.meta import ObjectMeta
from coppice.api.rules import Column, rules
from coppice.api.trainingjob import TrainingJobSpec
from coppice.api.trainingjob_status import AttemptStatus, DecisionStatus, ResultStatus, TotalsStatus


class EnergySlot(Model):
    """Energy of one stretch of time, so that carbon can be recomputed slot by slot."""

    start: datetime = Field(description="Start of the slot, UTC.")
    joules: DecimalString = Field(description="Facility energy of the slot in joules.")
    grams_per_kilowatt_hour: DecimalString = Field(description="Carbon intensity used.")


class AccountedWorkload(Model):
    """A workload that Coppice did not decide about and only accounts for."""

    api_version: str = Field(max_length=128, description="apiVersion of the object.")
    kind: str = Field(max_length=64, description="Kind of the object, such as Job or PyTorchJob.")
    name: str = Field(max_length=253, description="Name of the object.")
    below: list[Annotated[str, Field(max_length=64)]] | None = Field(
        default=None, max_length=16, description="uids of JobSets that a TrainJob ran as, whose pods are counted here."
    )


class TrainingReportSpec(Model):
    """Everything needed to recompute the account."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            ("self == oldSelf", "a TrainingReport is the record of what happened and cannot be changed")
        )
    )

    workload: AccountedWorkload | None = Field(
        default=None, description="The object accounted for, where it was no TrainingJob."
    )
    job: str = Field(max_length=253, description="Name of the TrainingJob, or of the workload.")
    job_uid: str = Field(max_length=64, description="uid of the TrainingJob, or of the workload.")
    state: str = Field(max_length=64, description="Reason of the Succeeded condition.")
    succeeded: bool = Field(description="Whether the job succeeded.")
    message: str = Field(default="", max_length=1024, description="How it ended, in a sentence.")
    created_time: datetime | None = Field(default=None, description="When the job was created.")
    completion_time: datetime | None = Field(default=None, description="When the job finished.")
    fingerprint: Sha256 | None = Field(
        default=None,
        description="Digest of task, dataset, objective and fromScratch; equal for a job and its control. Absent for a workload.",
    )
    control: bool = Field(default=False, description="Whether this was a control: mode Never.")
    request: TrainingJobSpec | None = Field(default=None, description="The job's spec.")
    decision: DecisionStatus | None = Field(default=None, description="The frozen decision in brief.")
    decision_record: str = Field(
        default="", max_length=16384, description="The whole decision record: canonical JSON, zlib, base64."
    )
    account_record: str = Field(
        default="",
        max_length=131072,
        description="What the account was computed from (pods, profiles, intensities, PUE): canonical JSON, zlib, base64.",
    )
    attempts: list[AttemptStatus] = Field(
        default_factory=list, max_length=16, description="Everything run for the job."
    )
    result: ResultStatus | None = Field(default=None, description="The best attempt.")
    totals: TotalsStatus | None = Field(default=None, description="The account of every attempt.")
    slots: list[EnergySlot] = Field(default_factory=list, max_length=96, description="Energy by stretch of time.")
    gaps: list[Sentence] = Field(
        default_factory=list, max_length=32, description="What is missing from the account, in sentences."
    )

    @property
    def subject(self) -> str:
        """The job's name; of a workload kind and name, as kubectl writes them: job/nightly."""
        return f"{self.workload.kind.lower()}/{self.workload.name}" if self.workload else self.job


class TrainingReport(Model):
    """The final account of one job."""

    plural: ClassVar[str] = "trainingreports"
    short_names: ClassVar[tuple[str, ...]] = ("trep",)
    scope: ClassVar[str] = "Namespaced"
    columns: ClassVar[tuple[Column, ...]] = (
        Column("Job", "string", ".spec.job", "TrainingJob"),
        Column("State", "string", ".spec.state", "How it ended"),
        Column("Method", "string", ".spec.decision.method", "Method of the first rung"),
        Column("Quality", "string", ".spec.result.quality", "Quality of the best attempt"),
        Column("Joules", "string", ".spec.totals.energyJoules", "Facility energy in joules"),
        Column("Avoided g", "string", ".spec.totals.avoided.low", "Carbon avoided in grams, low bound"),
        Column("Basis", "string", ".spec.totals.avoided.basis", "Where the counterfactual comes from"),
        Column("Age", "date", ".metadata.creationTimestamp", "Time since creation"),
    )

    api_version: str = API_VERSION
    kind: str = "TrainingReport"
    metadata: ObjectMeta = Field(default_factory=ObjectMeta)
    spec: TrainingReportSpec

    def under(self, name: str) -> Self:
        """The same report with another name."""
        return self.model_copy(update={"metadata": self.metadata.model_copy(update={"name": name})})
