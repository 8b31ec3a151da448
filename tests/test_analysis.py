"""The whole pipeline with a made-up network that takes bright spots for columns."""

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree
from torch import nn

import hrtem_app
from hrtem_app.analysis import Progress, analyse, analysis_steps, found_again
from hrtem_app.columns import ColumnTable
from hrtem_app.networks import catalog
from hrtem_app.recipe import ColumnFinding, LatticeFilter, Recipe, Standardisation
from hrtem_app.series import FocalSeries, SeriesError

DEFOCUS = (-100.0, -50.0, 0.0)


class BrightSpots(nn.Module):
    """Class c is where frame c is bright, so a wrong order of frames gives wrong classes; one frame: Mo alone."""

    divisor = 8

    def forward(self, x):
        if x.shape[2] % 8 or x.shape[3] % 8:
            raise ValueError(f"size {tuple(x.shape)} is not a multiple of 8")
        classes = x if x.shape[1] == 3 else torch.cat([x, -x.abs(), -x.abs()], dim=1)
        return torch.cat([2 * (classes - 2.5), torch.zeros_like(x[:, :1])], dim=1)


def card(name, **changes):
    values = {
        "name": name,
        "title": name,
        "architecture": "unet",
        "settings": {},
        "parameters": 1,
        "dose_range": (300.0, 100_000.0),
        "defocus_range": (-150.0, 152.0),
        "energy": 50_000.0,
        "label_radius": 0.65,
    }
    return catalog.NetworkCard(**(values | changes))


@pytest.fixture
def cards(monkeypatch):
    """The catalog's cards, to be changed by a test; every network is BrightSpots."""
    known = {name: card(name) for name in ("unet", "unet_pp", "msd_net")}
    monkeypatch.setattr(catalog, "available", lambda: known)
    monkeypatch.setattr(catalog, "load_network", lambda name, device="cpu": (BrightSpots().to(device), known[name]))
    return known


def made_series(sampling, shape=None, seed=0, defocus=DEFOCUS, **changes):
    """Spots 3.5 Å apart at random parts of a pixel, each in one of three frames; and (y, x, class) of every spot."""
    rng = np.random.default_rng(seed)
    shape = shape or (int(45 / sampling), int(61 / sampling))
    grid = np.mgrid[4 : shape[0] * sampling - 4 : 3.5, 4 : shape[1] * sampling - 4 : 3.5].reshape(2, -1).T / sampling
    true = grid + rng.uniform(-0.5, 0.5, grid.shape)
    classes = rng.integers(0, 3, len(true))
    y, x = np.arange(shape[0])[:, np.newaxis], np.arange(shape[1])
    frames = np.full((3, *shape), 100.0)
    for (py, px), c in zip(true, classes, strict=True):
        width = 2 * (0.45 / sampling) ** 2
        frames[c] += 50 * np.exp(-((y - py) ** 2) / width) * np.exp(-((x - px) ** 2) / width)
    return FocalSeries(frames, sampling, defocus, **changes), true, classes


def check_columns(table, true, classes, within):
    distance, nearest = cKDTree(true).query(table.positions)
    assert sorted(nearest) == list(range(len(true)))
    assert distance.max() < within
    assert (table.classes == classes[nearest]).all()


@pytest.mark.parametrize(
    ("sampling", "resampled"), [(0.225, False), (0.1, True), (0.075, True), (0.1125, True), (0.45, True), (0.26, True)]
)
def test_positions_come_back_in_pixels_of_the_original_image(cards, sampling, resampled):
    series, true, classes = made_series(sampling)
    analysis = analyse(series)
    check_columns(analysis.table, true, classes, within=0.1)
    assert analysis.table.sampling == sampling
    assert set(analysis.table.votes) == {3}
    assert list(analysis.networks) == ["unet", "unet_pp", "msd_net"]
    assert any("resampled" in warning for warning in analysis.warnings) == resampled
    for name, result in analysis.networks.items():
        assert result.sampling == (0.225 if resampled else sampling)
        check_columns(result.columns, true, classes, within=0.1)
        assert list(result.columns.network_probability) == [name]
        assert set(result.columns.votes) == {1}


def test_large_images_are_tiled_and_sizes_need_not_divide_by_8(cards):
    series, true, classes = made_series(0.225, shape=(1101, 203))
    progress = []
    analysis = analyse(series, Recipe(networks=("unet",)), progress.append)
    check_columns(analysis.table, true, classes, within=0.1)
    assert analysis.networks["unet"].probabilities.shape == (4, 1101, 203)
    assert len({step.fraction for step in progress if step.step == "unet"}) > 2


def test_the_first_frames_in_order_of_defocus_are_used(cards):
    series, true, classes = made_series(0.225)
    frames = [series.frames[[2]], np.full_like(series.frames[:1], 100), series.frames[[0, 1]]]
    mixed = FocalSeries(np.concatenate(frames), 0.225, (0, 50, -100, -50))
    analysis = analyse(mixed)
    assert analysis.frames == (2, 3, 0)
    assert analysis.filtered.defocus == DEFOCUS
    assert len(analysis.series) == 4
    check_columns(analysis.table, true, classes, within=0.1)
    wrong = analyse(mixed, Recipe(frames=(0, 3, 2)))
    assert wrong.frames == (0, 3, 2)
    assert not np.array_equal(wrong.table.classes, analysis.table.classes)
    assert any("ascending" in warning for warning in wrong.warnings)


def test_networks_may_want_different_numbers_of_frames(cards):
    cards["unet"] = card("unet", frames=1)
    series, true, classes = made_series(0.225)
    analysis = analyse(series, Recipe(networks=("unet", "unet_pp")))
    assert analysis.frames == (0, 1, 2)
    check_columns(analysis.networks["unet_pp"].columns, true, classes, within=0.1)
    first = series.select([0])
    alone = analyse(first, Recipe(networks=("unet",)))
    assert alone.frames == (0,)
    assert len(alone.table) == np.sum(classes == 0)


def test_recipe_values_replace_those_of_the_file(cards):
    series, true, classes = made_series(0.225, defocus=None)
    series = FocalSeries(series.frames, None)
    with pytest.raises(SeriesError, match="--sampling"):
        analyse(series)
    analysis = analyse(series, Recipe(sampling=0.225, defocus=DEFOCUS))
    assert (analysis.series.sampling, analysis.series.defocus) == (0.225, DEFOCUS)
    assert analysis.filtered.sampling == 0.225
    check_columns(analysis.table, true, classes, within=0.1)


@pytest.mark.parametrize(
    ("frames", "recipe", "message"),
    [
        (1, Recipe(), "1 frame but the network 'unet' wants 3: open all frames"),
        (3, Recipe(frames=(0, 1)), r"2 frames chosen \(0, 1\) but.*'unet' wants 3: choose 3 of the 3"),
        (3, Recipe(frames=(0, 1, 7)), "frame 7 does not exist"),
        (3, Recipe(defocus=(1.0, 2.0)), "2 defoci for 3 frames"),
        (3, Recipe(networks=("unet", "u_net")), "'u_net'.*unet, unet_pp, msd_net"),
        (3, Recipe(device="cuda:9"), "cuda:9"),
        (3, Recipe(sampling=99.0), "check the sampling"),
    ],
)
def test_what_cannot_be_analysed_is_refused_with_the_remedy(cards, frames, recipe, message):
    series, *_ = made_series(0.225, shape=(64, 64))
    with pytest.raises(ValueError, match=message) as caught:
        analyse(series.select(range(frames)).with_defocus(None), recipe)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "recipe", "expected"),
    [
        ({"defocus": None}, Recipe(), "defocus of frames 0, 1, 2 is unknown"),
        ({"defocus": (-300.0, -250.0, -200.0)}, Recipe(), "-300, -250, -200 Å lies outside the trained -150 to 152 Å"),
        ({"energy": 80_000.0}, Recipe(), "taken at 80 keV, the training was at 50 keV"),
        (
            {"defocus": (-100.0, -40.0, 10.4)},
            Recipe(),
            "a step of 60 Å between defoci lies outside the trained 49 to 51 Å",
        ),
        ({"warnings": ("the file said so",)}, Recipe(), "the file said so"),
        ({}, Recipe(), "no lattice"),
        ({}, Recipe(filter=LatticeFilter(radius=0.01)), "radius 0.01 instead of 0.03"),
        ({}, Recipe(filter=LatticeFilter(enabled=False)), "enabled False instead of True"),
        ({}, Recipe(standardisation=Standardisation(sigma=20)), "standardisation sigma 20.0 instead of 12.0"),
        ({}, Recipe(frames=(0, 1, 1)), "more than once"),
        ({}, Recipe(frames=(0, 1, 2, 0)), "only the first 3"),
    ],
)
def test_what_a_reader_should_doubt_is_said_once(cards, changes, recipe, expected):
    series, *_ = made_series(0.225, shape=(96, 104), **changes)
    warnings = analyse(series, recipe).warnings
    assert sum(expected in warning for warning in warnings) == 1


@pytest.mark.parametrize(("energy", "told"), [(29.4, False), (29.3, True), (60, False), (81.6, False), (81.7, True)])
def test_the_energies_of_the_training_are_a_range(cards, energy, told):
    for name in cards:
        cards[name] = card(name, energy=55_000.0, energy_range=(30_000.0, 80_000.0))
    series, *_ = made_series(0.225, shape=(64, 72), energy=1000.0 * energy)
    sentence = f"unet, unet_pp, msd_net: the series was taken at {energy:g} keV, the training was at 30 to 80 keV"
    assert (sentence in analyse(series).warnings) == told


@pytest.mark.parametrize(("dose", "told"), [(2.0, True), (10.0, True), (400.0, False), (1e5, False)])
def test_noise_beyond_that_of_the_training_is_told(cards, dose, told):
    series, *_ = made_series(0.225)
    electrons = series.frames / series.frames.mean() * dose * 0.225**2
    counts = 7.5 * np.random.default_rng(0).poisson(electrons)
    warnings = [text for text in analyse(series.with_frames(counts)).warnings if "the noise is that of" in text]
    assert [text.endswith("e/Å² per frame, below the trained 300 to 1e+05 e/Å²") for text in warnings] == [True] * told


@pytest.mark.parametrize(("defocus", "told"), [((-100, -51.3, -2), False), ((-100, 0, 100), True), ((0, 20, 40), True)])
def test_steps_of_the_defocus_are_compared_with_each_network_that_sees_several_frames(cards, defocus, told):
    cards["unet"] = card("unet", frames=1)
    cards["msd_net"] = card("msd_net", defocus_step_range=(10, 100))
    series, *_ = made_series(0.225, shape=(64, 72), defocus=tuple(map(float, defocus)))
    warnings = [text for text in analyse(series).warnings if "between defoci" in text]
    assert [text.split(":")[0] for text in warnings] == ["unet_pp"] * told


def test_a_found_lattice_is_no_reason_to_doubt(cards):
    series, *_ = made_series(0.225, shape=(256, 256))
    analysis = analyse(series, Recipe(filter=LatticeFilter(angles=(0.1,))))
    assert analysis.angles == (0.1,)
    assert analysis.warnings == ()


@pytest.mark.parametrize("crystal", [True, False])
def test_grains_are_recorded_and_undecided_ones_told(cards, tmp_path, crystal):
    rows, columns = np.mgrid[:6, :8]
    corner = np.stack([2.74 * rows, 3.16 * (columns + (rows % 2) / 2)], axis=-1).reshape(-1, 2) + 5
    places = np.concatenate([corner, corner + np.array([3.16 / np.sqrt(3), 0])]) / 0.225
    truth = np.repeat([0, 1], len(corner))
    said = truth if crystal else np.where(np.arange(len(truth)) % 2, truth, 1 - truth)
    y, x = np.arange(130)[:, np.newaxis], np.arange(160)
    frames = np.full((3, 130, 160), 100.0)
    for (py, px), c in zip(places, said, strict=True):
        frames[c] += 50 * np.exp(-((y - py) ** 2 + (x - px) ** 2) / 8)
    analysis = analyse(FocalSeries(frames, 0.225, DEFOCUS), Recipe(filter=LatticeFilter(enabled=False)))
    # One crystal read one way, also where half of its columns say the other one: then the likelier of the two.
    first_is_mo = crystal or (analysis.table.grain_evidence > 0)[analysis.table.positions[:, 0].argmin()]
    check_columns(analysis.table, places, truth if first_is_mo else 1 - truth, within=0.3)
    analysis.table.to_csv(tmp_path / "columns.csv")
    back = ColumnTable.from_csv(tmp_path / "columns.csv")
    assert set(back.grain) == {0}
    assert set(back.decided) == {crystal}
    told = [warning for warning in analysis.warnings if "stays undecided" in warning]
    assert [text.startswith(f"1 of 1 grain, {len(places)} columns:") for text in told] == [True] * (not crystal)


def test_twice_the_same_gives_the_same(cards):
    series, *_ = made_series(0.1)
    first, second = analyse(series), analyse(series)
    assert first.table.rows() == second.table.rows()
    assert np.array_equal(first.networks["unet"].probabilities, second.networks["unet"].probabilities)


def test_an_empty_image_has_no_columns(cards):
    analysis = analyse(FocalSeries(np.ones((3, 60, 70)), 0.225, DEFOCUS))
    assert len(analysis.table) == 0
    assert np.isfinite(analysis.networks["unet"].probabilities).all()


def test_column_finding_of_the_recipe_is_used(cards):
    series, *_ = made_series(0.225)
    assert len(analyse(series, Recipe(columns=ColumnFinding(threshold=0.9999))).table) == 0


def test_progress_and_cancelling(cards):
    series, *_ = made_series(0.225, shape=(64, 72))
    progress: list[Progress] = []
    analysis = analyse(series, progress=progress.append)
    fractions = [step.fraction for step in progress]
    assert fractions == sorted(fractions)
    assert fractions[0] == 0
    assert fractions[-1] <= 1
    assert list(dict.fromkeys(p.step for p in progress)) == [
        "lattice filter", "unet", "unet_pp", "msd_net", "agreement",
    ]  # fmt: skip
    assert {"lattice filter", "unet", "columns", "agreement"} <= set(analysis.seconds)
    steps = analysis_steps(series)
    next(steps)
    steps.close()
    assert list(steps) == []


def test_public_names_and_paths(cards, monkeypatch):
    series, *_ = made_series(0.225, shape=(64, 72))
    told = {}

    def load(path, sampling=None):
        told.update(p=path, s=sampling)
        return series

    monkeypatch.setattr("hrtem_app.analysis.load_series", load)
    assert isinstance(hrtem_app.analyse("some.tif", Recipe(sampling=0.22)), hrtem_app.Analysis)
    assert told == {"p": "some.tif", "s": 0.22}


@pytest.fixture
def small_networks(tmp_path, monkeypatch):
    """Untrained networks on disk under the stock names and those of the versions for one frame."""
    for architecture, frames, name in [
        ("unet", 3, "unet"), ("unet_pp", 3, "unet_pp"), ("msd_net", 3, "msd_net"),
        ("unet", 1, "unet_single"), ("unet_pp", 1, "unet_pp_single"),
    ]:  # fmt: skip
        size = {"layers": 2, "kernel": 3} if architecture == "msd_net" else {}
        settings = {"channels": 1, "frames": frames} | size
        torch.manual_seed(0)
        made = card(name, architecture=architecture, settings=settings, frames=frames)
        catalog.save_network(catalog.build_network(architecture, settings), made, tmp_path)
    monkeypatch.setenv("HRTEM_APP_NETWORKS", str(tmp_path))


@pytest.mark.parametrize(
    ("frames", "recipe", "ran", "seen"),
    [
        (3, Recipe(), ["unet", "unet_pp", "msd_net"], (0, 1, 2)),
        (2, Recipe(), ["unet_single", "unet_pp_single"], (0,)),
        (1, Recipe(), ["unet_single", "unet_pp_single"], (0,)),
        (3, Recipe(frames=(2,)), ["unet_single", "unet_pp_single"], (2,)),
        (3, Recipe(networks=("unet_single",)), ["unet_single"], (0,)),
    ],
)
def test_the_versions_that_fit_the_series_run_and_are_recorded(small_networks, tmp_path, frames, recipe, ran, seen):
    series, *_ = made_series(0.225, shape=(64, 72))
    analysis = analyse(series.select(range(frames)), recipe)
    assert list(analysis.networks) == ran
    assert analysis.frames == seen
    assert list(analysis.table.network_probability) == ran
    assert [result.card.frames for result in analysis.networks.values()] == [1 if "single" in n else 3 for n in ran]
    replaced = recipe.networks == Recipe().networks and ran[0] == "unet_single"
    assert any("unet_single ran in place of unet" in warning for warning in analysis.warnings) == replaced
    assert any("msd_net, which wants 3 frames, was left out" in warning for warning in analysis.warnings) == replaced


@pytest.mark.parametrize(
    ("changes", "recipe", "runs_wide"),
    [
        ({}, Recipe(), False),
        ({"defocus": None}, Recipe(), False),
        ({"defocus": (-300.0, -250.0, -200.0)}, Recipe(), True),
        ({"energy": 80_000.0}, Recipe(), True),
        # What the recipe says of the series counts, and only the frames that are used.
        ({}, Recipe(energy=80_000.0), True),
        ({"defocus": (-300.0, -250.0, -200.0)}, Recipe(defocus=(-50.0, 0.0, 50.0)), False),
    ],
)
def test_outside_of_what_a_network_was_trained_on_its_wider_version_runs(cards, changes, recipe, runs_wide):
    wide = {"defocus_range": (-420.0, 420.0), "energy_range": (50_000.0, 80_000.0), "architecture": "unet_pp"}
    cards["unet_pp"] = card("unet_pp", architecture="unet_pp")
    cards["unet_pp_wide"] = card("unet_pp_wide", **wide)
    series, *_ = made_series(0.225, shape=(64, 64), **changes)
    analysis = analyse(series, recipe)
    assert list(analysis.networks) == ["unet", "unet_pp_wide" if runs_wide else "unet_pp", "msd_net"]
    said = [warning for warning in analysis.warnings if warning.startswith("unet_pp_wide ran in place of unet_pp: ")]
    assert len(said) == runs_wide
    # Nothing is left to doubt about the network that ran.
    assert not any("unet_pp_wide" in warning for warning in analysis.warnings if warning not in said)


def test_where_no_version_fits_the_error_says_what_is_missing(small_networks):
    series, *_ = made_series(0.225, shape=(64, 72))
    with pytest.raises(SeriesError, match="1 frame but the network 'msd_net' wants 3"):
        analyse(series.select([0]), Recipe(networks=("msd_net",)))


def test_columns_found_again_are_those_of_a_whole_analysis(cards):
    series, *_ = made_series(0.1)
    first = analyse(series)
    for columns in (ColumnFinding(threshold=0.8), ColumnFinding(smoothing=0.4)):
        recipe = Recipe(columns=columns)
        again, whole = found_again(first, recipe), analyse(series, recipe)
        assert again.table.rows() == whole.table.rows()
        assert again.warnings == whole.warnings
        for name, result in whole.networks.items():
            assert again.networks[name].columns.rows() == result.columns.rows()
    with pytest.raises(ValueError, match="'networks' of the recipe was changed as well"):
        found_again(first, Recipe(networks=("unet",)))
