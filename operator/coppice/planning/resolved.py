"""A job's request after policy: every value that the spec left open is filled in, every rule is in force.

None means "no rule" and an empty set means "nothing allowed": two policies whose allow lists share nothing leave
nothing, which must not be mistaken for no rule at all.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from coppice.api.base import decimal_text
from coppice.api.trainingjob import Limits
from coppice.api.trainingpolicy import Amounts, PodExceptions
from coppice.api.vocabulary import BaseModelKind, Distribution, Learning, Method, Mode, OptimizeFor, Probing
from coppice.planning.licenses import Use

DEFAULT_SUFFICIENT_CHANCE = Decimal("0.95")
NO_EXCEPTIONS = PodExceptions()


@dataclass(frozen=True)
class Resolved:
    """What is in force for one job. `sources` names, for each effect, the policies that caused it.

    `budgets` bounds what the namespace uses in a calendar month; `justification_above` and `scratch_approval_above`
    are thresholds of plans that contain training from scratch, `approval_above` of every plan.
    """

    mode: Mode = Mode.AUTO
    optimize_for: OptimizeFor = OptimizeFor.CARBON
    commercial: bool = True
    distribution: Distribution = Distribution.DISTRIBUTED
    monthly_active_users: int | None = None
    methods: frozenset[Method] | None = None
    base_model_scopes: frozenset[BaseModelKind] | None = None
    licenses_allow: frozenset[str] | None = None
    licenses_deny: frozenset[str] = frozenset()
    limits: Limits | None = None
    minimum_saving_ratio: Decimal = Decimal(0)
    sufficient_chance: Decimal = DEFAULT_SUFFICIENT_CHANCE
    require_acknowledgement: bool = False
    allow_register: bool = False
    hosts: tuple[str, ...] = ()
    allowed_networks: tuple[str, ...] = ()
    ca_bundle_config_map: str = ""
    max_parameters: int | None = None
    ttl_seconds_after_finished: int | None = None
    pod_exceptions: PodExceptions = NO_EXCEPTIONS
    probe: Probing = Probing.AUTO
    learning: Learning = Learning.ALL
    budgets: Amounts | None = None
    justification_above: Amounts | None = None
    scratch_approval_above: Amounts | None = None
    approval_above: Amounts | None = None
    policies: tuple[str, ...] = ()
    sources: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def use(self) -> Use:
        """What licences are judged against."""
        return Use(
            self.commercial,
            self.distribution,
            self.licenses_allow,
            self.licenses_deny,
            monthly_active_users=self.monthly_active_users,
        )

    def because(self, effect: str) -> str:
        """The policies behind an effect, for a sentence: `policy research`, or `the job` where no policy is."""
        names = self.sources.get(effect, ())
        return f"{'policies' if len(names) > 1 else 'policy'} {', '.join(names)}" if names else "the job"

    def wire(self) -> dict[str, Any]:
        """JSON for status and record: camelCase, decimals as strings, what is not set left out."""
        limits = self.limits.wire() if self.limits else {}
        value = {
            "mode": self.mode,
            "optimizeFor": self.optimize_for,
            "use": _present(
                commercial=self.commercial,
                distribution=self.distribution,
                monthlyActiveUsers=self.monthly_active_users,
            ),
            "methods": _sorted(self.methods),
            "baseModelScopes": _sorted(self.base_model_scopes),
            "licenses": _present(allow=_sorted(self.licenses_allow), deny=sorted(self.licenses_deny) or None),
            "limits": limits or None,
            "minimumSavingRatio": decimal_text(self.minimum_saving_ratio),
            "sufficientChance": decimal_text(self.sufficient_chance),
            "requireAcknowledgement": self.require_acknowledgement,
            "allowRegister": self.allow_register,
            "hosts": list(self.hosts) or None,
            "allowedNetworks": list(self.allowed_networks) or None,
            "caBundleConfigMap": self.ca_bundle_config_map or None,
            "maxParameters": self.max_parameters,
            "ttlSecondsAfterFinished": self.ttl_seconds_after_finished,
            "podExceptions": {key: names for key, names in self.pod_exceptions.wire().items() if names} or None,
            "probe": self.probe,
            "learning": self.learning,
            "monthlyBudget": self.budgets.wire() if self.budgets else None,
            "scratch": _present(
                justificationAbove=self.justification_above.wire() if self.justification_above else None,
                approvalAbove=self.scratch_approval_above.wire() if self.scratch_approval_above else None,
            ),
            "approvalAbove": self.approval_above.wire() if self.approval_above else None,
            "policies": list(self.policies) or None,
            "sources": {effect: list(names) for effect, names in sorted(self.sources.items())} or None,
        }
        return _present(**value) or {}


def _sorted(values: frozenset[Any] | None) -> list[str] | None:
    return None if values is None else sorted(str(value) for value in values)


def _present(**values: Any) -> dict[str, Any] | None:
    return {key: value for key, value in values.items() if value is not None} or None
