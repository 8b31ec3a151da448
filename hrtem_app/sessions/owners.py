"""Who owns a folder of an autosave: the process that its name names, so that taking it over is one renaming."""

from __future__ import annotations

import os
import re
import socket
import time
from pathlib import Path
from uuid import uuid4

import psutil

from hrtem_app.processes import lives, marks

_NAME = re.compile(
    r"(?P<token>[0-9a-f]{12})-(?P<pid>\d{1,9})-(?P<started>\d{1,12})-(?P<uptime>\d{1,12})-(?P<host>.{1,64})"
)
# Of another computer nobody here knows whether a process lives; what it does not touch for so long is given up.
_GIVEN_UP = 24 * 3600


def own_name() -> str:
    """A new name for a folder of this process."""
    started, uptime = marks(psutil.Process())
    return f"{uuid4().hex[:12]}-{os.getpid()}-{started}-{uptime}-{_host()}"


def is_orphan(folder: Path, touched: float) -> bool:
    """Whether a folder has the name of an autosave whose process is dead.

    Parameters
    ----------
    folder
        Its path.
    touched
        When something was last written to it, in seconds of `time.time`.
    """
    match = _NAME.fullmatch(folder.name)
    if match is None:
        return False
    if match["host"] != _host():
        return time.time() - touched > _GIVEN_UP
    return not lives(int(match["pid"]), (int(match["started"]), int(match["uptime"])))


def _host() -> str:
    return re.sub(r"[^\w.]", "_", socket.gethostname())[:64] or "_"
