"""What licences ask is the same list in the decision, on the model's card and in the registered model."""

from builders import make_model
from coppice.api.vocabulary import Distribution
from coppice.planning.catalogue import Registered, registered
from coppice.planning.licenses import Use
from coppice.planning.obligations import chain_verdict, obligations

SERVING = Use(commercial=True, distribution=Distribution.HOSTED)
INSIDE = Use(commercial=True, distribution=Distribution.INTERNAL)


def model(name: str, license_: str, **lineage: str) -> Registered:
    built = make_model(name).build()
    fields = built.model_dump(by_alias=True, exclude_none=True)["spec"]
    body = {**fields, "license": license_, **({"lineage": lineage} if lineage else {})}
    return registered(built.model_validate({"metadata": {"name": name}, "spec": body}), True)


def test_the_data_s_come_first_then_each_model_s_by_name() -> None:
    owed = obligations([model("llama", "LicenseRef-llama3.1"), model("bert", "mit")], "other", SERVING)
    assert owed[0] == "data: other is not a known licence; make sure that it allows this use"
    assert owed[1] == "llama: LicenseRef-llama3.1: keep to Meta's acceptable use policy"
    assert not any(text.startswith("bert") for text in owed), "MIT asks nothing of a hosted model"


def test_a_derived_model_owes_what_its_base_and_its_data_ask() -> None:
    derived = model("topics", "LicenseRef-gemma", baseLicense="LicenseRef-gemma", datasetLicense="other")
    owed = obligations([derived], "mit", INSIDE)
    assert "topics: LicenseRef-gemma: keep to the licence's use restrictions" in owed
    assert "topics: data: other is not a known licence; make sure that it allows this use" in owed


def test_a_derived_model_s_data_is_told_once_where_its_licence_names_it_too() -> None:
    out = Use(commercial=True, distribution=Distribution.DISTRIBUTED)
    derived = model("topics", "mit AND cc-by-4.0", baseLicense="mit", datasetLicense="cc-by-4.0")
    assert sum("cc-by-4.0" in text for text in obligations([derived], "mit", out)) == 1


def test_a_base_s_licence_refuses_what_its_derivative_s_forgot() -> None:
    assert chain_verdict(model("topics", "mit", baseLicense="cc-by-nc-4.0").spec, INSIDE).refusal


def test_sentences_fit_the_status() -> None:
    assert all(len(text) <= 256 for text in obligations([model("m" * 250, "LicenseRef-llama4")], None, SERVING))
