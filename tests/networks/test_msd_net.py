"""MSD-net's fast ways against the plain ones."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from hrtem_app.networks.msd_net import DilatedConv2d, MSDNet


@pytest.mark.parametrize("dilation", [1, 3, 10])
def test_a_dilated_convolution_equals_the_plain_one_with_its_gradients(dilation: int) -> None:
    torch.manual_seed(0)
    plain = nn.Conv2d(6, 3, 5, padding=2 * dilation, dilation=dilation)
    fast = DilatedConv2d(6, 3, 5, padding=2 * dilation, dilation=dilation)
    fast.load_state_dict(plain.state_dict())
    x = torch.randn(2, 6, 37, 50)
    gradients = []
    for module in (plain, fast):
        image = x.clone().requires_grad_()
        module(image).square().sum().backward()
        gradients.append([image.grad, module.weight.grad, module.bias.grad])
    for expected, found in zip(*gradients, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-3)


def test_the_buffer_gives_what_concatenation_gives() -> None:
    torch.manual_seed(1)
    module = MSDNet(channels=3, layers=12, kernel=5).eval()
    x = torch.randn(1, 3, 40, 56)
    expected = module(x).detach()
    with torch.inference_mode():
        torch.testing.assert_close(module(x), expected, rtol=1e-4, atol=1e-5)


def test_dilations_cycle_from_one_to_ten() -> None:
    module = MSDNet(channels=1, layers=12)
    dilations = [layer[0].dilation[0] for layer in module.layers]
    assert dilations == [*range(1, 11), 1, 2]
