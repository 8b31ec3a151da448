"""MSD-net: densely connected layers of dilated convolutions at full resolution (Pelt and Sethian 2018)."""

from __future__ import annotations

import torch
from torch import nn

from hrtem_app.networks.dense import dense_logits
from hrtem_app.networks.layers import CLASSES, Layer

DILATIONS = 10


class MSDNet(nn.Module):
    """Mixed-scale dense network: layer i takes the outputs of all layers before it; dilations cycle through 1…10.

    Memory grows with the number of layers, not with its square, in training as in prediction; see `dense`.

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
        self.layers = nn.ModuleList(Layer(n, channels, kernel, 1 + i % DILATIONS) for i, n in enumerate(inputs))
        self.head = nn.Conv2d(layers * channels, CLASSES, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(b, frames, y, x) → logits (b, 4, y, x), any size."""
        return dense_logits(x, self.layers, self.head, DILATIONS)
