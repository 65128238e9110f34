"""The licence gate: two axes, expressions, data, and the licence of what is made."""

import pytest

from coppice.api.vocabulary import Distribution
from coppice.planning.licenses import Use, judge, judge_data
from coppice.planning.lineage import derived_license
from coppice.planning.terms import TERMS, Commerce, Conduct

SELLING = Use(commercial=True, distribution=Distribution.DISTRIBUTED)
SERVING = Use(commercial=True, distribution=Distribution.HOSTED)
ONLY_MIT = Use(commercial=True, distribution=Distribution.INTERNAL, allowed=frozenset({"mit"}))
STUDYING = Use(commercial=False, distribution=Distribution.INTERNAL)


@pytest.mark.parametrize(
    ("expression", "use", "allowed"),
    [
        ("apache-2.0", SELLING, True),
        ("Apache-2.0 AND MIT", SELLING, True),
        ("cc-by-nc-4.0", SELLING, False),
        ("cc-by-nc-4.0", STUDYING, True),
        ("CC-BY-NC-4.0 OR MIT", SELLING, True),
        ("CC-BY-NC-4.0 AND MIT", SELLING, False),
        ("cc-by-nd-4.0", STUDYING, False),
        ("LicenseRef-llama3.1", SELLING, True),
        ("LicenseRef-Gemma", SERVING, True),
        ("creativeml-openrail-m", SELLING, True),
        ("GPL-3.0-only WITH Classpath-exception-2.0", SELLING, True),
        ("other", STUDYING, False),
        ("LicenseRef-acme", STUDYING, False),
        ("(((", STUDYING, False),
        ("apple-amlr", SELLING, False),
    ],
)
def test_a_licence_is_judged_by_the_use(expression: str, use: Use, allowed: bool) -> None:
    assert (not judge(expression, use).refusal) == allowed


def test_conduct_and_commerce_are_separate_axes() -> None:
    axes = {(terms.conduct, terms.commerce) for terms in TERMS.values()}
    assert (Conduct.BOUNDED, Commerce.FREE) in axes
    assert (Conduct.FREE, Commerce.FORBIDDEN) in axes


def test_obligations_grow_with_how_far_the_model_goes() -> None:
    inside, hosted, out = (
        judge("LicenseRef-llama3.1", Use(commercial=True, distribution=reach)).obligations for reach in Distribution
    )
    assert set(inside) < set(hosted) < set(out)
    assert any("Built with Llama" in sentence for sentence in out)


def test_a_policy_s_deny_list_wins_and_its_allow_list_is_exclusive() -> None:
    assert judge("mit", Use(True, Distribution.INTERNAL, denied=frozenset({"mit"}))).refusal
    assert not judge("MIT", ONLY_MIT).refusal
    assert judge("apache-2.0", ONLY_MIT).refusal


def test_an_unknown_licence_passes_only_where_a_policy_lists_it() -> None:
    vouched = Use(True, Distribution.INTERNAL, allowed=frozenset({"acme"}))
    assert not judge("LicenseRef-acme", vouched).refusal


@pytest.mark.parametrize(
    ("expression", "use", "refused"),
    [
        (None, SELLING, False),
        ("other", SELLING, False),
        ("cc-by-4.0", SELLING, False),
        ("cc-by-nc-4.0", SELLING, True),
        ("cc-by-nc-4.0", STUDYING, False),
        ("cc-by-nd-4.0", STUDYING, False),
        ("cc-by-nd-4.0", SELLING, True),
        ("other AND cc-by-nc-4.0", SELLING, True),
        ("cc-by-nc-nd-4.0", Use(commercial=True, distribution=Distribution.INTERNAL), True),
        ("(((", STUDYING, False),
        ("other", ONLY_MIT, True),
        (None, ONLY_MIT, True),
        ("MIT", ONLY_MIT, False),
    ],
)
def test_data_is_refused_only_for_what_its_licence_is_known_to_forbid(
    expression: str | None, use: Use, refused: bool
) -> None:
    verdict = judge_data(expression, use)
    assert bool(verdict.refusal) == refused
    if not refused and expression in {None, "other", "((("}:
        assert "make sure" in verdict.obligations[0]


@pytest.mark.parametrize(
    ("base", "data", "made"),
    [
        ("Apache-2.0", "Apache-2.0", "Apache-2.0"),
        (None, "cc-by-4.0", "cc-by-4.0"),
        ("Apache-2.0", None, "Apache-2.0 AND LicenseRef-unknown"),
        (None, None, "LicenseRef-unknown"),
        ("Apache-2.0", "(((", "LicenseRef-unknown"),
        ("a" * 100, "b" * 100, "LicenseRef-unknown"),
    ],
)
def test_what_is_made_is_bound_by_every_part_of_its_chain(base: str | None, data: str | None, made: str) -> None:
    assert derived_license(base, data) == made


def test_a_model_made_from_data_of_unknown_licence_cannot_be_reused() -> None:
    assert judge(derived_license("Apache-2.0", "other"), STUDYING).refusal
