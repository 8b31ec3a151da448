"""The places of all frames at which they fit each other best, found on a grid of whole shifts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from hrtem_app.imaging.band_correlation import Rings

# Frames further apart in the series than that look too different to add anything.
_APART = 3
# Part of each side of a frame that is not faded out.
_FLAT = 0.75
# Å: a peak's surroundings, beyond which another one is a rival.
_PEAK = 1.0
# Deviations of the map of fits (by their median): what noise alone reached in 40 series was 10, and 80 the least that
# 25 series of the thesis' ranges did.
_NOISE = 12.0
_PER_MEDIAN = 1.4826
# Sweeps over the frames until none moves any more; two are the rule.
_SWEEPS = 10


@dataclass(frozen=True, eq=False)
class PairSearch:
    """How well all pairs of frames fit at every shift, on a coarse cyclic grid.

    Parameters
    ----------
    fits
        By pair of frames, see `Rings.fits`.
    count, reference
        Number of frames, and the one that stays where it is.
    spacing
        (2,) pixels between points of the grid.
    near
        Of the grid's shape, whether a frame is sought there.
    peak
        Radius in pixels of a peak.
    """

    fits: dict[tuple[int, int], NDArray[np.float64]]
    count: int
    reference: int
    spacing: NDArray[np.float64]
    near: NDArray[np.bool_]
    peak: float

    @classmethod
    def of(
        cls, frames: NDArray[np.float32], sampling: float, largest: float, reference: int, periodic: bool
    ) -> PairSearch:
        """Compare all pairs of frames that are near to each other in the series; see `Rings.spectrum` for the last."""
        rings = Rings.of((frames.shape[1], frames.shape[2]), sampling)
        spectra = [rings.spectrum(frame, _FLAT, periodic) for frame in frames]
        pairs = [(i, j) for i, j in combinations(range(len(frames)), 2) if j - i <= _APART]
        fits = {(i, j): rings.fits(spectra[i], spectra[j]) for i, j in pairs}
        spacing = np.array(rings.shape) / rings.grid()
        everywhere = cls(fits, len(frames), reference, spacing, np.ones(rings.grid(), bool), _PEAK / sampling)
        return replace(everywhere, near=everywhere.distance(0, 0) <= largest / sampling)

    def distance(self, row: float, column: float) -> NDArray[np.float64]:
        """Distance in pixels of every point of the grid from one of them, around the corner where that is shorter."""
        offsets = [
            ((np.arange(size) - middle + size / 2) % size - size / 2) * step
            for size, middle, step in zip(self.near.shape, (row, column), self.spacing, strict=True)
        ]
        distance: NDArray[np.float64] = np.hypot(offsets[0][:, np.newaxis], offsets[1])
        return distance

    def placed(self) -> NDArray[np.int64]:
        """(n, 2) points of the grid, counted from zero shift, at which all pairs together fit best.

        Frames join the reference one by one, the one that fits most clearly first; then each is placed anew
        as all others say, until none moves.
        """
        places = np.zeros((self.count, 2), np.int64)
        known = {self.reference}
        while len(known) < self.count:
            options = {
                f: self._best(f, places, known) for f in range(self.count) if f not in known and self._met(f, known)
            }
            frame = max(options, key=lambda f: options[f][1])
            places[frame] = options[frame][0]
            known.add(frame)
        for _ in range(_SWEEPS):
            before = places.copy()
            for frame in known - {self.reference}:
                places[frame] = self._best(frame, places, known - {frame})[0]
            if (places == before).all():
                break
        return places

    def quality(self, places: NDArray[np.int64]) -> NDArray[np.float64]:
        """(n,) how clearly each frame has its place among the others."""
        every = set(range(self.count))
        return np.array([self._best(frame, places, every - {frame})[1] for frame in range(self.count)])

    def _met(self, frame: int, others: set[int]) -> list[int]:
        return [other for other in others if (min(frame, other), max(frame, other)) in self.fits]

    def _best(self, frame: int, places: NDArray[np.int64], others: set[int]) -> tuple[NDArray[np.int64], float]:
        """The point where a frame fits the others best, and how much worse the best rival, or noise, does."""
        total = np.zeros(self.near.shape)
        for other in self._met(frame, others):
            fit = self.fits[min(frame, other), max(frame, other)]
            # A pair tells where the later frame's content lies; reversed, where the earlier one's does.
            turned = fit if other < frame else np.roll(fit[::-1, ::-1], (1, 1), axis=(0, 1))
            total += np.roll(turned, tuple(places[other]), axis=(0, 1))
        total -= np.median(total)
        row, column = np.unravel_index(np.where(self.near, total, -np.inf).argmax(), total.shape)
        best = float(total[row, column])
        rivals = total[self.near & (self.distance(float(row), float(column)) > self.peak)]
        rival = max(float(rivals.max(initial=0)), _NOISE * _PER_MEDIAN * float(np.median(np.abs(total))))
        clear = 1 - min(rival / best, 1) if best > 0 else 0.0
        half: NDArray[np.int64] = np.array(total.shape) // 2
        return (np.array([row, column]) + half) % total.shape - half, clear
