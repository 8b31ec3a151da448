"""U-net++: the U-net's encoder, with inner nodes of 1×1 layers on the skip connections."""

from __future__ import annotations

import torch
from torch import nn

from hrtem_app.networks.layers import CLASSES, Block, Layer, pooled, upsampled


class UNetPlusPlus(nn.Module):
    """U-net++ without deep supervision; 16044c² + 535c + 4 trainable parameters for three frames.

    Nodes are called X(level, step) as in the U-net++ paper (Zhou et al. 2018): level 0 has full resolution, step 0
    is the encoder.

    Parameters
    ----------
    channels
        c; the levels have c, 2c, 4c, 8c.
    frames
        Frames of the series, the input channels.
    """

    divisor = 8
    cpu_layout = torch.contiguous_format

    def __init__(self, channels: int = 8, frames: int = 3) -> None:
        super().__init__()
        c = channels
        widths = [c, 2 * c, 4 * c, 8 * c]
        self.down = nn.ModuleList(Block(i, w) for i, w in zip([frames, *widths], widths, strict=False))
        self.x01, self.x11, self.x02 = Layer(3 * c, c, 1), Layer(6 * c, 2 * c, 1), Layer(4 * c, c, 1)
        self.x21, self.x12, self.x03 = Block(12 * c, 4 * c), Block(8 * c, 2 * c), Block(5 * c, c)
        self.head = nn.Conv2d(c, CLASSES, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(b, frames, y, x) → logits (b, 4, y, x); y and x must be multiples of 8."""
        x00 = self.down[0](x)
        x10 = self.down[1](pooled(x00))
        x20 = self.down[2](pooled(x10))
        x30 = self.down[3](pooled(x20))
        x01 = self.x01(torch.cat([x00, upsampled(x10)], dim=1))
        x11 = self.x11(torch.cat([x10, upsampled(x20)], dim=1))
        x02 = self.x02(torch.cat([x00, x01, upsampled(x11)], dim=1))
        x21 = self.x21(torch.cat([x20, upsampled(x30)], dim=1))
        x12 = self.x12(torch.cat([x10, x11, upsampled(x21)], dim=1))
        x03 = self.x03(torch.cat([x00, x01, x02, upsampled(x12)], dim=1))
        logits: torch.Tensor = self.head(x03)
        return logits
