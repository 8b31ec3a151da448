"""All result files of an analysis, written together or not at all."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from hrtem_app.analysis import Analysis
from hrtem_app.export.drawing import DPI, lay_out, save_figure
from hrtem_app.export.figure import agreement_figure
from hrtem_app.export.palette import Palette
from hrtem_app.export.report import Section, report_html
from hrtem_app.export.sidecar import SIDECAR, sidecar
from hrtem_app.io import save_series

_PICTURE_DPI = DPI


def write_results(
    analysis: Analysis,
    folder: str | Path,
    overwrite: bool = False,
    *,
    palette: Palette = "thesis",
    equal_dots: bool = False,
    sections: Sequence[Section] = (),
) -> list[Path]:
    """Write tables, atoms, agreement figure, filtered series, the report and the record of how they were made.

    Everything is first written to a temporary folder and then moved in; where anything fails, the folder is as it was.

    Parameters
    ----------
    analysis
        What `hrtem_app.analyse` gave.
    folder
        Made where it does not exist.
    overwrite
        Replace the results of an earlier analysis in it. Files that are no results stay.
    palette, equal_dots
        Of the agreement figure, see `agreement_figure`.
    sections
        More for the report, see `report_html`.

    Returns
    -------
    The files, `columns.csv` first and `analysis.json` last.

    Raises
    ------
    ValueError
        For a folder that is not empty (without `overwrite`) or cannot be written to, or a palette that there is not;
        names it and the remedy.
    """
    target = Path(folder)
    check_folder(target, overwrite)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # On the same file system as the folder, so that moving is renaming: the folder may be a disk of its own.
        beside = target if target.is_dir() else target.parent
        with tempfile.TemporaryDirectory(prefix=".hrtem-app-", dir=beside) as made:
            fresh, old = Path(made, "new"), Path(made, "old")
            fresh.mkdir()
            old.mkdir()
            names = _write_all(analysis, fresh, palette, equal_dots, sections)
            _move_in(fresh, old, target, names)
    except OSError as error:
        raise ValueError(f"the results cannot be written to {target} ({error}): choose another folder") from error
    return [target / name for name in names]


def check_folder(folder: str | Path, overwrite: bool = False) -> None:
    """Refuse a folder that results may not go to; worth asking before a long analysis.

    Raises
    ------
    ValueError
        For a file, or for a folder that is not empty, unless it may be overwritten.
    """
    target = Path(folder)
    if target.exists() and not target.is_dir():
        raise ValueError(f"{target} is a file: give a folder for the results")
    if not overwrite and target.is_dir() and any(target.iterdir()):
        raise ValueError(f"the folder {target} is not empty: choose another one or allow to overwrite (--overwrite)")


def _write_all(
    analysis: Analysis, folder: Path, palette: Palette, equal_dots: bool, sections: Sequence[Section]
) -> list[str]:
    """Write every file; gives their names in order."""
    picture = agreement_figure(analysis, equal_dots, palette)
    shapes = agreement_figure(analysis, equal_dots, palette, vector=True)
    lay_out(shapes)

    def report(path: Path) -> None:
        page = report_html(analysis, sections, agreement=(folder / "agreement.svg").read_bytes())
        path.write_text(page, encoding="utf-8")

    writers: dict[str, Callable[[Path], object]] = {
        "columns.csv": analysis.table.to_csv,
        **{f"columns-{name}.csv": result.columns.to_csv for name, result in analysis.networks.items()},
        "columns.xyz": analysis.table.to_xyz,
        "agreement.png": lambda path: save_figure(picture, path, _PICTURE_DPI),
        "agreement.svg": lambda path: save_figure(shapes, path),
        "agreement.pdf": lambda path: save_figure(shapes, path),
        "filtered.tif": lambda path: save_series(analysis.filtered, path),
        "report.html": report,
    }
    for name, write in writers.items():
        write(folder / name)
    names = [*writers, SIDECAR]
    record = json.dumps(sidecar(analysis, names), indent=2, ensure_ascii=False, allow_nan=False)
    (folder / SIDECAR).write_text(record + "\n", encoding="utf-8")
    return names


def _move_in(fresh: Path, old: Path, target: Path, names: list[str]) -> None:
    """Swap the new files for the old results; where a move fails, everything goes back."""
    made = not target.exists()
    target.mkdir(exist_ok=True)
    moved: list[tuple[Path, Path]] = []
    try:
        for source, goal in [
            *((target / name, old / name) for name in sorted({*names, *_earlier_results(target)})),
            *((fresh / name, target / name) for name in names),
        ]:
            if source.exists():
                os.replace(source, goal)
                moved.append((source, goal))
    except BaseException:
        for source, goal in reversed(moved):
            os.replace(goal, source)
        if made:
            shutil.rmtree(target, ignore_errors=True)
        raise


def _earlier_results(target: Path) -> list[str]:
    """Names of the files that an earlier analysis says it wrote here and that are still there."""
    try:
        listed = json.loads((target / SIDECAR).read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    names = [name for name in listed if isinstance(name, str)] if isinstance(listed, list) else []
    # A name from a file is not trusted to stay in this folder.
    return [name for name in names if Path(name).name == name and (target / name).is_file()]
