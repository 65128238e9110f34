"""Policy merge: the stricter rule wins, field by field, and says who made it."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import PolicyBuilder, make_job, make_policy
from coppice.api.trainingpolicy import Amounts, PodExceptions, TrainingPolicySpec
from coppice.api.vocabulary import BaseModelKind, Distribution, Learning, Method, Mode, OptimizeFor, Probing
from coppice.planning.hosts import covers
from coppice.planning.policy import DEFAULT_POLICY_NAME, applicable, resolve
from coppice.planning.resolved import DEFAULT_SUFFICIENT_CHANCE, Resolved

NOTHING = TrainingPolicySpec()
REACH = list(Distribution)


def merged(*policies: PolicyBuilder, job=None) -> Resolved:
    return resolve((job or make_job()).build().spec, [policy.build() for policy in policies], NOTHING)


def test_a_policy_applies_where_the_namespace_carries_its_labels() -> None:
    policies = [make_policy("all").build(), make_policy("team").selecting(team="a").build()]
    assert [p.metadata.name for p in applicable(policies, {"team": "a"}, NOTHING)] == ["all", "team"]
    assert [p.metadata.name for p in applicable(policies, {"team": "b"}, NOTHING)] == ["all"]


def test_the_chart_s_default_applies_where_no_policy_does() -> None:
    default = TrainingPolicySpec(allow_register=True)
    [policy] = applicable([make_policy("team").selecting(team="a").build()], {}, default)
    assert (policy.metadata.name, policy.spec) == (DEFAULT_POLICY_NAME, default)
    assert resolve(make_job().build().spec, [], default).allow_register


A, B = make_policy("a"), make_policy("b")


def amounts(energy: int | None = None, carbon: int | None = None, cost: str | None = None) -> Amounts:
    return Amounts(energy_watt_hours=energy, carbon_grams=carbon, cost=Decimal(cost) if cost else None)


@pytest.mark.parametrize(
    ("policies", "field", "value"),
    [
        ((A.methods("LoRA", "AsIs"), B.methods("LoRA")), "methods", {Method.LORA}),
        ((A.methods("AsIs"), B.methods("LoRA")), "methods", set()),
        ((A.methods("LoRA"), B), "methods", {Method.LORA}),
        ((A, B), "methods", None),
        ((A.scopes("ClusterBaseModel"), B), "base_model_scopes", {BaseModelKind.CLUSTER}),
        ((A.allow_licenses("MIT", "Apache-2.0"), B.allow_licenses("mit")), "licenses_allow", {"mit"}),
        ((A.deny_licenses("MIT"), B.deny_licenses("LicenseRef-Gemma")), "licenses_deny", {"mit", "gemma"}),
        ((A.minimum_saving(5), B.minimum_saving(20)), "minimum_saving_ratio", Decimal("0.2")),
        ((A, B), "minimum_saving_ratio", Decimal(0)),
        ((A.sufficient_chance("0.8"), B.sufficient_chance("0.9")), "sufficient_chance", Decimal("0.9")),
        ((A.max_parameters(10), B.max_parameters(5)), "max_parameters", 5),
        ((A.use(commercial=True), B), "commercial", True),
        ((A.use(distribution="Hosted"), B), "distribution", Distribution.HOSTED),
        ((A.require_acknowledgement(), B), "require_acknowledgement", True),
        ((A.allow_register(), B), "allow_register", False),
        ((A.allow_register(), B.allow_register()), "allow_register", True),
        ((A.hosts("x.org", "y.org"), B.hosts("y.org")), "hosts", ("y.org",)),
        ((A.hosts("x.org"), B), "hosts", ()),
        ((A.hosts("*.x.org"), B.hosts("hub.x.org", "y.org")), "hosts", ("hub.x.org",)),
        ((A.hosts("*.x.org"), B.hosts("*.hub.x.org", "x.org")), "hosts", ("*.hub.x.org",)),
        ((A.networks("10.0.0.0/8"), B.networks("10.1.0.0/16")), "allowed_networks", ("10.1.0.0/16",)),
        ((A.networks("10.0.0.1/8"), B.networks("10.1.2.3/16")), "allowed_networks", ("10.1.0.0/16",)),
        ((A.networks("10.0.0.0/8", "everything"), B.networks("everything", "")), "allowed_networks", ()),
        ((A.networks("everything", "10.0.0.0/8"),), "allowed_networks", ("10.0.0.0/8",)),
        ((A.sufficient_chance("0"),), "sufficient_chance", Decimal(0)),
        ((A,), "sufficient_chance", DEFAULT_SUFFICIENT_CHANCE),
        ((A.networks("10.0.0.0/8"), B.networks("fd00::/8")), "allowed_networks", ()),
        ((A.defaults(mode="Never"), B.defaults(mode="Require")), "mode", Mode.NEVER),
        ((A.defaults(optimizeFor="Energy"), B), "optimize_for", OptimizeFor.ENERGY),
        ((A.set("spec.probe", "Auto"), B.set("spec.probe", "Never")), "probe", Probing.NEVER),
        ((A.set("spec.probe", "Auto"), B), "probe", Probing.AUTO),
        ((A.set("spec.learning", "All"), B.set("spec.learning", "OwnNamespace")), "learning", Learning.OWN_NAMESPACE),
        ((A.set("spec.learning", "Off"), B.set("spec.learning", "OwnNamespace")), "learning", Learning.OFF),
        ((A, B), "learning", Learning.ALL),
        ((A.budget(carbonGrams=5, cost="7.5"), B.budget(carbonGrams=3)), "budgets", amounts(None, 3, "7.5")),
        ((A, B), "budgets", None),
        ((A.approval_above(cost="7.5"), B.approval_above(cost="7")), "approval_above", amounts(None, None, "7")),
        ((A.approval_above(energyWattHours=0), B), "approval_above", amounts(0)),
        (
            (A.justification_above(energyWattHours=9), B.scratch_approval_above(energyWattHours=8)),
            "justification_above",
            amounts(9),
        ),
        (
            (A.justification_above(energyWattHours=9), B.scratch_approval_above(energyWattHours=8)),
            "scratch_approval_above",
            amounts(8),
        ),
        ((A.use(monthlyActiveUsers=10), B.use(monthlyActiveUsers=900)), "monthly_active_users", 900),
        (
            (A.defaults(ttlSecondsAfterFinished=60), B.defaults(ttlSecondsAfterFinished=30)),
            "ttl_seconds_after_finished",
            30,
        ),
    ],
)
def test_several_policies_merge_to_the_stricter(policies: tuple[PolicyBuilder, ...], field: str, value: object) -> None:
    job = make_job().use(commercial=False, distribution="Internal")
    assert getattr(merged(*policies, job=job), field) == value


def test_a_job_keeps_its_own_limits_and_gets_the_lowest_default_otherwise() -> None:
    policies = A.defaults(limits={"runSeconds": 60, "carbonGrams": 5}), B.defaults(limits={"runSeconds": 30})
    limits = merged(*policies).limits
    assert limits is not None
    assert (limits.run_seconds, limits.carbon_grams) == (30, 5)
    own = merged(*policies, job=make_job().limits(runSeconds=600)).limits
    assert own is not None
    assert (own.run_seconds, own.carbon_grams) == (600, None)


def test_limits_that_limit_nothing_leave_the_policy_s_in_force() -> None:
    limits = merged(A.defaults(limits={"runSeconds": 60}), job=make_job().limits()).limits
    assert limits is not None
    assert limits.run_seconds == 60


def test_a_policy_is_not_named_for_what_the_job_said_itself() -> None:
    policy = A.defaults(mode="Never", optimizeFor="Energy", ttlSecondsAfterFinished=60, limits={"runSeconds": 60})
    job = make_job().mode("Require").optimize_for("Time").limits(runSeconds=5).set("spec.ttlSecondsAfterFinished", 5)
    resolved = merged(policy, job=job)
    assert resolved.sources == {}
    assert resolved.because("mode") == "the job"
    assert set(merged(policy).sources) == {"mode", "optimizeFor", "ttlSecondsAfterFinished", "limits"}


def test_an_unset_use_is_commercial_and_distributed() -> None:
    assert (merged().commercial, merged().distribution) == (True, Distribution.DISTRIBUTED)


def test_pod_exceptions_need_every_policy() -> None:
    one = A.set("spec.podExceptions.secretNames", ["s", "t"])
    both = merged(one, B.set("spec.podExceptions.secretNames", ["t"]))
    assert both.pod_exceptions.secret_names == ["t"]
    assert merged(one, B).pod_exceptions.secret_names == []


def test_every_effect_names_its_policies() -> None:
    resolved = merged(A.minimum_saving(5).methods("LoRA"), B.minimum_saving(20).deny_licenses("mit"))
    assert resolved.sources == {"methods": ("a",), "minimumSavingPercent": ("b",), "licenses.deny": ("b",)}
    assert resolved.because("methods") == "policy a"
    assert resolved.policies == ("a", "b")


def test_each_amount_of_a_budget_names_the_policies_that_set_its_lowest_bound() -> None:
    resolved = merged(A.budget(carbonGrams=5, cost="7"), B.budget(carbonGrams=3, cost="7").approval_above(cost="1"))
    assert resolved.sources == {
        "monthlyBudget.carbonGrams": ("b",),
        "monthlyBudget.cost": ("a", "b"),
        "approvalAbove.cost": ("b",),
    }


def test_a_job_may_forbid_probing_itself_but_not_allow_what_a_policy_forbids() -> None:
    assert merged(job=make_job().set("spec.substitution.probe", "Never")).probe is Probing.NEVER
    strict = A.set("spec.probe", "Never")
    assert merged(strict, job=make_job().set("spec.substitution.probe", "Auto")).probe is Probing.NEVER
    assert merged(strict).sources["probe"] == ("a",)
    assert "probe" not in merged(A.set("spec.probe", "Auto")).sources


def test_every_field_of_a_policy_reaches_what_is_in_force() -> None:
    """A field that nobody reads would be a rule that an administrator believes in."""
    loose, strict = merged(A), {}
    for field, value in EVERY_FIELD.items():
        now = merged(A.set(f"spec.{field}", value), job=make_job().use(commercial=False, distribution="Internal"))
        before = merged(A, job=make_job().use(commercial=False, distribution="Internal"))
        strict[field] = (now.wire(), now.ca_bundle_config_map) != (before.wire(), before.ca_bundle_config_map)
    assert strict == dict.fromkeys(EVERY_FIELD, True)
    assert set(EVERY_FIELD) | {"namespaceSelector"} == {info.alias for info in TrainingPolicySpec.model_fields.values()}
    assert loose.sources == {}


EVERY_FIELD = {
    "defaults": {"mode": "Recommend"},
    "methods": ["LoRA"],
    "baseModelScopes": ["BaseModel"],
    "licenses": {"deny": ["MIT"]},
    "sources": {"hosts": ["x.org"]},
    "use": {"commercial": True},
    "maxParameters": 5,
    "minimumSavingPercent": 5,
    "sufficientChance": "0.5",
    "requireAcknowledgement": True,
    "allowRegister": True,
    "monthlyBudget": {"cost": "5"},
    "scratch": {"approvalAbove": {"cost": "5"}},
    "approvalAbove": {"cost": "5"},
    "probe": "Never",
    "learning": "Off",
    "podExceptions": {"secretNames": ["s"]},
}


@pytest.mark.parametrize("field", PodExceptions.model_fields)
def test_every_pod_exception_needs_every_policy(field: str) -> None:
    path = f"spec.podExceptions.{PodExceptions.model_fields[field].alias}"
    both = merged(A.set(path, ["x", "y"]), B.set(path, ["y"]))
    assert getattr(both.pod_exceptions, field) == ["y"]
    assert getattr(merged(A.set(path, ["x"]), B).pod_exceptions, field) == []


def test_the_resolved_value_goes_on_the_wire_without_floats_and_tells_none_from_nothing() -> None:
    wire = merged(A.methods("AsIs"), B.methods("LoRA").minimum_saving(10)).wire()
    assert wire["methods"] == []
    assert wire["minimumSavingRatio"] == "0.1"
    assert "baseModelScopes" not in wire
    assert wire["sources"]["minimumSavingPercent"] == ["b"]


METHODS = st.lists(st.sampled_from([str(method) for method in Method]), max_size=4, unique=True)
PERCENT = st.none() | st.integers(0, 100)


LEARNING = st.none() | st.sampled_from([str(one) for one in Learning])
AMOUNT = st.none() | st.integers(0, 9)
HOSTS = st.sets(st.sampled_from(["x.org", "*.x.org", "hub.x.org"])).map(sorted)
LICENSES = st.sets(st.sampled_from(["mit", "gemma", "apache-2.0"])).map(sorted)
FIELDS = {
    "methods": METHODS,
    "minimumSavingPercent": PERCENT,
    "sufficientChance": st.none() | st.sampled_from(["0.5", "0.9"]),
    "maxParameters": st.none() | st.integers(1, 9),
    "requireAcknowledgement": st.booleans(),
    "allowRegister": st.booleans(),
    "licenses.deny": LICENSES,
    "licenses.allow": LICENSES,
    "sources.hosts": HOSTS,
    "use.commercial": st.booleans(),
    "use.distribution": st.none() | st.sampled_from([str(one) for one in Distribution]),
    "monthlyBudget.energyWattHours": AMOUNT,
    "monthlyBudget.carbonGrams": AMOUNT,
    "approvalAbove.carbonGrams": AMOUNT,
    "scratch.justificationAbove.carbonGrams": AMOUNT,
    "scratch.approvalAbove.energyWattHours": AMOUNT,
    "probe": st.none() | st.sampled_from(["Auto", "Never"]),
    "learning": LEARNING,
    "podExceptions.secretNames": st.sets(st.sampled_from("st")).map(sorted),
}
RULES = st.fixed_dictionaries(FIELDS)
QUIET = make_job().use(commercial=False, distribution="Internal")


def policy_of(name: str, rules: Mapping[str, object]) -> PolicyBuilder:
    policy = make_policy(name)
    for path, value in rules.items():
        policy = policy.set(f"spec.{path}", value)
    return policy


def in_force(*policies: PolicyBuilder) -> Resolved:
    """What is in force, without the names of who caused it."""
    return replace(merged(*policies, job=QUIET), sources={}, policies=())


@settings(max_examples=25, deadline=None)
@given(RULES, RULES, RULES)
def test_the_order_and_the_number_of_policies_do_not_matter(one, two, three) -> None:  # type: ignore[no-untyped-def]
    a, b, c = policy_of("a", one), policy_of("b", two), policy_of("c", three)
    assert in_force(a, b, c) == in_force(policy_of("c", one), policy_of("a", two), policy_of("b", three))
    assert in_force(a, policy_of("b", one)) == in_force(a)
    assert in_force(a, policy_of("b", one), c, policy_of("d", three)) == in_force(a, c)


@settings(max_examples=40, deadline=None)
@given(RULES, RULES)
def test_another_policy_never_allows_more(ours, theirs) -> None:  # type: ignore[no-untyped-def]
    alone, both = in_force(policy_of("a", ours)), in_force(policy_of("a", ours), policy_of("b", theirs))
    for few, many in ((both.methods, alone.methods), (both.licenses_allow, alone.licenses_allow)):
        assert many is None or (few is not None and few <= many)
    assert both.licenses_deny >= alone.licenses_deny
    assert both.minimum_saving_ratio >= alone.minimum_saving_ratio
    assert (both.max_parameters or 10) <= (alone.max_parameters or 10)
    assert both.require_acknowledgement >= alone.require_acknowledgement
    assert both.allow_register <= alone.allow_register
    assert both.commercial >= alone.commercial
    assert REACH.index(both.distribution) >= REACH.index(alone.distribution)
    assert list(Learning).index(both.learning) >= list(Learning).index(alone.learning)
    assert both.probe is Probing.NEVER or alone.probe is Probing.AUTO
    assert set(both.pod_exceptions.secret_names) <= set(alone.pod_exceptions.secret_names)
    for host in ("x.org", "hub.x.org", "y.hub.x.org"):
        assert any(covers(rule, host) for rule in alone.hosts) or not any(covers(rule, host) for rule in both.hosts)
    for name in ("budgets", "approval_above", "justification_above", "scratch_approval_above"):
        assert no_higher(getattr(both, name), getattr(alone, name))


def no_higher(few: Amounts | None, many: Amounts | None) -> bool:
    """Whether each bound is at most the other's; none is higher than any."""
    pairs = [(getattr(few, name, None), getattr(many, name, None)) for name in Amounts.model_fields]
    return all(most is None or (least is not None and least <= most) for least, most in pairs)
