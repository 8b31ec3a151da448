"""What the networks' maps suggest for a correction: a column's centre, and which sulphurs are single ones."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hrtem_app.columns import ColumnTable
from hrtem_app.correction.effects import MO, ONE_S, TWO_S
from hrtem_app.inference.finding import find_columns
from hrtem_app.inference.resample import to_image, to_map
from hrtem_app.inference.result import NetworkResult
from hrtem_app.recipe import ColumnFinding

# A person sees columns that networks hardly believe in.
_LEAST_PROBABILITY = 0.05


def nearest_peak(
    networks: Mapping[str, NetworkResult],
    position: ArrayLike,
    radius: float = 0.9,
    settings: ColumnFinding | None = None,
) -> NDArray[np.float64] | None:
    """The centre of the column that a click meant: where the networks' maps peak nearest to it.

    Peaks are found and refined as those of an analysis are, but with a threshold of 0.05. Of each network the nearest
    within the radius counts, and the result is their mean.

    Parameters
    ----------
    networks
        Their results, by name.
    position
        (2,) as (y, x) in pixels of the original image.
    radius
        In Å.
    settings
        How columns are found; its threshold is not used.

    Returns
    -------
    (2,) as (y, x) in pixels of the original image; None where no network has a peak within the radius.
    """
    told = (settings or ColumnFinding()).model_copy(update={"threshold": _LEAST_PROBABILITY})
    click = np.asarray(position, float)
    peaks = [_nearest_of(result, click, radius, told) for result in networks.values()]
    found = [peak for peak in peaks if peak is not None]
    return np.mean(found, axis=0) if found else None


def single_sulphur(table: ColumnTable, grain: int, networks: Mapping[str, NetworkResult]) -> tuple[int, ...]:
    """Ids of a grain's Mo columns that are more probably 1S than 2S, for `SwapSublattices`.

    Parameters
    ----------
    table
        The columns.
    grain
        Its number.
    networks
        Their results, by name, of whose probabilities the mean counts; without any, none is single.
    """
    rows = np.flatnonzero((table.grain == grain) & (table.classes == MO))
    places = table.positions[rows]
    both = [[result.probability_at(places, index) for index in (ONE_S, TWO_S)] for result in networks.values()]
    if not both:
        return ()
    one, two = np.mean(both, axis=0)
    return tuple(table.ids[rows[one > two]].tolist())


def _nearest_of(
    result: NetworkResult, click: NDArray[np.float64], radius: float, settings: ColumnFinding
) -> NDArray[np.float64] | None:
    centre = to_map(click, result.scale)
    # So far away the edge of what is cut out changes nothing within the radius.
    margin = 4 * settings.smoothing + 2 * settings.window + settings.min_distance
    reach = (radius + margin) / result.sampling + 2
    size = np.array(result.probabilities.shape[1:])
    first = np.clip(np.floor(centre - reach), 0, size).astype(int)
    last = np.clip(np.ceil(centre + reach) + 1, 0, size).astype(int)
    cut = result.probabilities[:, first[0] : last[0], first[1] : last[1]]
    if cut.size == 0:
        return None
    positions, _, _ = find_columns(cut, result.sampling, settings)
    away = np.linalg.norm(positions + first - centre, axis=1) * result.sampling
    if away.min(initial=np.inf) > radius:
        return None
    return to_image(positions[away.argmin()] + first, result.scale)
