"""What an export writes, as it is told in the window, and the job that writes it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hrtem_app.analysis import Analysis
    from hrtem_app.export.results import ExportPart
    from hrtem_app.gui.score_task import ScoreTask
    from hrtem_app.inference.palette import Palette


@dataclass(frozen=True)
class ExportOptions:
    """What of the results is written, and how the agreement figure looks.

    Parameters
    ----------
    parts
        Which files, see `hrtem_app.export.results.PARTS`; None: all that there are.
    palette, equal_dots
        See `hrtem_app.export.agreement_figure`.
    """

    parts: frozenset[ExportPart] | None = None
    palette: Palette = "thesis"
    equal_dots: bool = False

    def has(self, part: ExportPart) -> bool:
        """Whether a part is written."""
        return self.parts is None or part in self.parts


def write_export(
    analysis: Analysis, folder: Path, overwrite: bool, options: ExportOptions, scored: ScoreTask | None
) -> list[Path]:
    """Measure and score what is to be written, and write it.

    Parameters
    ----------
    analysis
        With the table as corrected, and the recipe whose measurements are wanted.
    folder, overwrite
        See `hrtem_app.export.write_results`.
    options
        What is written.
    scored
        What is scored against what; None: nothing is.
    """
    from hrtem_app.export import write_results
    from hrtem_app.export.results import PARTS
    from hrtem_app.gui.score_task import score
    from hrtem_app.measure import measure

    measured = None
    if options.has("measurements"):
        measured = measure(analysis.table, settings=analysis.recipe.measure, image_shape=analysis.series.shape)
    return write_results(
        analysis,
        folder,
        overwrite,
        parts=PARTS if options.parts is None else options.parts,
        palette=options.palette,
        equal_dots=options.equal_dots,
        measurements=measured,
        scores=score(scored) if scored is not None and options.has("scores") else None,
    )
