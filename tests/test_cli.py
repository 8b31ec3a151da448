"""The command line: what goes where, what reaches the library, and how wrong input is refused."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from itertools import chain, repeat
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

import hrtem_app
from hrtem_app.cli import main
from hrtem_app.cli.progress import ProgressLine
from hrtem_app.cli.window import COMMANDS
from hrtem_app.microscope.draw import MicroscopeSettings
from hrtem_app.recipe import LatticeFilter, Recipe
from hrtem_app.series import FocalSeries

Run = Callable[..., SimpleNamespace]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the program; gives its exit code, stdout and stderr."""

    def call(*arguments: object) -> SimpleNamespace:
        code = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return SimpleNamespace(code=code, out=out, err=err)

    return call


@pytest.fixture
def series_file(tmp_path: Path, sample_series: FocalSeries) -> Path:
    """A stack without pixel size."""
    path = tmp_path / "series.npy"
    np.save(path, sample_series.frames)
    return path


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the library was told, in place of an analysis."""
    import hrtem_app.analysis
    import hrtem_app.export
    from hrtem_app.columns import empty_table

    calls: list[dict[str, Any]] = []

    def analyse(files: list[Path], recipe: Recipe, progress: Callable[[Any], None]) -> SimpleNamespace:
        calls.append({"files": files, "recipe": recipe})
        progress(SimpleNamespace(step="unet", fraction=0.5))
        return SimpleNamespace(table=empty_table(0.225), warnings=("the dose is low",))

    def write(analysis: object, folder: Path, overwrite: bool) -> list[Path]:
        calls[-1] |= {"folder": folder, "overwrite": overwrite}
        return [folder / "columns.csv", folder / "analysis.json"]

    monkeypatch.setattr(hrtem_app.analysis, "analyse", analyse)
    monkeypatch.setattr(hrtem_app.export, "write_results", write)
    return calls


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[Path], bool]]:
    """The windows that were asked for, on a machine with screen and napari."""
    opened: list[tuple[list[Path], bool]] = []
    module = ModuleType("hrtem_app.gui.application")
    module.run = lambda paths, analyse=False: opened.append((list(paths), analyse)) or 0  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "hrtem_app.gui.application", module)
    monkeypatch.setattr("hrtem_app.cli.window.find_spec", lambda name: name)
    monkeypatch.setenv("DISPLAY", ":7")
    return opened


def no_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)


def test_help_names_every_command(run: Run) -> None:
    done = run("--help")
    assert (done.code, done.err) == (0, "")
    listed = [line.split()[0] for line in done.out.split("Commands:")[1].splitlines() if line.strip()]
    assert tuple(listed) == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(run: Run, command: str) -> None:
    done = run(command, "--help")
    assert done.code == 0
    assert f"hrtem-app {command}" in done.out


def test_version(run: Run) -> None:
    done = run("--version")
    assert (done.code, done.out) == (0, f"hrtem-app {hrtem_app.__version__}\n")


def test_options_reach_the_recipe(run: Run, told: list[dict[str, Any]], tmp_path: Path) -> None:
    done = run(
        *(
            "analyse",
            "a.tif",
            "b.tif",
            "--out",
            tmp_path,
            "--sampling",
            0.22,
            "--defocus",
            "-100,-50,0",
            "--frames",
            "2,0",
        ),
        *("--networks", "unet,msd_net", "--no-filter", "--device", "cpu", "--overwrite"),
    )
    assert done.code == 0
    assert told == [
        {
            "files": [Path("a.tif"), Path("b.tif")],
            "recipe": Recipe(
                sampling=0.22,
                defocus=(-100.0, -50.0, 0.0),
                frames=(2, 0),
                networks=("unet", "msd_net"),
                filter=LatticeFilter(enabled=False),
                device="cpu",
            ),
            "folder": tmp_path,
            "overwrite": True,
        }
    ]


def test_options_overrule_the_recipe_file(run: Run, told: list[dict[str, Any]], tmp_path: Path) -> None:
    stored = Recipe(sampling=0.3, device="cpu", networks=("unet",), filter=LatticeFilter(radius=0.02))
    stored.save(tmp_path / "recipe.json")
    run("analyse", "a.tif", "--out", tmp_path / "out", "--recipe", tmp_path / "recipe.json", "--sampling", 0.2)
    assert told[0]["recipe"] == stored.model_copy(update={"sampling": 0.2})
    run("analyse", "a.tif", "--out", tmp_path / "out", "--recipe", tmp_path / "recipe.json", "--no-filter")
    assert told[1]["recipe"].filter == LatticeFilter(radius=0.02, enabled=False)


def test_without_options_the_recipe_is_the_default(run: Run, told: list[dict[str, Any]], tmp_path: Path) -> None:
    run("analyse", "a.tif", "--out", tmp_path / "out")
    assert told[0]["recipe"] == Recipe()
    assert told[0]["overwrite"] is False


def test_stdout_holds_result_paths_and_nothing_else(run: Run, told: list[dict[str, Any]], tmp_path: Path) -> None:
    done = run("analyse", "a.tif", "--out", tmp_path / "out")
    assert done.out.splitlines() == [str(tmp_path / "out" / name) for name in ("columns.csv", "analysis.json")]
    assert "50%  unet" in done.err
    assert "warning: the dose is low" in done.err
    assert "0 columns" in done.err


BAD_INPUT = {
    "no file": (["analyse", "--out", "{out}"], ["FILE"]),
    "no folder": (["analyse", "{series}"], ["--out"]),
    "missing file": (["analyse", "gone.dm4", "--out", "{out}"], ["gone.dm4"]),
    "not a series": (["analyse", "{text}", "--out", "{out}"], ["notes.tif"]),
    "sampling unknown": (["analyse", "{series}", "--out", "{out}"], ["--sampling"]),
    "sampling is a word": (["analyse", "{series}", "--out", "{out}", "--sampling", "fine"], ["--sampling", "fine"]),
    "sampling negative": (["analyse", "{series}", "--out", "{out}", "--sampling", "-0.2"], ["sampling", "-0.2"]),
    "sampling nan": (["analyse", "{series}", "--out", "{out}", "--sampling", "nan"], ["sampling", "nan"]),
    "defocus is a word": (["analyse", "{series}", "--out", "{out}", "--defocus", "-50,x"], ["--defocus", "'x'"]),
    "defocus infinite": (["analyse", "{series}", "--out", "{out}", "--defocus", "-50,inf"], ["--defocus", "'inf'"]),
    "defocus has a gap": (["analyse", "{series}", "--out", "{out}", "--defocus", "-50,,50"], ["--defocus", "-50,,50"]),
    "too few defoci": (["{analyse}", "--defocus", "-50,0"], ["2 defoci", "3 frames"]),
    "frame is no number": (["{analyse}", "--frames", "0,1.5"], ["--frames", "'1.5'"]),
    "frame negative": (["{analyse}", "--frames=-1"], ["--frames", "'-1'"]),
    "frame beyond the end": (["{analyse}", "--frames", "0,1,3"], ["3"]),
    "network unknown": (["{analyse}", "--networks", "resnet"], ["resnet"]),
    "networks empty": (["{analyse}", "--networks", ""], ["--networks"]),
    "device unknown": (["{analyse}", "--device", "abacus", "--networks", "tiny"], ["abacus", "cpu"]),
    "recipe missing": (["{analyse}", "--recipe", "gone.json"], ["gone.json"]),
    "recipe is no JSON": (["{analyse}", "--recipe", "{text}"], ["notes.tif"]),
    "recipe with a wrong field": (["{analyse}", "--recipe", "{wrong}"], ["wrong.json", "filter.radius", "7"]),
    "out is a file": (["analyse", "{series}", "--sampling", "0.2", "--out", "{text}"], ["notes.tif"]),
    "out is not empty": (["analyse", "{series}", "--sampling", "0.2", "--out", "{tmp}"], ["--overwrite"]),
    "unknown option": (["analyse", "{series}", "--out", "{out}", "--sharpen"], ["--sharpen"]),
    "mistyped command": (["analize", "x"], ["'analize'", "hrtem-app analyse"]),
    "neither file nor command": (["gone.dm4"], ["'gone.dm4'", "simulate"]),
    "dataset missing": (["evaluate", "--data", "gone", "--out", "{out}"], ["gone"]),
    "no images": (["evaluate", "--data=gone", "--out={out}", "--images-per-structure=0"], ["0"]),
    "images are a word": (["evaluate", "--data=gone", "--out={out}", "--images-per-structure=x"], ["'x'"]),
    "matching unknown": (["evaluate", "--data=gone", "--out={out}", "--matching=loose"], ["'loose'", "one-to-one"]),
    "sweep has a gap": (["evaluate", "--data=gone", "--out={out}", "--sweep=dose,,tilt"], ["--sweep", "dose,,tilt"]),
    "temperature for none": (["evaluate", "--data=gone", "--out={out}", "--write-temperature"], ["--weights"]),
    "weights without option": (["evaluate", "w.safetensors", "--data", "gone", "--out", "{out}"], ["w.safetensors"]),
    "no structures": (["simulate", "--structures", "0", "--seed", "1", "--out", "{out}"], ["0"]),
    "no seed": (["simulate", "--structures", "3", "--out", "{out}"], ["--seed", "--preview"]),
    "material unknown": (["simulate", "--preview=1", "--out={out}", "--material=MoX2"], ["MoX2", "MoSe2"]),
    "support unknown": (["simulate", "--preview=1", "--out={out}", "--support=mica"], ["mica", "hBN"]),
    "accuracy unknown": (["simulate", "--preview=1", "--out={out}", "--accuracy=best"], ["best", "reference"]),
    "preview of no seed": (["simulate", "--preview=-1", "--out={out}"], ["-1"]),
    "settings missing": (["simulate", "--preview=1", "--out={out}", "--settings=gone.json"], ["gone.json"]),
    "negative dose": (["simulate", "--preview=1", "--out={out}", "--microscope={dose}"], ["dose", "-3", "1 to 1e+07"]),
    "settings no JSON": (["simulate", "--preview=1", "--out={out}", "--settings={text}"], ["notes.tif"]),
    "memory is a word": (["simulate", "--structures=1", "--seed=1", "--out={out}", "--memory=much"], ["much"]),
    "two places to run": (
        ["simulate", "--structures=1", "--seed=1", "--out={out}", "--scheduler=tcp://a:1", "--slurm=b.yaml"],
        ["--scheduler", "--slurm"],
    ),
    "dataset of nothing": (["dataset", "info", "gone"], ["gone"]),
    "dataset command mistyped": (["dataset", "inf", "gone"], ["inf", "info"]),
    "format unknown": (["dataset", "export", "gone", "--out={out}", "--format="], ["--format"]),
    "precision of an analysis": (["analyse", "{series}", "--out={out}", "--precision=half"], ["precision", "half"]),
    "precision unknown": (["train", "unet", "--data=x", "--out={out}", "--precision=half"], ["precision", "half"]),
    "fixed images none": (["train", "unet", "--data=x", "--out={out}", "--images-per-structure=0"], ["0"]),
    "view too small": (["simulate", "--structures=1", "--seed=1", "--out={out}", "--field-of-view=-5"], ["-5"]),
    "architecture unknown": (["train", "resnet", "--data", "gone", "--out", "{out}"], ["resnet", "unet"]),
    "training without data": (["train", "unet", "--data", "gone", "--out", "{out}"], ["gone"]),
}


@pytest.mark.parametrize(("arguments", "words"), BAD_INPUT.values(), ids=BAD_INPUT.keys())
def test_bad_input_is_one_line(
    run: Run, tiny_network: str, series_file: Path, tmp_path: Path, arguments: list[str], words: list[str]
) -> None:
    text, wrong, out = tmp_path / "notes.tif", tmp_path / "wrong.json", tmp_path / "out"
    text.write_text("no image\n")
    wrong.write_text(json.dumps({"filter": {"radius": 7}}))
    dose = tmp_path / "dose.json"
    dose.write_text('{"dose": [-3, 5]}')
    if arguments[0] == "{analyse}":
        arguments = [
            "analyse",
            "{series}",
            "--sampling",
            "0.225",
            "--out",
            "{out}",
            "--networks",
            "tiny",
            *arguments[1:],
        ]
    names = {"series": series_file, "text": text, "wrong": wrong, "dose": dose, "out": out, "tmp": tmp_path}
    before = sorted(tmp_path.rglob("*"))
    done = run(*[argument.format(**names) for argument in arguments])
    assert done.code == 2
    assert done.out == ""
    assert done.err.startswith("hrtem-app: ")
    assert done.err.count("\n") == 1, done.err
    for word in words:
        assert word in done.err
    assert "Traceback" not in done.err
    assert sorted(tmp_path.rglob("*")) == before


@pytest.fixture
def tiny_network(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of an untrained network, the only one beside those that are shipped."""
    from hrtem_app.networks.catalog import NetworkCard, build_network, save_network
    from hrtem_app.networks.layers import parameter_count

    folder = tmp_path_factory.mktemp("networks")
    module = build_network("unet", {"channels": 1, "frames": 3})
    card = NetworkCard(
        name="tiny",
        title="Tiny U-net",
        architecture="unet",
        settings={"channels": 1, "frames": 3},
        parameters=parameter_count(module),
        dose_range=(300, 1e5),
        defocus_range=(-150, 152),
        energy=50_000,
        label_radius=0.65,
        metrics={"atomic_f1": 0.125},
    )
    save_network(module, card, folder)
    monkeypatch.setenv("HRTEM_APP_NETWORKS", str(folder))
    return card.name


def test_from_a_file_to_results(run: Run, tiny_network: str, series_file: Path, tmp_path: Path) -> None:
    """The program as a shell runs it, then again into the folder that is not empty now."""
    out = tmp_path / "out"
    command = [
        "analyse",
        series_file,
        "--out",
        out,
        "--sampling",
        "0.225",
        "--networks",
        tiny_network,
        "--device",
        "cpu",
    ]
    shell = [sys.executable, "-m", "hrtem_app", *map(str, command)]
    done = subprocess.run(shell, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    names = ["columns.csv", "columns-tiny.csv", "columns.xyz", "agreement.png", "agreement.svg", "agreement.pdf"]
    names += ["filtered.tif", "report.html", "analysis.json"]
    assert done.stdout.splitlines() == [str(out / name) for name in names]
    assert sorted(path.name for path in out.iterdir()) == sorted(names)
    assert "100%  done" in done.stderr
    again = run(*command)
    assert (again.code, again.out) == (2, "")
    assert "--overwrite" in again.err
    assert run(*command, "--overwrite").code == 0


def test_files_open_the_window(run: Run, windows: list[tuple[list[Path], bool]], series_file: Path) -> None:
    assert run(series_file, series_file).code == 0
    assert run().code == 0
    assert run("window", series_file).code == 0
    assert windows == [([series_file] * 2, False), ([], False), ([series_file], False)]


def test_a_file_may_be_called_like_an_option(
    run: Run, windows: list[tuple[list[Path], bool]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("-odd.tif").touch()
    assert run("--", "-odd.tif").code == 0
    assert windows == [([Path("-odd.tif")], False)]


def test_demo_opens_the_sample_analysed(run: Run, windows: list[tuple[list[Path], bool]]) -> None:
    from hrtem_app.resources import sample_path

    assert run("demo").code == 0
    assert windows == [([sample_path()], True)]


@pytest.mark.parametrize("arguments", [["demo"], ["demo", "--headless"], ["demo", "--out", "here"]])
def test_demo_without_a_screen_writes_files(
    run: Run, told: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    from hrtem_app.resources import sample_path

    monkeypatch.chdir(tmp_path)
    if arguments == ["demo"]:
        no_screen(monkeypatch)
    done = run(*arguments)
    folder = Path("here") if "--out" in arguments else Path("demo-results")
    assert done.code == 0
    assert told[0] == {
        "files": [sample_path()],
        "recipe": Recipe(),
        "folder": folder,
        "overwrite": "--out" not in arguments,
    }
    assert f"look at {folder}/agreement.png and {folder}/columns.csv" in done.err


@pytest.mark.parametrize("missing", [["napari"], ["PyQt6", "PySide6", "PyQt5", "PySide2"]])
def test_without_napari_the_remedy_is_one_line(
    run: Run, windows: list[tuple[list[Path], bool]], monkeypatch: pytest.MonkeyPatch, missing: list[str]
) -> None:
    monkeypatch.setattr("hrtem_app.cli.window.find_spec", lambda name: None if name in missing else name)
    done = run()
    assert (done.code, done.out, windows) == (2, "", [])
    assert "pip install 'hrtem-app[app]'" in done.err
    assert done.err.count("\n") == 1


def test_without_a_screen_the_window_is_refused(
    run: Run, windows: list[tuple[list[Path], bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    no_screen(monkeypatch)
    done = run()
    assert (done.code, windows) == (2, [])
    assert "demo --headless" in done.err


def test_interrupted_quietly(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import hrtem_app.analysis

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(hrtem_app.analysis, "analyse", interrupted)
    done = run("analyse", "a.tif", "--out", tmp_path / "out")
    assert (done.code, done.out, done.err) == (130, "", "")
    assert not (tmp_path / "out").exists()


def test_a_full_disk_is_one_line(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import hrtem_app.analysis

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "waves")

    monkeypatch.setattr(hrtem_app.analysis, "analyse", full)
    done = run("analyse", "a.tif", "--out", tmp_path / "out")
    assert done.code == 2
    assert done.err.startswith("hrtem-app: waves: No space left on device")
    monkeypatch.setenv("HRTEM_APP_DEBUG", "1")
    with pytest.raises(OSError, match="No space left"):
        main(["analyse", "a.tif", "--out", str(tmp_path / "out")])


def test_mistakes_of_ours_are_not_hidden(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import hrtem_app.analysis

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("ours")

    monkeypatch.setattr(hrtem_app.analysis, "analyse", broken)
    with pytest.raises(RuntimeError, match="ours"):
        main(["analyse", "a.tif", "--out", str(tmp_path / "out")])


@pytest.fixture
def simulated(monkeypatch: pytest.MonkeyPatch) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
    """What the library was told, in place of simulating."""
    import hrtem_app.simulation.run
    from hrtem_app.simulation.cluster import Pace

    calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    def simulate(*arguments: object, progress: Callable[[Pace], None], **options: object) -> None:
        calls.append((arguments, options))
        pace = Pace(4, 0, clock=chain([0.0], repeat(3.0)).__next__)
        pace.done(3)
        progress(pace)

    monkeypatch.setattr(hrtem_app.simulation.run, "simulate", simulate)
    return calls


def test_simulate(run: Run, simulated: list[Any]) -> None:
    done = run("simulate", "--out", "d", "--structures", 4, "--seed", 9, "--field-of-view", 50, "--configurations", 2)
    assert (done.code, done.out) == (0, "d\n")
    (arguments, options), *_ = simulated
    assert arguments == (Path("d"), 4, 9)
    assert options["settings"].structure.field_of_view == 50
    assert options["settings"].multislice.configurations == 2
    assert (options["workers"], options["scheduler"], options["device"]) == (None, None, "cpu")
    assert "75%  structures  3 of 4, 1.0/s, 1 s left" in done.err


@pytest.mark.parametrize(
    ("more", "option", "value"),
    [
        (["--workers", "3"], "workers", 3),
        (["--memory", "8GiB"], "memory", "8GiB"),
        (["--scheduler", "tcp://host:8786"], "scheduler", "tcp://host:8786"),
        (["--slurm", "jobs.yaml"], "slurm", Path("jobs.yaml")),
        (["--device", "gpu"], "device", "gpu"),
    ],
)
def test_simulate_hands_on_where_to_run(
    run: Run, simulated: list[Any], more: list[str], option: str, value: object
) -> None:
    assert run("simulate", "--out", "d", "--structures", 4, "--seed", 9, *more).code == 0
    assert simulated[0][1][option] == value


def test_simulate_takes_settings_from_a_file_and_options_over_it(
    run: Run, simulated: list[Any], tmp_path: Path
) -> None:
    content = {"structure": {"material": "WS2", "layers": [2, 3]}, "multislice": {"energy": [60e3, 80e3]}}
    (tmp_path / "s.json").write_text(json.dumps(content))
    start = ["simulate", "--out", "d", "--structures", 1, "--seed", 0, "--settings", tmp_path / "s.json"]
    assert run(*start, "--material", "WSe2", "--support", "hBN").code == 0
    assert run(*start, "--accuracy", "reference").code == 0
    one, other = (options["settings"] for _, options in simulated)
    assert (one.structure.material, one.structure.support, one.structure.layers) == ("WSe2", "hBN", (2, 3))
    assert one.multislice.energy == (60e3, 80e3)
    assert (other.multislice.projection, other.multislice.configurations) == ("finite", 10)
    # An accuracy is about the calculation; what is simulated stays.
    assert other.multislice.energy == (60e3, 80e3)


@pytest.fixture(scope="module")
def waves(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from hrtem_app.simulation.dataset import DatasetSettings
    from hrtem_app.simulation.run import simulate

    folder = tmp_path_factory.mktemp("waves") / "d"
    settings = {"structure": {"field_of_view": 24.0, "layers": (1, 1)}, "multislice": {"configurations": 1}}
    simulate(folder, 3, 5, settings=DatasetSettings.model_validate(settings), workers=0)
    return folder


def test_dataset_info(run: Run, waves: Path) -> None:
    done = run("dataset", "info", waves)
    assert done.code == 0
    assert done.out.startswith("structures   3, seeds 5 to 7\n")
    assert re.search(r"^columns +\d+ Mo, \d+ 2S, \d+ 1S$", done.out, re.MULTILINE)
    assert re.search(r"^support +graphene ×3$", done.out, re.MULTILINE)
    content = json.loads(run("dataset", "info", waves, "--json").out)
    assert content["structures"] == 3
    assert len(content["parameters"]["temperature"]) == 3


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        (["a", "b", "a"], "a ×2, b ×1"),
        ([True, False, True], "False ×1, True ×2"),
        ([1, 1, 2], "1 ×2, 2 ×1"),
        ([float(i) for i in range(24)], "         0 ████████████████████████ 23"),
        ([0.0] * 8 + [1.0] + [0.01 * i for i in range(40, 48)], None),
    ],
)
def test_histograms(values: list[Any], shown: str | None) -> None:
    from hrtem_app.cli.dataset import histogram

    text = histogram(values)
    if shown is not None:
        assert text == shown
    else:
        bars = text[11:35]
        assert bars[0] == "█"
        assert bars[-1] == "▁"
        assert bars[2:8].isspace()


def test_dataset_verify_ends_with_the_content(run: Run, waves: Path, tmp_path: Path) -> None:
    done = run("dataset", "verify", waves)
    assert done.code == 0
    first, last = done.out.splitlines()
    assert first == "structures 3, damaged 0"
    assert re.fullmatch(r"content [0-9a-f]{64}", last)
    copy = Path(shutil.copytree(waves, tmp_path / "copy"))
    (copy / "structures/0000006/waves/c/0/0/0").unlink()
    done = run("dataset", "verify", copy)
    assert done.code == 1
    assert done.out.startswith("damaged 6: 1 chunks of waves are gone")
    assert "damaged 1" in done.out
    assert done.out.splitlines()[-1] != last


def test_dataset_preview_and_export(run: Run, waves: Path, tmp_path: Path) -> None:
    done = run("dataset", "preview", waves, "--out", tmp_path / "new" / "sheet.png", "--structures", 2)
    assert (done.code, done.out) == (0, f"{tmp_path / 'new' / 'sheet.png'}\n")
    assert (tmp_path / "new" / "sheet.png").stat().st_size > 10_000
    out = tmp_path / "series"
    done = run("dataset", "export", waves, "--out", out, "--images-per-structure", 2, "--format", "npz,tiff")
    assert (done.code, done.out) == (0, f"{out}\n")
    assert len(list(out.iterdir())) == 3 * 2 * 3


def test_simulate_preview(run: Run, tmp_path: Path) -> None:
    done = run("simulate", "--preview", 7, "--out", tmp_path / "p", "--field-of-view", 24, "--material", "WS2")
    assert done.code == 0
    picture, atoms = done.out.split()
    assert Path(picture).stat().st_size > 50_000
    assert {"W", "S"} <= set(Path(atoms).read_text().split())


def test_ranges_of_the_microscope_come_from_a_file(run: Run, waves: Path, tmp_path: Path) -> None:
    (tmp_path / "m.json").write_text('{"frames": 1, "defocus": [200, 210], "dose": [100, 110]}')
    done = run("dataset", "export", waves, "--out", tmp_path / "out", "--microscope", tmp_path / "m.json")
    assert done.code == 0
    with np.load(tmp_path / "out" / "0000005-0.npz") as content:
        meta = json.loads(str(content["meta"]))
        assert content["image"].shape[0] == 1
    assert 200 <= meta["defocus"][0] <= 210
    assert 100 <= meta["dose"] <= 110


def test_dataset_alone_says_what_there_is(run: Run) -> None:
    done = run("dataset")
    assert done.code == 0
    assert all(command in done.out for command in ("info", "verify", "preview", "export"))


def test_train(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    import hrtem_app.training.loop

    calls: list[Any] = []

    def train(*arguments: object, progress: Callable[[dict[str, float]], None], **options: object) -> Path:
        calls.append((arguments, options))
        progress({"step": 7, "loss": 0.5, "learning_rate": 1e-3, "fraction": 0.2, "images_per_second": 12.25})
        return Path("o/unet.safetensors")

    monkeypatch.setattr(hrtem_app.training.loop, "train", train)
    done = run("train", "unet", "--data", "d", "--out", "o", "--channels", 4, "--steps", 9, "--resume")
    assert (done.code, done.out) == (0, "o/unet.safetensors\n")
    options = {"channels": 4, "layers": None, "minutes": None, "steps": 9, "resume": True}
    (arguments, told), *_ = calls
    assert arguments == ("unet", [Path("d")], Path("o"))
    assert {name: told[name] for name in options} == options
    assert told["settings"].examples.images_per_structure is None
    run("train", "unet", "--data", "d", "--out", "o", "--images-per-structure", 10)
    assert calls[1][1]["settings"].examples.images_per_structure == 10
    assert "20%  training  step 7  loss 0.5000  12.2 images/s" in done.err


def test_a_training_takes_its_settings_from_a_file_and_the_options_overrule_it(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import hrtem_app.training.loop

    calls: list[Any] = []

    def train(*arguments: object, **options: object) -> Path:
        calls.append((arguments, options))
        return Path("o/unet.safetensors")

    monkeypatch.setattr(hrtem_app.training.loop, "train", train)
    (tmp_path / "s.json").write_text('{"examples": {"sources": [{"share": 2}, {}]}, "rare_weight": 3}')
    (tmp_path / "m.json").write_text('{"dose": [50, 60]}')
    told = [
        "--settings",
        tmp_path / "s.json",
        "--microscope",
        tmp_path / "m.json",
        "--compile",
        "--start=w.safetensors",
    ]
    done = run("train", "unet", "--data", "d", "--data", "e", "--out", "o", "--precision=float32", "--name=n", *told)
    assert done.code == 0
    (arguments, options), *_ = calls
    assert arguments == ("unet", [Path("d"), Path("e")], Path("o"))
    settings = options["settings"]
    assert [(s.share, s.microscope.dose) for s in settings.examples.sources] == [(2, (50, 60)), (1, (50, 60))]
    assert (settings.rare_weight, settings.compiled, settings.precision) == (3, True, "float32")
    assert (options["name"], options["start"]) == ("n", Path("w.safetensors"))


@pytest.mark.parametrize(
    ("arguments", "networks", "weights", "changed"),
    [
        ([], None, [], {}),
        (["--networks", "unet,msd_net"], ("unet", "msd_net"), [], {}),
        (["--weights", "a.safetensors", "b.safetensors"], None, ["a.safetensors", "b.safetensors"], {}),
        (["--weights", "a.safetensors", "--weights", "b.safetensors"], None, ["a.safetensors", "b.safetensors"], {}),
        (["--matching=thesis", "--sweep=dose,tilt"], None, [], {"matching": "thesis", "sweep": ("dose", "tilt")}),
        (["--no-figures", "--write-temperature"], None, [], {"figures": False, "write_temperature": True}),
    ],
)
def test_evaluate(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    networks: object,
    weights: list[str],
    changed: dict[str, object],
) -> None:
    import hrtem_app.evaluation.evaluate

    calls: list[Any] = []

    def evaluate(
        *given: object, progress: Callable[[int, int], None], warn: Callable[[str], None], **options: object
    ) -> list[Path]:
        calls.append((given, options))
        progress(1, 2)
        warn("no tilt")
        return [Path("o/evaluation.json")]

    monkeypatch.setattr(hrtem_app.evaluation.evaluate, "evaluate", evaluate)
    done = run("evaluate", *arguments, "--data", "d", "--out", "o", "--images-per-structure", 3)
    assert (done.code, done.out) == (0, "o/evaluation.json\n")
    assert "warning: no tilt\n" in done.err
    options = {
        "networks": networks,
        "weights": [Path(name) for name in weights],
        "images_per_structure": 3,
        "microscope": MicroscopeSettings(),
        "matching": "one-to-one",
        "sweep": (),
        "figures": True,
        "write_temperature": False,
    }
    assert calls == [((Path("d"), Path("o")), options | changed)]


def test_networks_lists_cards(run: Run, tiny_network: str) -> None:
    done = run("networks")
    assert (done.code, done.err) == (0, "")
    assert "tiny: Tiny U-net (channels 1, frames 3)" in done.out
    assert "atomic_f1 0.125" in done.out
    assert "0.215 to 0.235 Å/px" in done.out


def test_no_networks_is_said(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hrtem_app.networks.catalog.available", dict)
    done = run("networks")
    assert (done.code, done.out) == (0, "")
    assert "no networks are installed" in done.err


def test_info(run: Run, tiny_network: str) -> None:
    done = run("info")
    assert done.code == 0
    lines = dict(line.split(maxsplit=1) for line in done.out.splitlines())
    assert list(lines) == ["hrtem-app", "python", "packages", "devices", "networks", "folders", "sample"]
    assert lines["hrtem-app"] == hrtem_app.__version__
    assert "cpu" in lines["devices"]
    assert "tiny" in lines["networks"]


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_progress_on_a_terminal_is_one_line() -> None:
    stream = Terminal()
    with ProgressLine(stream) as progress:
        progress.wait("loading")
        progress.show("unet", 0.5, "tile 3")
        progress.show("x" * 5000, 1.0)
    assert stream.getvalue().count("\n") == 1
    assert stream.getvalue().endswith("\n")
    assert "\r 50%  unet  tile 3\x1b[K" in stream.getvalue()
    assert max(len(line) for line in stream.getvalue().split("\r")) < 1000


def test_progress_on_a_terminal_is_erased_by_an_error() -> None:
    stream = Terminal()

    def fail() -> None:
        with ProgressLine(stream) as progress:
            progress.wait("loading")
            raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        fail()
    assert stream.getvalue().endswith("\r\x1b[K")
    assert "\n" not in stream.getvalue()


def test_progress_elsewhere_is_few_plain_lines() -> None:
    stream = io.StringIO()
    with ProgressLine(stream) as progress:
        progress.wait("loading")
        for i in range(1001):
            progress.show("training", i / 1000, f"step {i}")
    lines = stream.getvalue().splitlines()
    assert len(lines) == 11
    assert lines[0] == "  0%  training  step 0"
    assert lines[-1] == "100%  training  step 1000"
    assert "\r" not in stream.getvalue()


def test_a_shipped_recipe_is_found_by_its_name() -> None:
    from hrtem_app.cli.values import recipe_from_options

    recipe = recipe_from_options(Path("free_standing_mos2"), device="cpu")
    assert not recipe.filter.enabled
    assert recipe.device == "cpu"
    with pytest.raises(ValueError, match=r"'mystery'.*mos2_on_graphite"):
        recipe_from_options(Path("mystery"))
