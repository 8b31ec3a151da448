"""What the report says about measurements: vacancies, densities, distances, grains, edges and defects."""

from __future__ import annotations

import math
from html import escape

from hrtem_app.export.drawing import png
from hrtem_app.export.markup import bullets, facts, paragraph, picture, table
from hrtem_app.export.report import Section
from hrtem_app.measure import Measurements
from hrtem_app.measure.edges import EDGE_KINDS
from hrtem_app.measure.figures import figures
from hrtem_app.measure.grain import GrainMeasurement
from hrtem_app.measure.vacancies import Fraction

_DPI = 150
_CAPTIONS = {
    "displacement": "How far each column lies from its site in the fitted lattice; arrows are enlarged.",
    "strain": "Strain and rotation at each column, relative to the lattice of its grain or the one that was given.",
    "distances": "Distances of nearest neighbours; the line is the mean.",
    "defects": "Point defects and the edges of the flake.",
}
_DEFECTS = {
    "V_S": "one S atom of a pair is missing",
    "V_S2": "a pair of S atoms is missing",
    "V_Mo": "Mo is missing",
    "Mo_S": "Mo on a site of S",
    "S_Mo": "S on a site of Mo",
}


def measurement_section(measured: Measurements) -> Section:
    """All measurements as tables, and their figures."""
    drawn = {name: png(figure, _DPI) for name, figure in figures(measured).items()}
    return "Measurements", [
        paragraph(_where(measured)),
        *([bullets(measured.warnings)] if measured.warnings else []),
        _titled("Vacancies", _vacancies(measured)),
        _titled("Densities", _densities(measured)),
        _titled("Distances of nearest neighbours", _distances(measured)),
        _titled("Lattices of the grains", _grains(measured)),
        _titled("Edges", _edges(measured)),
        _titled("Point defects", _defects(measured)),
        *(picture(drawing, _CAPTIONS[name]) for name, drawing in drawn.items()),
    ]


def _titled(title: str, content: str) -> str:
    return f"<h3>{escape(title)}</h3>\n{content}"


def _where(measured: Measurements) -> str:
    where = "the whole image" if measured.region is None else f"a region of {len(measured.region)} corners"
    counts = ", ".join(f"{number} {name}" for name, number in measured.counts().items())
    return f"Measured in {where}: {len(measured.columns)} columns, {counts}."


def _vacancies(measured: Measurements) -> str:
    v = measured.vacancies
    header = (
        "vacancy",
        "of",
        "count",
        "all",
        "fraction",
        f"{100 * measured.settings.confidence:g} % interval (Wilson)",
    )
    rows = [
        ("1S", "sulphur columns", *_fraction(v.single)),
        ("missing Mo", "Mo sites", *_fraction(v.missing_mo)),
        ("missing 2S", "S sites", *_fraction(v.missing_2s)),
    ]
    atoms = f"Of all sulphur atoms {_percent(v.sulphur_atoms)} are missing. "
    left_out = v.why_left_out(measured.settings) or "All columns are in the counts of classes"
    return table(header, rows) + "\n" + paragraph(f"{atoms}{left_out}.")


def _fraction(part: Fraction) -> tuple[object, ...]:
    return part.count, part.total, _percent(part.value), f"{_percent(part.low)} to {_percent(part.high)}"


def _densities(measured: Measurements) -> str:
    d = measured.density
    return facts(
        {
            "area of the flake": _number(d.area, 3, "nm²"),
            "columns": _number(d.columns, 3, "per nm²"),
            "1S": _number(d.single, 4, "per nm²"),
            "missing Mo": _number(d.missing_mo, 4, "per nm²"),
            "missing 2S": _number(d.missing_2s, 4, "per nm²"),
        }
    )


def _distances(measured: Measurements) -> str:
    rows = [
        (pair, len(each.values), _number(each.mean, 4), _number(each.deviation, 4))
        for pair, each in measured.distances.items()
    ]
    return table(("neighbours", "pairs", "mean, Å", "standard deviation, Å"), rows)


def _grains(measured: Measurements) -> str:
    if not measured.grains:
        return paragraph(f"No grain of {measured.settings.smallest_grain} columns or more.")
    header = (
        "grain",
        "columns",
        "lattice constant, Å",
        "turned by, °",
        "anisotropy",
        "rms displacement, pm",
        "noise per axis, pm",
        "1S of sulphur columns",
    )
    return table(header, [_grain(grain) for grain in measured.grains])


def _grain(grain: GrainMeasurement) -> tuple[object, ...]:
    lattice = grain.lattice
    fitted = (
        ("too few columns", "", "")
        if lattice is None
        else (
            f"{_number(lattice.constant, 4)} ± {_number(lattice.constant_error, 4)}",
            _number(lattice.orientation, 2),
            f"{_percent(lattice.anisotropy)} ± {_percent(lattice.anisotropy_error)}",
        )
    )
    noted = f"{grain.number}" + ("" if grain.decided else " (Mo and S undecided)")
    single = grain.vacancies.single
    part = f"{single.count} of {single.total}: {_percent(single.value)}"
    return noted, grain.columns, *fitted, _number(grain.displacement, 1), _number(grain.noise, 1), part


def _edges(measured: Measurements) -> str:
    if not measured.edges:
        return paragraph("None.")
    rows = [
        (kind, len(those), f"{sum(e.length for e in those) / 10:.2f}", sum(e.hole for e in those))
        for kind in EDGE_KINDS
        if (those := [edge for edge in measured.edges if edge.kind == kind])
    ]
    return table(("edge", "pieces", "length, nm", "of them around holes"), rows)


def _defects(measured: Measurements) -> str:
    if not measured.defects:
        return paragraph("None.")
    rows = [
        (kind, _DEFECTS[kind], number, sum(d.kind == kind and d.at_edge for d in measured.defects))
        for kind, number in measured.defect_counts().items()
    ]
    pairs, sizes = measured.neighbour_pairs, measured.cluster_sizes()
    grouped = ", ".join(f"{number} of {size}" for size, number in sizes.items() if size > 1) or "none"
    said = (
        f"Clusters of neighbouring 1S columns: {grouped}. {pairs.found} pairs of 1S columns are neighbours; "
        f"spread at random there would be {pairs.expected:.1f}."
    )
    return table(("defect", "meaning", "number", "at an edge"), rows) + "\n" + paragraph(said)


def _percent(value: float) -> str:
    return "unknown" if math.isnan(value) else f"{100 * value:.2f} %"


def _number(value: float, digits: int, unit: str = "") -> str:
    return "unknown" if math.isnan(value) else f"{value:.{digits}f} {unit}".strip()
