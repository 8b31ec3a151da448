"""Colours that add up: told apart by every kind of colour vision where they say so."""

from itertools import combinations

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from hrtem_app.inference.palette import CLASS_COLOURS, added, combinations_shown, palette_colours

STOCK = ("unet", "unet_pp", "msd_net")
# Machado, Oliveira & Fernandes (2009), severity 1, on linear RGB.
BLIND = {
    "none": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def seen(colours, kind):
    rgb = np.asarray(colours, float)
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(linear @ np.asarray(BLIND[kind]).T, 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def least_difference(palette, kind):
    """Of any two of the seven sums and the brightest grey behind them."""
    colours = palette_colours(STOCK, palette)
    sums = [added([colours[name] for name in names]) for names in combinations_shown(STOCK)]
    lab = rgb2lab(seen([*sums, (0.35, 0.35, 0.35)], kind))
    return min(float(deltaE_ciede2000(a, b)) for a, b in combinations(lab, 2))


@pytest.mark.parametrize("kind", BLIND)
def test_the_sums_are_told_apart_by_every_colour_vision(kind):
    assert least_difference("colour-blind", kind) > 15


def test_those_of_red_green_and_blue_are_not():
    assert least_difference("thesis", "none") > 15
    assert least_difference("thesis", "protan") < 5


@pytest.mark.parametrize("palette", ["thesis", "colour-blind"])
def test_all_three_add_up_to_white_and_two_do_not(palette):
    colours = palette_colours(STOCK, palette)
    assert added(list(colours.values())) == pytest.approx((1, 1, 1))
    for two in combinations(colours.values(), 2):
        assert min(added(list(two))) < 0.6


def test_the_thesis_has_red_green_and_blue_and_versions_have_their_architecture_s_colour():
    assert palette_colours(STOCK) == {"unet": (1, 0, 0), "unet_pp": (0, 1, 0), "msd_net": (0, 0, 1)}
    blind = palette_colours(STOCK, "colour-blind")
    assert palette_colours(["unet_single"], "colour-blind") == {"unet_single": blind["unet"]}
    many = palette_colours([*STOCK, "mine", "another"], "colour-blind")
    assert len(set(many.values())) == 5


def test_an_unknown_palette_is_refused():
    with pytest.raises(ValueError, match=r"no palette 'grey': choose one of thesis, colour-blind"):
        palette_colours(STOCK, "grey")


def test_what_a_legend_shows():
    assert combinations_shown(["a"]) == [("a",)]
    assert combinations_shown(["a", "b"]) == [("a",), ("b",), ("a", "b")]
    assert combinations_shown(["a", "b", "c"])[-1] == ("a", "b", "c")


def test_class_colours_are_told_apart_too():
    colours = [[int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)] for c in CLASS_COLOURS.values()]
    for kind in BLIND:
        lab = rgb2lab(seen(colours, kind))
        assert min(float(deltaE_ciede2000(a, b)) for a, b in combinations(lab, 2)) > 15
