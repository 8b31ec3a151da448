"""What cameras and other people's software do to frames before we see them: drawn at random, for training.

A network that knows only raw frames fails on those that were filtered, stretched, cut to eight bits or left unaligned.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy import fft, ndimage

from hrtem_app.imaging.standardise import gaussian_blur
from hrtem_app.ranges import Bounds, Range, draw, draw_log
from hrtem_app.recipe import Part

Probability = Annotated[float, Bounds(0, 1)]


class TreatmentSettings(Part):
    """How often each treatment happens, and how strong it is; each is drawn by itself, once for a whole series."""

    treated: Annotated[Probability, Field(description="Probability that a series was treated at all.")] = 0.0
    drift: Annotated[Probability, Field(description="Probability that frames are left unaligned.")] = 0.3
    drift_length: Annotated[Range, Bounds(0, 5, "Å"), Field(description="Shift left per frame and axis, ±.")] = (0, 0.2)
    low_pass: Annotated[Probability, Field(description="Probability of a soft low-pass filter.")] = 0.3
    low_pass_edge: Annotated[Range, Bounds(0.2, 5, "1/Å"), Field(description="Where it has fallen to a half.")] = (
        0.7,
        1.3,
    )
    wiener: Annotated[
        Probability,
        Field(description="Probability of a Wiener filter against the radial mean of the power spectrum."),
    ] = 0.2
    wiener_strength: Annotated[
        Range, Bounds(0, 3), Field(description="Background taken for noise, in units of that mean.")
    ] = (0.3, 1.2)
    high_pass: Annotated[Probability, Field(description="Probability that a smooth background was subtracted.")] = 0.3
    high_pass_length: Annotated[
        Range, Bounds(1, 200, "Å"), Field(description="Standard deviation of the Gaussian that smoothed it.")
    ] = (5, 30)
    shading: Annotated[Probability, Field(description="Probability of uneven illumination.")] = 0.3
    shading_depth: Annotated[Range, Bounds(0, 1), Field(description="Its greatest slope over the image, ±.")] = (
        0,
        0.3,
    )
    gamma: Annotated[Probability, Field(description="Probability of a curved grey scale.")] = 0.3
    gamma_exponent: Annotated[Range, Bounds(0.2, 5), Field(description="Exponent, log-uniform.")] = (0.6, 1.6)
    clipping: Annotated[Probability, Field(description="Probability that darkest and brightest pixels are cut.")] = 0.3
    clipped: Annotated[Range, Bounds(0, 0.2), Field(description="Fraction cut off at either end.")] = (0, 0.02)
    eight_bits: Annotated[Probability, Field(description="Probability that grey values were cut to eight bits.")] = 0.3
    hot_pixels: Annotated[Probability, Field(description="Probability of hot pixels.")] = 0.1
    hot_fraction: Annotated[Range, Bounds(0, 0.01), Field(description="How many of the pixels are hot.")] = (0, 3e-4)


def treated(
    frames: NDArray[np.float32], sampling: float, settings: TreatmentSettings, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Frames as others may hand them over.

    Parameters
    ----------
    frames
        (n, y, x) as recorded.
    sampling
        Å per pixel.
    settings
        What may happen.
    rng
        Decides what does.

    Returns
    -------
    (n, y, x) float32. Columns stay where they are in the first frame, to within `drift_length`.
    """
    if rng.random() >= settings.treated:
        return frames
    frames = np.array(frames, np.float32)
    for probability, treat in (
        (settings.hot_pixels, _with_hot_pixels),
        (settings.drift, _drifted),
        (settings.shading, _shaded),
        (settings.high_pass, _without_background),
        (settings.wiener, _wiener_filtered),
        (settings.low_pass, _low_passed),
        (settings.clipping, _clipped),
        (settings.gamma, _curved),
        (settings.eight_bits, _cut_to_eight_bits),
    ):
        if rng.random() < probability:
            frames = treat(frames, sampling, settings, rng)
    return np.ascontiguousarray(frames, np.float32)


Frames = NDArray[np.float32]


def _with_hot_pixels(frames: Frames, _: float, settings: TreatmentSettings, rng: np.random.Generator) -> Frames:
    hot = rng.random(frames.shape) < draw(settings.hot_fraction, rng)
    frames[hot] += rng.exponential(10, int(hot.sum())).astype(np.float32) * frames.std()
    return frames


def _drifted(frames: Frames, sampling: float, settings: TreatmentSettings, rng: np.random.Generator) -> Frames:
    for frame in frames[1:]:
        shift = [rng.choice((-1, 1)) * draw(settings.drift_length, rng) / sampling for _ in range(2)]
        frame[:] = ndimage.shift(frame, shift, order=3, mode="reflect")
    return frames


def _shaded(frames: Frames, _: float, settings: TreatmentSettings, rng: np.random.Generator) -> Frames:
    depth, angle = draw(settings.shading_depth, rng), rng.uniform(0, 2 * np.pi)
    y, x = np.meshgrid(*(np.linspace(-0.5, 0.5, n) for n in frames.shape[1:]), indexing="ij")
    return np.asarray(frames * (1 + depth * (y * np.sin(angle) + x * np.cos(angle))), np.float32)


def _without_background(
    frames: Frames, sampling: float, settings: TreatmentSettings, rng: np.random.Generator
) -> Frames:
    return frames - gaussian_blur(frames, draw_log(settings.high_pass_length, rng) / sampling)


def _wiener_filtered(frames: Frames, _: float, settings: TreatmentSettings, rng: np.random.Generator) -> Frames:
    """The radial mean of the power spectrum is taken for the noise's; what rises above it stays."""
    strength = draw(settings.wiener_strength, rng)
    spectrum = fft.rfft2(frames)
    height, width = frames.shape[1:]
    ring = np.rint(np.hypot(fft.fftfreq(height)[:, np.newaxis], fft.rfftfreq(width)) * min(height, width))
    ring = ring.astype(np.int64)
    count = np.bincount(ring.ravel())
    for frame in spectrum:
        power = np.abs(frame) ** 2
        background = strength * (np.bincount(ring.ravel(), power.ravel()) / np.maximum(count, 1))[ring]
        gain = np.clip(1 - background / np.maximum(power, 1e-12), 0, 1)
        gain[0, 0] = 1
        frame *= gain
    return np.asarray(fft.irfft2(spectrum, s=(height, width)), np.float32)


def _low_passed(frames: Frames, sampling: float, settings: TreatmentSettings, rng: np.random.Generator) -> Frames:
    edge = draw(settings.low_pass_edge, rng)
    # exp(-2(πσk)²) is a half at the edge.
    return gaussian_blur(frames, np.sqrt(np.log(2) / 2) / (np.pi * edge) / sampling)


def _clipped(frames: Frames, _: float, settings: TreatmentSettings, rng: np.random.Generator) -> Frames:
    fraction = draw(settings.clipped, rng)
    low, high = np.quantile(frames, (fraction, 1 - fraction), axis=(1, 2), keepdims=True)
    return np.clip(frames, low, high)


def _curved(frames: Frames, _: float, settings: TreatmentSettings, rng: np.random.Generator) -> Frames:
    low, high = np.quantile(frames, (0.001, 0.999))
    exponent = draw_log(settings.gamma_exponent, rng)
    return np.asarray(np.clip((frames - low) / max(high - low, 1e-9), 0, 1) ** exponent, np.float32)


def _cut_to_eight_bits(frames: Frames, _: float, __: TreatmentSettings, ___: np.random.Generator) -> Frames:
    low, high = float(frames.min()), float(frames.max())
    return np.asarray(np.rint((frames - low) * (255 / max(high - low, 1e-9))), np.float32)
