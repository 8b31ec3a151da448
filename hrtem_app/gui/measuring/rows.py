"""Measurements as a tree of short texts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from hrtem_app.measure import ColumnMeasurements, Measurements
    from hrtem_app.measure.grain import GrainMeasurement
    from hrtem_app.measure.vacancies import Density, Fraction

_DEFECT_TIPS = {
    "V_S": "1S columns: one sulphur atom of a pair is missing",
    "V_S2": "Sulphur sites without a column",
    "V_Mo": "Mo sites without a column",
    "Mo_S": "Mo columns on a sulphur site",
    "S_Mo": "Sulphur columns on a Mo site",
}


@dataclass(frozen=True)
class Row:
    """A line of the tree.

    Parameters
    ----------
    name, value
        Its two texts.
    tip
        What it means.
    ids
        The columns that it is about; none: it is about no particular ones.
    children
        The lines below it.
    """

    name: str
    value: str
    tip: str = ""
    ids: tuple[int, ...] = ()
    children: tuple[Row, ...] = ()


def rows_of(measured: Measurements) -> tuple[Row, ...]:
    """The main numbers, group by group."""
    columns = measured.columns
    counts = ", ".join(f"{number} {name}" for name, number in measured.counts().items())
    return (
        Row("Columns", f"{len(columns)}: {counts}", "Columns in the region by class"),
        Row("Vacancies", _percent(measured.vacancies.single), children=_vacancies(measured)),
        Row("Per area", f"{measured.density.single:.3f} 1S/nm²", children=_density(measured.density)),
        _distances(measured),
        _grains(measured),
        _edges(measured),
        _defects(measured),
        _clusters(measured),
    )


def _vacancies(measured: Measurements) -> tuple[Row, ...]:
    vacancies = measured.vacancies
    rows = [
        Row("1S of 1S and 2S", _told(vacancies.single), "Columns with one sulphur atom, of all sulphur columns"),
        Row("missing Mo", _told(vacancies.missing_mo), "Sites without a column, of all Mo sites"),
        Row("missing 2S", _told(vacancies.missing_2s), "Sites without a column, of all sulphur sites"),
        Row(
            "missing S atoms",
            f"{100 * vacancies.sulphur_atoms:.2f} %",
            "Of all sulphur atoms: one is missing in a 1S column, two in a missing one",
        ),
    ]
    if vacancies.left_out:
        rows.append(Row("left out", f"{vacancies.left_out} columns", vacancies.why_left_out(measured.settings)))
    return tuple(rows)


def _density(density: Density) -> tuple[Row, ...]:
    tip = "Counts over the area of the flake: half a unit cell for each site, vacant ones included"
    return (
        Row("area", f"{density.area:.2f} nm²", tip),
        Row("columns", f"{density.columns:.2f} /nm²", tip),
        Row("1S", f"{density.single:.3f} /nm²", tip),
        Row("missing Mo", f"{density.missing_mo:.3f} /nm²", tip),
        Row("missing 2S", f"{density.missing_2s:.3f} /nm²", tip),
    )


def _distances(measured: Measurements) -> Row:
    tip = "Nearest neighbours: mean ± standard deviation, and how many pairs"
    rows = [
        Row(pair, f"{each.mean:.3f} ± {each.deviation:.3f} Å, {len(each.values)} pairs", tip)
        for pair, each in measured.distances.items()
    ]
    bond = measured.distances["Mo-S"]
    return Row("Distances", f"Mo-S {bond.mean:.3f} Å", children=tuple(rows))


def _grains(measured: Measurements) -> Row:
    grains = sorted(measured.grains, key=lambda grain: -grain.columns)
    constants = [grain.lattice.constant for grain in grains if grain.lattice is not None]
    said = f"a = {constants[0]:.4f} Å" if len(constants) == 1 else f"{len(grains)}"
    return Row("Grains", said, children=tuple(_grain(grain, measured) for grain in grains))


def _grain(grain: GrainMeasurement, measured: Measurements) -> Row:
    columns, lattice = measured.columns, grain.lattice
    own = columns.grain == grain.number
    decided = "decided" if grain.decided else "undecided"
    rows = [Row("Mo and S", f"{decided}, {100 * grain.agreement:.0f} % fit", "Columns whose class fits their site")]
    if lattice is not None:
        rows += [
            Row(
                "lattice constant",
                f"{lattice.constant:.4f} ± {lattice.constant_error:.4f} Å",
                "Of the hexagonal cell of the same area; ± its standard error, which knows nothing of the sampling's",
            ),
            Row("orientation", f"{lattice.orientation:.2f}°", "Of a zigzag row, from x towards y, 0 to 60°"),
            Row(
                "anisotropy",
                f"{100 * lattice.anisotropy:.2f} ± {100 * lattice.anisotropy_error:.2f} %",
                "How much longer the lattice is along one direction than across; ± what noise alone would show",
            ),
        ]
    rows += [
        *_strain(columns, own, measured.settings.reference),
        Row(
            "displacement",
            f"{grain.displacement:.1f} pm",
            "Root mean square distance of the columns from their sites of the fitted lattice",
        ),
        Row("noise", f"{grain.noise:.1f} pm per axis", "Of the positions, beyond what a smooth strain explains"),
        Row("1S of 1S and 2S", _told(grain.vacancies.single), "Columns with one sulphur atom, of all sulphur columns"),
        Row("missing Mo", _told(grain.vacancies.missing_mo), "Sites without a column, of all Mo sites"),
        Row("missing 2S", _told(grain.vacancies.missing_2s), "Sites without a column, of all sulphur sites"),
    ]
    said = f"{grain.columns} columns"
    if lattice is not None:
        said += f", {lattice.constant:.3f} Å, {lattice.orientation:.1f}°"
    return Row(f"grain {grain.number}", said, "Click to select its columns", _ids(columns, own), tuple(rows))


def _strain(columns: ColumnMeasurements, own: np.ndarray, reference: float | None) -> list[Row]:
    against = "the grain's own lattice constant" if reference is None else f"{reference:g} Å"
    rows = []
    for name, values in zip(("xx", "yy", "xy"), 100 * columns.strain[own].T, strict=True):
        known = values[np.isfinite(values)]
        if len(known) > 1:
            # Nothing is left of a minus sign before zero.
            said = f"{round(known.mean(), 2) + 0.0:+.2f} ± {known.std(ddof=1):.2f} %"
            rows.append(Row(f"strain {name}", said, f"Mean ± standard deviation of the columns, against {against}"))
    return rows


def _edges(measured: Measurements) -> Row:
    lengths = {kind: length for kind, length in measured.edge_lengths().items() if length}
    rows = tuple(
        Row(
            kind,
            f"{length:.2f} nm",
            "Length of straight pieces of the flake's edge, those of holes too; click to select their columns",
            _of_rows(measured, (row for edge in measured.edges if edge.kind == kind for row in edge.rows)),
        )
        for kind, length in lengths.items()
    )
    return Row("Edges", f"{sum(lengths.values()):.2f} nm" if lengths else "none", children=rows)


def _defects(measured: Measurements) -> Row:
    rows = tuple(
        Row(
            kind,
            str(number),
            f"{_DEFECT_TIPS[kind]}; click to select them, or the neighbours of what is missing",
            _of_rows(measured, (row for d in measured.defects if d.kind == kind for row in _about(d.rows, kind))),
        )
        for kind, number in measured.defect_counts().items()
        if number
    )
    return Row("Defects", str(len(measured.defects)), children=rows)


def _clusters(measured: Measurements) -> Row:
    pairs = measured.neighbour_pairs
    lines = sum(cluster.line for cluster in measured.clusters)
    rows = [
        Row(
            "alone" if size == 1 else f"of {size}",
            str(number),
            "1S columns that are neighbours on their sublattice; click to select them",
            _of_rows(measured, (row for c in measured.clusters if c.size == size for row in c.rows)),
        )
        for size, number in measured.cluster_sizes().items()
    ]
    tip = "Pairs of neighbouring 1S columns, and how many there would be if these were spread at random"
    rows += [
        Row("lines", str(lines), "Clusters of three and more in a row"),
        Row("neighbouring pairs", f"{pairs.found}, {pairs.expected:.1f} if random", tip),
    ]
    larger = sum(cluster.size > 1 for cluster in measured.clusters)
    return Row("Clusters of 1S", str(larger), children=tuple(rows))


def _about(rows: tuple[int, ...], kind: str) -> tuple[int, ...]:
    """The column that is the defect; the neighbours where it is missing."""
    return rows if kind in ("V_S2", "V_Mo") else rows[:1]


def _of_rows(measured: Measurements, rows: Iterable[int]) -> tuple[int, ...]:
    return _ids(measured.columns, np.isin(measured.columns.rows, list(rows)))


def _ids(columns: ColumnMeasurements, chosen: np.ndarray) -> tuple[int, ...]:
    return tuple(columns.ids[chosen].tolist())


def _percent(part: Fraction) -> str:
    return f"{100 * part.value:.2f} %" if part.total else "none"


def _told(part: Fraction) -> str:
    if not part.total:
        return "none"
    return f"{_percent(part)} ({100 * part.low:.2f} to {100 * part.high:.2f}), {part.count}/{part.total}"
