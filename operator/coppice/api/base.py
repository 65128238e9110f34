"""What every Coppice model shares: camelCase on the wire, frozen in memory, decimals as strings.

Kubernetes objects carry no floats (two JSON readers may disagree on one), so every fraction is a decimal
string on the wire and a `Decimal` in Python. Unknown fields are ignored on reading, because an operator may
meet objects written for a newer schema; the command line asks for strictness with `extra="forbid"`.
"""

from decimal import Decimal
from math import floor, log10
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema
from pydantic.alias_generators import to_camel

from coppice.api.rules import rules

GROUP = "coppice.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"

DECIMAL_PATTERN = r"^-?[0-9]{1,15}(\.[0-9]{1,9})?$"
MOST_PLACES = 9
UNITS = [Decimal(1).scaleb(-places) for places in range(MOST_PLACES + 1)]
SCALES = [10.0**places for places in range(MOST_PLACES + 1)]
"""The last digit's unit by how many stand behind the point, and how many of them make 1."""

SENTENCE = "x-coppice-sentence"
"""Schema key: what the API server tells a user whose text does not match `pattern`, in place of the pattern."""


class Model(BaseModel):
    """A frozen value with camelCase names on the wire."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore", frozen=True)

    def wire(self) -> dict[str, Any]:
        """The JSON form of this value: aliases, no nulls, decimals as strings."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


def decimal_text(value: Decimal) -> str:
    """Plain notation without exponent and without trailing zeros: `0.0015`, `1200`, `-3.5`."""
    text = str(value)
    if "E" in text:
        text = format(value, "f")
    return text.rstrip("0").rstrip(".") if text[-1] == "0" and "." in text else text


DecimalString = Annotated[
    Decimal,
    PlainSerializer(decimal_text, return_type=str, when_used="json"),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": DECIMAL_PATTERN,
            "maxLength": 26,
            SENTENCE: "must be a plain decimal number in quotes, such as '0.95' or '1200'",
        }
    ),
]


def matching(pattern: str, max_length: int, sentence: str, min_length: int | None = None) -> Any:
    """A field of bounded text that matches a pattern, with the sentence for those whose text does not."""
    return Field(pattern=pattern, min_length=min_length, max_length=max_length, json_schema_extra={SENTENCE: sentence})


Name = Annotated[
    str,
    matching(
        r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$",
        253,
        "must be a Kubernetes name: lower-case letters, digits, '-' and '.', beginning and ending with a letter or digit",
        min_length=1,
    ),
]
ShortText = Annotated[str, Field(max_length=128)]
Sentence = Annotated[str, Field(max_length=1024)]
Sha256 = Annotated[
    str,
    matching(
        r"^sha256:[0-9a-f]{64}$", 71, "must be 'sha256:' and 64 lower-case hexadecimal digits, as sha256sum prints them"
    ),
]
Quantity = Annotated[
    str,
    matching(
        r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$",
        20,
        "must be a Kubernetes quantity: a number with an optional unit, such as 500m, 2 or 8Gi",
    ),
]


def rounded(value: float, significant_digits: int = 4) -> Decimal:
    """A finite float as a decimal of so many significant digits, at most MOST_PLACES behind the point.

    Raises ValueError for infinities and NaN: a number that is not known is absent, never infinite.
    """
    if not value:
        return Decimal(0)
    if 10**significant_digits <= abs(value) < 1e15:
        return Decimal(round(value))
    clear = _clearly_rounded(value, significant_digits)
    if clear is None:
        return _rounded_as_written(Decimal(repr(value)), significant_digits)
    whole, places = clear
    return UNITS[places] * whole


def _clearly_rounded(value: float, significant_digits: int) -> tuple[int, int] | None:
    """The rounded figure as so many units of the last digit, and how many digits stand behind the point.

    None near a tie or a power of ten, where the binary value may round otherwise than its shortest decimal, and where
    other rules count. Most figures are neither; as floats they round in a fraction of the time.
    """
    size = abs(value)
    if not 1e-4 < size < 1e4:
        return None
    places = significant_digits - 1 - floor(log10(size))
    if not 0 <= places <= MOST_PLACES:
        return None
    scaled = value * SCALES[places]
    whole = round(scaled)
    clear = abs(whole) > 10 ** (significant_digits - 1) and abs(abs(scaled - whole) - 0.5) > 1e-6
    return (whole, places) if clear else None


def _rounded_as_written(number: Decimal, significant_digits: int) -> Decimal:
    """The shortest decimal of a float, rounded: ties are those that a reader sees, and go to the even digit."""
    if not number.is_finite():
        raise ValueError(f"{number} is not a finite number")
    places = min(significant_digits - 1 - number.adjusted(), MOST_PLACES)
    return number.quantize(UNITS[places]) if places > 0 else Decimal(round(number))


def shown(value: float, significant_digits: int = 4) -> float:
    """The float nearest to `rounded`, without the decimal where it can be spared."""
    clear = _clearly_rounded(value, significant_digits)
    if clear is None:
        return float(rounded(value, significant_digits))
    whole, places = clear
    return whole / SCALES[places]


def storable(value: Decimal | None) -> Decimal | None:
    """A decimal as the API server takes it: at most 9 decimals; None where 15 digits before the point are too few."""
    if value is None or abs(value) >= Decimal(10) ** 15:
        return None
    return value.quantize(Decimal("1e-9")).normalize() + 0 if value else Decimal(0)


class Interval(Model):
    """Three points of one quantity's distribution: 10th, 50th and 90th percentile; the unit is in the field's name."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "double(self.low) <= double(self.mid) && double(self.mid) <= double(self.high)",
                "low, mid and high must not fall: they are the 10th, 50th and 90th percentile",
            )
        )
    )

    low: DecimalString = Field(description="10th percentile.")
    mid: DecimalString = Field(description="50th percentile.")
    high: DecimalString = Field(description="90th percentile.")
