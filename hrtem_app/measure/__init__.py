"""Measurements on a table of columns: vacancies, densities, distances, lattice, strain, edges and point defects.

`measure` and what it gives are loaded when they are first used: a window counts vacancies without the rest.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from hrtem_app.measure.settings import MeasureSettings

if TYPE_CHECKING:
    from hrtem_app.measure.measurements import ColumnMeasurements, Measurements
    from hrtem_app.measure.run import measure

__all__ = ["ColumnMeasurements", "MeasureSettings", "Measurements", "measure"]

_HOMES = {
    "ColumnMeasurements": "hrtem_app.measure.measurements",
    "Measurements": "hrtem_app.measure.measurements",
    "measure": "hrtem_app.measure.run",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'hrtem_app.measure' has no attribute '{name}'")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
