"""The thesis' Tables 2 and 3: every network has exactly the stated number of trainable parameters."""

from __future__ import annotations

import pytest
import torch

from hrtem_app.networks.catalog import NetworkError, build_network
from hrtem_app.networks.layers import parameter_count

UNETS = [(4, 248464), (8, 989468), (16, 3949108), (32, 15778916), (64, 63080644)]
UNETS_PP = [(4, 258848), (8, 1031100), (16, 4115828), (32, 16446180), (60, 57790504)]
MSD_NETS = [
    (5, 3, 25, 68329),
    (5, 3, 50, 277054),
    (5, 5, 50, 768004),
    (9, 3, 50, 894958),
    (5, 7, 50, 1503954),
    (5, 9, 50, 2484904),
]


@pytest.mark.parametrize(("channels", "expected"), UNETS)
def test_unet(channels: int, expected: int) -> None:
    with torch.device("meta"):
        assert parameter_count(build_network("unet", {"channels": channels})) == expected
    assert expected == 15392 * channels**2 + 547 * channels + 4


@pytest.mark.parametrize(("channels", "expected"), UNETS_PP)
def test_unet_pp(channels: int, expected: int) -> None:
    with torch.device("meta"):
        assert parameter_count(build_network("unet_pp", {"channels": channels})) == expected
    assert expected == 16044 * channels**2 + 535 * channels + 4


@pytest.mark.parametrize(("kernel", "channels", "layers", "expected"), MSD_NETS)
def test_msd_net(kernel: int, channels: int, layers: int, expected: int) -> None:
    settings = {"channels": channels, "layers": layers, "kernel": kernel}
    with torch.device("meta"):
        assert parameter_count(build_network("msd_net", settings)) == expected


@pytest.mark.parametrize("architecture", ["unet", "unet_pp", "msd_net"])
@pytest.mark.parametrize("frames", [1, 3])
def test_maps_have_the_size_of_the_image(architecture: str, frames: int) -> None:
    settings = {"channels": 2, "frames": frames} | ({"layers": 4} if architecture == "msd_net" else {})
    module = build_network(architecture, settings).eval()
    with torch.inference_mode():
        assert module(torch.zeros(2, frames, 24, 40)).shape == (2, 4, 24, 40)


def test_unknown_networks_are_refused_by_name() -> None:
    with pytest.raises(NetworkError, match=r"'vgg'.*unet"):
        build_network("vgg", {})
    with pytest.raises(NetworkError, match="layers"):
        build_network("unet", {"layers": 3})
