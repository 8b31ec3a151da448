"""Prediction takes any size, and tiles make no difference."""

import numpy as np
import pytest
import torch
from torch import nn

from hrtem_app.inference import predict as module_under_test
from hrtem_app.inference.device import available_devices, choose_device
from hrtem_app.inference.predict import predict, predict_steps


class Pooling(nn.Module):
    """Halves the image three times like the U-nets, so it needs multiples of 8 and feels where tiles begin."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Conv2d(3, 6, 3, padding=1)
        self.second = nn.Conv2d(6, 4, 3, padding=1)
        self.eval()

    def forward(self, x):
        if x.shape[2] % 8 or x.shape[3] % 8:
            raise ValueError(f"size {tuple(x.shape)} is not a multiple of 8")
        wide = nn.functional.max_pool2d(torch.tanh(self.first(x)), 8)
        return 5 * self.second(nn.functional.interpolate(wide, scale_factor=8, mode="nearest"))


@pytest.mark.parametrize("shape", [(64, 64), (61, 83), (8, 200), (3, 5), (1, 9)])
def test_any_size(shape):
    frames = np.random.default_rng(0).normal(size=(3, *shape)).astype(np.float32)
    maps = predict(Pooling(), frames, "cpu")
    assert maps.shape == (4, *shape)
    assert maps.dtype == np.float32
    assert maps.sum(axis=0) == pytest.approx(np.ones(shape), abs=1e-5)


@pytest.mark.parametrize("shape", [(200, 64), (171, 333), (97, 96)])
def test_tiles_make_no_difference(monkeypatch, shape):
    frames = np.random.default_rng(0).normal(size=(3, *shape)).astype(np.float32)
    whole = predict(Pooling(), frames)
    monkeypatch.setattr(module_under_test, "LONGEST", 96)
    monkeypatch.setattr(module_under_test, "MARGIN", 16)
    fractions = []
    tiled = predict(Pooling(), frames, progress=fractions.append)
    assert len(fractions) > 1
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    assert np.abs(tiled - whole).max() < 1e-6


@pytest.mark.parametrize("length", [8, 1024, 1032, 1096, 2048, 4104])
def test_tiles_cover_everything_once_on_the_stride(length):
    tiles = module_under_test._tiles(length)
    covered = np.zeros(length, int)
    for seen, used in tiles:
        covered[used] += 1
        assert not any(edge % 8 for edge in (seen.start, seen.stop, used.start, used.stop))
        assert 0 <= seen.start <= used.start < used.stop <= seen.stop <= length
        assert seen.stop - seen.start <= module_under_test.LONGEST
    assert (covered == 1).all()


def test_inference_mode_does_not_leak_out_of_the_generator():
    steps = predict_steps(Pooling(), np.zeros((3, 16, 16), np.float32))
    assert next(steps) == 1
    assert not torch.is_inference_mode_enabled()
    steps.close()


def test_refuses_a_single_image_without_a_frame_axis():
    with pytest.raises(ValueError, match=r"\(n, y, x\)"):
        predict(Pooling(), np.zeros((16, 16), np.float32))


def test_devices():
    assert choose_device("cpu") == torch.device("cpu")
    assert str(choose_device("auto")) == available_devices()[0]
    with pytest.raises(ValueError, match=r"'cuda:77'.*cpu"):
        choose_device("cuda:77")


def test_bfloat16_is_near_and_not_the_same():
    frames = np.random.default_rng(0).normal(size=(3, 40, 48)).astype(np.float32)
    exact, near = predict(Pooling(), frames), predict(Pooling(), frames, precision="bfloat16")
    assert near.dtype == np.float32
    assert 0 < np.abs(near - exact).max() < 0.1
