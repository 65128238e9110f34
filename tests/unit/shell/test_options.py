"""The command line: what the chart passes is understood, the environment may say it too, and mistakes are told."""

from datetime import timedelta
from pathlib import Path

import pytest

from coppice.api.vocabulary import BaseModelKind
from coppice.app.options import parse, parser
from coppice.app.settings_files import BadFile, default_policy, read_yaml

NEEDED = ["--namespace=coppice-system", "--trainer-image=trainer:1"]


def test_flags_win_over_the_environment_and_the_environment_over_defaults() -> None:
    environment = {"COPPICE_WORKERS": "3", "COPPICE_ZONE": "SE", "COPPICE_LEADER_ELECTION": "false"}
    options = parse([*NEEDED, "--zone=DE"], environment)
    assert (options.workers, options.zone, options.leader_election) == (3, "DE", False)
    assert options.health_port == 8081


def test_what_is_required_may_come_from_the_environment() -> None:
    options = parse([], {"COPPICE_NAMESPACE": "here", "COPPICE_TRAINER_IMAGE": "trainer:1"})
    assert (options.namespace, options.trainer_image) == ("here", "trainer:1")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--trainer-image=x"], "--namespace"),
        ([*NEEDED, "--pue=0.9"], "below 1"),
        ([*NEEDED, "--workers=-1"], "below 0"),
        ([*NEEDED, "--log-level=loud"], "invalid choice"),
        ([*NEEDED, "--no-such-flag"], "no-such-flag"),
    ],
)
def test_a_mistake_ends_the_start_with_a_sentence(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(arguments, {})
    assert ended.value.code == 2
    assert sentence in capsys.readouterr().err


def test_reports_are_kept_unless_days_are_given() -> None:
    assert parse(NEEDED, {}).report_retention is None
    assert parse([*NEEDED, "--report-retention-days=30"], {}).report_retention == timedelta(days=30)


def test_every_flag_has_a_help_text() -> None:
    actions = [action for action in parser({})._actions if action.dest != "help"]
    assert actions
    assert all(action.help for action in actions)
    assert "kubectl apply" in parser({}).format_help()


def test_every_flag_that_the_chart_passes_is_known() -> None:
    deployment = Path(__file__).parents[3] / "charts/coppice/templates/deployment.yaml"
    passed = {line.strip()[2:].split("=")[0] for line in deployment.read_text().splitlines() if "- --" in line}
    known = {option for action in parser({})._actions for option in action.option_strings}
    assert passed
    assert passed <= known


def test_a_policy_file_is_read_strictly(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text("baseModelScopes: [ClusterBaseModel]\n")
    assert default_policy(file).base_model_scopes == [BaseModelKind.CLUSTER]
    file.write_text("baseModelScope: [ClusterBaseModel]\n")
    with pytest.raises(BadFile, match="baseModelScope"):
        default_policy(file)


@pytest.mark.parametrize("content", ["- a list\n", "{broken", "just text"])
def test_a_file_that_is_no_mapping_is_told_by_name(tmp_path: Path, content: str) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(content)
    with pytest.raises(BadFile, match=r"policy\.yaml"):
        read_yaml(file)


def test_an_empty_file_and_no_file_say_nothing(tmp_path: Path) -> None:
    file = tmp_path / "empty.yaml"
    file.write_text("")
    assert read_yaml(file) == {}
    assert read_yaml(None) == {}
    with pytest.raises(BadFile):
        read_yaml(tmp_path / "missing.yaml")
