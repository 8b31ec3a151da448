"""Measurements as plain values for JSON, and as lines of text."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from hrtem_app.measure.vacancies import Density, Fraction, Vacancies

if TYPE_CHECKING:
    from hrtem_app.measure.defects import Defect
    from hrtem_app.measure.edges import EdgeSegment
    from hrtem_app.measure.grain import GrainMeasurement
    from hrtem_app.measure.measurements import Measurements


def content(measured: Measurements) -> dict[str, Any]:
    """Everything but the columns; units stand in the names, what is unknown is None."""
    sampling, region, columns = measured.sampling, measured.region, measured.columns
    ids = dict(zip(columns.rows.tolist(), columns.ids.tolist(), strict=True))
    whole = {
        "sampling_A_per_px": sampling,
        "settings": measured.settings.model_dump(mode="json"),
        "region_px": None if region is None else [{"x": x, "y": y} for y, x in region.tolist()],
        "columns": len(columns),
        "counts": measured.counts(),
        "vacancies": _vacancies(measured.vacancies),
        "density": _density(measured.density),
        "distances": {
            pair: {"pairs": len(d.values), "mean_A": d.mean, "standard_deviation_A": d.deviation}
            for pair, d in measured.distances.items()
        },
        "grains": [_grain(grain) for grain in measured.grains],
        "edge_length_nm": measured.edge_lengths(),
        "edges": [_edge(edge, sampling, ids) for edge in measured.edges],
        "defect_counts": measured.defect_counts(),
        "defects": [_defect(defect, sampling, ids) for defect in measured.defects],
        "clusters_of_1S": {
            "sizes": {str(size): number for size, number in measured.cluster_sizes().items()},
            "lines": sum(cluster.line for cluster in measured.clusters),
            "neighbouring_pairs": measured.neighbour_pairs.found,
            "neighbouring_pairs_if_random": measured.neighbour_pairs.expected,
            "members": [[ids[row] for row in cluster.rows] for cluster in measured.clusters if cluster.size > 1],
        },
        "warnings": list(measured.warnings),
    }
    cleaned: dict[str, Any] = _without_nan(whole)
    return cleaned


def summary(measured: Measurements) -> str:
    """The main numbers as lines of text."""
    counts = ", ".join(f"{number} {name}" for name, number in measured.counts().items())
    v, d = measured.vacancies, measured.density
    lines = [
        f"columns     {len(measured.columns)}: {counts}",
        f"1S vacancy  {_told(v.single)} of the sulphur columns",
        f"missing     Mo {_told(v.missing_mo)}, 2S {_told(v.missing_2s)}",
        f"area        {d.area:.2f} nm²: {d.columns:.2f} columns, {d.single:.3f} 1S, {d.missing_mo:.3f} missing Mo, "
        f"{d.missing_2s:.3f} missing 2S per nm²",
    ]
    lines += [
        f"{pair:<12}{each.mean:.3f} ± {each.deviation:.3f} Å ({len(each.values)} pairs)"
        for pair, each in measured.distances.items()
    ]
    lines += [_grain_line(grain) for grain in measured.grains]
    edges = ", ".join(f"{kind} {length:.1f} nm" for kind, length in measured.edge_lengths().items() if length)
    defects = ", ".join(f"{number} {kind}" for kind, number in measured.defect_counts().items() if number)
    sizes = ", ".join(f"{number} of {size}" for size, number in measured.cluster_sizes().items() if size > 1)
    pairs = measured.neighbour_pairs
    lines += [
        f"edges       {edges or 'none'}",
        f"defects     {defects or 'none'}",
        f"clusters    {sizes or 'none'}; {pairs.found} neighbouring pairs of 1S, {pairs.expected:.1f} if random",
    ]
    return "\n".join(lines)


def _told(part: Fraction) -> str:
    return f"{part.count} of {part.total}" + (
        f" = {part.value:.2%} ({part.low:.2%} to {part.high:.2%})" if part.total else ""
    )


def _grain_line(grain: GrainMeasurement) -> str:
    said = f"grain {grain.number:<6}{grain.columns} columns"
    if grain.lattice is not None:
        lattice = grain.lattice
        said += (
            f", a = {lattice.constant:.4f} ± {lattice.constant_error:.4f} Å, turned by {lattice.orientation:.2f}°, "
            f"anisotropy {lattice.anisotropy:.2%} ± {lattice.anisotropy_error:.2%}"
        )
    return f"{said}, displaced by {grain.displacement:.1f} pm (noise {grain.noise:.1f} pm per axis)"


def _fraction(part: Fraction) -> dict[str, Any]:
    return {"count": part.count, "of": part.total, "fraction": part.value, "low": part.low, "high": part.high}


def _vacancies(vacancies: Vacancies) -> dict[str, Any]:
    return {
        "1S": _fraction(vacancies.single),
        "missing_Mo": _fraction(vacancies.missing_mo),
        "missing_2S": _fraction(vacancies.missing_2s),
        "sulphur_atoms_missing_fraction": vacancies.sulphur_atoms,
        "columns_left_out": vacancies.left_out,
    }


def _density(density: Density) -> dict[str, Any]:
    return {
        "area_nm2": density.area,
        "columns_per_nm2": density.columns,
        "1S_per_nm2": density.single,
        "missing_Mo_per_nm2": density.missing_mo,
        "missing_2S_per_nm2": density.missing_2s,
    }


def _grain(grain: GrainMeasurement) -> dict[str, Any]:
    lattice = grain.lattice
    fitted = lattice and {
        "constant_A": lattice.constant,
        "constant_error_A": lattice.constant_error,
        "vectors_xy_A": lattice.vectors.tolist(),
        "origin_xy_A": lattice.origin.tolist(),
        "orientation_deg": lattice.orientation,
        "anisotropy": lattice.anisotropy,
        "anisotropy_error": lattice.anisotropy_error,
        "anisotropy_direction_deg": lattice.anisotropy_direction,
        "deviation_pm": 100 * lattice.deviation,
        "columns": lattice.columns,
        "outliers": lattice.outliers,
    }
    return {
        "grain": grain.number,
        "columns": grain.columns,
        "decided": grain.decided,
        "classes_that_fit_fraction": grain.agreement,
        "lattice": fitted,
        "displacement_rms_pm": grain.displacement,
        "noise_pm": grain.noise,
        "sublattice_offset_pm": dict(zip("xy", grain.sublattice_offset, strict=True)),
        "misfits": grain.misfits,
        "vacancies": _vacancies(grain.vacancies),
        "density": _density(grain.density),
    }


def _edge(edge: EdgeSegment, sampling: float, ids: dict[int, int]) -> dict[str, Any]:
    return {
        "kind": edge.kind,
        "grain": edge.grain,
        "length_nm": edge.length / 10,
        "angle_from_zigzag_deg": edge.angle,
        "mo_fraction": edge.mo_fraction,
        "hole": edge.hole,
        "ids": [ids[row] for row in edge.rows],
        "path_px": [{"x": x, "y": y} for x, y in (edge.path / sampling).tolist()],
    }


def _defect(defect: Defect, sampling: float, ids: dict[int, int]) -> dict[str, Any]:
    return {
        "kind": defect.kind,
        "x_px": defect.x / sampling,
        "y_px": defect.y / sampling,
        "grain": defect.grain,
        "ids": [ids[row] for row in defect.rows if row in ids],
        "at_edge": defect.at_edge,
    }


def _without_nan(value: Any) -> Any:
    """JSON has no NaN: what could not be measured is null there."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value
