"""The trainer part of a TrainingJob: hyper-parameters of the built-in trainer, or a user's own container."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from coppice.api.base import DecimalString, Model, matching
from coppice.api.rules import rules


class FineTuneWith(StrEnum):
    """Who runs the fine-tuning rungs of a job that brings its own from-scratch container."""

    BUILT_IN = "BuiltIn"
    TEMPLATE = "Template"


class Hyperparameters(Model):
    """Settings of the built-in trainer; unset ones are chosen per method and recorded with the attempt."""

    learning_rate: DecimalString | None = Field(default=None, description="Peak learning rate, such as '0.0003'.")
    batch_size: int | None = Field(default=None, ge=1, le=65536, description="Examples per optimiser step.")
    epochs: int | None = Field(default=None, ge=1, le=10000, description="Most passes of a fine-tuning rung.")
    max_sequence_length: int | None = Field(default=None, ge=1, le=1048576, description="Tokens an example is cut to.")
    weight_decay: DecimalString | None = Field(default=None, description="AdamW weight decay.")
    warmup_ratio: DecimalString | None = Field(default=None, description="Share of steps used to warm up.")
    validation_fraction: DecimalString | None = Field(
        default=None, description="Share of the training data held out for early stopping."
    )
    patience: int | None = Field(
        default=None, ge=1, le=1000, description="Epochs without a better validation quality before stopping."
    )
    lora_rank: int | None = Field(default=None, ge=1, le=1024, description="Rank of LoRA adapters.")
    lora_alpha: int | None = Field(default=None, ge=1, le=4096, description="Scale of LoRA adapters.")
    gradient_checkpointing: bool | None = Field(
        default=None,
        description="Recompute activations instead of keeping them: less memory for about a third more work. Unset: where "
        "memory needs it.",
    )


VariableName = Annotated[
    str, matching(r"^[A-Za-z_][A-Za-z0-9_]*$", 128, "must be letters, digits and '_', and not begin with a digit")
]


class EnvironmentVariable(Model):
    """A plain environment variable; secrets are not taken from here."""

    name: VariableName = Field(description="Name of the variable.")
    value: str = Field(default="", max_length=4096, description="Its value; shown in clear wherever the pod is.")


class Container(Model):
    """A user's own container in the built-in trainer's place, speaking the pod contract."""

    image: str = Field(min_length=1, max_length=512, description="Image to run.")
    command: list[Annotated[str, Field(max_length=4096)]] = Field(
        default_factory=list, max_length=64, description="Entry point; unset: the image's."
    )
    args: list[Annotated[str, Field(max_length=4096)]] = Field(
        default_factory=list, max_length=256, description="Arguments."
    )
    env: list[EnvironmentVariable] = Field(default_factory=list, max_length=128, description="Environment variables.")


class Trainer(Model):
    """How attempts are trained."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "!(has(self.container) && has(self.template))",
                "trainer.container and trainer.template exclude each other: keep one",
            ),
            (
                "!has(self.fineTuneWith) || self.fineTuneWith != 'Template' || has(self.template) || has(self.container)",
                "trainer.fineTuneWith Template needs trainer.template or trainer.container: add one, or leave fineTuneWith out",
            ),
        )
    )

    seed: int = Field(default=7, ge=0, le=2**32 - 1, description="Seed of every random choice.")
    hyperparameters: Hyperparameters | None = Field(default=None, description="Settings of the built-in trainer.")
    container: Container | None = Field(default=None, description="Your own container, run as the FromScratch rung.")
    template: dict[str, Any] | None = Field(
        default=None,
        max_length=2,
        description="A whole PodTemplateSpec, run unchanged as the FromScratch rung; its container named trainer speaks the pod contract.",
        json_schema_extra={"x-kubernetes-preserve-unknown-fields": True},
    )
    fine_tune_with: FineTuneWith = Field(
        default=FineTuneWith.BUILT_IN, description="Who runs fine-tuning rungs: BuiltIn or Template (your own)."
    )
