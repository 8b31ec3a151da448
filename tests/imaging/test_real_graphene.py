"""The filter on a real image of graphene: the lattice goes, a flower defect and the edge of a hole stay."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hrtem_app import load_series
from hrtem_app.imaging.lattice_filter import power_spectrum, remove_lattice
from hrtem_app.recipe import LatticeFilter

SAMPLING = 0.219


def test_the_lattice_goes_and_the_flower_stays(data_dir: Path) -> None:
    path = data_dir / "graphene_hrtem" / "graphene_flower_raw.tif"
    series = load_series(path, sampling=SAMPLING)
    result = remove_lattice(series.frames, SAMPLING, LatticeFilter())
    (angle,) = result.angles
    assert abs(np.rad2deg(angle) - 30.3) < 0.5
    before, after = series.frames[0], result.frames[0]
    perfect, flower, edge = (
        (slice(60, 200), slice(170, 240)),
        (slice(55, 155), slice(70, 135)),
        (slice(120, 180), slice(0, 60)),
    )
    assert after[perfect].std() < 0.6 * before[perfect].std()
    assert after[flower].std() > 1.5 * after[perfect].std()
    assert after[edge].std() > 0.8 * before[edge].std()
    height, width = after.shape
    spectra = power_spectrum(series.frames), power_spectrum(result.frames)
    for ky, kx, _ in result.spots[:6]:
        row, column = round(height / 2 + ky * height * SAMPLING), round(width / 2 + kx * width * SAMPLING)
        around = (slice(row - 2, row + 3), slice(column - 2, column + 3))
        assert spectra[1][around].max() < 0.1 * spectra[0][around].max()
