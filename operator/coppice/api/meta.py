"""Metadata, references and conditions: the parts that Kubernetes gives to every object."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from coppice.api.base import Model, Name
from coppice.api.vocabulary import BaseModelKind


class OwnerReference(Model):
    """Which object owns this one."""

    api_version: str
    kind: str
    name: str
    uid: str
    controller: bool = False
    block_owner_deletion: bool = False


class ObjectMeta(Model):
    """The part of Kubernetes metadata that Coppice reads; unknown fields are ignored."""

    name: str = ""
    namespace: str | None = None
    uid: str = ""
    generation: int = 1
    resource_version: str = ""
    creation_timestamp: datetime | None = None
    deletion_timestamp: datetime | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)
    owner_references: tuple[OwnerReference, ...] = ()


class Condition(Model):
    """One observed aspect of an object, as the Kubernetes API conventions define it."""

    type: str = Field(max_length=64, description="Name of the condition, such as Succeeded.")
    status: Literal["True", "False", "Unknown"] = Field(description="True, False, or Unknown when it is not yet known.")
    reason: str = Field(max_length=64, description="One word that programs can test.")
    message: str = Field(default="", max_length=1024, description="A sentence for the person who must act.")
    observed_generation: int | None = Field(default=None, description="The spec generation this was computed from.")
    last_transition_time: datetime = Field(description="When status last changed.")


class BaseModelReference(Model):
    """Names a base model: a BaseModel of the job's namespace or a ClusterBaseModel."""

    kind: BaseModelKind = Field(default=BaseModelKind.CLUSTER, description="BaseModel or ClusterBaseModel.")
    name: Name = Field(description="Name of the base model.")
