"""What an installation holds, and under which versions it is tested."""

from __future__ import annotations

import configparser
import re
import runpy
import sys
import tomllib
from fnmatch import fnmatch
from importlib.metadata import distribution, entry_points, requires, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import hrtem_app

ROOT = Path(__file__).parents[1]
NO_DATA = {".py", ".pyc"}


@pytest.fixture(scope="module")
def setup() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def folders(setup: configparser.ConfigParser) -> dict[str, Path]:
    """Where the files of each package lie."""
    names = setup["options"]["packages"].split()
    special = {"hrtem_app.resources": ROOT / "resources"}
    return {name: special.get(name, ROOT / name.replace(".", "/")) for name in names}


def test_every_package_is_installed(setup: configparser.ConfigParser) -> None:
    found = {".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "hrtem_app").rglob("__init__.py")}
    assert set(folders(setup)) == found | {"hrtem_app.docs", "hrtem_app.resources"}


def test_every_file_that_is_no_code_is_package_data(setup: configparser.ConfigParser) -> None:
    stated = {name: globs.split() for name, globs in setup["options.package_data"].items()}
    for package in ("hrtem_app", "hrtem_app.resources"):
        folder = folders(setup)[package]
        for path in folder.rglob("*"):
            name = path.relative_to(folder).as_posix()
            made = path.suffix in NO_DATA or "__pycache__" in path.parts
            if path.is_file() and not made and not path.name.startswith("."):
                assert any(fnmatch(name, glob) for glob in stated[package]), f"{name} would not be in the wheel"


@pytest.mark.parametrize("name", ["napari.yaml", "py.typed", "../LICENSE", "../README.md"])
def test_files_that_others_look_for(name: str) -> None:
    assert (ROOT / "hrtem_app" / name).is_file()


def test_the_sample_is_shipped() -> None:
    from hrtem_app.resources import sample_path

    assert sample_path().is_file()


@pytest.mark.parametrize("network", ["unet", "unet_pp", "msd_net"])
def test_the_networks_are_shipped(network: str) -> None:
    for suffix in (".json", ".safetensors"):
        assert (ROOT / "resources" / "weights" / network).with_suffix(suffix).is_file()


def test_entry_points() -> None:
    scripts = {point.name: point.value for point in entry_points(group="console_scripts")}
    manifests = {point.name: point.value for point in entry_points(group="napari.manifest")}
    assert scripts["hrtem-app"] == "hrtem_app.cli:main"
    assert manifests["hrtem-app"] == "hrtem_app:napari.yaml"


def test_metadata() -> None:
    metadata = distribution("hrtem-app").metadata
    assert metadata["License-Expression"] == "GPL-3.0-or-later"
    assert "Framework :: napari" in (metadata.get_all("Classifier") or [])
    assert metadata["Requires-Python"] == ">=3.11"
    assert version("hrtem-app") == hrtem_app.__version__


def test_pyproject_holds_the_build_system_only() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert list(tomllib.loads(text)) == ["build-system"]
    assert len(text.splitlines()) == 3


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    found = [re.fullmatch(r"([\w.-]+)==([\w.!]+)", line) for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(match[1]): match[2] for match in found if match}


def test_constraints_are_exact_versions() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert len(pins()) == sum(1 for line in lines if line and not line.startswith("#"))
    assert pins()["torch"] == "2.13.0"


def required(name: str, extras: frozenset[str], seen: set[tuple[str, frozenset[str]]]) -> None:
    """Walk through everything that installing a distribution with extras brings."""
    if (name, extras) in seen:
        return
    seen.add((name, extras))
    for text in requires(name) or []:
        requirement = Requirement(text)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in extras | {""}):
            required(canonicalize_name(requirement.name), frozenset(requirement.extras), seen)


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="the versions are those for Python 3.11")
def test_constraints_pin_every_requirement() -> None:
    seen: set[tuple[str, frozenset[str]]] = set()
    required("hrtem-app", frozenset({"app", "test", "dev"}), seen)
    names = {name for name, _ in seen} - {"hrtem-app"}
    assert len(names) > 100
    assert names - set(pins()) == set()


def test_the_page_of_parameters_is_that_of_the_models() -> None:
    namespace = runpy.run_path(str(ROOT / "scripts" / "make_parameters.py"))
    page = (ROOT / "docs" / "parameters.md").read_text(encoding="utf-8")
    assert page == namespace["page"](), "run `python scripts/make_parameters.py`"
