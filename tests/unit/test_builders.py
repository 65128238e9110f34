"""The shared builders give valid objects whose JSON and model agree."""

import pytest

from builders import Builder, make_job, make_model, make_policy, make_profile, make_report


@pytest.mark.parametrize(
    "builder",
    [
        make_job().scratch().mode("Auto").limits(runSeconds=60).resources(cpu="2").container().queue("a").register("m"),
        make_model().namespaced("research").head("text-classification", "a", "b").evaluation("fill-mask", "0.9"),
        make_profile().accelerator(perNode=4).zone("FR").pue("1.2").price("2.5"),
        make_policy().selecting(team="a").defaults(mode="Never").allow_licenses("mit").use(commercial=True),
        make_report().of(make_job().mode("Never").scratch().build()).attempt("LoRA", "Met", "m").totals("1", "1"),
    ],
)
def test_a_built_object_says_again_what_was_said(builder: Builder) -> None:  # type: ignore[type-arg]
    built = builder.build()
    assert type(built).model_validate(built.wire()) == built
    assert builder.body()["metadata"]["name"] == built.metadata.name  # type: ignore[attr-defined]


def test_a_builder_never_changes() -> None:
    job = make_job()
    assert job.target("0.5").build().spec.objective.target != job.build().spec.objective.target
