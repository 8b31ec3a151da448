"""Waves to record."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
import torch


@cache
def _atoms_wave(points: int, side: float, seed: int, phase: float = 0.8, width: float = 0.25) -> torch.Tensor:
    """(y, x) complex64: a phase bump at each of some random places, band-limited to the grid as stored waves are."""
    rng = np.random.default_rng(seed)
    fine = 4 * points
    places = rng.uniform(0, side, (int(side**2 / 8), 2))
    k = np.fft.fftfreq(fine, side / fine)
    y, x = (np.exp(-2j * np.pi * np.outer(place, k)) for place in places.T)
    spectrum = (y.T @ x) * np.exp(-2 * (np.pi * width) ** 2 * (k[:, None] ** 2 + k**2))
    bumps = np.fft.ifft2(spectrum).real * 2 * np.pi * (width * fine / side) ** 2
    wave = np.fft.fft2(np.exp(1j * phase * bumps))
    kept = np.fft.fftfreq(points, 1 / points).astype(int)
    coarse = np.fft.ifft2(wave[kept[:, None], kept] * (points / fine) ** 2)
    return torch.from_numpy(coarse.astype(np.complex64))


@pytest.fixture
def atoms_wave() -> Callable[..., torch.Tensor]:
    """`atoms_wave(points, side, seed, phase=0.8, width=0.25)`: a fresh copy of such a wave."""
    return lambda *arguments, **options: _atoms_wave(*arguments, **options).clone()
