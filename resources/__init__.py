"""What is shipped beside the code: weights and their cards, presets, icons and a sample series."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def sample_path() -> Path:
    """The bundled simulated focal series of MoS2 on graphite."""
    return Path(str(files(__name__) / "sample" / "mos2_on_graphite.tif"))


def presets() -> dict[str, Path]:
    """The shipped recipes by name; `Recipe.load` reads them."""
    folder = Path(str(files(__name__) / "presets"))
    return {path.stem: path for path in sorted(folder.glob("*.json"))}
