"""The agreement figure: three rows, three columns, the right dots; no windows."""

import sys

import numpy as np
import pytest

from hrtem_app.export.figure import agreement_figure


def panels(figure):
    return [axes for axes in figure.axes if axes.images]


def test_rows_columns_counts_and_legend(analysis):
    figure = agreement_figure(analysis)
    figure.canvas.draw()
    axes = panels(figure)
    assert [a.get_title() for a in axes[:3]] == ["Mo", "2S", "1S"]
    assert [a.get_ylabel().split("\n")[0] for a in axes[::3]] == [
        "all predictions",
        "two or more agree",
        "only one network",
    ]
    counts = [next(t.get_text() for t in a.texts if t.get_text().startswith("n =")) for a in axes]
    assert counts == [f"n = {n}" for n in (2, 3, 3, 2, 2, 2, 0, 1, 1)]
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == [
        "U-net", "U-net++", "MSD-net", "U-net + U-net++", "U-net + MSD-net", "U-net++ + MSD-net", "all three",
    ]  # fmt: skip
    assert any(text.get_text().endswith(" nm") for text in axes[0].texts)


def colour_at(axes, y, x):
    picture = axes.images[0].get_array()
    enlarge = picture.shape[1] / 130
    return np.asarray(picture[int((y + 0.5) * enlarge), int((x + 0.5) * enlarge)]) / 255


def test_colours_of_the_dots(analysis):
    axes = panels(agreement_figure(analysis))
    assert colour_at(axes[0], 20, 20) == pytest.approx([1, 1, 1])
    assert colour_at(axes[2], 80, 60) == pytest.approx([1, 0, 1])
    assert colour_at(axes[8], 80, 100) == pytest.approx([1, 0, 0])
    assert colour_at(axes[7], 80, 60) == pytest.approx([0, 1, 0])
    assert colour_at(axes[5], 80, 100).max() < 0.4


def test_unique_dots_are_smaller_unless_equal_ones_are_wanted(analysis):
    def size(equal):
        picture = np.asarray(panels(agreement_figure(analysis, equal_dots=equal))[8].images[0].get_array())
        return np.sum((picture[..., 0] > 128) & (picture[..., 1] < 25))

    assert size(True) / size(False) == pytest.approx(9, rel=0.1)


@pytest.mark.parametrize("shape", [(101, 130), (40, 400), (400, 40)])
def test_other_shapes_and_one_network(analysis_of, shape, tmp_path):
    figure = agreement_figure(analysis_of({"unet": {0: [(20, 20)]}}, shape))
    figure.savefig(tmp_path / "figure.png", dpi=50)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["U-net"]


def test_pyplot_is_left_alone(analysis):
    before = "matplotlib.pyplot" in sys.modules
    agreement_figure(analysis)
    assert ("matplotlib.pyplot" in sys.modules) == before
