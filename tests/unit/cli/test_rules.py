"""What the API server would refuse, the command line refuses too, in the same words, without asking one."""

import re
from collections.abc import Iterator
from typing import Any

import cel
import pytest
import yaml

from builders import make_job
from coppice.api.crd import KINDS, schema
from coppice.api.trainingjob import TrainingJob
from coppice.cli.documents import MODELS, Loader, strictly
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


@pytest.mark.parametrize(
    "written",
    [
        "maxAttempts: 3.0",
        "limits: {runSeconds: 7200.0}",
        "limits: null",
        "dataset: {columns: {label: null}}",
        "justification: 2026-01-01",
        "fromScratch: {config: {model_type: bert, note: null, made: 2026-01-01}, epochs: 3}",
    ],
)
def test_what_the_api_server_takes_otherwise_is_taken(written: str) -> None:
    body = manifest_of(make_job(), "research")
    given = yaml.load(written, Loader)
    for field, value in given.items():
        body["spec"][field] = body["spec"].get(field, {}) | value if isinstance(value, dict) else value
    strictly(TrainingJob, body, "manifest.yaml")


def test_a_rule_holds_whatever_dates_stand_beside() -> None:
    body = manifest_of(make_job().mode("Require").target(None).scratch(), "research")
    body["spec"]["fromScratch"]["config"] |= yaml.load("made: 2026-01-01", Loader)
    with pytest.raises(UsageError, match="Require needs objective"):
        strictly(TrainingJob, body, "manifest.yaml")


def test_a_small_number_is_told_as_it_must_be_written() -> None:
    body = manifest_of(make_job().set("spec.trainer.hyperparameters.learningRate", 0.00003), "research")
    with pytest.raises(UsageError, match=re.escape("must be in quotes: '0.00003'")):
        strictly(TrainingJob, body, "manifest.yaml")
