"""The chain as it is written down: a mistake ends the start with a sentence that says what to change."""

from typing import Any

import pytest

from coppice.adapters.intensity.settings import links, sources
from coppice.adapters.web import Web, waiting

PROMETHEUS = {"type": "PromQL", "url": "http://p:9090", "method": "Direct", "signal": "Average"}


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"type": "ElectricityMaps"}, "ElectricityMaps needs credentials"),
        ({"type": "CarbonAwareSDK", "url": "http://sdk"}, "CarbonAwareSDK needs method, signal"),
        ({"type": "NESO", "method": "LifeCycle"}, "NESO has one method"),
        ({"type": "NESO", "signal": "Marginal"}, "NESO has one signal"),
        ({**PROMETHEUS}, "PromQL needs expression"),
        ({**PROMETHEUS, "expression": "grid_grams"}, r"must contain \$zone, or zones name the one zone"),
        ({"type": "NESO", "url": "https://me:pw@example.org"}, "url"),
        ({"type": "NESO", "url": "https://example.org/?key=1"}, "url"),
        ({"type": "NESO", "tokn": "x"}, "tokn"),
        ({"type": "Guess"}, "type"),
    ],
)
def test_a_source_that_cannot_work_is_refused(source: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=f"sources of carbon intensity cannot be used .*{words}"):
        sources({"providers": [source]})


def test_a_chain_is_made_in_its_order() -> None:
    written = {"providers": [{"type": "WattTime", "credentials": "/x"}, {"type": "NESO"}]}
    assert [link.provider.label for link in links(sources(written), Web())] == ["WattTime", "UK NESO"]
    assert sources({}).providers == ()


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("120", 120), ("0", 1), ("-5", 1), ("1e9", 3600), ("nan", None), ("soon", None), (None, None)],
)
def test_a_wish_to_wait_is_honoured_within_an_hour(header: str | None, seconds: float | None) -> None:
    assert waiting(header) == seconds


def test_a_wish_to_wait_may_be_a_date() -> None:
    assert waiting("Fri, 31 Dec 2100 23:59:59 GMT") == 3600
    assert waiting("Fri, 31 Dec 1999 23:59:59 GMT") == 1
