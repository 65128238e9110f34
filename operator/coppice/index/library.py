"""What reports teach, kept up to date with the reports that are seen.

The lessons of a report are read once, when it arrives: its decision record is most of its bytes and is not kept. The
chapter of a namespace is written again only after one of its reports came or went, and then when a decision asks.
"""

from bisect import insort

from coppice.api.trainingreport import TrainingReport
from coppice.index.key import Key
from coppice.planning.learning.chapter import MOST_REPORTS, Chapter
from coppice.planning.learning.history import History, newest
from coppice.planning.learning.lesson import Lesson, lessons

Entry = tuple[float, str, tuple[Lesson, ...]]
"""When the job finished, the report's name, and what it teaches."""


class Library:
    """A history that is told of reports and made when asked for."""

    def __init__(self) -> None:
        self._entries: dict[str, list[Entry]] = {}
        self._times: dict[Key, float] = {}
        self._chapters: dict[str, Chapter] = {}
        self._history: History | None = History()

    def put(self, key: Key, report: TrainingReport, decision_record: str) -> None:
        """Take over a report; `decision_record` is its record, which the report itself may have been stripped of."""
        self.drop(key)
        finished, name = newest(report)
        self._times[key] = finished
        insort(
            self._entries.setdefault(key.namespace, []), (finished, name, lessons(report, decision_record)), key=_order
        )
        self._changed(key.namespace)

    def drop(self, key: Key) -> None:
        """The report is gone; it need not have been there."""
        finished = self._times.pop(key, None)
        if finished is None:
            return
        entries = self._entries[key.namespace]
        entries[:] = [entry for entry in entries if _order(entry) != (finished, key.name)]
        self._changed(key.namespace)

    @property
    def history(self) -> History:
        """The history now; the same object until a report comes or goes."""
        if self._history is None:
            for namespace in self._entries.keys() - self._chapters.keys():
                latest = self._entries[namespace][-MOST_REPORTS:]
                self._chapters[namespace] = Chapter(tuple(lesson for *_, taught in latest for lesson in taught))
            self._history = History({name: chapter for name, chapter in self._chapters.items() if chapter.lessons})
        return self._history

    def _changed(self, namespace: str) -> None:
        self._chapters.pop(namespace, None)
        self._history = None


def _order(entry: Entry) -> tuple[float, str]:
    return entry[0], entry[1]
