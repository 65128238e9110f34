"""ComputeProfile: an accelerator or node type, as estimates and accounts see it."""

from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from coppice.api.base import API_VERSION, DecimalString, Interval, Model, Quantity
from coppice.api.meta import ObjectMeta
from coppice.api.rules import Column, rules

WATTS_RISE = (
    "double(self.idleWatts) >= 0.0 && double(self.idleWatts) <= double(self.peakWatts)",
    "idleWatts must not be negative or above peakWatts",
)
LabelText = Annotated[str, Field(max_length=253)]


class Accelerator(Model):
    """One accelerator of the node."""

    model_config = ConfigDict(json_schema_extra=rules(WATTS_RISE))

    resource_name: str = Field(
        default="nvidia.com/gpu", max_length=253, description="Extended resource that pods ask for."
    )
    product: str = Field(default="", max_length=128, description="Product name, such as NVIDIA H100 SXM5 80GB.")
    per_node: int = Field(ge=1, le=64, description="Accelerators on one node.")
    hardware: str = Field(
        default="",
        max_length=64,
        description="Identifier in Coppice's hardware table, such as h100-sxm5, whose measured behaviour estimates use.",
    )
    memory: Quantity = Field(description="Memory of one accelerator, such as 80Gi.")
    memory_gigabytes_per_second: DecimalString | None = Field(
        default=None, description="Memory bandwidth of one accelerator in GB/s."
    )
    idle_watts: DecimalString = Field(description="Power of one accelerator at rest, in watts.")
    peak_watts: DecimalString = Field(description="Board power limit of one accelerator (TDP), in watts.")
    peak_tera_flops: dict[str, DecimalString] = Field(
        max_length=8, description="Dense peak in TFLOP/s by dtype (fp32, tf32, bf16, fp16), without sparsity."
    )
    embodied_kilograms: Interval = Field(description="Embodied carbon of one accelerator in kgCO2e.")


class Host(Model):
    """The node without its accelerators."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            WATTS_RISE,
            (
                "!has(self.cpuOnlyShare) || (double(self.cpuOnlyShare) >= 0.0 && double(self.cpuOnlyShare) <= 1.0)",
                "host.cpuOnlyShare is a share from 0 to 1, such as '0.05'",
            ),
        )
    )

    cores: int = Field(ge=1, le=4096, description="CPU cores.")
    memory: Quantity = Field(description="Memory, such as 2Ti.")
    idle_watts: DecimalString = Field(description="Power at rest, in watts; memory included.")
    peak_watts: DecimalString = Field(description="Power with every core busy, in watts.")
    peak_tera_flops: DecimalString | None = Field(
        default=None, description="Peak of all cores in fp32 TFLOP/s; needed where the CPU trains."
    )
    embodied_kilograms: Interval = Field(description="Embodied carbon in kgCO2e.")
    cpu_only_share: DecimalString = Field(
        default=0,
        validate_default=True,
        description="Share of the host that pods without accelerators bear on an accelerator node.",
    )


class ComputeProfileSpec(Model):
    """An accelerator or node type."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "double(self.lifespanYears) > 0.0",
                "spec.lifespanYears must be above 0: embodied carbon is divided by it",
            ),
            (
                "!has(self.pue) || double(self.pue) >= 1.0",
                "spec.pue is the facility's energy over its computers' energy, so at least 1",
            ),
        )
    )

    description: str = Field(default="", max_length=512, description="What it is.")
    node_selector: dict[str, LabelText] = Field(
        default_factory=dict, max_length=16, description="Labels of the nodes it describes."
    )
    accelerator: Accelerator | None = Field(default=None, description="Its accelerator; absent for CPU nodes.")
    host: Host = Field(description="The node without its accelerators.")
    lifespan_years: DecimalString = Field(description="Years over which embodied carbon is spread.")
    pue: DecimalString | None = Field(
        default=None, description="Power usage effectiveness of the facility. Unset: the chart's."
    )
    zone: str = Field(
        default="",
        max_length=64,
        description="Zone of the carbon intensity. Unset: its nodes' region where they say one, else the chart's.",
    )
    price_per_hour: DecimalString | None = Field(
        default=None,
        description="Price of one accelerator (CPU profile: one core) for an hour, in the installation's currency.",
    )
    energy_price_per_kilowatt_hour: DecimalString | None = Field(
        default=None,
        description="Price of a kilowatt-hour of facility energy, in the installation's currency; unset where pricePerHour holds it.",
    )
    sources: list[Annotated[str, Field(max_length=512)]] = Field(
        default_factory=list, max_length=16, description="Where the figures come from."
    )


class ComputeProfile(Model):
    """An accelerator or node type that attempts can run on."""

    plural: ClassVar[str] = "computeprofiles"
    short_names: ClassVar[tuple[str, ...]] = ("cpf",)
    scope: ClassVar[str] = "Cluster"
    columns: ClassVar[tuple[Column, ...]] = (
        Column("Accelerator", "string", ".spec.accelerator.product", "Product name"),
        Column("Per node", "integer", ".spec.accelerator.perNode", "Accelerators on one node"),
        Column("Cores", "integer", ".spec.host.cores", "CPU cores"),
        Column("Zone", "string", ".spec.zone", "Zone of the carbon intensity"),
        Column("Age", "date", ".metadata.creationTimestamp", "Time since creation"),
    )

    api_version: str = API_VERSION
    kind: str = "ComputeProfile"
    metadata: ObjectMeta = Field(default_factory=ObjectMeta)
    spec: ComputeProfileSpec
