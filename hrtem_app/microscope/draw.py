"""A microscope and its camera, drawn at random, and the series that they record of stored exit waves."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from hrtem_app.microscope.detector import recorded, resampled
from hrtem_app.microscope.optics import Aberrations, image_intensity, transfer_function
from hrtem_app.recipe import Part

Range = tuple[float, float]


class MicroscopeSettings(Part):
    """Ranges of the microscope and detector (thesis Table 1); uniform draws, the dose log-uniform."""

    frames: Annotated[int, Field(ge=1, le=100, description="Frames of a series.")] = 3
    defocus: Annotated[Range, Field(description="Defocus of the first frame in Å.")] = (-150.0, 50.0)
    defocus_step: Annotated[Range, Field(description="From frame to frame in Å.")] = (49.0, 51.0)
    c12: Annotated[Range, Field(description="Twofold astigmatism in Å.")] = (0.0, 25.0)
    c21: Annotated[Range, Field(description="Axial coma in Å.")] = (0.0, 600.0)
    c30: Annotated[Range, Field(description="Spherical aberration in Å.")] = (-15e4, 15e4)
    focal_spread: Annotated[Range, Field(description="Focal spread in Å.")] = (5.0, 10.0)
    blur: Annotated[Range, Field(description="Gaussian blur in Å.")] = (0.05, 0.25)
    sampling: Annotated[Range, Field(description="Å per pixel.")] = (0.215, 0.235)
    dose: Annotated[Range, Field(description="e/Å² per frame, log-uniform.")] = (10**2.5, 1e5)
    mtf: Annotated[Range, Field(description="c of the modulation transfer function.")] = (0.2, 0.6)
    readout: Annotated[Range, Field(description="Readout noise as a fraction of the mean.")] = (0.005, 0.015)


@dataclass(frozen=True)
class Microscope:
    """One draw: a microscope, its camera and the defocus of each frame."""

    defocus: tuple[float, ...]
    aberrations: Aberrations
    blur: float
    sampling: float
    dose: float
    mtf: float
    readout: float

    def parameters(self) -> dict[str, Any]:
        """All numbers, flat, for records."""
        content = asdict(self)
        aberrations: dict[str, Any] = content.pop("aberrations")
        return content | aberrations


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


def draw_microscope(settings: MicroscopeSettings, rng: np.random.Generator) -> Microscope:
    """Draw a microscope: one for a series, whose frames differ in defocus alone."""
    first = rng.uniform(*settings.defocus)
    steps = rng.uniform(*settings.defocus_step, size=settings.frames - 1)
    log_dose = rng.uniform(np.log(settings.dose[0]), np.log(settings.dose[1]))
    return Microscope(
        defocus=tuple(float(d) for d in first + np.concatenate([[0.0], np.cumsum(steps)])),
        aberrations=Aberrations(
            c12=rng.uniform(*settings.c12),
            phi12=rng.uniform(0, 2 * np.pi),
            c21=rng.uniform(*settings.c21),
            phi21=rng.uniform(0, 2 * np.pi),
            c30=rng.uniform(*settings.c30),
            focal_spread=rng.uniform(*settings.focal_spread),
        ),
        blur=rng.uniform(*settings.blur),
        sampling=rng.uniform(*settings.sampling),
        dose=float(np.exp(log_dose)),
        mtf=rng.uniform(*settings.mtf),
        readout=rng.uniform(*settings.readout),
    )


def record(
    waves: torch.Tensor,
    cell: float,
    margin: float,
    energy: float,
    positions: NDArray[np.float64],
    classes: NDArray[np.int64],
    microscope: Microscope,
    generator: torch.Generator,
) -> RecordedSeries:
    """Record a series of exit waves with a microscope.

    The pixel size is the nearest to the drawn one that divides the cell, so that resampling is exact.

    Parameters
    ----------
    waves
        (c, y, x) complex64 exit waves over the periodic cell.
    cell, margin
        Side of the cell, and of the rim that is cut off, in Å.
    energy
        In eV.
    positions, classes
        (m, 2) columns (y, x) in Å in the cell, and (m,) their classes.
    microscope
        The draw.
    generator
        Source of the noise.
    """
    points = round(cell / microscope.sampling)
    sampling = cell / points
    defocus = torch.tensor(microscope.defocus, dtype=torch.float64, device=waves.device)
    transfer = transfer_function(waves.shape[-1], cell, energy, defocus, microscope.aberrations)
    intensity = resampled(image_intensity(waves, transfer), cell, points, microscope.blur)
    frames = recorded(intensity, sampling, microscope.dose, microscope.mtf, microscope.readout, generator)
    rim = int(np.ceil(margin / sampling)) if margin else 0
    size = points - 2 * rim
    frames = frames[:, rim : rim + size, rim : rim + size]
    pixels = positions / sampling - rim
    inside = ((pixels > -0.5) & (pixels < size - 0.5)).all(axis=1)
    return RecordedSeries(frames.cpu().numpy(), sampling, pixels[inside], classes[inside], microscope)
