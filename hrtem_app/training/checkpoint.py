"""Checkpoints: everything that a stopped training needs to go on, written whole or not at all; nothing is unpickled."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

NAME = "checkpoint.safetensors"


@dataclass
class Checkpoint:
    """Where a run is: steps done, and seconds that they took."""

    step: int = 0
    seconds: float = 0.0


def save_checkpoint(
    folder: Path, checkpoint: Checkpoint, model: nn.Module, average: nn.Module, optimiser: torch.optim.Optimizer
) -> None:
    """Write weights, averaged weights and the optimiser's state under another name, then rename."""
    tensors = {f"model.{k}": v for k, v in model.state_dict().items()}
    tensors |= {f"average.{k}": v for k, v in average.state_dict().items()}
    for index, state in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{index}.{k}": torch.as_tensor(v) for k, v in state.items()}
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    partial = folder / (NAME + ".partial")
    save_file(whole, partial, metadata={"checkpoint": json.dumps(asdict(checkpoint))})
    partial.replace(folder / NAME)


def load_checkpoint(folder: Path, model: nn.Module, average: nn.Module, optimiser: torch.optim.Optimizer) -> Checkpoint:
    """Restore what `save_checkpoint` wrote.

    Raises
    ------
    ValueError
        Where the checkpoint is damaged, or belongs to another network.
    """
    path = folder / NAME
    try:
        with safe_open(path, "pt") as file:
            checkpoint = Checkpoint(**json.loads(file.metadata()["checkpoint"]))
            parts: dict[str, dict[str, torch.Tensor]] = {"model": {}, "average": {}, "optimiser": {}}
            for name in file.keys():  # noqa: SIM118 - not a dict, it has no iterator
                part, key = name.split(".", 1)
                parts[part][key] = file.get_tensor(name)
        model.load_state_dict(parts["model"])
        average.load_state_dict(parts["average"])
    except (OSError, SafetensorError, RuntimeError, KeyError, TypeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            f"the checkpoint {path} cannot be resumed ({reason}): give the settings it was made with"
        ) from error
    content = optimiser.state_dict()
    states: dict[int, dict[str, torch.Tensor]] = {}
    for name, tensor in parts["optimiser"].items():
        index, key = name.split(".", 1)
        states.setdefault(int(index), {})[key] = tensor
    content["state"] = states
    optimiser.load_state_dict(content)
    return checkpoint
