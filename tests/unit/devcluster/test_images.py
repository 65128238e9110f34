"""Images are named by their content, and a layer that the cluster holds is not written again."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from devcluster.errors import DevClusterError
from devcluster.images import containerd
from devcluster.images.oci import single_program_image, write_archive
from devcluster.images.recipe import build_options
from devcluster.images.targets import TARGETS, Image, provide
from devcluster.progress import Progress


@pytest.fixture
def image(tmp_path: Path) -> Image:
    (tmp_path / "Dockerfile").write_text("FROM scratch")
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "a.py").write_text("a = 1")
    return Image("x", context=tmp_path, dockerfile=tmp_path / "Dockerfile", inputs=("source",))


def test_an_unchanged_image_keeps_its_name(image: Image) -> None:
    before = image.reference()
    (image.context / "unrelated").write_text("noise")
    (image.context / "source" / "__pycache__").mkdir()
    (image.context / "source" / "__pycache__" / "a.pyc").write_text("noise")
    assert image.reference() == before


@pytest.mark.parametrize("changed", ["Dockerfile", "source/a.py", "source/new.py"])
def test_any_input_changes_the_name(image: Image, changed: str) -> None:
    before = image.reference()
    (image.context / changed).write_text("changed")
    assert image.reference() != before


def test_moving_text_between_files_changes_the_name(image: Image) -> None:
    (image.context / "source" / "b.py").write_text("")
    before = image.reference()
    (image.context / "source" / "a.py").write_text("")
    (image.context / "source" / "b.py").write_text("a = 1")
    assert image.reference() != before


def test_the_projects_images_name_their_dockerfile_targets() -> None:
    text = TARGETS["operator"].dockerfile.read_text()
    assert all(f"AS {image.target}\n" in text for image in TARGETS.values())


def test_an_unknown_image_is_refused_with_the_known_ones() -> None:
    with pytest.raises(DevClusterError, match="operator, trainer"):
        provide(["oprator"], None, Progress())  # type: ignore[arg-type]


def test_build_options_are_those_of_docker_and_buildah() -> None:
    assert build_options("n:1", Path("/D"), "operator", {"BASE": "b"}) == (
        "--file=/D", "--tag=n:1", "--target=operator", "--build-arg=BASE=b",
    )  # fmt: skip


def test_an_archive_of_one_program_is_a_whole_image(tmp_path: Path) -> None:
    program = tmp_path / "pause"
    program.write_bytes(b"program")
    with tarfile.open(fileobj=io.BytesIO(single_program_image("x/pause:1", program))) as tar:
        files = {name: tar.extractfile(name).read() for name in tar.getnames()}  # type: ignore[union-attr]
    (manifest,) = json.loads(files["index.json"])["manifests"]
    assert manifest["annotations"]["io.containerd.image.name"] == "x/pause:1"
    content = json.loads(files["blobs/" + manifest["digest"].replace(":", "/")])
    configuration = json.loads(files["blobs/" + content["config"]["digest"].replace(":", "/")])
    assert configuration["os"] == "linux"
    assert configuration["architecture"]
    assert configuration["rootfs"]["diff_ids"] == [content["layers"][0]["digest"]]


def test_an_archive_carries_only_the_files_it_is_given(tmp_path: Path) -> None:
    blob = tmp_path / "blob"
    blob.write_bytes(b"layer")
    target = io.BytesIO()
    write_archive(target, {}, {}, {"sha256:abc": blob})
    target.seek(0)
    with tarfile.open(fileobj=target) as tar:
        assert tar.getnames() == ["oci-layout", "blobs/sha256/abc", "index.json"]


def layout_with(root: Path, *references: str) -> Path:
    """An OCI layout with an image a reference, all sharing one layer."""
    blobs = root / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    manifests = []
    for number, reference in enumerate(references):
        (blobs / f"config{number}").write_text("{}")
        (blobs / "layer").write_text("layer")
        content = {"config": {"digest": f"sha256:config{number}"}, "layers": [{"digest": "sha256:layer"}]}
        (blobs / f"manifest{number}").write_text(json.dumps(content))
        descriptor = {"mediaType": "m", "digest": f"sha256:manifest{number}", "size": 1}
        manifests.append({**descriptor, "annotations": {containerd.REFERENCE: reference}})
    (root / "index.json").write_text(json.dumps({"manifests": manifests}))
    return root


def test_the_layout_keeps_the_newest_of_each_image_and_their_shared_layers(tmp_path: Path) -> None:
    layout = layout_with(tmp_path, "r/a:1", "r/b:1", "r/a:2")
    containerd.prune_layout(layout)
    names = {path.name for path in (layout / "blobs" / "sha256").iterdir()}
    assert names == {"layer", "manifest1", "config1", "manifest2", "config2"}


def test_an_entry_whose_manifest_is_gone_is_dropped(tmp_path: Path) -> None:
    layout = layout_with(tmp_path, "r/a:1", "r/b:1")
    (layout / "blobs" / "sha256" / "manifest0").unlink()
    containerd.prune_layout(layout)
    assert containerd.descriptor_of(layout, "r/b:1")["digest"] == "sha256:manifest1"
    with pytest.raises(DevClusterError, match="no image r/a:1"):
        containerd.descriptor_of(layout, "r/a:1")


def test_the_blobs_of_an_image_are_its_manifest_configuration_and_layers(tmp_path: Path) -> None:
    layout = layout_with(tmp_path, "r/a:1")
    blobs = containerd.blobs_of(layout, containerd.descriptor_of(layout, "r/a:1"))
    assert set(blobs) == {"sha256:manifest0", "sha256:config0", "sha256:layer"}


def test_a_shared_blob_lies_on_the_disk_once(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.write_text("layer")
    theirs.write_text("layer")
    containerd.share(ours, theirs)
    assert ours.samefile(theirs)


def test_older_images_go_with_their_nameless_twins_and_others_stay() -> None:
    listed = "\n".join(
        [
            "REF TYPE DIGEST SIZE PLATFORMS LABELS",
            "r/a:1 t sha256:m1 1 linux -",
            "r/a:2 t sha256:m2 1 linux -",
            "r/b:1 t sha256:m3 1 linux -",
            "sha256:c1 t sha256:m1 1 linux -",
            "sha256:c2 t sha256:m2 1 linux -",
            "sha256:c3 t sha256:m3 1 linux -",
        ]
    )
    assert containerd.superseded(listed, "r/a:2") == ["r/a:1", "sha256:c1"]
