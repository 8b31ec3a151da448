"""The agreement figure: three rows, three columns, the right dots; no windows."""

import sys
from dataclasses import replace

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
    assert "".join(text.get_text() for a in axes for text in a.texts if text.get_fontweight() == "bold") == "abcdefghi"


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


def test_small_dots_have_a_light_ring_and_large_ones_none(analysis):
    beside = 0.41 / analysis.series.known_sampling  # Å: outside of a dot of a third, within its ring
    small, large = (panels(agreement_figure(analysis, equal_dots=equal))[8] for equal in (False, True))
    assert colour_at(small, 80, 100 + beside) == pytest.approx([0.8, 0.8, 0.8], abs=0.02)
    assert colour_at(large, 80, 100 + beside) == pytest.approx([1, 0, 0])
    rings = [len(a.collections) - 1 for a in panels(agreement_figure(analysis, vector=True))]
    assert rings == [0, 0, 0, 0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize("shape", [(101, 130), (40, 400), (400, 40)])
def test_other_shapes_and_one_network(analysis_of, shape, tmp_path):
    figure = agreement_figure(analysis_of({"unet": {0: [(20, 20)]}}, shape))
    figure.savefig(tmp_path / "figure.png", dpi=50)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["U-net"]


def test_dots_as_shapes_have_the_sums_of_the_colours(analysis):
    axes = panels(agreement_figure(analysis, vector=True))
    dots = [a.collections[0] for a in axes]
    assert [len(d.get_offsets()) for d in dots] == [2, 3, 3, 2, 2, 2, 0, 1, 1]
    places, colours = np.rint(dots[2].get_offsets()).astype(int), dots[2].get_facecolors()
    by_place = {tuple(xy): tuple(colour[:3]) for xy, colour in zip(places, colours, strict=True)}
    # (x, y): all three, U-net and MSD-net, U-net alone.
    assert by_place == {(20, 80): (1, 1, 1), (60, 80): (1, 0, 1), (100, 80): (1, 0, 0)}


def test_a_dot_of_a_darker_palette_hides_the_image_under_it(analysis):
    axes = panels(agreement_figure(analysis, palette="colour-blind", equal_dots=True))
    assert colour_at(axes[0], 20, 20) == pytest.approx([1, 1, 1])
    assert colour_at(axes[8], 80, 100) == pytest.approx([0.57, 0.25, 0.11], abs=0.003)
    assert colour_at(axes[2], 80, 60) == pytest.approx([0.59, 0.38, 0.95], abs=0.003)


def test_titles_of_networks_are_no_mathematics(analysis):
    result = analysis.networks["unet"]
    networks = analysis.networks | {"unet": replace(result, card=result.card.model_copy(update={"title": "$x"}))}
    figure = agreement_figure(replace(analysis, networks=networks), vector=True)
    figure.draw_without_rendering()
    assert figure.legends[0].get_texts()[0].get_text() == "$x"


def test_pyplot_is_left_alone(analysis):
    before = "matplotlib.pyplot" in sys.modules
    agreement_figure(analysis)
    assert ("matplotlib.pyplot" in sys.modules) == before
