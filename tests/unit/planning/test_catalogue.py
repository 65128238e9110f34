"""The catalogue: who sees what, and what adding one model costs."""

from builders import make_model
from coppice.api.meta import BaseModelReference
from coppice.api.vocabulary import BaseModelKind
from coppice.planning.catalogue import Catalogue, Registered, registered
from coppice.planning.readiness import readiness


def entry(name: str, *tasks: str, namespace: str | None = None, ready: bool = True) -> Registered:
    builder = make_model(name).tasks(*(tasks or ("text-classification",)))
    return registered((builder.namespaced(namespace) if namespace else builder).build(), ready)


CLASSIFIER, EMBEDDER, OURS, THEIRS = (
    entry("classifier"),
    entry("embedder", "feature-extraction"),
    entry("ours", namespace="research"),
    entry("theirs", namespace="sales"),
)
ALL = Catalogue.of([CLASSIFIER, EMBEDDER, OURS, THEIRS])


def names(catalogue: Catalogue, task: str, namespace: str) -> set[str]:
    return {model.reference.name for model in catalogue.visible(task, namespace)}


def test_a_namespace_sees_cluster_models_and_its_own_under_their_task() -> None:
    assert names(ALL, "text-classification", "research") == {"classifier", "ours"}
    assert names(ALL, "feature-extraction", "research") == {"embedder"}
    assert ALL.count("research") == 3


def test_a_reference_finds_the_model_of_its_own_namespace_only() -> None:
    ours = BaseModelReference(kind=BaseModelKind.NAMESPACED, name="ours")
    assert ALL.get(ours, "research") == OURS
    assert ALL.get(ours, "sales") is None
    assert ALL.get(CLASSIFIER.reference, "sales") == CLASSIFIER


def test_growing_one_by_one_gives_the_same_catalogue_in_any_order() -> None:
    grown = Catalogue()
    for model in (THEIRS, EMBEDDER, CLASSIFIER, OURS):
        grown = grown.with_model(model)
    assert grown.digest == ALL.digest
    assert names(grown, "text-classification", "research") == names(ALL, "text-classification", "research")


def test_adding_a_model_reads_no_other_and_leaves_the_old_catalogue_as_it_was() -> None:
    class Untouchable(dict):  # type: ignore[type-arg]
        """A spec that must not be looked at."""

    sealed = Registered(EMBEDDER.reference, None, EMBEDDER.spec, True)
    catalogue = Catalogue.of([sealed])
    object.__setattr__(sealed, "spec", Untouchable())
    bigger = catalogue.with_model(CLASSIFIER)
    assert (len(catalogue), len(bigger)) == (1, 2)


def test_replacing_a_model_leaves_its_old_tasks() -> None:
    changed = ALL.with_model(entry("classifier", "token-classification"))
    assert names(changed, "text-classification", "sales") == {"theirs"}
    assert names(changed, "token-classification", "sales") == {"classifier"}
    assert len(changed) == len(ALL)


def test_removing_undoes_adding() -> None:
    extra = entry("extra")
    assert ALL.with_model(extra).without(extra.reference, None).digest == ALL.digest
    assert ALL.without(extra.reference, None).digest == ALL.digest


def test_the_digest_covers_readiness_and_hides_other_tenants() -> None:
    assert ALL.with_model(entry("classifier", ready=False)).digest != ALL.digest
    grown = ALL.with_model(entry("new", namespace="sales"))
    assert grown.digest_for("research") == ALL.digest_for("research")
    assert grown.digest_for("sales") != ALL.digest_for("sales")


def test_a_model_is_ready_when_every_file_is_pinned_and_its_source_is_there() -> None:
    model = make_model()
    assert readiness(model.build().spec, True)[:2] == (True, "Ready")
    assert readiness(model.files("model.safetensors", pinned=False).build().spec, True)[1] == "DigestMissing"
    assert readiness(model.build().spec, False)[1] == "SourceMissing"
    assert readiness(model.architecture(trustRemoteCode=True).build().spec, True)[1] == "RemoteCode"
