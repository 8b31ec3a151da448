"""Several processes that train one network together, as `torchrun` starts them (PyTorch's DistributedDataParallel).

Everything is arranged so that n processes with b crops each take the same steps as one with n·b: the visits of a step
are shared out, the loss is a mean over all pixels of all processes, and batch normalisation uses the statistics of all.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import distributed, nn

from hrtem_app.networks.shared_norm import SharedBatchNorm2d


@contextmanager
def process_group(device: torch.device) -> Iterator[tuple[int, int]]:
    """(rank, processes) of this run; joins the others where `torchrun` started it, (0, 1) otherwise."""
    if "RANK" not in os.environ or "WORLD_SIZE" not in os.environ or distributed.is_initialized():
        yield (distributed.get_rank(), distributed.get_world_size()) if distributed.is_initialized() else (0, 1)
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield distributed.get_rank(), distributed.get_world_size()
    finally:
        distributed.destroy_process_group()


def local_device(device: torch.device) -> torch.device:
    """The GPU of this process on a machine with several, where `torchrun` started it."""
    if device.type == "cuda" and "LOCAL_RANK" in os.environ:
        return torch.device("cuda", int(os.environ["LOCAL_RANK"]))
    return device


def total(value: torch.Tensor, processes: int) -> torch.Tensor:
    """Sum over all processes, without gradient."""
    if processes > 1:
        value = value.detach().clone()
        distributed.all_reduce(value)
    return value


def share_statistics(module: nn.Module) -> nn.Module:
    """Replace every batch normalisation inside by one that all processes share; weights and names stay."""
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            shared = SharedBatchNorm2d(child.num_features, child.eps, child.momentum)
            shared.load_state_dict(child.state_dict())
            setattr(module, name, shared.to(next(child.parameters()).device))
        else:
            share_statistics(child)
    return module


def agreed(value: float, processes: int) -> float:
    """The greatest value of all processes, so that all decide alike."""
    if processes == 1:
        return value
    greatest = torch.tensor([value], dtype=torch.float64)
    if distributed.get_backend() == "nccl":
        greatest = greatest.cuda()
    distributed.all_reduce(greatest, distributed.ReduceOp.MAX)
    return float(greatest)
