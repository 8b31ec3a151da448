"""PNG and JPEG pictures, through Pillow, which tells their size before it decodes them and knows every palette."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hrtem_app.io.signals import Axis, Contents, Signal

_GREY = frozenset({"1", "L", "LA", "I", "F", "I;16", "I;16B", "I;16L"})


def read_picture(path: Path) -> Contents:
    """The picture, colour or grey; a printing resolution says nothing about the specimen and is ignored."""
    from PIL import Image

    with Image.open(path) as picture:
        columns, rows = picture.size
        grey = picture.mode in _GREY
    dtype = np.dtype(np.float32) if grey else np.dtype(np.uint8)
    signal = Signal((rows, columns), dtype, (Axis("y"), Axis("x")), lambda: _pixels(path, grey), colour=not grey)
    return Contents((signal,), (path,))


def _pixels(path: Path, grey: bool) -> NDArray[Any]:
    from PIL import Image

    with Image.open(path) as picture:
        if grey:
            return np.asarray(picture.convert("L") if picture.mode in ("1", "LA") else picture)
        return np.asarray(picture.convert("RGB"))
