"""A quick look at what settings give: one structure, its series before and after noise and filter, its labels."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from hrtem_app.imaging.lattice_filter import remove_lattice
from hrtem_app.imaging.standardise import standardise
from hrtem_app.materials import find_material, find_support
from hrtem_app.microscope.draw import MicroscopeSettings
from hrtem_app.microscope.record import RecordedSeries
from hrtem_app.recipe import LatticeFilter, Standardisation
from hrtem_app.simulation.dataset import DatasetSettings, StoredStructure
from hrtem_app.simulation.labels import disk_labels
from hrtem_app.simulation.multislice import draw_energy, exit_waves
from hrtem_app.simulation.recording import recorded_series, without_noise
from hrtem_app.simulation.structures import Structure, draw_structure


@dataclass(frozen=True, eq=False)
class Preview:
    """One simulated series.

    Parameters
    ----------
    structure
        The atoms.
    series
        As the camera gives it, with the columns and the microscope.
    clean
        (n, y, x) float32, the same without noise.
    filtered
        (n, y, x) float32, the series without the support's lattice and standardised: what networks see.
    labels
        (y, x) class per pixel, the background last.
    class_names
        Of the material.
    """

    structure: Structure
    series: RecordedSeries
    clean: NDArray[np.float32]
    filtered: NDArray[np.float32]
    labels: NDArray[np.int64]
    class_names: tuple[str, ...]


def preview(
    seed: int,
    settings: DatasetSettings | None = None,
    microscope: MicroscopeSettings | None = None,
    *,
    lattice_filter: LatticeFilter | None = None,
    standardisation: Standardisation | None = None,
) -> Preview:
    """Simulate the structure of a seed and record one series of it.

    Parameters
    ----------
    seed
        Of the structure, its thermal motion, the microscope and the noise.
    settings, microscope
        Ranges; None: the defaults.
    lattice_filter
        None: made for the support, which a structure without one needs none for.
    standardisation
        None: the default.
    """
    steps = preview_steps(seed, settings, microscope, lattice_filter=lattice_filter, standardisation=standardisation)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return cast(Preview, end.value)


def preview_steps(
    seed: int,
    settings: DatasetSettings | None = None,
    microscope: MicroscopeSettings | None = None,
    *,
    lattice_filter: LatticeFilter | None = None,
    standardisation: Standardisation | None = None,
) -> Generator[float, None, Preview]:
    """As `preview`, step by step: yields how far it is, 0 to 1, after each phonon configuration."""
    settings, microscope = settings or DatasetSettings(), microscope or MicroscopeSettings()
    structure = draw_structure(seed, settings.structure)
    waves = []
    for wave in exit_waves(structure, settings.multislice, seed):
        waves.append(wave)
        yield len(waves) / settings.multislice.configurations
    stored = StoredStructure(
        seed=seed,
        waves=np.stack(waves),
        positions=structure.positions,
        classes=structure.classes,
        cell=settings.structure.cell,
        margin=settings.structure.margin,
        energy=draw_energy(seed, settings.multislice),
        parameters=structure.parameters,
        versions={},
    )
    series = recorded_series(stored, microscope, (seed, 0, 0))
    filtered = remove_lattice(series.frames, series.sampling, lattice_filter or support_filter(settings)).frames
    names = find_material(settings.structure.material).class_names
    shape = (series.frames.shape[1], series.frames.shape[2])
    return Preview(
        structure=structure,
        series=series,
        clean=without_noise(stored, series.microscope).frames,
        filtered=standardise(filtered, series.sampling, (standardisation or Standardisation()).sigma),
        labels=disk_labels(series.positions, series.classes, shape, series.sampling, background=len(names)),
        class_names=names,
    )


def support_filter(settings: DatasetSettings) -> LatticeFilter:
    """The lattice filter with its defaults, for the support of the settings."""
    support = find_support(settings.structure.support)
    if support is None:
        return LatticeFilter(enabled=False)
    default = LatticeFilter()
    # For graphene the filter's own value stays, which is what training and experiments have.
    if abs(support.lattice_constant - default.lattice_constant) < 0.02:
        return default
    return default.model_copy(update={"lattice_constant": support.lattice_constant})
