"""TrainingJob: what a user wants trained, to what quality, within which limits.

The spec is the user's; everything in it but five fields is fixed once created, because a decision that was made
for one text must not be run for another. The CEL rules say so in sentences; `status` is in its own module.
"""

from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict, Field

from coppice.api.base import (
    API_VERSION,
    DecimalString,
    Model,
    Name,
    Quantity,
    matching,
)
from coppice.api.dataset import Dataset, Domain, Language, Task
from coppice.api.meta import BaseModelReference, ObjectMeta
from coppice.api.rules import Column, immutable, rules
from coppice.api.trainer_spec import Trainer
from coppice.api.trainingjob_status import TrainingJobStatus
from coppice.api.vocabulary import (
    Backend,
    Direction,
    Distribution,
    Method,
    Metric,
    Mode,
    OnMiss,
    OptimizeFor,
    Probing,
)


class Objective(Model):
    """The quality to reach."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "self.metric != 'Custom' || has(self.direction)",
                "objective.direction is required for metric Custom: say Maximize or Minimize",
            ),
            (
                "self.metric == 'Custom' || !has(self.direction) || (self.metric == 'Loss') == (self.direction == 'Minimize')",
                "objective.direction contradicts objective.metric: leave direction out for a known metric",
            ),
            (
                "!has(self.target) || self.metric in ['Custom', 'Loss'] || (double(self.target) > 0.0 && double(self.target) <= 1.0)",
                "objective.target of this metric is a ratio above 0 and at most 1, such as '0.95' for 95 %",
            ),
        )
    )

    metric: Metric = Field(default=Metric.ACCURACY, description="What is measured on the evaluation data.")
    direction: Direction | None = Field(default=None, description="Which way is better; only for metric Custom.")
    target: DecimalString | None = Field(
        default=None,
        description="Value to reach, as a decimal string such as '0.95'. Without it a job substitutes nothing by itself.",
    )
    on_miss: OnMiss = Field(
        default=OnMiss.FAIL, description="Fail or Accept the best attempt when no rung reached the target."
    )


class FromScratch(Model):
    """The user's own plan of training without a base model: the declared counterfactual and the last rung."""

    config: dict[str, Any] = Field(
        description="Model configuration as in a Hugging Face config.json, with model_type.",
        json_schema_extra={"x-kubernetes-preserve-unknown-fields": True},
        max_length=128,
    )
    tokenizer_from: BaseModelReference | None = Field(
        default=None, description="Base model whose tokenizer or preprocessor is used; its weights are not."
    )
    epochs: int = Field(
        ge=1, le=10000, description="Most passes over the training data; early stopping may need fewer."
    )


class Substitution(Model):
    """How far Coppice may go in replacing training from scratch."""

    mode: Mode | None = Field(
        default=None,
        description="Auto chooses the better plan, Recommend runs scratch and records what was forgone, Require refuses scratch, "
        "Never stays out. Unset: the policy's, else Auto.",
    )
    methods: list[Method] = Field(default_factory=list, max_length=6, description="Methods allowed; empty means all.")
    base_models: list[BaseModelReference] = Field(
        default_factory=list, max_length=16, description="Base models allowed; empty means every registered one."
    )
    optimize_for: OptimizeFor | None = Field(
        default=None, description="Unit in which plans are compared. Unset: the policy's, else Carbon."
    )
    probe: Probing | None = Field(
        default=None,
        description="Auto tries several candidates on a sample of the data where that is worth its cost; Never does not. "
        "Unset: Auto, unless a policy says Never.",
    )


class Use(Model):
    """What the trained model is for; licences are checked against it."""

    commercial: bool | None = Field(default=None, description="Whether it serves commercial purposes. Unset: true.")
    distribution: Distribution | None = Field(default=None, description="Who gets the model. Unset: Distributed.")
    monthly_active_users: int | None = Field(
        default=None,
        ge=0,
        le=10**10,
        description="Monthly active users of the products and services of whoever uses the model; some licences end at a number.",
    )


class Limits(Model):
    """What all attempts of the job together may use."""

    energy_watt_hours: int | None = Field(default=None, ge=1, le=10**12, description="Facility energy in watt-hours.")
    carbon_grams: int | None = Field(
        default=None, ge=1, le=10**12, description="Operational plus embodied carbon in gCO2e."
    )
    run_seconds: int | None = Field(
        default=None,
        ge=1,
        le=10**8,
        description="Run time in seconds, summed over attempts; waiting in a queue does not count.",
    )


class Resources(Model):
    """Upper bounds on what an attempt may ask for; unset means chosen by Coppice."""

    profiles: list[Name] = Field(
        default_factory=list, max_length=16, description="ComputeProfiles allowed; empty means all."
    )
    accelerators_per_pod: int | None = Field(
        default=None, ge=0, le=64, description="Most accelerators a pod may ask for."
    )
    pods: int | None = Field(default=None, ge=1, le=256, description="Most pods of one attempt.")
    cpu: Quantity | None = Field(default=None, description="CPU cores of each pod, such as '2'.")
    memory: Quantity | None = Field(default=None, description="Memory of each pod, such as 8Gi.")


OutputPath = Annotated[
    str, matching(r"^[A-Za-z0-9._/-]*$", 512, "must be a path of letters, digits, '.', '_', '-' and '/'")
]


class Output(Model):
    """Where the model is kept."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "!has(self.path) || (!self.path.startsWith('/') && !self.path.matches('(^|/)[.][.](/|$)'))",
                "output.path is relative to the claim's root and must not contain '..'",
            )
        )
    )

    claim_name: Name | None = Field(
        default=None,
        description="Existing PersistentVolumeClaim. Unset: one is made, labelled with the job and kept after it.",
    )
    path: OutputPath = Field(default="", description="Directory in the claim. Unset: the job's name.")
    size: Quantity = Field(default="5Gi", description="Size of a claim that is made.")
    storage_class_name: Name | None = Field(
        default=None, description="Storage class of a claim that is made. Unset: the cluster's default."
    )


class Register(Model):
    """Makes the finished job's model a BaseModel of the namespace."""

    name: Name = Field(description="Name of the BaseModel to create.")
    domains: list[Domain] = Field(
        default_factory=list, max_length=16, description="Domains of the BaseModel. Unset: the job's."
    )


class Scheduling(Model):
    """Which engine runs the attempts and which queue admits them."""

    backend: Backend = Field(default=Backend.JOB, description="Batch engine that runs the attempts.")
    queue_name: Name | None = Field(
        default=None, description="Kueue LocalQueue that admits the attempts. May change while suspended."
    )


class TrainingJobSpec(Model):
    """What a user wants trained, to what quality, within which limits."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            *immutable(
                required=("task", "dataset", "objective", "maxAttempts", "managedBy"),
                optional=(
                    "domains",
                    "languages",
                    "fromScratch",
                    "substitution",
                    "use",
                    "limits",
                    "resources",
                    "output",
                    "trainer",
                    "register",
                ),
            ),
            (
                "!has(oldSelf.acknowledge) || (has(self.acknowledge) && oldSelf.acknowledge.all(a, a in self.acknowledge))",
                "spec.acknowledge can only grow: what was accepted cannot be taken back",
            ),
            (
                "(has(self.scheduling) ? self.scheduling.backend : 'Job') == (has(oldSelf.scheduling) ? oldSelf.scheduling.backend : 'Job')",
                "spec.scheduling.backend cannot change: create a new TrainingJob instead",
            ),
            (
                "self.suspend || oldSelf.suspend || (has(self.scheduling) && has(self.scheduling.queueName) ? self.scheduling.queueName : '') == "
                "(has(oldSelf.scheduling) && has(oldSelf.scheduling.queueName) ? oldSelf.scheduling.queueName : '')",
                "spec.scheduling.queueName can change only while spec.suspend is true: suspend the job first",
            ),
            (
                "!has(self.substitution) || !has(self.substitution.mode) || !(self.substitution.mode in ['Never', 'Recommend']) || has(self.fromScratch)"
                " || (has(self.trainer) && (has(self.trainer.container) || has(self.trainer.template)))",
                "substitution.mode Never and Recommend train from scratch: add fromScratch, trainer.container or trainer.template",
            ),
            (
                "!has(self.substitution) || !has(self.substitution.mode) || self.substitution.mode != 'Require' || has(self.objective.target)",
                "substitution.mode Require needs objective.target, else nothing says when a base model is good enough",
            ),
        )
    )

    task: Task = Field(description="Hugging Face pipeline tag, such as text-classification.")
    domains: list[Domain] = Field(
        default_factory=list,
        max_length=8,
        description="What the data is about, such as text/news; the closer a base model's, the likelier it serves.",
    )
    languages: list[Language] = Field(
        default_factory=list, max_length=32, description="BCP 47 languages of the data, such as en."
    )
    dataset: Dataset = Field(description="The examples to learn from and those to be judged by.")
    objective: Objective = Field(description="The quality to reach.")
    from_scratch: FromScratch | None = Field(
        default=None, description="Plan without a base model: the declared counterfactual and the last rung."
    )
    substitution: Substitution | None = Field(
        default=None, description="How far Coppice may go in replacing training from scratch."
    )
    use: Use | None = Field(default=None, description="What the trained model is for; licences are checked against it.")
    limits: Limits | None = Field(default=None, description="What all attempts of the job together may use.")
    max_attempts: int = Field(default=3, ge=1, le=8, description="Most Train attempts; resumed pods do not count.")
    resources: Resources | None = Field(default=None, description="Upper bounds on what an attempt may ask for.")
    output: Output | None = Field(default=None, description="Where the model is kept.")
    trainer: Trainer | None = Field(default=None, description="Seed, hyper-parameters, or a container of your own.")
    register_as: Register | None = Field(
        default=None, alias="register", description="Makes the finished job's model a BaseModel."
    )
    scheduling: Scheduling | None = Field(default=None, description="Batch engine and queue.")
    acknowledge: list[Annotated[str, Field(max_length=256)]] = Field(
        default_factory=list,
        max_length=32,
        description="Limitations and obligations accepted, as the Suspended condition names them.",
    )
    justification: str = Field(
        default="", max_length=1024, description="Why training from scratch is needed, for those who ask."
    )
    suspend: bool = Field(
        default=False,
        description="Stops the running attempt and starts none; false again resumes from the last checkpoint.",
    )
    managed_by: str = Field(
        default="coppice.dev/operator",
        max_length=253,
        description="Controller in charge; another value makes Coppice stay out.",
    )
    ttl_seconds_after_finished: int | None = Field(
        default=None, ge=0, le=10**9, description="Seconds after which a finished job is deleted; its report stays."
    )


class TrainingJob(Model):
    """A model that a user wants trained, to a quality, within limits."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "size(self.metadata.name) <= 45",
                "metadata.name must have at most 45 characters: the names of its pods are made from it",
            ),
        )
    )

    plural: ClassVar[str] = "trainingjobs"
    short_names: ClassVar[tuple[str, ...]] = ("tj",)
    scope: ClassVar[str] = "Namespaced"
    columns: ClassVar[tuple[Column, ...]] = (
        Column("State", "string", ".status.summary.state", "Reason of the Succeeded condition"),
        Column("Decision", "string", ".status.decision.method", "How a base model is used, or FromScratch"),
        Column("Base", "string", ".status.summary.base", "Base model of the current rung"),
        Column("GPUs", "integer", ".status.summary.accelerators", "Accelerators of the current attempt"),
        Column("kWh", "string", ".status.summary.energyKilowattHours", "Facility energy so far, in kilowatt-hours"),
        Column(
            "kgCO2e",
            "string",
            ".status.summary.carbonKilograms",
            "Operational and embodied carbon so far, in kilograms",
        ),
        Column(
            "Saved", "string", ".status.summary.saved", "Share of the counterfactual's carbon avoided, with its basis"
        ),
        Column("Age", "date", ".metadata.creationTimestamp", "Time since creation"),
        Column("Why", "string", ".status.decision.reason", "Reason of the decision", priority=1),
        Column("Quality", "string", ".status.result.quality", "Quality of the best attempt", priority=1),
        Column("Target", "string", ".spec.objective.target", "Quality to reach", priority=1),
        Column("Attempts", "string", ".status.summary.attempts", "Attempts made", priority=1),
    )

    api_version: str = API_VERSION
    kind: str = "TrainingJob"
    metadata: ObjectMeta = Field(default_factory=ObjectMeta)
    spec: TrainingJobSpec
    status: TrainingJobStatus | None = None
