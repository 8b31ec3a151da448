"""Batch normalisation over the batches of several processes that train one network."""

from __future__ import annotations

from typing import cast

import torch
from torch import nn
from torch.distributed.nn import functional as collective


class SharedBatchNorm2d(nn.BatchNorm2d):
    """Batch normalisation over the batches of all processes; also on processors, where PyTorch's own has none."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(b, c, y, x) → the same shape."""
        return self.normalised(x, update=True) if self.training else super().forward(x)

    def normalised(self, x: torch.Tensor, update: bool) -> torch.Tensor:
        """With the statistics of all batches; the running ones move only if they are to be updated."""
        values = x.float()
        count = values.numel() / values.shape[1]
        sums = torch.stack([values.sum((0, 2, 3)), values.square().sum((0, 2, 3))])
        own = torch.cat([sums.flatten(), sums.new_tensor([count])])
        everywhere = cast("torch.Tensor", collective.all_reduce(own))  # type: ignore[no-untyped-call]
        number = everywhere[-1]
        mean, square = (everywhere[:-1] / number).view(2, -1)
        variance = (square - mean.square()).clamp_min(0)
        with torch.no_grad():
            moving = ((self.running_mean, mean), (self.running_var, variance * number / (number - 1)))
            for running, now in moving if update else ():
                if running is not None:
                    running.lerp_(now, self.momentum or 0.0)
            if update and self.num_batches_tracked is not None:
                self.num_batches_tracked += 1
        scale = self.weight * torch.rsqrt(variance + self.eps)
        shift = self.bias - mean * scale
        result: torch.Tensor = (values * scale[:, None, None] + shift[:, None, None]).to(x.dtype)
        return result
