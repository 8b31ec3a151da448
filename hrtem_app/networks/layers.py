"""The layer and the block that all networks are made of (parameter counts derived from the thesis' Tables 2 and 3)."""

from __future__ import annotations

import torch
from torch import nn

CLASSES = 4  # three column classes and the background


class Layer(nn.Sequential):
    """Conv2d with bias and same padding → PReLU with one slope per channel → BatchNorm.

    Parameters
    ----------
    inputs, outputs
        Channels.
    kernel
        Side of the kernel, odd.
    dilation
        Of the kernel.
    convolution
        The module that convolves.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int, dilation: int = 1, convolution: type[nn.Conv2d] = nn.Conv2d
    ) -> None:
        super().__init__(
            convolution(inputs, outputs, kernel, padding=dilation * (kernel // 2), dilation=dilation),
            nn.PReLU(outputs),
            nn.BatchNorm2d(outputs),
        )


class Block(nn.Module):
    """Five 5×5 layers; the fifth takes the first's and the fourth's output together.

    Parameters
    ----------
    inputs, width
        Channels that come in, and that every layer gives.
    """

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.first = Layer(inputs, width, 5)
        self.middle = nn.Sequential(*(Layer(width, width, 5) for _ in range(3)))
        self.last = Layer(2 * width, width, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first = self.first(x)
        result: torch.Tensor = self.last(torch.cat([first, self.middle(first)], dim=1))
        return result


def upsampled(x: torch.Tensor) -> torch.Tensor:
    """Twice as many pixels along both axes, bilinear."""
    return nn.functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def pooled(x: torch.Tensor) -> torch.Tensor:
    """Half as many pixels along both axes, the maximum of each 2×2."""
    return nn.functional.max_pool2d(x, 2)


def parameter_count(module: nn.Module) -> int:
    """Number of trainable parameters."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)
