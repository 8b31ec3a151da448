"""Corrected series as data for fine-tuning: frames and columns, as `hrtem-app train --data` reads them."""

from __future__ import annotations

import re
import shlex
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from hrtem_app.analysis import Analysis
from hrtem_app.columns import ColumnTable
from hrtem_app.imaging.shifting import shift_back
from hrtem_app.io import save_series
from hrtem_app.networks import catalog
from hrtem_app.networks.catalog import NetworkCard
from hrtem_app.series import FocalSeries
from hrtem_app.training.labelled import LabelledFolder

# What file systems and shells take without quotes.
_UNFIT = re.compile(r"[^\w.-]+")


@dataclass(frozen=True)
class LabelledFiles:
    """A series that was added to a folder.

    Parameters
    ----------
    frames, columns
        Its two files.
    count
        How many labelled series the folder holds with it.
    """

    frames: Path
    columns: Path
    count: int


def labelled_series(analysis: Analysis) -> tuple[FocalSeries, ColumnTable]:
    """The used frames as they were recorded, and the columns on them.

    Frames that were shifted for the analysis are shifted here too, and cut to what all of them show: a training does
    not align, and what lies outside has no columns to learn from.
    """
    series = analysis.series.select(analysis.frames)
    if analysis.area is None:
        return series, analysis.table
    frames = analysis.area.crop(shift_back(series.frames, analysis.shifts))
    positions = analysis.table.positions - (analysis.area.top, analysis.area.left)
    return series.with_frames(frames), replace(analysis.table, positions=positions)


def add_labelled(analysis: Analysis, folder: str | Path) -> LabelledFiles:
    """Write the used frames and the columns into a folder of labelled series; nothing in it is overwritten.

    Parameters
    ----------
    analysis
        What `hrtem_app.analyse` gave; its table corrected by hand.
    folder
        Made where it does not exist.

    Raises
    ------
    ValueError
        For a table without columns, or a folder that cannot be written to; names it and the remedy.
    """
    series, table = labelled_series(analysis)
    if len(table) == 0:
        raise ValueError(f"'{series.name}' has no columns, from which nothing can be learnt: add some first")
    target = Path(folder)
    try:
        target.mkdir(parents=True, exist_ok=True)
        stem = _free_stem(target, series.name)
        frames, columns = target / f"{stem}.tif", target / f"{stem}.csv"
        with tempfile.TemporaryDirectory(prefix=".hrtem-app-", dir=target) as made:
            fresh = Path(made)
            save_series(series, fresh / frames.name)
            table.to_csv(fresh / columns.name)
            # Frames without columns are no labelled series, so nothing half-written is ever one.
            (fresh / frames.name).rename(frames)
            (fresh / columns.name).rename(columns)
        return LabelledFiles(frames, columns, len(LabelledFolder(target)))
    except OSError as error:
        raise ValueError(f"the series cannot be written to {target} ({error}): choose another folder") from error


def fine_tuning_command(folder: str | Path, card: NetworkCard) -> str:
    """The shell command that goes on training a network with the labelled series of a folder.

    The network's own weights are where it starts, and its result is written beside the folder.
    """
    data = Path(folder).absolute()
    name = f"{card.name}_tuned"
    shape = [f"--{option}={card.settings[option]}" for option in ("channels", "layers") if option in card.settings]
    words = ["hrtem-app", "train", card.architecture, *shape, "--start", str(_weights(card.name)), "--data", str(data)]
    return shlex.join([*words, "--name", name, "--out", str(data.with_name(f"{data.name}-{name}"))])


def _weights(name: str) -> Path:
    """The weights file of a network, the user's own before a shipped one."""
    files = [folder / f"{name}.safetensors" for folder in catalog.folders()]
    return next((file for file in reversed(files) if file.exists()), files[0])


def _free_stem(folder: Path, name: str) -> str:
    """A name that no file of the folder has, whatever its ending."""
    taken = {path.stem.casefold() for path in folder.iterdir()}
    wanted = _UNFIT.sub("_", name).strip("._") or "series"
    stem, number = wanted, 1
    while stem.casefold() in taken:
        number += 1
        stem = f"{wanted}-{number}"
    return stem
