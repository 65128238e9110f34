"""What the API server would refuse, the command line refuses too, in the same words, without asking one."""

import re
from collections.abc import Iterator
from typing import Any

import cel
import pytest

from coppice.api.crd import KINDS, schema
from coppice.cli.documents import MODELS, strictly
from coppice.cli.errors import UsageError
from coppice.cli.rules import RULES
from manifests import BAD, GOOD, manifest_of

LEFT = {
    "a network that is an address",
    "the link-local network",
    "everything, metadata included",
    "link-local of version 6",
}
"""Only the API server's CEL knows networks."""
STANDARD = {"has", "size", "double", "matches", "startsWith", "endsWith", "exists", "all"}


def rules(node: Any) -> Iterator[dict[str, str]]:
    """Those of a schema and of all within."""
    if isinstance(node, dict):
        yield from node.get(RULES, ())
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from rules(inner)


EVERY = [rule for kind in KINDS for rule in rules(schema(kind))]
WORDS = {rule["message"] for rule in EVERY}


def test_every_rule_can_be_read() -> None:
    assert len(EVERY) > 100
    for rule in EVERY:
        cel.compile(rule["rule"])


def test_only_networks_are_left_to_the_api_server() -> None:
    called = {name for rule in EVERY for name in re.findall(r"(\w+)\(", re.sub(r"r?'[^']*'", "", rule["rule"]))}
    assert called - STANDARD == {"isCIDR", "cidr", "containsCIDR", "containsIP"}


@pytest.mark.parametrize("case", sorted(BAD.keys() - LEFT))
def test_a_bad_manifest_is_refused(case: str) -> None:
    builder, sentence = BAD[case]
    body = manifest_of(builder, "research")
    with pytest.raises(UsageError) as refused:
        strictly(MODELS[body["kind"]], body, "manifest.yaml")
    if any(sentence in word for word in WORDS):
        assert sentence in str(refused.value)


@pytest.mark.parametrize("case", GOOD)
def test_a_good_manifest_is_accepted(case: str) -> None:
    body = manifest_of(GOOD[case], "research")
    strictly(MODELS[body["kind"]], body, "manifest.yaml")
