from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from hrtem_app.gui.filtering.glimpse import ScreenArea, glimpse_of, make_glimpse, screen_area
from hrtem_app.gui.filtering.preview import PreviewSource, make_preview
from hrtem_app.recipe import LatticeFilter


@pytest.mark.parametrize("pixels_per_dot", [1.3, 4.8, 40.0])
def test_where_the_screen_is_coarser_each_dot_shows_its_pixel(pixels_per_dot: float) -> None:
    shape, centre, dots = (4001, 4096), (1900.21, 700.63), (700, 901)
    area = screen_area(2, shape, centre, dots, pixels_per_dot)
    assert area is not None
    assert (area.frame, area.step) == (2, pixels_per_dot)
    for pixels, side, middle, count, first in zip(
        (area.rows, area.columns), shape, centre, dots, area.first, strict=True
    ):
        seen = {}
        for dot in range(count):
            place = middle + (dot - (count - 1) / 2) * pixels_per_dot
            if -0.5 <= place < side - 0.5:
                seen[place] = min(range(int(place) - 2, int(place) + 3), key=lambda pixel: abs(pixel - place))
        assert pixels.tolist() == list(seen.values())
        assert first == pytest.approx(min(seen))


def test_where_the_image_is_coarser_every_pixel_on_screen_counts() -> None:
    area = screen_area(0, (4001, 4096), (1900.2, 5.0), (700, 900), 0.25)
    assert area is not None
    assert area.step == 1
    # 700 dots are 175 pixels.
    np.testing.assert_array_equal(area.rows, np.arange(1813, 1989))
    np.testing.assert_array_equal(area.columns, np.arange(119))
    assert area.first == (1813, 0)


def test_a_screen_beside_the_image_shows_nothing() -> None:
    assert screen_area(0, (100, 100), (50.0, 400.0), (200, 200), 1.5) is None
    assert screen_area(0, (100, 100), (-400.0, 50.0), (200, 200), 0.5) is None


@pytest.mark.parametrize("angles", [None, (0.3,), (0.1, 0.6)])
@pytest.mark.parametrize("pixels_per_dot", [0.6, 2.7])
def test_a_glimpse_is_the_result_at_its_pixels(
    fakes: ModuleType, angles: tuple[float, ...] | None, pixels_per_dot: float
) -> None:
    source, settings = PreviewSource(fakes.make_series(), (0, 1, 2)), LatticeFilter(angles=angles, radius=0.04)
    area = screen_area(1, (160, 160), (70.0, 80.3), (50, 60), pixels_per_dot)
    assert area is not None
    glimpse, preview = make_glimpse(source, settings, area), make_preview(source, settings)
    rows, columns = area.rows, area.columns
    assert min(len(rows), len(columns)) > 25
    expected = preview.result.removed[1][rows][:, columns]
    np.testing.assert_array_equal(glimpse.series, source.frames[1][rows][:, columns])
    # The frames are about 100.
    np.testing.assert_allclose(glimpse.removed, expected, atol=1e-3)
    np.testing.assert_allclose(glimpse.series - glimpse.removed, preview.result.frames[1][rows][:, columns], atol=1e-3)
    assert glimpse.removed.std() > 0.5
    np.testing.assert_array_equal(glimpse_of(preview, area).removed, expected)


def test_a_filter_that_is_off_takes_nothing_out(fakes: ModuleType) -> None:
    source = PreviewSource(fakes.make_series(), (0, 1, 2))
    some = np.arange(0, 160, 2)
    glimpse = make_glimpse(source, LatticeFilter(enabled=False), ScreenArea(0, some, some + 1, (0.0, 1.0), 2.0))
    assert not glimpse.removed.any()
    np.testing.assert_array_equal(glimpse.series, source.frames[0, ::2, 1::2])
