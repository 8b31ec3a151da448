"""Spots that cover reflections, at turns where the distance is known."""

from __future__ import annotations

import numpy as np
import pytest

from hrtem_app.imaging.covered_reflections import covered_reflections
from hrtem_app.imaging.lattice_mask import spot_positions
from hrtem_app.recipe import LatticeFilter

# MoS2's fourth ring of reflections, √7 times the first, is turned by 19.1° against it.
TURN = np.arctan2(np.sqrt(3) / 2, 2.5)
GAP = 2 / np.sqrt(3) * (np.sqrt(7) / 3.16 - 2 / 2.467)
MOS2 = (3.16, 3.16)


@pytest.mark.parametrize(("radius", "covers"), [(GAP - 0.003, False), (GAP - 0.001, True)])
def test_the_third_ring_covers_where_the_lattices_align(radius: float, covers: bool) -> None:
    angle = 0.4
    found = covered_reflections((angle,), LatticeFilter(radius=radius, edge=0.002), MOS2, (angle - TURN,))
    # Reflections of the fourth ring are 12, at +19.1° and -19.1°: six of them are in line with the spots.
    assert [spot.ring for spot in found] == [3] * 6 * covers
    if covers:
        assert [spot.spot for spot in found] == list(range(12, 18))
        np.testing.assert_allclose([spot.distance for spot in found], GAP, rtol=1e-9)
        np.testing.assert_allclose([spot.angle for spot in found], angle + np.pi / 3 * np.arange(6))


def test_elsewhere_it_does_not() -> None:
    settings = LatticeFilter(radius=0.03, edge=0.004)
    assert covered_reflections((0.4,), settings, MOS2, (0.4,)) == ()
    assert len(covered_reflections((0.4,), settings, MOS2, None)) == 6


def test_the_nearest_of_many_reflections_counts() -> None:
    """Against a search through the reflections one by one."""
    settings, orientations, angles = LatticeFilter(radius=0.09, edge=0.01), (0.1, 0.75), (0.2, 0.6)
    found = {spot.spot: spot for spot in covered_reflections(angles, settings, MOS2, orientations)}
    first = 2 / (np.sqrt(3) * 3.16)
    for row, (ky, kx, ring) in enumerate(spot_positions(angles, settings)):
        nearest = np.inf
        for turn in orientations:
            one, two = (first * np.array([np.sin(turn + t), np.cos(turn + t)]) for t in (0, np.pi / 3))
            for h in range(-5, 6):
                for k in range(-5, 6):
                    if (h, k) != (0, 0):
                        nearest = min(nearest, float(np.hypot(*(h * one + k * two - (ky, kx)))))
        assert (row in found) == (nearest < 0.1)
        if row in found:
            assert found[row].distance == pytest.approx(nearest)
            assert (found[row].lattice, found[row].ring) == (row // 18, ring)


def test_a_range_of_lattice_constants_counts_in_whole() -> None:
    settings = LatticeFilter(radius=0.023, edge=0.002)
    aligned = (0.4 - TURN,)
    assert not covered_reflections((0.4,), settings, MOS2, aligned)
    assert covered_reflections((0.4,), settings, (3.16, 3.18), aligned)
    assert covered_reflections((0.4,), settings, (3.10, 3.30), aligned)[0].distance == pytest.approx(0, abs=1e-12)


def test_a_filter_that_is_off_covers_nothing() -> None:
    assert covered_reflections((0.4,), LatticeFilter(radius=0.1, enabled=False), MOS2, None) == ()
    assert covered_reflections((), LatticeFilter(radius=0.1), MOS2, None) == ()
