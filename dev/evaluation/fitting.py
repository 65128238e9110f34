"""The most probable constants given published runs and what was believed before: a few Gauss-Newton steps.

Rows of one family share a deviation (one team, one code base, one way to count hours), so they are not independent
evidence: the noise has a part per family and one per row. Priors keep five families from deciding four constants.
"""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]
STEPS, DIFFERENCE = 12, 1e-4


def covariance(families: Sequence[str], family_sigma: float, row_sigma: float) -> Vector:
    """Of the rows' deviations."""
    same = np.array([[one == other for other in families] for one in families], dtype=np.float64)
    return same * family_sigma**2 + np.eye(len(families)) * row_sigma**2


def most_probable(residuals: Callable[[Vector], Vector], prior: Vector, prior_sigma: Vector, noise: Vector) -> Vector:
    """Constants that minimise noise-weighted residuals and distance from the prior; residuals are observed - model."""
    root = np.linalg.cholesky(np.linalg.inv(noise)).T

    def whitened(constants: Vector) -> Vector:
        return np.concatenate([root @ residuals(constants), (constants - prior) / prior_sigma])

    found = prior.copy()
    for _ in range(STEPS):
        now = whitened(found)
        columns = [whitened(found + step) - now for step in np.eye(len(found)) * DIFFERENCE]
        jacobian = np.stack(columns, axis=1) / DIFFERENCE
        found = found - np.linalg.lstsq(jacobian, now, rcond=None)[0]
    return found
