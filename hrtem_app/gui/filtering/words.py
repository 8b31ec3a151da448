"""What the lattice filter's panel says of lattices, of found spots and of reflections that are covered."""

from __future__ import annotations

import math
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from hrtem_app.imaging.calibration import Calibration
from hrtem_app.imaging.covered_reflections import CoveredReflection
from hrtem_app.recipe import LatticeFilter

# Lattices that differ more than that are not the same, whatever the sampling.
_ALIKE = 0.03


def lattices_text(settings: LatticeFilter, angles: tuple[float, ...], strengths: tuple[float, ...]) -> str:
    """Where the angles of the lattices come from, and how much they stand out."""
    if not settings.enabled:
        return "The filter is off."
    if not angles:
        return "No lattice stands out on the ring: nothing is removed. Give an angle to remove one all the same."
    if settings.angles is not None:
        return "The angles are set by hand; Find looks for them again."
    found = ", ".join(
        f"{math.degrees(angle):.1f}° ({strength:.1f} times the ring)"
        for angle, strength in zip(angles, strengths, strict=False)
    )
    return f"Found at {found}."


def found_spots(calibration: Calibration | None, settings: LatticeFilter, sampling: float) -> NDArray[np.float64]:
    """(6, 2) measured spots (ky, kx) of the support in 1/Å at the sampling in use; none where nobody measured them."""
    if calibration is None or not math.isfinite(calibration.sampling):
        return np.empty((0, 2))
    if abs(calibration.ruler.constant / settings.lattice_constant - 1) > _ALIKE:
        return np.empty((0, 2))
    return calibration.spots * calibration.sampling / sampling


def residual_text(calibration: Calibration, sampling: float) -> str:
    """How far measured spots lie from the regular hexagon that fits them best, in 1/Å at the sampling in use."""
    squares = (calibration.residuals**2).sum(axis=1)
    residual = math.sqrt(float(squares.mean())) * calibration.sampling / sampling
    return f"Six spots found (+), {residual:.1e} 1/Å (rms) from a regular hexagon."


def covered_text(covered: tuple[CoveredReflection, ...], flakes: tuple[float, ...]) -> str:
    """Which spots cover a reflection of MoS2; empty where none does."""
    if not covered:
        return ""
    parts = []
    for (lattice, ring), group in groupby(covered, key=lambda spot: (spot.lattice, spot.ring)):
        spots = list(group)
        nearest = min(spot.distance for spot in spots)
        # The spot on the other side of the centre always does the same.
        directions = sorted({round(math.degrees(spot.angle) % 180) % 180 for spot in spots})
        where = " at " + ", ".join(f"{direction}°" for direction in directions) if flakes else ""
        parts.append(f"ring {ring}{where} of lattice {lattice + 1} ({nearest:.3f} 1/Å away)")
    said = "; ".join(parts)
    if flakes:
        turned = ", ".join(f"{math.degrees(angle):.1f}°" for angle in flakes)
        return f"⚠ Spots cover reflections of MoS2, found at {turned}: {said}."
    return f"⚠ No MoS2 lattice stands out. Depending on how it is turned, spots can cover its reflections: {said}."
