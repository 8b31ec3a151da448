"""Mean intensities: what is averaged, what is kept in memory, and on which grid."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator

import pytest
import torch

from hrtem_app.microscope.imaging import image_points, mean_intensity, regridded
from hrtem_app.microscope.optics import Aberrations, transfer_function

SIDE, POINTS = 12.8, 64
Waves = Callable[..., torch.Tensor]
PERFECT = transfer_function(POINTS, SIDE, 50e3, torch.tensor([0.0]), Aberrations())


def _transfer(points: int, focal_spread: float = 0.0) -> torch.Tensor:
    defocus = torch.tensor([-40.0, 20.0], dtype=torch.float64)
    return transfer_function(points, SIDE, 50e3, defocus, Aberrations(c30=1e5, focal_spread=focal_spread))


def test_a_perfect_microscope_shows_the_intensity_of_the_wave(atoms_wave: Waves) -> None:
    wave = atoms_wave(POINTS, SIDE, 0)
    torch.testing.assert_close(mean_intensity([1.2 * wave], PERFECT)[0], 1.44 * wave.abs() ** 2, rtol=1e-5, atol=1e-5)


def test_intensities_not_waves_are_averaged(atoms_wave: Waves) -> None:
    wave = atoms_wave(POINTS, SIDE, 0)
    torch.testing.assert_close(mean_intensity([wave, -wave], PERFECT)[0], wave.abs() ** 2, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", [list, iter, torch.stack, lambda waves: [wave.numpy() for wave in waves]])
def test_any_iterable_of_waves_will_do(atoms_wave: Waves, kind: object) -> None:
    waves = [atoms_wave(POINTS, SIDE, seed) for seed in range(3)]
    transfer = _transfer(POINTS)
    expected = torch.stack([mean_intensity([wave], transfer) for wave in waves]).mean(0)
    torch.testing.assert_close(mean_intensity(kind(waves), transfer), expected)  # type: ignore[operator]


def test_no_wave_is_kept_when_the_next_is_asked_for() -> None:
    seen, alive = [], []

    def made() -> torch.Tensor:
        wave = torch.ones(POINTS, POINTS, dtype=torch.complex64)
        seen.append(weakref.ref(wave))
        return wave

    def stream() -> Iterator[torch.Tensor]:
        for _ in range(10):
            alive.append(sum(reference() is not None for reference in seen))
            yield made()

    mean_intensity(stream(), PERFECT)
    assert alive == [0] * 10


def test_no_waves_are_refused() -> None:
    with pytest.raises(ValueError, match="no exit waves"):
        mean_intensity([], PERFECT)


@pytest.mark.parametrize("points", [48, 49, 63, 64, 65, 96, 97])
def test_a_low_frequency_wave_is_the_same_on_every_grid(points: int) -> None:
    def wave(n: int) -> torch.Tensor:
        cycles = torch.arange(n, dtype=torch.float64) / n
        return torch.exp(2j * torch.pi * (5 * cycles[:, None] - 7 * cycles))

    out = torch.fft.ifft2(regridded(torch.fft.fft2(wave(64)), points))
    torch.testing.assert_close(out, wave(points))


def _folded(wave: torch.Tensor, points: int, focal_spread: float, sampling: float) -> float:
    """Largest error of the image, within the band of the pixels, on a grid of so many points."""
    kept = int(SIDE / (2 * sampling)) - 1
    order = torch.arange(-kept, kept + 1)
    spectra = [
        torch.fft.fft2(mean_intensity([wave], _transfer(n, focal_spread)), norm="forward")[..., order[:, None], order]
        for n in (points, 3 * POINTS)
    ]
    return float(torch.fft.ifft2(spectra[0] - spectra[1], norm="forward").abs().max())


@pytest.mark.parametrize("sampling", [0.15, 0.225, 0.3])
@pytest.mark.parametrize("focal_spread", [0.0, 5.0, 10.0])
def test_the_grid_of_the_intensity_keeps_folding_below_a_ten_thousandth(
    atoms_wave: Waves, sampling: float, focal_spread: float
) -> None:
    wave = atoms_wave(POINTS, SIDE, 1, phase=1.5, width=0.15)
    points = image_points(POINTS, SIDE, 50e3, Aberrations(focal_spread=focal_spread), sampling)
    assert points < 3 * POINTS
    assert _folded(wave, points, focal_spread, sampling) < 1e-4


def test_on_the_waves_own_grid_the_intensity_would_fold_back(atoms_wave: Waves) -> None:
    assert _folded(atoms_wave(POINTS, SIDE, 1, phase=1.5, width=0.15), POINTS, 0.0, 0.225) > 1e-3


@pytest.mark.parametrize(
    ("aberrations", "finer"),
    [
        (Aberrations(focal_spread=5.0), Aberrations()),
        (Aberrations(focal_spread=10.0), Aberrations(focal_spread=5.0)),
        (Aberrations(aperture=0.02), Aberrations()),
    ],
)
def test_what_damps_high_angles_allows_a_coarser_grid(aberrations: Aberrations, finer: Aberrations) -> None:
    assert image_points(384, 76.8, 50e3, aberrations, 0.225) < image_points(384, 76.8, 50e3, finer, 0.225)
