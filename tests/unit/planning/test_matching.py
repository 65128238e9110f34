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
    ],
)
def test_languages_match_by_their_primary_subtag(wanted: list[str], known: list[str], share: float | None) -> None:
    assert share_known(wanted, known) == share
