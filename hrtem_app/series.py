"""The focal series: what every step of an analysis starts from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray


class SeriesError(ValueError):
    """A series cannot be read or used; the message names the value and the remedy."""


@dataclass(frozen=True)
class Source:
    """A file that frames came from, and the SHA-256 of its bytes (empty for data made in memory)."""

    path: Path
    sha256: str = ""


@dataclass(frozen=True, eq=False)
class FocalSeries:
    """Images of one spot at several defoci; immutable.

    Parameters
    ----------
    frames
        (n, y, x) float32, finite. A single image may be passed as (y, x). The stored array is read-only.
    sampling
        Å per pixel, the same along both axes; None while nobody knows it.
    defocus
        Å per frame, abTEM's sign (``defocus = -C10``); None where it is unknown.
    energy
        Electron energy in eV, None where it is unknown.
    name
        What to call the series on screen.
    sources
        The files that the frames came from.
    warnings
        What reading the files had to assume, one sentence each.

    Raises
    ------
    SeriesError
        For frames that are not two- or three-dimensional, empty or not finite, a sampling that is not positive,
        or a number of defoci that is not the number of frames.
    """

    frames: NDArray[np.float32]
    sampling: float | None = None
    defocus: tuple[float, ...] | None = None
    energy: float | None = None
    name: str = "series"
    sources: tuple[Source, ...] = field(default=())
    warnings: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        object.__setattr__(self, "frames", _checked_frames(self.frames))
        if self.sampling is not None:
            object.__setattr__(self, "sampling", _checked_sampling(self.sampling))
        if self.defocus is not None:
            object.__setattr__(self, "defocus", _checked_defocus(self.defocus, len(self.frames)))

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def shape(self) -> tuple[int, int]:
        """(y, x) size of a frame in pixels."""
        return self.frames.shape[1], self.frames.shape[2]

    @property
    def known_sampling(self) -> float:
        """The sampling in Å/px; raises SeriesError where nobody has said it yet."""
        if self.sampling is None:
            raise SeriesError(
                f"the sampling of '{self.name}' is unknown: its file states no pixel size, "
                "so give it in Å per pixel (--sampling on the command line)"
            )
        return self.sampling

    def with_sampling(self, sampling: float) -> FocalSeries:
        """The same frames with another sampling in Å/px."""
        return replace(self, sampling=sampling)

    def with_defocus(self, defocus: Sequence[float] | None) -> FocalSeries:
        """The same frames with other defoci in Å, one per frame."""
        return replace(self, defocus=None if defocus is None else tuple(defocus))

    def with_energy(self, energy: float | None) -> FocalSeries:
        """The same frames with another electron energy in eV."""
        return replace(self, energy=energy)

    def with_frames(self, frames: ArrayLike) -> FocalSeries:
        """Other pixels (a filtered version, say) with all else kept."""
        return replace(self, frames=np.asarray(frames, dtype=np.float32))

    def select(self, indices: Sequence[int]) -> FocalSeries:
        """The chosen frames (0-based), in the given order."""
        for index in indices:
            if not 0 <= index < len(self):
                raise SeriesError(
                    f"frame {index} does not exist: '{self.name}' has {len(self)} frames, "
                    f"numbered from 0 to {len(self) - 1}"
                )
        defocus = None if self.defocus is None else tuple(self.defocus[i] for i in indices)
        return replace(self, frames=self.frames[list(indices)], defocus=defocus)

    def defocus_order(self) -> tuple[int, ...]:
        """Frame indices by ascending defocus; in the order of the file where defoci are unknown."""
        if self.defocus is None:
            return tuple(range(len(self)))
        defocus = self.defocus
        return tuple(sorted(range(len(self)), key=lambda i: defocus[i]))


def _checked_frames(frames: ArrayLike) -> NDArray[np.float32]:
    array = np.asarray(frames, dtype=np.float32)
    if array.ndim == 2:
        array = array[np.newaxis]
    if array.ndim != 3 or 0 in array.shape:
        raise SeriesError(f"a series needs an array of shape (frames, y, x), not {array.shape}")
    bad = int(array.size - np.count_nonzero(np.isfinite(array)))
    if bad:
        raise SeriesError(f"{bad} of {array.size} pixels are NaN or infinite: replace them before opening the series")
    if array.flags.writeable:
        array = array.copy()
        array.flags.writeable = False
    return array


def _checked_sampling(sampling: float) -> float:
    value = float(sampling)
    if not (np.isfinite(value) and value > 0):
        raise SeriesError(f"a sampling of {sampling} Å/px is impossible: give a positive number, 0.22 for example")
    return value


def _checked_defocus(defocus: Sequence[float], count: int) -> tuple[float, ...]:
    values = tuple(float(d) for d in defocus)
    if len(values) != count:
        raise SeriesError(f"{len(values)} defoci for {count} frames: give one defocus in Å for each frame")
    if not all(np.isfinite(values)):
        raise SeriesError(f"the defoci {values} are not all finite numbers: give each in Å")
    return values
