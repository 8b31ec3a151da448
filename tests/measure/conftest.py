"""Makes the ideal tables importable: pytest's import mode puts no folder of tests on the path."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

_NAME = "ideal_crystals"
_SPEC = importlib.util.spec_from_file_location(_NAME, Path(__file__).with_name(f"{_NAME}.py"))
assert _SPEC is not None
assert _SPEC.loader is not None
sys.modules[_NAME] = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(sys.modules[_NAME])
