"""Weights: where they begin, how they are averaged along a training, and what is taken off them at its end."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from torch import nn

from hrtem_app.networks.catalog import load_network_file
from hrtem_app.training.settings import TrainingError


def start_from(path: str | Path, model: nn.Module, network: str, arguments: dict[str, int]) -> None:
    """Load the weights of a trained network into a new one of the same architecture.

    The number of frames may differ: the kernels that look at them are summed and shared out equally, so that frames
    which are all alike give the same response as before.

    Parameters
    ----------
    path
        Weights file, its card beside it.
    model
        Takes the weights.
    network, arguments
        Its architecture.

    Raises
    ------
    TrainingError
        For weights of another architecture, or of other arguments than the number of frames.
    """
    module, card = load_network_file(path)
    had, wanted = (dict(values, frames=0) for values in (card.settings, arguments))
    if card.architecture != network or had != wanted:
        raise TrainingError(
            f"the weights {path} are of {card.architecture} {card.settings}, the new network is {network} "
            f"{arguments}: start from weights of the same architecture and channels"
        )
    weights = module.state_dict()
    for name, tensor in model.state_dict().items():
        old = weights[name]
        if old.shape != tensor.shape:
            shared = old.sum(dim=1, keepdim=True) / tensor.shape[1]
            weights[name] = shared.expand_as(tensor).clone(memory_format=torch.contiguous_format)
    model.load_state_dict(weights)


@torch.no_grad()
def update_average(average: nn.Module, model: nn.Module, decay: float) -> None:
    """Move the averaged weights, and the statistics of batch normalisation, towards those of the model."""
    for old, new in zip(average.state_dict().values(), model.state_dict().values(), strict=True):
        if old.is_floating_point():
            old.lerp_(new, 1 - decay)
        else:
            old.copy_(new)


@torch.no_grad()
def correct_prior(module: nn.Module, index: int, factor: float) -> None:
    """Take back that a class was shown, or weighted, `factor` times too much.

    A network trained so gives probabilities in proportion to that factor (Saerens et al., Neural Computation 14, 21,
    2002). Its logarithm, taken off the bias of the class in the head, makes vacancies as frequent as they are.
    """
    head = module.get_submodule("head")
    if not isinstance(head, nn.Conv2d) or head.bias is None:
        raise TypeError(
            f"{type(module).__name__} has no convolution with a bias as its head, so its priors cannot be corrected"
        )
    head.bias[index] -= math.log(factor)
