"""Drift between the frames of a focal series, measured on all pairs of frames at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hrtem_app.imaging.band_correlation import Rings
from hrtem_app.imaging.pair_search import PairSearch
from hrtem_app.imaging.standardise import gaussian_blur
from hrtem_app.series import SeriesError

LARGEST = 10.0
"""Å: how far a frame is sought from the reference."""

# Å: contrast over longer distances is not compared, which is contamination and the illumination.
_SMOOTH = 6.0
# Part of each side of the common part of two frames that is not faded out.
_FLAT = 0.5
# Å: the reach and the step of the fine look.
_REACH, _STEP = 0.35, 0.025
# A frame is doubtful whose best rival fits nearly as well, or whose pairs disagree by so many Å.
_DOUBTFUL, _DISAGREE = 0.2, 0.25
# Å: so near to the largest drift that was sought, the true one may be larger.
_RIM = 1.0


@dataclass(frozen=True, eq=False)
class Drift:
    """How far the content of each frame lies from where it is in the reference frame.

    Parameters
    ----------
    shifts
        (n, 2) as (dy, dx) in pixels: what lies at r in the reference lies at r + shift in the frame.
    quality
        (n,) how much worse the best rival fits, and noise would: 0 as well as the shift itself, 1 not at all.
    disagreement
        (n,) root mean square in pixels by which the pairs that a frame is part of miss its shift.
    reference
        0-based frame whose shift is zero.
    warning
        What to doubt, in one sentence; empty where there is nothing.
    """

    shifts: NDArray[np.float64]
    quality: NDArray[np.float64]
    disagreement: NDArray[np.float64]
    reference: int
    warning: str


def measure_drift(
    frames: NDArray[np.floating],
    sampling: float,
    *,
    largest: float = LARGEST,
    reference: int = 0,
    numbers: Sequence[int] | None = None,
) -> Drift:
    """Measure the drift between the frames of a focal series.

    Frames are compared in pairs, by `hrtem_app.imaging.band_correlation`, and placed so that all pairs together fit
    best. A second look, at the part that both frames of a pair show, gives the parts of a pixel; the shifts are the
    least-squares solution of all pairs.

    Parameters
    ----------
    frames
        (n, y, x) in the order of their defoci.
    sampling
        Å per pixel.
    largest
        Distance in Å from the reference within which a frame is sought.
    reference
        0-based frame that the others are compared with.
    numbers
        What the warning calls the frames; None: 0, 1, 2 …

    Raises
    ------
    SeriesError
        For frames that are no stack, a distance that is not positive or exceeds half of the frame, or a reference that
        does not exist.
    """
    images = _checked(frames, sampling, largest, reference)
    if len(images) == 1:
        return Drift(np.zeros((1, 2)), np.ones(1), np.zeros(1), reference, "")
    flat = images - gaussian_blur(images, _SMOOTH / sampling)
    pairs, coarse, quality = _coarse(flat, sampling, largest, reference)
    measured = {pair: _refined(flat, pair, coarse, sampling) for pair in pairs}
    shifts, disagreement = _solved(measured, len(images), reference)
    drift = Drift(shifts, quality, disagreement, reference, "")
    return replace(drift, warning=_warning(drift, sampling, largest, list(numbers or range(len(images)))))


def _coarse(
    frames: NDArray[np.float32], sampling: float, largest: float, reference: int
) -> tuple[list[tuple[int, int]], NDArray[np.float64], NDArray[np.float64]]:
    """The pairs that were compared, (n, 2) shifts in pixels on a grid, and (n,) how clear they are."""
    search = PairSearch.of(frames, sampling, largest, reference, periodic=False)
    places = search.placed()
    quality = search.quality(places)
    if quality.min() < _DOUBTFUL:
        # Where noise leaves little else than lattices they may help. But they fit at each of their vectors, and best
        # where the frames' rims coincide, so what they say stays doubtful.
        lattices = PairSearch.of(frames, sampling, largest, reference, periodic=True)
        there = lattices.placed()
        clear = lattices.quality(there)
        if clear.min() > quality.min():
            places, quality = there, _DOUBTFUL * clear
    return list(search.fits), places * search.spacing, quality


def _refined(
    frames: NDArray[np.float32], pair: tuple[int, int], coarse: NDArray[np.float64], sampling: float
) -> NDArray[np.float64]:
    """(2,) shift in pixels from the first to the second frame of a pair, from the part that both show."""
    offset = np.rint(coarse[pair[1]] - coarse[pair[0]]).astype(int)
    first = frames[pair[0]][_overlap(frames.shape[1], -offset[0]), _overlap(frames.shape[2], -offset[1])]
    second = frames[pair[1]][_overlap(frames.shape[1], offset[0]), _overlap(frames.shape[2], offset[1])]
    rings = Rings.of((first.shape[0], first.shape[1]), sampling)
    spectra = [rings.spectrum(part, _FLAT, periodic=True) for part in (first, second)]
    steps = np.arange(-_REACH, _REACH + _STEP / 2, _STEP) / sampling
    fits = rings.fits_at(spectra[0], spectra[1], steps, steps)
    row, column = np.unravel_index(fits.argmax(), fits.shape)
    rest = _vertex(steps, fits[:, column], int(row)), _vertex(steps, fits[row], int(column))
    return np.asarray(offset + np.array(rest), np.float64)


def _overlap(size: int, offset: int) -> slice:
    """The pixels along an axis that are still inside when an offset is taken off them."""
    return slice(max(0, offset), min(size, size + offset))


def _vertex(steps: NDArray[np.float64], values: NDArray[np.float64], best: int) -> float:
    """Where a parabola through the greatest of equally spaced values and its neighbours has its top."""
    if best in (0, len(values) - 1):
        return float(steps[best])
    before, middle, after = values[best - 1 : best + 2]
    bend = before - 2 * middle + after
    return float(steps[best] + (steps[1] - steps[0]) * ((before - after) / 2 / bend if bend < 0 else 0))


def _solved(
    pairs: dict[tuple[int, int], NDArray[np.float64]], count: int, reference: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(n, 2) shifts that fit all pairs best, and (n,) root mean square by which a frame's pairs miss them."""
    design = np.zeros((len(pairs), count))
    for row, (first, second) in enumerate(pairs):
        design[row, first], design[row, second] = -1, 1
    values = np.stack(list(pairs.values()))
    free = np.arange(count) != reference
    shifts = np.zeros((count, 2))
    shifts[free] = np.linalg.lstsq(design[:, free], values, rcond=None)[0]
    squares = ((design @ shifts - values) ** 2).sum(axis=1)
    touched = np.abs(design)
    return shifts, np.sqrt(touched.T @ squares / touched.sum(axis=0))


def _warning(drift: Drift, sampling: float, largest: float, numbers: Sequence[int]) -> str:
    """What to doubt about a drift."""
    unclear = np.flatnonzero(drift.quality < _DOUBTFUL)
    if len(unclear):
        return (
            f"the drift of {_frames(unclear, numbers)} is doubtful: another shift fits nearly as well, so look at "
            "the aligned frames, or give the shifts by hand"
        )
    far = np.flatnonzero(np.hypot(*drift.shifts.T) * sampling > largest - _RIM)
    if len(far):
        return f"the drift of {_frames(far, numbers)} reaches the largest that was sought, {largest:g} Å: allow more"
    if drift.disagreement.max() * sampling > _DISAGREE:
        return (
            f"the pairs of frames disagree on the drift by {drift.disagreement.max():.2g} px: the frames may be "
            "distorted or show different places"
        )
    return ""


def _frames(rows: NDArray[np.int64], numbers: Sequence[int]) -> str:
    return f"frame{'s' if len(rows) > 1 else ''} {', '.join(str(numbers[row]) for row in rows)}"


def _checked(frames: NDArray[np.floating], sampling: float, largest: float, reference: int) -> NDArray[np.float32]:
    images = np.asarray(frames, np.float32)
    if images.ndim != 3 or len(images) == 0:
        raise SeriesError(f"a drift needs frames (n, y, x), not an array of shape {images.shape}")
    if not (np.isfinite(sampling) and sampling > 0):
        raise SeriesError(f"a sampling of {sampling} Å/px is impossible: give a positive number, 0.22 for example")
    if not 0 <= reference < len(images):
        raise SeriesError(f"frame {reference} cannot be the reference: there are {len(images)}, numbered from 0")
    half = min(images.shape[1:]) * sampling / 2
    if not 0 < largest < half:
        raise SeriesError(
            f"a drift of up to {largest:g} Å cannot be found in frames of {2 * half:.3g} Å: give less than {half:.3g} Å"
        )
    return images
