"""The command that repeats an analysis: parsed again it gives the same recipe, and run it gives the same columns."""

from __future__ import annotations

import math
import os
import shlex
import subprocess
import sysconfig
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from pydantic import BaseModel

from hrtem_app.cli import main
from hrtem_app.command import Shell, analyse_command, recipe_options
from hrtem_app.io import load_series, save_series
from hrtem_app.recipe import ColumnFinding, LatticeFilter, MeasureSettings, Recipe
from hrtem_app.resources import presets, sample_path

# For each field what it may be, other than by default; numbers are such as lose something where digits are cut.
VALUES: dict[str, list[Any]] = {
    "sampling": [0.1 + 0.2, 1 / 3, 1e-300, 100.0, math.nextafter(0.2247, 1)],
    "defocus": [(-50.0, 0.0, 50.0), (1 / 3, -1e-7, 1e22), (-0.0,), (), (math.inf, -math.inf)],
    "energy": [80e3, 1e5 / 3, 2.5e-5],
    "frames": [(0,), (2, 0, 11)],
    "networks": [("unet",), ("msd_net", "unet_pp"), ("two words", "c"), ("a,b",), (" a",), ("",), ("Å", "'\"\\$`!%")],
    "device": ["cpu", "cuda:1", "", "a 'device' & \"more\" \\"],
    "precision": ["bfloat16"],
    "views": [4, 8],
    "alignment.enabled": [True],
    "alignment.shifts": [((0.0, 0.0), (1 / 3, -2.0)), ()],
    "alignment.largest": [1e-9, 199.99999999999997],
    "filter.enabled": [False],
    "filter.lattice_constant": [2.4670000000000005],
    "filter.rings": [1],
    "filter.radius": [0.1 / 3],
    "filter.edge": [0.0040000000000000001, 5e-324, 0.01 / 3],
    "filter.lattices": [6],
    "filter.angles": [(math.pi / 7,), (0.1, 0.2 + 0.1), ()],
    "standardisation.sigma": [12.000000000000002],
    "columns.threshold": [0.1 + 0.2],
    "columns.smoothing": [0.0],
    "columns.window": [2 / 3],
    "columns.min_distance": [0.9000000000000001],
    "sublattice.enabled": [False],
    "sublattice.columns": [10000],
    "sublattice.evidence": [0.30000000000000004],
    "agreement.distance": [0.65000000000000013],
    "measure.region": [((0.0, 0.0), (1 / 3, 200.0), (1e-3, -4.5))],
    "measure.votes": [3],
    "measure.decided_only": [True],
    "measure.confidence": [0.99],
    "measure.smallest_grain": [8],
    "measure.border": [0.0],
    "measure.reference": [3.16],
    "measure.strain_radius": [5.000000000000001],
    "measure.largest_vacancy": [1],
    "measure.largest_antisite": [1000],
    "measure.shortest_edge": [1 / 3],
    "measure.edge_angle": [15.0],
}


def fields(model: type[BaseModel]) -> set[str]:
    """All fields of a model, those of its parts as `part.field`."""
    found: set[str] = set()
    for name, field in model.model_fields.items():
        part = field.annotation
        if isinstance(part, type) and issubclass(part, BaseModel):
            found |= {f"{name}.{inner}" for inner in fields(part)}
        else:
            found.add(name)
    return found


def recipe_of(values: dict[str, Any]) -> Recipe:
    content: dict[str, Any] = {}
    for place, value in values.items():
        part, _, name = place.rpartition(".")
        (content.setdefault(part, {}) if part else content)[name] = value
    return Recipe.model_validate(content)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the program made of its arguments, in place of an analysis."""
    calls: list[dict[str, Any]] = []

    def analyse_to(files: list[Path], out: Path, recipe: Recipe, *_: object) -> SimpleNamespace:
        calls.append({"files": files, "out": out, "recipe": recipe})
        return SimpleNamespace()

    monkeypatch.setattr("hrtem_app.cli.analysis.analyse_to", analyse_to)
    monkeypatch.setattr("hrtem_app.cli.analysis.report", lambda *_: None)
    return calls


def windows_words(line: str) -> list[str]:
    """A command line as programs on Windows take it apart ("Parsing C command-line arguments", Microsoft)."""
    words, word, quoted, begun, i = [], "", False, False, 0
    while i < len(line):
        slashes = 0
        while i < len(line) and line[i] == "\\":
            slashes, i = slashes + 1, i + 1
        if slashes and i < len(line) and line[i] == '"':
            word, begun = word + "\\" * (slashes // 2), True
            if slashes % 2:
                word, i = word + '"', i + 1
            continue
        if slashes:
            word, begun = word + "\\" * slashes, True
            continue
        if line[i] == '"':
            quoted, begun = not quoted, True
        elif line[i] in " \t" and not quoted:
            if begun:
                words.append(word)
            word, begun = "", False
        else:
            word, begun = word + line[i], True
        i += 1
    return [*words, word] if begun else words


def parsed(words: list[str], told: list[dict[str, Any]]) -> Recipe:
    assert words[:2] == ["hrtem-app", "analyse"]
    assert main(words[1:]) == 0
    recipe: Recipe = told[-1]["recipe"]
    return recipe


def same(first: Recipe, second: Recipe) -> bool:
    """Equal in every field, the sign of zero and the kind of number too."""
    return first == second and repr(first) == repr(second)


def test_there_are_values_for_every_field() -> None:
    assert set(VALUES) == fields(Recipe), "tell in VALUES what a new field may be"


@pytest.mark.parametrize("place", VALUES)
def test_every_field_comes_back_from_the_command(told: list[dict[str, Any]], place: str) -> None:
    for value in VALUES[place]:
        recipe = recipe_of({place: value})
        assert recipe != Recipe() or place == "filter.edge"
        assert same(parsed(shlex.split(analyse_command(["/d/a.tif"], recipe, shell="posix")), told), recipe)
        assert same(parsed(windows_words(analyse_command(["/d/a.tif"], recipe, shell="windows")), told), recipe)


def test_all_together_come_back_from_the_command(told: list[dict[str, Any]]) -> None:
    rng = np.random.default_rng(5)
    for _ in range(30):
        chosen = [place for place in VALUES if rng.random() < 0.4]
        recipe = recipe_of({place: VALUES[place][rng.integers(len(VALUES[place]))] for place in chosen})
        recipe = recipe.model_copy(update={"sampling": rng.uniform(0.01, 1), "energy": 10 ** rng.uniform(2, 6)})
        assert same(parsed(shlex.split(analyse_command(["/d/a.tif"], recipe, shell="posix")), told), recipe)


@pytest.mark.parametrize("name", presets())
def test_shipped_recipes_come_back(told: list[dict[str, Any]], name: str) -> None:
    recipe = Recipe.load(presets()[name])
    assert same(parsed(shlex.split(analyse_command(["/d/a.tif"], recipe, shell="posix")), told), recipe)


def test_only_what_differs_is_told_and_by_options_where_there_are_some() -> None:
    assert recipe_options(Recipe()) == []
    recipe = Recipe(
        sampling=0.22,
        defocus=(-50, 0, 50),
        alignment={"enabled": True},
        filter={"enabled": False, "radius": 0.02},
        networks=("unet",),
    )
    assert sorted(recipe_options(recipe)) == sorted(
        [
            '--recipe={"filter": {"radius": 0.02}}',
            "--sampling=0.22",
            "--defocus=-50.0,0.0,50.0",
            "--networks=unet",
            "--align",
            "--no-filter",
        ]
    )
    assert recipe_options(recipe.model_copy(update={"filter": LatticeFilter()}))[0] == "--sampling=0.22"


def test_paths_are_absolute_and_quoted(
    told: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = ["it's $HOME.tif", 'b "two".tif', "-c.tif", "é;&.tif"]
    command = analyse_command(names, Recipe(), "o u t", shell="posix")
    said = subprocess.run(["sh", "-c", f"printf '%s\\n' {command}"], capture_output=True, text=True, check=True).stdout
    assert said.splitlines() == [
        "hrtem-app",
        "analyse",
        *(str(tmp_path / n) for n in names),
        "--out",
        f"{tmp_path}/o u t",
    ]
    parsed(shlex.split(command), told)
    assert told[0]["files"] == [tmp_path / name for name in names]
    assert told[0]["out"] == tmp_path / "o u t"
    parsed(shlex.split(analyse_command(["a.dm4", "b.dm4"], Recipe(), shell="posix")), told)
    assert told[1]["out"] == tmp_path / "a-results"
    windows = analyse_command(["r&d.tif"], Recipe(), "x y", shell="windows")
    assert windows_words(windows)[2:] == [str(tmp_path / "r&d.tif"), "--out", str(tmp_path / "x y")]
    assert f'"{tmp_path / "r&d.tif"}"' in windows


def test_the_shell_is_that_of_this_system() -> None:
    own: Shell = "windows" if os.name == "nt" else "posix"
    assert analyse_command(["a b.tif"], Recipe()) == analyse_command(["a b.tif"], Recipe(), shell=own)


def test_a_series_without_files_has_no_command() -> None:
    with pytest.raises(ValueError, match="lies in no file"):
        analyse_command([], Recipe())


def test_the_command_gives_the_same_columns_bit_for_bit(tmp_path: Path) -> None:
    from hrtem_app.analysis import analyse

    sample = load_series(sample_path())
    file = tmp_path / "a crop of the sample.tif"
    save_series(sample.with_frames(sample.frames[:, 100:228, 120:264]), file)
    recipe = Recipe(
        sampling=math.nextafter(sample.known_sampling * 1.01, 1),
        defocus=(-48.123456789012345, 1 / 3, 51.0),
        energy=80e3 / 3,
        networks=("unet",),
        device="cpu",
        filter=LatticeFilter(radius=0.1 / 3, angles=(math.pi / 7,)),
        columns=ColumnFinding(threshold=1 / 3, smoothing=0.1 + 0.2),
        measure=MeasureSettings(votes=2),
    )
    out = tmp_path / "results of it"
    told = analyse(load_series(file), recipe)
    told.table.to_csv(tmp_path / "expected.csv")
    assert len(told.table) > 20
    paths = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])
    command = analyse_command([file], recipe, out)
    done = subprocess.run(command, shell=True, capture_output=True, text=True, env=os.environ | {"PATH": paths})
    assert done.returncode == 0, done.stderr
    assert (out / "columns.csv").read_bytes() == (tmp_path / "expected.csv").read_bytes()
    with_defaults = analyse(load_series(file), Recipe(networks=("unet",), device="cpu"))
    assert with_defaults.table.rows() != told.table.rows()
