"""BaseModel and ClusterBaseModel: a pre-trained model that may be reused.

Both kinds share one spec. A figure that no public source states is absent, never guessed: a check that needs it
says so.
"""

from datetime import datetime
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from coppice.api.base import API_VERSION, DecimalString, Model, Name, Quantity, Sha256, ShortText, matching
from coppice.api.dataset import Domain, Language, Task, Uri
from coppice.api.meta import BaseModelReference, Condition, ObjectMeta
from coppice.api.rules import Column, rules
from coppice.api.vocabulary import Method, Metric

MOST_OBLIGATIONS = 64
"""Obligations that a model and its card carry."""
FILE_NAME_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*$"
FileName = Annotated[
    str,
    matching(
        FILE_NAME_PATTERN,
        256,
        "must be a path below source.uri without '..' and hidden names, such as model.safetensors",
    ),
]


class ModelFile(Model):
    """One file of the model; nothing that is not listed is fetched."""

    name: FileName = Field(description="Path below source.uri, such as model.safetensors.")
    size_bytes: int | None = Field(default=None, ge=0, le=2**50, description="Size in bytes; verified.")
    digest: Sha256 | None = Field(
        default=None, description="sha256 of the file; verified. Without it the model is not Ready."
    )


class Source(Model):
    """Where the files are."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "self.files.exists(f, f.name.endsWith('.safetensors'))",
                "source.files must list the weights as .safetensors: pickled weights can run code and are refused",
            ),
            (
                "!self.files.exists(f, f.name.matches('[.](bin|pt|pth|pkl|pickle|ckpt|h5|joblib)$'))",
                "source.files must not list pickled weights (.bin, .pt, .pth, .pkl, .ckpt, .h5): convert them to safetensors",
            ),
        )
    )

    uri: Uri = Field(
        description="Directory of the files: pvc://CLAIM/PATH, file:///PATH below a fixed root, or https://HOST/PATH."
    )
    revision: str = Field(default="", max_length=128, description="Revision at the source, for the record.")
    files: list[ModelFile] = Field(
        min_length=1,
        max_length=128,
        description="Every file of the model.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
    )


class Architecture(Model):
    """What estimates need to know of the network."""

    family: ShortText = Field(description="Architecture family, such as bert, vit, resnet or llama.")
    parameters: int = Field(ge=1, le=10**14, description="All parameters.")
    embedding_parameters: int | None = Field(
        default=None, ge=0, le=10**14, description="Parameters of input embeddings, which cost no FLOPs."
    )
    layers: int | None = Field(default=None, ge=1, le=10000, description="Transformer blocks.")
    hidden_size: int | None = Field(default=None, ge=1, le=10**6, description="Width of the hidden state.")
    active_parameters: int | None = Field(
        default=None,
        ge=1,
        le=10**14,
        description="Parameters that one token passes through, of a mixture of experts; unset: all of them.",
    )
    intermediate_size: int | None = Field(
        default=None, ge=1, le=10**7, description="Inner width of a block's feed-forward part (of one expert)."
    )
    attention_heads: int | None = Field(default=None, ge=1, le=10**5, description="Attention heads of a block.")
    key_value_heads: int | None = Field(
        default=None, ge=1, le=10**5, description="Key and value heads of a block; unset: as many as attention heads."
    )
    vocabulary_size: int | None = Field(default=None, ge=1, le=10**8, description="Entries of the vocabulary.")
    dtype: ShortText | None = Field(default=None, description="Type the weights are stored in, such as F32 or BF16.")
    max_sequence_length: int | None = Field(default=None, ge=1, le=10**8, description="Longest input in tokens.")
    image_size: int | None = Field(default=None, ge=1, le=10**5, description="Image side in pixels the weights expect.")
    forward_flops_per_example: int | None = Field(
        default=None,
        ge=1,
        le=10**18,
        description="Counted forward FLOPs of one example (2 per multiply-add); needed for convolutional networks.",
    )
    trust_remote_code: bool = Field(
        default=False, description="Whether the model needs code of its own; such a model is never used."
    )


class Evaluation(Model):
    """A recorded result of the model."""

    task: str = Field(max_length=64, description="Hugging Face pipeline tag.")
    dataset: ShortText = Field(description="Name or digest of the data.")
    metric: Metric = Field(description="What was measured.")
    value: DecimalString = Field(description="Its value.")
    source: str = Field(
        default="", max_length=512, description="Where the figure comes from: URL with date, or a report's name."
    )


class Lineage(Model):
    """Where a derived model comes from."""

    base_model: BaseModelReference | None = Field(
        default=None, description="The model it was fine-tuned from; absent from scratch."
    )
    base_license: ShortText | None = Field(default=None, description="Licence of that model at the time.")
    dataset_license: ShortText | None = Field(default=None, description="Licence of the training data.")
    obligations: list[Annotated[str, Field(max_length=256)]] = Field(
        default_factory=list,
        max_length=MOST_OBLIGATIONS,
        description="What the licences of its base model and data asked of the use that its job stated.",
    )
    job: str = Field(default="", max_length=253, description="TrainingJob that made it, as namespace/name.")
    report: str = Field(default="", max_length=253, description="TrainingReport with its account.")
    method: Method | None = Field(default=None, description="How its base model was used.")
    energy_joules: DecimalString | None = Field(default=None, description="Facility energy of that job in joules.")
    carbon_grams: DecimalString | None = Field(
        default=None, description="Operational plus embodied carbon of that job in gCO2e."
    )
    evidence: ShortText | None = Field(default=None, description="Evaluated or SelfReported.")


class Pretraining(Model):
    """Disclosed footprint of the pre-training: shown beside a job's account, never added to it."""

    energy_kilowatt_hours: DecimalString | None = Field(default=None, description="Energy in kilowatt-hours.")
    carbon_kilograms: DecimalString | None = Field(default=None, description="Carbon in kgCO2e.")
    source: str = Field(default="", max_length=512, description="Where the figures come from.")


class Reference(Model):
    """Where some of the figures come from."""

    fields: list[ShortText] = Field(
        min_length=1,
        max_length=32,
        description="Fields of spec it vouches for, such as license or architecture.layers.",
    )
    url: str = Field(max_length=512, description="Public address.")
    retrieved: ShortText = Field(description="Day it was read, such as 2026-05-17.")


class BaseModelSpec(Model):
    """What is known of a pre-trained model."""

    description: str = Field(default="", max_length=1024, description="One or two sentences about the model.")
    source: Source = Field(description="Where the files are.")
    license: ShortText = Field(description="SPDX expression, or LicenseRef-… for licences SPDX does not know.")
    tasks: list[Task] = Field(
        max_length=16, min_length=1, description="Pipeline tags it can be used for, as it is or with a new head."
    )
    head: str | None = Field(
        default=None, max_length=64, description="Pipeline tag whose trained head the weights include; absent: no head."
    )
    head_labels: list[Annotated[str, Field(max_length=128)]] = Field(
        default_factory=list, max_length=1024, description="Classes of that head, in order."
    )
    modality: Literal["text", "image", "audio", "multimodal"] = Field(
        description="What it reads: text, image, audio or multimodal."
    )
    domains: list[Domain] = Field(
        default_factory=list, max_length=16, description="What its training data was about, such as text/news."
    )
    excluded_domains: list[Domain] = Field(
        default_factory=list, max_length=16, description="Domains it must not be used for."
    )
    languages: list[Language] = Field(
        default_factory=list, max_length=256, description="BCP 47 languages it knows; empty for other modalities."
    )
    architecture: Architecture = Field(description="What estimates need to know of the network.")
    methods: list[Method] = Field(
        default_factory=list, max_length=5, description="Methods it supports; empty means all that its task allows."
    )
    evaluations: list[Evaluation] = Field(default_factory=list, max_length=32, description="Recorded results.")
    limitations: list[Annotated[str, Field(max_length=256)]] = Field(
        default_factory=list, max_length=16, description="Known biases and limits from its training data."
    )
    lineage: Lineage | None = Field(default=None, description="Where a derived model comes from.")
    pretraining: Pretraining | None = Field(default=None, description="Disclosed footprint of the pre-training.")
    price_per_job: DecimalString | None = Field(
        default=None, description="Licence price for one job, in the installation's currency."
    )
    price_per_month: DecimalString | None = Field(
        default=None,
        description="Licence price for a month of use, in the installation's currency; a job bears its run time's share.",
    )
    references: list[Reference] = Field(
        default_factory=list, max_length=32, description="Where the figures come from; a figure without one is absent."
    )
    min_memory: Quantity | None = Field(default=None, description="Least memory a pod needs to load it, such as 2Gi.")


class BaseModelStatus(Model):
    """Whether the model can be used."""

    observed_generation: int = Field(default=0, ge=0, description="Spec generation this status was computed from.")
    conditions: tuple[Condition, ...] = Field(
        default=(),
        max_length=8,
        description="Ready.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    )
    last_used_time: datetime | None = Field(default=None, description="When a job last chose it.")


_COLUMNS = (
    Column("Ready", "string", '.status.conditions[?(@.type=="Ready")].status', "Whether jobs may use it"),
    Column("Tasks", "string", ".spec.tasks", "Pipeline tags"),
    Column("License", "string", ".spec.license", "Licence"),
    Column("Parameters", "integer", ".spec.architecture.parameters", "Number of parameters"),
    Column("Age", "date", ".metadata.creationTimestamp", "Time since creation"),
    Column("Reason", "string", '.status.conditions[?(@.type=="Ready")].reason', "Why it is ready or not", priority=1),
    Column("Source", "string", ".spec.source.uri", "Where the files are", priority=1),
)


class BaseModelObject(Model):
    """A pre-trained model that jobs of its namespace may reuse."""

    plural: ClassVar[str] = "basemodels"
    short_names: ClassVar[tuple[str, ...]] = ("bm",)
    scope: ClassVar[str] = "Namespaced"
    columns: ClassVar[tuple[Column, ...]] = _COLUMNS

    api_version: str = API_VERSION
    kind: str = "BaseModel"
    metadata: ObjectMeta = Field(default_factory=ObjectMeta)
    spec: BaseModelSpec
    status: BaseModelStatus | None = None


class ClusterBaseModel(BaseModelObject):
    """A pre-trained model that jobs of every namespace may reuse."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "!self.spec.source.uri.startsWith('pvc://')",
                "spec.source.uri: a ClusterBaseModel belongs to no namespace and cannot use pvc://; use file:// or https://, or a BaseModel",
            )
        )
    )

    plural: ClassVar[str] = "clusterbasemodels"
    short_names: ClassVar[tuple[str, ...]] = ("cbm",)
    scope: ClassVar[str] = "Cluster"

    kind: str = "ClusterBaseModel"


__all__ = [
    "Architecture",
    "BaseModelObject",
    "BaseModelSpec",
    "BaseModelStatus",
    "ClusterBaseModel",
    "Evaluation",
    "Lineage",
    "ModelFile",
    "Name",
    "Pretraining",
    "Reference",
    "Source",
]
