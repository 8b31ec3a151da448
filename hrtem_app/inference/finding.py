"""From probability maps to columns with sub-pixel positions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from hrtem_app.recipe import ColumnFinding

# The window of the refinement is moved onto its own centre of mass at most this often, or until it moves less (px).
_MOVES = 8
_SETTLED = 0.01


def find_columns(
    probabilities: NDArray[np.floating], sampling: float, settings: ColumnFinding
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """Columns where the smoothed probability of any column has a maximum above the threshold, then named.

    What is sought is 1 - p(background), the sum of all classes: where a network cannot tell Mo from 2S, each gets half,
    and sought class by class neither would reach the threshold although the column is plain to see. Its class is the
    most probable one at its place.

    Parameters
    ----------
    probabilities
        (classes + 1, y, x); the last channel is the background and is not looked at.
    sampling
        Å per pixel of the maps.
    settings
        Threshold, smoothing, refinement window and least distance.

    Returns
    -------
    positions, classes, probability
        (n, 2) as (y, x) in pixels of the maps, (n,) class indices and (n,) the probability of that class at the
        position, ordered by y, then x. No two of them are nearer than `settings.min_distance`: of those the one that is
        more probably a column stays.
    """
    maps = np.asarray(probabilities, dtype=np.float32)
    if maps.ndim != 3 or len(maps) < 2:
        raise ValueError(f"probability maps have the shape (classes + 1, y, x), not {maps.shape}")
    sigma = settings.smoothing / sampling
    smoothed = np.stack([ndimage.gaussian_filter(channel, sigma) for channel in maps[:-1]])
    any_column = smoothed.sum(axis=0)
    peaks = _maxima(any_column, settings.threshold)
    start, heights = peaks.astype(np.float64), any_column[tuple(peaks.T)].astype(float)
    start = start[keep_apart(start * np.float64(sampling), heights, settings.min_distance)]
    positions = _refined(any_column, start, settings.window / sampling)
    # The refinement may bring two closer than their maxima were.
    positions = positions[keep_apart(positions * sampling, read_map(any_column, positions), settings.min_distance)]
    positions = positions[np.lexsort((positions[:, 1], positions[:, 0]))]
    classes = _read_maps(smoothed, positions).argmax(axis=1)
    probability = np.take_along_axis(_read_maps(maps[:-1], positions), classes[:, np.newaxis], axis=1)[:, 0]
    return positions, classes, probability


def read_map(channel: NDArray[np.floating], positions: NDArray[np.float64]) -> NDArray[np.float64]:
    """The map's values between its pixels, linearly interpolated; outside, those of the nearest edge pixel.

    Parameters
    ----------
    channel
        (y, x).
    positions
        (n, 2) as (y, x) in pixels.
    """
    values: NDArray[np.float64] = ndimage.map_coordinates(
        channel, np.asarray(positions, float).reshape(-1, 2).T, order=1, mode="nearest", output=np.float64
    )
    return values


def keep_apart(positions: NDArray[np.float64], score: NDArray[np.float64], distance: float) -> NDArray[np.bool_]:
    """Which points stay when of any two nearer than a distance only the better one may.

    Taken from the best downwards, as a person would: a point falls only to a better one that itself stays. Of equal
    scores the one with the smaller y, then x, counts as the better, so the order of the rows does not matter.

    Parameters
    ----------
    positions
        (n, 2).
    score
        (n,), higher is better.
    distance
        In the units of the positions.

    Returns
    -------
    (n,) mask of the points that stay.
    """
    kept = np.ones(len(positions), bool)
    if len(positions) < 2:
        return kept
    pairs = cKDTree(positions).query_pairs(distance, output_type="ndarray")
    pairs = pairs[np.linalg.norm(positions[pairs[:, 0]] - positions[pairs[:, 1]], axis=1) < distance]
    rank = np.empty(len(positions), np.int64)
    rank[np.lexsort((positions[:, 1], positions[:, 0], -score))] = np.arange(len(positions))
    first_is_better = rank[pairs[:, 0]] < rank[pairs[:, 1]]
    better, worse = np.where(first_is_better, pairs.T, pairs.T[::-1])
    while len(better):
        # Who is beaten by nobody that is still in the running stays, and those whom it beats go.
        winners = np.setdiff1d(better, worse)
        losers = np.unique(worse[np.isin(better, winners)])
        kept[losers] = False
        open_pairs = kept[better] & kept[worse] & ~np.isin(better, winners)
        better, worse = better[open_pairs], worse[open_pairs]
    return kept


def _read_maps(maps: NDArray[np.float32], positions: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, classes) values of all maps at n positions."""
    return np.stack([read_map(channel, positions) for channel in maps], axis=1)


def _maxima(smoothed: NDArray[np.float32], threshold: float) -> NDArray[np.int64]:
    """(n, 2) pixels that no neighbour exceeds and that reach the threshold; a plateau counts once, at its middle."""
    summit = (smoothed >= threshold) & (smoothed == ndimage.maximum_filter(smoothed, size=3))
    labels, count = ndimage.label(summit, np.ones((3, 3)))
    pixels = np.argwhere(summit)
    if len(pixels) == count:
        return pixels.astype(np.int64)
    label = labels[summit] - 1
    size = np.bincount(label, minlength=count)
    middle = np.stack([np.bincount(label, pixels[:, axis], count) / size for axis in (0, 1)], axis=1)
    return np.rint(middle).astype(np.int64)


def _refined(smoothed: NDArray[np.float32], start: NDArray[np.float64], radius: float) -> NDArray[np.float64]:
    """Centres of mass in a round window that is moved onto its own centre of mass, never further than its radius.

    Parameters
    ----------
    smoothed
        (y, x) probability of any column.
    start
        (n, 2) maxima in pixels.
    radius
        Of the window in pixels.
    """
    centre = start.copy()
    moving = np.arange(len(start))
    for _ in range(_MOVES):
        moved = centre[moving] + _off_centre(smoothed, centre[moving], radius)
        moved = start[moving] + _shortened(moved - start[moving], radius)
        moved = np.clip(moved, 0, np.array(smoothed.shape) - 1)
        step = np.abs(moved - centre[moving]).max(axis=1, initial=0)
        centre[moving] = moved
        moving = moving[step > _SETTLED]
    return centre


def _off_centre(smoothed: NDArray[np.float32], centre: NDArray[np.float64], radius: float) -> NDArray[np.float64]:
    """(n, 2) vectors from the centres of round windows to the centres of mass of what is in them."""
    reach = int(np.ceil(radius + 1.5))
    steps = np.arange(-reach, reach + 1)
    height, width = smoothed.shape
    nearest = np.rint(centre).astype(np.int64)
    rows, columns = nearest[:, :1] + steps, nearest[:, 1:] + steps
    inside_y, inside_x = (rows >= 0) & (rows < height), (columns >= 0) & (columns < width)
    flat = np.clip(rows, 0, height - 1)[:, :, np.newaxis] * width + np.clip(columns, 0, width - 1)[:, np.newaxis, :]
    weights = smoothed.ravel()[flat]
    dy, dx = ((index - centre[:, i : i + 1]).astype(np.float32) for i, index in enumerate((rows, columns)))
    # An edge two pixels soft: with a hard one the window would jump from pixel to pixel.
    distance = np.sqrt((dy**2)[:, :, np.newaxis] + (dx**2)[:, np.newaxis, :])
    weights *= np.clip(np.float32(radius + 1) - distance, 0, 2)
    weights *= inside_y[:, :, np.newaxis] & inside_x[:, np.newaxis, :]
    by_row, by_column = weights.sum(axis=2), weights.sum(axis=1)
    moments = np.stack([(by_row * dy).sum(axis=1), (by_column * dx).sum(axis=1)], axis=1)
    off_centre: NDArray[np.float64] = moments.astype(float) / by_row.sum(axis=1, dtype=float, keepdims=True)
    return off_centre


def _shortened(vectors: NDArray[np.float64], longest: float) -> NDArray[np.float64]:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    shortened: NDArray[np.float64] = vectors * np.minimum(1, longest / np.maximum(length, 1e-9))
    return shortened
