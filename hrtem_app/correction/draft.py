"""A table in the making: many edits one after another, without a copy of the table for each."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import compress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hrtem_app.columns import ColumnTable
from hrtem_app.correction import effects
from hrtem_app.correction.apply import changed, grain_rows, id_is_taken, next_id
from hrtem_app.correction.edits import Add, ConfirmSublattices, Delete, Edit, SwapSublattices
from hrtem_app.correction.rows import arrays_of, no_such_column, same_values, table_of


class Draft:
    """A table that edits are done to in place; each does what `apply` would do, to the last bit.

    Columns keep their places in the arrays, deleted ones too, so that ids are looked up once. Rows are numbered as in
    the table that would be there: by the order of the places, without those of deleted columns.

    Parameters
    ----------
    table
        Where it begins; stays as it is.
    """

    def __init__(self, table: ColumnTable) -> None:
        self._table, self._is_changed = table, False
        self._arrays = {name: values.copy() for name, values in arrays_of(table).items()}
        self._disputed = list(table.disputed)
        self._there = np.ones(len(table), bool)
        # Places of deleted columns, in ascending order.
        self._gone = np.empty(0, np.int64)
        self._used = len(table)
        self._places = {number: place for place, number in enumerate(table.ids.tolist())}

    def __contains__(self, number: object) -> bool:
        return number in self._places

    @property
    def table(self) -> ColumnTable:
        """The table as it is now; the one before it where nothing was changed."""
        if self._is_changed:
            there = self._there[: self._used]
            kept = np.flatnonzero(there)
            arrays = {name: values[kept] for name, values in self._arrays.items()}
            self._table = table_of(arrays, self._table.sampling, compress(self._disputed, there.tolist()))
            self._is_changed = False
        return self._table

    def part(self, ids: Iterable[int]) -> ColumnTable:
        """Those of some columns that are there, in the order of the table."""
        return self._taken(np.array(sorted(self._places[i] for i in ids if i in self._places), np.int64))

    def grain(self, number: int) -> ColumnTable:
        """The columns of a grain, in the order of the table; none for a grain that is not there."""
        return self._taken(np.flatnonzero(self._grains() == number))

    def do(self, edit: Edit) -> tuple[NDArray[np.int64], ColumnTable]:
        """Do an edit; returns the numbers of the rows that it changes or deletes, and these rows as they were.

        Raises
        ------
        ValueError
            For an edit that does not fit, see `apply`; nothing is changed then.
        """
        places = self._affected(edit)
        rows, before = self._row_numbers(places), self._taken(places)
        match edit:
            case Add():
                self._add(edit)
            case Delete():
                self._delete(edit, places)
            case _:
                self._write(places, before, changed(before, edit))
        return rows, before

    def _affected(self, edit: Edit) -> NDArray[np.int64]:
        match edit:
            case Add():
                return np.empty(0, np.int64)
            case SwapSublattices() | ConfirmSublattices():
                return grain_rows(self._grains(), edit.grain)
            case _:
                return np.array([self._place(number) for number in edit.ids], np.int64)

    def _place(self, number: int) -> int:
        if number not in self._places:
            raise no_such_column(number)
        return self._places[number]

    def _grains(self) -> NDArray[np.int64]:
        """The grain of every place; -1 for deleted columns too."""
        return np.where(self._there[: self._used], self._arrays["grain"][: self._used], -1)

    def _row_numbers(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        rows: NDArray[np.int64] = places - np.searchsorted(self._gone, places)
        return rows

    def _taken(self, places: NDArray[np.int64]) -> ColumnTable:
        arrays = {name: values[places] for name, values in self._arrays.items()}
        return table_of(arrays, self._table.sampling, map(self._disputed.__getitem__, places.tolist()))

    def _write(self, places: NDArray[np.int64], before: ColumnTable, after: ColumnTable) -> None:
        if same_values(before, after):
            return
        self._is_changed = True
        for name, values in arrays_of(after).items():
            self._arrays[name][places] = values
        for place, text in zip(places.tolist(), after.disputed, strict=True):
            self._disputed[place] = text

    def _delete(self, edit: Delete, places: NDArray[np.int64]) -> None:
        self._is_changed = True
        self._there[places] = False
        self._gone = np.sort(np.concatenate([self._gone, places]))
        for number in edit.ids:
            del self._places[number]

    def _add(self, edit: Add) -> None:
        number = next_id(np.array(list(self._places), np.int64)) if edit.id is None else edit.id
        if number in self._places:
            raise id_is_taken(number)
        positions, sampling = self._arrays["positions"][: self._used], self._table.sampling
        near = effects.within_reach(positions, edit.position, sampling)
        row = effects.added(self._taken(near[self._there[near]]), edit, number)
        if self._used == len(self._there):
            self._make_room()
        for name, values in arrays_of(row).items():
            self._arrays[name][self._used] = values[0]
        self._disputed.append(row.disputed[0])
        self._there[self._used] = True
        self._places[number] = self._used
        self._used += 1
        self._is_changed = True

    def _make_room(self) -> None:
        """More places at the end, so that one column more is not a copy of all."""
        more = 64 + self._used // 8
        self._arrays = {name: _longer(values, more) for name, values in self._arrays.items()}
        self._there = _longer(self._there, more)


def _longer(values: NDArray[Any], more: int) -> NDArray[Any]:
    return np.concatenate([values, np.zeros((more, *values.shape[1:]), values.dtype)])
