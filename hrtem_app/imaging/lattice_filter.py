"""The hexagonal Fourier filter that takes the support's lattice out of a series (thesis section 2.1.5)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from hrtem_app.imaging.lattice_mask import SIXTH, filter_mask, ring_radii, spot_positions
from hrtem_app.recipe import LatticeFilter

# Measured: noise alone gives peaks up to 1.6 times the ring's median, one graphene layer at 550 e/Å² gives 7.
FAINTEST_LATTICE = 2.2
# The side lobes that an image's border gives a strong lattice stay below this share of it.
_SIDE_LOBE = 0.4
_ANGLE_STEP = np.deg2rad(0.1)
# A peak's centre is taken over ±2.5°, the width of a spot; in steps of the angle.
_PEAK_REACH = 25


@dataclass(frozen=True, eq=False)
class LatticeFilterResult:
    """What `remove_lattice` gives.

    Parameters
    ----------
    frames
        (n, y, x) float32, the lattice taken out; the mean of each frame is kept.
    removed
        (n, y, x) float32, what was taken out.
    mask
        (y, x) float32 between 0 (removed) and 1, in the layout of `numpy.fft.fft2`.
    angles
        The angle in rad, in [0, π/3), of the first spot of each lattice, from the kx axis towards ky.
    strengths
        For each angle its peak on the ring over the ring's median.
    spots
        (m, 3) rows (ky, kx, ring), 1/Å and 1, 2 or 3.
    """

    frames: NDArray[np.float32]
    removed: NDArray[np.float32]
    mask: NDArray[np.float32]
    angles: tuple[float, ...]
    strengths: tuple[float, ...]
    spots: NDArray[np.float64]


def power_spectrum(frames: NDArray[np.floating]) -> NDArray[np.float32]:
    """Power spectrum for people and for the search: mean over frames, Hann window, zero frequency in the middle.

    Parameters
    ----------
    frames
        (n, y, x).

    Returns
    -------
    (y, x) float32, |F|² as `numpy.fft.fftshift` orders it. The window keeps an image's borders from drawing a cross
    through it.
    """
    images = np.asarray(frames, np.float32)
    height, width = images.shape[-2:]
    window = (np.hanning(height)[:, np.newaxis] * np.hanning(width)).astype(np.float32)
    half = np.zeros((height, width // 2 + 1), np.float32)
    for image in images:
        half += np.abs(fft.rfft2((image - image.mean()) * window, workers=-1)) ** 2
    power = np.empty((height, width), np.float32)
    power[:, : half.shape[1]] = half / np.float32(len(images))
    # |F(-k)| = |F(k)| for real images.
    power[:, half.shape[1] :] = power[-np.arange(height), 1 : (width + 1) // 2][:, ::-1]
    return np.fft.fftshift(power)


def ring_profile(
    power: NDArray[np.floating], sampling: float, settings: LatticeFilter
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Amplitude on the lattice's first ring against angle, folded onto 0…60°.

    Parameters
    ----------
    power
        (y, x) as `power_spectrum` gives it.
    sampling
        Å per pixel.
    settings
        The lattice constant gives the ring; the search allows for ±2.5 % of it.

    Returns
    -------
    angles, amplitudes
        Both (600,): rad in [0, π/3), and the mean amplitude at the six places that such a lattice has.
    """
    amplitude = np.sqrt(power)
    height, width = amplitude.shape
    radius = ring_radii(settings)[0]
    steps = np.array([height * sampling, width * sampling])
    # Blurred to at least 0.006 1/Å, so that a spot sharper than a pixel is not missed between the samples.
    blurred = ndimage.gaussian_filter(amplitude, np.maximum(0.006 * steps, 0.6))
    angles = np.arange(0, np.pi, _ANGLE_STEP)[:1800]
    radii = radius * np.linspace(0.975, 1.025, 5)[:, np.newaxis]
    rows, columns = height // 2 + radii * np.sin(angles) * steps[0], width // 2 + radii * np.cos(angles) * steps[1]
    samples = ndimage.map_coordinates(blurred, [rows, columns], order=1, mode="grid-wrap").max(axis=0)
    return angles[:600], samples.reshape(3, 600).mean(axis=0).astype(float)


def find_lattices(
    frames: NDArray[np.floating], sampling: float, settings: LatticeFilter
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Angles and strengths of the lattices in a series, the strongest first; at most `settings.lattices`.

    A strength is the peak's amplitude over the median of the ring; below `FAINTEST_LATTICE` nothing is called a
    lattice.
    """
    if not resolves(sampling, settings):
        return (), ()
    return peaks_on_ring(*ring_profile(power_spectrum(frames), sampling, settings), settings)


def resolves(sampling: float, settings: LatticeFilter) -> bool:
    """Whether pixels of some Å are fine enough for the first ring of a lattice."""
    return ring_radii(settings)[0] <= 0.5 / sampling


def peaks_on_ring(
    angles: NDArray[np.float64], profile: NDArray[np.float64], settings: LatticeFilter
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Angles and strengths of the lattices that stand out in a `ring_profile`, as in `find_lattices`."""
    strength = profile / max(float(np.median(profile)), np.finfo(float).tiny)
    # Two lattices closer than one spot's width are one lattice.
    apart = max(settings.radius / ring_radii(settings)[0], np.deg2rad(2))
    found: list[tuple[float, float]] = []
    while len(found) < settings.lattices:
        best = int(np.argmax(strength))
        if strength[best] < max(FAINTEST_LATTICE, _SIDE_LOBE * found[0][1] if found else 0):
            break
        found.append((_refined(angles, strength, best), float(strength[best])))
        distance = np.abs((angles - angles[best] + SIXTH / 2) % SIXTH - SIXTH / 2)
        strength = np.where(distance < apart, 0, strength)
    return tuple(a for a, _ in found), tuple(s for _, s in found)


def find_lattice_angles(frames: NDArray[np.floating], sampling: float, settings: LatticeFilter) -> tuple[float, ...]:
    """The angles of `find_lattices` alone."""
    return find_lattices(frames, sampling, settings)[0]


def remove_lattice(
    frames: NDArray[np.floating],
    sampling: float,
    settings: LatticeFilter,
    spectrum: NDArray[np.complexfloating] | None = None,
) -> LatticeFilterResult:
    """Take the support's lattice out of a series.

    The same function, with the same settings, runs on training data and on experiments.

    Parameters
    ----------
    frames
        (n, y, x) intensities.
    sampling
        Å per pixel.
    settings
        The filter; where its `angles` are None they are found in the power spectrum.
    spectrum
        `scipy.fft.rfft2(frames)` where the caller has it already (a live preview).

    Returns
    -------
    The filtered frames and all that a view of the filter needs. Where no lattice is found the frames are unchanged.
    """
    images = np.asarray(frames, np.float32)
    shape = (images.shape[-2], images.shape[-1])
    angles: tuple[float, ...]
    strengths: tuple[float, ...]
    if not settings.enabled:
        angles, strengths = (), ()
    elif settings.angles is not None:
        angles, strengths = settings.angles, (float("nan"),) * len(settings.angles)
    else:
        angles, strengths = find_lattices(images, sampling, settings)
    mask = filter_mask(shape, sampling, angles, settings)
    filtered = images.copy()
    if angles:
        for number, image in enumerate(images):
            filtered[number] = filter_frame(image, mask, None if spectrum is None else spectrum[number])
    return LatticeFilterResult(filtered, images - filtered, mask, angles, strengths, spot_positions(angles, settings))


def filter_frame(
    image: NDArray[np.float32], mask: NDArray[np.float32], spectrum: NDArray[np.complexfloating] | None = None
) -> NDArray[np.float32]:
    """Multiply the Fourier transform of an image (y, x) by a mask of `filter_mask`, in float32.

    `spectrum` is `scipy.fft.rfft2(image)` where the caller has it already.
    """
    spectrum = fft.rfft2(image, workers=-1) if spectrum is None else spectrum
    return np.asarray(
        fft.irfft2(spectrum * mask[:, : spectrum.shape[1]], s=image.shape, workers=-1, overwrite_x=True), np.float32
    )


def _refined(angles: NDArray[np.float64], strength: NDArray[np.float64], best: int) -> float:
    """Centre of mass of the upper half of a peak on the ring, wrapped at 60°."""
    offsets = np.arange(-_PEAK_REACH, _PEAK_REACH + 1)
    around = strength[(best + offsets) % len(strength)]
    weights = np.clip(around - 0.5 * around.max(), 0, None)
    shift = float((weights * offsets).sum() / weights.sum())
    return float((angles[best] + shift * _ANGLE_STEP) % SIXTH)
