"""The loss: cross-entropy, with a weight for each class and a focal term if wanted."""

from __future__ import annotations

import torch
from torch import nn

from hrtem_app.training.distributed import total


def mean_loss(
    logits: torch.Tensor, labels: torch.Tensor, weight: torch.Tensor, focal: float = 0.0, processes: int = 1
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
    processes
        Whose gradients will be averaged.
    """
    if focal:
        log_p = torch.log_softmax(logits, dim=1).gather(1, labels[:, None])[:, 0]
        summed = -(weight[labels] * (1 - log_p.exp()) ** focal * log_p).sum()
    else:
        summed = nn.functional.cross_entropy(logits, labels, weight, reduction="sum")
    return summed * processes / total(weight[labels].sum(), processes)
