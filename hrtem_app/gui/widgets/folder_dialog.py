"""Asks for a folder and proposes one, which need not exist yet."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QWidget


def ask_folder(parent: QWidget, title: str, proposed: Path) -> Path | None:
    """Ask for a folder; None where nobody wants one.

    Dialogs of all systems take only folders that exist, so the proposed one is made and, where it is not wanted, taken
    away again.

    Parameters
    ----------
    parent
        Owner of the dialog.
    title
        Of the dialog.
    proposed
        What is filled in.
    """
    made = _made(proposed)
    dialog = QFileDialog(parent, title, str(proposed.parent))
    dialog.setFileMode(QFileDialog.FileMode.Directory)
    dialog.setOption(QFileDialog.Option.ShowDirsOnly)
    if proposed.is_dir():
        dialog.selectFile(proposed.name)
    names = dialog.selectedFiles() if dialog.exec() else []
    dialog.deleteLater()
    chosen = Path(names[0]) if names else None
    if made and (chosen is None or chosen.resolve() != proposed.resolve()):
        # Where something came into it meanwhile, it stays.
        with suppress(OSError):
            proposed.rmdir()
    return chosen


def _made(folder: Path) -> bool:
    try:
        folder.mkdir()
    except OSError:
        return False
    return True
