"""From a structure to exit waves, by abTEM."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy import fft

from hrtem_app.recipe import Part
from hrtem_app.simulation.structures import Structure
from hrtem_app.simulation.thermal import DEBYE_TEMPERATURE, displacement

# A slice begins this far in Å before its atomic plane, well beyond the thermal motion.
_LEAD = 0.5


class MultisliceSettings(Part):
    """How exit waves are calculated.

    `slices = "planes"` puts every atomic plane into one slice and propagates from plane to plane: exact for flat
    sheets but for the thickness of an atom's own potential, and about a third of the cost of slices of 0.5 Å.
    """

    energy: Annotated[float, Field(ge=10e3, le=400e3, description="Beam energy in eV.")] = 50e3
    configurations: Annotated[int, Field(ge=1, le=1000, description="Frozen-phonon configurations.")] = 3
    debye_temperature: Annotated[float, Field(gt=0, le=5000, description="Debye temperature in K.")] = DEBYE_TEMPERATURE
    sampling: Annotated[float, Field(gt=0.01, le=0.2, description="Sampling of the potential in Å.")] = 0.1
    stored_sampling: Annotated[float, Field(gt=0.01, le=0.4, description="Sampling of the stored waves in Å.")] = 0.2
    parametrization: Literal["kirkland", "lobato"] = "kirkland"
    projection: Literal["infinite", "finite"] = "infinite"
    slices: Literal["planes"] | Annotated[float, Field(gt=0.05, le=5, description="Slice thickness in Å.")] = "planes"


REFERENCE = MultisliceSettings(configurations=10, projection="finite", slices=0.25)


def exit_waves(structure: Structure, settings: MultisliceSettings, seed: int) -> NDArray[np.complex64]:
    """The exit waves of a structure's phonon configurations.

    Parameters
    ----------
    structure
        Atoms in their cell, and the temperature among its parameters.
    settings
        Energy, configurations, slices.
    seed
        Of the thermal displacements.

    Returns
    -------
    (configuration, y, x) complex64 over the whole cell, band-limited to the stored sampling; mean intensity near 1.
    """
    import abtem

    atoms = structure.atoms
    temperature = float(structure.parameters["temperature"])
    sigmas = {s: displacement(s, temperature, settings.debye_temperature) for s in set(atoms.get_chemical_symbols())}
    side = float(atoms.cell[0, 0])
    points = fft.next_fast_len(int(np.ceil(side / settings.sampling)), real=False)
    phonons = abtem.FrozenPhonons(atoms, num_configs=settings.configurations, sigmas=sigmas, seed=seed)
    potential = abtem.Potential(
        phonons,
        gpts=(points, points),
        slice_thickness=slice_thicknesses(structure, settings),
        parametrization=settings.parametrization,
        projection=settings.projection,
    )
    waves: Any = abtem.PlaneWave(energy=settings.energy).multislice(potential, lazy=False)
    # abTEM's axes are (x, y); everything here is (y, x).
    array = np.swapaxes(np.asarray(waves.array).reshape(-1, points, points), -1, -2)
    return band_limited(array, int(np.ceil(side / settings.stored_sampling)))


def slice_thicknesses(structure: Structure, settings: MultisliceSettings) -> float | tuple[float, ...]:
    """Slice thicknesses in Å as abTEM takes them: one number, or one for each slice."""
    if settings.slices != "planes":
        return float(settings.slices)
    height = float(structure.atoms.cell[2, 2])
    borders = [0.0, *(z - _LEAD for z in structure.planes), height]
    return tuple(float(d) for d in np.diff(borders))


def band_limited(waves: NDArray[np.complexfloating], points: int) -> NDArray[np.complex64]:
    """Waves on a coarser grid over the same cell: the low frequencies alone.

    Parameters
    ----------
    waves
        (…, y, x), periodic.
    points
        Grid points along each axis of the result, not more than those of `waves`.
    """
    size = waves.shape[-1]
    if points >= size:
        return np.asarray(waves, np.complex64)
    frequencies = np.fft.fftfreq(points, 1 / points).astype(int)
    spectrum = fft.fft2(waves)[..., frequencies[:, np.newaxis], frequencies]
    coarse: NDArray[np.complex64] = (fft.ifft2(spectrum) * (points / size) ** 2).astype(np.complex64)
    return coarse
