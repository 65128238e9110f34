"""The licence table: what each licence says on two axes, and what it asks for in return.

Conduct (may the model be used for anything?) and commerce (may it earn money?) are separate axes: OpenRAIL limits
the first and not the second, CC BY-NC the second and not the first. One scale would get one of them wrong. The table
itself is data (`data/licenses.toml`: each row with its source and the day it was checked), so that a lawyer can read
and mend it; what it does not list fails closed. It reads licence texts for a gate, it is no legal advice.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from importlib.resources import files
from typing import Any

from coppice.api.vocabulary import Distribution


class Conduct(Enum):
    """Whether the licence limits what the model may be used for."""

    FREE = "free"
    BOUNDED = "bounded"


class Commerce(Enum):
    """Whether the licence allows commercial use."""

    FREE = "free"
    SCALE_BOUNDED = "scale-bounded"
    FORBIDDEN = "forbidden"


@dataclass(frozen=True)
class Obligation:
    """One thing a licence asks for: of HOSTED also binds DISTRIBUTED.

    `threshold` marks the duty to ask for permission above a number of users: it falls away for those who say that
    they have fewer.
    """

    name: str
    reach: Distribution
    sentence: str
    threshold: bool = False


@dataclass(frozen=True)
class Terms:
    """One licence: its name, both axes, whether derivatives are allowed, what it asks for, and where its text is.

    `users` is the largest number of monthly active users that needs no further permission.
    """

    name: str
    source: str
    checked: str
    conduct: Conduct = Conduct.FREE
    commerce: Commerce = Commerce.FREE
    derivatives: bool = True
    users: int | None = None
    obligations: tuple[Obligation, ...] = ()

    def due(self, distribution: Distribution, monthly_active_users: int | None = None) -> tuple[str, ...]:
        """What the licence asks of a model that goes so far, with so many users (None: nobody said)."""
        reach = _REACH.index(distribution)
        few = self.users is not None and monthly_active_users is not None and monthly_active_users <= self.users
        return tuple(
            each.sentence
            for each in self.obligations
            if _REACH.index(each.reach) <= reach and not (each.threshold and few)
        )

    def too_many(self, monthly_active_users: int | None) -> bool:
        """Whether so many users need a permission that the licence does not give."""
        return self.users is not None and monthly_active_users is not None and monthly_active_users > self.users


_REACH = (Distribution.INTERNAL, Distribution.HOSTED, Distribution.DISTRIBUTED)


def plain(name: str) -> str:
    """A licence's name without what spelling adds: lower case, without `LicenseRef-`."""
    return name.strip().lower().removeprefix("licenseref-")


def identifier(name: str) -> str:
    """A licence's id as the table spells it, whatever it is called: `gpl-3.0` and `GPL-3.0-only` are one."""
    key = plain(name)
    return _ALIASES.get(key, key)


def _terms(row: Mapping[str, Any], rules: Mapping[str, Obligation]) -> Terms:
    return Terms(
        name=row["ids"][0],
        source=row["url"],
        checked=row["checked"],
        conduct=Conduct(row.get("conduct", Conduct.FREE)),
        commerce=Commerce(row.get("commerce", Commerce.FREE)),
        derivatives=row.get("derivatives", True),
        users=row.get("users"),
        obligations=tuple(rules[name] for name in row["owes"]),
    )


def _rule(name: str, row: Mapping[str, Any]) -> Obligation:
    return Obligation(name, Distribution(row["from"]), row["text"], row.get("threshold", False))


def _table() -> tuple[dict[str, Terms], dict[str, str]]:
    """The rows by id, and the id of every other name."""
    raw = tomllib.loads((files("coppice") / "data" / "licenses.toml").read_text("utf-8"))
    rules = {name: _rule(name, row) for name, row in raw["rules"].items()}
    rows: Iterable[Mapping[str, Any]] = raw["licenses"]
    terms = {plain(row["ids"][0]): _terms(row, rules) for row in rows}
    aliases = {plain(alias): plain(row["ids"][0]) for row in rows for alias in row["ids"][1:]}
    return terms, aliases


TERMS: Mapping[str, Terms]
"""Terms by licence id, lower case, without the `LicenseRef-` prefix."""

TERMS, _ALIASES = _table()
