"""Measurements on a table of columns: vacancies, densities, distances, lattice, strain, edges and point defects."""

from hrtem_app.measure.measurements import ColumnMeasurements, Measurements
from hrtem_app.measure.run import measure
from hrtem_app.measure.settings import MeasureSettings

__all__ = ["ColumnMeasurements", "MeasureSettings", "Measurements", "measure"]
