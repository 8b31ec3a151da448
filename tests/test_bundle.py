"""How the program starts processes of itself where it is bundled, and there is no Python to start."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import hrtem_app.bundle as bundle
from hrtem_app.command import analyse_command
from hrtem_app.jobs import SimulateJob, Simulation, estimate, follow, submit
from hrtem_app.jobs.launch import launched
from hrtem_app.recipe import Recipe
from hrtem_app.simulation.dataset import Dataset, DatasetSettings
from hrtem_app.simulation.multislice import MultisliceSettings
from hrtem_app.simulation.structure_settings import StructureSettings
from hrtem_app.training.loop import train
from hrtem_app.training.settings import TrainingError, TrainingSettings

SCRIPTS = Path(__file__).parents[1] / "scripts" / "bundle"
# What stands for a bundle: it says that it is one, notes what it is started with, and begins as a bundle begins.
PROGRAM = """#!/bin/sh
echo "$*" >>{log}
exec {python} -c 'import runpy, sys
sys.frozen, sys.executable = True, "{program}"
runpy.run_path("{start}", run_name="__main__")' "$@"
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program that behaves like a bundled one, and from now on this process too is one of it."""
    path = tmp_path / "bundled"
    values = {"log": tmp_path / "started", "python": sys.executable, "program": path, "start": SCRIPTS / "start.py"}
    path.write_text(PROGRAM.format(**values), encoding="utf-8")
    path.chmod(0o755)
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(path))
    return path


def started(program: Path) -> list[str]:
    """The arguments of each start of the program."""
    return program.with_name("started").read_text(encoding="utf-8").splitlines()


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module `noting` that writes its name and its arguments into a file, which is given here."""
    file = tmp_path / "noted"
    code = f"import sys\nopen({str(file)!r}, 'w').write(' '.join([__name__, *sys.argv[1:]]))\n"
    (tmp_path / "noting.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["hrtem-app", "-m", "noting"])
    return file


def test_installed_the_program_has_a_name() -> None:
    assert not bundle.is_bundled()
    assert bundle.program_command() == ["hrtem-app"]
    assert bundle.module_command("a.b", ["c d"]) == [sys.executable, "-m", "a.b", "c d"]


def test_bundled_it_has_a_path(program: Path) -> None:
    assert bundle.is_bundled()
    assert bundle.program_command() == [str(program)]
    assert bundle.module_command("a.b") == [str(program), "-m", "a.b"]
    assert analyse_command(["a.tif"], Recipe(), shell="posix").startswith(f"{program} analyse ")


@pytest.mark.parametrize(
    "words", [[], ["-u"], ["demo"], ["demo", "-m", "noting"], ["--", "-m", "noting"], ["-mnoting"]], ids=" ".join
)
def test_other_words_ask_for_no_module(module: Path, words: list[str]) -> None:
    assert not bundle.run_asked_module(words)
    assert not module.exists()


@pytest.mark.parametrize("words", [["-m", "noting", "-m", "a b"], ["-u", "-m", "noting", "-m", "a b"]], ids=" ".join)
def test_a_module_that_is_asked_for(module: Path, words: list[str]) -> None:
    assert bundle.run_asked_module(words)
    assert module.read_text(encoding="utf-8") == "__main__ -m a b"


@pytest.mark.parametrize("name", ["", "no_such", "no_such.module", "os.none", ".noting", "os.path.join"])
def test_modules_that_are_not_there(module: Path, name: str) -> None:
    with pytest.raises(SystemExit, match=f"'{name}' names no module.*leave -m out"):
        bundle.run_asked_module(["-m", name] if name else ["-m"])
    assert not module.exists()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"LD_LIBRARY_PATH": "/bundle", "LD_LIBRARY_PATH_ORIG": "/mine"}, {"LD_LIBRARY_PATH": "/mine"}),
        ({"LD_LIBRARY_PATH": "/bundle", "QT_PLUGIN_PATH": "/bundle/plugins", "PATH": "/bin"}, {"PATH": "/bin"}),
        ({"DYLD_LIBRARY_PATH_ORIG": ""}, {"DYLD_LIBRARY_PATH": ""}),
        ({}, {}),
    ],
)
def test_other_programs_get_the_paths_that_the_user_had(
    monkeypatch: pytest.MonkeyPatch, before: dict[str, str], after: dict[str, str]
) -> None:
    monkeypatch.setattr(os, "environ", dict(before))
    bundle.restore_environment()
    assert os.environ == after | {"PYINSTALLER_RESET_ENVIRONMENT": "1"}


def test_a_module_that_fails(module: Path, capsys: pytest.CaptureFixture[str]) -> None:
    module.with_name("noting.py").write_text("raise RuntimeError('no disk')", encoding="utf-8")
    with pytest.raises(SystemExit) as end:
        bundle.run_asked_module(["-m", "noting"])
    assert end.value.code == 1
    assert capsys.readouterr().err.splitlines()[-1] == "RuntimeError: no disk"


def test_a_bundle_takes_the_arguments_of_the_shell(program: Path) -> None:
    asked = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    assert asked.stdout.startswith("hrtem-app ")
    refused = subprocess.run([program, "-m", "no.such"], capture_output=True, text=True, check=False)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("hrtem-app: -m 'no.such' names no module")


def test_the_processes_of_a_job_are_the_bundle(program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HRTEM_APP_JOBS", str(tmp_path / "jobs"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    settings = DatasetSettings(
        structure=StructureSettings(field_of_view=20.0, margin=1.0, layers=(1, 1), flake_radius=(0.5, 0.6)),
        multislice=MultisliceSettings(configurations=1),
    )
    request = SimulateJob(
        out=tmp_path / "waves", simulation=Simulation(structures=1, seed=3, settings=settings, workers=0)
    )
    cost = estimate(request, seconds=0.1)
    assert cost.disk > 0
    job = submit(request)
    end = list(follow(job))[-1].values
    assert end["state"] == "finished", job.log()
    assert Dataset(tmp_path / "waves").seeds == (3,)
    assert started(program) == [
        "-m hrtem_app.jobs.probe",
        f"-m hrtem_app.jobs.runner {job.path}",
        f"-m hrtem_app.jobs.worker {job.path} simulate 1",
    ]
    assert launched(("srun",), ["x"]) == ["srun", str(program), "-m", "hrtem_app.jobs.worker", "x"]


def test_a_bundle_compiles_nothing(program: Path, tmp_path: Path) -> None:
    compiled = TrainingSettings(compiled=True)
    with pytest.raises(TrainingError, match=r"compile.* leave it out"):
        train("unet", tmp_path / "none", tmp_path / "run", steps=1, settings=compiled)
    assert not (tmp_path / "run").exists()


def test_the_icon_is_drawn(tmp_path: Path) -> None:
    from PIL import Image

    draw = runpy.run_path(str(SCRIPTS / "icon.py"))["draw"]
    icons = SCRIPTS.parents[1] / "resources" / "icons"
    draw(str(icons / "hrtem-app.svg"), str(tmp_path / "icon.png"))
    with Image.open(tmp_path / "icon.png") as image:
        assert image.size == (256, 256)
        assert image.getpixel((0, 0))[3] == 0
        # The orange disk of the single sulphur atom.
        assert image.getpixel((128, 208)) == (0xE8, 0x59, 0x0C, 255)
    (tmp_path / "none.svg").write_text("<svg", encoding="utf-8")
    with pytest.raises(SystemExit, match=r"none\.svg cannot be drawn"):
        draw(str(tmp_path / "none.svg"), str(tmp_path / "none.png"))
