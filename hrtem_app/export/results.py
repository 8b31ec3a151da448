"""All result files of an analysis, written together or not at all."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

from matplotlib.figure import Figure

from hrtem_app.analysis import Analysis
from hrtem_app.correction import Corrections
from hrtem_app.evaluation.table_scores import Scores
from hrtem_app.export.drawing import DPI, lay_out, save_figure, svg
from hrtem_app.export.figure import agreement_figure
from hrtem_app.export.report import Section, report_html
from hrtem_app.export.report_measurements import measurement_section
from hrtem_app.export.report_scores import score_section, table_titles
from hrtem_app.export.sidecar import SIDECAR, sidecar
from hrtem_app.inference.palette import Palette
from hrtem_app.io import save_series
from hrtem_app.measure import Measurements
from hrtem_app.measure.files import COLUMNS, NUMBERS

ExportPart = Literal["tables", "xyz", "png", "svg", "pdf", "filtered", "report", "measurements", "scores"]
PARTS: tuple[ExportPart, ...] = get_args(ExportPart)
SCORES = "score.json"
_PICTURE_DPI = DPI
_Writers = dict[str, Callable[[Path], object]]


@dataclass(frozen=True)
class Writing:
    """How far the writing of results is: the file `name` is begun, the `number`th (from 1) of `total`."""

    number: int
    total: int
    name: str


def write_results(
    analysis: Analysis,
    folder: str | Path,
    overwrite: bool = False,
    *,
    parts: Collection[ExportPart] = PARTS,
    palette: Palette = "thesis",
    equal_dots: bool = False,
    measurements: Measurements | None = None,
    scores: Scores | None = None,
    corrections: Corrections | None = None,
    sections: Sequence[Section] = (),
    progress: Callable[[Writing], object] | None = None,
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
    parts
        Which files are written, a selection of `PARTS`; the record always is.
    palette, equal_dots
        Of the agreement figure, see `agreement_figure`.
    measurements, scores
        Of the table and of the networks; None: not written. They are sections of the report as well.
    corrections
        What led to the table; None: unknown, or nobody corrected it. They stand in the record, and in the report how
        many columns were deleted.
    sections
        More for the report, see `report_html`.
    progress
        Called before each file, in the thread of this function.

    Returns
    -------
    The files in the order of `PARTS`, and `analysis.json` last.

    Raises
    ------
    ValueError
        For a folder that is not empty (without `overwrite`) or cannot be written to, or a palette or part that there is
        not; names it and the remedy.
    """
    target = Path(folder)
    content = _Content(analysis, palette, equal_dots, measurements, scores, corrections, tuple(sections))
    chosen = _chosen(parts)
    check_folder(target, overwrite)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # On the same file system as the folder, so that moving is renaming: the folder may be a disk of its own.
        beside = target if target.is_dir() else target.parent
        with tempfile.TemporaryDirectory(prefix=".hrtem-app-", dir=beside) as made:
            fresh, old = Path(made, "new"), Path(made, "old")
            fresh.mkdir()
            old.mkdir()
            names = _write_all(content, chosen, fresh, progress)
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


@dataclass(frozen=True, eq=False)
class _Content:
    """What the files are made of; what several of them need is drawn once, and only if one of them does."""

    analysis: Analysis
    palette: Palette
    equal_dots: bool
    measurements: Measurements | None
    scores: Scores | None
    corrections: Corrections | None
    sections: tuple[Section, ...]

    @cached_property
    def shapes(self) -> Figure:
        """The agreement figure as shapes."""
        figure = agreement_figure(self.analysis, self.equal_dots, self.palette, vector=True)
        lay_out(figure)
        return figure

    @cached_property
    def drawing(self) -> bytes:
        """The same as SVG."""
        return svg(self.shapes)

    def writers(self) -> dict[ExportPart, _Writers]:
        """By part: the names of its files and what writes each."""
        analysis = self.analysis
        return {
            "tables": {
                "columns.csv": analysis.table.to_csv,
                **{f"columns-{name}.csv": result.columns.to_csv for name, result in analysis.networks.items()},
            },
            "xyz": {"columns.xyz": analysis.table.to_xyz},
            "png": {"agreement.png": self._write_picture},
            "svg": {"agreement.svg": lambda path: path.write_bytes(self.drawing)},
            "pdf": {"agreement.pdf": lambda path: save_figure(self.shapes, path)},
            "filtered": {"filtered.tif": lambda path: save_series(analysis.filtered, path)},
            "report": {"report.html": self._write_report},
            "measurements": {} if self.measurements is None else _measurement_writers(self.measurements),
            "scores": {} if self.scores is None else _score_writers(self.scores),
        }

    def _write_picture(self, path: Path) -> None:
        save_figure(agreement_figure(self.analysis, self.equal_dots, self.palette), path, _PICTURE_DPI)

    def _write_report(self, path: Path) -> None:
        more = list(self.sections)
        if self.measurements is not None:
            more.append(measurement_section(self.measurements))
        if self.scores is not None:
            more.append(score_section(self.scores, table_titles(self.analysis)))
        page = report_html(self.analysis, more, agreement=self.drawing, corrections=self.corrections)
        path.write_text(page, encoding="utf-8")


def _measurement_writers(measured: Measurements) -> _Writers:
    def write_columns(path: Path) -> None:
        measured.to_frame().to_csv(path, index=False, float_format="%.6g", lineterminator="\n")

    return {
        NUMBERS: lambda path: path.write_text(measured.to_json() + "\n", encoding="utf-8"),
        COLUMNS: write_columns,
    }


def _score_writers(scores: Scores) -> _Writers:
    return {SCORES: lambda path: _write_json(path, scores.values())}


def _write_json(path: Path, content: dict[str, Any]) -> None:
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def _chosen(parts: Collection[ExportPart]) -> list[ExportPart]:
    """The parts in order; raises ValueError for one that there is not."""
    unknown = sorted(set(parts) - set(PARTS))
    if unknown:
        raise ValueError(f"'{unknown[0]}' is no part of the results: choose from {', '.join(PARTS)}")
    return [part for part in PARTS if part in parts]


def _write_all(
    content: _Content,
    parts: Sequence[ExportPart],
    folder: Path,
    progress: Callable[[Writing], object] | None,
) -> list[str]:
    """Write every file; gives their names in order."""
    writers = content.writers()
    chosen = {name: write for part in parts for name, write in writers[part].items()}
    names = [*chosen, SIDECAR]
    chosen[SIDECAR] = lambda path: _write_json(path, sidecar(content.analysis, names, content.corrections))
    for number, (name, write) in enumerate(chosen.items(), start=1):
        if progress is not None:
            progress(Writing(number, len(names), name))
        write(folder / name)
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
