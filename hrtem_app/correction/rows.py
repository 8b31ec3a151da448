"""Rows of a table: found by id, taken out, put back, replaced; each gives a new table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
        raise ValueError(f"no column has the id {wanted[~found][0]}: it was deleted, or belongs to another table")
    rows: NDArray[np.int64] = order[place]
    return rows


def written(table: ColumnTable, rows: NDArray[np.int64], part: ColumnTable) -> ColumnTable:
    """The table with other values in some rows; itself where they are those that it has."""
    if same_values(table.select(rows), part):
        return table

    def put(old: NDArray[Any], new: NDArray[Any]) -> NDArray[Any]:
        values = old.copy()
        values[rows] = new
        return values

    return _combined(table, part, put)


def inserted(table: ColumnTable, rows: NDArray[np.int64], part: ColumnTable) -> ColumnTable:
    """The table with more rows, which get these row numbers; the others keep their order."""
    count = len(table) + len(part)
    rest = np.delete(np.arange(count), rows)

    def put(old: NDArray[Any], new: NDArray[Any]) -> NDArray[Any]:
        values = np.empty((count, *old.shape[1:]), old.dtype)
        values[rest], values[rows] = old, new
        return values

    return _combined(table, part, put)


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
    return np.array_equal(a, b, equal_nan=a.dtype.kind == "f")


def _combined(
    table: ColumnTable, part: ColumnTable, put: Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]]
) -> ColumnTable:
    """A table whose every field is made of those of two others in the same way."""
    disputed = put(np.array(table.disputed, object), np.array(part.disputed, object))
    return ColumnTable(
        sampling=table.sampling,
        network_probability={k: put(v, part.network_probability[k]) for k, v in table.network_probability.items()},
        disputed=tuple(disputed.tolist()),
        **{name: put(getattr(table, name), getattr(part, name)) for name in ROW_ARRAYS},
    )
