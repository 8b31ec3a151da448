"""The architecture is found by its entry point, keeps the size of the image, and learns."""

from __future__ import annotations

import torch

from hrtem_app.networks.catalog import architectures, build_network


def test_it_is_found_by_name() -> None:
    assert list(architectures()) == ["unet", "unet_pp", "msd_net", "tiny_net"]


def test_images_keep_their_size() -> None:
    network = build_network("tiny_net", {"channels": 4, "frames": 2})
    assert network(torch.zeros(1, 2, 40, 56)).shape == (1, 4, 40, 56)


def test_it_learns_where_bright_pixels_are() -> None:
    torch.manual_seed(0)
    network = build_network("tiny_net", {"channels": 8, "frames": 1})
    x = torch.rand(8, 1, 32, 32)
    labels = (x[:, 0] > 0.7).long()
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01)
    losses = []
    for _ in range(40):
        optimiser.zero_grad()
        loss = torch.nn.functional.cross_entropy(network(x), labels)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.3 * losses[0]
