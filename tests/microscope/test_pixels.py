"""Pixels of any size at any place."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hrtem_app.microscope.pixels import sampled, sampling_matrix

SIDE, POINTS = 20.0, 128


def _matrix(first: float, sampling: float, pixels: int, blur: float = 0.0, points: int = POINTS) -> torch.Tensor:
    return sampling_matrix(points, SIDE, torch.tensor([first]), torch.tensor([sampling]), pixels, torch.tensor([blur]))


def _curve(places: torch.Tensor, cycles: int) -> torch.Tensor:
    return 1 + 0.3 * torch.cos(2 * torch.pi * cycles * places / SIDE + 0.4)


@pytest.mark.parametrize("points", [127, 128])
@pytest.mark.parametrize(("first", "sampling", "pixels"), [(0, 0.2, 100), (-3.77, 0.2317, 61), (31.4159, 0.05, 300)])
def test_pixels_of_any_size_and_place_are_exact(points: int, first: float, sampling: float, pixels: int) -> None:
    grid = torch.arange(points) * SIDE / points
    values = _matrix(first, sampling, pixels, points=points)[0] @ _curve(grid, 9)
    torch.testing.assert_close(values, _curve(first + sampling * torch.arange(pixels), 9), rtol=0, atol=1e-5)


@pytest.mark.parametrize("blur", [0.05, 0.2])
def test_blur_damps_as_a_gaussian(blur: float) -> None:
    cycles = 10
    grid = torch.arange(POINTS) * SIDE / POINTS
    values = _matrix(0.0, SIDE / POINTS, POINTS, blur)[0] @ _curve(grid, cycles)
    damping = float((values.max() - 1) / (_curve(grid, cycles).max() - 1))
    assert damping == pytest.approx(np.exp(-2 * (np.pi * blur * cycles / SIDE) ** 2), rel=1e-4)


@pytest.mark.parametrize(("cycles", "passes"), [(24, True), (26, False), (40, False)])
def test_frequencies_that_the_pixels_cannot_hold_are_cut_off(cycles: int, passes: bool) -> None:
    """Pixels of 0.4 Å hold 25 cycles in 20 Å."""
    values = _matrix(0.0, 0.4, 50)[0] @ _curve(torch.arange(POINTS) * SIDE / POINTS, cycles)
    assert float(values.std()) == pytest.approx(0.3 / np.sqrt(2) if passes else 0, abs=0.01)
    assert float(values.mean()) == pytest.approx(1, abs=0.02)


def test_rows_and_columns_have_their_own_matrices_and_series_their_own_pixels() -> None:
    grid = torch.arange(POINTS) * SIDE / POINTS
    image = _curve(grid, 3)[:, None] * _curve(grid, 7)
    first, sampling = torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([0.21, 0.33])
    none = torch.zeros(2)
    rows, columns = (sampling_matrix(POINTS, SIDE, first[:, i], sampling, 30, none) for i in (0, 1))
    out = sampled(image.expand(2, 1, POINTS, POINTS), rows, columns)
    for got, (y, x), step in zip(out, first, sampling, strict=True):
        j = step * torch.arange(30)
        torch.testing.assert_close(got[0], _curve(y + j, 3)[:, None] * _curve(x + j, 7), rtol=0, atol=1e-5)


def test_intensities_do_not_fall_below_zero() -> None:
    image = torch.zeros(1, 1, POINTS, POINTS)
    image[..., 60:70, 60:70] = 1
    matrix = _matrix(0.0, 0.4, 50)
    assert float((matrix[0] @ image[0, 0] @ matrix[0].T).min()) < -0.01
    assert float(sampled(image, matrix, matrix).min()) == 0
