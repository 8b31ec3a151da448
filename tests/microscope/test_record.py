"""Whole series: where atoms appear, what noise does, and batches."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from hrtem_app.microscope.draw import Microscope, MicroscopeSettings, draw_microscope
from hrtem_app.microscope.frames import first_pixel, pixels_inside, record_batch
from hrtem_app.microscope.record import record

CELL, MARGIN, POINTS = 32.0, 2.0, 160
Waves = Callable[..., torch.Tensor]
Recording = Callable[..., NDArray[np.float32]]
NOWHERE = (np.zeros((0, 2)), np.zeros(0, np.int64))


def _microscope(seed: int, **settings: Any) -> Microscope:
    return draw_microscope(MicroscopeSettings(**settings), np.random.default_rng(seed))


def _quiet(seed: int, **settings: Any) -> Microscope:
    return replace(_microscope(seed, **settings), dose=None)


@pytest.fixture
def some_waves(atoms_wave: Waves) -> Waves:
    """`some_waves(count, start=0)`: (count, y, x)."""
    return lambda count, start=0: torch.stack([atoms_wave(POINTS, CELL, start + i) for i in range(count)])


@pytest.fixture
def recording(some_waves: Waves) -> Recording:
    """`recording(microscope, seed=None)`: frames of always the same waves."""

    def frames(microscope: Microscope, seed: int | None = None) -> NDArray[np.float32]:
        generator = None if seed is None else torch.Generator().manual_seed(seed)
        return record(some_waves(2), CELL, MARGIN, 80e3, *NOWHERE, microscope, generator).frames

    return frames


@pytest.mark.parametrize("sampling", [0.2, 0.2237, 0.31])
def test_atoms_are_recorded_where_the_truth_says(sampling: float) -> None:
    """Absorbing columns in an in-focus microscope without aberrations are dark at their pixels; the rim is left out."""
    y, x = np.indices((POINTS, POINTS)) * CELL / POINTS
    places = np.array([[10.37, 15.11], [21.0, 9.83], [1.0, 9.0]])
    bumps = sum(np.exp(-((y - a) ** 2 + (x - b) ** 2) / (2 * 0.4**2)) for a, b in places[:2])
    drawn = replace(
        _quiet(1, frames=1, defocus=(0, 0), c12=(0, 0), c21=(0, 0), c30=(0, 0), mtf=(0.6, 0.6)), sampling=sampling
    )
    waves = [(1 - 0.3 * bumps).astype(np.complex64)]
    series = record(waves, CELL, MARGIN, 50e3, places, np.array([0, 2, 1]), drawn)
    assert series.sampling == sampling
    assert series.frames.shape == (1, *2 * (int(28.0 / sampling + 1e-9),))
    assert series.classes.tolist() == [0, 2]
    dark = np.clip(0.98 - series.frames[0], 0, None)
    rows, columns = np.indices(dark.shape)
    for place in series.positions:
        near = dark * (np.hypot(rows - place[0], columns - place[1]) < 1.5 / sampling)
        centre = ((near * rows).sum() / near.sum(), (near * columns).sum() / near.sum())
        assert centre == pytest.approx(tuple(place), abs=0.02)


def test_the_same_seed_gives_the_same_series(recording: Recording) -> None:
    microscope = _microscope(0)
    np.testing.assert_array_equal(recording(microscope, 3), recording(microscope, 3))
    assert (recording(microscope, 3) != recording(microscope, 4)).any()


def test_noise_surrounds_the_image_without_noise(recording: Recording) -> None:
    microscope = _microscope(0, dose=(1e4, 1e4), readout=(0.01, 0.01), mtf=(1, 1))
    deviation = recording(microscope, 0) - recording(replace(microscope, dose=None))
    expected = np.hypot(1 / np.sqrt(1e4 * microscope.sampling**2), 0.01)
    assert deviation.std() == pytest.approx(expected, rel=0.05)
    assert abs(deviation.mean()) < 0.001


def test_frames_differ_in_defocus_alone(recording: Recording) -> None:
    microscope = _quiet(0)
    frames = recording(microscope)
    for frame, defocus in zip(frames, microscope.defocus, strict=True):
        single = recording(replace(microscope, defocus=(defocus,)))
        np.testing.assert_allclose(single[0], frame, atol=1e-5)


def test_a_finer_grid_of_the_same_waves_gives_the_same_image(atoms_wave: Waves) -> None:
    """Nothing folds back, whatever the microscope: the waves' sampling does not show."""
    wave = atoms_wave(POINTS, CELL, 5, phase=1.5, width=0.15)
    spectrum = torch.fft.fftshift(torch.fft.fft2(wave))
    fine = torch.fft.ifft2(torch.fft.ifftshift(torch.nn.functional.pad(spectrum, [POINTS // 2] * 4))) * 4
    for seed, settings in enumerate(({}, {"focal_spread": (0, 0)}, {"aperture": (0.03, 0.03), "focal_spread": (0, 0)})):
        images = [record([w], CELL, MARGIN, 50e3, *NOWHERE, _quiet(seed, **settings)).frames for w in (wave, fine)]
        np.testing.assert_allclose(images[0], images[1], atol=1e-4 * images[1].mean())


def test_waves_are_streamed(atoms_wave: Waves, some_waves: Waves) -> None:
    seen, alive = [], []

    def made(seed: int) -> torch.Tensor:
        wave = atoms_wave(POINTS, CELL, seed)
        seen.append(weakref.ref(wave))
        return wave

    def stream() -> Iterator[torch.Tensor]:
        for seed in range(6):
            alive.append(sum(reference() is not None for reference in seen))
            yield made(seed)

    streamed = record(stream(), CELL, MARGIN, 80e3, *NOWHERE, _quiet(0))
    together = record(some_waves(6), CELL, MARGIN, 80e3, *NOWHERE, _quiet(0))
    np.testing.assert_allclose(streamed.frames, together.frames, atol=1e-6)
    assert alive == [0] * 6


BATCH = [
    {},
    {"sampling": (0.3, 0.3), "focal_spread": (20, 20)},
    {"angular_spread": (1e-3, 1e-3), "defocus": (-300, -300)},
    {"aperture": (0.03, 0.03), "sampling": (0.15, 0.15)},
    {"focal_spread": (0, 0), "mtf": (0.05, 0.05)},
]


@pytest.mark.parametrize("at_once", [None, 2, 5])
def test_a_batch_is_its_series(some_waves: Waves, at_once: int | None) -> None:
    waves = torch.stack([some_waves(2, 10 * i) for i in range(len(BATCH))])
    microscopes = [_quiet(seed, **settings) for seed, settings in enumerate(BATCH)]
    energies = [50e3, 80e3, 120e3, 200e3, 300e3]
    frames = record_batch(waves, CELL, MARGIN, energies, microscopes, at_once=at_once)
    pixels = pixels_inside(CELL, MARGIN, microscopes)
    assert frames.shape == (len(BATCH), 3, pixels, pixels)
    for got, wave, energy, microscope in zip(frames, waves, energies, microscopes, strict=True):
        first = torch.full((1, 2), first_pixel(CELL, pixels, microscope.sampling), dtype=torch.float64)
        alone = record_batch(wave[None], CELL, MARGIN, energy, [microscope], pixels=pixels, first=first)[0]
        # The intensity's grid is that of the most demanding series: they differ by what folds back.
        torch.testing.assert_close(got, alone, rtol=0, atol=1e-4)


def test_a_batch_of_one_is_a_series(some_waves: Waves, recording: Recording) -> None:
    microscope = _quiet(2)
    frames = record_batch(some_waves(2)[None], CELL, MARGIN, 80e3, [microscope])
    np.testing.assert_allclose(frames[0].numpy(), recording(microscope), atol=1e-6)


def test_a_part_of_the_image_can_be_recorded(some_waves: Waves, recording: Recording) -> None:
    """Its rim has taken up what the camera's response wraps around."""
    microscope, pixels = _quiet(2, mtf=(0.2, 0.2)), 40
    whole = recording(microscope)
    start = first_pixel(CELL, whole.shape[-1], microscope.sampling)
    first = start + microscope.sampling * torch.tensor([[30.0, 50.0]])
    part = record_batch(some_waves(2)[None], CELL, MARGIN, 80e3, [microscope], pixels=pixels, first=first)[0]
    np.testing.assert_allclose(part.numpy(), whole[:, 30:70, 50:90], atol=5e-5)


@pytest.mark.parametrize("at_once", [1, 2])
def test_noise_of_a_batch_comes_from_one_generator(some_waves: Waves, at_once: int) -> None:
    waves, microscopes = some_waves(2)[None].expand(2, -1, -1, -1), [_microscope(0), _microscope(0)]
    one, other, third = (
        record_batch(waves, CELL, MARGIN, 80e3, microscopes, torch.Generator().manual_seed(seed), at_once=at_once)
        for seed in (1, 1, 2)
    )
    torch.testing.assert_close(one, other, rtol=0, atol=0)
    assert (one != third).any()
    assert (one[0] != one[1]).any()


@pytest.mark.parametrize(
    ("microscopes", "energy", "words"),
    [
        ([_quiet(0)], 80e3, "1 microscopes"),
        ([_quiet(0), _quiet(1)], [80e3], "1 energies"),
        ([_quiet(0), _quiet(1, frames=2)], 80e3, "number of frames"),
        ([_quiet(0), _microscope(1)], 80e3, "two batches"),
    ],
)
def test_batches_that_do_not_fit_together_are_refused(
    some_waves: Waves, microscopes: Any, energy: Any, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        record_batch(some_waves(1)[None].expand(2, -1, -1, -1), CELL, MARGIN, energy, microscopes)


@pytest.mark.parametrize(("count", "margin", "words"), [(0, MARGIN, "no exit waves"), (1, 16.0, "no room")])
def test_nothing_to_record_is_refused(count: int, margin: float, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        record([torch.ones(8, 8, dtype=torch.complex64)] * count, CELL, margin, 80e3, *NOWHERE, _quiet(0))
