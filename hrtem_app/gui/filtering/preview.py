"""The lattice filter as a live preview: what does not change while a slider is dragged is computed once."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import cached_property
from threading import RLock

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from hrtem_app.imaging.aligned import align
from hrtem_app.imaging.lattice_filter import (
    LatticeFilterResult,
    filter_frame,
    peaks_on_ring,
    power_spectrum,
    resolves,
    ring_profile,
)
from hrtem_app.imaging.lattice_mask import filter_mask, spot_positions
from hrtem_app.materials import MOS2_ON_GRAPHITE
from hrtem_app.recipe import Alignment, LatticeFilter
from hrtem_app.series import FocalSeries

# Frames beyond this many pixels in all are left out of the preview, which holds them and their spectra in memory.
_BUDGET = 2**26
# A little outside graphene's third ring at 0.94 1/Å.
SHOWN_FREQUENCY = 1.15
# The panel's picture of the spectrum has no more pixels along a side, so that drawing spots over it stays quick.
_PICTURE = 640
# Flakes are told apart where their reflections are so far from each other, in 1/Å: a small flake has side lobes.
_MOST_FLAKES, _FLAKES_APART = 3, 0.06


class PreviewSource:
    """A series prepared for filtering again and again; threads may share it.

    Parameters
    ----------
    series
        A series whose sampling is known.
    used
        Frames that the networks see; the lattices are found in these, as in the analysis.
    alignment
        How these frames are shifted onto the first of them.
    """

    def __init__(self, series: FocalSeries, used: Sequence[int], alignment: Alignment | None = None) -> None:
        self.sampling = series.known_sampling
        self._series = series
        self._used = tuple(used)
        self._alignment = alignment or Alignment()
        self._lock = RLock()
        self._spectra: dict[int, NDArray[np.complexfloating]] = {}
        self._profiles: dict[float, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}

    def fits(self, series: FocalSeries) -> bool:
        """Whether this was made from these very frames at this sampling."""
        return self._series.frames is series.frames and self.sampling == series.sampling

    @cached_property
    def frames(self) -> NDArray[np.float32]:
        """(n, y, x) what is filtered: the frames of the series, those in use as they were aligned."""
        frames = self._series.frames[: max(1, _BUDGET // self._series.frames[0].size)]
        shown = [(row, frame) for row, frame in enumerate(self._used) if frame < len(frames)]
        if not self._alignment.enabled or not shown:
            return frames
        aligned = frames.copy()
        for row, frame in shown:
            aligned[frame] = self.used_frames[row]
        return aligned

    def spectrum(self, frame: int) -> NDArray[np.complexfloating]:
        """(y, x // 2 + 1) `scipy.fft.rfft2` of a frame."""
        with self._lock:
            if frame not in self._spectra:
                self._spectra[frame] = np.asarray(fft.rfft2(self.frames[frame], workers=-1))
            return self._spectra[frame]

    @cached_property
    def used_frames(self) -> NDArray[np.float32]:
        """(k, y, x) the frames in which lattices are sought."""
        return align(self._series.select(self._used), self._alignment, self._used).series.frames

    @cached_property
    def power(self) -> NDArray[np.float32]:
        """(y, x) `power_spectrum` of the frames in use."""
        return power_spectrum(self.used_frames)

    @cached_property
    def picture(self) -> tuple[NDArray[np.float32], tuple[float, float, float, float]]:
        """The power spectrum for the eye: (y, x) decadic logarithm, and the (kx, ky, width, height) in 1/Å of it."""
        (rows, y0, height), (columns, x0, width) = (_crop(n, self.sampling) for n in self.power.shape)
        cropped = _shrunk(self.power[rows, columns])
        floor = max(float(np.median(cropped)) * 1e-3, float(np.finfo(np.float32).tiny))
        return np.log10(np.maximum(cropped, floor)).astype(np.float32), (x0, y0, width, height)

    @cached_property
    def flakes(self) -> tuple[float, ...]:
        """Angles in rad of the first reflection of MoS2's lattices that stand out in the frames, the clearest first."""
        constant = sum(MOS2_ON_GRAPHITE.lattice_constants) / 2
        return self.lattices(LatticeFilter(lattice_constant=constant, lattices=_MOST_FLAKES, radius=_FLAKES_APART))[0]

    def lattices(self, settings: LatticeFilter) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Angles in rad and strengths of the lattices, as `find_lattices` finds them in the frames in use."""
        if not resolves(self.sampling, settings):
            return (), ()
        constant = settings.lattice_constant
        with self._lock:
            if constant not in self._profiles:
                self._profiles[constant] = ring_profile(self.power, self.sampling, settings)
        return peaks_on_ring(*self._profiles[constant], settings)

    def angles(self, settings: LatticeFilter) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Angles in rad and strengths of what is removed: given or found; strengths are NaN where they are given."""
        if not settings.enabled:
            return (), ()
        if settings.angles is not None:
            return settings.angles, (float("nan"),) * len(settings.angles)
        return self.lattices(settings)


@dataclass(frozen=True, eq=False)
class Preview:
    """A filtered series on screen: where it came from, with which settings, and the filter's result."""

    source: PreviewSource
    settings: LatticeFilter
    result: LatticeFilterResult


def preview_steps(source: PreviewSource, settings: LatticeFilter) -> Generator[None, None, Preview]:
    """Filter the frames of a source as `remove_lattice` does, one from step to step.

    The picture and the flakes are drawn in the window's thread, so they are computed in this one.
    """
    _ = source.picture, source.flakes
    angles, strengths = source.angles(settings)
    shape = (source.frames.shape[1], source.frames.shape[2])
    mask = filter_mask(shape, source.sampling, angles, settings)
    filtered = source.frames.copy()
    if angles:
        for number, frame in enumerate(source.frames):
            yield
            filtered[number] = filter_frame(frame, mask, source.spectrum(number))
    spots = spot_positions(angles, settings)
    result = LatticeFilterResult(filtered, source.frames - filtered, mask, angles, strengths, spots)
    return Preview(source, settings, result)


def make_preview(source: PreviewSource, settings: LatticeFilter) -> Preview:
    """Take all steps of `preview_steps`."""
    steps = preview_steps(source, settings)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            preview: Preview = end.value
            return preview


def _crop(count: int, sampling: float) -> tuple[slice, float, float]:
    """The middle part of a shifted axis: its slice, the frequency of its first edge and its length, 1/Å."""
    step = 1 / (count * sampling)
    reach = min(count // 2, int(np.ceil(SHOWN_FREQUENCY / step)))
    start, stop = count // 2 - reach, min(count, count // 2 + reach + 1)
    return slice(start, stop), (start - count // 2 - 0.5) * step, (stop - start) * step


def _shrunk(power: NDArray[np.float32]) -> NDArray[np.float32]:
    """The greatest of each few pixels, where there are more than a panel shows: sharp spots stay as bright."""
    for axis, side in enumerate(power.shape):
        groups = -(-side // max(1, -(-side // _PICTURE)))
        power = np.maximum.reduceat(power, np.arange(groups) * side // groups, axis=axis)
    return power
