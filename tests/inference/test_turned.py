from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from hrtem_app.inference.predict import predict
from hrtem_app.inference.turned import averaged_steps, turned, turned_back


class Lopsided(torch.nn.Module):
    """Looks at the pixel to the left only, so each view of an image tells it something else."""

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        left = torch.roll(frames, 1, dims=3)
        return torch.cat([left[:, :1], 0.5 * left[:, :1], -left[:, :1]], dim=1)


def _run(views: int, frames: Any, module: torch.nn.Module | None = None) -> tuple[list[float], Any]:
    steps, seen = averaged_steps(module or Lopsided(), frames, views=views), []
    while True:
        try:
            seen.append(next(steps))
        except StopIteration as end:
            return seen, end.value


@pytest.fixture
def frames() -> Any:
    return np.random.default_rng(3).normal(size=(2, 24, 40)).astype(np.float32)


def test_the_views_are_the_eight_symmetries_of_a_square_and_each_can_be_undone(frames: Any) -> None:
    square = frames[:, :24, :24]
    shown = [turned(square, view) for view in range(8)]
    assert len({view.tobytes() for view in shown}) == 8
    for view in range(8):
        assert np.array_equal(turned_back(turned(frames, view), view), frames)


def test_one_view_is_the_plain_prediction(frames: Any) -> None:
    assert np.array_equal(_run(1, frames)[1], predict(Lopsided(), frames))


@pytest.mark.parametrize("views", [2, 4, 8])
def test_views_are_averaged_in_the_logarithm(frames: Any, views: int) -> None:
    fractions, maps = _run(views, frames)
    each = [turned_back(predict(Lopsided(), np.ascontiguousarray(turned(frames, v))), v) for v in range(views)]
    mean = np.exp(np.mean(np.log(np.array(each, float)), axis=0))
    assert np.allclose(maps, mean / mean.sum(axis=0), atol=1e-6)
    assert np.allclose(maps.sum(axis=0), 1, atol=1e-6)
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1


def test_with_all_views_a_turned_image_gives_the_turned_maps(frames: Any) -> None:
    # Which a single view of a network that prefers a direction does not.
    image = frames[:, :24, :24]
    quarter = np.ascontiguousarray(np.rot90(image, axes=(1, 2)))
    assert np.allclose(_run(8, quarter)[1], np.rot90(_run(8, image)[1], axes=(1, 2)), atol=1e-6)
    assert not np.allclose(_run(1, quarter)[1], np.rot90(_run(1, image)[1], axes=(1, 2)), atol=1e-2)


def test_other_numbers_of_views_are_refused(frames: Any) -> None:
    with pytest.raises(ValueError, match="3 views cannot be averaged: give 1, 2, 4 or 8"):
        _run(3, frames)
