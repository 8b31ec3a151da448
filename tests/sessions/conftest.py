"""A series in three files, what two made-up networks say of it, and corrections."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hrtem_app.columns import ROW_ARRAYS, ColumnTable
from hrtem_app.correction import Add, Corrections, Delete, Move, Reclassify, rebased
from hrtem_app.io import load_series, save_series
from hrtem_app.recipe import Alignment, ColumnFinding, Recipe
from hrtem_app.series import FocalSeries
from hrtem_app.sessions import SessionContent

SHAPE, SAMPLING, TOLD = (56, 64), 0.3, 0.31
VIEW = {"votes": 2, "hidden": ["unet"], "zoom": 0.1 + 0.2, "page": None, "open": {"Ångström": [True, -1e-300]}}


def _frames() -> np.ndarray:
    """(3, y, x) a lattice of blobs on a hexagonal support, each frame a little shifted."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(float)
    support = sum(np.cos(2 * np.pi * 0.468 * SAMPLING * (x * np.cos(a) + y * np.sin(a))) for a in (0.2, 1.247, 2.294))
    shifts = ((0, 0), (1.3, -0.4), (2.1, 0.7))
    blobs = [np.cos(2 * np.pi * (y - dy) / 9.1) * np.cos(2 * np.pi * (x - dx) / 10.3) for dy, dx in shifts]
    return 100 + 10 * np.array(blobs) + 3 * support + rng.normal(0, 1, (3, *SHAPE))


@pytest.fixture(scope="module")
def made_files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    """One file for each frame, in an order that is not that of their names."""
    folder = tmp_path_factory.mktemp("series")
    paths = tuple(folder / f"focus_{name}.tif" for name in "cab")
    for path, frame, defocus in zip(paths, _frames(), (100.0, 50.0, 0.0), strict=True):
        save_series(FocalSeries(frame, SAMPLING, (defocus,), 80e3), path)
    return paths


@pytest.fixture
def files(made_files: tuple[Path, ...], tmp_path: Path) -> tuple[Path, ...]:
    """The same, for a test to move and change."""
    folder = tmp_path / "data"
    folder.mkdir()
    for path in made_files:
        (folder / path.name).write_bytes(path.read_bytes())
    return tuple(folder / path.name for path in made_files)


@pytest.fixture
def series(files: tuple[Path, ...]) -> FocalSeries:
    return load_series(files)


@pytest.fixture(scope="module")
def catalog_of_two() -> Iterator[None]:
    """Two networks of random convolutions, one of which wants other pixels than the series has."""
    import torch

    from hrtem_app.networks import catalog

    def card(name: str, sampling: float) -> catalog.NetworkCard:
        return catalog.NetworkCard(
            name=name, title=name, architecture="unet", settings={"channels": 8}, parameters=1, frames=3,
            sampling=sampling, sampling_range=(0.95 * sampling, 1.05 * sampling), dose_range=(300, 1e5),
            defocus_range=(-150, 152), energy=8e4, label_radius=0.65, metrics={"f1": 0.1 + 0.2, "by": {"a": [1]}},
        )  # fmt: skip

    def network(name: str, device: object = "cpu") -> tuple[torch.nn.Module, catalog.NetworkCard]:
        torch.manual_seed(len(name))
        return torch.nn.Conv2d(3, 4, 5, padding=2).eval(), cards[name]

    cards = {"unet": card("unet", TOLD), "made_up": card("made_up", 0.225)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(catalog, "available", lambda: cards)
        patch.setattr(catalog, "load_network", network)
        yield


@pytest.fixture(scope="module")
def analysed(catalog_of_two: None) -> Callable[[FocalSeries], object]:
    """An analysis that aligns, filters and takes another sampling than the files say."""
    from hrtem_app.analysis import analyse

    recipe = Recipe(
        sampling=TOLD,
        frames=(1, 0, 2),
        networks=("unet", "made_up"),
        device="cpu",
        alignment=Alignment(enabled=True, largest=2),
        columns=ColumnFinding(threshold=0.3),
    )
    return lambda series: analyse(series, recipe)


def _corrected(base: ColumnTable) -> Corrections:
    """Four edits, of which one is taken back."""
    ids = base.ids.tolist()
    history = Corrections.begin(base).do(Add(position=(3.3, 1 / 3), class_name="1S"))
    history = history.do(Move(ids=(ids[0], ids[2]), positions=((0.1 + 0.2, 7.0), (1e-17, 5.0))))
    history = history.do(Reclassify(ids=(ids[1],), class_name="Mo")).do(Delete(ids=(ids[3],)))
    return history.undo()


@pytest.fixture
def corrected() -> Callable[[ColumnTable], Corrections]:
    return _corrected


@pytest.fixture(scope="module")
def content(made_files: tuple[Path, ...], analysed: Callable[[FocalSeries], object]) -> SessionContent:
    """Everything that a session can hold, after two runs: the corrections of the first were carried to the second."""
    series = load_series(made_files)
    analysis = analysed(series)
    table = analysis.table
    first = replace(table, positions=table.positions + 0.3, ids=2 * table.ids[::-1] + 5)
    corrections = rebased(_corrected(first), table).corrections
    return SessionContent(series, Recipe(sampling=TOLD, device="cpu"), analysis, corrections, VIEW)


def _bits(table: ColumnTable) -> dict[str, object]:
    """All that a table holds, bytes for arrays, so that equal means equal to the last bit."""
    arrays = {name: getattr(table, name) for name in ROW_ARRAYS}
    arrays |= {f"p_{name}": values for name, values in table.network_probability.items()}
    found = {name: (values.dtype.str, values.shape, values.tobytes()) for name, values in arrays.items()}
    return found | {"disputed": table.disputed, "sampling": table.sampling, "networks": list(table.network_probability)}


def _history_bits(history: Corrections | None) -> object:
    if history is None:
        return None
    steps = [(step.edit, step.rows.tolist(), _bits(step.before)) for step in history.done]
    return _bits(history.base), _bits(history.table), steps, history.undone, history.next_id


def _series_bits(series: FocalSeries) -> object:
    facts = (series.sampling, series.defocus, series.energy, series.name, series.warnings)
    return series.frames.shape, series.frames.tobytes(), facts, [(s.path, s.sha256) for s in series.sources]


def _all_bits(content: SessionContent) -> dict[str, object]:
    """All that a session holds, so that equal means equal to the last bit."""
    found: dict[str, object] = {
        "series": _series_bits(content.series),
        "recipe": content.recipe,
        "corrections": _history_bits(content.corrections),
        "view": content.view,
    }
    analysis = content.analysis
    if analysis is not None:
        names = ("frames", "recipe", "angles", "warnings", "seconds", "device", "shifts", "area")
        found |= {name: getattr(analysis, name) for name in names}
        found |= {"analysed": _series_bits(analysis.series), "filtered": _series_bits(analysis.filtered)}
        found |= {"table": _bits(analysis.table), "networks": list(analysis.networks)}
        for name, result in analysis.networks.items():
            maps = result.probabilities
            found[name] = (result.card, maps.dtype.str, maps.shape, maps.tobytes(), result.sampling)
            found[f"{name} columns"] = _bits(result.columns)
    return found


@pytest.fixture
def all_bits() -> Callable[[SessionContent], dict[str, object]]:
    return _all_bits
