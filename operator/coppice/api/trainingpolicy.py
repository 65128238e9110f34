"""TrainingPolicy: an organisation's rules, selected by namespace labels."""

from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from coppice.api.base import API_VERSION, DecimalString, Model, ShortText, matching
from coppice.api.meta import ObjectMeta
from coppice.api.rules import Column, rules
from coppice.api.trainingjob import Limits, Use
from coppice.api.vocabulary import BaseModelKind, Learning, Method, Mode, OptimizeFor, Probing

Host = Annotated[
    str,
    matching(
        r"^([*][.])?[a-z0-9]([a-z0-9.-]*[a-z0-9])?$",
        253,
        "must be a host name in lower case, such as models.example.org, or *.example.org for its subdomains",
    ),
]
Network = Annotated[
    str,
    Field(
        max_length=64,
        json_schema_extra=rules(
            ("isCIDR(self)", "must be a network in CIDR notation, such as 10.1.0.0/16"),
            (
                "!isCIDR(self) || !(cidr(self).containsIP('169.254.169.254') || cidr('169.254.0.0/16').containsCIDR(self)"
                " || cidr('fe80::/10').containsCIDR(self) || cidr(self).containsIP('fe80::1') || cidr(self).containsIP('fd00:ec2::254'))",
                "must not hold link-local or metadata addresses (169.254.0.0/16, fe80::/10, fd00:ec2::254)",
            ),
        ),
    ),
]


class NamespaceSelector(Model):
    """Selects namespaces by labels; empty selects all."""

    match_labels: dict[str, Annotated[str, Field(max_length=63)]] = Field(
        default_factory=dict, max_length=16, description="Labels a namespace must carry."
    )


class Licenses(Model):
    """Which licences may be used; deny wins."""

    allow: list[ShortText] = Field(
        default_factory=list, max_length=128, description="Licences allowed; empty means all that are known."
    )
    deny: list[ShortText] = Field(default_factory=list, max_length=128, description="Licences refused.")


class Sources(Model):
    """From where models and data may be fetched."""

    hosts: list[Host] = Field(
        default_factory=list, max_length=64, description="Hosts that https sources may name; empty means none."
    )
    allowed_networks: list[Network] = Field(
        default_factory=list,
        max_length=32,
        description="Private networks (CIDR) that may be reached all the same; never link-local.",
    )
    ca_bundle_config_map: str = Field(
        default="", max_length=253, description="ConfigMap of the job's namespace with ca.crt for private https hosts."
    )


class PodExceptions(Model):
    """What a user's own pod template may ask for beyond the default."""

    service_account_names: list[ShortText] = Field(
        default_factory=list, max_length=32, description="Service accounts allowed."
    )
    secret_names: list[ShortText] = Field(default_factory=list, max_length=64, description="Secrets allowed.")
    priority_class_names: list[ShortText] = Field(
        default_factory=list, max_length=32, description="Priority classes allowed."
    )
    scheduler_names: list[ShortText] = Field(default_factory=list, max_length=16, description="Schedulers allowed.")
    tolerations: list[ShortText] = Field(
        default_factory=list, max_length=32, description="Keys of tolerations allowed."
    )


class PolicyDefaults(Model):
    """Values for what a job leaves open."""

    mode: Mode | None = Field(default=None, description="Substitution mode.")
    optimize_for: OptimizeFor | None = Field(default=None, description="Unit in which plans are compared.")
    limits: Limits | None = Field(default=None, description="Limits of a job that sets none.")
    ttl_seconds_after_finished: int | None = Field(
        default=None, ge=0, le=10**9, description="Seconds after which a finished job is deleted."
    )


AMOUNTS = ("energyWattHours", "carbonGrams", "cost")


class Amounts(Model):
    """Amounts of what training uses; one that is left out is not bounded."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                " || ".join(f"has(self.{name})" for name in AMOUNTS),
                "set at least one of energyWattHours, carbonGrams and cost",
            ),
            (
                "!has(self.cost) || double(self.cost) >= 0.0",
                "cost is an amount of money and must not be negative",
            ),
        )
    )

    energy_watt_hours: int | None = Field(default=None, ge=0, le=10**15, description="Facility energy in watt-hours.")
    carbon_grams: int | None = Field(
        default=None, ge=0, le=10**15, description="Operational plus embodied carbon in gCO2e."
    )
    cost: DecimalString | None = Field(default=None, description="Money in the installation's currency.")


class Scratch(Model):
    """What training from scratch needs before it may start; amounts are compared with the high estimate."""

    justification_above: Amounts | None = Field(
        default=None, description="Above any of these the job must say why in spec.justification."
    )
    approval_above: Amounts | None = Field(
        default=None, description="Above any of these a TrainingApproval of the decision must exist."
    )


class TrainingPolicySpec(Model):
    """An organisation's rules. Several policies may select one namespace: the stricter rule wins, field by field."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "!has(self.sufficientChance) || (double(self.sufficientChance) >= 0.0 && double(self.sufficientChance) <= 1.0)",
                "spec.sufficientChance is a probability from 0 to 1, such as '0.95'",
            )
        )
    )

    namespace_selector: NamespaceSelector = Field(
        default=NamespaceSelector(), description="Namespaces it applies to; empty selects all."
    )
    defaults: PolicyDefaults | None = Field(default=None, description="Values for what a job leaves open.")
    methods: list[Method] = Field(default_factory=list, max_length=6, description="Methods allowed; empty means all.")
    base_model_scopes: list[BaseModelKind] = Field(
        default_factory=list, max_length=2, description="Kinds of base models allowed; empty means both."
    )
    licenses: Licenses = Field(default=Licenses(), description="Which licences may be used.")
    sources: Sources = Field(default=Sources(), description="From where models and data may be fetched.")
    use: Use | None = Field(default=None, description="Floor of the use that licences are checked against.")
    max_parameters: int | None = Field(
        default=None, ge=1, le=10**14, description="Largest base model allowed, in parameters."
    )
    minimum_saving_percent: int | None = Field(
        default=None,
        ge=0,
        le=100,
        description="Least expected saving that substitutes, in percent of the counterfactual. Unset: 0.",
    )
    sufficient_chance: DecimalString | None = Field(
        default=None, description="Chance above which only cost counts, 0 to 1. Unset: 0.95."
    )
    require_acknowledgement: bool = Field(
        default=False, description="Whether limitations of a chosen base model must be acknowledged by the job."
    )
    allow_register: bool = Field(default=False, description="Whether jobs may register their models.")
    monthly_budget: Amounts | None = Field(
        default=None,
        description="Most that each selected namespace may use in a calendar month (UTC); a decision reserves its high estimate.",
    )
    scratch: Scratch | None = Field(default=None, description="What training from scratch needs before it may start.")
    approval_above: Amounts | None = Field(
        default=None, description="Above any of these high estimates every plan needs a TrainingApproval."
    )
    probe: Probing | None = Field(
        default=None, description="Never forbids trying candidates on a sample of the data before one is chosen."
    )
    learning: Learning | None = Field(
        default=None,
        description="Whose reports correct estimates and chances: All, OwnNamespace or Off. Unset: All.",
    )
    pod_exceptions: PodExceptions = Field(
        default=PodExceptions(), description="What a user's own pod template may ask for."
    )


class TrainingPolicy(Model):
    """An organisation's rules for the namespaces it selects."""

    plural: ClassVar[str] = "trainingpolicies"
    short_names: ClassVar[tuple[str, ...]] = ("tpol",)
    scope: ClassVar[str] = "Cluster"
    columns: ClassVar[tuple[Column, ...]] = (
        Column("Mode", "string", ".spec.defaults.mode", "Default substitution mode"),
        Column("Register", "boolean", ".spec.allowRegister", "Whether jobs may register models"),
        Column("Age", "date", ".metadata.creationTimestamp", "Time since creation"),
    )

    api_version: str = API_VERSION
    kind: str = "TrainingPolicy"
    metadata: ObjectMeta = Field(default_factory=ObjectMeta)
    spec: TrainingPolicySpec
