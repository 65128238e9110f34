"""Names carry the life of a job: two lives of one name never share an object."""

import pytest

from builders import make_job
from coppice.workloads.names import child_name, claim_name, ledger_name, report_name

UID = "0a1b2c3d-0000-0000-0000-000000000000"


def test_names_are_made_of_job_life_and_attempt() -> None:
    assert child_name("topics", UID, 2) == "topics-0a1b2-2"
    assert report_name("topics", UID) == "topics-0a1b2"


def test_two_lives_of_a_name_differ() -> None:
    other = "f" + UID[1:]
    assert child_name("topics", UID, 1) != child_name("topics", other, 1)


def test_a_named_claim_is_the_users() -> None:
    assert claim_name(make_job().set("spec.output.claimName", "models").build()) == "models"


def test_a_made_claim_carries_the_jobs_life() -> None:
    job = make_job().build()
    assert claim_name(job) == f"newswire-topics-{job.metadata.uid[:5]}"


@pytest.mark.parametrize(("number", "name"), [(0, "team"), (1, "team.1"), (12, "team.12")])
def test_a_ledger_is_named_after_its_namespace(number: int, name: str) -> None:
    assert ledger_name("team", number) == name


def test_a_further_ledger_is_never_another_namespaces_first() -> None:
    assert ledger_name("team", 2) != ledger_name("team-2", 0)
