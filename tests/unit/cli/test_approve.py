"""`coppice approve`: what it shows is what it approves, and it says why there is nothing to approve."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from rich.console import Console
from typer.testing import CliRunner

from builders import make_job, make_model
from coppice.api.decision import DecisionRecord
from coppice.api.trainingjob import TrainingJob
from coppice.cli.approve import approval_manifest, awaited, brief, duration
from coppice.cli.errors import UsageError
from coppice.cli.figures import figure
from coppice.cli.main import app
from worlds import decided

PLAN = {"num_hidden_layers": 6, "hidden_size": 384, "num_attention_heads": 12, "intermediate_size": 1536}
NEEDED = "the plan needs a TrainingApproval"
JOB = make_job("topics").methods("LinearProbe").scratch(epochs=30, **PLAN)


@pytest.fixture(scope="module")
def record() -> DecisionRecord:
    return decided(JOB, make_model())


def waiting(record: DecisionRecord, reason: str = "AwaitingApproval") -> TrainingJob:
    condition = {
        "type": "Suspended",
        "status": "True",
        "reason": reason,
        "message": "the plan needs a TrainingApproval",
    }
    condition |= {"observedGeneration": 1, "lastTransitionTime": "2026-03-01T12:00:00Z"}
    status = {"conditions": [condition], "decisionRecord": record.encoded()}
    return JOB.set("status", status).build()


def test_the_decision_that_a_job_waits_with_is_the_one_approved(record: DecisionRecord) -> None:
    job = waiting(record)
    assert awaited(job) == record
    manifest = approval_manifest(job, awaited(job), message="for the review", expires=datetime(2026, 3, 2, tzinfo=UTC))
    assert manifest["metadata"] == {"name": f"topics-{record.digest[7:15]}", "namespace": "research"}
    assert manifest["spec"] == {
        "job": "topics",
        "jobUid": job.metadata.uid,
        "decisionDigest": record.digest,
        "expires": "2026-03-02T00:00:00Z",
        "message": "for the review",
    }


def test_it_shows_every_rung_with_its_high_estimate_and_the_digest(record: DecisionRecord) -> None:
    console = Console(width=160, record=True, file=StringIO())
    console.print(brief(waiting(record), record))
    shown = console.export_text()
    for part in ("LinearProbe", "all-minilm-l6-v2", "FromScratch", record.digest, NEEDED):
        assert part in shown
    for rung in record.ladder:
        assert figure(float(rung.estimate.energy_watt_hours.high), "Wh") in shown


@pytest.mark.parametrize(
    ("job", "sentence"),
    [
        (JOB.build(), "has no decision yet"),
        (waiting(decided(JOB, make_model()), "UserSuspended"), "waits for no approval: UserSuspended"),
    ],
)
def test_a_job_that_waits_for_no_approval_is_refused_with_how_it_stands(job: TrainingJob, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        awaited(job)


@pytest.mark.parametrize(
    ("text", "length"),
    [("30m", timedelta(minutes=30)), ("24h", timedelta(days=1)), ("7d", timedelta(days=7))],
)
def test_a_duration_is_a_number_and_a_unit(text: str, length: timedelta) -> None:
    assert duration(text) == length


@pytest.mark.parametrize("text", ["", "0h", "1w", "h", "-1h", "1.5h"])
def test_any_other_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match="such as 30m, 24h or 7d"):
        duration(text)


def test_the_command_is_there() -> None:
    assert "approve" in CliRunner().invoke(app, ["--help"]).output
