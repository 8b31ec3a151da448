"""hrtem-app: atomic columns of two-dimensional materials from HR-TEM focal series.

The public names are loaded when they are first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hrtem_app.analysis import Analysis, analyse
    from hrtem_app.columns import ColumnTable
    from hrtem_app.io import load_series
    from hrtem_app.recipe import Recipe
    from hrtem_app.series import FocalSeries, SeriesError

__all__ = ["Analysis", "ColumnTable", "FocalSeries", "Recipe", "SeriesError", "__version__", "analyse", "load_series"]

__version__ = "0.1.0"

_HOMES = {
    "Analysis": "hrtem_app.analysis",
    "analyse": "hrtem_app.analysis",
    "ColumnTable": "hrtem_app.columns",
    "load_series": "hrtem_app.io",
    "Recipe": "hrtem_app.recipe",
    "FocalSeries": "hrtem_app.series",
    "SeriesError": "hrtem_app.series",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'hrtem_app' has no attribute '{name}'")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
