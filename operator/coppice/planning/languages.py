"""Languages match by their primary subtag: a model that knows `en` serves `en-US`, and the other way round.

Region and script are left out on purpose (BCP 47, RFC 5646 section 2.2): catalogues rarely state them, and refusing
a model over a region would refuse most that work.
"""

from collections.abc import Iterable


def primary(tag: str) -> str:
    """The primary subtag, in lower case: `zh` of `zh-Hant-TW`."""
    return tag.split("-", 1)[0].lower()


def share_known(wanted: Iterable[str], known: Iterable[str]) -> float | None:
    """Share of the wanted languages that are known, 0 to 1; None where either side names none."""
    asked = {primary(tag) for tag in wanted}
    spoken = {primary(tag) for tag in known}
    if not asked or not spoken:
        return None
    return len(asked & spoken) / len(asked)
