"""The Ledger port: totals of tenant namespaces in TrainingLedgers of the operator's namespace, group-committed.

A burst of a thousand jobs in one namespace would be a thousand compare-and-swaps on one object, each waiting for the
one before. So each namespace has one writer, and whatever waits when it turns round goes into a single write:

    call ── nothing under way ──> written at once
    call ── a write is under way ──> waits with the others ──> one write for all of them

A reservation is checked against the sum over all objects of its namespace while the change is made, and stored by the
same compare-and-swap: of two that would each just fit, one finds the other's. Who was refused is remembered, in order,
and called when something is freed; forgetting that costs time alone, because each looks again by itself.

The last stored bodies are kept, as this process is the only writer while it leads; a conflict says that it was not,
and they are read again. The price: a batch that fails, fails for all who waited, and each tries again.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from coppice.accounting.budget import BudgetExhausted
from coppice.accounting.ledger import expected, opened, pruned, released, settled, withdrawn
from coppice.accounting.settlement import Settlement
from coppice.adapters.ledger_draft import Change, Claim, Draft, Wish, fitting
from coppice.api.meta import ObjectMeta
from coppice.api.trainingledger import LedgerEntry, Reservation, TrainingLedger, TrainingLedgerSpec
from coppice.api.trainingpolicy import Amounts
from coppice.ports import AlreadyExists, Cluster, Conflict, NotFound
from coppice.workloads.names import ledger_name

TRIES = 5
"""Conflicts in a row before the callers are told; the only other writer is an operator that lost its lease."""

Room = Callable[[str, Sequence[str]], None]


@dataclass
class _Page:
    """One ledger object as last stored; no body: it was deleted and is to be made again from what is known of it."""

    name: str
    spec: TrainingLedgerSpec
    body: Mapping[str, Any] | None


@dataclass
class _Book:
    """Everything of one namespace: its ledger objects and the wishes that wait."""

    pages: list[_Page] = field(default_factory=list)
    wishes: list[Wish] = field(default_factory=list)
    refused: dict[str, Claim] = field(default_factory=dict)
    writer: asyncio.Task[None] | None = None


class ApiLedger:
    """Ledgers over a Cluster; `namespace` is the operator's own. Call `load` once before anything else.

    `room` is told which jobs of a namespace were refused and would fit now.
    """

    def __init__(self, cluster: Cluster, namespace: str, room: Room = lambda namespace, jobs: None) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._room = room
        self._books: dict[str, _Book] = {}

    async def load(self) -> None:
        """Read every ledger."""
        bodies, _ = await self._cluster.list("TrainingLedger", self._namespace)
        self._books = {}
        for body in sorted(bodies, key=_order):
            page = _page(body)
            self._book(page.spec.namespace).pages.append(page)

    async def open(self, namespace: str, entry: LedgerEntry, budget: Amounts | None = None) -> None:
        """Note a job before its first child exists; an entry that is there already is success.

        Raises BudgetExhausted, and notes nothing, where what the entry reserves does not fit the month's budget.
        """
        claim = Claim(entry.name, entry.reserved, budget) if entry.reserved and budget else None
        await self._wish(namespace, entry.uid, lambda spec: opened(spec, entry), claim=claim)

    async def expect(self, namespace: str, entry: LedgerEntry) -> None:
        """Note what an open workload has used so far; without an open entry nothing is noted."""
        await self._wish(namespace, entry.uid, lambda spec: expected(spec, entry))

    async def settle(self, namespace: str, settlement: Settlement) -> None:
        """Add a finished job's totals, once per job uid."""
        await self._wish(namespace, settlement.uid, lambda spec: settled(spec, settlement), frees=True)

    async def release(self, namespace: str, uid: str, needed: Reservation) -> None:
        """Bring what an open job reserves down to what it needs for now; others may take the rest."""
        await self._wish(namespace, uid, lambda spec: released(spec, uid, needed), frees=True)

    async def prune(self, namespace: str, uid: str) -> None:
        """Drop a settled entry whose job says so itself, or is gone."""
        await self._wish(namespace, uid, lambda spec: pruned(spec, uid))

    async def withdraw(self, namespace: str, uid: str) -> None:
        """Drop the entry of a job of which nothing ever ran, uncounted."""
        await self._wish(namespace, uid, lambda spec: withdrawn(spec, uid), frees=True)

    def specs(self) -> list[TrainingLedgerSpec]:
        """Every ledger object's content, as last stored."""
        return [page.spec for book in self._books.values() for page in book.pages]

    def pages(self, namespace: str) -> list[TrainingLedgerSpec]:
        """The ledger objects of one tenant namespace, as last stored."""
        book = self._books.get(namespace)
        return [page.spec for page in book.pages] if book else []

    def entries(self) -> dict[str, tuple[LedgerEntry, ...]]:
        """Entries by tenant namespace, as last stored: jobs open, or settled and not yet known to be so."""
        return {
            name: tuple(entry for page in book.pages for entry in page.spec.entries)
            for name, book in self._books.items()
        }

    async def drain(self) -> None:
        """Wait until nothing waits to be written."""
        writers = [book.writer for book in self._books.values() if book.writer is not None]
        await asyncio.gather(*writers, return_exceptions=True)

    def _book(self, namespace: str) -> _Book:
        return self._books.setdefault(namespace, _Book())

    async def _wish(
        self, namespace: str, uid: str, change: Change, *, claim: Claim | None = None, frees: bool = False
    ) -> None:
        book = self._book(namespace)
        wish = Wish(uid, change, asyncio.get_running_loop().create_future(), claim, frees)
        book.wishes.append(wish)
        if book.writer is None:
            book.writer = asyncio.create_task(self._write(namespace, book), name=f"ledger-{namespace}")
        await asyncio.shield(wish.done)

    async def _write(self, namespace: str, book: _Book) -> None:
        """Write until nothing waits; started by the first wish, so an idle namespace has no task."""
        batch: list[Wish] = []
        try:
            while book.wishes:
                batch, book.wishes = book.wishes, []
                try:
                    await self._commit(namespace, book, batch)
                except Exception as error:  # noqa: BLE001 - it belongs to whoever waits
                    _finish(batch, error)
                else:
                    _finish(batch, None)
                    self._call_refused(namespace, book, batch)
        finally:
            book.writer = None
            for wish in (*batch, *book.wishes):
                wish.done.cancel()

    async def _commit(self, namespace: str, book: _Book, batch: Iterable[Wish]) -> None:
        for left in reversed(range(TRIES)):
            try:
                await self._store(namespace, book, batch)
            except (AlreadyExists, Conflict, NotFound) as error:
                if not left:
                    raise
                if isinstance(error, AlreadyExists):
                    self._adopt(namespace, book, error)
                await self._reload(book)
            else:
                return

    async def _store(self, namespace: str, book: _Book, batch: Iterable[Wish]) -> None:
        """Write every page that the batch changes, and note what is stored."""
        draft = Draft(namespace, [page.spec for page in book.pages])
        for wish in batch:
            draft.apply(wish)
        for number, spec in enumerate(draft.specs):
            if number == len(book.pages):
                name = self._free_name(namespace, book)
                book.pages.append(_page(await self._cluster.create(self._manifest(name, spec))))
            elif book.pages[number].body is None or spec is not book.pages[number].spec:
                book.pages[number] = await self._stored(book.pages[number], spec)

    async def _stored(self, page: _Page, spec: TrainingLedgerSpec) -> _Page:
        if page.body is None:
            return _page(await self._cluster.create(self._manifest(page.name, spec)))
        body = await self._cluster.replace({**page.body, "spec": spec.wire()})
        return _Page(page.name, spec, body)

    async def _reload(self, book: _Book) -> None:
        """Read a namespace's ledgers again. One that is gone is made anew: totals must not fall while we know them."""
        for number, page in enumerate(book.pages):
            body = await self._cluster.get("TrainingLedger", self._namespace, page.name)
            book.pages[number] = _page(body) if body else _Page(page.name, page.spec, None)

    def _call_refused(self, namespace: str, book: _Book, batch: Iterable[Wish]) -> None:
        """Remember who was refused, and where something was freed call those that would fit now, in their order."""
        freed = False
        for wish in batch:
            error = wish.done.exception() if wish.claim else None
            if wish.claim and isinstance(error, BudgetExhausted):
                book.refused[wish.uid] = wish.claim  # in the place that it had, with the budget of now
            else:
                book.refused.pop(wish.uid, None)
            freed = freed or wish.frees
        if freed and book.refused:
            self._room(namespace, fitting([page.spec for page in book.pages], book.refused))

    def _adopt(self, namespace: str, book: _Book, taken: AlreadyExists) -> None:
        """A ledger of this namespace that we did not know of joins its book; anybody else's is an error."""
        page = _page(taken.existing)
        if page.spec.namespace != namespace:
            raise taken
        if all(page.name != known.name for known in book.pages):
            book.pages.append(page)

    def _free_name(self, namespace: str, book: _Book) -> str:
        names = {page.name for page in book.pages}
        return next(name for name in (ledger_name(namespace, number) for number in count()) if name not in names)

    def _manifest(self, name: str, spec: TrainingLedgerSpec) -> Mapping[str, Any]:
        return TrainingLedger(metadata=ObjectMeta(name=name, namespace=self._namespace), spec=spec).wire()


def _finish(batch: Iterable[Wish], error: Exception | None) -> None:
    for wish in batch:
        if wish.done.done():
            continue
        if error is None:
            wish.done.set_result(None)
        else:
            wish.done.set_exception(error)


def _page(body: Mapping[str, Any]) -> _Page:
    ledger = TrainingLedger.model_validate(body)
    return _Page(ledger.metadata.name, ledger.spec, body)


def _order(body: Mapping[str, Any]) -> tuple[int, str]:
    """By number: of two names that differ in their number alone, the shorter is the lower."""
    name = str(body["metadata"]["name"])
    return len(name), name
