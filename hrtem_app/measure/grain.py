"""What is measured of a single grain."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hrtem_app.measure.crystal import Crystal
from hrtem_app.measure.defects import V_MO, V_S2, Defect
from hrtem_app.measure.lattice import Lattice, fit_lattice
from hrtem_app.measure.scene import Scene
from hrtem_app.measure.strain import LocalStrain, local_strain
from hrtem_app.measure.vacancies import Density, Vacancies, density, fraction

_PM, _NM2 = 100.0, 0.01


@dataclass(frozen=True, eq=False)
class GrainMeasurement:
    """A grain, or what of it lies in the region.

    Parameters
    ----------
    number
        As in the table where it knows grains.
    columns
        How many columns of its lattice lie in the region.
    decided
        Whether the analysis, or a person, decided which sublattice is molybdenum.
    agreement
        Fraction of its columns whose class fits their sublattice.
    lattice
        Fitted to these columns; None where they are too few, and displacement and strain then refer to the whole grain.
    displacement
        Root mean square distance of the columns from their sites in pm.
    noise
        Standard deviation of the positions in pm, per axis, beyond what a smooth strain explains; NaN where unknown.
    sublattice_offset
        (x, y) in pm, by how much S lies elsewhere than in the middle of its Mo neighbours: tilt or coma do that.
    misfits
        Bonds and columns that do not fit one honeycomb: dislocations, or columns that are none.
    vacancies, density
        Of the grain alone.
    """

    number: int
    columns: int
    decided: bool
    agreement: float
    lattice: Lattice | None
    displacement: float
    noise: float
    sublattice_offset: tuple[float, float]
    misfits: int
    vacancies: Vacancies
    density: Density


@dataclass(frozen=True, eq=False)
class GrainMaps:
    """Columns of a grain in the region: (m,) rows, (m, 2) displacement (x, y) in pm, strain; if on a Mo site."""

    rows: NDArray[np.int64]
    displacement: NDArray[np.float64]
    strain: LocalStrain
    on_mo: NDArray[np.bool_]


def measure_grain(crystal: Crystal, missing: list[Defect], scene: Scene) -> tuple[GrainMeasurement, GrainMaps]:
    """Measure a grain; `missing` are its vacant sites in the region."""
    indexed, settings = crystal.indexed, scene.settings
    chosen = scene.inside[indexed.rows]
    rows, coordinates = indexed.rows[chosen], indexed.coordinates
    fitted = None
    if chosen.all():
        fitted = crystal.lattice
    elif chosen.sum() >= settings.smallest_grain and _is_flat(coordinates[chosen]):
        fitted = fit_lattice(coordinates[chosen], scene.points[rows])
    lattice = fitted or crystal.lattice
    displacement = (scene.points[rows] - lattice.places(coordinates[chosen])) * _PM
    strain = local_strain(
        coordinates @ lattice.hexagonal(settings.reference), scene.points[indexed.rows], settings.strain_radius
    )
    on_mo = (indexed.sublattice == crystal.mo_sublattice)[chosen]
    vacancies = count_vacancies([crystal], rows, missing, scene)
    measurement = GrainMeasurement(
        number=crystal.number,
        columns=len(rows),
        decided=bool(scene.table.decided[indexed.rows].any()),
        agreement=crystal.agreement,
        lattice=fitted,
        displacement=float(np.sqrt((displacement**2).sum(axis=1).mean())) if len(rows) else float("nan"),
        noise=strain.noise * _PM,
        sublattice_offset=_offset(displacement, on_mo),
        misfits=indexed.misfits,
        vacancies=vacancies,
        density=measured_density([crystal], vacancies, scene),
    )
    return measurement, GrainMaps(rows, displacement, _select(strain, chosen), on_mo)


def count_vacancies(crystals: list[Crystal], rows: NDArray[np.int64], missing: list[Defect], scene: Scene) -> Vacancies:
    """Vacancies among the columns `rows` and the sites of crystals, in the region."""
    confidence = scene.settings.confidence
    kinds = [defect.kind for defect in missing]
    mo_sites = s_sites = 0
    for crystal in crystals:
        inside = crystal.sites.filled & scene.holds(crystal.sites.points)
        on_mo = crystal.sites.sublattice == crystal.mo_sublattice
        mo_sites += int((inside & on_mo).sum())
        s_sites += int((inside & ~on_mo).sum())
    return Vacancies(
        fraction(*scene.single_sulphurs(rows), confidence),
        fraction(kinds.count(V_MO), mo_sites, confidence),
        fraction(kinds.count(V_S2), s_sites, confidence),
        int((~scene.counted[rows]).sum()),
    )


def measured_density(crystals: list[Crystal], vacancies: Vacancies, scene: Scene) -> Density:
    """Numbers per area of the flake: half a unit cell for each site that is part of it."""
    area, columns = 0.0, 0
    for crystal in crystals:
        inside = crystal.sites.filled & scene.holds(crystal.sites.points)
        area += int(inside.sum()) * crystal.lattice.cell_area / 2 * _NM2
        columns += int(inside.sum())
    columns -= vacancies.missing_mo.count + vacancies.missing_2s.count
    return density(area, columns, vacancies)


def _is_flat(coordinates: NDArray[np.float64]) -> bool:
    """Whether points lie in a plane, not on a line; a lattice cannot be fitted to a row."""
    return bool(np.linalg.eigvalsh(np.cov(coordinates.T))[0] > 1 / 4)


def _offset(displacement: NDArray[np.float64], on_mo: NDArray[np.bool_]) -> tuple[float, float]:
    if on_mo.all() or not on_mo.any():
        return float("nan"), float("nan")
    x, y = (displacement[~on_mo].mean(axis=0) - displacement[on_mo].mean(axis=0)).tolist()
    return x, y


def _select(strain: LocalStrain, chosen: NDArray[np.bool_]) -> LocalStrain:
    return replace(
        strain,
        xx=strain.xx[chosen],
        yy=strain.yy[chosen],
        xy=strain.xy[chosen],
        rotation=strain.rotation[chosen],
        error=strain.error[chosen],
    )
