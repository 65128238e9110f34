"""The decision record: everything that led to a choice, frozen when it is made.

The record is an annotation of the child, so it exists atomically with it and before any pod; status and report
copy it. It replays: the same record in, the same ladder out. Canonical JSON (sorted keys, no spaces) makes its
sha256 the name of the decision.
"""

import base64
import hashlib
import zlib
from datetime import datetime
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import Any

from pydantic import Field

from coppice.api.base import DecimalString, Interval, Model
from coppice.api.canonical import Canonical
from coppice.api.meta import BaseModelReference
from coppice.api.reasons import DecisionReason
from coppice.api.trainingjob_status import ProbedModel
from coppice.api.vocabulary import Basis, IntensityMethod, IntensitySignal, Method, Mode, OptimizeFor

MAX_ENCODED_BYTES = 8192
QUICK, BEST = 6, 9
"""Levels of zlib. The best takes twice as long for one percent less, so it is kept for what would else not fit."""
MAX_CANDIDATES = 20
SHORT_MESSAGE = 128
DECODED_RECORDS = 128
"""Records kept as they were read; one of twenty candidates takes some hundred kilobytes."""


class Intensity(Model):
    """A carbon intensity with everything needed to compare it honestly with another."""

    zone: str
    grams_per_kilowatt_hour: DecimalString
    method: IntensityMethod
    signal: IntensitySignal
    period: str = Field(description="Year or time range that the value stands for.")
    source: str
    as_of: datetime | None = Field(
        default=None, description="Since when the value holds; its age is the time since. Unset for a yearly one."
    )


class EstimateRecord(Canonical):
    """What a candidate is expected to use; facility energy, carbon operational plus embodied."""

    flops: Interval
    memory_bytes: Interval
    run_seconds: Interval
    energy_watt_hours: Interval
    operational_grams: Interval
    embodied_grams: Interval
    carbon_grams: Interval
    cost: Interval | None = None
    expected: DecimalString = Field(description="Mean in the unit of optimizeFor; of Cost without the data's price.")
    inputs: dict[str, DecimalString | str] = Field(default_factory=dict, description="Every input the estimate used.")


class ChanceRecord(Canonical):
    """Probability of meeting the objective: the prior, what moved it, and with how many observations."""

    value: DecimalString
    prior: DecimalString
    observations: int = 0
    basis: str = Field(description="'prior only', or where the observations come from.")
    suited: DecimalString | None = Field(
        default=None,
        description="Probability that the base model suits the job at all: its methods fail together. Unset from scratch.",
    )
    inputs: dict[str, DecimalString | str] = Field(default_factory=dict)


class CandidateRecord(Canonical):
    """Base model x method x accelerator configuration, with its estimate and chance."""

    method: Method
    base_model: BaseModelReference | None = None
    profile: str
    accelerators_per_pod: int = 0
    pods: int = 1
    estimate: EstimateRecord
    chance: ChanceRecord
    assumed: bool | None = Field(default=None, description="True where nobody declared what the plan costs.")
    hyperparameters: dict[str, DecimalString] = Field(default_factory=dict)


class CounterfactualRecord(Canonical):
    """What the job would cost from scratch."""

    basis: Basis
    estimate: EstimateRecord
    report: str = Field(default="", description="Report of the control, for basis Measured.")


class ProbeRecord(Canonical):
    """A probe that runs before the ladder is decided for good: several base models looked at on a sample of the data.

    The ladder beside it is what would run without the probe; it is decided again with what the probe has seen.
    """

    base_models: tuple[BaseModelReference, ...] = Field(min_length=1, max_length=8)
    examples: int = Field(ge=1, description="Training examples of the sample.")
    held_out: int = Field(ge=1, description="Held-out examples that the models are judged on.")
    profile: str
    accelerators_per_pod: int = 0
    estimate: EstimateRecord
    value: DecimalString = Field(
        description="What knowing the outcome is expected to save, in the unit of optimizeFor, before the probe's cost."
    )

    @property
    def method(self) -> Method:
        """What the probe does with each of its base models."""
        return Method.LINEAR_PROBE

    @property
    def base_model(self) -> None:
        """It has several."""
        return

    @property
    def pods(self) -> int:
        """The built-in trainer runs in one pod."""
        return 1


Runnable = CandidateRecord | ProbeRecord
"""What an attempt can run: one rung, or a probe of several base models."""


class SpentRecord(Model):
    """What the job's earlier attempts used up before this decision."""

    energy_watt_hours: DecimalString = Decimal(0)
    carbon_grams: DecimalString = Decimal(0)
    cost: DecimalString | None = None
    run_seconds: int = 0
    train_attempts: int = 0
    base_models: tuple[BaseModelReference, ...] | None = Field(
        default=None, description="Those that ran, whose price is paid; a record keeps the sum alone, in licenseAgain."
    )


class ScoreRecord(Model):
    """How the chances of recorded attempts stood up to what came out."""

    attempts: int = 0
    brier: DecimalString | None = Field(default=None, description="Mean square of chance minus outcome; 0 is perfect.")
    base_brier: DecimalString | None = Field(default=None, description="The same of the base rate of the attempts.")
    base_rate: DecimalString | None = Field(default=None, description="Share of the attempts that met their target.")
    statement: str = Field(
        description="Better than the base rate, no better (and how size ranks), or not judged yet; with the figures."
    )


class ControlsRecord(Model):
    """The first base models by rankings that know nothing of the job; they change no decision."""

    parameters: tuple[str, ...] = Field(default=(), description="By parameter count.")
    static_rank: tuple[str, ...] = Field(default=(), description="By mean rank on other data.")


class DecisionRecord(Canonical):
    """One decision, whole."""

    software_version: str
    decided_at: datetime
    job_uid: str
    generation: int
    mode: Mode
    optimize_for: OptimizeFor
    reason: DecisionReason
    message: str
    resolved: dict[str, Any]
    policies: tuple[str, ...] = ()
    intensity: Intensity
    pue: DecimalString
    spent: SpentRecord = SpentRecord()
    data_price: DecimalString | None = Field(
        default=None, description="Price of the data: in the cost of each rung and in what was spent, due once."
    )
    license_again: DecimalString | None = Field(
        default=None, description="pricePerJob in the cost of rungs whose base model ran or stands before; due once."
    )
    probe: ProbeRecord | None = Field(default=None, description="What runs first, before the ladder is decided again.")
    probed: tuple[ProbedModel, ...] = Field(default=(), description="What an earlier probe saw; the chances know it.")
    max_attempts: int | None = Field(default=None, description="Most Train attempts of the job, those made included.")
    ladder: tuple[CandidateRecord, ...] = ()
    ladder_chance: DecimalString | None = Field(
        default=None, description="Probability that one of the ladder's rungs meets the objective."
    )
    ladder_expected: DecimalString | None = Field(
        default=None,
        description="Mean of the whole ladder in the unit of optimizeFor, each rung as likely as it is reached.",
    )
    search_cut_short: bool | None = Field(
        default=None, description="True where so many ladders were possible that a better one may exist."
    )
    scratch: CandidateRecord | None = Field(
        default=None, description="The plan from scratch, where there is one and the ladder does not end in it."
    )
    forgone: CandidateRecord | None = None
    counterfactual: CounterfactualRecord | None = None
    expected_saving_grams: Interval | None = None
    limitations: tuple[str, ...] = ()
    obligations: tuple[str, ...] = ()
    unacknowledged: tuple[str, ...] = ()
    considered: int = 0
    rejected: dict[str, int] = Field(default_factory=dict)
    rejections: dict[str, str] = Field(default_factory=dict, description="First sentence per reason, for explanation.")
    candidates: tuple[CandidateRecord, ...] = ()
    candidates_left_out: int = 0
    chance_score: ScoreRecord | None = None
    controls: ControlsRecord | None = None
    catalogue_digest: str = ""
    left_out: tuple[str, ...] | None = Field(
        default=None, description="What had to go so that the record fits, where nothing else in it says so."
    )

    @property
    def first(self) -> Runnable:
        """What runs first: the probe where there is one, else the first rung."""
        return self.probe or self.ladder[0]

    @cached_property
    def digest(self) -> str:
        """`sha256:` of the canonical JSON."""
        return "sha256:" + hashlib.sha256(self.canonical().encode()).hexdigest()

    def encoded(self) -> str:
        """zlib and base64 of the canonical JSON, as it stands in annotation and report."""
        return self._encoded

    @cached_property
    def _encoded(self) -> str:
        text = self.canonical().encode()
        quick = base64.b64encode(zlib.compress(text, QUICK))
        fits = len(quick) <= MAX_ENCODED_BYTES
        return (quick if fits else base64.b64encode(zlib.compress(text, BEST))).decode()


@lru_cache(maxsize=DECODED_RECORDS)
def decode_record(text: str) -> DecisionRecord:
    """The record from its annotation. A pass asks several times for the same one, and reading one takes milliseconds.

    Raises ValueError where the text is no record; whoever reads it says on which object it stood.
    """
    try:
        return DecisionRecord.model_validate_json(zlib.decompress(base64.b64decode(text, validate=True)))
    except (zlib.error, ValueError) as error:
        raise ValueError(f"not a decision record: {error}") from error
