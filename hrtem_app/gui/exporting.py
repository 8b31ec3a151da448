"""What an export writes, as it is told in the window, and the job that writes it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hrtem_app.analysis import Analysis
    from hrtem_app.correction import Corrections
    from hrtem_app.export.results import ExportPart, Writing
    from hrtem_app.gui.score_task import ScoreTask
    from hrtem_app.inference.palette import Palette
    from hrtem_app.series import FocalSeries

# What file systems and shells take without quotes.
_UNFIT = re.compile(r"[^\w.-]+")


@dataclass(frozen=True)
class ExportOptions:
    """What of the results is written, and how the agreement figure looks.

    Parameters
    ----------
    parts
        Which files, see `hrtem_app.export.results.PARTS`; None: all that there are, scores only against a truth that
        was checked, see `ScoreTask.is_checked`.
    palette, equal_dots
        See `hrtem_app.export.agreement_figure`.
    """

    parts: frozenset[ExportPart] | None = None
    palette: Palette = "thesis"
    equal_dots: bool = False

    def has(self, part: ExportPart) -> bool:
        """Whether a part is written."""
        return self.parts is None or part in self.parts

    def scores(self, task: ScoreTask | None) -> bool:
        """Whether the scores of a task are written."""
        return task is not None and (task.is_checked if self.parts is None else self.has("scores"))


@dataclass(frozen=True, eq=False)
class Export:
    """Everything that an export depends on.

    Parameters
    ----------
    analysis
        With the table as corrected, and the recipe whose measurements are wanted.
    corrections
        What led to the table.
    scored
        What is scored against what; None: nothing is.
    folder, overwrite
        See `hrtem_app.export.write_results`.
    options
        What is written.
    """

    analysis: Analysis
    corrections: Corrections | None
    scored: ScoreTask | None
    folder: Path
    overwrite: bool
    options: ExportOptions


def proposed_folder(series: FocalSeries) -> Path:
    """`<series>-results` beside its first file, or at home where nothing can be written there."""
    from hrtem_app.resources import sample_path

    name = f"{_UNFIT.sub('-', series.name).strip('-.') or 'series'}-results"
    own = sample_path().resolve().parent
    for source in series.sources[:1]:
        beside = Path(source.path).absolute().parent
        # The sample lies among the program's own files.
        if beside.resolve() != own and os.access(beside, os.W_OK):
            return beside / name
    return Path.home() / name


def write_export(export: Export, tell: Callable[[Writing], object]) -> list[Path]:
    """Measure and score what is to be written, and write it.

    Parameters
    ----------
    export
        What, and where to.
    tell
        Called before each file, in the thread of this function.

    Returns
    -------
    The files.
    """
    from hrtem_app.export import write_results
    from hrtem_app.export.results import PARTS
    from hrtem_app.gui.score_task import score
    from hrtem_app.measure import measure

    analysis, options = export.analysis, export.options
    measured = None
    if options.has("measurements"):
        measured = measure(analysis.table, settings=analysis.recipe.measure, image_shape=analysis.series.shape)
    return write_results(
        analysis,
        export.folder,
        export.overwrite,
        parts=PARTS if options.parts is None else options.parts,
        palette=options.palette,
        equal_dots=options.equal_dots,
        measurements=measured,
        scores=score(export.scored) if export.scored is not None and options.scores(export.scored) else None,
        corrections=export.corrections,
        progress=tell,
    )
