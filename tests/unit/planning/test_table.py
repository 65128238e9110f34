"""Tables of what passes are kept for the next decision, but for those that one decision alone can use."""

from builders import make_job, make_model
from coppice.planning.groups import Group, grouped
from coppice.planning.passing import passing
from coppice.planning.rejections import Rejections
from coppice.planning.request import Request
from worlds import Case

MODELS = [make_model(f"twin-{number}") for number in range(3)] + [
    make_model("other").architecture(parameters=50_000_000)
]
JOB = make_job()


def groups(request: Request, alone: frozenset[str] = frozenset()) -> list[Group]:
    return grouped(request, passing(request, alone, Rejections()))


def test_the_next_job_of_the_same_languages_finds_the_table_of_the_one_before() -> None:
    request = Case(JOB, MODELS).request
    first, second = groups(request), groups(request)
    assert first[0].table is second[0].table
    assert [[model.key for model in group] for group in first] == [
        ["ClusterBaseModel/other"],
        ["ClusterBaseModel/twin-0", "ClusterBaseModel/twin-1", "ClusterBaseModel/twin-2"],
    ]


def test_a_model_that_is_looked_at_alone_has_a_group_of_its_own_in_a_table_that_is_not_kept() -> None:
    request, alone = Case(JOB, MODELS).request, frozenset({"ClusterBaseModel/twin-1"})
    found = groups(request, alone)
    assert sorted(group.count for group in found) == [1, 1, 2]
    assert found[0].table is not groups(request, alone)[0].table
