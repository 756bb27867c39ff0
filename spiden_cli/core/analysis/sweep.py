r"""The trade-off of error against sparsity: sweep the threshold, and find where the error is least.

A higher threshold fires less (the rate falls with the threshold, whatever the distribution; that of
weighted spikes in the main, as a higher level may have fewer digits that are 1) and clips less, but
rounds more coarsely. So there is a threshold of least error, and asking for more sparsity than it
gives costs error.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar

from spiden_cli.core.analysis.conversion import Conversion, closed_form, errors_and_rates, simulate
from spiden_cli.core.analysis.distributions import Distribution
from spiden_cli.core.analysis.staircase import Neuron, Values, edges, simulated_edges
from spiden_cli.errors import InputError

GRID = 2000  # thresholds that are looked at first
NEAR = 20  # the best of them, around which
FINE = 200  # so many more are, each


@dataclass(frozen=True)
class Point:
    """One threshold, in closed form and simulated."""

    closed: Conversion
    simulated: Conversion


@dataclass(frozen=True, eq=False)
class Sweep:
    """One neuron and one T over a range of thresholds.

    Attributes:
        x: distribution of the input.
        neuron: initial potential, leak, and whether spikes are weighted.
        timesteps: T.
        edges: currents that reach each level, in units of the threshold.
        simulated_edges: the same, found on the simulated neuron.
        points: by rising threshold.
        best: the threshold of least error.
        sparse: the threshold of least error at the wanted sparsity, if one was wanted.
        learnt: the threshold that training chose, if the input was measured in a trained layer.
    """

    x: Distribution
    neuron: Neuron
    timesteps: int
    edges: Values
    simulated_edges: Values
    points: tuple[Point, ...]
    best: Point
    sparse: Point | None = None
    learnt: Point | None = None


def sweep(
    x: Distribution,
    neuron: Neuron,
    timesteps: int,
    thresholds: Sequence[float],
    sparsity: float | None = None,
    learnt: float | None = None,
    on_progress: Callable[[], None] = lambda: None,
) -> Sweep:
    """Convert at each threshold, and at the best ones.

    Args:
        x: distribution of the input.
        neuron: initial potential and leak.
        timesteps: T >= 1.
        thresholds: in standard deviations of the input.
        sparsity: least share of timesteps without a spike that is wanted.
        learnt: threshold that training chose, in standard deviations.
        on_progress: called after each threshold.

    Raises:
        InputError: T, a threshold or the sparsity is out of range.
    """
    rises = edges(neuron, timesteps)

    def point(threshold: float) -> Point:
        closed = closed_form(x, neuron, timesteps, threshold, rises)
        simulated = simulate(x, neuron, timesteps, threshold)
        on_progress()
        return Point(closed, simulated)

    wanted = None if sparsity is None else least_error(x, neuron, timesteps, sparsity)
    return Sweep(
        x,
        neuron,
        timesteps,
        rises,
        simulated_edges(neuron, timesteps),
        tuple(point(threshold) for threshold in sorted(set(thresholds))),
        point(least_error(x, neuron, timesteps).threshold),
        None if wanted is None else point(wanted.threshold),
        None if learnt is None else point(learnt),
    )


def curve(x: Distribution, neuron: Neuron, timesteps: int, thresholds: Values) -> list[Conversion]:
    """Return the closed form alone at many thresholds, for a plot."""
    rises = edges(neuron, timesteps)
    return [closed_form(x, neuron, timesteps, float(t), rises) for t in thresholds]


def least_error(
    x: Distribution, neuron: Neuron, timesteps: int, sparsity: float = 0.0
) -> Conversion:
    """Find the threshold of least mean squared error among those that are sparse enough.

    The best of a logarithmic grid, of finer ones around several of its points, and refined between
    its neighbours: the error need not have one minimum only, and that of a sample jumps a little
    where one of its values gains a spike. Sparsity need not rise everywhere, so each threshold is
    asked for its own.

    Args:
        x: distribution of the input.
        neuron: initial potential and leak.
        timesteps: T >= 1.
        sparsity: least sparsity, 0 to below 1.

    Raises:
        InputError: T or the sparsity is out of range.
    """
    check_sparsity(sparsity)
    rises = edges(neuron, timesteps)

    def at(threshold: float) -> Conversion:
        return closed_form(x, neuron, timesteps, threshold, rises)

    def errors(thresholds: Values) -> Values:
        """Errors, infinite where too many spikes are fired."""
        found, rates = errors_and_rates(x, neuron, timesteps, rises, thresholds)
        return np.where(1 - rates >= sparsity, found, np.inf)

    # Up to where no current of the sample fires any more: for a few, silence is the least error.
    silent = 1.01 / max(float(rises[0]), 1e-6)
    farthest = max(2, silent) * x.reach
    while at(farthest).sparsity < sparsity:
        farthest *= 2
    grid = np.geomspace(x.reach / 1000, farthest, GRID)
    near = np.argsort(errors(grid))[:NEAR]
    below, above = grid[np.maximum(near - 1, 0)], grid[np.minimum(near + 1, GRID - 1)]
    fine = np.unique(np.append(grid[np.append(near, -1)], np.linspace(below, above, FINE)))
    index = next(i for i in np.argsort(errors(fine)) if at(fine[i]).sparsity >= sparsity)
    best = float(fine[index])
    bounds = [
        _sparse_towards(at, sparsity, best, float(fine[neighbour]))
        for neighbour in (max(index - 1, 0), min(index + 1, len(fine) - 1))
    ]
    refined = minimize_scalar(
        lambda t: at(float(t)).mse, bounds=bounds, method="bounded", options={"xatol": 1e-10}
    )
    found = [at(threshold) for threshold in (best, *bounds, float(refined.x))]
    return min((c for c in found if c.sparsity >= sparsity), key=lambda c: c.mse)


def check_sparsity(sparsity: float) -> None:
    """Refuse a sparsity that no neuron with an input can have.

    Raises:
        InputError: it is not in [0, 1).
    """
    if not 0 <= sparsity < 1:
        raise InputError(f"the sparsity must be in [0, 1), not {sparsity:g}")


def _sparse_towards(
    at: Callable[[float], Conversion], sparsity: float, sparse: float, other: float
) -> float:
    """Return `other`, or else the farthest threshold towards it that is found sparse enough."""
    if at(other).sparsity >= sparsity:
        return other
    while abs(other - sparse) > 1e-12 * sparse:
        middle = (sparse + other) / 2
        if at(middle).sparsity >= sparsity:
            sparse = middle
        else:
            other = middle
    return sparse
