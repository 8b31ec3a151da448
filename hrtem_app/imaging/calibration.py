"""The sampling of a series from a lattice in it whose constant is known: a ruler in Fourier space."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from hrtem_app.imaging.hexagon_fit import HexagonFit, fit_hexagon
from hrtem_app.imaging.lattice_filter import FAINTEST_LATTICE, power_spectrum
from hrtem_app.imaging.lattice_ring import Ring, find_ring
from hrtem_app.imaging.lattice_spots import Spot, find_spots
from hrtem_app.imaging.lattice_window import hann, lattice_window
from hrtem_app.imaging.ring_order import has_companion, lowest_order, other_scale
from hrtem_app.imaging.rulers import Ruler, find_ruler, other_rulers
from hrtem_app.series import SeriesError

SEARCH = 0.12
"""How far from the stated sampling a lattice is sought, as a fraction of it. A stated sampling that is wrong by as much
does not yet bring MoS2's ring to where graphene's is sought, which (3.16 - 2.46)/(3.16 + 2.46) = 0.125 would."""

# Power of the spots over the background: of the faintest of three, and their geometric mean.
_CLEAR_SPOT, _CLEAR_SPOTS = 8.0, 25.0
# Of the sampling; pixels that are less square than that, or a lattice that is, come from a tilt or another lattice.
_LARGEST_ERROR, _LARGEST_ANISOTROPY = 0.005, 0.05
# Where nobody states a sampling: cycles per pixel, and periods in the image.
_LARGEST_RADIUS, _FEWEST_PERIODS = 0.45, 10
# Spots that are fitted farther beyond the radii of the search, as a fraction of them, are another ring's.
_OVER = 0.01


@dataclass(frozen=True, eq=False)
class Calibration:
    """What a lattice says about the sampling; where there is none, the numbers below `reason` are NaN.

    Parameters
    ----------
    ruler
        The lattice that the spots were taken for.
    rough
        Å per pixel that the search began with; None: the whole spectrum was searched.
    searched
        Least and greatest Å per pixel that a lattice was sought for.
    accepted
        Whether the result is good enough to replace what a file states.
    reason
        One sentence on why it is not; empty where it is.
    sampling, error
        Å per pixel, the same along both axes, and its standard error.
    angle
        Of the first spot in rad, in [0, π/3), from the kx axis towards ky.
    spots
        (6, 2) measured (ky, kx) in 1/Å at this sampling, in the order of their angles.
    residuals
        (6, 2) of them from the regular hexagon that fits best, 1/Å.
    signals
        (6,) power at the top of each spot over the background around it.
    strength
        Amplitude of the spots over the median of their ring, as in the search of the lattice filter.
    anisotropy, anisotropy_error
        Å per pixel along the axis where it is greatest over that across it, less one, and its standard error.
    direction
        Of that axis in rad, in [0, π), from x towards y.
    other
        Å per pixel if the spots are another lattice's, where a second ring speaks for that; None elsewhere.
    """

    ruler: Ruler
    rough: float | None
    searched: tuple[float, float]
    accepted: bool = False
    reason: str = ""
    sampling: float = float("nan")
    error: float = float("nan")
    angle: float = float("nan")
    spots: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 2)))
    residuals: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 2)))
    signals: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    strength: float = 0.0
    anisotropy: float = float("nan")
    anisotropy_error: float = float("nan")
    direction: float = float("nan")
    other: float | None = None


def calibrate(
    frames: NDArray[np.floating], rough: float | None, lattice: str | float = "graphene", *, search: float = SEARCH
) -> Calibration:
    """Measure the sampling of a series by the first-order spots of a hexagonal lattice.

    The ring that stands out most near the stated sampling is taken. Its three pairs of spots are fitted in the power
    spectrum of all frames together, through a window that ends softly where the lattice ends, and a linear map from a
    regular hexagon gives the scale, averaged over all directions, and how it differs between them.

    Parameters
    ----------
    frames
        (n, y, x); drift between them does no harm.
    rough
        Å per pixel, right within `search`; None: nobody knows it, and the strongest lattice of all is taken.
    lattice
        `graphene` (2.46 Å), `mos2` (3.16 Å), or a lattice constant in Å.
    search
        How far the sampling may lie from the rough one, as a fraction of it; with more than 0.125 the ring of MoS2 can
        be taken for graphene's.

    Raises
    ------
    SeriesError
        For frames that are no stack of images, or a sampling or search that is not positive.
    ValueError
        For a lattice that is neither known nor a number.
    """
    ruler = find_ruler(lattice)
    images = _checked(frames, rough, search)
    power = power_spectrum(images)
    low, high = _radii(ruler, rough, search, images.shape[1:])
    nothing = Calibration(ruler, rough, (low / ruler.first_ring, high / ruler.first_ring))
    if low > 0.5:
        return replace(nothing, reason=_too_coarse(nothing))
    ring = find_ring(power, low, high)
    if ring is not None and rough is None:
        ring = lowest_order(power, ring, ruler)
    if ring is None:
        return replace(nothing, reason=_no_lattice(nothing, power))
    fit, spots, ring = _fitted_between(images, power, ring, ruler, (low, high))
    sampling = fit.radius / ruler.first_ring
    measured = replace(
        nothing,
        sampling=sampling,
        error=fit.radius_error / ruler.first_ring,
        angle=fit.angle,
        spots=_both_halves(np.stack([spot.place for spot in spots]) / sampling),
        residuals=_both_halves(fit.residuals / sampling),
        signals=np.tile([spot.signal for spot in spots], 2),
        strength=ring.strength,
        anisotropy=fit.anisotropy,
        anisotropy_error=fit.anisotropy_error,
        direction=fit.direction,
    )
    ring = replace(ring, radius=fit.radius, angle=fit.angle)
    measured = replace(measured, other=other_scale(power, ring, ruler, rough))
    reason = next(_objections(measured, power, ring), "")
    return replace(measured, accepted=not reason, reason=reason)


def _checked(frames: NDArray[np.floating], rough: float | None, search: float) -> NDArray[np.float32]:
    images = np.asarray(frames, np.float32)
    if images.ndim != 3 or min(images.shape[1:], default=0) < 2 * _FEWEST_PERIODS:
        raise SeriesError(
            f"a lattice needs frames (n, y, x) of {2 * _FEWEST_PERIODS} pixels and more, not {images.shape}"
        )
    if rough is not None and not (np.isfinite(rough) and rough > 0):
        raise SeriesError(f"a sampling of {rough} Å/px is impossible: give a positive number, or None if it is unknown")
    if not 0 < search < 1:
        raise SeriesError(f"a search within ±{search:g} of the sampling is impossible: give a fraction, 0.12 say")
    return np.asarray(images - images.mean(axis=(1, 2), keepdims=True), np.float32)


def _radii(ruler: Ruler, rough: float | None, search: float, shape: tuple[int, ...]) -> tuple[float, float]:
    """Between which radii, in cycles per pixel, the ring is sought."""
    if rough is None:
        return _FEWEST_PERIODS / min(shape), _LARGEST_RADIUS
    middle = ruler.first_ring * rough
    return middle * (1 - search), middle * (1 + search)


def _fitted_between(
    images: NDArray[np.float32], power: NDArray[np.floating], ring: Ring, ruler: Ruler, radii: tuple[float, float]
) -> tuple[HexagonFit, list[Spot], Ring]:
    """Fit the spots, and where they lie beyond the radii those of the next ring between them that stay there.

    What was taken for a ring near a border can be the flank of a stronger one behind it, MoS2's say, and the fit walks
    up to that. Where no other ring is clear the first fit is returned, so that it can be said what it found.
    """
    first = fitted = _fitted(images, ring, ruler)
    low, high = radii
    while not radii[0] * (1 - _OVER) <= fitted[0].radius <= radii[1] * (1 + _OVER):
        if fitted[0].radius > radii[1]:
            high = ring.radius * (1 - _OVER)
        else:
            low = ring.radius * (1 + _OVER)
        following = find_ring(power, low, high)
        if following is None or following.strength < FAINTEST_LATTICE:
            return first
        ring = following
        fitted = _fitted(images, ring, ruler)
    return fitted


def _fitted(images: NDArray[np.float32], ring: Ring, ruler: Ruler) -> tuple[HexagonFit, list[Spot], Ring]:
    """Fit the spots twice: over the whole image, then over the part of it that the lattice fills."""
    shape = (images.shape[1], images.shape[2])
    ring, spots = find_spots(images, hann(shape), ring)
    places = np.stack([spot.place for spot in spots])
    window = lattice_window(images, places, ring.radius / ruler.first_ring)
    ring, spots = find_spots(images, window, ring)
    return fit_hexagon(ring, spots), spots, ring


def _both_halves(half: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([half, -half])


def _objections(measured: Calibration, power: NDArray[np.floating], ring: Ring) -> Iterator[str]:
    """Why a measurement should not be trusted, the gravest first."""
    ruler, sampling, signals = measured.ruler, measured.sampling, measured.signals
    if signals.min() < _CLEAR_SPOT or np.exp(np.log(signals).mean()) < _CLEAR_SPOTS:
        yield _no_lattice(measured, power)
    if measured.other is not None:
        yield (
            f"another ring shows that the spots taken for the first order of {ruler.title} are something else: "
            f"the sampling would then be {measured.other:.4g} Å/px"
        )
    if measured.anisotropy > max(_LARGEST_ANISOTROPY, 3 * measured.anisotropy_error):
        yield (
            f"the spots are no regular hexagon: the scale differs by {measured.anisotropy:.1%} between two directions, "
            "so the specimen is tilted or the lattice is another one"
        )
    if measured.error > _LARGEST_ERROR * sampling:
        yield f"the spots are too broad or too faint: the standard error is {measured.error / sampling:.1%}"
    if measured.rough is None and not has_companion(power, ring, ruler):
        readings = _readings(sampling, ruler)
        yield f"nobody stated a sampling, and the strongest lattice means {readings}: check which it is"


def _readings(sampling: float, ruler: Ruler) -> str:
    """The sampling if a ring is the ruler's, which this one is for, or another lattice's."""
    scales = [(sampling * r.constant / ruler.constant, r) for r in (ruler, *other_rulers(ruler))]
    return ", ".join(f"{scale:.4g} Å/px if it is {r.title}" for scale, r in scales)


def _no_lattice(measured: Calibration, power: NDArray[np.floating]) -> str:
    ruler, (low, high) = measured.ruler, measured.searched
    said = f"no clear lattice of {ruler.title} between {low:.4g} and {high:.4g} Å/px"
    ring = find_ring(power, _FEWEST_PERIODS / min(power.shape), _LARGEST_RADIUS)
    if measured.rough is None or ring is None or ring.strength < FAINTEST_LATTICE:
        return said
    return f"{said}; the strongest lattice in the image means {_readings(ring.radius / ruler.first_ring, ruler)}"


def _too_coarse(measured: Calibration) -> str:
    return (
        f"at {measured.rough:.4g} Å/px the spots of {measured.ruler.title} lie beyond what the pixels resolve "
        f"({0.5 / measured.ruler.first_ring:.3g} Å/px): check the sampling or take a finer image"
    )
