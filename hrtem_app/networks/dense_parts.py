"""Parts of a dense stack: its convolutions, taken together or apart, and its activations."""

from __future__ import annotations

import torch
from torch import nn

from hrtem_app.networks.layers import Layer, rectified_and_normalised
from hrtem_app.networks.shared_norm import SharedBatchNorm2d


def activated(layer: Layer, value: torch.Tensor, *, update: bool, overwrite: bool = False) -> torch.Tensor:
    """PReLU and batch normalisation of a layer.

    Parameters
    ----------
    layer
        Whose.
    value
        (b, c, y, x), what came out of its convolutions.
    update
        Whether the running statistics move.
    overwrite
        Whether the value is needed no longer.
    """
    norm = layer[2]
    if not isinstance(norm, nn.BatchNorm2d):
        raise TypeError(f"a Layer ends with batch normalisation, not with {type(norm).__name__}")
    if overwrite and not torch.is_grad_enabled() and not norm.training:
        value = value.contiguous(memory_format=torch.channels_last)
        return rectified_and_normalised(value, layer.get_parameter("1.weight"), norm)
    rectified = nn.functional.prelu(value, layer.get_parameter("1.weight").to(value.dtype))
    if update or not norm.training:
        result: torch.Tensor = norm(rectified)
        return result
    if isinstance(norm, SharedBatchNorm2d):
        return norm.normalised(rectified, update=False)
    return nn.functional.batch_norm(rectified, None, None, norm.weight, norm.bias, True, 0.0, norm.eps)


def convolve(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, dilation: int) -> torch.Tensor:
    padding = dilation * (weight.shape[-1] // 2)
    shift = None if bias is None else bias.to(x.dtype)
    return nn.functional.conv2d(x, weight.to(x.dtype), shift, padding=padding, dilation=dilation)


def pulled_back(
    of_output: torch.Tensor, x: torch.Tensor, weight: torch.Tensor, dilation: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Gradients of the input and the weights of a convolution.

    On processors it is treated as the transposed convolution that it equals with its kernel turned by 180° and its
    channels swapped: PyTorch's own gradients of dilated ones are slow there, and crash in bfloat16.
    """
    padding = dilation * (weight.shape[-1] // 2)
    turned = x.device.type == "cpu"
    kernel = weight.flip(2, 3).transpose(0, 1) if turned else weight
    of_input, of_kernel, _ = torch.ops.aten.convolution_backward(
        of_output, x, kernel, None, [1, 1], [padding] * 2, [dilation] * 2, turned, [0, 0], 1, [True, True, False]
    )
    return of_input, of_kernel.transpose(0, 1).flip(2, 3) if turned else of_kernel


def later_groups(part: range, layers: int, block: int) -> list[list[int]]:
    """Layers of later blocks, those of one dilation together."""
    groups = [list(range(part.start + place + block, layers, block)) for place in range(block)]
    return [group for group in groups if group]


def side_by_side(
    layers: nn.ModuleList, group: list[int], columns: slice, first: bool
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Weights and, for the first block, biases of several layers side by side."""
    convolutions = [convolution_of(layer_at(layers, j)) for j in group]
    weight = torch.cat([convolution.weight[:, columns] for convolution in convolutions])
    biases = [convolution.bias for convolution in convolutions if convolution.bias is not None]
    return weight, torch.cat(biases) if first and biases else None


def columns_of(layers: nn.ModuleList, start: int, stop: int) -> slice:
    """Input channels of a later layer that the outputs of some layers feed."""
    channels = convolution_of(layer_at(layers, 0)).out_channels
    return slice(start * channels, stop * channels)


def together(parts: list[torch.Tensor]) -> torch.Tensor:
    whole = parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)
    return whole.contiguous(memory_format=torch.channels_last)


def added(total: torch.Tensor | None, more: torch.Tensor) -> torch.Tensor:
    return more if total is None else total.add_(more)


def layer_at(layers: nn.ModuleList, i: int) -> Layer:
    layer = layers[i]
    if not isinstance(layer, Layer):
        raise TypeError(f"a dense stack is made of Layers, not of {type(layer).__name__}")
    return layer


def convolution_of(layer: Layer) -> nn.Conv2d:
    convolution = layer[0]
    if not isinstance(convolution, nn.Conv2d):
        raise TypeError(f"a Layer begins with a convolution, not with {type(convolution).__name__}")
    return convolution
