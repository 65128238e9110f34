"""What a pod is told: the content of /coppice/run.json, and where everything lies in its file system.

The file is an annotation of the pod template shown through a downwardAPI volume: it needs no object of its own and
cannot change while the child lives. The price is the 256 KiB that all annotations of an object share, so it holds
names, digests and numbers and never data. The operator writes it, the built-in trainer and a user's own container
read it; docs/pod-contract.md is the same contract in prose.
"""

from typing import Any, Self

from pydantic import Field, model_validator

from coppice.api.base import DecimalString, Model, Name, Sha256, ShortText
from coppice.api.basemodel import MOST_OBLIGATIONS
from coppice.api.trainer_spec import Hyperparameters
from coppice.api.vocabulary import AttemptKind, BaseModelKind, DataFormat, Direction, Method, Metric

RUN_FILE = "/coppice/run.json"
"""One file: mount the downwardAPI volume here with `subPath: run.json`."""
CLAIMS_DIRECTORY = "/coppice/claims"
"""Every claim that a `pvc://CLAIM/PATH` source names, mounted read-only at CLAIMS_DIRECTORY/CLAIM."""
OUTPUT_MOUNT = "/coppice/output"
"""The output claim, writable."""
WORK_MOUNT = "/coppice/work"
"""An emptyDir for fetched files, caches (HF_HOME) and temporary files; shared by the fetch step and the trainer."""
FILE_ROOTS = ("/opt/coppice/models", "/opt/coppice/data")
"""The only places in the image that a `file://` source may name."""
TERMINATION_LOG = "/dev/termination-log"
TERMINATION_LIMIT_BYTES = 4096

TRAINER_CONTAINER = "trainer"
FETCH_CONTAINER = "fetch"

POD_UID_VARIABLE = "POD_UID"
POD_NAME_VARIABLE = "POD_NAME"
POD_NAMESPACE_VARIABLE = "POD_NAMESPACE"
NODE_NAME_VARIABLE = "NODE_NAME"
INDEX_VARIABLE = "JOB_COMPLETION_INDEX"

EXIT_DONE = 0
"""A result was written; whether it meets the target is for the operator to say."""
EXIT_INTERNAL = 1
"""Unexpected error in the trainer; final."""
EXIT_USAGE = 64
"""run.json or the command line cannot be understood; final."""
EXIT_BAD_DATA = 65
"""The data or the base model does not fit the job (missing column, unknown label); final."""
EXIT_SOURCE_MISSING = 66
"""A source does not exist; final."""
EXIT_OUT_OF_MEMORY = 71
"""Memory of host or accelerator exhausted where the program could still say so; final for this configuration."""
EXIT_RESUME = 75
"""Checkpointed on request; start me again."""
EXIT_REFUSED = 77
"""A source breaks a rule of trust (digest, pickle, remote code, host, path); final."""
EXIT_RETRY = 200
"""A fault outside the job, such as a server that does not answer; worth another try."""


class FileSource(Model):
    """One file to fetch: where from, and what it must be."""

    name: str = Field(
        min_length=1, max_length=256, description="Where it goes below its directory, such as config.json."
    )
    uri: str = Field(
        max_length=1024, description="pvc://CLAIM/PATH, file:///PATH below a fixed root, or https://HOST/PATH."
    )
    digest: Sha256 | None = Field(
        default=None, description="sha256 of the content; always given for a base model's files."
    )
    size_bytes: int | None = Field(default=None, ge=0, description="Size in bytes, checked before the digest.")


class RunBaseModel(Model):
    """The base model of a rung, with every file it consists of."""

    kind: BaseModelKind = BaseModelKind.CLUSTER
    name: Name
    license: ShortText = Field(default="", description="Licence of the base model, for the model card.")
    directory: str = Field(max_length=1024, description="Where its verified files stand for the trainer.")
    files: tuple[FileSource, ...] = Field(max_length=256)


class Rung(Model):
    """One thing to run: a method and, unless it is FromScratch, a base model."""

    method: Method
    base_model: RunBaseModel | None = None
    hyperparameters: Hyperparameters = Hyperparameters()


class RunDataset(Model):
    """Training and evaluation data, one file each."""

    format: DataFormat
    columns: dict[str, ShortText] = Field(
        default_factory=dict,
        max_length=8,
        description="Column by role (text, image, label); a missing role is its own column.",
    )
    train: FileSource
    evaluation: FileSource | None = Field(
        default=None, description="Absent: a seeded tenth of train is held out and judged by."
    )
    directory: str = Field(max_length=1024, description="Where the verified files stand, each under its `name`.")
    license: ShortText = ""
    name: ShortText = Field(default="", description="How the model card calls it.")


class RunProbe(Model):
    """How large a sample of the training data a probe looks at; both parts come from the training file."""

    examples: int = Field(ge=1, description="Training examples that the linear head and the neighbours learn from.")
    held_out: int = Field(ge=1, description="Most examples of the validation part that they are judged on.")


class RunObjective(Model):
    """What the model is measured by."""

    metric: Metric
    direction: Direction
    target: DecimalString | None = None


class RunFromScratch(Model):
    """How a model without a base model is made."""

    config: dict[str, Any] = Field(description="A transformers configuration with model_type.")
    tokenizer: RunBaseModel | None = Field(
        default=None, description="Base model whose tokenizer or preprocessor files are fetched; its weights are not."
    )
    epochs: int = Field(default=10, ge=1, description="Most passes; early stopping may need fewer.")


class RunLimits(Model):
    """What is left of the job's limits when this attempt starts."""

    run_seconds: int | None = Field(
        default=None, ge=0, description="Run time left, in seconds; training stops in time to evaluate."
    )


class RunMeter(Model):
    """Figures of the ComputeProfile that turn activity into joules."""

    host_idle_watts: DecimalString | None = Field(default=None, ge=0)
    host_peak_watts: DecimalString | None = Field(default=None, ge=0)
    host_cores: int | None = Field(default=None, ge=1, description="Schedulable cores of the node.")
    accelerator_idle_watts: DecimalString | None = Field(default=None, ge=0)
    accelerator_peak_watts: DecimalString | None = Field(default=None, ge=0)


class RunFetch(Model):
    """From where https:// sources may be fetched."""

    allowed_hosts: tuple[ShortText, ...] = Field(
        default=(), max_length=64, description="Host names; `*.example.org` covers its subdomains."
    )
    allowed_networks: tuple[ShortText, ...] = Field(
        default=(), max_length=64, description="CIDRs of loopback or private networks that hosts may resolve to."
    )
    ca_bundle: str | None = Field(
        default=None, max_length=1024, description="PEM file with further certificate authorities."
    )


class ModelCard(Model):
    """What the trained model's README says beyond what the run knows."""

    name: ShortText = ""
    license: ShortText = Field(default="", description="Licence computed from the chain, never typed by the user.")
    languages: tuple[ShortText, ...] = Field(default=(), max_length=32)
    obligations: tuple[str, ...] = Field(default=(), max_length=MOST_OBLIGATIONS)


class Run(Model):
    """One attempt of one job, as its pods are told."""

    job_uid: str = Field(max_length=64)
    job_name: Name
    namespace: Name
    attempt: int = Field(ge=1)
    kind: AttemptKind
    rungs: tuple[Rung, ...] = Field(
        min_length=1,
        max_length=8,
        description="What to run: one rung; for kind Probe a LinearProbe of each base model that is looked at.",
    )
    probe: RunProbe | None = Field(default=None, description="The sample, for kind Probe.")
    task: ShortText
    dataset: RunDataset
    objective: RunObjective
    seed: int = Field(default=7, ge=0, lt=2**32)
    output_directory: str = Field(max_length=1024, description="This attempt's own directory on the output volume.")
    cache_directory: str | None = Field(
        default=None, max_length=1024, description="Computed features kept for later runs."
    )
    from_scratch: RunFromScratch | None = None
    checkpoint_seconds: int = Field(default=120, ge=1, description="Longest time between two checkpoints, in seconds.")
    limits: RunLimits = RunLimits()
    meter: RunMeter = RunMeter()
    fetch: RunFetch = RunFetch()
    card: ModelCard = ModelCard()

    @model_validator(mode="after")
    def _only_a_probe_has_several_rungs(self) -> Self:
        if self.kind is AttemptKind.PROBE:
            if self.probe is None:
                raise ValueError("kind Probe needs probe: the size of its sample")
            if any(rung.method is not Method.LINEAR_PROBE or rung.base_model is None for rung in self.rungs):
                raise ValueError("kind Probe takes rungs of method LinearProbe, each with a base model")
        elif len(self.rungs) > 1:
            raise ValueError(f"kind {self.kind.value} runs one rung, {len(self.rungs)} are given")
        return self

    def to_json(self) -> str:
        """The text for the annotation: compact, aliases, no nulls."""
        return self.model_dump_json(by_alias=True, exclude_none=True)

    @property
    def rung(self) -> Rung:
        """The rung that runs; of a probe, the first of several."""
        return self.rungs[0]

    def alone(self, rung: Rung) -> "Run":
        """The same run with one of its rungs."""
        return self.model_copy(update={"rungs": (rung,)})

    @property
    def model_directory(self) -> str:
        """Where the trained model stands, ready for `from_pretrained`."""
        return f"{self.output_directory}/{MODEL_DIRECTORY}"


MODEL_DIRECTORY = "model"
"""Below the output directory: the model. Beside it: checkpoints/, pods/ (a result per pod uid) and result.json."""


def output_directory(path: str, job_uid: str, attempt: int) -> str:
    """The directory of one attempt on the output volume: no two attempts, and no two lives of a name, share one."""
    return f"{OUTPUT_MOUNT}/{path.strip('/')}/{job_uid.replace('-', '')[:5]}-{attempt}".replace("//", "/")


def base_model_directory(kind: BaseModelKind, name: str) -> str:
    """Where the fetch step puts a base model's verified files."""
    return f"{WORK_MOUNT}/models/{kind.value}/{name}"


DATA_DIRECTORY = f"{WORK_MOUNT}/data"
"""Where the fetch step puts training and evaluation data."""


def parse_run(text: str) -> Run:
    """The run that a text holds; raises pydantic's ValidationError, which names the field."""
    return Run.model_validate_json(text)
