"""A network of five dilated convolutions, small enough to train over a coffee."""

from __future__ import annotations

import torch
from torch import nn

# Background and the classes of MoS2: Mo, 2S, 1S, in the order of the labels.
OUTPUTS = 4


class TinyNet(nn.Module):
    """Five 3×3 convolutions with dilations 1, 2, 4, 8, 1, which see 33 pixels (7 Å at 0.22 Å/px) around each one.

    Parameters
    ----------
    channels
        Features of each layer.
    frames
        Frames of the series, the input channels.
    """

    def __init__(self, channels: int = 16, frames: int = 3) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        width = frames
        for dilation in (1, 2, 4, 8, 1):
            layers += [
                nn.Conv2d(width, channels, 3, padding=dilation, dilation=dilation, padding_mode="reflect"),
                nn.BatchNorm2d(channels),
                nn.ReLU(inplace=True),
            ]
            width = channels
        self.features = nn.Sequential(*layers)
        self.head = nn.Conv2d(channels, OUTPUTS, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(b, frames, y, x) standardised frames → logits (b, 4, y, x)."""
        logits: torch.Tensor = self.head(self.features(x))
        return logits
