"""TrainingApproval: somebody who may says yes to one decision.

It names the job's uid and the decision's digest, so that it cannot serve another job, another life of the same name or
another plan. Making one is a right of its own: whoever may create TrainingJobs does not have it by that.
"""

from datetime import datetime
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from coppice.api.base import API_VERSION, Model, Sha256, matching
from coppice.api.meta import ObjectMeta
from coppice.api.rules import Column, rules


class TrainingApprovalSpec(Model):
    """Yes to one decision of one job."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            ("self == oldSelf", "a TrainingApproval cannot be changed: delete it and create another")
        )
    )

    job: Annotated[str, matching(r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", 45, "must be the name of a TrainingJob")] = Field(
        description="TrainingJob of this namespace."
    )
    job_uid: str = Field(min_length=1, max_length=64, description="uid of that TrainingJob: metadata.uid.")
    decision_digest: Sha256 = Field(description="Digest of the decision approved: status.decision.digest.")
    expires: datetime | None = Field(
        default=None,
        description="Moment after which it no longer lets a job start; one that began goes on. Unset: never.",
    )
    message: str = Field(default="", max_length=1024, description="Why, for the record.")


class TrainingApproval(Model):
    """Yes to one decision of one TrainingJob, by somebody who has the right to say so."""

    plural: ClassVar[str] = "trainingapprovals"
    short_names: ClassVar[tuple[str, ...]] = ("tappr",)
    scope: ClassVar[str] = "Namespaced"
    columns: ClassVar[tuple[Column, ...]] = (
        Column("Job", "string", ".spec.job", "TrainingJob approved"),
        Column("Expires", "date", ".spec.expires", "When it lapses"),
        Column("Age", "date", ".metadata.creationTimestamp", "Time since creation"),
        Column("Decision", "string", ".spec.decisionDigest", "Digest of the decision", priority=1),
    )

    api_version: str = API_VERSION
    kind: str = "TrainingApproval"
    metadata: ObjectMeta = Field(default_factory=ObjectMeta)
    spec: TrainingApprovalSpec
