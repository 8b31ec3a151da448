"""Projected potentials for abTEM: its finite projection made faster, and its infinite projection made exact."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from abtem.core.backend import get_array_module
from abtem.core.fft import fft2, ifft2
from abtem.integrals import FieldIntegrator, QuadratureProjectionIntegrals
from abtem.parametrizations import validate_parametrization
from ase import Atoms
from numba import njit
from numpy.typing import NDArray

# Step in Å of the table that finds a segment of the radial functions. Their finest segment is five times longer.
_STEP = 5e-4
# Kaiser-Bessel window: its width in pixels, and its shape for a grid that is not oversampled, because frequencies
# beyond two thirds of Nyquist are cut off by the antialiasing aperture anyway (Beatty et al., IEEE TMI 24, 799, 2005).
_WIDTH = 8


class FastFiniteProjection(QuadratureProjectionIntegrals):
    """abTEM's finite projection, the same numbers in a third of the time.

    abTEM takes a logarithm for every pixel around every atom to find its place in the radial functions. Here a table
    finds it, and pixels are visited row by row, so that the compiler can work on many at once. On a GPU abTEM's own
    kernel runs.
    """

    def integrate_on_grid(
        self,
        atoms: Atoms,
        a: float,
        b: float,
        gpts: tuple[int, int],
        sampling: tuple[float, float],
        device: str = "cpu",
    ) -> NDArray[np.float32]:
        """The potential between the heights `a` and `b` (Å) on the grid, (x, y) in V·Å."""
        if device != "cpu" or self.parametrization.sigmas:
            slow: NDArray[np.float32] = super().integrate_on_grid(atoms, a, b, gpts, sampling, device)
            return slow
        array = np.zeros(gpts, np.float32)
        for symbol in sorted(set(atoms.get_chemical_symbols())):
            table: Any = self.get_integral_table(symbol, sampling)  # type: ignore[no-untyped-call]
            radii = np.asarray(table.radial_gpts, float)
            positions = atoms.positions[atoms.numbers == atoms.numbers[atoms.symbols == symbol][0]]
            _add_atoms(
                array,
                np.ascontiguousarray(positions),
                float(a),
                float(b),
                float(sampling[0]),
                float(sampling[1]),
                radii,
                np.asarray(table.limits, float),
                np.asarray(table.values, float),
                _segments(tuple(radii)),
            )
        return array


@lru_cache(maxsize=16)
def _segments(radii: tuple[float, ...]) -> NDArray[np.int16]:
    """For each step of r the segment it lies in: 0 inside of the first radius, `len(radii)` beyond the last."""
    r = (np.arange(int(np.ceil(radii[-1] / _STEP)) + 2) + 0.5) * _STEP
    return np.searchsorted(np.asarray(radii), r, side="right").astype(np.int16)


@njit(cache=True, nogil=True, fastmath=True)
def _lines(
    z: float, a: float, b: float, radii: Any, limits: Any, values: Any, offset: Any, slope: Any
) -> None:  # pragma: no cover
    """The radial function of an atom between two heights as straight lines offset + slope·r, one per segment."""
    step = (limits[-1] - limits[0]) / (len(limits) - 1)
    last = len(limits) - 2
    i = min(max(int(np.floor((a - z - limits[0]) / step)), 0), last)
    j = min(max(int(np.floor((b - z - limits[0]) / step)), 0), last)
    u = (a - z - limits[i]) / (limits[i + 1] - limits[i])
    v = (b - z - limits[j]) / (limits[j + 1] - limits[j])
    below = 0.0
    for n in range(len(radii)):
        lower = values[i, n] + u * (values[i + 1, n] - values[i, n])
        here = values[j, n] + v * (values[j + 1, n] - values[j, n]) - lower
        if n == 0:
            offset[0], slope[0] = here, 0.0
        else:
            slope[n] = (here - below) / (radii[n] - radii[n - 1])
            offset[n] = below - radii[n - 1] * slope[n]
        below = here
    offset[len(radii)], slope[len(radii)] = 0.0, 0.0


@njit(cache=True, nogil=True, fastmath=True)
def _add_atoms(
    array: Any,
    positions: Any,
    a: float,
    b: float,
    dx: float,
    dy: float,
    radii: Any,
    limits: Any,
    values: Any,
    segments: Any,
) -> None:  # pragma: no cover
    """Add the atoms' potential between two heights to the grid; atoms outside of it reach in."""
    offset = np.empty(len(radii) + 1, np.float32)
    slope = np.empty(len(radii) + 1, np.float32)
    distance = np.empty(array.shape[1], np.float32)
    cutoff = radii[-1]
    per_step = np.float32(1.0 / _STEP)
    greatest = np.float32(len(segments) - 1)
    for n in range(len(positions)):
        x, y, z = positions[n]
        height = max(max(a - z, z - b), 0.0)
        if height >= cutoff:
            continue
        reach = np.sqrt(cutoff * cutoff - height * height) + max(dx, dy)
        _lines(z, a, b, radii, limits, values, offset, slope)
        first = max(int(np.ceil((x - reach) / dx)), 0)
        last = min(int(np.floor((x + reach) / dx)), array.shape[0] - 1)
        for k in range(first, last + 1):
            square = np.float32((k * dx - x) ** 2)
            half = np.sqrt(max(reach * reach - (k * dx - x) ** 2, 0.0))
            left = max(int(np.ceil((y - half) / dy)), 0)
            right = min(int(np.floor((y + half) / dy)), array.shape[1] - 1)
            start, pitch = np.float32(left * dy - y), np.float32(dy)
            # Two loops, because the compiler makes vectors of the first alone.
            for m in range(right - left + 1):
                t = start + np.float32(m) * pitch
                distance[m] = np.sqrt(square + t * t)
            row = array[k]
            for m in range(right - left + 1):
                r = distance[m]
                s = segments[np.int32(min(r * per_step, greatest))]
                row[left + m] += offset[s] + slope[s] * r


class SpectralProjection(FieldIntegrator):
    """Infinite projection with exact sub-pixel positions, up to the antialiasing aperture.

    abTEM spreads an atom over its four nearest pixels, which blurs its potential by a twentieth of an Å at a sampling
    of 0.1 Å, as much as its thermal motion does. A Kaiser-Bessel window over 8×8 pixels, divided out in Fourier
    space, does not: this is a non-uniform fast Fourier transform (Fessler & Sutton, IEEE TSP 51, 560, 2003).

    Parameters
    ----------
    parametrization
        Name in abTEM, `kirkland` or `lobato`.
    """

    def __init__(self, parametrization: str = "lobato") -> None:
        self._parametrization: Any = validate_parametrization(parametrization)
        self._factors: dict[Any, Any] = {}
        super().__init__(periodic=True, finite=False)

    def cutoff(self, symbol: str) -> float:
        """The whole atom is projected."""
        return float("inf")

    def integrate_on_grid(
        self,
        atoms: Atoms,
        a: float,
        b: float,
        gpts: tuple[int, int],
        sampling: tuple[float, float],
        device: str = "cpu",
    ) -> Any:
        """The projected potential of the atoms on the periodic grid, (x, y) in V·Å."""
        xp = get_array_module(device)
        total = xp.zeros(gpts, xp.complex64)
        for symbol in sorted(set(atoms.get_chemical_symbols())):
            pixels = atoms.positions[np.array(atoms.get_chemical_symbols()) == symbol, :2] / sampling
            spread = fft2(_spread(pixels, gpts, xp), overwrite_x=True)
            total += spread * self._factor(symbol, gpts, sampling, device)
        return xp.ascontiguousarray(ifft2(total, overwrite_x=True).real)

    def _factor(self, symbol: str, gpts: tuple[int, int], sampling: tuple[float, float], device: str) -> Any:
        """The scattering factor over the window's transform, for the grid's frequencies."""
        key = (symbol, tuple(gpts), tuple(sampling), device)
        if key not in self._factors:
            kx, ky = (np.asarray(np.fft.fftfreq(n, d), float) for n, d in zip(gpts, sampling, strict=True))
            square = kx[:, None] ** 2 + ky[None, :] ** 2
            factor = self._parametrization.projected_scattering_factor(symbol)(square)
            window = _window_transform(kx * sampling[0])[:, None] * _window_transform(ky * sampling[1])[None, :]
            area = sampling[0] * sampling[1]
            self._factors[key] = get_array_module(device).asarray(factor / window / area, np.float32)
        return self._factors[key]


def _shape() -> float:
    """β of the window: as good as can be for frequencies up to 2/3 of Nyquist on a grid that is not oversampled."""
    oversampling = 1.5
    return float(np.pi * np.sqrt(_WIDTH**2 / oversampling**2 * (oversampling - 0.5) ** 2 - 0.8))


def _window(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Kaiser-Bessel window at a distance in pixels, zero beyond half of its width."""
    inside = 1 - (2 * distance / _WIDTH) ** 2
    window: NDArray[np.float64] = np.where(inside >= 0, np.i0(_shape() * np.sqrt(np.maximum(inside, 0))), 0.0)
    return window


def _window_transform(frequency: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fourier transform of the window at frequencies in cycles per pixel."""
    square = _shape() ** 2 - (np.pi * _WIDTH * frequency) ** 2
    root = np.sqrt(np.abs(square))
    transform: NDArray[np.float64] = np.where(square >= 0, np.sinh(root), np.sin(root)) / np.maximum(root, 1e-12)
    return _WIDTH * transform


def _spread(pixels: NDArray[np.float64], gpts: tuple[int, int], xp: Any) -> Any:
    """Atoms at positions in pixels as windows on the periodic grid, complex64."""
    first = np.floor(pixels).astype(np.int64) - _WIDTH // 2 + 1
    steps = np.arange(_WIDTH)
    places = first[:, :, np.newaxis] + steps  # (atom, axis, step)
    weights = _window(np.abs(places - pixels[:, :, np.newaxis]))
    rows, columns = places[:, 0] % gpts[0], places[:, 1] % gpts[1]
    flat = (rows[:, :, np.newaxis] * gpts[1] + columns[:, np.newaxis, :]).ravel()
    amounts = (weights[:, 0, :, np.newaxis] * weights[:, 1, np.newaxis, :]).ravel()
    summed = xp.bincount(xp.asarray(flat), weights=xp.asarray(amounts), minlength=gpts[0] * gpts[1])
    return summed.reshape(gpts).astype(xp.complex64)


@lru_cache(maxsize=4)
def projection(parametrization: str, kind: str) -> FieldIntegrator:
    """The integrator of a parametrization, finite or infinite; kept, because its tables take a second to make."""
    return FastFiniteProjection(parametrization) if kind == "finite" else SpectralProjection(parametrization)
