"""How well one frame fits another at every shift, whatever the defocus does to their contrast.

Between two defoci the contrast of an image turns over in some bands of spatial frequency and not in others, so a plain
correlation of two frames can be positive, negative or nothing. Within a narrow ring of frequencies it has one sign. So
the frames are correlated ring by ring, and the squares are added up. Each ring's frequencies are made equally strong
first, and the spots of lattices can be left out, because they would otherwise drown all that tells one unit cell from
the next: edges, vacancies and whatever else is not periodic.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

# 1/Å: width of the rings, within which the sign hardly changes in the thesis' ranges, and where they begin and end.
_WIDTH = 0.035
_LOWEST, _HIGHEST = 0.07, 1.0
# In medians of a ring's amplitude: no frequency counts for more than the first, and what exceeds the second is a spot.
_STRONGEST, _SPOT = 10.0, 5.0
# A ring of fewer frequencies than that tells nothing.
_FEWEST = 10
# Points of the map of shifts per shortest period: the squares have half the period.
_FINENESS = 4
_TINY = np.finfo(np.float32).tiny


@dataclass(frozen=True, eq=False)
class Rings:
    """The low frequencies of frames of one shape, and the ring that each belongs to.

    Parameters
    ----------
    shape
        (y, x) of the frames.
    rows
        (m,) frequencies in periods along y of the rows that are kept, in the order of a Fourier transform.
    number
        (m, c) of the ring that a frequency belongs to; 0 for none.
    weight
        (m, c) how often it stands for itself in the whole spectrum, 1 or 2.
    """

    shape: tuple[int, int]
    rows: NDArray[np.int64]
    number: NDArray[np.int64]
    weight: NDArray[np.float64]

    @classmethod
    def of(cls, shape: tuple[int, int], sampling: float) -> Rings:
        """The rings of frames of a shape, at a sampling in Å per pixel."""
        reach = [min(int(_HIGHEST * size * sampling), (size - 1) // 2) for size in shape]
        rows = np.concatenate([np.arange(reach[0] + 1), np.arange(-reach[0], 0)])
        columns = np.arange(reach[1] + 1)
        radius = np.hypot(rows[:, np.newaxis] / (shape[0] * sampling), columns / (shape[1] * sampling))
        number = np.where((radius >= _LOWEST) & (radius < _HIGHEST), 1 + (radius - _LOWEST) // _WIDTH, 0).astype(
            np.int64
        )
        weight = np.where(columns > 0, 2.0, 1.0) * np.ones_like(radius)
        counts = np.bincount(number.ravel(), weight.ravel())
        return cls(shape, rows, np.where(counts[number] < 2 * _FEWEST, 0, number), weight)

    def spectrum(self, frame: NDArray[np.floating], flat: float, periodic: bool) -> NDArray[np.complex128]:
        """Low frequencies of a frame, all of a ring about equally strong and each ring's power one.

        Parameters
        ----------
        frame
            (y, x).
        flat
            Part of each side over which the frame is not faded out.
        periodic
            Whether the spots of lattices stay, which fit at every lattice vector, or nearly so.
        """
        # scipy.signal takes half a second to load, which the window's start need not wait for.
        from scipy.signal import windows

        fade = [windows.tukey(size, 1 - flat) for size in self.shape]
        values = fft.rfft2((frame - frame.mean()) * np.outer(*fade))[self.rows, : self.number.shape[1]]
        amplitude = np.abs(values)
        median = ndimage.median(amplitude, self.number, np.arange(self.number.max() + 1))[self.number]
        values = values / np.maximum(np.maximum(median, amplitude / _STRONGEST), _TINY)
        if not periodic:
            values[_grown(amplitude > _SPOT * median)] = 0
        power = np.bincount(self.number.ravel(), (self.weight * np.abs(values) ** 2).ravel())[self.number]
        spectrum: NDArray[np.complex128] = np.where(self.number > 0, values / np.sqrt(np.maximum(power, _TINY)), 0)
        return spectrum

    def grid(self) -> tuple[int, int]:
        """Points (y, x) of `fits`, which lie shape/points pixels apart."""
        reach = int(self.rows.max()), self.number.shape[1] - 1
        return fft.next_fast_len(_FINENESS * reach[0] + 1), fft.next_fast_len(_FINENESS * reach[1] + 1, real=True)

    def fits(self, first: NDArray[np.complex128], second: NDArray[np.complex128]) -> NDArray[np.float64]:
        """How well two frames fit at every shift of the second one's content.

        Parameters
        ----------
        first, second
            Of `spectrum`.

        Returns
        -------
        Of the shape of `grid`, zero shift first and cyclic: sum over the rings of n ρ², the number of frequencies and
        the correlation coefficient; one for each ring where nothing fits.
        """
        points = self.grid()
        cross, total = np.conj(first) * second, np.zeros(points)
        half = np.zeros((points[0], points[1] // 2 + 1), complex)
        for ring, count in self._counts():
            half[self.rows, : cross.shape[1]] = np.where(self.number == ring, cross, 0)
            total += count * (fft.irfft2(half, s=points) * (points[0] * points[1])) ** 2
        return total

    def fits_at(
        self,
        first: NDArray[np.complex128],
        second: NDArray[np.complex128],
        y: NDArray[np.float64],
        x: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """The same at chosen shifts in pixels, (len(y), len(x))."""
        left = np.exp(2j * np.pi * np.outer(y / self.shape[0], self.rows))
        right = np.exp(2j * np.pi * np.outer(np.arange(self.number.shape[1]), x / self.shape[1]))
        cross, total = self.weight * np.conj(first) * second, np.zeros((len(y), len(x)))
        for ring, count in self._counts():
            inside = np.where(self.number == ring, cross, 0)
            total += count * (left @ inside @ right).real ** 2
        return total

    def _counts(self) -> list[tuple[int, float]]:
        """Number and independent frequencies of each ring."""
        counts = np.bincount(self.number.ravel(), self.weight.ravel()) / 2
        return [(ring, float(count)) for ring, count in enumerate(counts) if ring and count]


def _grown(spots: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Spots and the frequencies next to them; rows are cyclic."""
    grown: NDArray[np.bool_] = ndimage.maximum_filter(spots, size=3, mode=("wrap", "nearest"))
    return grown
