"""`calibrate`, `align` and `analyse --align` as a shell calls them."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hrtem_app.cli import main
from hrtem_app.io import load_series, save_series
from hrtem_app.recipe import Alignment, LatticeFilter, Recipe
from hrtem_app.series import FocalSeries

Run = Callable[..., SimpleNamespace]
SAMPLING = 0.2247


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the program; gives its exit code, stdout and stderr."""

    def call(*arguments: object) -> SimpleNamespace:
        code = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return SimpleNamespace(code=code, out=out, err=err)

    return call


def scene(drift: tuple[float, float], constant: float = 2.46) -> NDArray[np.float64]:
    """(240, 280) a lattice with a dark patch and some lost cells, moved by (dy, dx) pixels; no noise."""
    y, x = (grid * SAMPLING for grid in np.indices((240, 280)) - np.array(drift)[:, np.newaxis, np.newaxis])
    k = 2 / (np.sqrt(3) * constant)
    lattice = sum(np.cos(2 * np.pi * k * (x * np.cos(t) + y * np.sin(t))) for t in 0.3 + np.arange(3) * np.pi / 3)
    image = 1 + 0.1 * lattice
    for py, px in np.random.default_rng(4).uniform(0, 60, (60, 2)):
        image -= 0.3 * np.exp(-((y - py) ** 2 + (x - px) ** 2) / (2 * 0.8**2))
    return image


def series_of(sampling: float | None, drifts: tuple[tuple[float, float], ...] = ((0, 0),) * 3) -> FocalSeries:
    """Frames of the scene, under noise, at three defoci."""
    rng = np.random.default_rng(0)
    frames = [scene(drift) + 0.1 * rng.normal(size=(240, 280)) for drift in drifts]
    return FocalSeries(np.stack(frames), sampling, (-50.0, 0.0, 50.0), 50e3)


@pytest.fixture
def stated(tmp_path: Path) -> Path:
    """A series whose file states a sampling that is 5 % too large."""
    path = tmp_path / "series.tif"
    save_series(series_of(1.05 * SAMPLING), path)
    return path


def test_calibrate_says_what_it_found_and_which_to_trust(run: Run, stated: Path) -> None:
    done = run("calibrate", stated)
    assert (done.code, done.err) == (0, "")
    value = re.search(r"^sampling +([\d.]+) ± ([\d.]+) Å/px", done.out)
    assert value is not None
    assert float(value[1]) == pytest.approx(SAMPLING, rel=1e-3)
    assert "The file says 0.2359 Å/px and graphene" in done.out
    assert "Trust the lattice" in done.out
    assert "If MoS2 is taken for graphene" in done.out
    assert len(re.findall(r"^ +-?0\.\d{4} +-?0\.\d{4} ", done.out, re.MULTILINE)) == 6


def test_calibrate_as_json(run: Run, stated: Path) -> None:
    done = run("calibrate", stated, "--json")
    assert done.code == 0
    found = json.loads(done.out)
    assert found["accepted"] is True
    assert found["sampling_A"] == pytest.approx(SAMPLING, rel=1e-3)
    assert found["stated_A"] == pytest.approx(1.05 * SAMPLING)
    assert found["difference"] == pytest.approx(0.05, abs=2e-3)
    assert found["trust"] == "lattice"
    assert np.hypot(*np.transpose(found["spots"])) == pytest.approx([0.4694] * 6, rel=5e-3)
    assert found["other_sampling_A"] is None


def test_another_ruler_and_a_rough_sampling(run: Run, stated: Path) -> None:
    named = json.loads(run("calibrate", stated, "--lattice", "2.5", "--json").out)
    assert named["sampling_A"] == pytest.approx(SAMPLING * 2.5 / 2.46, rel=1e-3)
    rough = json.loads(run("calibrate", stated, "--sampling", 0.21, "--json").out)
    assert rough["stated_A"] == 0.21
    assert rough["sampling_A"] == pytest.approx(SAMPLING, rel=1e-3)


def test_what_is_not_good_enough_is_exit_code_1_and_still_json(run: Run, tmp_path: Path) -> None:
    noise = tmp_path / "noise.npy"
    np.save(noise, np.random.default_rng(0).normal(size=(2, 200, 200)).astype(np.float32))
    done = run("calibrate", noise, "--sampling", 0.22)
    assert done.code == 1
    assert "Nothing in the image confirms the file's 0.22 Å/px: no clear lattice of graphene" in done.out
    coarse = run("calibrate", noise, "--sampling", 2.2, "--json")
    assert coarse.code == 1
    assert json.loads(coarse.out)["sampling_A"] is None
    unknown = run("calibrate", noise)
    assert unknown.code == 1
    assert "states no sampling" in unknown.out


DRIFTS = ((0.0, 0.0), (7.3, -11.6), (-4.8, 5.1))


@pytest.fixture
def drifting(tmp_path: Path) -> Path:
    """A series that drifts."""
    path = tmp_path / "drifting.tif"
    save_series(series_of(SAMPLING, DRIFTS), path)
    return path


def test_align_prints_the_drift(run: Run, drifting: Path) -> None:
    done = run("align", drifting)
    assert (done.code, done.err) == (0, "")
    lines = [[float(word) for word in line.split()] for line in done.out.splitlines()[1:]]
    assert [line[0] for line in lines] == [0, 1, 2]
    assert [line[1:3] for line in lines] == [pytest.approx(drift, abs=0.1) for drift in DRIFTS]
    assert lines[1][3] == pytest.approx(np.hypot(7.3, 11.6) * SAMPLING, abs=0.05)


def test_align_writes_what_all_frames_show(run: Run, drifting: Path, tmp_path: Path) -> None:
    target = tmp_path / "new" / "aligned.tif"
    done = run("align", drifting, "--out", target, "--json")
    assert (done.code, done.err) == (0, f"{target}\n")
    record = json.loads(done.out)
    area = record["area_px"]
    assert np.array(record["shifts_px"]) == pytest.approx(np.array(DRIFTS), abs=0.1)
    aligned = load_series(target)
    assert aligned.shape == (area["bottom"] - area["top"], area["right"] - area["left"]) == (227, 262)
    assert aligned.sampling == pytest.approx(SAMPLING)
    assert aligned.defocus == (-50, 0, 50)
    clean = scene((0, 0))[area["top"] : area["bottom"], area["left"] : area["right"]]
    for frame in aligned.frames:
        assert np.corrcoef(frame.ravel(), clean.ravel())[0, 1] > 0.75
        assert (frame - clean)[20:-20, 20:-20].std() == pytest.approx(0.1, rel=0.1)
    assert run("align", target).out.count("\n") == 4


def test_a_doubtful_drift_is_a_warning(run: Run, tmp_path: Path) -> None:
    noise = tmp_path / "noise.npy"
    np.save(noise, np.random.default_rng(0).normal(size=(2, 200, 200)).astype(np.float32))
    done = run("align", noise, "--sampling", 0.22)
    assert done.code == 0
    assert done.err.startswith("warning: the drift of frames 0, 1 is doubtful")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["calibrate"], ["FILE"]),
        (["calibrate", "gone.tif"], ["gone.tif"]),
        (["calibrate", "{series}", "--lattice", "silicon"], ["'silicon'", "graphene, mos2"]),
        (["calibrate", "{series}", "--lattice=-2"], ["'-2'"]),
        (["calibrate", "{series}", "--sampling", "fine"], ["--sampling", "fine"]),
        (["align", "{bare}"], ["--sampling"]),
        (["align", "{series}", "--largest", "0"], ["0 Å"]),
        (["align", "{series}", "--largest", "far"], ["--largest", "far"]),
        (["align", "{series}", "--out", "{tmp}/aligned.png"], ["aligned.png", ".tif"]),
        (["align", "{series}", "--out", "{series}"], ["one of the files"]),
    ],
)
def test_bad_input_is_one_line(
    run: Run, drifting: Path, tmp_path: Path, arguments: list[str], words: list[str]
) -> None:
    bare = tmp_path / "bare.npy"
    np.save(bare, np.random.default_rng(0).normal(size=(2, 200, 200)).astype(np.float32))
    before = drifting.read_bytes()
    done = run(*[argument.format(series=drifting, bare=bare, tmp=tmp_path) for argument in arguments])
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("hrtem-app: ")
    assert done.err.count("\n") == 1, done.err
    for word in words:
        assert word in done.err
    assert drifting.read_bytes() == before
    assert not (tmp_path / "aligned.png").exists()


def test_align_is_an_option_of_analyse(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import hrtem_app.analysis
    import hrtem_app.export
    from hrtem_app.columns import empty_table

    told: list[Recipe] = []

    def analysed(files: list[Path], recipe: Recipe, progress: Callable[[Any], None]) -> SimpleNamespace:
        told.append(recipe)
        return SimpleNamespace(table=empty_table(0.225), warnings=())

    monkeypatch.setattr(hrtem_app.analysis, "analyse", analysed)
    monkeypatch.setattr(hrtem_app.export, "write_results", lambda *_, **__: [])
    stored = Recipe(alignment=Alignment(largest=3.0), filter=LatticeFilter(radius=0.02))
    stored.save(tmp_path / "recipe.json")
    assert run("analyse", "a.tif", "--out", tmp_path / "out", "--align").code == 0
    assert run("analyse", "a.tif", "--out", tmp_path / "out", "--align", "--recipe", tmp_path / "recipe.json").code == 0
    assert run("analyse", "a.tif", "--out", tmp_path / "out", "--recipe", tmp_path / "recipe.json").code == 0
    assert told == [
        Recipe(alignment=Alignment(enabled=True)),
        stored.model_copy(update={"alignment": Alignment(enabled=True, largest=3.0)}),
        stored,
    ]


def test_aligned_results_carry_what_repeats_them(
    run: Run, drifting: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From file to files with a network that knows nothing, and again with the shifts that were recorded."""
    from hrtem_app.networks.catalog import NetworkCard, build_network, save_network

    module = build_network("unet", {"channels": 1, "frames": 3})
    card = NetworkCard(
        name="tiny",
        title="Tiny U-net",
        architecture="unet",
        settings={"channels": 1, "frames": 3},
        parameters=1,
        dose_range=(300, 1e5),
        defocus_range=(-150, 152),
        energy=50_000,
        label_radius=0.65,
    )
    save_network(module, card, tmp_path / "networks")
    monkeypatch.setenv("HRTEM_APP_NETWORKS", str(tmp_path / "networks"))
    monkeypatch.setattr("sys.stderr", io.StringIO())
    options = ["--networks", "tiny", "--device", "cpu", "--align"]
    assert run("analyse", drifting, "--out", tmp_path / "first", *options).code == 0
    record = json.loads((tmp_path / "first" / "analysis.json").read_text(encoding="utf-8"))
    assert np.array(record["alignment"]["shifts_px"]) == pytest.approx(np.array(DRIFTS), abs=0.1)
    repeat = record["recipe"] | {
        "frames": record["frames_used"],
        "alignment": {"enabled": True, "shifts": record["alignment"]["shifts_px"]},
    }
    (tmp_path / "repeat.json").write_text(json.dumps(repeat), encoding="utf-8")
    assert run("analyse", drifting, "--out", tmp_path / "second", "--recipe", tmp_path / "repeat.json").code == 0
    tables = [(tmp_path / folder / "columns.csv").read_bytes() for folder in ("first", "second")]
    assert tables[0] == tables[1]
    again = json.loads((tmp_path / "second" / "analysis.json").read_text(encoding="utf-8"))
    assert again["alignment"] == record["alignment"]
