"""What explain says of chances and corrections: prior, evidence with n, posterior."""

from io import StringIO

from rich.console import Console

from builders import ReportBuilder, make_job, make_model, make_report
from coppice.api.decision import DecisionRecord
from coppice.cli.explain import explanation
from worlds import decided

NAME = "all-minilm-l6-v2"
JOB, MODEL = make_job().scratch().methods("LinearProbe"), make_model()
RECORD = decided(JOB, MODEL)


def shown(record: DecisionRecord) -> str:
    console = Console(width=240, record=True, file=StringIO())
    console.print(explanation(JOB.body(), record, []))
    return console.export_text()


def taught(count: int) -> list[ReportBuilder]:
    slow = 3 * round(float(RECORD.ladder[0].estimate.run_seconds.mid))
    report = make_report("r").of(JOB.build()).set("spec.decisionRecord", RECORD.encoded()).set("spec.jobUid", "r")
    return [report.attempt("LinearProbe", "Met", NAME, runSeconds=slow)] * count


def test_without_reports_it_says_so_and_shows_what_the_prior_is_made_of() -> None:
    text = shown(RECORD)
    assert "n = 0, prior only" in text
    assert "domain x1.3" in text
    assert "corrected by finished jobs" not in text
    assert "not judged yet: 0 recorded attempts of 20" in text
    assert f"by parameter count alone: {NAME}" in text


def test_with_reports_it_shows_evidence_and_posterior() -> None:
    record = decided(JOB, MODEL, reports=taught(4))
    text, factor = shown(record), float(record.ladder[0].estimate.inputs["timeFactor"])
    assert "n = 4, prior and reports: 4 of this namespace" in text
    assert "they weigh 4.00 jobs, of which 4.00 met the target" in text
    assert "4 own, 0 others, 0 related" in text
    assert f"x{factor:.3g}" in text
    assert factor > 2


def test_another_method_on_the_same_profile_says_that_related_jobs_taught_it() -> None:
    record = decided(JOB, MODEL, reports=taught(4))
    assert record.ladder[-1].estimate.inputs["timeEvidence"] == "0 own, 0 others, 4 related"
    assert "0 own, 0 others, 4 related" in shown(record)
