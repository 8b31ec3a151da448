"""`measure`: from a table of columns to all measurements."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hrtem_app.columns import ColumnTable
from hrtem_app.measure.crystal import Crystal, Crystals, find_crystals
from hrtem_app.measure.defects import (
    DEFECT_KINDS,
    MO_ON_S,
    ONE_S,
    S_ON_MO,
    V_S,
    Cluster,
    Defect,
    clusters,
    column_defects,
    misplaced,
    missing_columns,
)
from hrtem_app.measure.doubts import doubts
from hrtem_app.measure.edges import EdgeSegment, find_edges
from hrtem_app.measure.grain import GrainMaps, count_vacancies, measure_grain, measured_density
from hrtem_app.measure.measurements import ColumnMeasurements, Measurements
from hrtem_app.measure.pairs import BOND, MO, SAME_SUBLATTICE, nearest_distances, pairs_within
from hrtem_app.measure.scene import Scene, make_scene
from hrtem_app.measure.settings import MeasureSettings

_DEFAULTS = MeasureSettings()


def measure(
    table: ColumnTable,
    region: ArrayLike | None = None,
    settings: MeasureSettings = _DEFAULTS,
    image_shape: Sequence[int] | None = None,
) -> Measurements:
    """Measure vacancies, densities, distances, lattices, strain, edges and point defects.

    Neighbours, grains, vacant sites and edges are found on the whole table, so the border of a region is no edge;
    counted, fitted and listed is what lies in the region.

    Parameters
    ----------
    table
        The columns.
    region
        (m, 2) corners of a polygon (y, x) in pixels; None: that of the settings, or everything.
    settings
        What counts, and how far neighbours reach.
    image_shape
        (y, x) size of the image in pixels. None: unknown; its far borders are then taken to be at the last columns,
        and no edge is found there.

    Raises
    ------
    ValueError
        For a region or an image that is none.
    """
    region = settings.region if region is None else region
    scene = make_scene(table, region, settings, image_shape)
    pairs, length = pairs_within(scene.points, SAME_SUBLATTICE[1])
    found = find_crystals(scene.points, table.classes, table.grain, pairs, length, scene.image, settings)
    crystals = [c for c in found.crystals if scene.inside[c.indexed.rows].any()]
    missing = {c.number: missing_columns(c, scene.holds(c.sites.points)) for c in crystals if _counts(c, scene)}
    measured = [measure_grain(c, missing.get(c.number, []), scene) for c in crystals]
    edges = [
        edge
        for crystal in crystals
        for edge in find_edges(crystal.sites, crystal.lattice, table.classes, scene.inside, crystal.number, settings)
    ]
    distances = {d.pair: d for d in nearest_distances(table.classes, pairs, length, scene.inside)}
    single = scene.counted & (table.classes == ONE_S)
    grouped, neighbours = clusters(scene.points, single, scene.counted & (table.classes != MO), distances["S-S"].rows)
    vacant = [defect for each in missing.values() for defect in each]
    edge_of = _edge_of_columns(edges, len(table))
    defects, crowds = _defects(scene, found, crystals, pairs, length, edge_of >= 0)
    vacancies = count_vacancies(crystals, np.flatnonzero(scene.inside), vacant, scene)
    grains = tuple(grain for grain, _ in measured)
    return Measurements(
        sampling=table.sampling,
        settings=settings,
        region=None if region is None else np.asarray(region, float),
        columns=_columns(scene, found, [maps for _, maps in measured], edge_of, defects, grouped),
        vacancies=vacancies,
        density=measured_density(crystals, vacancies, scene),
        distances=distances,
        grains=grains,
        edges=tuple(edges),
        defects=tuple(defects + vacant),
        clusters=grouped,
        neighbour_pairs=neighbours,
        warnings=doubts(scene, found, grains, crowds, vacancies, image_shape is not None),
    )


def _counts(crystal: Crystal, scene: Scene) -> bool:
    """Whether missing columns of a grain count; where only decided grains do, those of others are left out."""
    return not scene.settings.decided_only or bool(scene.table.decided[crystal.indexed.rows].any())


def _edge_of_columns(edges: list[EdgeSegment], count: int) -> NDArray[np.int64]:
    """(n,) the segment of each column, the longest where it ends several; -1 for none."""
    segment = np.full(count, -1, np.int64)
    for number in sorted(range(len(edges)), key=lambda n: edges[n].length):
        segment[list(edges[number].rows)] = number
    return segment


def _defects(
    scene: Scene,
    found: Crystals,
    crystals: list[Crystal],
    pairs: NDArray[np.int64],
    length: NDArray[np.float64],
    at_edge: NDArray[np.bool_],
) -> tuple[list[Defect], dict[int, int]]:
    """Defects that are columns, and by grain how many columns stand on the wrong sublattice in larger groups."""
    classes = scene.table.classes
    kind = np.where(scene.counted & (classes == ONE_S), DEFECT_KINDS.index(V_S), -1)
    crowds = {}
    for crystal in crystals:
        wrong, crowds[crystal.number] = misplaced(crystal, classes, pairs, scene.settings.largest_antisite)
        wrong = wrong[scene.counted[wrong]]
        kind[wrong] = np.where(classes[wrong] == MO, DEFECT_KINDS.index(MO_ON_S), DEFECT_KINDS.index(S_ON_MO))
    rows = np.flatnonzero(kind >= 0)
    bonded = pairs[(length >= BOND[0]) & (length <= BOND[1])]
    around: dict[int, list[int]] = {}
    for ends in (bonded, bonded[:, ::-1]):
        for row, neighbour in ends[np.isin(ends[:, 0], rows)].tolist():
            around.setdefault(row, []).append(neighbour)
    kinds = [DEFECT_KINDS[k] for k in kind[rows]]
    return column_defects(rows, kinds, scene.points, found.grains.label, around, at_edge), crowds


def _columns(
    scene: Scene,
    found: Crystals,
    maps: list[GrainMaps],
    edge_of: NDArray[np.int64],
    defects: list[Defect],
    grouped: tuple[Cluster, ...],
) -> ColumnMeasurements:
    count = len(scene.table)
    on_mo, cluster, defect = np.full(count, -1), np.zeros(count, np.int64), np.full(count, -1)
    displacement, strain = np.full((count, 2), np.nan), np.full((count, 5), np.nan)
    for grain in maps:
        s = grain.strain
        on_mo[grain.rows], displacement[grain.rows] = grain.on_mo, grain.displacement
        strain[grain.rows] = np.column_stack([s.xx, s.yy, s.xy, s.rotation, s.error])
    for one in defects:
        defect[one.rows[0]] = DEFECT_KINDS.index(one.kind)
    for group in grouped:
        cluster[list(group.rows)] = group.size
    rows = np.flatnonzero(scene.inside)
    return ColumnMeasurements(
        rows=rows,
        ids=scene.table.ids[rows],
        classes=scene.table.classes[rows],
        grain=found.grains.label[rows],
        positions=scene.table.positions[rows],
        on_mo=on_mo[rows],
        displacement=displacement[rows],
        strain=strain[rows, :3],
        rotation=strain[rows, 3],
        strain_error=strain[rows, 4],
        bonds=found.grains.bonds[rows],
        edge=edge_of[rows],
        defect=defect[rows],
        cluster=cluster[rows],
    )
