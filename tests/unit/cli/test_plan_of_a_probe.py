"""A plan that looks first says so where a reader starts: above the ladder, with what it costs."""

from io import StringIO

import pytest
from rich.console import Console

from builders import make_model, make_report
from coppice.cli.plan import decision_table
from coppice.planning.decision import decide
from fake_cluster import seen_by_a_probe
from probes import FIRST, SECOND, dear_job, second_model
from worlds import NOTHING_SPENT, NOW, Case, decided

MODELS = (make_model(), second_model())


def shown(record) -> str:
    text = StringIO()
    Console(file=text, width=160).print(decision_table(dear_job().build(), record))
    return text.getvalue()


def test_the_probe_stands_above_the_ladder_with_its_models_and_sample() -> None:
    text = shown(decided(dear_job(), *MODELS))
    lines = text.splitlines()
    begin = next(number for number, line in enumerate(lines) if "│ Probe " in line)
    assert "1024" in lines[begin]
    assert "Wh" in lines[begin]
    assert "examples" in lines[begin + 1]
    assert FIRST in lines[begin + 1]
    assert begin < next(number for number, line in enumerate(lines) if "│ LinearProbe " in line)


@pytest.mark.parametrize(("probed", "said"), [({}, "(prior)"), ({FIRST: "0.97", SECOND: "0.61"}, "(probed)")])
def test_a_chance_says_whether_a_probe_moved_it(probed: dict[str, str], said: str) -> None:
    ask = Case(dear_job(), MODELS).request
    seen = {f"ClusterBaseModel/{name}": seen_by_a_probe(name, quality) for name, quality in probed.items()}
    record = decide(
        ask.job, ask.resolved, ask.world, spent=NOTHING_SPENT, tried=(), now=NOW, probed=seen, may_probe=False
    )
    assert said in shown(record)


def test_a_chance_says_that_reports_of_other_rungs_moved_it() -> None:
    job = dear_job().methods("LinearProbe")
    report = make_report("r").of(job.named("r").build()).set("spec.jobUid", "r").attempt("LoRA", "Missed", FIRST)
    assert "(by other rungs)" in shown(decided(job, *MODELS, reports=[report]))
