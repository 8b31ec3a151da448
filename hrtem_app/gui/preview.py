"""The lattice filter as a live preview: what does not change while a slider is dragged is computed once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from hrtem_app.imaging.aligned import align
from hrtem_app.imaging.lattice_filter import LatticeFilterResult, find_lattices, power_spectrum, remove_lattice
from hrtem_app.recipe import Alignment, LatticeFilter
from hrtem_app.series import FocalSeries

# Frames beyond this many pixels in all are left out of the preview, which holds them and their spectra in memory.
_BUDGET = 2**26
# A little outside graphene's third ring at 0.94 1/Å.
SHOWN_FREQUENCY = 1.15


class PreviewSource:
    """A series prepared for filtering again and again.

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
        self._found: dict[tuple[object, ...], tuple[tuple[float, ...], tuple[float, ...]]] = {}

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

    @cached_property
    def spectrum(self) -> NDArray[np.complexfloating]:
        """`scipy.fft.rfft2` of the frames."""
        return np.asarray(fft.rfft2(self.frames, workers=-1))

    @cached_property
    def used_frames(self) -> NDArray[np.float32]:
        """(k, y, x) the frames in which lattices are sought."""
        return align(self._series.select(self._used), self._alignment, self._used).series.frames

    @cached_property
    def picture(self) -> tuple[NDArray[np.float32], tuple[float, float, float, float]]:
        """The power spectrum for the eye: (y, x) decadic logarithm, and the (kx, ky, width, height) in 1/Å of it."""
        power = power_spectrum(self.used_frames)
        (rows, y0, height), (columns, x0, width) = (_crop(n, self.sampling) for n in power.shape)
        cropped = power[rows, columns]
        floor = max(float(np.median(cropped)) * 1e-3, float(np.finfo(np.float32).tiny))
        return np.log10(np.maximum(cropped, floor)).astype(np.float32), (x0, y0, width, height)

    def lattices(self, settings: LatticeFilter) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Angles in rad and strengths of the lattices; sought anew only where a setting that matters to it changed."""
        key = (settings.lattice_constant, settings.lattices, settings.radius if settings.lattices > 1 else None)
        if key not in self._found:
            self._found[key] = find_lattices(self.used_frames, self.sampling, settings)
        return self._found[key]


@dataclass(frozen=True, eq=False)
class Preview:
    """A filtered series on screen: where it came from, with which settings, and the filter's result."""

    source: PreviewSource
    settings: LatticeFilter
    result: LatticeFilterResult


def make_preview(source: PreviewSource, settings: LatticeFilter) -> Preview:
    """Filter the frames of a source."""
    source.picture  # noqa: B018 - drawn in the window's thread, so computed in this one
    if not settings.enabled or settings.angles is not None:
        spectrum = source.spectrum if settings.enabled else None
        return Preview(source, settings, remove_lattice(source.frames, source.sampling, settings, spectrum=spectrum))
    angles, strengths = source.lattices(settings)
    fixed = settings.model_copy(update={"angles": angles})
    result = remove_lattice(source.frames, source.sampling, fixed, spectrum=source.spectrum)
    return Preview(source, settings, replace(result, strengths=strengths))


def _crop(count: int, sampling: float) -> tuple[slice, float, float]:
    """The middle part of a shifted axis: its slice, the frequency of its first edge and its length, 1/Å."""
    step = 1 / (count * sampling)
    reach = min(count // 2, int(np.ceil(SHOWN_FREQUENCY / step)))
    start, stop = count // 2 - reach, min(count, count // 2 + reach + 1)
    return slice(start, stop), (start - count // 2 - 0.5) * step, (stop - start) * step
