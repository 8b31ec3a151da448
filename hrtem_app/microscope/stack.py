"""Several microscopes as one: a tensor for each of their numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

import torch

from hrtem_app.microscope.draw import Microscope
from hrtem_app.microscope.optics import Aberrations


@dataclass(frozen=True, eq=False)
class MicroscopeStack:
    """The numbers of b microscopes with n frames each: (b,) float64 tensors, and (b, n) for the defocus.

    The fields are those of `Microscope`; `dose` is None where no series has noise.
    """

    defocus: torch.Tensor
    aberrations: Aberrations
    blur: torch.Tensor
    sampling: torch.Tensor
    dose: torch.Tensor | None
    mtf: torch.Tensor
    readout: torch.Tensor


def check_alike(microscopes: Sequence[Microscope]) -> None:
    """Raise ValueError where microscopes differ in the number of frames, or only some have a dose."""
    frames = {len(m.defocus) for m in microscopes}
    if len(frames) != 1:
        raise ValueError(f"series of {sorted(frames)} frames cannot be recorded together: give one number of frames")
    noisy = {m.dose is not None for m in microscopes}
    if len(noisy) != 1:
        raise ValueError("some microscopes have a dose and some have none: record them in two batches")


def stacked(microscopes: Sequence[Microscope], device: torch.device | str = "cpu") -> MicroscopeStack:
    """Stack microscopes that `check_alike` lets pass."""
    doses = [m.dose for m in microscopes if m.dose is not None]

    def column(values: Iterable[float]) -> torch.Tensor:
        return torch.tensor(list(values), dtype=torch.float64).to(device)

    return MicroscopeStack(
        defocus=torch.tensor([m.defocus for m in microscopes], dtype=torch.float64).to(device),
        aberrations=_stacked_aberrations([m.aberrations for m in microscopes]),
        blur=column(m.blur for m in microscopes),
        sampling=column(m.sampling for m in microscopes),
        dose=column(doses) if doses else None,
        mtf=column(m.mtf for m in microscopes),
        readout=column(m.readout for m in microscopes),
    )


def _stacked_aberrations(series: Sequence[Aberrations]) -> Aberrations:
    """On the CPU: whether an envelope is needed at all is then known without waiting for a GPU."""
    angles = [a.aperture for a in series]
    apertures = torch.tensor([math.inf if angle is None else angle for angle in angles], dtype=torch.float64)
    others = (field.name for field in fields(Aberrations) if field.name != "aperture")
    columns = {name: torch.tensor([getattr(a, name) for a in series], dtype=torch.float64) for name in others}
    return Aberrations(**columns, aperture=apertures if apertures.isfinite().any() else None)
