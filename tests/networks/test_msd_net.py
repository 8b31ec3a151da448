"""MSD-net in one buffer against the plain one with concatenations, which is the oracle here."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from hrtem_app.networks.dense_parts import pulled_back
from hrtem_app.networks.msd_net import MSDNet


def plain(net: MSDNet, x: torch.Tensor) -> torch.Tensor:
    """As the paper and the thesis have it: every layer takes the concatenation of all outputs before it."""
    features: torch.Tensor = net.layers[0](x)
    for layer in net.layers[1:]:
        features = torch.cat([features, layer(features)], dim=1)
    logits: torch.Tensor = net.head(features)
    return logits


def network(channels: int, layers: int, dtype: torch.dtype = torch.float64) -> MSDNet:
    """Weights, scales and shifts at random, so that nothing can be left out unnoticed."""
    torch.manual_seed(channels * 100 + layers)
    net = MSDNet(channels, layers).to(dtype)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight)
            nn.init.normal_(module.bias)
        if isinstance(module, nn.PReLU):
            nn.init.uniform_(module.weight, -0.5, 1.5)
    return net


def gradients(net: MSDNet, forward: object, dtype: torch.dtype) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Loss, and the gradients of the image and all parameters."""
    torch.manual_seed(3)
    x = torch.randn(2, 3, 36, 44, dtype=dtype, requires_grad=True)
    labels = torch.randint(0, 4, (2, 36, 44))
    loss = nn.functional.cross_entropy(forward(x), labels)  # type: ignore[operator]
    loss.backward()  # type: ignore[no-untyped-call]
    found = {name: p.grad for name, p in net.named_parameters() if p.grad is not None}
    assert x.grad is not None
    return loss.detach(), found | {"image": x.grad}


# One layer, one block not full, exactly full, the first layer of the second block, three blocks.
SHAPES = [(2, 1), (3, 9), (2, 10), (2, 11), (8, 12), (3, 25)]


@pytest.mark.parametrize(("channels", "layers"), SHAPES)
def test_loss_gradients_and_statistics_are_those_of_the_plain_network(channels: int, layers: int) -> None:
    net = network(channels, layers).train()
    oracle = copy.deepcopy(net)
    loss, found = gradients(net, net, torch.float64)
    expected_loss, expected = gradients(oracle, lambda x: plain(oracle, x), torch.float64)
    torch.testing.assert_close(loss, expected_loss, rtol=1e-10, atol=0)
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-7, atol=1e-9 * float(gradient.abs().max()))
    for (name, mine), theirs in zip(net.named_buffers(), oracle.buffers(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-9, atol=1e-12, msg=name)


def test_gradients_in_single_precision_are_within_1e_5() -> None:
    net = network(3, 25, torch.float32).train()
    oracle = copy.deepcopy(net)
    _, found = gradients(net, net, torch.float32)
    _, expected = gradients(oracle, lambda x: plain(oracle, x), torch.float32)
    difference = sum(float((found[name] - g).square().sum()) for name, g in expected.items()) ** 0.5
    assert difference < 1e-5 * sum(float(g.square().sum()) for g in expected.values()) ** 0.5


@pytest.mark.parametrize(("channels", "layers"), SHAPES)
@pytest.mark.parametrize("gradient", [False, True])
def test_predictions_are_those_of_the_plain_network(channels: int, layers: int, gradient: bool) -> None:
    net = network(channels, layers).eval()
    x = torch.randn(1, 3, 20, 28, dtype=torch.float64)
    with torch.set_grad_enabled(gradient):
        torch.testing.assert_close(net(x).detach(), plain(net, x).detach(), rtol=1e-9, atol=1e-9)


def test_the_backward_pass_of_a_network_in_evaluation_mode_is_right_too() -> None:
    net = network(2, 12).eval()
    oracle = copy.deepcopy(net)
    _, found = gradients(net, net, torch.float64)
    _, expected = gradients(oracle, lambda x: plain(oracle, x), torch.float64)
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-7, atol=1e-9 * float(gradient.abs().max()))


def test_what_is_kept_for_the_backward_pass_grows_with_the_layers_not_with_their_square() -> None:
    def kept(forward: object) -> float:
        """Values kept, in units of one channel of the image."""
        storages: dict[int, int] = {}

        def pack(tensor: torch.Tensor) -> torch.Tensor:
            storages[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        x = torch.randn(1, 3, 48, 48)
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            logits = forward(x)  # type: ignore[operator]
        held = sum(storages.values()) / (4 * 48 * 48)
        logits.sum().backward()
        return held

    net = network(2, 30, torch.float32).train()
    # 60 features and the image; weights are small change here.
    assert kept(net) < 1.3 * 60 + 3 + 20
    assert kept(lambda x: plain(net, x)) > 900


def test_bfloat16_keeps_to_the_result() -> None:
    net = network(3, 21, torch.float32).train()
    oracle = copy.deepcopy(net)
    with torch.autocast("cpu", torch.bfloat16):
        _, found = gradients(net, net, torch.float32)
    _, expected = gradients(oracle, lambda x: plain(oracle, x), torch.float32)
    for name in ("layers.0.0.weight", "layers.20.0.weight", "layers.7.1.weight", "head.weight", "image"):
        cosine = nn.functional.cosine_similarity(found[name].flatten(), expected[name].flatten(), dim=0)
        assert cosine > 0.97, name


@pytest.mark.parametrize("dilation", [1, 3, 10])
def test_gradients_of_the_turned_convolution_are_those_of_the_convolution(dilation: int) -> None:
    x = torch.randn(2, 6, 24, 20, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(4, 6, 5, 5, dtype=torch.float64, requires_grad=True)
    out = nn.functional.conv2d(x, weight, padding=2 * dilation, dilation=dilation)
    arriving = torch.randn_like(out)
    expected = torch.autograd.grad(out, (x, weight), arriving)
    for mine, theirs in zip(pulled_back(arriving, x.detach(), weight.detach(), dilation), expected, strict=True):
        torch.testing.assert_close(mine, theirs)


def test_dilations_cycle_from_one_to_ten() -> None:
    dilations = [layer.get_submodule("0").dilation for layer in MSDNet(channels=1, layers=12).layers]
    assert dilations == [(d, d) for d in (*range(1, 11), 1, 2)]
