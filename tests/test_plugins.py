"""The examples under `plugins/` install, are found and pass their own tests; broken plug-ins harm nobody."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from hrtem_app import materials

PLUGINS = sorted(path.parent for path in (Path(__file__).parents[1] / "plugins").glob("*/pyproject.toml"))


@pytest.mark.parametrize("folder", PLUGINS, ids=lambda path: path.name)
def test_a_plug_in_installs_and_passes_its_own_tests(folder: Path, tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-build-isolation", "--no-index", "--quiet"]
    # Builds leave folders beside the sources.
    source = tmp_path / "source"
    shutil.copytree(folder, source)
    subprocess.run([*pip, "--target", str(tmp_path / "installed"), str(source)], check=True)
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "installed")}
    test = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:pytestqt", "-c", os.devnull]
    done = subprocess.run([*test, str(source / "tests")], env=environment, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed" in done.stdout


def _with(monkeypatch: pytest.MonkeyPatch, *values: str) -> None:
    points = [EntryPoint(name="x", value=value, group=materials.ENTRY_POINTS) for value in values]
    monkeypatch.setattr(materials, "entry_points", lambda group: points)
    materials.materials.cache_clear()


@pytest.mark.parametrize(
    "value", ["no_such_module:X", "json:dumps", "hrtem_app.materials:MOS2_ON_GRAPHITE", "json:nothing"]
)
def test_a_broken_plug_in_is_reported_and_left_out(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    _with(monkeypatch, value)
    with pytest.warns(UserWarning, match="left out"):
        known = materials.materials()
    assert list(known) == ["MoS2", "MoSe2", "WS2", "WSe2"]
    materials.materials.cache_clear()


def test_an_unknown_material_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"'MoX2'.*MoS2, MoSe2, WS2, WSe2"):
        materials.find_material("MoX2")
    with pytest.raises(ValueError, match=r"'mica'.*none, graphene, hBN"):
        materials.find_support("mica")
