"""From a structure to exit waves, by abTEM."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field, model_validator
from scipy import fft

from hrtem_app.ranges import Bounds, Range, draw, stream
from hrtem_app.recipe import Part
from hrtem_app.simulation.phonons import Sampling, configurations
from hrtem_app.simulation.structures import Structure
from hrtem_app.simulation.thermal import DEBYE_TEMPERATURE, displacement, known_species

# Slices of `planes` begin this far in Å before their sheet: where the equal slices of 0.25 Å of the reference act upon
# the wave, on average over the heights of atoms within them.
_LEAD = 0.125
# abTEM's antialiasing aperture passes this part of the frequencies up to Nyquist.
_PASSED = 2 / 3
# Measured FFT plans differ from run to run, and with them the last bits; estimated ones do not.
_QUIET_AND_REPEATABLE = {
    "local_diagnostics.progress_bar": False,
    "diagnostics.progress_bar": False,
    "fftw.planning_effort": "FFTW_ESTIMATE",
}


def _known_species(displacements: dict[str, float]) -> dict[str, float]:
    for symbol in displacements:
        known_species(symbol)
    return displacements


class MultisliceSettings(Part):
    """How exit waves are calculated.

    `slices = "planes"` puts every sheet of atoms into one slice and propagates from sheet to sheet. The default is the
    accuracy `fast`; `REFERENCE` is the thesis'.
    """

    energy: Annotated[Range, Bounds(10e3, 400e3, "eV"), Field(description="Beam energy.")] = (50e3, 50e3)
    configurations: Annotated[int, Field(ge=1, le=1000, description="Frozen-phonon configurations.")] = 3
    phonons: Annotated[
        Sampling, Field(description="Displacements of the configurations: independent, or balanced for every atom.")
    ] = "balanced"
    debye_temperature: Annotated[float, Bounds(1, 5000, "K"), Field(description="Debye temperature.")] = (
        DEBYE_TEMPERATURE
    )
    displacements: Annotated[dict[str, Annotated[float, Field(ge=0, le=1)]], AfterValidator(_known_species)] = Field(
        default_factory=dict,
        description="Root mean square displacement per axis in Å by species, in place of the Debye model's.",
    )
    sampling: Annotated[float, Bounds(0.01, 0.2, "Å"), Field(description="Sampling of the potential.")] = 0.13
    stored_sampling: Annotated[float, Bounds(0.02, 0.4, "Å"), Field(description="Sampling of the stored waves.")] = 0.2
    parametrization: Annotated[
        Literal["kirkland", "lobato"], Field(description="Of the atoms' potential: kirkland or lobato.")
    ] = "kirkland"
    projection: Annotated[
        Literal["infinite", "finite"],
        Field(description="Atoms in the slice of their centre, or spread over all slices that they reach into."),
    ] = "infinite"
    slices: Annotated[
        Literal["planes"] | Annotated[float, Bounds(0.05, 5, "Å")],
        Field(description="One slice for each sheet of atoms, or the thickness of equal slices in Å."),
    ] = "planes"

    @model_validator(mode="after")
    def _nothing_aliases(self) -> Self:
        greatest = self.stored_sampling * _PASSED
        if self.sampling > greatest * 1.0001:
            raise ValueError(
                f"a sampling of {self.sampling:g} Å aliases: waves stored at {self.stored_sampling:g} Å need it to be "
                f"{greatest:.3g} Å at most, because only two thirds of the frequencies pass the antialiasing aperture"
            )
        return self

    @model_validator(mode="after")
    def _planes_hold_whole_atoms(self) -> Self:
        if self.slices == "planes" and self.projection == "finite":
            raise ValueError(
                "slices = 'planes' cuts no atoms, so projection = 'finite' has no meaning: give 'infinite', or a "
                "thickness of the slices in Å (0.05 to 5)"
            )
        return self


FAST = MultisliceSettings()
REFERENCE = MultisliceSettings(configurations=10, phonons="independent", projection="finite", slices=0.25, sampling=0.1)
ACCURACIES = {"fast": FAST, "reference": REFERENCE}


def draw_energy(seed: int, settings: MultisliceSettings) -> float:
    """The beam energy in eV of the structure of this seed."""
    return draw(settings.energy, stream(seed, "energy"))


def grid_points(side: float, settings: MultisliceSettings) -> int:
    """Points of the potential along each axis: at least as fine as the sampling, and quick to transform.

    Rows of a multiple of 512 bytes fall on few lines of a processor's cache, where the columns of a transform are.
    Measured: 768² points take four times as long as 770².
    """
    points = int(fft.next_fast_len(int(np.ceil(side / settings.sampling)), real=False))
    while points % 64 == 0:
        points = int(fft.next_fast_len(points + 1, real=False))
    return points


def exit_waves(
    structure: Structure, settings: MultisliceSettings, seed: int, *, device: str = "cpu"
) -> Iterator[NDArray[np.complex64]]:
    """Yield the exit wave of one phonon configuration after the other, so that memory holds one.

    Parameters
    ----------
    structure
        Atoms in their cell, and the temperature among its parameters.
    settings
        Energy, configurations, slices.
    seed
        Of the thermal displacements and the energy.
    device
        `cpu`, or `gpu` where CuPy is installed.

    Yields
    ------
    (y, x) complex64 over the whole cell, band-limited to the stored sampling; mean intensity near 1.
    """
    from hrtem_app.simulation.compiled import load_abtem

    abtem = load_abtem()
    from hrtem_app.simulation.projection import projection

    points = grid_points(structure.side, settings)
    integrator = projection(settings.parametrization, settings.projection)
    wave = abtem.PlaneWave(energy=draw_energy(seed, settings), device=device)
    sigmas = displacements(structure, settings)
    atoms = structure.atoms.copy()
    for positions in configurations(structure, sigmas, settings.configurations, seed, settings.phonons):
        if settings.slices == "planes":
            positions[:, 2] = structure.levels
        atoms.positions[:] = positions
        potential = abtem.Potential(
            atoms,
            gpts=(points, points),
            slice_thickness=slice_thicknesses(structure, settings),
            integrator=integrator,
            device=device,
        )
        with abtem.config.set(_QUIET_AND_REPEATABLE):
            exit_wave: Any = wave.multislice(potential, lazy=False)
        # abTEM's axes are (x, y); everything here is (y, x).
        array = np.swapaxes(exit_wave.to_cpu().array.reshape(points, points), 0, 1)
        yield band_limited(array, int(np.ceil(structure.side / settings.stored_sampling)))


def displacements(structure: Structure, settings: MultisliceSettings) -> dict[str, float]:
    """Root mean square displacement per axis in Å of each species at the structure's temperature."""
    temperature = float(structure.parameters["temperature"])
    return {
        symbol: settings.displacements.get(symbol, displacement(symbol, temperature, settings.debye_temperature))
        for symbol in sorted(set(structure.atoms.get_chemical_symbols()))
    }


def slice_thicknesses(structure: Structure, settings: MultisliceSettings) -> float | tuple[float, ...]:
    """Slice thicknesses in Å as abTEM takes them: one number, or one for each slice."""
    if settings.slices != "planes":
        return float(settings.slices)
    height = float(structure.atoms.cell[2, 2])
    borders = [0.0, *(structure.sheets - _LEAD), height]
    return tuple(float(d) for d in np.diff(borders))


def band_limited(wave: NDArray[np.complexfloating], points: int) -> NDArray[np.complex64]:
    """A wave on a coarser grid over the same cell: the low frequencies alone.

    Parameters
    ----------
    wave
        (…, y, x), periodic.
    points
        Grid points along each axis of the result, not more than those of `wave`.
    """
    size = wave.shape[-1]
    if points >= size:
        return np.asarray(wave, np.complex64)
    frequencies = np.fft.fftfreq(points, 1 / points).astype(int)
    spectrum = fft.fft2(wave)[..., frequencies[:, np.newaxis], frequencies]
    coarse: NDArray[np.complex64] = (fft.ifft2(spectrum) * (points / size) ** 2).astype(np.complex64)
    return coarse
