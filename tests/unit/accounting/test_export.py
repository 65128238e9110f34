"""What other tools are told of a job is what its report says, in their own words and units."""

from decimal import Decimal

import pytest

from accounts import finished_report
from builders import make_report
from coppice.accounting.export.cyclonedx import bill
from coppice.accounting.export.impactframework import manifest
from coppice.accounting.export.modelcard import emissions
from uses import NOON


def test_a_model_card_gets_operational_and_embodied_grams_and_where_they_come_from() -> None:
    report = finished_report()
    totals = report.spec.totals
    assert totals is not None
    block = emissions(report)["co2_eq_emissions"]
    assert Decimal(str(block["emissions"])) == totals.operational_grams + totals.embodied_grams
    assert block["training_type"] == "fine-tuning"
    assert report.metadata.name in block["source"]
    assert "Modelled" in block["source"]
    assert "h100" in block["hardware_used"]


def test_a_bill_of_materials_tells_energy_and_carbon_of_the_training_activity() -> None:
    report = finished_report()
    totals = report.spec.totals
    assert totals is not None
    component = bill(report, NOON, "1.2.3")["metadata"]["component"]
    (activity,) = component["modelCard"]["considerations"]["environmentalConsiderations"]["energyConsumptions"]
    assert activity["activity"] == "fine-tuning"
    assert activity["activityEnergyCost"] == {"value": float(totals.energy_joules / 3_600_000), "unit": "kWh"}
    grams = float(totals.operational_grams + totals.embodied_grams)
    assert activity["co2CostEquivalent"]["value"] * 1e6 == pytest.approx(grams)


def test_an_impact_framework_manifest_multiplies_back_to_the_settled_carbon() -> None:
    report = finished_report()
    totals = report.spec.totals
    assert totals is not None
    children = manifest(report)["tree"]["children"]
    (whole,) = children["job"]["inputs"]
    assert whole["energy"] * whole["grid/carbon-intensity"] == pytest.approx(float(totals.operational_grams))
    slots = children["slots"]["inputs"]
    by_slot = sum(slot["energy"] * slot["grid/carbon-intensity"] for slot in slots)
    assert by_slot == pytest.approx(float(totals.operational_grams), rel=1e-5)
    assert len({slot["timestamp"] for slot in slots}) == len(slots)
    assert all(slot["duration"] > 0 for slot in slots)


def test_a_job_that_missed_has_no_functional_unit() -> None:
    children = manifest(finished_report(models=0))["tree"]["children"]
    assert "sci" not in children["job"]["pipeline"]["compute"]
    assert "models" not in children["job"]["inputs"][0]


@pytest.mark.parametrize("export", [emissions, manifest, lambda report: bill(report, NOON, "1")])
def test_a_report_without_totals_is_refused_by_name(export: object) -> None:
    with pytest.raises(ValueError, match="newswire-topics-0a1b2"):
        export(make_report().build())  # type: ignore[operator]
