"""The bill of materials keeps to the schema that CycloneDX publishes."""

import json

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from accounts import finished_report
from coppice.accounting.export.cyclonedx import bill
from uses import NOON


def test_a_bill_of_materials_keeps_to_the_schema_of_cyclonedx() -> None:
    text = json.dumps(bill(finished_report(), NOON, "1.2.3"))
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_the_validator_would_say_what_is_wrong() -> None:
    text = json.dumps(bill(finished_report(), NOON, "1.2.3") | {"specVersion": 6})
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is not None
