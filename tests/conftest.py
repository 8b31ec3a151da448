"""What all tests share."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hrtem_app.series import FocalSeries

_ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session", autouse=True)
def _only_shipped_networks() -> Iterator[None]:
    """What a user of this machine trained must not decide whether the tests pass."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HRTEM_APP_NETWORKS", folder)
        yield


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real files that HRTEM_TEST_DATA names; skips the test where there is none."""
    folder = Path(os.environ.get("HRTEM_TEST_DATA", _ROOT / ".." / "shared" / "data")).resolve()
    if not folder.is_dir():
        pytest.skip("no folder of real files: name it in HRTEM_TEST_DATA")
    return folder


@pytest.fixture
def sample_series() -> FocalSeries:
    """Three frames of 64 × 72 pixels: a hexagonal pattern under noise, at three defoci."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:64, :72] * 0.225
    waves = [np.cos(2 * np.pi * 0.363 * (x * np.cos(a) + y * np.sin(a))) for a in np.deg2rad([0, 60, 120])]
    frames = 1 + 0.05 * sum(waves) * np.array([0.6, 1.0, 0.8])[:, None, None] + rng.normal(0, 0.02, (3, 64, 72))
    return FocalSeries(frames, sampling=0.225, defocus=(-50.0, 0.0, 50.0), energy=50e3, name="sample")
