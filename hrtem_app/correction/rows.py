"""Rows of a table: found by id, taken out, put back, replaced; each gives a new table that shares what is the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hrtem_app.columns import ROW_ARRAYS, ColumnTable


def rows_of(table: ColumnTable, ids: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
    """Row numbers of columns, in the order of the ids.

    Raises
    ------
    ValueError
        For an id that no column has; names it.
    """
    wanted = np.asarray(ids, np.int64)
    order = np.argsort(table.ids, kind="stable")
    place = np.searchsorted(table.ids, wanted, sorter=order)
    found = place < len(table)
    found[found] = table.ids[order[place[found]]] == wanted[found]
    if not found.all():
        raise no_such_column(int(wanted[~found][0]))
    rows: NDArray[np.int64] = order[place]
    return rows


def no_such_column(number: int) -> ValueError:
    """The error for an id that no column has."""
    return ValueError(f"no column has the id {number}: it was deleted, or belongs to another table")


def arrays_of(table: ColumnTable) -> dict[str, NDArray[Any]]:
    """All arrays of a table by name, those of networks as `p_` with the network's name."""
    networks = {f"p_{name}": values for name, values in table.network_probability.items()}
    return {name: getattr(table, name) for name in ROW_ARRAYS} | networks


def table_of(arrays: Mapping[str, NDArray[Any]], sampling: float, disputed: Iterable[str]) -> ColumnTable:
    """A table of the arrays that `arrays_of` gives."""
    return ColumnTable(
        sampling=sampling,
        network_probability={name[2:]: values for name, values in arrays.items() if name not in ROW_ARRAYS},
        disputed=tuple(disputed),
        **{name: arrays[name] for name in ROW_ARRAYS},
    )


def written(table: ColumnTable, rows: NDArray[np.int64], part: ColumnTable) -> ColumnTable:
    """The table with other values in some rows; itself where they are those that it has."""
    if same_values(table.select(rows), part):
        return table
    new = arrays_of(part)
    disputed = list(table.disputed)
    for row, text in zip(rows.tolist(), part.disputed, strict=True):
        disputed[row] = text
    arrays = {name: _with_rows(values, rows, new[name]) for name, values in arrays_of(table).items()}
    return table_of(arrays, table.sampling, disputed)


def inserted(table: ColumnTable, rows: NDArray[np.int64], part: ColumnTable) -> ColumnTable:
    """The table with more rows, which get these row numbers; the others keep their order."""
    count = len(table) + len(part)
    rest = np.delete(np.arange(count), rows)

    def together(old: NDArray[Any], new: NDArray[Any]) -> NDArray[Any]:
        values = np.empty((count, *old.shape[1:]), old.dtype)
        values[rest], values[rows] = old, new
        return values

    new = arrays_of(part)
    arrays = {name: together(values, new[name]) for name, values in arrays_of(table).items()}
    disputed = together(np.array(table.disputed, object), np.array(part.disputed, object))
    return table_of(arrays, table.sampling, disputed.tolist())


def same_values(a: ColumnTable, b: ColumnTable) -> bool:
    """Whether two tables hold the same; a NaN is the same as a NaN."""
    return (
        a.sampling == b.sampling
        and a.disputed == b.disputed
        and list(a.network_probability) == list(b.network_probability)
        and all(_same(getattr(a, name), getattr(b, name)) for name in ROW_ARRAYS)
        and all(_same(values, b.network_probability[name]) for name, values in a.network_probability.items())
    )


def _same(a: NDArray[Any], b: NDArray[Any]) -> bool:
    return a is b or np.array_equal(a, b, equal_nan=a.dtype.kind == "f")


def _with_rows(values: NDArray[Any], rows: NDArray[np.int64], new: NDArray[Any]) -> NDArray[Any]:
    """An array with other values in some rows; itself where they are those that it has."""
    if _same(values[rows], new):
        return values
    changed = values.copy()
    changed[rows] = new
    return changed
