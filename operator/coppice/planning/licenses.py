"""The licence gate: does an expression allow a use, and what does it ask for?

Expressions are parsed by the license-expression library: AND needs every part, OR any one. What the table does not
know fails closed, unless an organisation's policy lists it by name under `licenses.allow`: then somebody has read it.
"""

from dataclasses import dataclass, replace
from functools import cache, lru_cache

from boolean.boolean import ParseError  # type: ignore[import-untyped]
from license_expression import AND, ExpressionError, LicenseSymbol, LicenseWithExceptionSymbol, Licensing

from coppice.api.vocabulary import Distribution
from coppice.planning.terms import TERMS, Commerce, identifier

UNKNOWN = "LicenseRef-unknown"
"""What a derived model's licence is when a part of its chain states none."""

_PARSER = Licensing()
VERDICTS = 4096
"""Kept: a registry has few licences, and an organisation few uses."""


@dataclass(frozen=True)
class Use:
    """What a licence is judged against: `allowed` is None when no policy lists any, `data` marks training data.

    `monthly_active_users` is None where nobody said: then a licence with a threshold asks for permission above it.
    """

    commercial: bool
    distribution: Distribution
    allowed: frozenset[str] | None = None
    denied: frozenset[str] = frozenset()
    data: bool = False
    monthly_active_users: int | None = None

    @property
    def unknown_passes(self) -> bool:
        """Whether a licence that the table does not know is let through."""
        return self.allowed is not None or self.data

    @property
    def derivatives_matter(self) -> bool:
        """A licence without derivatives rules out a base model, but of data only what leaves the house."""
        return not self.data or self.distribution is not Distribution.INTERNAL


@dataclass(frozen=True)
class Verdict:
    """Why a licence does not allow the use (empty: it does), what it asks for, and which ids nobody knows."""

    refusal: str = ""
    obligations: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


@lru_cache(maxsize=VERDICTS)
def judge(expression: str, use: Use) -> Verdict:
    """The verdict on an SPDX expression."""
    tree = _tree(expression)
    if tree is None:
        refusal = "" if use.data and use.allowed is None else f"'{expression}' is not a licence expression"
        return Verdict(refusal, unknown=(expression,))
    return _judge(tree, use)


def judge_data(expression: str | None, use: Use) -> Verdict:
    """The verdict on the licence of data: refused where it is known to forbid the use, or not on a policy's list.

    Most data carries no licence that anyone can look up, and refusing it would refuse most jobs; so a licence that is
    unknown or not stated is shown as an obligation to find out, not taken for a no. The model made from such data
    inherits an unknown licence, which does fail closed when it is to be reused. Allowing no derivatives binds only
    what leaves the house.
    """
    if expression is None and use.allowed is not None:
        return Verdict("the licence of the data is not stated, and the policy lists which licences are allowed")
    if expression is None:
        return Verdict(obligations=("data: its licence is not stated; make sure that it allows this use",))
    verdict = judge(expression, replace(use, data=True))
    find_out = tuple(
        f"data: {name} is not a known licence; make sure that it allows this use" for name in verdict.unknown
    )
    known = tuple(f"data: {obligation}" for obligation in verdict.obligations)
    return Verdict(verdict.refusal, (*find_out, *known), verdict.unknown)


@cache
def _tree(expression: str) -> object | None:
    try:
        return _PARSER.parse(expression)  # type: ignore[no-any-return]
    except (ExpressionError, ParseError):
        return None


def simplified(expressions: list[str]) -> str | None:
    """All expressions together as one; None where one cannot be read."""
    if any(_tree(expression) is None for expression in expressions):
        return None
    whole = _PARSER.parse(" AND ".join(f"({expression})" for expression in dict.fromkeys(expressions)))
    return str(whole.simplify().render())


def _judge(tree: object, use: Use) -> Verdict:
    if isinstance(tree, LicenseWithExceptionSymbol):
        return _judge_one(tree.license_symbol.key, use)
    if isinstance(tree, LicenseSymbol):
        return _judge_one(tree.key, use)
    verdicts = [_judge(part, use) for part in tree.args]  # type: ignore[attr-defined]
    if isinstance(tree, AND):
        return _every(verdicts)
    allowed = [verdict for verdict in verdicts if not verdict.refusal]
    return min(allowed, key=lambda verdict: len(verdict.obligations)) if allowed else _every(verdicts)


def _every(verdicts: list[Verdict]) -> Verdict:
    refusals = [verdict.refusal for verdict in verdicts if verdict.refusal]
    obligations = dict.fromkeys(item for verdict in verdicts for item in verdict.obligations)
    unknown = dict.fromkeys(item for verdict in verdicts for item in verdict.unknown)
    return Verdict(refusals[0] if refusals else "", tuple(obligations), tuple(unknown))


def _judge_one(name: str, use: Use) -> Verdict:
    key = identifier(name)
    if key in use.denied:
        return Verdict(f"{name} is denied by policy")
    if use.allowed is not None and key not in use.allowed:
        return Verdict(f"{name} is not among the licences that the policy allows", unknown=_if_unknown(name))
    terms = TERMS.get(key)
    if terms is None:
        sentence = (
            "" if use.unknown_passes else f"{name} is not a known licence; a policy may list it under licenses.allow"
        )
        return Verdict(sentence, unknown=(name,))
    if terms.commerce is Commerce.FORBIDDEN and use.commercial:
        return Verdict(f"{name} forbids commercial use, and use.commercial is true")
    if not terms.derivatives and use.derivatives_matter:
        return Verdict(f"{name} allows no derivatives")
    if terms.too_many(use.monthly_active_users):
        sentence = f"{name} allows {terms.users} monthly active users, and use.monthlyActiveUsers says more"
        return Verdict(f"{sentence}; with a licence of your own, register the model under that")
    due = terms.due(use.distribution, use.monthly_active_users)
    return Verdict(obligations=tuple(f"{name}: {sentence}" for sentence in due))


def _if_unknown(name: str) -> tuple[str, ...]:
    return () if identifier(name) in TERMS else (name,)
