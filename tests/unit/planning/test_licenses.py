"""The licence gate: two axes, expressions, thresholds, data, and the licence of what is made."""

import datetime as dt
import json
import tomllib
from importlib.resources import files

import pytest

from coppice.api.vocabulary import Distribution
from coppice.planning.licenses import Use, judge, judge_data
from coppice.planning.lineage import derived_license
from coppice.planning.terms import TERMS, Commerce, Conduct, Terms, identifier

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
        ("intel-research", STUDYING, False),
        ("gpl-3.0", SELLING, True),
        ("cc", STUDYING, False),
        ("gpl", STUDYING, False),
        ("unknown", STUDYING, False),
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


def owed(licence: str, reach: Distribution) -> set[str]:
    """The names of the rules that bind."""
    sentences = TERMS[identifier(licence)].due(reach)
    return {each.name for each in TERMS[identifier(licence)].obligations if each.sentence in sentences}


@pytest.mark.parametrize(
    ("rule", "licence", "begins"),
    [
        ("notice", "mit", Distribution.DISTRIBUTED),
        ("changes", "apache-2.0", Distribution.DISTRIBUTED),
        ("data-notice", "cdla-permissive-2.0", Distribution.DISTRIBUTED),
        ("credit", "cc-by-4.0", Distribution.DISTRIBUTED),
        ("share-alike", "cc-by-sa-4.0", Distribution.DISTRIBUTED),
        ("source", "gpl-3.0", Distribution.DISTRIBUTED),
        ("source-to-users", "agpl-3.0", Distribution.HOSTED),
        ("use-restrictions", "openrail", Distribution.INTERNAL),
        ("carry-restrictions", "bigcode-openrail-m", Distribution.HOSTED),
        ("pass-agreement", "gemma", Distribution.HOSTED),
        ("gemma-notice", "gemma", Distribution.DISTRIBUTED),
        ("llama-policy", "llama3.3", Distribution.INTERNAL),
        ("no-other-models", "llama3", Distribution.INTERNAL),
        ("llama-eu", "llama4", Distribution.INTERNAL),
        ("users-700m", "llama2", Distribution.HOSTED),
        ("users-100m", "qwen", Distribution.HOSTED),
        ("llama3-name", "llama3", Distribution.HOSTED),
        ("llama-name", "llama3.1", Distribution.HOSTED),
        ("llama-notice", "llama2", Distribution.DISTRIBUTED),
        ("qwen-name", "qwen-research", Distribution.HOSTED),
        ("research-only", "apple-amlr", Distribution.INTERNAL),
    ],
)
def test_a_rule_binds_from_its_distribution_on(rule: str, licence: str, begins: Distribution) -> None:
    reaches = list(Distribution)
    binding = [reach for reach in reaches if rule in owed(licence, reach)]
    assert binding == reaches[reaches.index(begins) :]


def test_no_rule_of_the_table_goes_unused_and_each_is_tested_above() -> None:
    table = tomllib.loads((files("coppice") / "data" / "licenses.toml").read_text("utf-8"))
    used = {rule.name for terms in TERMS.values() for rule in terms.obligations}
    marks = test_a_rule_binds_from_its_distribution_on.pytestmark  # type: ignore[attr-defined]
    assert used == set(table["rules"]) == {case[0] for case in marks[0].args[1]}


@pytest.mark.parametrize("terms", TERMS.values(), ids=lambda terms: terms.name)
def test_a_row_names_its_source_and_the_day_it_was_checked(terms: Terms) -> None:
    assert terms.source.startswith("https://")
    assert dt.date.fromisoformat(terms.checked) <= dt.datetime.now(dt.UTC).date()
    assert (terms.users is not None) == (terms.commerce is Commerce.SCALE_BOUNDED)
    assert any(rule.threshold for rule in terms.obligations) == (terms.users is not None)


AXES = {
    "Permissive": {Commerce.FREE},
    "Public Domain": {Commerce.FREE},
    "Copyleft": {Commerce.FREE},
    "Copyleft Limited": {Commerce.FREE},
    "Free Restricted": {Commerce.FREE},
    "Source-available": {Commerce.FREE, Commerce.FORBIDDEN},
}
"""ScanCode's categories and what they let us say of commerce; its Source-available holds NC and ND alike."""


def test_ids_without_a_licenseref_are_spdx_s_own_and_agree_with_scancode() -> None:
    index = json.loads((files("license_expression") / "data" / "scancode-licensedb-index.json").read_text("utf-8"))
    known = {row["spdx_license_key"]: row["category"] for row in index if row.get("spdx_license_key")}
    for terms in TERMS.values():
        if not terms.name.startswith("LicenseRef-"):
            category = known[terms.name]
            assert terms.commerce in AXES[category], terms.name
            shares = {"share-alike", "source", "source-to-users"} & {rule.name for rule in terms.obligations}
            assert not (category == "Copyleft" and not shares), terms.name
            assert (category == "Source-available") == (
                terms.commerce is Commerce.FORBIDDEN or not terms.derivatives
            ), terms.name


HUB = (
    "apache-2.0 mit openrail bigscience-openrail-m creativeml-openrail-m bigscience-bloom-rail-1.0 bigcode-openrail-m"
    " afl-3.0 artistic-2.0 bsl-1.0 bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear c-uda cc0-1.0 cc-by-2.0 cc-by-2.5"
    " cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nd-4.0"
    " cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cdla-sharing-1.0"
    " cdla-permissive-1.0 cdla-permissive-2.0 wtfpl ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 eupl-1.2 agpl-3.0"
    " gpl-2.0 gpl-3.0 lgpl-2.1 lgpl-3.0 isc intel-research lppl-1.3c ms-pl apple-amlr mpl-2.0 odc-by odbl openmdw-1.0"
    " openmdw-1.1 openrail++ osl-3.0 postgresql ofl-1.1 ncsa unlicense zlib pddl lgpl-lr"
    " fair-noncommercial-research-license llama2 llama3 llama3.1 llama3.2 llama3.3 llama4 gemma"
)


@pytest.mark.parametrize("name", HUB.split())
def test_a_licence_is_known_as_the_hub_writes_it_and_as_a_licenseref(name: str) -> None:
    assert identifier(name) in TERMS
    assert identifier(f"LicenseRef-{name}") == identifier(name.upper())


def test_a_policy_that_denies_a_licence_denies_it_under_every_name() -> None:
    denied = frozenset({identifier("gpl-3.0")})
    assert judge("GPL-3.0-only", Use(True, Distribution.INTERNAL, denied=denied)).refusal


@pytest.mark.parametrize(
    ("licence", "users", "refused", "asked"),
    [
        ("llama3.1", None, False, True),
        ("llama3.1", 700_000_000, False, False),
        ("llama3.1", 700_000_001, True, False),
        ("qwen", 100_000_001, True, False),
        ("qwen", 99, False, False),
        ("mit", 10**10, False, False),
        ("llama3.1 OR mit", 10**10, False, False),
    ],
)
def test_a_threshold_refuses_above_it_and_asks_nothing_below_it(
    licence: str, users: int | None, refused: bool, asked: bool
) -> None:
    verdict = judge(licence, Use(True, Distribution.HOSTED, monthly_active_users=users))
    assert bool(verdict.refusal) == refused
    assert any("monthly active users" in sentence for sentence in verdict.obligations) == asked


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
