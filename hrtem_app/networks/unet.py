"""U-net: an encoder of four levels and a decoder with one skip connection per level (thesis Figure 3.7)."""

from __future__ import annotations

import torch
from torch import nn

from hrtem_app.networks.layers import CLASSES, Block, Layer, pooled, upsampled


class UNet(nn.Module):
    """U-net with widths c, 2c, 4c, 8c; 15392c² + 547c + 4 trainable parameters for three frames.

    Parameters
    ----------
    channels
        c.
    frames
        Frames of the series, the input channels.
    """

    divisor = 8
    cpu_layout = torch.contiguous_format

    def __init__(self, channels: int = 8, frames: int = 3) -> None:
        super().__init__()
        widths = [channels * 2**level for level in range(4)]
        self.down = nn.ModuleList(Block(i, w) for i, w in zip([frames, *widths], widths, strict=False))
        self.halve = nn.ModuleList(Layer(2 * w, w, 1) for w in widths[:3])
        self.up = nn.ModuleList(Block(2 * w, w) for w in widths[:3])
        self.head = nn.Conv2d(channels, CLASSES, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(b, frames, y, x) → logits (b, 4, y, x); y and x must be multiples of 8."""
        skips = []
        for level, block in enumerate(self.down):
            x = block(x if level == 0 else pooled(x))
            skips.append(x)
        for level in (2, 1, 0):
            x = self.up[level](torch.cat([skips[level], self.halve[level](upsampled(x))], dim=1))
        logits: torch.Tensor = self.head(x)
        return logits
