"""The licence table: what each licence says on two axes, and what it asks for in return.

Conduct (may the model be used for anything?) and commerce (may it earn money?) are separate axes: OpenRAIL limits
the first and not the second, CC BY-NC the second and not the first. One scale would get one of them wrong. The table
reads licence texts for a gate, it is no legal advice; what it does not list fails closed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from coppice.api.vocabulary import Distribution


class Conduct(Enum):
    """Whether the licence limits what the model may be used for."""

    FREE = "free"
    BOUNDED = "bounded"


class Commerce(Enum):
    """Whether the licence allows commercial use."""

    FREE = "free"
    SCALE_BOUNDED = "scale-bounded"
    FORBIDDEN = "forbidden"


@dataclass(frozen=True)
class Terms:
    """One licence: its two axes, whether derivatives are allowed, obligations by how far the model goes, source.

    An obligation binds from its distribution on: one of HOSTED also binds DISTRIBUTED.
    """

    source: str
    conduct: Conduct = Conduct.FREE
    commerce: Commerce = Commerce.FREE
    derivatives: bool = True
    obligations: tuple[tuple[Distribution, str], ...] = ()

    def due(self, distribution: Distribution) -> tuple[str, ...]:
        """What the licence asks of a model that goes so far."""
        reach = _REACH.index(distribution)
        return tuple(sentence for start, sentence in self.obligations if _REACH.index(start) <= reach)


_REACH = (Distribution.INTERNAL, Distribution.HOSTED, Distribution.DISTRIBUTED)

_NOTICE = (Distribution.DISTRIBUTED, "ship the licence text and the copyright notice with the model")
_CREDIT = (Distribution.DISTRIBUTED, "credit the authors and link the licence")
_SHARE_ALIKE = (Distribution.DISTRIBUTED, "license the derived model under the same licence")
_SOURCE_TO_USERS = (Distribution.HOSTED, "offer the source of the derived model to those who use it over a network")
_CARRY = (Distribution.HOSTED, "carry the licence's use restrictions into the terms of the derived model")
_CONDUCT = (Distribution.INTERNAL, "keep to the licence's use restrictions")
_LLAMA = (
    (Distribution.INTERNAL, "keep to Meta's acceptable use policy"),
    (Distribution.HOSTED, "ask Meta for a licence above 700 million monthly users"),
    (Distribution.DISTRIBUTED, "ship the Llama licence and its notice with the model"),
)
_LLAMA_NAMING = (
    *_LLAMA,
    (Distribution.DISTRIBUTED, "name the model 'Llama…' and show 'Built with Llama'"),
)

_SPDX = "https://spdx.org/licenses/"
_CC = "https://creativecommons.org/licenses/"


def _family(identifiers: str, source: str, **fields: object) -> dict[str, Terms]:
    return {name: Terms(source.format(name), **fields) for name in identifiers.split()}  # type: ignore[arg-type]


TERMS: Mapping[str, Terms] = {
    **_family(
        "apache-2.0 mit mit-0 bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear isc zlib bsl-1.0 ncsa afl-3.0 postgresql"
        " artistic-2.0 ecl-2.0 openmdw-1.0 openmdw unicode-3.0",
        _SPDX + "{}",
        obligations=(_NOTICE,),
    ),
    **_family(
        "cc0-1.0 unlicense wtfpl pddl-1.0 cdla-permissive-1.0 cdla-permissive-2.0 c-uda-1.0 odc-by-1.0", _SPDX + "{}"
    ),
    **_family("cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 etalab-2.0", _CC, obligations=(_CREDIT,)),
    **_family("cc-by-sa-3.0 cc-by-sa-4.0 odbl-1.0 cdla-sharing-1.0", _CC, obligations=(_CREDIT, _SHARE_ALIKE)),
    **_family(
        "gpl-2.0 gpl-2.0-only gpl-2.0-or-later gpl-3.0 gpl-3.0-only gpl-3.0-or-later lgpl-2.1 lgpl-3.0 mpl-2.0 epl-2.0",
        _SPDX + "{}",
        obligations=(_NOTICE, _SHARE_ALIKE),
    ),
    **_family(
        "agpl-3.0 agpl-3.0-only agpl-3.0-or-later",
        _SPDX + "{}",
        obligations=(_NOTICE, _SHARE_ALIKE, _SOURCE_TO_USERS),
    ),
    **_family(
        "openrail openrail++ openrail-m bigscience-openrail-m creativeml-openrail-m bigscience-bloom-rail-1.0"
        " bigcode-openrail-m",
        "https://huggingface.co/blog/open_rail",
        conduct=Conduct.BOUNDED,
        obligations=(_CONDUCT, _CARRY),
    ),
    **_family("gemma", "https://ai.google.dev/gemma/terms", conduct=Conduct.BOUNDED, obligations=(_CONDUCT, _CARRY)),
    **_family(
        "llama2",
        "https://ai.meta.com/llama/license/",
        conduct=Conduct.BOUNDED,
        commerce=Commerce.SCALE_BOUNDED,
        obligations=_LLAMA,
    ),
    **_family(
        "llama3 llama3.1 llama3.2 llama3.3 llama4",
        "https://www.llama.com/llama3_1/license/",
        conduct=Conduct.BOUNDED,
        commerce=Commerce.SCALE_BOUNDED,
        obligations=_LLAMA_NAMING,
    ),
    **_family("cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0", _CC, commerce=Commerce.FORBIDDEN, obligations=(_CREDIT,)),
    **_family(
        "cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0",
        _CC,
        commerce=Commerce.FORBIDDEN,
        obligations=(_CREDIT, _SHARE_ALIKE),
    ),
    **_family("cc-by-nd-4.0", _CC, derivatives=False),
    **_family("cc-by-nc-nd-3.0 cc-by-nc-nd-4.0", _CC, commerce=Commerce.FORBIDDEN, derivatives=False),
    **_family(
        "apple-amlr intel-research fair-noncommercial-research-license",
        "https://huggingface.co/docs/hub/repositories-licenses",
        commerce=Commerce.FORBIDDEN,
        obligations=(_NOTICE,),
    ),
}
"""Terms by licence id, lower case, without the `LicenseRef-` prefix; ids as on SPDX and on the Hugging Face hub."""


def identifier(name: str) -> str:
    """A licence's id as the table spells it: lower case, without `LicenseRef-`."""
    lower = name.strip().lower()
    return lower.removeprefix("licenseref-")
