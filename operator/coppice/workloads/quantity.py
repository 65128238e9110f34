"""Kubernetes quantities as numbers: `500m` cores, `8Gi` bytes."""

import re
from decimal import ROUND_CEILING, Decimal

_SUFFIXES = {
    "": Decimal(1),
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("0.001"),
    "k": Decimal(10) ** 3,
    "M": Decimal(10) ** 6,
    "G": Decimal(10) ** 9,
    "T": Decimal(10) ** 12,
    "P": Decimal(10) ** 15,
    "E": Decimal(10) ** 18,
    "Ki": Decimal(2) ** 10,
    "Mi": Decimal(2) ** 20,
    "Gi": Decimal(2) ** 30,
    "Ti": Decimal(2) ** 40,
    "Pi": Decimal(2) ** 50,
    "Ei": Decimal(2) ** 60,
}
_QUANTITY = re.compile(r"([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)([a-zA-Z]{0,2})")


def parse_quantity(text: str | float) -> Decimal:
    """The number that a quantity stands for, in its base unit (cores, bytes, pieces).

    Raises ValueError for what the API server would not take either.
    """
    found = _QUANTITY.fullmatch(str(text).strip())
    if not found or found[2] not in _SUFFIXES:
        raise ValueError(f"{text!r} is not a Kubernetes quantity")
    try:
        return Decimal(found[1]) * _SUFFIXES[found[2]]
    except ArithmeticError as error:
        raise ValueError(f"{text!r} is not a Kubernetes quantity") from error


def cores_text(cores: Decimal) -> str:
    """Cores as Kubernetes prints them: whole, or in thousandths."""
    return str(int(cores)) if cores == int(cores) else f"{int(cores * 1000)}m"


def bytes_text(size_bytes: int) -> str:
    """Bytes in the largest binary unit that divides them, else in Mi rounded up."""
    for unit in ("Ti", "Gi", "Mi"):
        if size_bytes % int(_SUFFIXES[unit]) == 0:
            return f"{size_bytes // int(_SUFFIXES[unit])}{unit}"
    return f"{int((Decimal(size_bytes) / _SUFFIXES['Mi']).to_integral_value(ROUND_CEILING))}Mi"
