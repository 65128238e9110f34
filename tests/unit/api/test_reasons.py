"""Reasons are words that programs test: each is used, and its sentence says what it means."""

import re
from pathlib import Path

import pytest

from coppice.api import reasons
from coppice.api.reasons import Reason

PACKAGE = Path(reasons.__file__).parents[1]
SOURCE = "\n".join(path.read_text() for path in PACKAGE.rglob("*.py") if path.name != "reasons.py")
USED = set(re.findall(r"\b[A-Z]\w+\.[A-Z_]+\b", SOURCE))
EVERY = [reason for kind in Reason.__subclasses__() for reason in kind]


@pytest.mark.parametrize("reason", EVERY, ids=lambda reason: f"{type(reason).__name__}.{reason.name}")
def test_every_reason_is_used_somewhere(reason: Reason) -> None:
    assert f"{type(reason).__name__}.{reason.name}" in USED


@pytest.mark.parametrize("reason", EVERY, ids=lambda reason: f"{type(reason).__name__}.{reason.name}")
def test_every_reason_is_one_word_with_a_sentence(reason: Reason) -> None:
    assert re.fullmatch(r"[A-Z][A-Za-z]+", str(reason))
    assert reason.sentence.endswith(".")
