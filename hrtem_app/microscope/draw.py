"""A microscope and its camera, drawn at random."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from hrtem_app.microscope.optics import Aberrations
from hrtem_app.ranges import Bounds, Range, draw, draw_log
from hrtem_app.recipe import Part


class MicroscopeSettings(Part):
    """Ranges of the microscope and detector (thesis Table 1); uniform draws, the dose log-uniform."""

    frames: Annotated[int, Bounds(1, 100), Field(description="Frames of a series.")] = 3
    defocus: Annotated[Range, Bounds(-2000, 2000, "Å"), Field(description="Defocus of the first frame in Å.")] = (
        -150.0,
        50.0,
    )
    defocus_step: Annotated[Range, Bounds(1, 500, "Å"), Field(description="From frame to frame in Å.")] = (49.0, 51.0)
    c12: Annotated[Range, Bounds(0, 1000, "Å"), Field(description="Twofold astigmatism in Å.")] = (0.0, 25.0)
    c21: Annotated[Range, Bounds(0, 10_000, "Å"), Field(description="Axial coma in Å.")] = (0.0, 600.0)
    c30: Annotated[Range, Bounds(-1e7, 1e7, "Å"), Field(description="Spherical aberration in Å.")] = (-15e4, 15e4)
    focal_spread: Annotated[Range, Bounds(0, 100, "Å"), Field(description="Focal spread in Å, its 1/e width.")] = (
        5.0,
        10.0,
    )
    angular_spread: Annotated[
        Range, Bounds(0, 0.01, "rad"), Field(description="Spread of the illumination in rad.")
    ] = (
        0.0,
        0.0,
    )
    aperture: Annotated[
        Range | None,
        Bounds(0.001, 0.5, "rad"),
        Field(description="Semi-angle of the objective aperture in rad; None: no aperture."),
    ] = None
    blur: Annotated[Range, Bounds(0, 2, "Å"), Field(description="Gaussian blur, its standard deviation in Å.")] = (
        0.05,
        0.25,
    )
    sampling: Annotated[Range, Bounds(0.05, 1, "Å/px"), Field(description="Å per pixel.")] = (0.215, 0.235)
    dose: Annotated[Range, Bounds(1, 1e7, "e/Å²"), Field(description="e/Å² per frame, log-uniform.")] = (10**2.5, 1e5)
    mtf: Annotated[Range, Bounds(0.01, 1), Field(description="c of the modulation transfer function.")] = (0.2, 0.6)
    readout: Annotated[Range, Bounds(0, 0.5), Field(description="Readout noise as a fraction of the mean.")] = (
        0.005,
        0.015,
    )


@dataclass(frozen=True)
class Microscope:
    """One draw: a microscope, its camera and the defocus of each frame.

    Parameters
    ----------
    defocus
        Of each frame, in Å.
    aberrations
        Of all frames.
    blur
        Standard deviation of a Gaussian in Å.
    sampling
        Å per pixel.
    dose
        e/Å² in each frame; None: the images are free of noise, that of the readout too.
    mtf
        c of the modulation transfer function.
    readout
        Standard deviation of the readout noise as a fraction of the mean.
    """

    defocus: tuple[float, ...]
    aberrations: Aberrations
    blur: float
    sampling: float
    dose: float | None
    mtf: float
    readout: float

    def parameters(self) -> dict[str, Any]:
        """All numbers, flat, for records."""
        content = asdict(self)
        aberrations: dict[str, Any] = content.pop("aberrations")
        return content | aberrations


def draw_microscope(settings: MicroscopeSettings, rng: np.random.Generator) -> Microscope:
    """Draw a microscope: one for a series, whose frames differ in defocus alone."""
    defocus = [draw(settings.defocus, rng)]
    for _ in range(settings.frames - 1):
        defocus.append(defocus[-1] + draw(settings.defocus_step, rng))
    # The dose is drawn before the aberrations, and what was added later after all else: a seed keeps its microscope.
    dose = draw_log(settings.dose, rng)
    aberrations = {
        "c12": draw(settings.c12, rng),
        "phi12": draw((0, 2 * np.pi), rng),
        "c21": draw(settings.c21, rng),
        "phi21": draw((0, 2 * np.pi), rng),
        "c30": draw(settings.c30, rng),
        "focal_spread": draw(settings.focal_spread, rng),
    }
    camera = {name: draw(getattr(settings, name), rng) for name in ("blur", "sampling", "mtf", "readout")}
    aberrations["angular_spread"] = draw(settings.angular_spread, rng)
    aperture = draw(settings.aperture, rng) if settings.aperture else None
    return Microscope(tuple(defocus), Aberrations(**aberrations, aperture=aperture), dose=dose, **camera)
