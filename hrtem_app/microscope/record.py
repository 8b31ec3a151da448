"""The series that a microscope records of exit waves, and the truth about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from hrtem_app.microscope.draw import Microscope
from hrtem_app.microscope.frames import first_pixel, frames_of, pixels_inside
from hrtem_app.microscope.imaging import Wave


@dataclass(frozen=True, eq=False)
class RecordedSeries:
    """A simulated series and the truth about it.

    Parameters
    ----------
    frames
        (n, y, x) float32, 1 in vacuum.
    sampling
        Å per pixel.
    positions
        (m, 2) columns (y, x) in pixels; those outside the image are left out.
    classes
        (m,) their classes.
    microscope
        What recorded it.
    """

    frames: NDArray[np.float32]
    sampling: float
    positions: NDArray[np.float64]
    classes: NDArray[np.int64]
    microscope: Microscope

    def with_frames(self, frames: NDArray[np.float32]) -> RecordedSeries:
        """The same series with other frames of the same shape."""
        return replace(self, frames=frames)


def record(
    waves: Iterable[Wave],
    cell: float,
    margin: float,
    energy: float,
    positions: NDArray[np.float64],
    classes: NDArray[np.int64],
    microscope: Microscope,
    generator: torch.Generator | None = None,
) -> RecordedSeries:
    """Record a series of exit waves with a microscope: as many whole pixels as fit, around the middle of the cell.

    Parameters
    ----------
    waves
        Exit waves (y, x) of the phonon configurations over the periodic cell, complex64; any iterable, read once and
        one at a time.
    cell, margin
        Side of the cell, and of the rim that is left out, in Å.
    energy
        In eV.
    positions, classes
        (m, 2) columns (y, x) in Å in the cell, and (m,) their classes.
    microscope
        The draw.
    generator
        Source of the noise, on the device of the waves; None: torch's own.

    Raises
    ------
    ValueError
        For no waves, or a rim that leaves nothing.
    """
    pixels = pixels_inside(cell, margin, [microscope])
    # Not a generator expression, whose variable would keep each wave until the next has been made.
    batch = map(_as_batch, waves)
    first = first_pixel(cell, pixels, microscope.sampling)
    corner = torch.tensor([[first]], dtype=torch.float64)
    frames = frames_of(batch, cell, [energy], [microscope], pixels, corner, generator)[0]
    places = (positions - first) / microscope.sampling
    inside = ((places > -0.5) & (places < pixels - 0.5)).all(axis=1)
    return RecordedSeries(frames.cpu().numpy(), microscope.sampling, places[inside], classes[inside], microscope)


def _as_batch(wave: Wave) -> torch.Tensor:
    return torch.as_tensor(wave)[None]
