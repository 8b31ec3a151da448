"""What is doubted, what is refused, and what false columns do."""

from __future__ import annotations

import numpy as np
import pytest
from ideal_crystals import HEXAGON, TWO_S, A, cut, disk, polygon, roomy, table, turned

from hrtem_app.measure import measure


def test_a_wrong_sampling_and_a_distorted_image_are_doubted() -> None:
    points, classes = cut(20, disk(30))
    warnings = measure(table(points * 1.05, classes, 8)).warnings
    assert any("off the 3.16-3.18 Å" in warning for warning in warnings)
    warnings = measure(table(points * [1.02, 1], classes, 8)).warnings
    assert any("more along 0° than across" in w or "more along 180° than across" in w for w in warnings)
    warnings = measure(table(points, classes, 8), image_shape=(600, 600)).warnings
    assert not warnings


@pytest.mark.parametrize(
    ("region", "shape", "words"),
    [
        ([(0, 0), (1, 1)], None, "is no polygon"),
        ([(0, 0, 0)] * 4, None, "is no polygon"),
        ([(0, 0), (1, np.nan), (2, 2)], None, "not all finite"),
        (None, (0, 10), "is impossible"),
        (None, (10,), "is impossible"),
    ],
)
def test_impossible_regions_and_images_are_refused(region: object, shape: object, words: str) -> None:
    points, classes = cut(6, disk(8))
    with pytest.raises(ValueError, match=words):
        measure(table(points, classes), region, image_shape=shape)  # type: ignore[arg-type]


def test_spurious_columns_beside_and_in_a_flake_change_little() -> None:
    points, classes = cut(30, polygon(HEXAGON, 14))
    points = turned(points, 19)
    rng = np.random.default_rng(4)
    centre = np.array([0, A / np.sqrt(3)])
    # One in the middle of a hexagon, and a few dots in the vacuum.
    false = np.concatenate([turned(centre[np.newaxis], 19), rng.uniform(-1, 1, (6, 2)) * 4 + [70, 0]])
    made = table(np.concatenate([points, false]), np.append(classes, [TWO_S] * len(false)), 8)
    measured = measure(made, image_shape=roomy(made))
    assert not measured.defects
    assert measured.edge_lengths()["zigzag Mo"] == pytest.approx(3 * 14 * A / 10, rel=5e-3)
    assert measured.edge_lengths()["zigzag S"] == pytest.approx(3 * 14 * A / 10, rel=5e-3)
    assert any("7 of" in warning and "fit no lattice" in warning for warning in measured.warnings)
