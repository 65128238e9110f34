"""The tree of domains: what data can be about, and how close two subjects are.

A shipped tree instead of free words, because closeness needs a shape that both sides share. It stays shallow: three
levels separate what helps a model from what does not, and people agree on them. A word that is not in the tree is no
evidence, neither for nor against a base model.
"""

from collections.abc import Iterable
from functools import lru_cache

_TREE = """
text
text/news text/news/business text/news/politics text/news/science text/news/sports
text/reviews text/reviews/products text/reviews/films text/reviews/restaurants
text/conversation text/conversation/support text/conversation/social-media text/conversation/email
text/law text/law/contracts text/law/court-decisions text/law/patents
text/medicine text/medicine/clinical-notes text/medicine/literature
text/science text/science/computer-science text/science/physics text/science/biology text/science/chemistry
text/finance text/finance/filings text/finance/transactions
text/education text/government text/encyclopedia text/fiction text/religion text/web
code code/python code/javascript code/java code/sql code/systems
image
image/objects image/scenes image/faces image/documents image/documents/receipts
image/handwriting image/handwriting/digits image/handwriting/letters
image/medicine image/medicine/radiology image/medicine/pathology image/medicine/dermatology
image/nature image/nature/plants image/nature/birds image/nature/insects
image/satellite image/industry image/industry/defects image/food image/fashion image/vehicles image/art
audio
audio/speech audio/speech/telephone audio/speech/broadcast audio/music audio/environment
"""

DOMAINS: frozenset[str] = frozenset(_TREE.split())
"""Every domain of the tree, as a path from its root."""


def depth(domain: str) -> int:
    """Levels from the root: `text` 1, `text/news` 2; 0 for a word that is not in the tree."""
    return domain.count("/") + 1 if domain in DOMAINS else 0


def match(wanted: Iterable[str], known: Iterable[str]) -> int:
    """Depth of the deepest ancestor that a wanted and a known domain share; 0 where none is or nothing is known."""
    return _match(tuple(wanted), tuple(known))


def within(domain: str, ancestor: str) -> bool:
    """Whether a domain is the ancestor or lies below it; also for words that are not in the tree."""
    return domain == ancestor or domain.startswith(ancestor + "/")


@lru_cache(maxsize=65536)
def _match(wanted: tuple[str, ...], known: tuple[str, ...]) -> int:
    shared = [domain for domain in known if domain in DOMAINS]
    return max((_common(one, other) for one in wanted if one in DOMAINS for other in shared), default=0)


def _common(one: str, other: str) -> int:
    shared = 0
    for left, right in zip(one.split("/"), other.split("/"), strict=False):
        if left != right:
            break
        shared += 1
    return shared
