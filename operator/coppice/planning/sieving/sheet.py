"""The sheet: methods on many base models in rows, and what they would use, worked out in columns.

Memory and work are formulas of a method and of the nature of a network, so they are taken by both; time, power and
prices are the same for all methods and most networks, so all rows go through them together.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from itertools import groupby

import numpy as np

from coppice.api.vocabulary import Method
from coppice.planning.candidate import least_bytes
from coppice.planning.catalogue import Registered
from coppice.planning.column import Figures, Numbers, Truths, column
from coppice.planning.estimate import Estimate, estimate_of_work, own_sigma
from coppice.planning.fitting import needed_memory, possible_layouts
from coppice.planning.hardware import Hardware
from coppice.planning.kinds import Kind
from coppice.planning.learning.correction import NO_CORRECTION, Correction, Factor
from coppice.planning.lognormal import LogNormal
from coppice.planning.memory import MEMORY_SIGMA
from coppice.planning.money import Prices
from coppice.planning.request import Request
from coppice.planning.sieving.outline import Outline, close
from coppice.planning.sieving.stack import Stack, figures, stacked
from coppice.planning.workload import Effort, Workload

VARYING = ("tokens", "forward_flops", "training_flops", "steps", "forward_steps")
"""Of the work, what differs between rows."""
ALL = np.True_
OwnPrices = tuple[Decimal | None, Decimal | None]
"""Of a base model, for one job and for a month."""


def outlined(request: Request, asked: Mapping[Method, Sequence[Registered]]) -> Outline:
    """The outline of methods on base models, method by method, on the best of the configurations that hold each."""
    sheet = Sheet(request, asked)
    found, first = Outline.blank(sheet.parameters), 0
    for options in (request.hardware, request.larger_hardware):
        among = ~found.held
        for number, hardware in enumerate(options, first):
            found.offer(sheet.on(hardware, among), number, among)
        if found.held.all():
            break
        first += len(options)
    return found


class Models:
    """Base models as formulas see them; those of one nature stand together."""

    def __init__(self, models: Sequence[Registered], task: str) -> None:
        self.networks = [model.network(task) for model in models]
        self.figures = figures(self.networks)
        self.parameters = column(network.matrix_parameters for network in self.networks)
        self.least_bytes = column(least_bytes(model) for model in models)
        self._prices = [(model.spec.price_per_job, model.spec.price_per_month) for model in models]

    @cached_property
    def by_nature(self) -> list[tuple[slice, Stack]]:
        """Rows of one nature, stacked."""
        return self._stacked(lambda row: self.networks[row].nature)

    @cached_property
    def by_nature_and_layouts(self) -> list[tuple[slice, Stack]]:
        """Rows of one nature that may all be computed again, or none of them."""
        return self._stacked(lambda row: (self.networks[row].nature, self.networks[row].traits.recomputable))

    def _stacked(self, key: Callable[[int], Hashable]) -> list[tuple[slice, Stack]]:
        runs = (list(run) for _, run in groupby(range(len(self.networks)), key))
        slices = [slice(run[0], run[-1] + 1) for run in runs]
        return [(rows, stacked(self.networks[rows.start], self.figures[rows])) for rows in slices]

    @cached_property
    def by_pace(self) -> Mapping[tuple[Kind, OwnPrices], list[int]]:
        """Rows of one pace and price."""
        found: dict[tuple[Kind, OwnPrices], list[int]] = {}
        for row, (network, prices) in enumerate(zip(self.networks, self._prices, strict=True)):
            found.setdefault((network.pace, prices), []).append(row)
        return found


@dataclass(frozen=True)
class _Batch:
    """Rows of one method on networks of one nature, with the work of it."""

    rows: slice
    effort: Effort
    stack: Stack
    work: Workload


@dataclass(frozen=True)
class _Pack:
    """Rows of one pace and price, whatever the method."""

    rows: slice | Numbers
    stack: Stack
    prices: OwnPrices


@dataclass
class _Needs:
    """With the layout that a configuration takes: median bytes of memory, and FLOPs of training."""

    memory: Figures
    training_flops: Figures


class Sheet:
    """What is asked of a request, in columns."""

    def __init__(self, request: Request, asked: Mapping[Method, Sequence[Registered]]) -> None:
        self._request = request
        known: dict[tuple[int, ...], Models] = {}
        self._blocks = []
        for method, some in asked.items():
            key = tuple(map(id, some))
            if key not in known:
                known[key] = Models(some, request.spec.task)
            self._blocks.append((request.effort(method), known[key]))
        self._networks = [network for _, models in self._blocks for network in models.networks]
        self._least: Figures = np.concatenate([models.least_bytes for _, models in self._blocks])
        sigmas = [np.full(len(models.networks), own_sigma(effort)) for effort, models in self._blocks]
        self._sigma: Figures = np.concatenate(sigmas)
        self._batches, self._packs = list(self._by_nature()), list(self._by_pace())
        self._work = self._whole_work()
        self.parameters: Figures = np.concatenate([models.parameters for _, models in self._blocks])

    def on(self, hardware: Hardware, among: Truths) -> Outline:
        """What is looked at, on one configuration, each row with the first layout that fits."""
        found, unit = Outline.blank(self.parameters), self._request.unit
        needs = self._fitted(found, hardware, among)
        for pack in self._packs:
            if not (among & found.held)[pack.rows].any():
                continue
            estimate = self._estimate(pack, needs, hardware)
            if estimate.of(unit) is not None:
                found.cost[pack.rows] = estimate.expected(unit)
            if self._request.limited:
                found.highs[:, pack.rows] = np.array(estimate.highs)
        found.breaks[:] = False
        for high, left in zip(found.highs, self._request.remaining, strict=True):
            if left < np.inf:
                found.breaks |= high > left
                found.unsure |= close(high, left)
        return found

    def _fitted(self, found: Outline, hardware: Hardware, among: Truths) -> _Needs:
        """What rows need with their layout; `found` is told which of them any layout holds."""
        needs = _Needs(np.ones(len(among)), np.array(self._work.training_flops))
        for batch in self._batches:
            rows, effort, stack = batch.rows, batch.effort, batch.stack
            if not among[rows].any():
                continue
            factor, least = self._correction(hardware, rows).memory.median, self._least[rows]
            held, unsure = found.held[rows], found.unsure[rows]
            memory, training = needs.memory[rows], needs.training_flops[rows]
            for layout in possible_layouts(effort, stack, hardware, may_shard=False):
                needed = needed_memory(effort, stack, hardware, layout, batch.work, factor=factor, least_bytes=least)
                memory = np.where(held, memory, needed.median)
                if layout.checkpointing:
                    training = np.where(held, training, effort.on(stack, checkpointing=True).training_flops)
                may = stack.traits.recomputable == 1 if layout.checkpointing else ALL
                unsure = unsure | (may & close(needed.high, hardware.memory_bytes))
                held = held | (may & (needed.high <= hardware.memory_bytes))
                if held.all():
                    break
            found.held[rows], found.unsure[rows] = held, unsure
            needs.memory[rows], needs.training_flops[rows] = memory, training
        return needs

    def _estimate(self, pack: _Pack, needs: _Needs, hardware: Hardware) -> Estimate:
        rows = pack.rows
        varying = {name: getattr(self._work, name)[rows] for name in VARYING}
        return estimate_of_work(
            replace(self._work, **varying | {"training_flops": needs.training_flops[rows]}),
            pack.stack,
            self._blocks[0][0].method,
            hardware,
            self._request.world,
            prices=Prices.of(hardware.profile.spec, *pack.prices, self._blocks[0][0].data_price),
            own_sigma=self._sigma[rows],
            needed=LogNormal(needs.memory[rows], MEMORY_SIGMA),
            correction=self._correction(hardware, rows),
        )

    def _correction(self, hardware: Hardware, rows: slice | Numbers) -> Correction:
        """What was learned of each row."""
        if not self._request.learned:
            return NO_CORRECTION
        methods = [effort.method for effort, models in self._blocks for _ in models.networks]
        some = [(methods[row], self._networks[row]) for row in np.arange(len(methods))[rows].tolist()]
        each = [self._request.correction(method, network, hardware) for method, network in some]
        return Correction(
            time=_factors([one.time for one in each]),
            power=_factors([one.power for one in each]),
            memory=_factors([one.memory for one in each]),
        )

    def _by_nature(self) -> Iterator[_Batch]:
        first = 0
        for effort, models in self._blocks:
            # A job that says whether to compute activations again says so to those alone that can.
            stacks = models.by_nature if effort.recompute is None else models.by_nature_and_layouts
            for rows, stack in stacks:
                yield _Batch(slice(rows.start + first, rows.stop + first), effort, stack, effort.on(stack))
            first += len(models.networks)

    def _by_pace(self) -> Iterator[_Pack]:
        first, found = 0, dict[tuple[Kind, OwnPrices], list[Numbers]]()
        for _, models in self._blocks:
            for key, rows in models.by_pace.items():
                found.setdefault(key, []).append(np.array(rows) + first)
            first += len(models.networks)
        everything = np.concatenate([models.figures for _, models in self._blocks])
        for (_, prices), parts in found.items():
            some = np.concatenate(parts)
            stack = stacked(self._networks[some[0]], everything[some])
            yield _Pack(slice(None) if len(found) == 1 else some, stack, prices)

    def _whole_work(self) -> Workload:
        """The work of all rows without computing activations again."""
        whole: dict[str, Figures] = {name: np.zeros(len(self._networks)) for name in VARYING}
        for batch in self._batches:
            for name in VARYING:
                whole[name][batch.rows] = getattr(batch.work, name)
        return replace(self._batches[0].work, **whole)


def _factors(factors: Sequence[Factor]) -> Factor:
    return Factor(median=column(one.median for one in factors), spread=column(one.spread for one in factors))
