"""Of each named network the version runs that the frames are enough for."""

from __future__ import annotations

import pytest

from hrtem_app.inference.versions import fitting_versions
from hrtem_app.networks.catalog import NetworkCard, NetworkError


def _card(name: str, architecture: str, frames: int, material: str = "MoS2 on graphite") -> NetworkCard:
    return NetworkCard(
        name=name,
        title=name,
        architecture=architecture,
        settings={},
        parameters=1,
        material=material,
        frames=frames,
        dose_range=(300, 1e5),
        defocus_range=(-150, 150),
        energy=5e4,
        label_radius=0.65,
    )


KNOWN = {
    card.name: card
    for card in (
        _card("unet", "unet", 3),
        _card("unet_pp", "unet_pp", 3),
        _card("msd_net", "msd_net", 3),
        _card("unet_pp_single", "unet_pp", 1),
        _card("unet_single", "unet", 1),
        _card("mine", "unet", 3),
    )
}
STOCK = ("unet", "unet_pp", "msd_net")


@pytest.mark.parametrize(
    ("names", "frames", "expected"),
    [
        (STOCK, 3, ["unet", "unet_pp", "msd_net"]),
        (STOCK, 5, ["unet", "unet_pp", "msd_net"]),
        (STOCK, 1, ["unet_single", "unet_pp_single"]),
        (STOCK, 2, ["unet_single", "unet_pp_single"]),
        (("unet_pp", "unet"), 1, ["unet_pp_single", "unet_single"]),
        (("unet_single",), 3, ["unet_single"]),
        (("unet_single", "unet_pp"), 3, ["unet_single", "unet_pp"]),
        (("unet", "unet_single"), 1, ["unet_single"]),
        (("unet", "unet"), 3, ["unet"]),
        # A network of one's own has no versions but those that are named after it.
        (("mine", "unet"), 1, ["unet_single"]),
    ],
)
def test_which_networks_run(names: tuple[str, ...], frames: int, expected: list[str]) -> None:
    assert [card.name for card in fitting_versions(names, KNOWN, frames).cards] == expected


def test_what_differs_from_the_recipe_is_said() -> None:
    assert fitting_versions(STOCK, KNOWN, 3).sentences == ()
    assert fitting_versions(("unet_single",), KNOWN, 1).sentences == ()
    assert fitting_versions(STOCK, KNOWN, 1).sentences == (
        "as there is only 1 frame, unet_single ran in place of unet, unet_pp_single ran in place of unet_pp, "
        "msd_net, which wants 3 frames, was left out",
    )
    assert fitting_versions(STOCK, KNOWN, 2).sentences[0].startswith("as there are only 2 frames, unet_single")


def test_where_nothing_fits_the_named_ones_stay() -> None:
    nothing = fitting_versions(("msd_net", "mine"), KNOWN, 2)
    assert [card.name for card in nothing.cards] == ["msd_net", "mine"]
    assert nothing.sentences == ()


def test_the_version_that_uses_most_of_the_frames_is_taken() -> None:
    known = KNOWN | {"unet_pair": _card("unet_pair", "unet", 2), "unet_other": _card("unet_other", "unet", 1)}
    assert [fitting_versions(("unet",), known, n).cards[0].name for n in (1, 2, 3)] == [
        "unet_single", "unet_pair", "unet",
    ]  # fmt: skip


def test_a_network_for_another_material_is_no_version() -> None:
    known = {"unet": KNOWN["unet"], "unet_single": _card("unet_single", "unet", 1, material="WSe2 on graphite")}
    assert fitting_versions(("unet",), known, 1).cards == (KNOWN["unet"],)


WIDER = KNOWN | {"unet_pp_wide": _card("unet_pp_wide", "unet_pp", 3), "mine_wide": _card("mine_wide", "unet_pp", 3)}


@pytest.mark.parametrize(
    ("outside", "expected"),
    [
        ({}, ["unet", "unet_pp", "mine"]),
        ({"unet_pp": ["a defocus"]}, ["unet", "unet_pp_wide", "mine"]),
        # It may be no better, but was trained on more.
        ({"unet_pp": ["a defocus"], "unet_pp_wide": ["a defocus"]}, ["unet", "unet_pp_wide", "mine"]),
        ({"unet_pp": ["a defocus"], "unet_pp_wide": ["a defocus", "an energy"]}, ["unet", "unet_pp", "mine"]),
        # There is no wider version of this one, nor of the other: what is called so is another architecture.
        ({"unet": ["a defocus"], "mine": ["a defocus"]}, ["unet", "unet_pp", "mine"]),
    ],
)
def test_where_a_series_lies_outside_the_version_for_wider_ranges_runs(
    outside: dict[str, list[str]], expected: list[str]
) -> None:
    found = fitting_versions(("unet", "unet_pp", "mine"), WIDER, 3, lambda card: outside.get(card.name, []))
    assert [card.name for card in found.cards] == expected
    said = ("unet_pp_wide ran in place of unet_pp: a defocus",) if "unet_pp_wide" in expected else ()
    assert found.sentences == said


def test_named_beside_its_version_each_runs_once() -> None:
    found = fitting_versions(
        ("unet_pp_wide", "unet_pp"), WIDER, 3, lambda card: ["x"] if card.name == "unet_pp" else []
    )
    assert [card.name for card in found.cards] == ["unet_pp_wide"]


def test_an_unknown_name_is_refused_with_the_choice() -> None:
    with pytest.raises(NetworkError, match=r"'u_net'.*unet, unet_pp, msd_net"):
        fitting_versions(("unet", "u_net"), KNOWN, 3)
    with pytest.raises(NetworkError, match="no weights are installed"):
        fitting_versions(("unet",), {}, 3)
