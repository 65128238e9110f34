"""What a model card's front matter says, in the words of a BaseModel.

Cards are written by hand: a field may be a word, a list or missing, and a licence may be anything. What is not
understood is left out and told, never guessed.
"""

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import yaml

from coppice.api.base import storable
from coppice.api.basemodel import Pretraining
from coppice.planning.licenses import UNKNOWN
from coppice.planning.terms import TERMS, identifier

Card = Mapping[str, Any]

FRONT = re.compile(rb"\A\s*---\s*\n(.*?)\n---\s*(\n|\Z)", re.DOTALL)
LANGUAGE = re.compile(r"^[a-z]{2,3}(-[A-Za-z0-9]{1,8})*$")
TAG = re.compile(r"^[a-z0-9]+(-[a-z0-9]+)*$")
NOT_LANGUAGES = frozenset({"code", "multilingual", "mul", "und", "zxx"})
MOST_LANGUAGES = 256


def front_matter(readme: bytes) -> Card:
    """The card's metadata; empty where there is none that can be read."""
    found = FRONT.match(readme)
    if found is None:
        return {}
    try:
        parsed = yaml.safe_load(found.group(1))
    except yaml.YAMLError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def expression(stated: object, name: object = None) -> str:
    """SPDX expression of what a card calls its licence; `name` is the card's license_name, for `other`.

    Several licences bind together. What states none is `LicenseRef-unknown`, which no gate lets through.
    """
    words = [word for word in _words(stated) if word.strip()]
    if words and all(word.lower() == "other" for word in words):
        words = _words(name)
    return " AND ".join(dict.fromkeys(_license(word) for word in words)) or UNKNOWN


def languages(card: Card) -> list[str]:
    """BCP 47 tags among what the card calls languages."""
    words = (word.strip() for word in _words(card.get("language")))
    kept = dict.fromkeys(word for word in words if LANGUAGE.match(word) and word not in NOT_LANGUAGES)
    return list(kept)[:MOST_LANGUAGES]


def pipeline_tag(card: Card) -> str | None:
    """The task that the card names."""
    found = card.get("pipeline_tag")
    return found if isinstance(found, str) and len(found) <= 64 and TAG.match(found) else None


def bases(card: Card) -> list[str]:
    """The models that it was made from."""
    return _words(card.get("base_model"))


def footprint(card: Card, source: str) -> Pretraining | None:
    """Emissions that the card reports: grams of CO2e (https://huggingface.co/docs/hub/model-cards-co2)."""
    stated = card.get("co2_eq_emissions")
    grams = stated.get("emissions") if isinstance(stated, dict) else stated
    try:
        kilograms = Decimal(str(grams)) / 1000
    except (InvalidOperation, TypeError):
        return None
    if not kilograms.is_finite() or kilograms < 0:
        return None
    told = f"co2_eq_emissions of the model card, {source}"
    return Pretraining(carbon_kilograms=storable(kilograms), source=told[:512])


def _license(word: str) -> str:
    """The canonical name where the table knows it; of an SPDX expression or an unknown name, the name itself."""
    known = TERMS.get(identifier(word))
    if known is not None:
        return known.name
    plain = re.sub(r"[^A-Za-z0-9.-]+", "-", word.removeprefix("LicenseRef-")).strip("-")[:100]
    return f"LicenseRef-{plain or 'unknown'}"


def _words(value: object) -> list[str]:
    """A word or a list of words; YAML reads `no` as false, which on a card means Norwegian."""
    listed = value if isinstance(value, list) else [value]
    return ["no" if word is False else str(word) for word in listed if isinstance(word, str) or word is False]
