"""The agreement picture: which columns it shows, where and in which colours."""

from types import SimpleNamespace

import numpy as np
import pytest

from hrtem_app.columns import ColumnTable
from hrtem_app.inference.result import NetworkResult
from hrtem_app.inference.views import agreement_rgb, agreement_view, dot_radius, network_colours

SAMPLING = 0.2


def result(name, positions, classes):
    n = len(classes)
    table = ColumnTable(np.array(positions, float), np.array(classes), SAMPLING, np.ones(n, int), np.ones(n))
    return NetworkResult(SimpleNamespace(name=name, title=name), np.zeros((4, 80, 90), np.float32), SAMPLING, table)


@pytest.fixture
def networks():
    """1S: all three at (20, 20), two at (40, 40), U-net alone at (60, 60); U-net++ calls that one 2S."""
    return {
        "unet": result("unet", [(20, 20), (40, 40), (60, 60)], [2, 2, 2]),
        "unet_pp": result("unet_pp", [(20, 20), (60, 60)], [2, 1]),
        "msd_net": result("msd_net", [(20, 20), (40, 41)], [2, 2]),
    }


@pytest.mark.parametrize(
    ("class_index", "kind", "votes"),
    [
        (2, "all", [3, 2, 1]),
        (2, "agree", [3, 2]),
        (2, "unique", [1]),
        (1, "all", [1]),
        (1, "agree", []),
        (0, "all", []),
    ],
)
def test_which_columns(networks, class_index, kind, votes):
    view = agreement_view(networks, class_index, kind)
    assert sorted(view.votes.tolist(), reverse=True) == votes


def test_who_found_it_and_where(networks):
    view = agreement_view(networks, 2, "agree")
    row = int(np.argmin(view.votes))
    assert view.networks == ("unet", "unet_pp", "msd_net")
    assert view.found[row].tolist() == [True, False, True]
    assert view.positions[row] == pytest.approx([40, 40.5])
    assert view.each[row, 2] == pytest.approx([40, 41])


def test_colours_add_up(networks):
    picture = agreement_rgb(agreement_view(networks, 2), (80, 90), radius=4)
    assert picture.shape == (80, 90, 3)
    assert picture.dtype == np.float32
    assert picture[20, 20].tolist() == [1, 1, 1]
    assert picture[40, 40].tolist() == [1, 0, 1]
    assert picture[60, 60].tolist() == [1, 0, 0]
    assert picture[70, 20].tolist() == [0, 0, 0]


@pytest.mark.parametrize("enlarge", [1, 2, 3.3])
def test_dots_have_the_size_and_place_asked_for(enlarge):
    view = agreement_view({"unet": result("unet", [(30.4, 50.7)], [0])}, 0)
    picture = agreement_rgb(view, (80, 90), radius=6, enlarge=enlarge)[..., 0]
    y, x = np.mgrid[: picture.shape[0], : picture.shape[1]]
    assert picture.sum() == pytest.approx(np.pi * (6 * enlarge) ** 2, rel=0.02)
    centre = np.array([(picture * y).sum(), (picture * x).sum()]) / picture.sum()
    assert (centre + 0.5) / enlarge - 0.5 == pytest.approx([30.4, 50.7], abs=0.03)


def test_dots_at_the_border_and_none_at_all():
    view = agreement_view({"unet": result("unet", [(0, 0), (79, 89)], [0, 0])}, 0)
    picture = agreement_rgb(view, (80, 90), radius=5)
    assert picture[0, 0, 0] == picture[79, 89, 0] == 1
    nothing = agreement_view({"unet": result("unet", np.empty((0, 2)), np.empty(0, int))}, 0)
    assert not agreement_rgb(nothing, (80, 90), radius=5).any()


def test_unique_predictions_are_a_third_as_large():
    assert dot_radius("unique", 3.0) == pytest.approx(1.0)
    assert dot_radius("unique", 3.0, equal_dots=True) == dot_radius("agree", 3.0) == 3.0


def test_every_network_has_its_own_colour():
    stock = network_colours(["msd_net", "unet_pp", "unet"])
    assert stock == {"unet": (1, 0, 0), "unet_pp": (0, 1, 0), "msd_net": (0, 0, 1)}
    colours = network_colours(["unet", "mine", "another"])
    assert list(colours) == ["unet", "another", "mine"]
    assert len(set(colours.values())) == 3


def test_a_version_for_one_frame_has_the_colour_of_its_architecture():
    assert network_colours(["unet_pp_single", "unet_single"]) == {"unet_single": (1, 0, 0), "unet_pp_single": (0, 1, 0)}
    both = network_colours(["unet_single", "unet", "msd_net"])
    assert (both["unet"], both["msd_net"]) == ((1, 0, 0), (0, 0, 1))
    assert len(set(both.values())) == 3


def test_refuses_an_unknown_kind(networks):
    with pytest.raises(ValueError, match=r"'most'.*all, agree, unique"):
        agreement_view(networks, 0, "most")
