"""Scores, sweeps and calibration: on numbers made by hand, and on a tiny dataset from end to end."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import hrtem_app.evaluation.sweeps as sweeps_module
from hrtem_app.columns import CLASSES, ColumnTable
from hrtem_app.evaluation.calibration import (
    Found,
    calibration,
    expected_calibration_error,
    fitted_temperature,
    found_columns,
    reliability,
    write_temperature,
)
from hrtem_app.evaluation.evaluate import evaluate
from hrtem_app.evaluation.metrics import column_score, pixel_f1
from hrtem_app.evaluation.pictures import best_series, median_series
from hrtem_app.evaluation.scores import Outcome, outcome, pixel_score, summary
from hrtem_app.evaluation.sweeps import Point, Scenes, View, by_tilt, chosen_sweeps
from hrtem_app.evaluation.table5 import THESIS, table5_markdown
from hrtem_app.evaluation.trial import load_networks, tried
from hrtem_app.evaluation.truth import KnownSeries, KnownSeriesSource
from hrtem_app.inference.predict import predict
from hrtem_app.inference.result import NetworkResult
from hrtem_app.microscope.draw import MicroscopeSettings
from hrtem_app.networks.catalog import (
    NetworkCard,
    NetworkError,
    available,
    build_network,
    load_network_file,
    read_card,
    save_network,
)
from hrtem_app.recipe import LatticeFilter, Recipe
from hrtem_app.resources import sample_path
from hrtem_app.simulation.dataset import Dataset, DatasetError, DatasetSettings
from hrtem_app.simulation.export import export_dataset
from hrtem_app.simulation.labels import disk_labels
from hrtem_app.simulation.multislice import MultisliceSettings
from hrtem_app.simulation.run import simulate
from hrtem_app.simulation.structure_settings import StructureSettings

SHAPE = (100, 120)
TRUE = np.array([[20.0, 20.0], [20.0, 40.0], [50.0, 60.0], [70.0, 70.0]])
TRUE_CLASSES = np.array([0, 1, 1, 2])
SERIES = KnownSeries("made", np.ones((3, *SHAPE), np.float32), 0.2, TRUE, TRUE_CLASSES, {"dose": 500.0})


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "waves"
    structure = StructureSettings(
        field_of_view=26.0, margin=1.0, layers=(1, 1), flake_radius=(0.5, 0.6), tilt=(0.0, 0.02)
    )
    settings = DatasetSettings(structure=structure, multislice=MultisliceSettings(configurations=1))
    simulate(folder, 3, 21, settings=settings, workers=0)
    return folder


@pytest.fixture(scope="module")
def npz(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("npz")
    export_dataset(Dataset(data), folder)
    return folder


def _card(**changes: Any) -> NetworkCard:
    values: dict[str, Any] = {
        "name": "made",
        "title": "Made",
        "architecture": "msd_net",
        "settings": {"channels": 2, "layers": 3},
        "parameters": 1,
        "dose_range": (100, 1e5),
        "defocus_range": (-150, 150),
        "energy": 50e3,
        "label_radius": 0.65,
    }
    return NetworkCard(**values | changes)


def _table(positions: np.ndarray, classes: np.ndarray, probability: np.ndarray | None = None) -> ColumnTable:
    ones = np.ones(len(classes))
    return ColumnTable(positions, classes, 0.2, ones.astype(int), ones if probability is None else probability)


def _shipped(folder: Path, name: str = "unet") -> Path:
    for suffix in (".json", ".safetensors"):
        shutil.copy(sample_path().parents[1] / "weights" / f"{name}{suffix}", folder)
    return folder / f"{name}.safetensors"


def _strict(path: Path) -> dict[str, Any]:
    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no JSON")

    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
    return content


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_pixel_scores_and_the_test_loss_are_those_of_others() -> None:
    generator = torch.Generator().manual_seed(1)
    logits = 3 * torch.randn(1, 4, 30, 40, generator=generator)
    labels = torch.randint(4, (1, 30, 40), generator=generator)
    maps, truth = logits.softmax(1)[0].numpy(), labels[0].numpy()
    score = pixel_score(maps, truth)
    assert score.values()["pixel_f1"] == pytest.approx(pixel_f1(maps, truth))
    assert score.values()["pixel_f1_without_background"] == pytest.approx(pixel_f1(maps, truth, background=False))
    assert score.values()["test_loss"] == pytest.approx(float(torch.nn.functional.cross_entropy(logits, labels)), 1e-5)
    only = np.where(np.arange(4)[:, None, None] == 2, maps, 0)
    assert score.values()["pixel_f1_1S"] == pytest.approx(pixel_f1(only, np.where(truth == 2, 2, 9)))
    assert (score + score).f1() == score.f1()


def test_a_pixel_that_was_ruled_out_has_a_finite_loss() -> None:
    maps = np.zeros((4, 2, 2), np.float32)
    maps[3] = 1
    assert 20 < pixel_score(maps, np.array([[0, 3], [3, 3]])).values()["test_loss"] < 22  # 87.3 / 4


def test_the_row_of_a_series() -> None:
    found = np.array([[20.0, 22.0], [20.0, 41.0], [50.0, 60.0], [70.0, 70.0]])
    one = outcome(SERIES, _table(found, np.array([0, 1, 2, 1])), None, "one-to-one")
    row = one.row()
    assert (row["2S_as_1S"], row["1S_as_2S"]) == (1, 1)
    assert row["position_error_pm_Mo"] == pytest.approx(40)
    assert row["position_error_pm_2S"] == pytest.approx(20)
    assert np.isnan(row["position_error_pm_1S"])
    assert row["position_error_pm"] == pytest.approx(np.sqrt((40**2 + 20**2) / 2))
    assert (row["dose"], row["atomic_f1"]) == (500, 0.5)
    assert "pixel_f1" not in row


def test_the_thesis_matching_is_an_option() -> None:
    twice = _table(np.array([[20.0, 19.0], [20.0, 21.0]]), np.zeros(2, int))
    scores = [outcome(SERIES, twice, None, matching).row()["hits"] for matching in ("one-to-one", "thesis")]
    assert scores == [1, 2]


@pytest.mark.parametrize("told", [0.2, 0.1])
def test_resampled_maps_are_scored_in_their_own_pixels_whatever_the_analysis_was_told(told: float) -> None:
    # Maps of pixels 1.25 times as large, because the network wants them so or because it was told a wrong sampling.
    places = (TRUE + 0.5) / 1.25 - 0.5
    labels = disk_labels(places, TRUE_CLASSES, (80, 96), 0.25, 0.65)
    maps = (np.arange(4)[:, None, None] == labels).astype(np.float32)
    table = replace(_table(TRUE, TRUE_CLASSES), sampling=told)
    result = NetworkResult(_card(), maps, 1.25 * told, table)
    pixels = outcome(SERIES, table, result, "one-to-one").pixels
    assert pixels is not None
    assert pixels.f1() == 1


def test_the_summary_pools_and_takes_means_and_percentiles() -> None:
    good = outcome(SERIES, _table(TRUE, TRUE_CLASSES), None, "one-to-one")
    bad = outcome(SERIES, _table(TRUE[:1] + np.array([0.0, 1.0]), TRUE_CLASSES[:1]), None, "one-to-one")
    result = summary([good, bad])
    assert result["atomic_f1"] == pytest.approx(2 * 5 / (2 * 5 + 3))
    assert result["atomic_f1_mean"] == pytest.approx((1 + 0.4) / 2)
    assert result["atomic_f1_10th_percentile"] == pytest.approx(0.4 + 0.1 * 0.6)
    assert result["atomic_f1_per_class_mean"] == {"Mo": 1, "2S": 0.5, "1S": 0.5}
    assert result["position_error_pm"] == pytest.approx(np.sqrt(20**2 / 5))
    assert result["position_error_pm_per_class"]["Mo"] == pytest.approx(np.sqrt(20**2 / 2))
    assert result["position_error_pm_90th_percentile"] == pytest.approx(18)
    assert result["counts"]["2S"] == {"hits": 2, "false": 0, "missed": 2}
    assert result["confusion"]["2S"] == {"Mo": 0, "2S": 2, "1S": 0, "nothing": 2}
    taken = outcome(SERIES, _table(TRUE, np.array([0, 2, 1, 2])), None, "one-to-one")
    assert summary([good, taken])["confusion_2S_1S"] == {
        "2S_as_1S": 1,
        "1S_as_2S": 0,
        "2S_as_1S_share": 1 / 4,
        "1S_as_2S_share": 0,
    }
    assert "pixel_f1" not in result


def test_scenes_are_the_series_of_the_source_in_any_order(data: Path) -> None:
    source = KnownSeriesSource(data, images_per_structure=2)
    scenes = Scenes(source)
    expected = list(source)
    assert len(scenes) == len(expected) == 6
    for index in (5, 0, 1, 2):
        assert scenes[index].series.name == expected[index].name
        np.testing.assert_array_equal(scenes[index].series.frames, expected[index].frames)
        np.testing.assert_array_equal(scenes[index].series.positions, expected[index].positions)


def test_a_sweep_changes_one_thing_and_its_noise_comes_again(data: Path) -> None:
    scene = Scenes(KnownSeriesSource(data))[0]
    usual = scene.series.parameters
    for sweep, value, changed in (("dose", 1e3, {"dose"}), ("defocus", -400.0, {"defocus"})):
        series = Point(sweep, value).view(scene, Recipe()).series
        assert {k for k in usual if series.parameters[k] != usual[k]} == changed
        np.testing.assert_array_equal(series.frames, Point(sweep, value).view(scene, Recipe()).series.frames)
        np.testing.assert_array_equal(series.positions, scene.series.positions)
    # The last series: defocus.
    assert series.parameters["defocus"][0] == -400
    np.testing.assert_allclose(np.diff(series.parameters["defocus"]), np.diff(usual["defocus"]))
    faint, bright = (Point("dose", dose).view(scene, Recipe()).series.frames for dose in (1e2, 1e5))
    clean = scene.recorded(replace(scene.microscope, dose=None)).frames  # type: ignore[type-var]
    assert np.std(faint - clean) > 5 * np.std(bright - clean)


def test_what_the_analysis_is_told_is_swept_without_touching_the_series(data: Path) -> None:
    scene = Scenes(KnownSeriesSource(data))[0]
    view = Point("sampling-error", -3.0).view(scene, Recipe())
    assert view.series is scene.series
    assert view.sampling == pytest.approx(0.97 * scene.series.sampling)
    off = Point("filter", "off").view(scene, Recipe())
    assert not off.recipe.filter.enabled
    assert off.sampling == scene.series.sampling
    usual = [p for p in sweeps_module.points(sweeps_module.SWEEPS) if p.changes_nothing(Recipe())]
    assert usual == [Point("sampling-error", 0.0), Point("filter", "on")]


def test_sweeps_that_the_data_do_not_allow(
    data: Path, npz: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    waves, images = KnownSeriesSource(data), KnownSeriesSource(npz)
    assert chosen_sweeps(["all"], waves) == (("dose", "defocus", "sampling-error", "tilt", "filter"), {})
    assert chosen_sweeps(["filter", "dose"], waves) == (("dose", "filter"), {})
    with pytest.raises(ValueError, match=r"'doze'.*dose.*all"):
        chosen_sweeps(["doze"], waves)
    for name in ("dose", "defocus", "tilt"):
        with pytest.raises(ValueError, match=f"'{name}'.*exit waves.*simulate"):
            chosen_sweeps([name], images)
    chosen, left_out = chosen_sweeps(["all"], images)
    assert chosen == ("sampling-error", "filter")
    assert set(left_out) == {"dose", "defocus", "tilt"}
    with pytest.raises(ValueError, match="'dose'"):
        evaluate(npz, tmp_path / "out", networks=["unet"], sweep=["dose"])
    assert not (tmp_path / "out").exists()
    flat = Dataset(data).settings.structure.model_copy(update={"tilt": (0.0, 0.0)})
    assert waves.dataset is not None
    monkeypatch.setattr(waves.dataset, "settings", waves.dataset.settings.model_copy(update={"structure": flat}))
    with pytest.raises(ValueError, match=r"tilt 0 to 0.*simulate"):
        chosen_sweeps(["tilt"], waves)
    assert set(chosen_sweeps(["all"], waves)[1]) == {"tilt"}


def test_series_of_like_tilt_are_grouped() -> None:
    base = outcome(SERIES, _table(TRUE, TRUE_CLASSES), None, "one-to-one")
    tilts = [0.02, 0.0, 0.01, 0.03, 0.012]
    groups = by_tilt([replace(base, parameters={"tilt": tilt}) for tilt in tilts])
    assert [members for _, members in groups] == [[1, 2], [4], [0], [3]]
    assert [tilt for tilt, _ in groups] == pytest.approx([5, 12, 20, 30])


def test_reliability_and_calibration_error_by_hand() -> None:
    probability = np.array([0.95, 0.91, 1.0, 0.55, 0.5, 0.05])
    right = np.array([True, True, False, True, False, False])
    bins = reliability(probability, right)
    assert [(b["low"], b["columns"]) for b in bins] == [(0.0, 1), (0.5, 2), (0.9, 3)]
    assert bins[2]["right"] == pytest.approx(2 / 3)
    by_hand = (1 * 0.05 + 2 * abs(0.5 - 0.525) + 3 * abs(2 / 3 - 2.86 / 3)) / 6
    assert expected_calibration_error(probability, right) == pytest.approx(by_hand)
    assert np.isnan(expected_calibration_error(np.empty(0), np.empty(0, bool)))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_that_made_the_labels_is_found(temperature: float) -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 4, (20_000, 4))
    logs = np.log(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True))
    # Drawn from softmax(logits / temperature) by the Gumbel trick.
    labels = (logits / temperature + rng.gumbel(size=logits.shape)).argmax(axis=1)
    assert fitted_temperature(logs, labels) == pytest.approx(temperature, rel=0.05)
    said = logs.argmax(axis=1)
    found = Found(np.minimum(said, 2), np.exp(logs.max(axis=1)), said == labels, logs, labels)
    fit = calibration(found, _card(temperature=3.0))["temperature"]
    # The maps had been divided by 3 already.
    assert fit["fitted"] == pytest.approx(3 * temperature, rel=0.05)
    assert fit["log_likelihood_loss_after"] <= fit["log_likelihood_loss_before"]
    assert not fit["at_bound"]


def test_which_columns_are_right_agrees_with_the_atomic_f1() -> None:
    rng = np.random.default_rng(3)
    # Two pairs lie across the line of the border, one in each direction.
    true = np.concatenate([TRUE, [[9.0, 50.0], [11.0, 80.0]], rng.uniform(0, 99, (60, 2))])
    true_classes = np.concatenate([TRUE_CLASSES, [0, 1], rng.integers(0, 3, 60)])
    near = np.array([[11.0, 50.0], [9.0, 80.0]])
    found = np.concatenate([TRUE + rng.normal(0, 1.5, TRUE.shape), near, rng.uniform(0, 99, (60, 2))])
    classes = np.concatenate([TRUE_CLASSES, [0, 1], rng.integers(0, 3, 60)])
    series = replace(SERIES, positions=true, classes=true_classes)
    score = column_score(found, classes, true, true_classes, SHAPE)
    looked_up = found_columns(series, _table(found, classes), None)
    assert score.false.sum() > 10
    for c in range(len(CLASSES)):
        assert (looked_up.right & (looked_up.classes == c)).sum() == score.hits[c]
        assert (~looked_up.right & (looked_up.classes == c)).sum() == score.false[c]
    assert (looked_up.labels[looked_up.right] == looked_up.classes[looked_up.right]).all()


def test_a_temperature_flattens_the_maps_and_one_changes_no_bit() -> None:
    torch.manual_seed(0)
    module = build_network("msd_net", {"channels": 2, "layers": 3}).eval()
    frames = np.random.default_rng(0).normal(size=(3, 16, 24)).astype(np.float32)
    with torch.inference_mode():
        logits = module(torch.from_numpy(frames)[None].to(memory_format=torch.channels_last))
    np.testing.assert_array_equal(predict(module, frames), logits.softmax(1)[0].numpy())
    np.testing.assert_allclose(predict(module, frames, temperature=2.0), (logits / 2).softmax(1)[0].numpy(), rtol=1e-5)


def test_the_temperature_of_the_card_is_used_and_its_weights_stay_valid(data: Path, tmp_path: Path) -> None:
    weights = _shipped(tmp_path)
    before, content = read_card(weights.with_suffix(".json")), weights.read_bytes()
    write_temperature(weights, 2.0)
    _, card = load_network_file(weights)
    assert card == before.model_copy(update={"temperature": 2.0})
    assert weights.read_bytes() == content
    losses = [
        _strict(evaluate(data, tmp_path / str(i), **options)[0])["results"]["unet"]["test_loss"]  # type: ignore[arg-type]
        for i, options in enumerate([{"networks": ["unet"]}, {"weights": [weights]}])
    ]
    assert losses[0] != pytest.approx(losses[1], rel=0.01)


def test_the_fitted_temperature_goes_into_the_card_of_the_weights(data: Path, tmp_path: Path) -> None:
    # One that is wrong often enough for its confidence to be judged by two small series.
    weights = _shipped(tmp_path, "unet_single")
    paths = evaluate(data, tmp_path / "out", networks=["msd_net"], weights=[weights], write_temperature=True)
    assert [path.name for path in paths] == ["evaluation.json", "evaluation.csv", "unet_single.json"]
    fit = _strict(paths[0])["calibration"]["unet_single"]["temperature"]
    assert load_network_file(weights)[1].temperature == fit["fitted"]
    # Once more: the maps have the temperature now, and there is nothing left to be gained.
    once_more = _strict(evaluate(data, tmp_path / "again", weights=[weights])[0])
    again = once_more["calibration"]["unet_single"]["temperature"]
    assert again["of_card"] == fit["fitted"]
    assert again["log_likelihood_loss_before"] <= fit["log_likelihood_loss_before"]


def test_a_network_that_finds_nothing_keeps_its_temperature(data: Path, tmp_path: Path) -> None:
    module = build_network("msd_net", {"channels": 2, "layers": 3})
    with torch.no_grad():
        module.get_submodule("head").bias += torch.tensor([0.0, 0, 0, 1e4])  # type: ignore[arg-type, operator]
    weights = save_network(module, _card(), tmp_path)
    card = weights.with_suffix(".json").read_bytes()
    warnings: list[str] = []
    paths = evaluate(
        data, tmp_path / "out", weights=[weights], write_temperature=True, figures=True, warn=warnings.append
    )
    assert weights.with_suffix(".json").read_bytes() == card
    assert len(warnings) == 1
    assert "'made' keeps its temperature of 1" in warnings[0]
    assert _strict(paths[0])["results"]["made"]["position_error_pm"] is None
    assert _rows(paths[1])[0]["position_error_pm"] == ""


def test_from_end_to_end(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    short = {"dose": (3e2, 1e5), "sampling-error": (-10.0, 0.0), "filter": ("off", "on"), "defocus": (400.0,)}
    monkeypatch.setattr(sweeps_module, "VALUES", short)
    calls: list[tuple[int, int]] = []
    paths = evaluate(
        data,
        tmp_path / "out",
        networks=["unet", "msd_net"],
        sweep=["all"],
        figures=True,
        progress=lambda done, total: calls.append((done, total)),
    )
    assert {path.name for path in paths} == {
        *("evaluation.json", "evaluation.csv", "sweeps.csv", "table5.md"),
        *(f"{n}.png" for n in ("pixel_f1", "classes", "reliability", "sweeps", "columns", "maps", "atomic_f1")),
    }
    assert all(path.stat().st_size > 0 for path in paths)
    # Of seven values two are as the evaluation looks anyway.
    assert calls == [(i, 18) for i in range(1, 19)]
    content = _strict(paths[0])
    rows = _rows(tmp_path / "out" / "sweeps.csv")
    assert len(rows) == (7 + 3) * 3
    by_value = {(row["sweep"], row["value"]): row for row in rows if row["network"] == "unet"}
    usual = content["results"]["unet"]
    for key in (("filter", "on"), ("sampling-error", "0.0")):
        assert float(by_value[key]["atomic_f1"]) == usual["atomic_f1"]
    assert float(by_value["dose", "100000.0"]["atomic_f1"]) > float(by_value["dose", "300.0"]["atomic_f1"])
    assert float(by_value["sampling-error", "-10.0"]["test_loss"]) > usual["test_loss"]
    tilts = [entry["value"] for entry in content["sweeps"]["tilt"]["values"]]
    assert tilts == sorted(tilts)
    assert len(_rows(paths[1])) == 3 * 3
    assert content["results"]["consensus"]["atomic_f1"] > 0.5


def test_npz_series_can_be_swept_where_that_needs_no_waves(
    npz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sweeps_module.VALUES, "sampling-error", (0.0, 10.0))
    warnings: list[str] = []
    paths = evaluate(npz, tmp_path / "out", networks=["unet"], sweep=["all"], warn=warnings.append)
    assert {row["sweep"] for row in _rows(paths[2])} == {"sampling-error", "filter"}
    assert [w for w in warnings if "'tilt'" in w]
    assert set(_strict(paths[0])["sweeps_left_out"]) == {"dose", "defocus", "tilt"}


def test_a_network_of_one_frame_sees_the_first(data: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    arguments = {"channels": 2, "layers": 3, "frames": 1}
    weights = save_network(build_network("msd_net", arguments), _card(settings=arguments, frames=1), tmp_path)
    loaded = load_networks(None, [weights], torch.device("cpu"), 3)
    # Without the filter, which looks at all frames.
    recipe = Recipe(filter=LatticeFilter(enabled=False))
    series = Scenes(KnownSeriesSource(data))[0].series
    alone = replace(series, frames=series.frames[:1])
    first, second = (tried(View(s, s.sampling, recipe), loaded, torch.device("cpu"))[0].result for s in (series, alone))
    assert first is not None
    assert second is not None
    np.testing.assert_array_equal(first.probabilities, second.probabilities)
    paths = evaluate(data, tmp_path / "out", weights=[weights], microscope=MicroscopeSettings(frames=1), figures=True)
    assert _strict(paths[0])["results"]["made"]["series"] == 3
    with pytest.raises(NetworkError, match=r"1 frames and 'unet' wants 3"):
        evaluate(data, tmp_path / "other", networks=["unet"], microscope=MicroscopeSettings(frames=1))


def test_the_consensus_is_of_networks_with_as_many_frames(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    arguments = {"channels": 2, "layers": 3, "frames": 1}
    for name in ("unet_single", "msd_net_single"):
        card = _card(settings=arguments, frames=1, name=name)
        save_network(build_network("msd_net", arguments), card, tmp_path / "networks")
    shipped = ["unet", "unet_pp", "msd_net"]
    alone = _strict(evaluate(data, tmp_path / "alone", networks=shipped)[0])["results"]
    monkeypatch.setenv("HRTEM_APP_NETWORKS", str(tmp_path / "networks"))
    content = _strict(evaluate(data, tmp_path / "all", networks=[*shipped, "unet_single", "msd_net_single"])[0])
    assert list(content["results"])[-2:] == ["consensus", "consensus_1"]
    assert content["results"]["consensus"] == alone["consensus"]
    singles = _strict(evaluate(data, tmp_path / "singles", networks=["unet_single", "msd_net_single"])[0])["results"]
    assert content["results"]["consensus_1"] == singles["consensus"]
    assert {row["name"]: row["thesis"] is None for row in content["table5"]} == {
        name: "single" in name for name in content["networks"]
    }
    # Nobody named any network: those that want more frames than there are stay out.
    few = evaluate(data, tmp_path / "few", microscope=MicroscopeSettings(frames=1), figures=True)[0]
    assert {card["frames"] for card in _strict(few)["networks"].values()} == {1}
    assert {"unet_single", "msd_net_single"} <= set(_strict(few)["networks"])


@pytest.mark.parametrize("far", [False, True])
def test_the_consensus_is_of_the_versions_that_an_analysis_would_run(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, far: bool
) -> None:
    torch.manual_seed(0)
    arguments = {"channels": 2, "frames": 3}
    card = _card(architecture="unet_pp", settings=arguments, frames=3, name="unet_pp_wide", defocus_range=(-700, 700))
    save_network(build_network("unet_pp", arguments), card, tmp_path / "networks")
    monkeypatch.setenv("HRTEM_APP_NETWORKS", str(tmp_path / "networks"))
    microscope = MicroscopeSettings(defocus=(-600, -590)) if far else MicroscopeSettings()
    known = Scenes(KnownSeriesSource(data, microscope=microscope))[0].series.parameters
    assert known["energy"] == 50e3
    assert (min(known["defocus"]) < -500) == far

    def consensus(*networks: str) -> Any:
        folder = tmp_path / "-".join(networks)
        return _strict(evaluate(data, folder, networks=networks, microscope=microscope)[0])["results"]["consensus"]

    expected = ("unet", "unet_pp_wide", "msd_net") if far else ("unet", "unet_pp", "msd_net")
    assert consensus("unet", "unet_pp", "msd_net", "unet_pp_wide") == consensus(*expected)


def test_table_5_has_the_thesis_numbers_beside_ours(data: Path, tmp_path: Path) -> None:
    paths = evaluate(data, tmp_path / "out", networks=["unet"], figures=True, matching="thesis")
    content = _strict(paths[0])
    (row,) = content["table5"]
    assert row["thesis"] == THESIS["unet"]
    assert row["ours"]["atomic_f1"] == content["results"]["unet"]["atomic_f1_mean"]
    assert row["ours"]["parameters"] == available()["unet"].parameters
    page = (tmp_path / "out" / "table5.md").read_text(encoding="utf-8")
    assert "| U-net | thesis | 63,080,644 | 0.0159 | 0.993 | 0.722 | 0.998 | – |" in page
    assert f"| {row['ours']['test_loss']:.4f} |" in page
    assert "as the thesis' script does" in page
    content["networks"]["unet"]["architecture"] = "another"
    assert "thesis |" not in table5_markdown(content)


def test_median_and_best_series() -> None:
    def scored(hits: int) -> Outcome:
        return outcome(SERIES, _table(TRUE[:hits], TRUE_CLASSES[:hits]), None, "one-to-one")

    outcomes = {"a": [scored(1), scored(3), scored(2)], "b": [scored(2), scored(4), scored(1)]}
    assert median_series(outcomes["a"]) == 2
    assert best_series(outcomes) == ("b", 1)


def test_bad_input_is_refused_before_the_work(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"matching": "loose"}, r"'loose'.*one-to-one or thesis"),
        ({"write_temperature": True}, "--weights"),
        ({"sweep": ["tilt", "magic"]}, "'magic'"),
        ({"networks": []}, "no network"),
    ]
    for change, message in cases:
        with pytest.raises(ValueError, match=message):
            evaluate(data, tmp_path / "out", **change)
    monkeypatch.setattr(Dataset, "class_names", ("Mo", "SSe", "1S", "1Se"))
    with pytest.raises(DatasetError, match=r"4 classes.*SSe"):
        evaluate(data, tmp_path / "out")
    assert not (tmp_path / "out").exists()
