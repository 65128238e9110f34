"""Tables of what passes: kept for further decisions, but for those that one decision alone can use."""

from builders import make_job, make_model, make_policy
from coppice.api.trainingpolicy import TrainingPolicySpec
from coppice.planning.groups import Group, grouped
from coppice.planning.passing import passing
from coppice.planning.policy import resolve
from coppice.planning.rejections import Rejections
from coppice.planning.request import Request
from worlds import Case

TWINS = [make_model(f"twin-{number}") for number in range(3)]
OTHER = make_model("other").architecture(parameters=50_000_000)
WORLD = Case(make_job(), [*TWINS, OTHER]).world
ALL = [["ClusterBaseModel/other"], [f"ClusterBaseModel/twin-{number}" for number in range(3)]]


def groups(job=make_job(), policies=(), alone=()) -> list[Group]:  # type: ignore[no-untyped-def]  # noqa: B008
    built = job.build()
    resolved = resolve(built.spec, [policy.build() for policy in policies], TrainingPolicySpec())
    request = Request(built, resolved, WORLD)
    named = [model for model in WORLD.catalogue if model.reference.name in alone]
    return grouped(request, passing(request, named, Rejections()), named)


def keys(found: list[Group]) -> list[list[str]]:
    return [[model.key for model in group] for group in found]


def test_another_job_of_the_same_languages_finds_the_table_of_the_one_before() -> None:
    first, second = groups(make_job("one")), groups(make_job("two").target("0.97"))
    assert first[0].table is second[0].table
    assert keys(first) == keys(second) == ALL


def test_a_job_of_other_languages_has_a_table_of_its_own() -> None:
    both = groups(make_job().languages("en", "de"))
    assert both[0].table is not groups()[0].table
    assert both[0].share != groups()[0].share


def test_a_model_that_is_looked_at_alone_is_no_ones_twin_and_leaves_the_kept_table_as_it_was() -> None:
    found = groups(alone=["twin-0"])
    assert keys(found) == [["ClusterBaseModel/other"], ["ClusterBaseModel/twin-0"], ALL[1][1:]]
    assert [group.figures == group.first.key for group in found] == [False, True, False]
    assert keys(groups()) == ALL


def test_models_too_large_for_a_policy_are_in_no_table_that_others_find() -> None:
    small = make_policy("small").max_parameters(30_000_000)
    assert keys(groups(policies=[small])) == ALL[1:]
    assert keys(groups()) == ALL
