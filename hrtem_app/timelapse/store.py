"""Time points on the disk, one folder each, so that a run that was stopped goes on where it was."""

from __future__ import annotations

import hashlib
import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from pydantic import Field

from hrtem_app.columns import ColumnTable
from hrtem_app.imaging.shifting import Area
from hrtem_app.recipe import Part, Recipe
from hrtem_app.series import FocalSeries
from hrtem_app.timelapse.image_drift import ImageDrift
from hrtem_app.timelapse.observation import Observation
from hrtem_app.timelapse.points import TimePoint

COLUMNS, RECORD = "columns.csv", "time_point.json"


class _Drift(Part):
    shift: tuple[float, float]
    clear: bool


class _View(Part):
    top: int
    bottom: int
    left: int
    right: int


class _Record(Part):
    """An observation but for its table."""

    digest: str
    recipe: Recipe
    sampling: Annotated[float, Field(gt=0)]
    shape: tuple[int, int]
    view: _View
    frames: tuple[int, ...]
    drift: _Drift | None
    warnings: tuple[str, ...]


class Store:
    """Observations in a folder.

    Parameters
    ----------
    folder
        Each time point has a folder in it, named by its number.
    """

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)

    def place(self, number: int) -> Path:
        """The folder of a time point."""
        return self._folder / f"{number:04d}"

    def keep(self, observation: Observation, series: FocalSeries) -> Observation:
        """Write an observation of a series; gives what `find` would, whose positions are rounded as in the file.

        Raises
        ------
        OSError
            Where it cannot be written.
        """
        place = self.place(observation.number)
        place.mkdir(parents=True, exist_ok=True)
        record = _Record(
            digest=digest(series),
            recipe=observation.recipe,
            sampling=observation.table.sampling,
            shape=observation.shape,
            view=_View(**asdict(observation.view)),
            frames=observation.frames,
            drift=None if observation.drift is None else _Drift(**asdict(observation.drift)),
            warnings=observation.warnings,
        )
        # The record is what tells that the table is whole, so it goes first and comes last.
        (place / RECORD).unlink(missing_ok=True)
        fresh = place / f".{COLUMNS}.part"
        observation.table.to_csv(fresh)
        os.replace(fresh, place / COLUMNS)
        fresh = place / f".{RECORD}.part"
        fresh.write_text(record.model_dump_json(indent=2) + "\n", encoding="utf-8")
        os.replace(fresh, place / RECORD)
        return self._read(observation.number, observation.time, observation.name, record)

    def find(self, point: TimePoint, series: FocalSeries, recipe: Recipe) -> Observation | None:
        """What was kept of this very series for a recipe that gives the same columns; None for nothing, or damage."""
        try:
            text = (self.place(point.number) / RECORD).read_text(encoding="utf-8")
            record = _Record.model_validate_json(text)
            if record.digest != digest(series) or record.recipe.of_analysis() != recipe.of_analysis():
                return None
            return self._read(point.number, point.time, point.name, record)
        except (OSError, ValueError):
            return None

    def _read(self, number: int, time: float | None, name: str, record: _Record) -> Observation:
        return Observation(
            number=number,
            time=time,
            name=name,
            table=ColumnTable.from_csv(self.place(number) / COLUMNS, record.sampling),
            shape=record.shape,
            view=Area(**record.view.model_dump()),
            recipe=record.recipe,
            frames=record.frames,
            drift=None if record.drift is None else ImageDrift(**record.drift.model_dump()),
            warnings=record.warnings,
        )


def digest(series: FocalSeries) -> str:
    """SHA-256 of the frames of a series with its sampling and defoci: the same for a series that is read again."""
    told = hashlib.sha256(repr((series.shape, series.sampling, series.defocus, series.energy)).encode())
    for frame in series.frames:
        told.update(frame.tobytes())
    return told.hexdigest()
