"""What the demo reads from packages and puts onto volumes."""

from pathlib import Path

import pytest

from demo.inputs.digits import HIGH, LOW, digits, read_digits
from demo.inputs.newswire import FEWEST_EXAMPLES, read_tab, small_topics
from demo.inputs.packages import REQUIREMENTS, install_command
from demo.inputs.prepare import InputFile
from demo.loading import missing, parse_digests, pod

HEADER = "Category\tText\nd\tstring\nclass\t\n"


def test_a_tab_file_is_read_line_by_line_behind_its_header(tmp_path: Path) -> None:
    path = tmp_path / "corpus.tab"
    path.write_text(HEADER + "earn\tprofits rose\tsharply\n\nacq\tone buys another\n")
    assert read_tab(path) == [("earn", "profits rose\tsharply"), ("acq", "one buys another")]


@pytest.mark.parametrize("line", ["earn profits rose", "\tno label", "earn\t"])
def test_a_line_that_is_no_example_is_an_error_that_names_it(tmp_path: Path, line: str) -> None:
    path = tmp_path / "corpus.tab"
    path.write_text(HEADER + line + "\n")
    with pytest.raises(ValueError, match=r"corpus\.tab, line 4"):
        read_tab(path)


def test_small_topics_are_those_that_r8_leaves_out_and_that_have_enough_examples(tmp_path: Path) -> None:
    enough = FEWEST_EXAMPLES
    rows = [("earn", 3), ("gold", enough), ("tea", enough - 1)]
    _corpora(tmp_path, "r8", [("earn", 2)])
    _corpora(tmp_path, "r52", rows)
    parts = small_topics(tmp_path)
    assert {label for label, _ in parts["train"]} == {"gold"}
    assert len(parts["test"]) == enough


def test_low_and_high_digits_share_no_class() -> None:
    assert not set(LOW) & set(HIGH)
    assert sorted([*LOW, *HIGH]) == list(range(10))


def test_digits_keep_every_image_of_their_classes_once() -> None:
    parts = digits(LOW)
    assert {label for label, _ in parts["train"]} == {label for label, _ in parts["test"]} == set(LOW)
    assert len(parts["train"]) + len(parts["test"]) == sum(label in LOW for label, _ in read_digits())
    assert not [image for image in parts["test"] if image in parts["train"]]


def test_digits_are_eight_by_eight_numbers_up_to_sixteen() -> None:
    images = [pixels for _, pixels in read_digits()]
    assert all(len(pixels) == len(row) == 8 for pixels in images for row in pixels)
    assert {value for pixels in images for row in pixels for value in row} == set(range(17))


def test_packages_are_pinned_and_fetched_with_hashes_only() -> None:
    command = install_command("uv", Path("target"))
    pins = [line for line in REQUIREMENTS.read_text().splitlines() if line and not line.startswith("#")]
    assert {"--require-hashes", "--no-deps"} <= set(command)
    assert all("==" in pin and "--hash=sha256:" in pin for pin in pins)


def test_only_files_that_are_not_on_the_claim_or_differ_are_sent() -> None:
    files = [InputFile("corpora", name, sha256, 1, None) for name, sha256 in (("a", "1" * 64), ("b", "2" * 64))]
    listing = f"{'1' * 64}  corpora/a\n{'3' * 64}  corpora/b\n"
    assert missing(files, parse_digests(listing)) == [files[1]]
    assert missing(files, {}) == files


def test_the_loader_keeps_to_the_restricted_standard() -> None:
    spec = pod("image", ["corpora"])["spec"]
    assert spec["securityContext"]["runAsNonRoot"]
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["containers"][0]["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert not spec["automountServiceAccountToken"]


def _corpora(root: Path, name: str, rows: list[tuple[str, int]]) -> None:
    directory = root / "orangecontrib/text/datasets"
    directory.mkdir(parents=True, exist_ok=True)
    lines = "".join(f"{label}\ttext {number}\n" for label, count in rows for number in range(count))
    for part in ("train", "test"):
        (directory / f"reuters-{name}-{part}.tab").write_text(HEADER + lines)
