"""Measurements: all that is measured on a table of columns."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hrtem_app.columns import CLASSES
from hrtem_app.measure.defects import DEFECT_KINDS, Cluster, Defect, NeighbourPairs
from hrtem_app.measure.edges import EDGE_KINDS, EdgeSegment
from hrtem_app.measure.grain import GrainMeasurement
from hrtem_app.measure.pairs import Distances
from hrtem_app.measure.settings import MeasureSettings
from hrtem_app.measure.vacancies import Density, Vacancies

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class ColumnMeasurements:
    """What is measured at each of m columns, those in the region; NaN where it is unknown.

    Parameters
    ----------
    rows, ids
        (m,) row of the table and id.
    classes, grain
        (m,) as in the table, and number of the grain (-1 for none).
    positions
        (m, 2) (y, x) in pixels.
    on_mo
        (m,) whether the site is one of molybdenum (1) or sulphur (0); -1 for columns of no lattice.
    displacement
        (m, 2) (x, y) in pm from the site of the fitted lattice.
    strain
        (m, 3) ε_xx, ε_yy, ε_xy without unit.
    rotation, strain_error
        (m,) in rad, and standard error of ε_xx and ε_yy.
    bonds
        (m,) how many columns are a bond away.
    edge
        (m,) number of the edge segment; -1 for none.
    defect
        (m,) index into `DEFECT_KINDS`; -1 for none.
    cluster
        (m,) how many neighbouring 1S columns it is one of; 0 for none.
    """

    rows: NDArray[np.int64]
    ids: NDArray[np.int64]
    classes: NDArray[np.int64]
    grain: NDArray[np.int64]
    positions: NDArray[np.float64]
    on_mo: NDArray[np.int64]
    displacement: NDArray[np.float64]
    strain: NDArray[np.float64]
    rotation: NDArray[np.float64]
    strain_error: NDArray[np.float64]
    bonds: NDArray[np.int64]
    edge: NDArray[np.int64]
    defect: NDArray[np.int64]
    cluster: NDArray[np.int64]

    def __post_init__(self) -> None:
        for array in vars(self).values():
            array.flags.writeable = False

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, eq=False)
class Measurements:
    """All that was measured; x to the right and y downwards, as in the image.

    Parameters
    ----------
    sampling
        Å per pixel.
    settings
        What the measurement was told.
    region
        (m, 2) corners (y, x) in pixels; None: the whole table.
    columns
        Column by column.
    vacancies, density
        Of all grains together.
    distances
        Of nearest neighbours, by `PAIRS`.
    grains
        Each grain of which a column lies in the region.
    edges
        Straight pieces of the flake's edge.
    defects, clusters, neighbour_pairs
        Point defects; 1S columns that are neighbours, the largest cluster first; how many pairs they make.
    warnings
        What a reader should know, one sentence each.
    """

    sampling: float
    settings: MeasureSettings
    region: NDArray[np.float64] | None
    columns: ColumnMeasurements
    vacancies: Vacancies
    density: Density
    distances: Mapping[str, Distances]
    grains: tuple[GrainMeasurement, ...]
    edges: tuple[EdgeSegment, ...]
    defects: tuple[Defect, ...]
    clusters: tuple[Cluster, ...]
    neighbour_pairs: NeighbourPairs
    warnings: tuple[str, ...]

    def counts(self) -> dict[str, int]:
        """How many columns of each class lie in the region."""
        return {name: int((self.columns.classes == index).sum()) for index, name in enumerate(CLASSES)}

    def defect_counts(self) -> dict[str, int]:
        """How many defects of each kind."""
        kinds = [defect.kind for defect in self.defects]
        return {kind: kinds.count(kind) for kind in DEFECT_KINDS}

    def cluster_sizes(self) -> dict[int, int]:
        """How many clusters of 1S columns of each size; size 1 is a vacancy alone."""
        sizes, numbers = np.unique([cluster.size for cluster in self.clusters], return_counts=True)
        return {int(size): int(number) for size, number in zip(sizes, numbers, strict=True)}

    def edge_lengths(self) -> dict[str, float]:
        """Length of the edges of each kind in nm, those of holes too."""
        return {kind: sum((e.length for e in self.edges if e.kind == kind), 0.0) / 10 for kind in EDGE_KINDS}

    def to_frame(self) -> pd.DataFrame:
        """Column by column, units in the names; what is unknown is NaN, or empty text."""
        import pandas as pd

        c = self.columns
        edge_kinds = np.array([*(edge.kind for edge in self.edges), ""])
        return pd.DataFrame(
            {
                "row": c.rows,
                "id": c.ids,
                "class": [CLASSES[index] for index in c.classes],
                "x_px": c.positions[:, 1],
                "y_px": c.positions[:, 0],
                "grain": c.grain,
                "site": np.array(["S", "Mo", ""])[c.on_mo],
                "displacement_x_pm": c.displacement[:, 0],
                "displacement_y_pm": c.displacement[:, 1],
                "displacement_pm": np.hypot(*c.displacement.T),
                "strain_xx": c.strain[:, 0],
                "strain_yy": c.strain[:, 1],
                "strain_xy": c.strain[:, 2],
                "strain_error": c.strain_error,
                "rotation_deg": np.rad2deg(c.rotation),
                "bonds": c.bonds,
                "edge": edge_kinds[c.edge],
                "edge_segment": c.edge,
                "defect": np.array([*DEFECT_KINDS, ""])[c.defect],
                "cluster_size": c.cluster,
            }
        )

    def content(self) -> dict[str, Any]:
        """Everything but the columns as plain values for JSON, units in the names; what is unknown is None."""
        from hrtem_app.measure.report import content

        return content(self)

    def to_json(self) -> str:
        """`content` as JSON."""
        return json.dumps(self.content(), indent=2, ensure_ascii=False, allow_nan=False)

    def summary(self) -> str:
        """The main numbers as lines of text."""
        from hrtem_app.measure.report import summary

        return summary(self)
