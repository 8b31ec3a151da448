"""Layers in prediction: a shorter way to the same values."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from hrtem_app.networks.layers import Layer


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("outputs", [1, 3, 8])
def test_a_layer_predicts_what_its_parts_say(layout: torch.memory_format, outputs: int) -> None:
    torch.manual_seed(outputs)
    layer = Layer(4, outputs, 3).double().eval()
    norm = layer[2]
    assert isinstance(norm, nn.BatchNorm2d)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    norm.running_mean.normal_()
    norm.running_var.uniform_(0.5, 2)
    nn.init.uniform_(layer.get_parameter("1.weight"), -0.5, 1.5)
    x = torch.randn(2, 4, 9, 7, dtype=torch.float64).to(memory_format=layout)
    kept = x.clone()
    with torch.no_grad():
        expected = layer[2](layer[1](layer[0](x)))
        torch.testing.assert_close(layer(x), expected)
    torch.testing.assert_close(x, kept, rtol=0, atol=0)
    torch.testing.assert_close(layer(x).detach(), expected)  # with gradients
