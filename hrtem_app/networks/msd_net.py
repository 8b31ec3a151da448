"""MSD-net: densely connected layers of dilated convolutions at full resolution (Pelt and Sethian 2018)."""

from __future__ import annotations

import torch
from torch import nn

from hrtem_app.networks.layers import CLASSES, Layer

DILATIONS = 10


class DilatedConv2d(nn.Conv2d):
    """A convolution that runs as the equivalent transposed one on CPUs.

    With stride 1 a convolution is the transposed convolution with the kernel turned by 180° and its channels
    swapped. PyTorch has
    no fast CPU kernel for the gradients of dilated convolutions with few output channels, but it has for their
    transposes: a training step of MSD-net(3, 25, 5) takes a tenth of the time, with the same result.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(b, inputs, y, x) → (b, outputs, y, x)."""
        if x.device.type != "cpu":
            return super().forward(x)
        kernel = self.weight.flip(2, 3).transpose(0, 1)
        return nn.functional.conv_transpose2d(x, kernel, self.bias, padding=self.padding, dilation=self.dilation)  # type: ignore[arg-type]


class MSDNet(nn.Module):
    """Mixed-scale dense network: layer i takes the outputs of all layers before it; dilations cycle through 1…10.

    Parameters
    ----------
    channels
        Channels of each layer.
    layers
        Number of layers.
    kernel
        Side of the kernels.
    frames
        Frames of the series; they feed layer 0 alone.
    """

    divisor = 1
    cpu_layout = torch.channels_last

    def __init__(self, channels: int = 3, layers: int = 25, kernel: int = 5, frames: int = 3) -> None:
        super().__init__()
        self.channels = channels
        inputs = [frames, *(i * channels for i in range(1, layers))]
        self.layers = nn.ModuleList(
            Layer(n, channels, kernel, 1 + i % DILATIONS, convolution=DilatedConv2d) for i, n in enumerate(inputs)
        )
        self.head = nn.Conv2d(layers * channels, CLASSES, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(b, frames, y, x) → logits (b, 4, y, x), any size."""
        logits: torch.Tensor = self.head(self._dense(x) if torch.is_grad_enabled() else self._in_place(x))
        return logits

    def _dense(self, x: torch.Tensor) -> torch.Tensor:
        features: torch.Tensor = self.layers[0](x)
        for layer in self.layers[1:]:
            features = torch.cat([features, layer(features)], dim=1)
        return features

    def _in_place(self, x: torch.Tensor) -> torch.Tensor:
        """Without gradients every feature is written once into one buffer, of which each layer reads the front."""
        batch, _, height, width = x.shape
        shape = (batch, self.channels * len(self.layers), height, width)
        # Channels last: in contiguous layout the dilated convolutions take twice as long on a CPU.
        features = torch.empty(shape, dtype=x.dtype, device=x.device, memory_format=torch.channels_last)
        for i, layer in enumerate(self.layers):
            start = i * self.channels
            features[:, start : start + self.channels] = layer(x if i == 0 else features[:, :start])
        return features
