"""Numbers of a measurement for plots and colours: one for each column, or one for each pair of neighbours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from napari.utils.colormaps.standardize_color import transform_color
from numpy.typing import NDArray

from hrtem_app.gui import theme

if TYPE_CHECKING:
    from hrtem_app.columns import ColumnTable
    from hrtem_app.gui.measuring.measured import Measured

PAIRS = ("Mo-S", "Mo-Mo", "S-S")
BY_GRAIN, ALONG_X, ALONG_Y = "by grain", "along x", "along y"
# The same as in the figures of `hrtem-app measure`.
DEFECT_COLOURS = {"V_S": "#D62728", "V_S2": "#9467BD", "V_Mo": "#1F77B4", "Mo_S": "#17BECF", "S_Mo": "#BCBD22"}
EDGE_COLOURS = {
    "zigzag Mo": "#1F77B4", "zigzag S": "#E69F00", "zigzag": "#2CA02C", "armchair": "#CC79A7", "mixed": "#999999",
}  # fmt: skip
# From the Okabe-Ito set; grains take them in turn.
GRAIN_COLOURS = ("#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#f0e442", "#d55e00", "#0072b2")
UNKNOWN = "#808080"
# A scale of colours leaves out this percentage of the columns, so that one outlier does not fade the rest.
_OUTLIERS = 1.0
_LEAST_LIMIT = 0.01


@dataclass(frozen=True)
class Quantity:
    """Something that each column has a value of.

    Parameters
    ----------
    name, unit
        What it is called; the unit is empty for a plain number.
    values
        From measurements to (m,) values, NaN where unknown.
    signed
        Whether it lies on both sides of zero.
    """

    name: str
    unit: str
    values: Callable[[Measured], NDArray[np.float64]]
    signed: bool = False

    @property
    def title(self) -> str:
        """Name and unit."""
        return f"{self.name} ({self.unit})" if self.unit else self.name


def _nm(measured: Measured, axis: int) -> NDArray[np.float64]:
    values: NDArray[np.float64] = measured.measurements.columns.positions[:, axis] * measured.table.sampling / 10
    return values


def _strain(measured: Measured, component: int) -> NDArray[np.float64]:
    values: NDArray[np.float64] = 100 * measured.measurements.columns.strain[:, component]
    return values


_ALL = (
    Quantity("displacement", "pm", lambda m: np.hypot(*m.measurements.columns.displacement.T)),
    Quantity("strain xx", "%", lambda m: _strain(m, 0), signed=True),
    Quantity("strain yy", "%", lambda m: _strain(m, 1), signed=True),
    Quantity("strain xy", "%", lambda m: _strain(m, 2), signed=True),
    Quantity("rotation", "°", lambda m: np.rad2deg(m.measurements.columns.rotation), signed=True),
    Quantity("x", "nm", lambda m: _nm(m, 1)),
    Quantity("y", "nm", lambda m: _nm(m, 0)),
    Quantity("probability", "", lambda m: m.table.probability[m.measurements.columns.rows]),
    Quantity("probability of 1S", "", lambda m: m.one_s),
)
QUANTITIES = {quantity.name: quantity for quantity in _ALL}
# What columns can be coloured by, beside their class.
COLOURED = ("displacement", "strain xx", "strain yy", "strain xy", "rotation", "defect", "grain")


@dataclass(frozen=True, eq=False)
class Sample:
    """Values for a histogram.

    Parameters
    ----------
    title
        What they are, with the unit.
    values
        (p,).
    ids
        (p, k) columns that each belongs to.
    whole
        Whether they are whole numbers, with a bar each.
    """

    title: str
    values: NDArray[np.float64]
    ids: NDArray[np.int64]
    whole: bool = False


def distances(measured: Measured, pair: str) -> Sample:
    """Distances of nearest neighbours in Å, with the two columns of each."""
    found = measured.measurements.distances[pair]
    return Sample(f"{pair} distance (Å)", found.values, measured.table.ids[found.rows].reshape(-1, 2))


def known_values(measured: Measured, quantity: Quantity) -> Sample:
    """Values of a quantity where it is known."""
    values = quantity.values(measured)
    known = np.isfinite(values)
    return Sample(quantity.title, values[known], measured.measurements.columns.ids[known, np.newaxis])


def single_sulphurs(measured: Measured, by: str) -> Sample:
    """Grains or places of the 1S columns that count."""
    columns = measured.measurements.columns
    rows = [d.rows[0] for d in measured.measurements.defects if d.kind == "V_S"]
    chosen = np.isin(columns.rows, rows)
    ids = columns.ids[chosen, np.newaxis]
    if by == BY_GRAIN:
        return Sample("grain", columns.grain[chosen].astype(float), ids, whole=True)
    axis = "x" if by == ALONG_X else "y"
    return Sample(f"{axis} (nm)", QUANTITIES[axis].values(measured)[chosen], ids)


@dataclass(frozen=True, eq=False)
class Colouring:
    """Colours of columns by a measured value.

    Parameters
    ----------
    measured
        Where the values are from.
    name
        One of `COLOURED`.
    """

    measured: Measured
    name: str

    @property
    def limits(self) -> tuple[float, float]:
        """Of the scale: what all but a few columns lie within."""
        quantity = QUANTITIES[self.name]
        values = np.abs(quantity.values(self.measured))
        known = values[np.isfinite(values)]
        limit = max(float(np.percentile(known, 100 - _OUTLIERS)), _LEAST_LIMIT) if len(known) else 1.0
        return (-limit if quantity.signed else 0.0), limit

    @property
    def legend(self) -> dict[str, str]:
        """Colour by name, where these are no scale."""
        if self.name == "defect":
            counts = self.measured.measurements.defect_counts()
            return {kind: colour for kind, colour in DEFECT_COLOURS.items() if counts[kind]} | {"none": UNKNOWN}
        if self.name == "grain":
            numbers = sorted(grain.number for grain in self.measured.measurements.grains)
            return {f"grain {n}": _of_grain(n) for n in numbers[: len(GRAIN_COLOURS)]}
        return {}

    def colours(self, table: ColumnTable) -> NDArray[np.float32]:
        """(n, 4) of a table's rows, which may be newer than what was measured; grey where the value is unknown."""
        columns = self.measured.measurements.columns
        known = np.concatenate([self._of_columns(), transform_color([UNKNOWN])])
        order = np.argsort(columns.ids)
        place = np.searchsorted(columns.ids, table.ids, sorter=order)
        index = np.append(order, -1)[place]
        found = np.append(columns.ids, -1)[index] == table.ids
        return np.asarray(known[np.where(found, index, -1)], np.float32)

    def _of_columns(self) -> NDArray[np.float32]:
        columns = self.measured.measurements.columns
        if self.name == "defect":
            return _picked(columns.defect, [*DEFECT_COLOURS.values()])
        if self.name == "grain":
            return _picked(np.where(columns.grain < 0, -1, columns.grain % len(GRAIN_COLOURS)), [*GRAIN_COLOURS])
        values, (low, high) = QUANTITIES[self.name].values(self.measured), self.limits
        known = np.isfinite(values)
        fractions = np.clip((np.where(known, values, low) - low) / (high - low), 0, 1)
        colours = np.asarray(scale_of(self.name).map(fractions, mode="float"), np.float32).reshape(-1, 4)
        return np.where(known[:, np.newaxis], colours, transform_color([UNKNOWN])).astype(np.float32)


def scale_of(name: str) -> pg.ColorMap:
    """The scale of a quantity: through white at zero where it has a sign."""
    return pg.colormap.get("CET-D1" if QUANTITIES[name].signed else "viridis")


def class_legend() -> dict[str, str]:
    """Colour by class."""
    return dict(theme.CLASS_COLOURS)


def _of_grain(number: int) -> str:
    return GRAIN_COLOURS[number % len(GRAIN_COLOURS)]


def _picked(index: NDArray[np.int64], colours: list[str]) -> NDArray[np.float32]:
    """(m, 4) colours by index; grey for -1."""
    return np.asarray(transform_color([*colours, UNKNOWN])[index], np.float32).reshape(-1, 4)
