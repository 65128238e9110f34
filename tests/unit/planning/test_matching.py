"""Domains and languages: what counts as close."""

import re
from pathlib import Path

import pytest

from coppice.planning.domains import DOMAINS, depth, match, within
from coppice.planning.languages import share_known

CATALOGUE = Path(__file__).parents[3] / "charts" / "coppice" / "catalogue"


@pytest.mark.parametrize(
    ("wanted", "known", "levels"),
    [
        (["text/news/sports"], ["text/news/sports"], 3),
        (["text/news"], ["text/news/sports"], 2),
        (["text/news"], ["text"], 1),
        (["text/news"], ["image/nature/birds"], 0),
        (["text/news", "code/python"], ["code/python"], 2),
        (["text/astrology"], ["text/astrology"], 0),
        ([], ["text"], 0),
    ],
)
def test_domains_match_as_deep_as_their_common_ancestor(wanted: list[str], known: list[str], levels: int) -> None:
    assert match(wanted, known) == levels


def test_every_domain_of_the_tree_has_its_parents_in_it() -> None:
    assert all(domain.rpartition("/")[0] in DOMAINS for domain in DOMAINS if "/" in domain)
    assert {depth(domain) for domain in DOMAINS} == {1, 2, 3}


def test_every_domain_that_the_shipped_catalogue_names_is_in_the_tree() -> None:
    lists = re.findall(r"omains: \[(.*)\]", "\n".join(path.read_text() for path in CATALOGUE.glob("*.yaml")))
    named = {domain.strip() for one in lists for domain in one.split(",")} - {""}
    assert named
    assert named <= DOMAINS


def test_an_excluded_domain_covers_what_lies_below_it_and_no_namesake() -> None:
    assert within("text/law/contracts", "text/law")
    assert not within("text/lawn", "text/law")


@pytest.mark.parametrize(
    ("wanted", "known", "share"),
    [
        (["en-US"], ["en"], 1.0),
        (["en"], ["en-GB"], 1.0),
        (["EN"], ["en"], 1.0),
        (["en", "fr"], ["en"], 0.5),
        (["de"], ["en", "fr"], 0.0),
        ([], ["en"], None),
        (["en"], [], None),
        (["en"], ["mul"], None),
        (["und"], ["en"], None),
        (["en"], ["languages"], None),
    ],
)
def test_a_language_is_known_whatever_its_region(wanted: list[str], known: list[str], share: float | None) -> None:
    assert share_known(wanted, known) == share


@pytest.mark.parametrize(
    ("wanted", "known", "share"),
    [
        ("zh-TW", "zh-Hant", 1.0),
        ("zh-Hant-HK", "zh-TW", 1.0),
        ("zh-Hant", "zh", 0.5),
        ("zh", "zh-Hans-CN", 1.0),
        ("sr-Latn", "sr", 0.5),
        ("yue", "zh", 0.5),
        ("zh", "yue", 0.5),
        ("zh-yue", "yue", 1.0),
        ("zh-cmn-Hans", "zh", 1.0),
        ("cmn", "zh", 1.0),
        ("arz", "ar", 0.5),
        ("arb", "ar", 1.0),
        ("nb", "no", 1.0),
        ("nn", "no", 0.5),
        ("iw", "he", 1.0),
        ("eng", "en", 1.0),
        ("de-1996", "de-AT-1996-u-co-phonebk", 1.0),
        ("ca", "es", 0.0),
        ("pt-BR", "pt-PT", 1.0),
    ],
)
def test_scripts_macrolanguages_and_old_codes_are_told_apart(wanted: str, known: str, share: float) -> None:
    assert share_known([wanted], [known]) == share


def test_the_best_match_of_each_wanted_language_counts() -> None:
    assert share_known(["zh-Hant", "en"], ["zh", "zh-TW"]) == 0.5
