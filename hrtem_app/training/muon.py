"""Muon: gradients made orthogonal before they are followed, for the kernels of convolutions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn

# Kernels with fewer outputs than this (the head) are no matrices worth the name.
_LEAST_OUTPUTS = 5
# Quintic iteration of Jordan et al.: singular values end between 0.7 and 1.2, which is near enough to 1.
_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5
_MOMENTUM = 0.95
# Root mean square of AdamW's usual update, so that both parts share one learning rate.
_UPDATE = 0.2
_BETAS = (0.9, 0.999)
_TINY = 1e-8


class Muon(torch.optim.Optimizer):
    """Muon for convolution kernels, AdamW for all other parameters, at one learning rate.

    A kernel (outputs, inputs, y, x) counts as the matrix (outputs, inputs · y · x). Its gradient, with Nesterov's
    momentum, is replaced by the nearest matrix whose singular values are all 1, so that rare directions (those of a
    rare class, say) are followed as fast as common ones. PyTorch's own Muon takes matrices only.

    Sources: K. Jordan et al., "Muon: an optimizer for hidden layers in neural networks" (2024), for the method and the
    iteration; J. Liu et al., arXiv:2502.16982 (2025), for the scale 0.2 √max(rows, columns) that matches AdamW's.

    Parameters
    ----------
    parameters
        Of a network.
    lr
        Learning rate of both parts.
    weight_decay
        Decoupled, of both parts.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], lr: float, weight_decay: float) -> None:
        everything = list(parameters)
        kernels = [p for p in everything if _is_kernel(p)]
        others = [p for p in everything if not _is_kernel(p)]
        groups = [{"params": part, "muon": muon} for part, muon in ((kernels, True), (others, False)) if part]
        super().__init__(groups, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Follow the gradients once."""
        if closure is not None:
            raise ValueError("Muon evaluates no closure: calculate the gradients before the step")
        for group in self.param_groups:
            for parameter in group["params"]:
                gradient = parameter.grad
                if gradient is None:
                    continue
                update = (_muon if group["muon"] else _adam)(gradient, self.state[parameter])
                parameter.mul_(1 - group["lr"] * group["weight_decay"]).add_(update, alpha=-group["lr"])


def orthogonal(matrix: torch.Tensor) -> torch.Tensor:
    """The nearest matrix with singular values of about 1, by Newton and Schulz' iteration.

    Parameters
    ----------
    matrix
        (rows, columns).
    """
    a, b, c = _COEFFICIENTS
    x: torch.Tensor = matrix / (matrix.norm() + _TINY)
    tall = x.shape[0] > x.shape[1]
    x = x.mT if tall else x
    for _ in range(_ITERATIONS):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return x.mT if tall else x


def _is_kernel(parameter: nn.Parameter) -> bool:
    return parameter.ndim == 4 and len(parameter) >= _LEAST_OUTPUTS


def _muon(gradient: torch.Tensor, state: dict[str, Any]) -> torch.Tensor:
    if not state:
        state["momentum"] = torch.zeros_like(gradient)
    momentum = state["momentum"].lerp_(gradient, 1 - _MOMENTUM)
    matrix = gradient.lerp(momentum, _MOMENTUM).flatten(1)
    update: torch.Tensor = orthogonal(matrix).reshape(gradient.shape) * (_UPDATE * max(matrix.shape) ** 0.5)
    return update


def _adam(gradient: torch.Tensor, state: dict[str, Any]) -> torch.Tensor:
    if not state:
        state |= {"mean": torch.zeros_like(gradient), "square": torch.zeros_like(gradient), "step": torch.zeros(())}
    state["step"] += 1
    mean = state["mean"].lerp_(gradient, 1 - _BETAS[0])
    square = state["square"].lerp_(gradient.square(), 1 - _BETAS[1])
    step = float(state["step"])
    update: torch.Tensor = (mean / (1 - _BETAS[0] ** step)) / ((square / (1 - _BETAS[1] ** step)).sqrt() + _TINY)
    return update
