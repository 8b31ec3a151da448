"""The examples under `plugins/` install, are found and pass their own tests; broken plug-ins harm nobody."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

import pytest

from hrtem_app import extensions, materials
from hrtem_app.io import SUFFIXES, formats, load_series
from hrtem_app.networks import catalog
from hrtem_app.series import SeriesError

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


def _with(monkeypatch: pytest.MonkeyPatch, *values: str, name: str = "x") -> None:
    monkeypatch.setattr(
        extensions,
        "entry_points",
        lambda group: [EntryPoint(name=name, value=value, group=group) for value in values],
    )
    for cached in (materials.materials, catalog._plugged_in, formats.formats):
        cached.cache_clear()


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """What a test pretends to be installed is not there for the next one."""
    yield
    for cached in (materials.materials, catalog._plugged_in, formats.formats):
        cached.cache_clear()


@pytest.mark.parametrize(
    "value", ["no_such_module:X", "json:dumps", "hrtem_app.materials:MOS2_ON_GRAPHITE", "json:nothing"]
)
def test_a_broken_plug_in_is_reported_and_left_out(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    _with(monkeypatch, value)
    with pytest.warns(UserWarning, match="left out"):
        known = materials.materials()
    assert list(known) == ["MoS2", "MoSe2", "WS2", "WSe2"]


@pytest.mark.parametrize("value", ["no_such_module:X", "sys:version", "json:nothing"])
def test_a_broken_network_is_reported_and_left_out(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    _with(monkeypatch, value)
    with pytest.warns(UserWarning, match=f"{value}.*left out"):
        known = catalog.architectures()
    assert list(known) == ["unet", "unet_pp", "msd_net"]


@pytest.mark.parametrize("name", ["unet", "My-Net"])
def test_a_network_cannot_take_a_name_that_is_there_or_that_no_file_can_have(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    _with(monkeypatch, "torch.nn:Identity", name=name)
    with pytest.warns(UserWarning, match=r"torch\.nn:Identity.*left out"):
        assert list(catalog.architectures()) == ["unet", "unet_pp", "msd_net"]


TAKES_TIFF = formats.FileFormat("mine", (".tif",), lambda head: True, load_series)
SHOUTS = formats.FileFormat("mine", (".RAW",), lambda head: True, load_series)


@pytest.mark.parametrize("value", ["no_such_module:X", "json:dumps", f"{__name__}:TAKES_TIFF", f"{__name__}:SHOUTS"])
def test_a_broken_reader_is_reported_and_left_out(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setitem(sys.modules, __name__, sys.modules.get(__name__, ModuleType(__name__)))
    for name in ("TAKES_TIFF", "SHOUTS"):
        monkeypatch.setattr(sys.modules[__name__], name, globals()[name], raising=False)
    _with(monkeypatch, value)
    with pytest.warns(UserWarning, match="left out"):
        assert formats.suffixes() == SUFFIXES


def test_a_reader_that_gives_something_else_is_told_as_damage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "scan.xyz1"
    path.write_bytes(b"content")
    wrong = formats.FileFormat("mine", (".xyz1",), lambda head: True, lambda path: None)  # type: ignore[arg-type,return-value]
    monkeypatch.setattr("hrtem_app.io.read.format_of", lambda path: wrong)
    with pytest.raises(SeriesError, match=r"cannot be read as mine .*gives NoneType"):
        load_series(path)


def test_an_unknown_material_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"'MoX2'.*MoS2, MoSe2, WS2, WSe2"):
        materials.find_material("MoX2")
    with pytest.raises(ValueError, match=r"'mica'.*none, graphene, hBN"):
        materials.find_support("mica")
