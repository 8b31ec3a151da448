"""The shipped networks on real images of MoS2, whose columns nobody has told: what must hold all the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import cKDTree

from hrtem_app.analysis import analyse
from hrtem_app.columns import CLASSES, ColumnTable
from hrtem_app.recipe import Recipe

MO, TWO_S, ONE_S = (CLASSES.index(name) for name in ("Mo", "2S", "1S"))
# Å per pixel of the two moments, by a = 3.16 Å.
MOMENTS = {"vacancy_lines_20.jpg": 0.0763, "vacancy_lines_40.jpg": 0.0768}


@pytest.fixture(scope="module")
def tables(data_dir: Path) -> list[ColumnTable]:
    """Columns of one monolayer under the beam, at two moments."""
    return [
        analyse(data_dir / "mos2" / name, recipe=Recipe(sampling=sampling)).table for name, sampling in MOMENTS.items()
    ]


def test_one_crystal_is_read_one_way_round(tables: list[ColumnTable]) -> None:
    for table in tables:
        grains, counts = np.unique(table.grain, return_counts=True)
        largest = grains[np.argmax(np.where(grains >= 0, counts, 0))]
        rows = table.grain == largest
        assert rows.mean() > 0.8
        assert table.decided[rows].all()
        # As many molybdenum as sulphur columns.
        assert 0.45 < (table.classes[rows] == MO).mean() < 0.56


def test_columns_are_a_bond_apart(tables: list[ColumnTable]) -> None:
    for table in tables:
        molybdenum = table.positions[table.classes == MO] * table.sampling
        sulphur = table.positions[table.classes != MO] * table.sampling
        distances, _ = cKDTree(sulphur).query(molybdenum)
        assert np.median(distances) == pytest.approx(3.16 / 3**0.5, rel=0.06)
        assert (distances < 1.2).mean() < 0.01


def test_vacancies_become_more_under_the_beam(tables: list[ColumnTable]) -> None:
    before, after = ((table.classes == ONE_S).sum() / np.isin(table.classes, (TWO_S, ONE_S)).sum() for table in tables)
    assert 0.1 < before < after < 0.4
