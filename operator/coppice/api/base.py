"""What every Coppice model shares: camelCase on the wire, frozen in memory, decimals as strings.

Kubernetes objects carry no floats (two JSON readers may disagree on one), so every fraction is a decimal
string on the wire and a `Decimal` in Python. Unknown fields are ignored on reading, because an operator may
meet objects written for a newer schema; the command line asks for strictness with `extra="forbid"`.
"""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema
from pydantic.alias_generators import to_camel

GROUP = "coppice.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"

DECIMAL_PATTERN = r"^-?[0-9]{1,15}(\.[0-9]{1,9})?$"


class Model(BaseModel):
    """A frozen value with camelCase names on the wire."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore", frozen=True)

    def wire(self) -> dict[str, Any]:
        """The JSON form of this value: aliases, no nulls, decimals as strings."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


def decimal_text(value: Decimal) -> str:
    """Plain notation without exponent and without trailing zeros: `0.0015`, `1200`, `-3.5`."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


DecimalString = Annotated[
    Decimal,
    PlainSerializer(decimal_text, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": DECIMAL_PATTERN, "maxLength": 26}),
]

Name = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", min_length=1, max_length=253)]
ShortText = Annotated[str, Field(max_length=128)]
Sentence = Annotated[str, Field(max_length=1024)]
Sha256 = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$", max_length=71)]
Quantity = Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$", max_length=20)]


def rounded(value: float, significant_digits: int = 4) -> Decimal:
    """A finite float as a decimal of so many significant digits, at most 9 of them behind the point.

    Raises ValueError for infinities and NaN: a number that is not known is absent, never infinite.
    """
    number = Decimal(repr(value))
    if not number.is_finite():
        raise ValueError(f"{value} is not a finite number")
    if number == 0:
        return Decimal(0)
    exponent = max(number.adjusted() - significant_digits + 1, -9)
    return number.quantize(Decimal(1).scaleb(exponent)) if exponent < 0 else Decimal(round(number))


class Interval(Model):
    """Three points of one quantity's distribution: 10th, 50th and 90th percentile; the unit is in the field's name."""

    low: DecimalString = Field(description="10th percentile.")
    mid: DecimalString = Field(description="50th percentile.")
    high: DecimalString = Field(description="90th percentile.")
