"""Which provider is used, and what is said when none can be."""

from __future__ import annotations

import pytest

from devcluster.choice import Facts, choose
from devcluster.errors import DevClusterError

DOCKER = Facts(docker_engine=True, linux=True, root=False)
ROOT = Facts(docker_engine=False, linux=True, root=True)
BOTH = Facts(docker_engine=True, linux=True, root=True)
NEITHER = Facts(docker_engine=False, linux=False, root=False)


@pytest.mark.parametrize(
    ("wanted", "facts", "provider"),
    [
        ("auto", DOCKER, "kind"),
        ("auto", ROOT, "local"),
        ("auto", BOTH, "kind"),
        ("local", BOTH, "local"),
        ("kind", DOCKER, "kind"),
        ("context", NEITHER, "context"),
    ],
)
def test_the_provider_follows_from_the_wish_and_the_machine(wanted: str, facts: Facts, provider: str) -> None:
    assert choose(wanted, facts) == provider


@pytest.mark.parametrize(
    ("wanted", "facts", "sentence"),
    [
        ("auto", NEITHER, "--provider context"),
        ("kind", ROOT, "needs a running Docker engine"),
        ("local", DOCKER, "needs root on Linux"),
    ],
)
def test_an_impossible_wish_names_the_options(wanted: str, facts: Facts, sentence: str) -> None:
    with pytest.raises(DevClusterError, match=sentence):
        choose(wanted, facts)
