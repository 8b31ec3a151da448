"""The backward pass of a dense stack, block by block, from the sums that its layers kept."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from hrtem_app.networks.dense_parts import (
    activated,
    columns_of,
    convolution_of,
    later_groups,
    layer_at,
    pulled_back,
    side_by_side,
    together,
)
from hrtem_app.networks.layers import Layer


class Backward:
    """Gradients on their way from the last block to the first."""

    def __init__(
        self,
        x: torch.Tensor,
        sums: Sequence[torch.Tensor],
        layers: nn.ModuleList,
        head: nn.Conv2d,
        of_logits: torch.Tensor,
    ) -> None:
        self.x, self.sums, self.layers, self.head = x, sums, layers, head
        self.of_logits = of_logits.contiguous(memory_format=torch.channels_last)
        self.of_sums: list[torch.Tensor] = [x] * len(layers)
        self.of_input = x
        named = [("layers." + n, p) for n, p in layers.named_parameters()]
        named += [("head." + n, p) for n, p in head.named_parameters()]
        self.gradients: dict[str, torch.Tensor] = {name: torch.zeros_like(p) for name, p in named}
        self.gradients["head.bias"] = of_logits.sum((0, 2, 3), dtype=_at_least_single(of_logits))

    def block(self, part: range, block: int) -> None:
        """Everything of one block; the later ones are done."""
        layers = self.layers
        outputs = [activated(layer_at(layers, i), self.sums[i], update=False) for i in part]
        features = together(outputs)
        columns = columns_of(layers, 0, 1)  # of one layer
        channels = columns.stop - columns.start
        place = slice(part.start * channels, part.stop * channels)
        of_features, of_weight = pulled_back(
            self.of_logits, features, self.head.weight[:, place].to(features.dtype), dilation=1
        )
        self.gradients["head.weight"][:, place] = of_weight
        for later in later_groups(part, len(layers), block):
            weight, _ = side_by_side(layers, later, columns_of(layers, part.start, part.stop), False)
            dilation = convolution_of(layer_at(layers, later[0])).dilation[0]
            arriving = together([self.of_sums[j] for j in later])
            of_input, of_weight = pulled_back(arriving, features, weight.to(features.dtype), dilation)
            of_features += of_input
            for j, piece in zip(later, torch.split(of_weight, channels, dim=0), strict=True):
                self.gradients[f"layers.{j}.0.weight"][:, columns_of(layers, part.start, part.stop)] = piece
        for place_in_block, i in reversed(list(enumerate(part))):
            own = slice(place_in_block * channels, (place_in_block + 1) * channels)
            self._through_layer(i, part, outputs[:place_in_block], of_features, own)

    def _through_layer(
        self, i: int, part: range, before: list[torch.Tensor], of_features: torch.Tensor, own: slice
    ) -> None:
        layer = layer_at(self.layers, i)
        self.of_sums[i] = self._activation(i, layer, of_features[:, own])
        self.gradients[f"layers.{i}.0.bias"] = self.of_sums[i].sum((0, 2, 3), dtype=_at_least_single(self.x))
        convolution = convolution_of(layer)
        if i == 0:
            weight = convolution.weight.to(self.x.dtype)
            self.of_input, of_weight = pulled_back(self.of_sums[0], self.x, weight, convolution.dilation[0])
            self.gradients["layers.0.0.weight"] = of_weight
        elif before:
            columns = columns_of(self.layers, part.start, i)
            weight = convolution.weight[:, columns].to(self.x.dtype)
            of_input, of_weight = pulled_back(self.of_sums[i], together(before), weight, convolution.dilation[0])
            of_features[:, : own.start] += of_input
            self.gradients[f"layers.{i}.0.weight"][:, columns] = of_weight

    def _activation(self, i: int, layer: Layer, of_output: torch.Tensor) -> torch.Tensor:
        """Gradient of the sum; those of slope, scale and shift are put away."""
        with torch.enable_grad():
            value = self.sums[i].detach().requires_grad_()
            output = activated(layer, value, update=False)
            names = ["1.weight", "2.weight", "2.bias"]
            parameters = [layer.get_parameter(name) for name in names]
            found = torch.autograd.grad(output, [value, *parameters], of_output)
        for name, gradient in zip(names, found[1:], strict=True):
            self.gradients[f"layers.{i}.{name}"] = gradient
        return found[0]


def _at_least_single(x: torch.Tensor) -> torch.dtype:
    """Sums over an image lose too much in half precision."""
    return torch.promote_types(x.dtype, torch.float32)
