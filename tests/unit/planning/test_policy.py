"""Policy merge: the stricter rule wins, field by field, and says who made it."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import PolicyBuilder, make_job, make_policy
from coppice.api.trainingpolicy import TrainingPolicySpec
from coppice.api.vocabulary import BaseModelKind, Distribution, Method, Mode, OptimizeFor
from coppice.planning.policy import DEFAULT_POLICY_NAME, applicable, resolve
from coppice.planning.resolved import DEFAULT_SUFFICIENT_CHANCE, Resolved

NOTHING = TrainingPolicySpec()


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


def test_the_resolved_value_goes_on_the_wire_without_floats_and_tells_none_from_nothing() -> None:
    wire = merged(A.methods("AsIs"), B.methods("LoRA").minimum_saving(10)).wire()
    assert wire["methods"] == []
    assert wire["minimumSavingRatio"] == "0.1"
    assert "baseModelScopes" not in wire
    assert wire["sources"]["minimumSavingPercent"] == ["b"]


METHODS = st.lists(st.sampled_from([str(method) for method in Method]), max_size=4, unique=True)
PERCENT = st.none() | st.integers(0, 100)


@settings(max_examples=25, deadline=None)
@given(METHODS, METHODS, PERCENT, PERCENT, st.booleans(), st.sets(st.sampled_from(["mit", "gemma", "apache-2.0"])))
def test_another_policy_never_allows_more(ours, theirs, low, high, ask, denied) -> None:  # type: ignore[no-untyped-def]
    first = A.methods(*ours).set("spec.minimumSavingPercent", low)
    second = B.methods(*theirs).set("spec.minimumSavingPercent", high).deny_licenses(*denied)
    second = second.require_acknowledgement() if ask else second
    alone, both = merged(first), merged(first, second)
    everything = frozenset(Method)
    assert (both.methods if both.methods is not None else everything) <= (
        alone.methods if alone.methods is not None else everything
    )
    assert both.minimum_saving_ratio >= alone.minimum_saving_ratio
    assert both.licenses_deny >= alone.licenses_deny
    assert both.require_acknowledgement >= alone.require_acknowledgement
