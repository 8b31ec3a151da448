"""The loss: cross-entropy, with a weight for each class and for the rims of disks, and a focal term if wanted."""

from __future__ import annotations

import torch
from torch import nn

from hrtem_app.training.distributed import total


def mean_loss(
    logits: torch.Tensor,
    labels: torch.Tensor,
    weight: torch.Tensor,
    focal: float = 0.0,
    rim_weight: float = 1.0,
    processes: int = 1,
) -> torch.Tensor:
    """Cross-entropy averaged over the pixels of all processes, each with the weight of its class.

    Parameters
    ----------
    logits, labels
        (b, classes, y, x) float32 and (b, y, x).
    weight
        (classes,).
    focal
        Exponent γ of the factor (1-p)^γ (Lin et al., ICCV 2017); 0: none.
    rim_weight
        Factor for the pixels on both sides of the edge of a disk.
    processes
        Whose gradients will be averaged.
    """
    weights = weight[labels]
    if rim_weight != 1:
        weights = torch.where(rim_pixels(labels), rim_weight * weights, weights)
    lost = nn.functional.cross_entropy(logits, labels, reduction="none")
    if focal:
        lost = lost * (1 - (-lost).exp()) ** focal
    return (weights * lost).sum() * processes / total(weights.sum(), processes)


def rim_pixels(labels: torch.Tensor) -> torch.Tensor:
    """(b, y, x) whether any of the eight neighbours of a pixel has another class.

    Parameters
    ----------
    labels
        (b, y, x) class per pixel.
    """
    classes = labels.float()[:, None]
    highest, lowest = (nn.functional.max_pool2d(sign * classes, 3, stride=1, padding=1) for sign in (1, -1))
    return (highest != -lowest)[:, 0]
