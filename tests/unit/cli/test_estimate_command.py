"""`coppice estimate`: numbers in every spelling, answers for machines and people, errors that say what to do."""

import json
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from coppice.api.vocabulary import Method
from coppice.cli.errors import UsageError
from coppice.cli.estimate import number
from coppice.cli.main import app
from coppice.planning.accelerators import accelerators

LLAMA = {
    "--parameters": "6.74e9",
    "--tokens": "2T",
    "--sequence-length": "4096",
    "--accelerator": "a100-sxm4-80",
    "--count": "1024",
}


def asked(*flags: str, **changed: str) -> Any:
    options = {**LLAMA, **{f"--{name.replace('_', '-')}": value for name, value in changed.items()}}
    return CliRunner().invoke(app, ["estimate", *(part for pair in options.items() for part in pair), *flags])


def answer(*flags: str, **changed: str) -> dict[str, Any]:
    found = asked(*flags, "-o", "json", **changed)
    assert found.exit_code == 0, found.output
    read: dict[str, Any] = json.loads(found.stdout)
    return read


@pytest.mark.parametrize(
    ("text", "value"),
    [("7e9", 7e9), ("7B", 7e9), ("1.5T", 1.5e12), ("300M", 3e8), ("32k", 32000), ("7_000_000", 7e6), ("2", 2)],
)
def test_numbers_are_read_as_people_write_them(text: str, value: float) -> None:
    assert number(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["", "B", "7Q", "-3", "0", "nan", "inf", "1e99", "seven"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="7e9, 7B"):
        number(text)


def test_the_answer_is_intervals_of_json_numbers() -> None:
    found = answer()
    for name in ("acceleratorHours", "energyWattHours", "flops", "memoryBytes", "acceleratorEnergyWattHours"):
        points = found[name]
        assert 0 < points["low"] < points["mid"] < points["high"]
        assert all(isinstance(point, float | int) for point in points.values())


def test_a_published_run_lies_within_its_interval() -> None:
    """Llama 2 7B took 184,320 A100 hours."""
    hours = answer()["acceleratorHours"]
    assert hours["low"] < 184_320 < hours["high"]


def test_energy_of_accelerators_computers_and_facility_nest() -> None:
    found = answer("--pue", "1.5")
    alone, computers, facility = (
        found[name]["mid"] for name in ("acceleratorEnergyWattHours", "computerEnergyWattHours", "energyWattHours")
    )
    assert alone < computers
    assert facility == pytest.approx(1.5 * computers, rel=1e-4)
    assert "facility" in found["energyScope"]


def test_what_was_not_said_is_listed_and_what_was_said_is_not() -> None:
    assert {"layers", "hiddenSize", "globalBatch", "pue"} <= set(answer()["assumed"])
    said = answer(layers="32", hidden_size="4096", global_batch="1024", pue="1.1")["assumed"]
    assert not {"layers", "hiddenSize", "globalBatch", "pue"} & set(said)


def test_defaults_are_assumptions_too() -> None:
    flags = ["estimate", "--parameters", "1B", "--tokens", "1e9", "--accelerator", "t4", "-o", "json"]
    assumed = json.loads(CliRunner().invoke(app, flags).stdout)["assumed"]
    assert {"sequenceLength", "count", "dtype", "method", "zone"} <= set(assumed)
    assert not {"sequenceLength", "count", "dtype", "method", "zone"} & set(
        answer("--zone", "FR", dtype="bf16", method="FromScratch")["assumed"]
    )


TOO_LARGE = {"parameters": "70B", "tokens": "1e9"}


@pytest.mark.parametrize("form", ["table", "json", "yaml"])
def test_a_count_that_cannot_hold_the_training_is_warned_of_with_the_smallest_that_can(form: str) -> None:
    found = asked("-o", form, count="1", **TOO_LARGE)
    assert "--count 1) cannot hold" in found.stderr
    assert "20 is the smallest count that can" in found.stderr  # 70e9 x 18 bytes, four fifths of 80 GB each
    assert "warning" not in found.stdout.splitlines()[0]


def test_the_warned_count_is_enough_and_one_less_is_not() -> None:
    few, enough = (answer(count=count, **TOO_LARGE) for count in ("19", "20"))
    assert few["warnings"]
    assert not enough["warnings"]
    assert few["inputs"]["count"] == enough["inputs"]["count"] == 20


def test_a_count_that_nobody_asked_for_is_chosen_without_a_warning() -> None:
    flags = ["estimate", "--parameters", "70B", "--tokens", "1e9", "--accelerator", "a100-sxm4-80", "-o", "json"]
    found = CliRunner().invoke(app, flags)
    assert found.stderr == ""
    assert json.loads(found.stdout)["inputs"]["count"] == 20


def test_every_accelerator_of_the_table_is_known_by_its_id() -> None:
    assert {"a100-sxm4-80", "h100-sxm5", "h800-sxm", "tpu-v3", "mi250x", "t4"} <= set(accelerators())
    assert all(figures.peak_flops for figures in accelerators().values())


def test_an_unknown_accelerator_is_answered_with_the_known_ones() -> None:
    found = asked(accelerator="a100")
    assert isinstance(found.exception, UsageError)
    assert "a100-sxm4-80" in str(found.exception)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"dtype": "int4"}, "bf16"),
        ({"method": "Magic"}, "QLoRA"),
        ({"pue": "0.9"}, "at least 1"),
        ({"parameters": "many"}, "7B"),
    ],
)
def test_a_wrong_value_is_answered_with_the_right_ones(changed: dict[str, str], words: str) -> None:
    found = asked(**changed)
    assert found.exit_code == 2
    assert words in found.output


def test_more_active_parameters_than_parameters_are_refused() -> None:
    assert isinstance(asked(active_parameters="8e9").exception, UsageError)


def test_as_many_embeddings_as_parameters_are_refused() -> None:
    assert isinstance(asked(embedding_parameters="6.74e9").exception, UsageError)
    assert answer(embedding_parameters="131M")["inputs"]["embeddingParameters"] == 131_000_000


def test_a_zone_that_the_table_lacks_is_warned_of() -> None:
    for zone in ("XX", "germany"):
        (warning,) = answer(zone=zone)["warnings"]
        assert f"--zone {zone} is not in the table" in warning
    for zone in ("FR", "DEU", "US-CAL-CISO", "europe-west3"):
        assert answer(zone=zone)["warnings"] == []


def test_a_dtype_that_the_accelerator_lacks_is_replaced_and_said() -> None:
    found = answer(accelerator="v100-sxm2-32", dtype="bf16")
    assert found["inputs"]["dtype"] == "fp16"
    assert "V100" in found["assumed"]["dtype"]


@pytest.mark.parametrize("method", [str(each) for each in Method])
def test_every_method_is_estimated(method: str) -> None:
    found = answer(method=method.lower(), tokens="1e7", count="8", parameters="1B")
    assert found["inputs"]["method"] == method
    assert found["acceleratorHours"]["mid"] > 0


def test_prices_give_a_cost() -> None:
    assert "cost" not in answer()
    found = answer(price_per_hour="2")
    assert found["cost"]["mid"] == pytest.approx(2 * found["acceleratorHours"]["mid"], rel=0.01)


def test_people_get_a_table() -> None:
    found = asked()
    assert found.exit_code == 0
    assert "accelerator hours" in found.stdout
    assert "Assumed" in found.stdout
