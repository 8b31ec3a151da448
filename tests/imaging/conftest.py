"""Series whose sampling and drift are known: from the project's own simulation, and drawn atom by atom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from hrtem_app.microscope.draw import Microscope, MicroscopeSettings, draw_microscope
from hrtem_app.microscope.frames import first_pixel, frames_of
from hrtem_app.simulation.multislice import MultisliceSettings, exit_waves
from hrtem_app.simulation.structure_settings import StructureSettings
from hrtem_app.simulation.structures import draw_structure

ENERGY = 50e3
# Pixels around a drawn image.
_RIM = 40
STRUCTURE = StructureSettings(field_of_view=70.0, margin=5.0)


@dataclass(frozen=True, eq=False)
class Recorded:
    """A simulated series (n, y, x), its Å per pixel, the true drift (n, 2) in pixels, and what recorded it."""

    frames: NDArray[np.float32]
    sampling: float
    shifts: NDArray[np.float64]
    microscope: Microscope


@cache
def _waves(seed: int) -> NDArray[np.complex64]:
    structure = draw_structure(seed, STRUCTURE)
    return np.stack(list(exit_waves(structure, MultisliceSettings(configurations=2), seed)))


@pytest.fixture(scope="session")
def recorded() -> Callable[..., Recorded]:
    """`recorded(seed, draw, drift=0, settings=None, noise=0, **changes)`: a structure as a microscope sees it.

    Each frame is recorded by itself with the camera moved by the drift, so nothing is interpolated; `noise` numbers the
    draws of the noise, and `changes` replace what was drawn for the microscope.
    """

    def make(
        seed: int,
        draw: int,
        drift: float = 0.0,
        settings: MicroscopeSettings | None = None,
        noise: int = 0,
        **changes: object,
    ) -> Recorded:
        rng = np.random.default_rng((seed, draw))
        microscope = replace(draw_microscope(settings or MicroscopeSettings(), rng), **changes)
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)) + noise)
        shifts = np.zeros((len(microscope.defocus), 2))
        shifts[1:] = rng.uniform(-drift, drift, (len(shifts) - 1, 2))
        sampling = microscope.sampling
        pixels = int((STRUCTURE.cell - 7.2) / sampling)
        corner = first_pixel(STRUCTURE.cell, pixels, sampling)
        frames = [
            frames_of(
                (torch.as_tensor(wave)[None] for wave in _waves(seed)),
                STRUCTURE.cell,
                [ENERGY],
                [replace(microscope, defocus=(defocus,))],
                pixels,
                torch.from_numpy((corner - shift * sampling)[np.newaxis]),
                generator,
            )[0, 0].numpy()
            for defocus, shift in zip(microscope.defocus, shifts, strict=True)
        ]
        return Recorded(np.stack(frames), sampling, shifts, microscope)

    return make


def atoms(constant: float, angle: float, middle: NDArray[np.float64], radius: float) -> NDArray[np.float64]:
    """(n, 2) places (y, x) in Å of a honeycomb whose first-order spots have this angle, inside of a dented circle."""
    count = int(3 * radius / constant) + 2
    grid = np.stack(np.meshgrid(*2 * [np.arange(-count, count + 1)], indexing="ij"), axis=-1).reshape(-1, 2)
    # Rows of atoms are perpendicular to the spots: real vectors at 30° and 90° to the first of them.
    turns = angle + np.deg2rad([30, 90])
    vectors = constant * np.stack([np.sin(turns), np.cos(turns)], axis=1)
    places = np.concatenate([grid @ vectors, grid @ vectors + vectors.sum(axis=0) / 3])
    turn = np.arctan2(*places.T)
    inside = np.hypot(*places.T) < radius * (1 + 0.15 * np.sin(3 * turn + 1) + 0.1 * np.cos(5 * turn))
    return places[inside] + middle


def drawn(
    groups: list[tuple[NDArray[np.float64], float]],
    shape: tuple[int, int],
    sampling: float,
    *,
    defocus: tuple[float, ...] = (-60.0, -10.0, 40.0),
    noise: float = 0.05,
    seed: int = 0,
    stretch: NDArray[np.float64] | None = None,
) -> NDArray[np.float32]:
    """Weak phase objects at 50 keV: (n, y, x) with the contrast transfer sin χ and Gaussian noise.

    Parameters
    ----------
    groups
        Places (y, x) in Å of atoms and their strength.
    shape, sampling
        (y, x) in pixels, and Å per pixel.
    defocus
        Of each frame in Å; the spherical aberration is -15 µm.
    noise
        Standard deviation.
    seed
        Of the noise.
    stretch
        (2, 2) that multiplies all places (y, x), as a distorted camera does.
    """
    # On a larger canvas, because what lies beyond the image must not come in on its other side.
    canvas = tuple(size + 2 * _RIM for size in shape)
    k = [np.fft.fftfreq(size, sampling) for size in canvas]
    spectrum = np.zeros(canvas, complex)
    for places, strength in groups:
        moved = (places if stretch is None else places @ stretch.T) + _RIM * sampling
        moved = moved[((moved > 0) & (moved < np.array(canvas) * sampling)).all(axis=1)]
        factors = [np.exp(-2j * np.pi * np.outer(p, f)) for p, f in zip(moved.T, k, strict=True)]
        spectrum += strength * factors[0].T @ factors[1] / sampling**2
    square = k[0][:, np.newaxis] ** 2 + k[1] ** 2
    wavelength = 0.053553
    envelope = np.exp(-2 * (np.pi * 0.35) ** 2 * square)
    rng = np.random.default_rng(seed)
    frames = []
    for value in defocus:
        chi = np.pi * wavelength * square * (-value - 0.5 * wavelength**2 * 15e4 * square)
        image = 1 + 2 * np.fft.ifft2(spectrum * envelope * np.sin(chi)).real
        frames.append(image[_RIM:-_RIM, _RIM:-_RIM] + noise * rng.normal(size=shape))
    return np.stack(frames).astype(np.float32)


@pytest.fixture(scope="session")
def drawn_series() -> Callable[..., NDArray[np.float32]]:
    """`drawn_series(sampling, angle, shape, support=0.6, flake=0.3, **options)`: graphene with a flake of MoS2 on it.

    The radii are fractions of the shorter side; zero leaves the layer out. Options are those of `drawn`.
    """

    def make(
        sampling: float,
        angle: float,
        shape: tuple[int, int] = (320, 320),
        support: float = 0.6,
        flake: float = 0.3,
        **options: object,
    ) -> NDArray[np.float32]:
        size = np.array(shape) * sampling
        groups = []
        if support:
            groups.append((atoms(2.46, angle, 0.52 * size, support * size.min()), 0.12))
        if flake:
            groups.append((atoms(3.16, angle + 0.2, 0.47 * size, flake * size.min()), 0.35))
        return drawn(groups, shape, sampling, **options)  # type: ignore[arg-type]

    return make
