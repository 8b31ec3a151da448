"""The data sets of a file before anything was decided about them, and the choice of the one that is a series."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod, sqrt
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hrtem_app.io.units import in_angstrom, unit_kind
from hrtem_app.series import SeriesError

MAX_PIXELS = 2**30
"""More pixels than this (4 GiB as float32) are refused before any memory is asked for."""

AXIS_TOLERANCE = 1e-4
"""Relative difference of two pixel sizes that is worth a warning."""

_SPECTRAL_NAMES = frozenset({"energy", "energy loss", "x-ray energy", "wavelength"})
_REMEDY = "give a real-space image or a stack of them"


@dataclass(frozen=True)
class Axis:
    """One dimension of a data set, as its file describes it."""

    name: str = ""
    scale: float | None = None
    unit: str | None = None


@dataclass(frozen=True, eq=False)
class Signal:
    """One data set of a file; its pixels are read only once it was chosen.

    Parameters
    ----------
    shape
        Of the data without the colour axis.
    dtype
        Of one pixel.
    axes
        One per entry of the shape, the image's y and x last.
    read
        Reads the pixels: an array of the shape, with one axis more at the end for a colour image.
    title
        What its file calls it.
    colour
        Whether a pixel has several samples.
    defocus
        Å per frame, abTEM's sign; None where unknown.
    energy
        Of the beam in eV; None where unknown.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    axes: tuple[Axis, ...]
    read: Callable[[], NDArray[Any]]
    title: str = ""
    colour: bool = False
    defocus: tuple[float, ...] | None = None
    energy: float | None = None

    @property
    def frames(self) -> int:
        """How many images of the last two axes there are."""
        return prod(self.shape[:-2])

    def __str__(self) -> str:
        size = " × ".join(str(n) for n in self.shape)
        return f"'{self.title}' ({size})" if self.title else f"a data set of {size}"


@dataclass(frozen=True)
class Contents:
    """All that a reader found in a file, the files that it took, and what it had to assume."""

    signals: tuple[Signal, ...]
    files: tuple[Path, ...]
    warnings: tuple[str, ...] = ()


def refusal(signal: Signal) -> str | None:
    """What a data set is instead of an image or a stack of images; None for those."""
    shape, axes = signal.shape, signal.axes
    if any(unit_kind(a.unit) == "energy" or a.name.lower() in _SPECTRAL_NAMES for a in axes):
        return "a spectrum" if len(shape) - shape.count(1) < 2 else "a spectrum image or a line of spectra"
    if len(shape) < 2:
        return "a spectrum or a line profile"
    if any(unit_kind(a.unit) in ("reciprocal", "angle") for a in axes[-2:]):
        return "a diffraction pattern or a Fourier transform (its pixels are measured in reciprocal units)"
    if signal.dtype.kind == "c":
        return "an image of complex numbers (a Fourier transform or a wave)"
    if signal.dtype.kind not in "biuf":
        return f"data of type {signal.dtype}"
    if any(unit_kind(a.unit) in ("reciprocal", "angle") for a in axes[:-2]):
        return "a stack over angles or spatial frequencies"
    if len(shape) - shape[:-2].count(1) > 3:
        return f"{len(shape)}-dimensional"
    if 0 in shape:
        return "empty"
    if shape[-1] == 1 or shape[-2] == 1:
        return "a line profile (one pixel wide)"
    return None


def choose(signals: Sequence[Signal], path: Path) -> tuple[Signal, tuple[str, ...]]:
    """The data set that is the series: stacks before single images, grey before colour, the larger first.

    Returns
    -------
    signal
        The choice.
    warnings
        What was left in the file.

    Raises
    ------
    SeriesError
        Where no data set is an image, or the choice is larger than memory could hold.
    """
    images = [signal for signal in signals if refusal(signal) is None]
    if not images:
        if not signals:
            raise SeriesError(
                f"'{path}' holds no image that can be read: it is damaged or cut off, or holds other data"
            )
        largest = max(signals, key=lambda s: prod(s.shape))
        raise SeriesError(f"'{path}' is no image: {largest} is {refusal(largest)}; {_REMEDY}")
    best = max(images, key=lambda s: (not s.colour, s.frames > 1, prod(s.shape)))
    if prod(best.shape) > MAX_PIXELS:
        raise SeriesError(
            f"'{path}' states {prod(best.shape):.3g} pixels ({best}), more than the {MAX_PIXELS:.3g} that are read at "
            "once: its header is damaged, or save the frames that matter to a file of their own"
        )
    left = Counter(str(signal) for signal in signals if signal is not best)
    if not left:
        return best, ()
    listed = ", ".join(f"{name} {count} times" if count > 1 else name for name, count in left.items())
    return best, (f"'{path.name}' holds {len(signals)} data sets: {best} was taken; left out: {listed}",)


def sampling_of(signal: Signal, path: Path) -> tuple[float | None, tuple[str, ...]]:
    """Sampling in Å/px (the geometric mean of both axes; None where the file states none), and warnings."""
    sizes = [_pixel_size(axis) for axis in signal.axes[-2:]]
    known = [size for size in sizes if size is not None]
    if not known:
        strange = next((a.unit for a in signal.axes[-2:] if unit_kind(a.unit) == "unknown"), None)
        if strange is None:
            return None, ()
        return None, (
            f"'{path.name}' gives its pixel size in '{strange}', which is no known unit: state the sampling in Å/px",
        )
    if len(known) == 1:
        return known[0], (f"'{path.name}' states a pixel size for one axis only: {known[0]:.6g} Å was taken for both",)
    y, x = known
    mean = sqrt(y * x)
    if abs(y - x) <= AXIS_TOLERANCE * mean:
        return mean, ()
    warning = (
        f"the pixels of '{path.name}' are not square: {y:.6g} Å along y and {x:.6g} Å along x; "
        f"their geometric mean of {mean:.6g} Å was taken"
    )
    return mean, (warning,)


def _pixel_size(axis: Axis) -> float | None:
    factor = in_angstrom(axis.unit)
    if factor is None or axis.scale is None or not np.isfinite(axis.scale) or axis.scale == 0:
        return None
    # An axis that runs backwards has a negative scale; the pixel is as large.
    return abs(float(axis.scale)) * factor
