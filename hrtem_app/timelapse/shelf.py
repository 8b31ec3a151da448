"""Series and maps of many time points, on the disk rather than in memory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from hrtem_app.analysis import Analysis
from hrtem_app.series import FocalSeries


class Shelf:
    """A temporary folder in which arrays lie; what is taken from it is mapped into memory while it is looked at.

    Analyses that went through it are bit for bit what they were, so a window holds those of a whole stack, and the
    system decides how much of them is in memory. `TMPDIR` names where the folder is made.
    """

    def __init__(self) -> None:
        # On Windows a file that is still mapped cannot be deleted; it goes with the next clean-up of the system.
        self._folder = TemporaryDirectory(prefix="hrtem-app-", ignore_cleanup_errors=True)
        self._count = 0

    @property
    def folder(self) -> Path:
        """Where the arrays lie."""
        return Path(self._folder.name)

    def series(self, series: FocalSeries) -> FocalSeries:
        """The same series with frames on the disk; raises ValueError where there is no room."""
        return series.with_frames(self._laid(series.frames))

    def analysis(self, analysis: Analysis, series: FocalSeries) -> Analysis:
        """The same analysis with maps and filtered frames on the disk, its frames those of the given series.

        Raises
        ------
        ValueError
            Where there is no room.
        """
        networks = {
            name: replace(result, probabilities=self._laid(result.probabilities))
            for name, result in analysis.networks.items()
        }
        return replace(
            analysis,
            series=replace(analysis.series, frames=series.frames),
            filtered=analysis.filtered.with_frames(self._laid(analysis.filtered.frames)),
            networks=networks,
        )

    def close(self) -> None:
        """Delete the folder."""
        self._folder.cleanup()

    def _laid(self, array: NDArray[np.float32]) -> NDArray[np.float32]:
        path = self.folder / f"{self._count}.npy"
        self._count += 1
        try:
            np.save(path, array)
        except OSError as error:
            raise ValueError(
                f"the maps of the time points cannot be kept in {self.folder} ({error}): make room there, or name "
                "another folder in TMPDIR before the start"
            ) from error
        return np.asarray(np.load(path, mmap_mode="r"))
