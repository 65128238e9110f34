"""The library: lessons come and go with reports, and a chapter is written again only where something changed."""

from builders import make_job, make_model, make_report
from coppice.index.key import Key
from coppice.index.library import Library
from coppice.planning.learning.history import History
from worlds import decided

JOB = make_job().scratch()
RECORD = decided(JOB, make_model()).encoded()


def put(library: Library, name: str, namespace: str = "research", record: str = RECORD) -> Key:
    key = Key("TrainingReport", namespace, name)
    report = make_report(name, namespace).of(JOB.namespace(namespace).build())
    made = report.attempt("LinearProbe", "Met", "all-minilm-l6-v2", runSeconds=500).build()
    library.put(key, made, record)
    return key


def test_it_teaches_what_the_whole_reports_teach() -> None:
    library = Library()
    put(library, "a")
    whole = make_report("a").of(JOB.build()).set("spec.decisionRecord", RECORD)
    expected = History.of([whole.attempt("LinearProbe", "Met", "all-minilm-l6-v2", runSeconds=500).build()])
    found = library.history.own("research").lessons[0]
    assert found.time is not None
    assert (found.time, found.met) == (expected.own("research").lessons[0].time, True)


def test_a_report_seen_twice_counts_once_and_one_that_is_gone_not_at_all() -> None:
    library = Library()
    key = put(library, "a")
    put(library, "a")
    assert len(library.history.own("research").lessons) == 1
    library.drop(key)
    library.drop(key)
    assert library.history == History()


def test_a_report_changes_the_chapter_of_its_namespace_and_no_other() -> None:
    library = Library()
    put(library, "a")
    put(library, "b", "sales")
    before = library.history
    assert library.history is before
    put(library, "c")
    after = library.history
    assert after.own("sales") is before.own("sales")
    assert len(after.own("research").lessons) == 2


def test_the_order_of_arrival_does_not_matter() -> None:
    one, other = Library(), Library()
    for name in "ab":
        put(one, name)
    for name in "ba":
        put(other, name)
    assert one.history == other.history
