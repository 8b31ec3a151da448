"""From exit waves to frames: many series at once, each with its own microscope and pixel size, on any device."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import chain

import torch
from scipy import fft

from hrtem_app.microscope.detector import recorded
from hrtem_app.microscope.draw import Microscope
from hrtem_app.microscope.imaging import image_points, mean_intensity
from hrtem_app.microscope.optics import transfer_function
from hrtem_app.microscope.pixels import sampled, sampling_matrix
from hrtem_app.microscope.stack import check_alike, stacked

# Pixels recorded around the image and cut off after the modulation transfer, whose wrap-around they keep. Measured:
# what still comes around is 3e-5 of the mean for c = 0.2 and more, 1e-3 for c = 0.05; without a rim it is 0.09.
RIM = 12


def record_batch(
    waves: torch.Tensor,
    cell: float,
    margin: float,
    energy: float | Sequence[float],
    microscopes: Sequence[Microscope],
    generator: torch.Generator | None = None,
    *,
    pixels: int | None = None,
    first: torch.Tensor | None = None,
    at_once: int | None = None,
) -> torch.Tensor:
    """Record many series at once, each with its own microscope and pixel size, on the device of the waves.

    Parameters
    ----------
    waves
        (b, c, y, x) complex64 exit waves of b series with c phonon configurations each, over periodic cells.
    cell, margin
        Side of the cells, and of the rim that is left out, in Å.
    energy
        In eV; one for all, or one for each series.
    microscopes
        One for each series, all with the same number of frames, and all with a dose or all without.
    generator
        Source of all noise of the batch, on the device of the waves; None: torch's own.
    pixels
        Along each axis; None: as many as fit into every cell without its rim.
    first
        (b, 2) place (y, x) in Å of the middle of the first pixel; None: the image lies in the middle of the cell, see
        `first_pixel`.
    at_once
        How many series are calculated together; None: all on a GPU, one on a processor, whose caches hold no more.

    Returns
    -------
    (b, n, pixels, pixels) float32, 1 in vacuum.

    Raises
    ------
    ValueError
        Where the numbers of series, frames or doses do not fit together, or the rim leaves nothing.
    """
    energies = [float(energy)] * len(microscopes) if isinstance(energy, float | int) else list(energy)
    if waves.ndim != 4 or not 0 < len(waves) == len(microscopes) == len(energies):
        raise ValueError(
            f"waves {tuple(waves.shape)}, {len(microscopes)} microscopes and {len(energies)} energies do not fit "
            "together: give waves (series, configuration, y, x), and a microscope and an energy for each series"
        )
    check_alike(microscopes)
    pixels = pixels or pixels_inside(cell, margin, microscopes)
    if first is None:
        first = torch.tensor([[first_pixel(cell, pixels, m.sampling)] for m in microscopes], dtype=torch.float64)
    step = at_once or (1 if waves.device.type == "cpu" else len(waves))
    parts = [slice(start, start + step) for start in range(0, len(waves), step)]
    frames = [
        frames_of(waves[p].unbind(1), cell, energies[p], microscopes[p], pixels, first[p], generator) for p in parts
    ]
    return torch.cat(frames)


def frames_of(
    waves: Iterable[torch.Tensor],
    cell: float,
    energies: Sequence[float],
    microscopes: Sequence[Microscope],
    pixels: int,
    first: torch.Tensor,
    generator: torch.Generator | None,
) -> torch.Tensor:
    """Frames (b, n, pixels, pixels) from waves (b, y, x) that come one phonon configuration after the other.

    See `record_batch`; `first` may be (b, 1), the same place for both axes.
    """
    size, device, waves = _peeked(waves)
    points = max(
        image_points(size, cell, energy, microscope.aberrations, microscope.sampling)
        for energy, microscope in zip(energies, microscopes, strict=True)
    )
    stack = stacked(microscopes, device)
    energy = torch.tensor(energies, dtype=torch.float64)
    transfer = transfer_function(points, cell, energy, stack.defocus, stack.aberrations)
    intensity = mean_intensity(waves, transfer)
    corners = first.to(device) - RIM * stack.sampling[:, None]
    # A length that the Fourier transform likes; what is more than the two rims is cut off with them.
    total = fft.next_fast_len(pixels + 2 * RIM)
    matrices = [
        sampling_matrix(points, cell, corner, stack.sampling, total, stack.blur) for corner in corners.unbind(1)
    ]
    images = sampled(intensity, matrices[0], matrices[-1])
    frames = recorded(images, stack.sampling, stack.dose, stack.mtf, stack.readout, generator)
    return frames[..., RIM : RIM + pixels, RIM : RIM + pixels]


def pixels_inside(cell: float, margin: float, microscopes: Sequence[Microscope]) -> int:
    """Most pixels along each axis that lie inside the rim for each of the microscopes."""
    coarsest = max(microscope.sampling for microscope in microscopes)
    pixels = math.floor((cell - 2 * margin) / coarsest)
    if pixels < 1:
        raise ValueError(f"a cell of {cell:g} Å with a rim of {margin:g} Å has no room for a pixel of {coarsest:g} Å")
    return pixels


def first_pixel(cell: float, pixels: int, sampling: float) -> float:
    """Place in Å, along both axes, of the middle of the first pixel of an image in the middle of the cell."""
    return (cell - (pixels - 1) * sampling) / 2


def _peeked(waves: Iterable[torch.Tensor]) -> tuple[int, torch.device, Iterable[torch.Tensor]]:
    """Points along each axis of the waves, their device, and all of them, still one at a time."""
    rest = iter(waves)
    wave = next(rest, None)
    if wave is None:
        raise ValueError("there are no exit waves to make an image of: give at least one")
    return wave.shape[-1], wave.device, chain(iter([wave]), rest)
