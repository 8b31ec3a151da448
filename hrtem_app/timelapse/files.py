"""The files of a stack over time."""

from __future__ import annotations

from pathlib import Path

from hrtem_app.measure.files import moved_in_together, refuse_earlier
from hrtem_app.timelapse.report import content_json, counts_frame, tracks_frame
from hrtem_app.timelapse.timelapse import Timelapse

COUNTS, TRACKS, NUMBERS, PICTURE = "timelapse.csv", "tracks.csv", "timelapse.json", "timelapse.png"
FILES = (COUNTS, TRACKS, NUMBERS, PICTURE)
_DPI = 150


def check_target(folder: str | Path, overwrite: bool = False) -> None:
    """Refuse a folder that the files may not go to; time points that are done already may lie in it.

    Raises
    ------
    ValueError
        For a file, or for a folder with the files of an earlier stack, unless they may be overwritten.
    """
    refuse_earlier(folder, FILES, "results", overwrite)


def write_timelapse(timelapse: Timelapse, folder: str | Path, overwrite: bool = False) -> list[Path]:
    """Write `timelapse.csv` (counts), `tracks.csv` (every column at every time), `timelapse.json` and a figure.

    All are made before the first one is moved into the folder.

    Parameters
    ----------
    timelapse
        Of `put_together`.
    folder
        Made where it does not exist.
    overwrite
        Replace the files of an earlier stack.

    Returns
    -------
    The files.

    Raises
    ------
    ValueError
        Where `check_target` refuses the folder, or it cannot be written to.
    """
    # matplotlib takes a second to load, which those who want numbers need not wait for.
    from hrtem_app.timelapse.figures import counts_figure

    target = Path(folder)
    check_target(target, overwrite)
    with moved_in_together(target, FILES, "results") as fresh:
        for name, frame in ((COUNTS, counts_frame(timelapse)), (TRACKS, tracks_frame(timelapse))):
            frame.to_csv(fresh / name, index=False, float_format="%.6g", lineterminator="\n")
        (fresh / NUMBERS).write_text(content_json(timelapse) + "\n", encoding="utf-8")
        counts_figure(timelapse).savefig(fresh / PICTURE, dpi=_DPI)
    return [target / name for name in FILES]
