"""Which processor the networks run on."""

from __future__ import annotations

import torch


def available_devices() -> tuple[str, ...]:
    """Names of the devices that this machine offers, the fastest kind first, `cpu` last."""
    cuda = [f"cuda:{i}" for i in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    return (*cuda, *(["mps"] if torch.backends.mps.is_available() else []), "cpu")


def choose_device(name: str = "auto") -> torch.device:
    """The device of a name.

    Parameters
    ----------
    name
        `auto` (the first of `available_devices`), `cpu`, `cuda` (the first card), `cuda:1` or `mps`.

    Raises
    ------
    ValueError
        For a device that this machine does not have; names those that it has.
    """
    there = available_devices()
    wanted = {"auto": there[0], "cuda": "cuda:0"}.get(name, name)
    if wanted not in there:
        raise ValueError(f"device '{name}' does not exist here: choose auto or one of {', '.join(there)}")
    return torch.device(wanted)


def describe_device(device: torch.device) -> str:
    """A device as text for people, with the card's name where it has one."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return str(device)
