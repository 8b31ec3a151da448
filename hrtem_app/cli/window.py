"""Opening the window, or saying what it lacks."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

_BINDINGS = ("PyQt6", "PySide6", "PyQt5", "PySide2")
COMMANDS = (
    "demo",
    "analyse",
    "calibrate",
    "align",
    "measure",
    "timelapse",
    "score",
    "simulate",
    "train",
    "evaluate",
    "study",
    "networks",
    "info",
    "dataset",
    "jobs",
)


def window(files: Annotated[list[Path], typer.Argument(metavar="[FILES]", help="The frames of one series.")]) -> int:
    """Open the window on the files of one series."""
    for path in files:
        if not path.exists():
            raise ValueError(_unknown(str(path)))
    return open_window(files)


def open_window(files: Sequence[Path], analyse: bool = False) -> int:
    """Show the window until it is closed.

    Raises
    ------
    ValueError
        Where napari is not installed or there is no screen; says what to do.
    """
    if find_spec("napari") is None or not any(find_spec(name) for name in _BINDINGS):
        raise ValueError("the window needs napari, which is not installed: run  pip install 'hrtem-app[app]'")
    if not has_screen():
        raise ValueError(
            "there is no screen for the window: use `hrtem-app analyse`, or `hrtem-app demo --headless` to try it"
        )
    from hrtem_app.gui.application import run

    return run(files, analyse=analyse)


def has_screen() -> bool:
    """Whether a window could be shown here."""
    if not sys.platform.startswith("linux"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _unknown(name: str) -> str:
    close = get_close_matches(name, COMMANDS, n=1)
    remedy = (
        f"did you mean `hrtem-app {close[0]}`?"
        if close
        else f"give a file that exists, or one of {', '.join(COMMANDS)}"
    )
    return f"'{name}' is neither a file nor a command: {remedy}"
