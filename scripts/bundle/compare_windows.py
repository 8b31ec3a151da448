"""See that a bundled program opens the same window as the installed one, and closes it: both with the sample, analysed.

`scripts/with-screen python scripts/bundle/compare_windows.py PROGRAM FOLDER`, on a virtual screen, since it takes
pictures of all that is on it; they lie in FOLDER. Each program saves its session by itself as it goes on, which tells
that the panels are there and have analysed the sample.
"""

import ctypes
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtGui import QGuiApplication, QImage

TITLE = "hrtem-app"
# Seconds for the analysis, for the picture to settle, and for the end.
ANALYSIS, DRAWING, CLOSING = 300.0, 90.0, 60.0
# Of all pixels, what must be alike: times that are told differ, and so does a cursor that blinks.
ALIKE = 0.995
Found = TypeVar("Found")


def main(program: str, folder: str) -> None:
    """Compare; SystemExit with what is wrong."""
    application = QGuiApplication([])
    pictures = Path(folder).absolute()
    pictures.mkdir(parents=True, exist_ok=True)
    installed = opened([sys.executable, "-m", "hrtem_app"], pictures / "installed", None)
    bundled = opened([program], pictures / "bundled", installed)
    share = alike(installed, bundled)
    if share < ALIKE:
        sys.exit(f"the window of {program} differs in {1 - share:.1%} of its pixels, see the pictures in {pictures}")
    sys.stdout.write(f"the bundle's window is the installed one's, but for {1 - share:.3%} of the pixels\n")
    del application


def opened(command: Sequence[str], place: Path, expected: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
    """Open the window on the sample, wait until it is analysed and drawn, take a picture, and close it.

    Parameters
    ----------
    command
        Words of the program.
    place
        Folder for what it writes, and beside it the picture.
    expected
        What to wait for; None: a picture that does not change any more.

    Returns
    -------
    The picture (y, x, 3).
    """
    process = subprocess.Popen([*command, "demo"], env=environment(place))
    try:
        until(lambda: is_analysed(place / "autosave"), ANALYSIS, process, "has not analysed the sample")
        picture = settled(expected)
        QImage(
            picture.data, picture.shape[1], picture.shape[0], 3 * picture.shape[1], QImage.Format.Format_RGB888
        ).save(str(place.with_suffix(".png")))
        close_window(process)
        code = process.wait(CLOSING)
    finally:
        process.kill()
    if code != 0:
        sys.exit(f"{command} ended with code {code} when its window was closed: what it said stands above")
    return picture


def environment(place: Path) -> Mapping[str, str]:
    """Folders of its own, so that it knows of no earlier start, and no question whether to close."""
    names = ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")
    own = {name: str(place / name.lower()) for name in names}
    wanted = ("DISPLAY", "XAUTHORITY", "HOME", "PATH", "PYTHONPATH")
    kept = {name: os.environ[name] for name in wanted if name in os.environ}
    autosave = {"HRTEM_APP_AUTOSAVE": str(place / "autosave")}
    return {**kept, **own, **autosave, "LANG": "C.UTF-8", "NAPARI_APPLICATION_CONFIRM_CLOSE_WINDOW": "0"}


def until(ask: Callable[[], Found], seconds: float, process: subprocess.Popen[bytes], problem: str) -> Found:
    """Ask until there is something; SystemExit after so long, or where the program has ended."""
    end = time.monotonic() + seconds
    while not (found := ask()):
        if process.poll() is not None:
            sys.exit(f"{process.args} ended with code {process.returncode}: it {problem}")
        if time.monotonic() > end:
            sys.exit(f"{process.args} {problem} within {seconds:g} s")
        time.sleep(0.2)
    return found


def is_analysed(autosave: Path) -> bool:
    """Whether the session that the window saves by itself holds results."""
    states = list(autosave.glob("*/state.json"))
    return any("results" in json.loads(state.read_text(encoding="utf-8"))["files"] for state in states)


def settled(expected: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
    """A picture of the screen when it looks as expected, or like two seconds before; the last one, if never."""
    end = time.monotonic() + DRAWING
    before, picture = expected, taken()
    while time.monotonic() < end and (before is None or alike(before, picture) < ALIKE):
        before = picture if expected is None else expected
        time.sleep(2.0)
        picture = taken()
    return picture


def taken() -> NDArray[np.uint8]:
    """What is on the screen, (y, x, 3)."""
    screen = QGuiApplication.primaryScreen()
    if screen is None:
        sys.exit("there is no screen: run this under scripts/with-screen")
    image = screen.grabWindow(0).toImage().convertToFormat(QImage.Format.Format_RGB888)
    bits = image.constBits()
    if bits is None:
        sys.exit("no picture can be taken of the screen: run this under scripts/with-screen")
    lines = np.frombuffer(bits.asarray(image.sizeInBytes()), np.uint8).reshape(image.height(), -1)
    # A copy, since the image takes its memory along.
    return lines[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()


def alike(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """The share of the pixels that two pictures have in common; none where one of them shows nothing."""
    if one.shape != other.shape or min(len(np.unique(each)) for each in (one, other)) < 16:
        return 0.0
    return float((one == other).all(axis=2).mean())


class ClientMessage(ctypes.Structure):
    """Xlib's XClientMessageEvent, with the room that an XEvent takes."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("serial", ctypes.c_ulong),
        ("send_event", ctypes.c_int),
        ("display", ctypes.c_void_p),
        ("window", ctypes.c_ulong),
        ("message_type", ctypes.c_ulong),
        ("format", ctypes.c_int),
        ("data", ctypes.c_long * 5),
        ("room", ctypes.c_long * 12),
    )


def close_window(process: subprocess.Popen[bytes]) -> None:
    """Ask the window that bears the title to close, as the button in its frame does; here is nobody who draws one."""
    xlib = ctypes.CDLL("libX11.so.6")
    xlib.XOpenDisplay.restype = ctypes.c_void_p
    xlib.XInternAtom.restype = xlib.XDefaultRootWindow.restype = ctypes.c_ulong
    display = ctypes.c_void_p(xlib.XOpenDisplay(None))
    window = until(lambda: _titled(xlib, display), CLOSING, process, f"shows no window named {TITLE}")
    protocols, close = (xlib.XInternAtom(display, name, 0) for name in (b"WM_PROTOCOLS", b"WM_DELETE_WINDOW"))
    message = ClientMessage(33, 0, 1, display, window, protocols, 32, (ctypes.c_long * 5)(close))
    xlib.XSendEvent(display, ctypes.c_ulong(window), 0, ctypes.c_long(0), ctypes.byref(message))
    xlib.XCloseDisplay(display)


def _titled(xlib: ctypes.CDLL, display: ctypes.c_void_p) -> int:
    """The top-level window whose title begins with that of the program; 0 where there is none."""
    root, parent, count = ctypes.c_ulong(), ctypes.c_ulong(), ctypes.c_uint()
    windows, name = ctypes.POINTER(ctypes.c_ulong)(), ctypes.c_char_p()
    xlib.XQueryTree(
        *(display, ctypes.c_ulong(xlib.XDefaultRootWindow(display)), ctypes.byref(root), ctypes.byref(parent)),
        *(ctypes.byref(windows), ctypes.byref(count)),
    )
    for window in windows[: count.value]:
        there = xlib.XFetchName(display, ctypes.c_ulong(window), ctypes.byref(name))
        if there and (name.value or b"").decode("latin-1").startswith(TITLE):
            return int(window)
    return 0


if __name__ == "__main__":
    main(*sys.argv[1:])
