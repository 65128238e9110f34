"""Names and sizes in tables: no two base models read alike, and a name that only one has stands alone."""

from coppice.api.meta import BaseModelReference
from coppice.api.vocabulary import BaseModelKind
from coppice.cli.figures import short
from coppice.cli.names import Names

OURS = BaseModelReference(kind=BaseModelKind.NAMESPACED, name="news")
THEIRS = BaseModelReference(kind=BaseModelKind.CLUSTER, name="news")
OTHER = BaseModelReference(kind=BaseModelKind.NAMESPACED, name="digits")


def test_a_model_of_the_namespace_is_told_from_one_of_the_cluster_with_its_name() -> None:
    names = Names(None, [OURS, THEIRS, OTHER, None])
    assert list(map(names.of, [OURS, THEIRS, OTHER, None])) == ["BaseModel/news", "news", "digits", "-"]


def test_a_name_that_only_one_model_has_stands_alone() -> None:
    assert Names(None, [OURS, OTHER]).of(OURS) == "news"


def test_sizes_have_three_digits_and_never_an_exponent() -> None:
    assert [short(number) for number in (22_713_216, 999_885_952, 999_400_000, 999_950, 512)] == [
        "22.7M",
        "1B",
        "999M",
        "1M",
        "512",
    ]
