"""Languages match as BCP 47 means them: what a model knows of the languages that a job's data is in.

Tags are brought to one form first (langcodes, after RFC 5646 and CLDR): old and three-letter codes, extended language
subtags and the leading member of a macrolanguage, so that `iw` is `he`, `zh-cmn` and `cmn` are `zh`, `arb` is `ar`.

    same language and script                    1      en for en-US, zh-Hant for zh-TW
    same language, another script               0.5    zh-Hant for zh (which is written in Hans where nothing is said)
    members of one macrolanguage                0.5    yue for zh, nn for nb, arz for ar
    anything else                               0

Regions, variants and extensions are left out: catalogues rarely state them, and refusing a model over a region would
refuse most that work. What readers of one language happen to understand of another (Catalan and Spanish) is no
knowledge of a model, so CLDR's distances are not used. `mul`, `und` and what is no tag state no language.
"""

from collections.abc import Iterable
from functools import cache, lru_cache
from typing import NamedTuple

from langcodes import Language
from langcodes.data_dicts import MACROLANGUAGES

RELATED = 0.5
"""Of a language in another script, or of another member of its macrolanguage; assumed."""
SAME = {"nb": "no"}
"""Written Norwegian is Bokmal where nothing is said, as CLDR has it; langcodes keeps the two apart."""
NO_LANGUAGE = frozenset({"und", "mul", "mis", "zxx"})


class Spoken(NamedTuple):
    """A language as it is compared: its code, the macrolanguage it belongs to (or itself), and its script."""

    code: str
    group: str
    script: str


def share_known(wanted: Iterable[str], known: Iterable[str]) -> float | None:
    """Share of the wanted languages that are known, 0 to 1; None where either side names none."""
    return _share(tuple(wanted), tuple(known))


def knowledge(wanted: Spoken, known: Spoken) -> float:
    """How much of one language a model knows that knows another: 1, RELATED or 0."""
    if wanted.code == known.code:
        return 1.0 if wanted.script == known.script else RELATED
    return RELATED if wanted.group == known.group else 0.0


@cache
def spoken(tag: str) -> Spoken | None:
    """A tag in the form in which it is compared; None where it states no language."""
    try:
        language = Language.get(tag).prefer_macrolanguage()
    except ValueError:  # LanguageTagError is one
        return None
    code = SAME.get(language.language or "", language.language)
    if code is None or code in NO_LANGUAGE:
        return None
    return Spoken(code, MACROLANGUAGES.get(code, code), language.maximize().script or "")


@lru_cache(maxsize=65536)
def _share(wanted: tuple[str, ...], known: tuple[str, ...]) -> float | None:
    asked = _stated(wanted)
    knows = _stated(known)
    if not asked or not knows:
        return None
    return sum(max(knowledge(one, other) for other in knows) for one in asked) / len(asked)


def _stated(tags: tuple[str, ...]) -> list[Spoken]:
    """Each language once, in the order of the tags."""
    return list(dict.fromkeys(one for one in map(spoken, tags) if one is not None))
