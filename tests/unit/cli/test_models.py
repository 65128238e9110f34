"""`coppice models`: what is read of a repository without its weights, what is refused, and what is recorded."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from coppice.api.basemodel import ClusterBaseModel
from coppice.cli.errors import UsageError
from coppice.cli.main import app
from hub import COMMIT, TOKEN, Hub, safetensors, served
from model_files import CARD, NAME, config, files

pytestmark = pytest.mark.thorough

URI = ("--source-uri", "https://models.acme.example/tiny-bert")


@pytest.fixture(scope="module")
def server() -> Iterator[Hub]:
    with served() as hub:
        yield hub


@pytest.fixture
def hub(server: Hub) -> Hub:
    server.repositories.clear()
    server.faults.clear()
    server.seen.clear()
    server.ranges, server.page = True, 1000
    server.add(NAME, files(), CARD)
    return server


def run(*arguments: object, hub: Hub | None = None) -> Result:
    environment = {"COLUMNS": "200", "HF_TOKEN": TOKEN, "HF_ENDPOINT": hub.url if hub else ""}
    result = CliRunner(env=environment).invoke(app, ["models", *map(str, arguments)])
    assert TOKEN not in result.output + str(result.exception), "the token must never be shown"
    return result


def imported(hub: Hub, name: str = NAME, *more: object) -> ClusterBaseModel:
    result = run("import", name, *URI, *more, hub=hub)
    assert result.exit_code == 0, result.exception
    return ClusterBaseModel.model_validate(yaml.safe_load(result.stdout), extra="forbid")


def refused(*arguments: object, hub: Hub | None = None) -> str:
    result = run(*arguments, hub=hub)
    assert isinstance(result.exception, UsageError), result.output + repr(result.exception)
    return str(result.exception)


def test_a_model_is_described_by_its_card_its_configuration_and_the_header_of_its_weights(hub: Hub) -> None:
    model = imported(hub)
    spec, figures = model.spec, model.spec.architecture
    assert (model.metadata.name, spec.license, spec.languages) == ("tiny-bert", "Apache-2.0", ["en"])
    assert (spec.tasks[0], spec.head, spec.head_labels) == (
        "text-classification",
        "text-classification",
        ["bad", "good"],
    )
    assert (figures.parameters, figures.embedding_parameters, figures.dtype) == (72, 40, "F32")
    assert (figures.layers, figures.hidden_size, figures.intermediate_size) == (2, 4, 8)
    assert (figures.attention_heads, figures.vocabulary_size, figures.max_sequence_length) == (2, 10, 16)
    assert spec.source.revision == COMMIT


def test_every_file_of_the_model_and_no_other_is_listed_with_its_digest(hub: Hub) -> None:
    spec = imported(hub).spec
    known = files()
    assert [file.name for file in spec.source.files] == [
        "LICENSE",
        "config.json",
        "model.safetensors",
        "tokenizer.json",
    ]
    for file in spec.source.files:
        assert file.digest == f"sha256:{hashlib.sha256(known[file.name]).hexdigest()}"
        assert file.size_bytes == len(known[file.name])


def test_every_figure_names_the_page_of_the_commit_it_was_read_on(hub: Hub) -> None:
    references = imported(hub).spec.references
    assert all(each.url.startswith(f"{hub.url}/{NAME}/blob/{COMMIT}/") for each in references)
    fields = {field for each in references for field in each.fields}
    assert {"license", "architecture.layers", "architecture.parameters", "source.files"} <= fields


def test_no_weights_are_downloaded_and_the_cdn_sees_no_token(hub: Hub) -> None:
    imported(hub)
    at_cdn = [headers for host, _, headers in hub.seen if host == "cdn"]
    assert all("Range" in headers for headers in at_cdn)
    assert not any("Authorization" in headers for headers in at_cdn)
    assert all(headers["Authorization"] == f"Bearer {TOKEN}" for host, _, headers in hub.seen if host == "hub")


def test_a_header_longer_than_the_first_request_is_asked_for_again(hub: Hub) -> None:
    many = {f"layers.{number}.{'x' * 200}.weight": ("F32", [1]) for number in range(1200)}
    hub.add(NAME, files(model__safetensors=safetensors(many)), CARD)
    assert imported(hub).spec.architecture.parameters == 1200
    assert len(hub.asked("/-/model.safetensors")) == 2


def test_a_server_without_ranges_costs_no_more_than_the_range(hub: Hub) -> None:
    hub.ranges = False
    assert imported(hub).spec.architecture.parameters == 72


def test_a_missing_card_leaves_a_licence_that_fails_closed_and_says_so(hub: Hub) -> None:
    hub.add(NAME, files(README__md=None))
    result = run("import", NAME, *URI, hub=hub)
    assert yaml.safe_load(result.stdout)["spec"]["license"] == "LicenseRef-unknown"
    assert "no model card" in result.stderr
    assert "not usable yet" in result.stderr


def test_a_tree_of_many_pages_is_read_to_its_end(hub: Hub) -> None:
    hub.page = 2
    assert len(imported(hub).spec.source.files) == 4


@pytest.mark.parametrize(
    ("status", "headers", "sentence"),
    [
        (401, {}, "is private or does not exist; set HF_TOKEN"),
        (403, {"X-Error-Code": "GatedRepo"}, "is gated: accept its terms"),
        (404, {}, "does not exist"),
        (429, {"Retry-After": "3600"}, "is busy (HTTP 429)"),
        (500, {}, "HTTP 500"),
        (302, {"Location": "ftp://example.org/x"}, "which is refused"),
        (200, {}, "did not answer with JSON"),
    ],
)
def test_what_a_hub_refuses_is_told_with_what_to_do(
    hub: Hub, status: int, headers: dict[str, str], sentence: str
) -> None:
    hub.fail(f"/api/models/{NAME}/revision/main", status, headers, times=9)
    assert sentence in refused("import", NAME, *URI, hub=hub)


def test_a_busy_hub_is_waited_for_as_long_as_it_asks(hub: Hub) -> None:
    hub.fail(f"/api/models/{NAME}/revision/main", 429, {"Retry-After": "0"}, times=2)
    assert imported(hub).metadata.name == "tiny-bert"


def test_endless_redirects_are_given_up_without_showing_a_signature(hub: Hub) -> None:
    there = f"/{NAME}/resolve/{COMMIT}/config.json"
    hub.fail(there, 302, {"Location": f"{there}?Signature=secret"}, times=20)
    told = refused("import", NAME, *URI, hub=hub)
    assert "more than 5 redirects" in told
    assert "secret" not in told


def test_a_small_file_that_is_not_the_commit_s_is_refused(hub: Hub) -> None:
    forged = config(hidden_size=8)
    hub.fail(f"/{NAME}/resolve/{COMMIT}/config.json", 200, {}, forged)
    assert "not the file that commit" in refused("import", NAME, *URI, hub=hub)


def test_an_address_that_does_not_answer_is_told(tmp_path: Path) -> None:
    assert "no answer from 127.0.0.1:9" in refused("import", NAME, "--endpoint", "http://127.0.0.1:9")
    assert "holds a password" in refused("import", NAME, "--endpoint", "http://me:secret@127.0.0.1:9")


def test_the_source_must_be_one_that_jobs_can_fetch(hub: Hub) -> None:
    assert "--source-uri" in refused("import", NAME, hub=hub)
    told = refused("import", NAME, "--source-uri", "pvc://models/tiny", hub=hub)
    assert "--kind BaseModel" in told
    result = run("import", NAME, "--source-uri", "pvc://models/tiny", "--kind", "BaseModel", "-n", "research", hub=hub)
    assert yaml.safe_load(result.stdout)["metadata"] == {"name": "tiny-bert", "namespace": "research"}


def directory(tmp_path: Path, **changed: bytes | None) -> Path:
    root = tmp_path / "Tiny_Bert"
    for name, data in files(**changed).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


def test_a_directory_is_described_and_its_small_files_pinned(tmp_path: Path) -> None:
    result = run("import", directory(tmp_path), "--source-uri", "file:///models/tiny", "-o", "json")
    body = json.loads(result.stdout)
    assert body["metadata"]["name"] == "tiny-bert"
    assert body["spec"]["license"] == "MIT"
    assert [file["name"] for file in body["spec"]["source"]["files"] if "digest" not in file] == ["model.safetensors"]
    assert "references" not in body["spec"], "a directory has no public address"


def test_a_link_out_of_a_directory_is_refused(tmp_path: Path) -> None:
    root = directory(tmp_path, LICENSE=None)
    (tmp_path / "secret").write_text("x")
    (root / "LICENSE").symlink_to(tmp_path / "secret")
    assert "leads out of the directory" in refused("import", root, "--source-uri", "file:///models/tiny")


def manifest_of(hub: Hub, tmp_path: Path, *, unpinned: bool = True) -> Path:
    """The imported model as a manifest on a branch, without digests."""
    body = yaml.safe_load(run("import", NAME, *URI, hub=hub).stdout)
    if unpinned:
        body["spec"]["source"]["files"] = [{"name": file["name"]} for file in body["spec"]["source"]["files"]]
        body["spec"]["source"] |= {"uri": f"https://huggingface.co/{NAME}/resolve/main", "revision": "main"}
    path = tmp_path / "model.yaml"
    path.write_text(yaml.safe_dump(body))
    return path


def test_pinning_records_digests_sizes_and_the_commit(hub: Hub, tmp_path: Path) -> None:
    path = manifest_of(hub, tmp_path)
    result = run("pin", path, "--endpoint", hub.url, "--write", path)
    assert result.exit_code == 0, result.exception
    source = yaml.safe_load(path.read_text())["spec"]["source"]
    assert source["uri"] == f"https://huggingface.co/{NAME}/resolve/{COMMIT}"
    assert all(file["digest"].startswith("sha256:") and file["sizeBytes"] for file in source["files"])
    assert not any("Range" not in headers for host, _, headers in hub.seen if host == "cdn")


def test_pinning_prints_the_chart_s_values(hub: Hub, tmp_path: Path) -> None:
    result = run("pin", manifest_of(hub, tmp_path), "--endpoint", hub.url, "--values")
    pins = yaml.safe_load(result.stdout)["catalogue"]["pins"]["tiny-bert"]
    assert pins["revision"] == COMMIT
    assert set(pins["digests"]) == {"LICENSE", "config.json", "model.safetensors", "tokenizer.json"}


def test_pinning_from_a_directory_reads_it_whole(hub: Hub, tmp_path: Path) -> None:
    result = run("pin", manifest_of(hub, tmp_path), "--from", directory(tmp_path))
    recorded = {file["name"]: file["digest"] for file in yaml.safe_load(result.stdout)["spec"]["source"]["files"]}
    assert recorded["model.safetensors"] == f"sha256:{hashlib.sha256(files()['model.safetensors']).hexdigest()}"


def test_pinning_from_git_lfs_pointers_takes_what_they_state(hub: Hub, tmp_path: Path) -> None:
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'a' * 64}\nsize 12345\n".encode()
    root = directory(tmp_path, model__safetensors=pointer)
    result = run("pin", manifest_of(hub, tmp_path), "--from", root)
    found = {file["name"]: file for file in yaml.safe_load(result.stdout)["spec"]["source"]["files"]}
    assert found["model.safetensors"] == {
        "name": "model.safetensors",
        "sizeBytes": 12345,
        "digest": f"sha256:{'a' * 64}",
    }


def test_a_digest_that_was_recorded_is_never_replaced(hub: Hub, tmp_path: Path) -> None:
    path = manifest_of(hub, tmp_path, unpinned=False)
    changed = directory(tmp_path, tokenizer__json=b"[]")
    assert "is not the file registered" in refused("pin", path, "--from", changed)


def test_a_file_that_is_gone_is_told(hub: Hub, tmp_path: Path) -> None:
    path = manifest_of(hub, tmp_path)
    hub.add(NAME, files(tokenizer__json=None), CARD)
    assert "tokenizer.json is not in acme/tiny-bert" in refused("pin", path, "--endpoint", hub.url)


def test_a_host_that_only_a_manifest_names_gets_no_token(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    from coppice.cli.models.sources import opened

    async def ask(endpoint: str | None) -> None:
        environment = {"HF_TOKEN": TOKEN}
        async with opened(NAME, "main", endpoint, registered_at=hub.url, environment=environment) as repository:
            await repository.files()

    asyncio.run(ask(None))
    assert not any("Authorization" in headers for _, _, headers in hub.seen)
    asyncio.run(ask(hub.url))
    assert any("Authorization" in headers for _, _, headers in hub.seen)


def test_a_catalogue_is_listed_and_shown(hub: Hub, tmp_path: Path) -> None:
    path = manifest_of(hub, tmp_path)
    assert "tiny-bert" in run("list", "--catalogue", path).output
    assert "DigestMissing" in run("list", "--catalogue", path).output
    shown = run("show", "tiny-bert", "--catalogue", path).output
    assert "no digest" in shown
    assert "vocabularySize 10" in shown
    assert "ship the licence text" in shown
    assert (
        yaml.safe_load(run("show", "tiny-bert", "--catalogue", path, "-o", "yaml").output)["kind"] == "ClusterBaseModel"
    )
    assert json.loads(run("list", "--catalogue", path, "-o", "json").output)["metadata"]["name"] == "tiny-bert"
    assert "holds no model nobody" in refused("show", "nobody", "--catalogue", path)


def test_check_fails_for_what_jobs_would_stumble_over(hub: Hub, tmp_path: Path) -> None:
    path = manifest_of(hub, tmp_path)
    result = run("check", "--catalogue", path)
    assert result.exit_code == 1
    assert "without digest" in result.output
    assert "warning: tiny-bert: spec.limitations" in result.output


def test_check_passes_a_complete_registration_and_strict_asks_for_more(hub: Hub, tmp_path: Path) -> None:
    path = manifest_of(hub, tmp_path, unpinned=False)
    assert run("check", "tiny-bert", "--catalogue", path).exit_code == 0
    assert run("check", "--catalogue", path, "--strict").exit_code == 1
    assert "no model nobody" in refused("check", "nobody", "--catalogue", path)
    assert "registered twice" in run("check", "--catalogue", path, "--catalogue", path).output


def test_check_compares_with_the_hub_when_asked(hub: Hub, tmp_path: Path) -> None:
    path = manifest_of(hub, tmp_path)
    run("pin", path, "--endpoint", hub.url, "--write", path)
    comparing = ("check", "--catalogue", path, "--compare", "--endpoint", hub.url)
    assert run(*comparing).exit_code == 0
    hub.add(NAME, files(model__safetensors=b"other weights"), CARD)
    result = run(*comparing)
    assert (result.exit_code, "is not the file registered" in result.output) == (1, True)


def test_without_a_cluster_the_way_out_is_told(tmp_path: Path) -> None:
    nothing = tmp_path / "kubeconfig"
    nothing.write_text("apiVersion: v1\nkind: Config\n")
    assert "read manifests" in refused("list", "--kubeconfig", nothing)


def test_a_proxy_of_the_environment_is_used_for_other_hosts_only(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", hub.url)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert imported(hub).metadata.name == "tiny-bert"
    told = refused("import", NAME, "--endpoint", "http://hub.example")
    assert hub.asked("http://hub.example/"), told


def test_a_manifest_without_models_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "job.yaml"
    path.write_text("apiVersion: coppice.dev/v1alpha1\nkind: TrainingJob\n")
    assert "holds no BaseModel" in refused("list", "--catalogue", path)
