"""Policy merge: several policies may select a namespace, and field by field the stricter rule wins.

    allow lists intersect, hosts and networks by what they cover · deny lists unite
    thresholds and budgets take the stricter end, each amount by itself · floors of `use` take the strictest
    booleans that restrict win · a default is no restriction: the first policy by name that sets one gives it, except
    limits and ttl, of which the lowest holds

Every effect remembers the policies that caused it, because a user who is refused must know whom to ask. A namespace
that no policy selects gets the chart's default, under the name `(default)`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, TypeVar

from coppice.api.meta import ObjectMeta
from coppice.api.trainingjob import Limits, TrainingJobSpec
from coppice.api.trainingpolicy import (
    Amounts,
    PodExceptions,
    PolicyDefaults,
    Scratch,
    TrainingPolicy,
    TrainingPolicySpec,
)
from coppice.api.vocabulary import Distribution, Learning, Mode, OptimizeFor, Probing
from coppice.planning.hosts import covers
from coppice.planning.resolved import DEFAULT_SUFFICIENT_CHANCE, Resolved
from coppice.planning.terms import identifier

DEFAULT_POLICY_NAME = "(default)"
_REACH = list(Distribution)
_LEARNING = list(Learning)
AMOUNTS = {"energy_watt_hours": "energyWattHours", "carbon_grams": "carbonGrams", "cost": "cost"}
"""The fields of Amounts and their names on the wire."""
Value = TypeVar("Value")


def applicable(
    policies: Sequence[TrainingPolicy], namespace_labels: Mapping[str, str], default: TrainingPolicySpec
) -> tuple[TrainingPolicy, ...]:
    """The policies that select a namespace, by name; the chart's default where none does."""
    selected = [policy for policy in policies if _selects(policy, namespace_labels)]
    return tuple(sorted(selected, key=lambda policy: policy.metadata.name)) or (_chart(default),)


def resolve(spec: TrainingJobSpec, policies: Sequence[TrainingPolicy], default: TrainingPolicySpec) -> Resolved:
    """A job's request after the policies that apply to it (none: the chart's default)."""
    merge = _Merge(sorted(policies, key=lambda policy: policy.metadata.name) or [_chart(default)])
    substitution, use = spec.substitution, spec.use
    return Resolved(
        mode=_said(
            substitution.mode if substitution else None, lambda: merge.first("mode", lambda d: d.mode), Mode.AUTO
        ),
        optimize_for=_said(
            substitution.optimize_for if substitution else None,
            lambda: merge.first("optimizeFor", lambda d: d.optimize_for),
            OptimizeFor.CARBON,
        ),
        commercial=merge.commercial(use.commercial if use else None),
        distribution=merge.distribution(use.distribution if use else None),
        monthly_active_users=merge.users(use.monthly_active_users if use else None),
        methods=merge.shared("methods", lambda p: p.methods),
        base_model_scopes=merge.shared("baseModelScopes", lambda p: p.base_model_scopes),
        licenses_allow=merge.shared("licenses.allow", lambda p: map(identifier, p.licenses.allow)),
        licenses_deny=merge.united("licenses.deny", lambda p: map(identifier, p.licenses.deny)),
        limits=_said(spec.limits if spec.limits != Limits() else None, merge.limits, None),
        minimum_saving_ratio=_said(None, lambda: merge.highest("minimumSavingPercent", _saving_ratio), Decimal(0)),
        sufficient_chance=_said(
            None,
            lambda: merge.highest("sufficientChance", lambda p: p.sufficient_chance),
            DEFAULT_SUFFICIENT_CHANCE,
        ),
        require_acknowledgement=merge.anyone("requireAcknowledgement", lambda p: p.require_acknowledgement),
        allow_register=all(policy.spec.allow_register for policy in merge.policies),
        hosts=merge.hosts(),
        allowed_networks=merge.networks(),
        ca_bundle_config_map=merge.bundle(),
        max_parameters=merge.lowest("maxParameters", lambda p: p.max_parameters),
        ttl_seconds_after_finished=_said(spec.ttl_seconds_after_finished, merge.ttl, None),
        pod_exceptions=merge.pod_exceptions(),
        probe=merge.probe(substitution.probe if substitution else None),
        learning=merge.learning(),
        budgets=merge.amounts("monthlyBudget", lambda p: p.monthly_budget),
        justification_above=merge.amounts("scratch.justificationAbove", lambda p: _scratch(p).justification_above),
        scratch_approval_above=merge.amounts("scratch.approvalAbove", lambda p: _scratch(p).approval_above),
        approval_above=merge.amounts("approvalAbove", lambda p: p.approval_above),
        policies=tuple(policy.metadata.name for policy in merge.policies),
        sources=dict(merge.sources),
    )


def budgets(policies: Sequence[TrainingPolicy]) -> Amounts | None:
    """What the policies of a namespace let it use in a month, for those who ask about no job."""
    return _Merge(policies).amounts("monthlyBudget", lambda policy: policy.monthly_budget)


class _Merge:
    """The policies of one namespace and, growing as fields are read, which of them caused what."""

    def __init__(self, policies: Sequence[TrainingPolicy]) -> None:
        self.policies = policies
        self.sources: dict[str, tuple[str, ...]] = {}

    def shared(self, effect: str, read: Callable[[TrainingPolicySpec], Iterable[Value]]) -> frozenset[Value] | None:
        """Intersection of the lists that are not empty; None where all are."""
        lists = self._set(effect, lambda spec: frozenset(read(spec)) or None)
        return frozenset.intersection(*lists) if lists else None

    def united(self, effect: str, read: Callable[[TrainingPolicySpec], Iterable[Value]]) -> frozenset[Value]:
        """Union of all lists."""
        return frozenset[Value]().union(*self._set(effect, lambda spec: frozenset(read(spec)) or None))

    def listed(self, read: Callable[[TrainingPolicySpec], Iterable[str]]) -> tuple[str, ...]:
        """Names that every policy lists, sorted: an empty list allows nothing."""
        return tuple(sorted(frozenset.intersection(*(frozenset(read(policy.spec)) for policy in self.policies))))

    def highest(self, effect: str, read: Callable[[TrainingPolicySpec], Decimal | None]) -> Decimal | None:
        return self._extreme(effect, read, max)

    def lowest(self, effect: str, read: Callable[[TrainingPolicySpec], int | None]) -> int | None:
        return self._extreme(effect, read, min)

    def anyone(self, effect: str, read: Callable[[TrainingPolicySpec], bool]) -> bool:
        return bool(self._set(effect, lambda spec: read(spec) or None))

    def first(self, effect: str, read: Callable[[PolicyDefaults], Value | None]) -> Value | None:
        """The default of the first policy that sets one."""
        for policy in self.policies:
            value = read(policy.spec.defaults) if policy.spec.defaults else None
            if value is not None:
                self.sources[effect] = (policy.metadata.name,)
                return value
        return None

    def commercial(self, wanted: bool | None) -> bool:
        """True where the job says so, says nothing, or a floor does."""
        floors = self._set("use.commercial", lambda spec: (spec.use.commercial or None) if spec.use else None)
        return wanted is not False or bool(floors)

    def distribution(self, wanted: Distribution | None) -> Distribution:
        """The widest of the job's and every floor's; a job that says nothing is Distributed."""
        floors = self._set("use.distribution", lambda spec: spec.use.distribution if spec.use else None)
        return max([wanted or Distribution.DISTRIBUTED, *floors], key=_REACH.index)

    def users(self, wanted: int | None) -> int | None:
        """The most of the job's and every floor's; None where nobody says."""
        floors = self._set("use.monthlyActiveUsers", lambda spec: spec.use.monthly_active_users if spec.use else None)
        return max([*floors, *([wanted] if wanted is not None else [])], default=None)

    def limits(self) -> Limits | None:
        """The lowest of each limit that policies give to jobs without limits of their own."""
        given = self._set("limits", lambda spec: spec.defaults.limits if spec.defaults else None)
        if not given:
            return None
        fields = ("energy_watt_hours", "carbon_grams", "run_seconds")
        return Limits(**{name: _least(getattr(limit, name) for limit in given) for name in fields})

    def ttl(self) -> int | None:
        return self.lowest("ttlSecondsAfterFinished", _ttl)

    def amounts(self, effect: str, read: Callable[[TrainingPolicySpec], Amounts | None]) -> Amounts | None:
        """The lowest of each amount, named for itself: `monthlyBudget.cost`; None where no policy sets any."""

        def one(spec: TrainingPolicySpec, name: str) -> Any:
            amounts = read(spec)
            return getattr(amounts, name) if amounts else None

        lowest = {
            name: self._extreme(f"{effect}.{wire}", lambda spec, name=name: one(spec, name), min)  # type: ignore[misc]
            for name, wire in AMOUNTS.items()
        }
        return Amounts(**lowest) if any(value is not None for value in lowest.values()) else None

    def probe(self, wanted: Probing | None) -> Probing:
        """Never where the job or any policy says so."""
        forbidden = self._set("probe", lambda spec: Probing.NEVER if spec.probe is Probing.NEVER else None)
        return Probing.NEVER if forbidden or wanted is Probing.NEVER else Probing.AUTO

    def learning(self) -> Learning:
        """From the fewest reports that any policy allows."""
        strictest = self._extreme("learning", lambda spec: spec.learning, lambda found: max(found, key=_LEARNING.index))
        return strictest or Learning.ALL

    def hosts(self) -> tuple[str, ...]:
        """Hosts and `*.domain` patterns that every policy covers, sorted: an empty list allows nothing."""
        lists = [policy.spec.sources.hosts for policy in self.policies]
        kept = {
            host for hosts in lists for host in hosts if all(any(covers(one, host) for one in other) for other in lists)
        }
        return tuple(sorted(kept))

    def networks(self) -> tuple[str, ...]:
        """Networks that lie in a network of every policy."""
        lists = [_networks(policy.spec.sources.allowed_networks) for policy in self.policies]
        kept = {
            net for nets in lists for net in nets if all(any(_inside(net, one) for one in other) for other in lists)
        }
        return tuple(sorted(str(net) for net in kept))

    def bundle(self) -> str:
        """The first certificate bundle by policy name; a bundle grants nothing by itself."""
        return next(
            (p.spec.sources.ca_bundle_config_map for p in self.policies if p.spec.sources.ca_bundle_config_map), ""
        )

    def pod_exceptions(self) -> PodExceptions:
        """What every policy allows."""
        names = PodExceptions.model_fields
        lists = {name: self.listed(lambda p, n=name: getattr(p.pod_exceptions, n)) for name in names}  # type: ignore[misc]
        return PodExceptions.model_validate({name: list(values) for name, values in lists.items()})

    def _extreme(self, effect: str, read: Callable[[TrainingPolicySpec], Value | None], pick: Any) -> Value | None:
        values = self._set(effect, read)
        if not values:
            return None
        best: Value = pick(values)
        self.sources[effect] = tuple(p.metadata.name for p in self.policies if read(p.spec) == best)
        return best

    def _set(self, effect: str, read: Callable[[TrainingPolicySpec], Value | None]) -> list[Value]:
        """The values of the policies that set the field, their names noted."""
        found = [(policy.metadata.name, value) for policy in self.policies if (value := read(policy.spec)) is not None]
        if found:
            self.sources[effect] = tuple(name for name, _ in found)
        return [value for _, value in found]


def _selects(policy: TrainingPolicy, labels: Mapping[str, str]) -> bool:
    return all(labels.get(key) == value for key, value in policy.spec.namespace_selector.match_labels.items())


def _chart(default: TrainingPolicySpec) -> TrainingPolicy:
    return TrainingPolicy(metadata=ObjectMeta(name=DEFAULT_POLICY_NAME), spec=default)


def _scratch(spec: TrainingPolicySpec) -> Scratch:
    return spec.scratch or Scratch()


def _ttl(spec: TrainingPolicySpec) -> int | None:
    return spec.defaults.ttl_seconds_after_finished if spec.defaults else None


def _saving_ratio(spec: TrainingPolicySpec) -> Decimal | None:
    percent = spec.minimum_saving_percent
    return None if percent is None else Decimal(percent) / 100


def _networks(texts: Iterable[str]) -> list[IPv4Network | IPv6Network]:
    """The networks of a list, host bits cleared as the API server reads them; what is none allows nothing."""
    found = []
    for text in texts:
        with suppress(ValueError):
            found.append(ip_network(text, strict=False))
    return found


def _inside(net: IPv4Network | IPv6Network, other: IPv4Network | IPv6Network) -> bool:
    return net.version == other.version and net.subnet_of(other)  # type: ignore[arg-type]


def _least(values: Iterable[int | None]) -> int | None:
    return min((value for value in values if value is not None), default=None)


def _said(by_job: Value | None, by_policies: Callable[[], Value | None], otherwise: Value) -> Value:
    """What the job says, else what policies say, else the default; policies are asked only where the job is silent."""
    if by_job is not None:
        return by_job
    value = by_policies()
    return otherwise if value is None else value
