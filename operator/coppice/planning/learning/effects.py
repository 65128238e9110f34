"""How far estimates are off, by profile, method and family: effects that are shrunk towards none.

The logarithm of observed over estimated, in a cell (method, architecture family, profile), is taken for a sum of
independent effects with known prior variances, seen with the scatter of single jobs:

    y = profile + method + family of the method + cell + scatter / sqrt(weight)

Effects that cells have in common are what lets one cell speak for another: a slow node makes every method slow, so
that both arms of a comparison move together. The posterior is the exact Gaussian one,

    mean(t)     = k(t) (K + D)^-1 y        K, k: prior covariance of cells; D: diagonal of scatter variance / weight
    variance(t) = k(t, t) - k(t) (K + D)^-1 k(t)

which for a single cell is mean = y V / (V + scatter / weight), V being the sum of the four variances: pencil and paper
suffice. Only the MAX_CELLS heaviest cells are kept, because the cost is the cube of their number.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from coppice.api.vocabulary import Method

Cell = tuple[Method, str, str]
"""Method, architecture family (empty: not known) and profile."""
MAX_CELLS = 16
Matrix = list[list[float]]


@dataclass(frozen=True)
class Variances:
    """Prior variances of the effects and of one job's scatter, all of natural logarithms."""

    profile: float
    method: float
    family: float
    cell: float
    scatter: float

    @property
    def effects(self) -> float:
        """Of all effects together: what is not known of a cell before any job."""
        return self.profile + self.method + self.family + self.cell

    def between(self, one: Cell, other: Cell) -> float:
        """Prior covariance of two cells."""
        covariance = self.profile if one[2] == other[2] else 0.0
        if one[0] is not other[0]:
            return covariance
        covariance += self.method
        if one[1] == other[1] and one[1]:
            covariance += self.family + (self.cell if one[2] == other[2] else 0.0)
        return covariance


@dataclass(frozen=True)
class Posterior:
    """What is known of a cell's effect: mean and variance of its logarithm."""

    mean: float
    variance: float


@dataclass(frozen=True)
class Effects:
    """Fitted effects: the cells kept, the solution of the linear system, and its inverse for the variances."""

    variances: Variances
    cells: tuple[Cell, ...] = ()
    solution: tuple[float, ...] = ()
    inverse: tuple[tuple[float, ...], ...] = ()

    def of(self, cell: Cell) -> Posterior:
        """The posterior of a cell, seen or not."""
        shared = [self.variances.between(cell, other) for other in self.cells]
        mean = sum(one * value for one, value in zip(shared, self.solution, strict=True))
        known = sum(
            one * sum(value * other for value, other in zip(row, shared, strict=True))
            for one, row in zip(shared, self.inverse, strict=True)
        )
        return Posterior(mean, max(self.variances.effects - known, 0.0))


def fitted(observed: Mapping[Cell, tuple[float, float]], variances: Variances) -> Effects:
    """The effects that explain the cells' (mean, weight)."""
    heaviest = sorted(observed, key=lambda cell: (-observed[cell][1], cell))[:MAX_CELLS]
    cells = tuple(sorted(heaviest))
    matrix = [[variances.between(one, other) for other in cells] for one in cells]
    for number, cell in enumerate(cells):
        matrix[number][number] += variances.scatter / observed[cell][1]
    inverse = _inverse(matrix)
    means = [observed[cell][0] for cell in cells]
    solution = tuple(sum(value * mean for value, mean in zip(row, means, strict=True)) for row in inverse)
    return Effects(variances, cells, solution, tuple(tuple(row) for row in inverse))


def _inverse(matrix: Sequence[Sequence[float]]) -> Matrix:
    """By Gauss and Jordan; positive definite, so that the diagonal needs no exchange of rows."""
    size = len(matrix)
    rows: Matrix = [[*row, *(float(one == other) for other in range(size))] for one, row in enumerate(matrix)]
    for pivot in range(size):
        scale = rows[pivot][pivot]
        rows[pivot] = [value / scale for value in rows[pivot]]
        for number in range(size):
            factor = rows[number][pivot]
            if number != pivot and factor:
                rows[number] = [value - factor * top for value, top in zip(rows[number], rows[pivot], strict=True)]
    return [row[size:] for row in rows]
