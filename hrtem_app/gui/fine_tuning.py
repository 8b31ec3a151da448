"""Adding the open series to a set for fine-tuning: the job, and what is said of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hrtem_app.analysis import Analysis


@dataclass(frozen=True)
class Added:
    """What came of it.

    Parameters
    ----------
    text
        What was written, and what the folder holds now.
    command
        The shell command that goes on training with it.
    """

    text: str
    command: str


def add_to_folder(analysis: Analysis, folder: Path) -> Added:
    """Write the used frames and the corrected columns into a folder of labelled series.

    Parameters
    ----------
    analysis
        With its table as corrected.
    folder
        Where the set is.

    Raises
    ------
    ValueError
        Where nothing can be written; names what is wrong.
    """
    from hrtem_app.export.labelled import add_labelled, fine_tuning_command
    from hrtem_app.microscope.draw import MicroscopeSettings

    added = add_labelled(analysis, folder)
    holds = (
        "1 labelled series: add another one before training" if added.count == 1 else f"{added.count} labelled series"
    )
    text = f"{added.frames.name} and {added.columns.name} written to {folder}, which now holds {holds}."
    number = len(analysis.frames)
    if number < MicroscopeSettings().frames:
        text += f' It serves networks for {number} frames: train with a --microscope file that has "frames": {number}.'
    network = next(iter(analysis.networks.values()))
    return Added(text, fine_tuning_command(folder, network.card))
