"""Muon follows all directions of a kernel alike, and everything else as AdamW does."""

import numpy as np
import pytest
import torch
from torch import nn

from hrtem_app.training.muon import Muon, orthogonal


@pytest.mark.parametrize("shape", [(8, 200), (64, 1600), (200, 8), (8, 8)])
def test_the_singular_values_become_alike(shape):
    rng = np.random.default_rng(3)
    u, _, v = np.linalg.svd(rng.normal(size=shape), full_matrices=False)
    given = torch.from_numpy((u * np.geomspace(1, 0.05, min(shape))) @ v).float()
    made = np.linalg.svd(orthogonal(given).numpy().astype(float), compute_uv=False)
    assert made.min() > 0.6
    assert made.max() < 1.25
    # The directions stay: of the exact answer u v hardly anything is missing.
    cosine = float((orthogonal(given).numpy() * (u @ v)).sum()) / (np.linalg.norm(made) * np.sqrt(min(shape)))
    assert cosine > 0.97


def test_other_parameters_move_as_with_adamw():
    torch.manual_seed(0)
    ours, theirs = nn.Linear(5, 3), nn.Linear(5, 3)
    theirs.load_state_dict(ours.state_dict())
    a = Muon(ours.parameters(), 0.01, 0.1)
    b = torch.optim.AdamW(theirs.parameters(), 0.01, weight_decay=0.1)
    for _ in range(20):
        x = torch.randn(7, 5)
        for module, optimiser in ((ours, a), (theirs, b)):
            optimiser.zero_grad()
            module(x).square().mean().backward()
            optimiser.step()
    assert torch.allclose(ours.weight, theirs.weight, atol=1e-6)


def test_the_size_of_a_gradient_does_not_matter_to_a_kernel():
    kernel = nn.Parameter(torch.zeros(8, 4, 5, 5))
    gradient = torch.randn(8, 4, 5, 5)
    moved = []
    for factor in (1e-3, 1e3):
        kernel.data.zero_()
        kernel.grad = gradient * factor
        Muon([kernel], 0.1, 0.0).step()
        moved.append(kernel.detach().clone())
    assert torch.allclose(moved[0], moved[1], rtol=1e-2, atol=1e-4)
    # AdamW's first step is the learning rate for each weight; Muon's is a fifth of it, as AdamW's later ones.
    assert moved[0].square().mean().sqrt() == pytest.approx(0.02, rel=0.15)


def test_refuses_a_closure():
    with pytest.raises(ValueError, match="no closure"):
        Muon([nn.Parameter(torch.zeros(8, 4, 5, 5))], 0.1, 0.0).step(lambda: 0.0)
