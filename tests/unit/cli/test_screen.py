"""What others wrote is shown as it stands: square brackets are no markup to its authors."""

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from builders import make_job, make_model, make_profile
from coppice.cli.main import app, main

SENTENCE = "Only tested on [short] texts, see [/bold] and [red]below"


def written(path: Path, *bodies: dict) -> Path:  # type: ignore[type-arg]
    for body in bodies:
        body["metadata"] = {"name": body["metadata"]["name"]}
    path.write_text(yaml.safe_dump_all(bodies))
    return path


def test_a_limitation_is_shown_whole_by_every_command(tmp_path: Path) -> None:
    world = written(tmp_path / "world.yaml", make_model().limitations(SENTENCE).body(), make_profile().body())
    job = written(tmp_path / "job.yaml", make_job().scratch().body())
    runner = CliRunner(env={"COLUMNS": "220"})
    for asked in (["models", "show", "all-minilm-l6-v2"], ["plan", "-f", str(job)]):
        result = runner.invoke(app, [*asked, "--catalogue", str(world)])
        assert SENTENCE in result.stdout, result.exception


def test_every_model_of_a_name_is_shown_with_its_namespace(tmp_path: Path) -> None:
    bodies = [make_model().body(), make_model().namespaced("research").body()]
    (tmp_path / "world.yaml").write_text(yaml.safe_dump_all(bodies))
    asked = ["models", "show", "all-minilm-l6-v2", "--catalogue", str(tmp_path)]
    shown = CliRunner().invoke(app, asked).stdout
    assert shown.count("all-minilm-l6-v2") >= 2
    assert [line.split() for line in shown.splitlines() if line.startswith("namespace")] == [["namespace", "research"]]
    assert [item["kind"] for item in json.loads(CliRunner().invoke(app, [*asked, "-o", "json"]).stdout)["items"]] == [
        "ClusterBaseModel",
        "BaseModel",
    ]


def test_what_is_wrong_with_a_field_is_shown_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    job = written(tmp_path / "job.yaml", make_job().set("spec.[/bold]", 1).body())
    monkeypatch.setenv("COLUMNS", "220")
    monkeypatch.setattr("sys.argv", ["coppice", "plan", "-f", str(job), "--catalogue", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "error: " in (told := capsys.readouterr().err)
    assert "spec.[/bold]: Extra inputs are not permitted" in told
