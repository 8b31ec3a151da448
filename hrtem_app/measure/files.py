"""The files of a measurement: JSON, table, figures."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from hrtem_app.measure.measurements import Measurements

NUMBERS, COLUMNS = "measurements.json", "measurements.csv"
PICTURES = ("displacement.png", "strain.png", "distances.png", "defects.png")
_DPI = 150


def check_target(folder: str | Path, overwrite: bool = False) -> None:
    """Refuse a folder that measurements may not go to; it may hold other files, those of the analysis say.

    Raises
    ------
    ValueError
        For a file, or for a folder with earlier measurements, unless they may be overwritten.
    """
    refuse_earlier(folder, (NUMBERS, COLUMNS, *PICTURES), "measurements", overwrite)


def refuse_earlier(folder: str | Path, names: Sequence[str], what: str, overwrite: bool) -> None:
    """Refuse a file in place of a folder, and a folder that holds one of these names unless it may be overwritten.

    Raises
    ------
    ValueError
        Names what is in the way, and the remedy.
    """
    target = Path(folder)
    if target.exists() and not target.is_dir():
        raise ValueError(f"{target} is a file: give a folder for the {what}")
    there = [name for name in names if (target / name).exists()]
    if there and not overwrite:
        raise ValueError(f"{target / there[0]} exists: choose another folder or allow to overwrite (--overwrite)")


@contextmanager
def moved_in_together(folder: Path, names: Sequence[str], what: str) -> Iterator[Path]:
    """A temporary folder whose files of these names are moved into another one when all of them are made.

    Raises
    ------
    ValueError
        Where the folder cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".hrtem-app-", dir=folder) as made:
            yield Path(made)
            for name in names:
                os.replace(Path(made, name), folder / name)
    except OSError as error:
        raise ValueError(f"the {what} cannot be written to {folder} ({error}): choose another folder") from error


def write_measurements(measured: Measurements, folder: str | Path, overwrite: bool = False) -> list[Path]:
    """Write `measurements.json`, `measurements.csv` (column by column) and the figures.

    All are made before the first one is moved into the folder.

    Parameters
    ----------
    measured
        What `measure` gave.
    folder
        Made where it does not exist.
    overwrite
        Replace earlier measurements in it.

    Returns
    -------
    The files.

    Raises
    ------
    ValueError
        Where `check_target` refuses the folder, or it cannot be written to.
    """
    # matplotlib takes a second to load, which those who want numbers need not wait for.
    from hrtem_app.measure.figures import figures

    target = Path(folder)
    check_target(target, overwrite)
    names = [NUMBERS, COLUMNS, *PICTURES]
    with moved_in_together(target, names, "measurements") as fresh:
        (fresh / NUMBERS).write_text(measured.to_json() + "\n", encoding="utf-8")
        measured.to_frame().to_csv(fresh / COLUMNS, index=False, float_format="%.6g", lineterminator="\n")
        for name, figure in figures(measured).items():
            figure.savefig(fresh / f"{name}.png", dpi=_DPI)
    return [target / name for name in names]
