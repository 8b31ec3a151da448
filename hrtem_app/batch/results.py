"""Results that lie in a folder: whose they are, and what they tell in one row."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

import hrtem_app
from hrtem_app.analysis import versions_for
from hrtem_app.batch.table import Value
from hrtem_app.columns import ColumnTable
from hrtem_app.export.sidecar import SIDECAR
from hrtem_app.measure import Measurements, MeasureSettings, measure
from hrtem_app.measure.files import NUMBERS
from hrtem_app.recipe import Recipe
from hrtem_app.series import FocalSeries


def read_record(folder: Path) -> dict[str, Any] | None:
    """What `analysis.json` in a folder says; None where there is none that can be read."""
    try:
        record = json.loads((folder / SIDECAR).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) else None


def difference(folder: Path, record: dict[str, Any], series: FocalSeries, recipe: Recipe) -> str:
    """In what results differ from those that a series and a recipe give now; empty where they are the same.

    Parameters
    ----------
    folder
        Where they lie.
    record
        What `read_record` gave.
    series
        As its files are now.
    recipe
        What the analysis would be told; the device and the settings of measurements do not count.
    """
    cards = versions_for(series, recipe).cards
    try:
        if [source["sha256"] for source in record["series"]["sources"]] != [s.sha256 for s in series.sources]:
            return "of other files"
        if Recipe.model_validate(record["recipe"]).of_analysis() != recipe.of_analysis():
            return "of another recipe"
        if record["versions"]["hrtem_app"] != hrtem_app.__version__:
            return f"of hrtem-app {record['versions']['hrtem_app']}"
        if {n: net["card"]["sha256"] for n, net in record["networks"].items()} != {c.name: c.sha256 for c in cards}:
            return "of networks with other weights"
        missing = [name for name in record["files"] if not (folder / name).is_file()]
    except (KeyError, TypeError, ValueError):
        return "of another version"
    return f"without {missing[0]}" if missing else ""


def describe(folder: str | Path, settings: MeasureSettings | None = None) -> tuple[dict[str, Value], Measurements]:
    """What the results in a folder say in one row, and the measurements that it is from.

    Parameters
    ----------
    folder
        That `write_results` wrote.
    settings
        Of the measurements; None: the defaults.

    Returns
    -------
    values
        The columns of the table from `sampling_A` to `seconds`; what is unknown is None.
    measured
        All measurements of the columns.

    Raises
    ------
    ValueError
        For a folder without results.
    """
    place = Path(folder)
    record = read_record(place)
    if record is None:
        raise ValueError(f"{place} holds no results: give a folder with an {SIDECAR}")
    try:
        series, size = record["series"], record["series"]["size_px"]
        table = ColumnTable.from_csv(place / "columns.csv", series["sampling_A"])
        measured = measure(table, settings=settings or MeasureSettings(), image_shape=(size["y"], size["x"]))
        values: dict[str, Value] = {
            "sampling_A": series["sampling_A"],
            "frames": series["frames"],
            "frames_used": len(record["frames_used"]),
            "energy_eV": series["energy_eV"],
            "networks": " ".join(record["networks"]),
            **_of_columns(table),
            **_of_measurements(measured),
            "mean_votes": float(table.votes.mean()) if len(table) else None,
            "warnings": len(record["warnings"]),
            "seconds": round(sum(record["seconds"].values()), 3),
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{place / SIDECAR} is not the record of an analysis: analyse the series again") from error
    return {name: _known(value) for name, value in values.items()}, measured


def has_measurements(folder: Path, settings: MeasureSettings) -> bool:
    """Whether measurements with these settings lie in a folder."""
    try:
        told = json.loads((folder / NUMBERS).read_text(encoding="utf-8"))["settings"]
        return MeasureSettings.model_validate(told) == settings
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _of_columns(table: ColumnTable) -> dict[str, Value]:
    grains = np.unique(table.grain[table.grain >= 0])
    return {
        "columns": len(table),
        **table.counts(),
        "disputed": sum(bool(text) for text in table.disputed),
        "grains": len(grains),
        "undecided_grains": sum(not table.decided[table.grain == grain].any() for grain in grains.tolist()),
    }


def _of_measurements(measured: Measurements) -> dict[str, Value]:
    """Vacancies of all grains together; the lattice is that of the largest grain that has one."""
    single = measured.vacancies.single
    fitted = [grain for grain in measured.grains if grain.lattice is not None]
    lattice = max(fitted, key=lambda grain: grain.columns).lattice if fitted else None
    return {
        "vacancies_1S": single.value,
        "vacancies_1S_low": single.low,
        "vacancies_1S_high": single.high,
        "area_nm2": measured.density.area,
        "lattice_constant_A": None if lattice is None else lattice.constant,
        "lattice_constant_error_A": None if lattice is None else lattice.constant_error,
    }


def _known(value: Value) -> Value:
    return None if isinstance(value, float) and math.isnan(value) else value
