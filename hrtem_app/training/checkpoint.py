"""Checkpoints: everything that a stopped training needs to go on, written whole or not at all; nothing is unpickled."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

NAME = "checkpoint.safetensors"


@dataclass
class Checkpoint:
    """Where a run is.

    The data need no more than the step: a visit's number decides what it shows.

    Parameters
    ----------
    step
        Steps done.
    seconds
        That they took.
    validated
        Validations done.
    best, best_step
        Highest score of a validation (`validation.CHOSEN_BY`), and its step; -1: none yet.
    best_f1
        Atomic F1 of that validation, every column for itself.
    worse
        Validations since then.
    started_from
        Name of the weights file that the run began with; None: with weights at random.
    """

    step: int = 0
    seconds: float = 0.0
    validated: int = 0
    best: float = -1.0
    best_step: int = 0
    best_f1: float = 0.0
    worse: int = 0
    started_from: str | None = None


@dataclass(frozen=True, eq=False)
class State:
    """All that a training changes, beside its checkpoint.

    Parameters
    ----------
    model, average
        The network, and its averaged weights.
    optimiser
        With the state of each parameter.
    told
        The settings of the run; a checkpoint is not resumed with others.
    """

    model: nn.Module
    average: nn.Module
    optimiser: torch.optim.Optimizer
    told: dict[str, Any]


def save_tensors(tensors: dict[str, torch.Tensor], path: Path, metadata: dict[str, str]) -> None:
    """Write a file of tensors under another name, see it on the disk, then rename it."""
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    partial = path.with_name(path.name + ".partial")
    save_file(whole, partial, metadata=metadata)
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    partial.replace(path)


def save_checkpoint(folder: Path, checkpoint: Checkpoint, state: State) -> None:
    """Write everything that `load_checkpoint` restores."""
    tensors = {f"model.{k}": v for k, v in state.model.state_dict().items()}
    tensors |= {f"average.{k}": v for k, v in state.average.state_dict().items()}
    for index, values in state.optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{index}.{k}": torch.as_tensor(v) for k, v in values.items()}
    tensors["random.cpu"] = torch.get_rng_state()
    if torch.cuda.is_available():
        tensors["random.cuda"] = torch.cuda.get_rng_state()
    metadata = {"checkpoint": json.dumps(asdict(checkpoint)), "told": json.dumps(state.told)}
    save_tensors(tensors, folder / NAME, metadata)


def load_checkpoint(folder: Path, state: State) -> Checkpoint:
    """Restore what `save_checkpoint` wrote.

    Raises
    ------
    ValueError
        Where the checkpoint is damaged, or belongs to a run of other settings; names the first that differs.
    """
    path = folder / NAME
    parts: dict[str, dict[str, torch.Tensor]] = {"model": {}, "average": {}, "optimiser": {}, "random": {}}
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata()
            checkpoint = Checkpoint(**json.loads(metadata["checkpoint"]))
            told = json.loads(metadata["told"])
            for name in file.keys():  # noqa: SIM118 - not a dict, it has no iterator
                part, key = name.split(".", 1)
                parts[part][key] = file.get_tensor(name)
    except (OSError, SafetensorError, RuntimeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"the checkpoint {path} cannot be resumed ({str(error).splitlines()[0]}): begin again in another folder"
        ) from error
    difference = first_difference(told, state.told)
    if difference:
        raise ValueError(f"the checkpoint {path} belongs to another run: {difference}; give the settings it had")
    try:
        state.model.load_state_dict(parts["model"])
        state.average.load_state_dict(parts["average"])
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"the checkpoint {path} cannot be resumed ({reason}): give the settings it had") from error
    content = state.optimiser.state_dict()
    states: dict[int, dict[str, torch.Tensor]] = {}
    for name, tensor in parts["optimiser"].items():
        index, key = name.split(".", 1)
        states.setdefault(int(index), {})[key] = tensor
    content["state"] = states
    state.optimiser.load_state_dict(content)
    torch.set_rng_state(parts["random"]["cpu"])
    if torch.cuda.is_available() and "cuda" in parts["random"]:
        torch.cuda.set_rng_state(parts["random"]["cuda"])
    return checkpoint


def first_difference(old: Any, new: Any, name: str = "") -> str:
    """The first field in which two JSON contents differ, with both values; empty where they do not."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            found = first_difference(old.get(key), new.get(key), f"{name}.{key}".lstrip("."))
            if found:
                return found
        return ""
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        pairs = enumerate(zip(old, new, strict=True))
        return next((d for i, (a, b) in pairs if (d := first_difference(a, b, f"{name}[{i}]"))), "")
    return "" if old == new else f"{name} was {json.dumps(old)} and is now {json.dumps(new)}"
