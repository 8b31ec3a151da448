"""An analysis made by hand: three networks, columns of every class, disputes."""

import numpy as np
import pytest

from hrtem_app.analysis import Analysis
from hrtem_app.inference.agreement import agree
from hrtem_app.inference.result import NetworkResult, columns_from_maps
from hrtem_app.networks.catalog import NetworkCard
from hrtem_app.recipe import ColumnFinding, Recipe
from hrtem_app.series import FocalSeries, Source

SAMPLING = 0.225
SHAPE = (101, 130)
# (network's columns of class): U-net sees all, U-net++ calls one 1S a 2S, MSD-net misses two.
COLUMNS = {
    "unet": {0: [(20, 20), (20, 60)], 1: [(50, 20), (50, 60)], 2: [(80, 20), (80, 60), (80, 100)]},
    "unet_pp": {0: [(20, 20), (20, 60)], 1: [(50, 20), (50, 60), (80, 60)], 2: [(80, 20)]},
    "msd_net": {0: [(20, 20)], 1: [(50, 20), (50, 60)], 2: [(80, 20), (80, 60)]},
}


def make_result(name, columns, shape=SHAPE):
    y, x = np.mgrid[: shape[0], : shape[1]]
    maps = np.zeros((4, *shape), np.float32)
    for c, places in columns.items():
        for py, px in places:
            maps[c] = np.maximum(maps[c], 0.9 * np.exp(-((y - py) ** 2 + (x - px) ** 2) / 18))
    maps[3] = 1 - maps[:3].sum(axis=0)
    card = NetworkCard(
        name=name,
        title={"unet": "U-net", "unet_pp": "U-net++", "msd_net": "MSD-net"}[name],
        architecture=name,
        settings={"channels": 8},
        parameters=989_468,
        dose_range=(300, 1e5),
        defocus_range=(-150, 152),
        energy=50_000,
        label_radius=0.65,
    )
    return NetworkResult(card, maps, SAMPLING, columns_from_maps(name, maps, SAMPLING, SAMPLING, ColumnFinding()))


def make_analysis(columns=COLUMNS, shape=SHAPE):
    frames = np.random.default_rng(0).normal(100, 5, (4, *shape)).astype(np.float32)
    series = FocalSeries(
        frames, SAMPLING, (0, -100, -50, 50), 50_000, "made", sources=(Source("folder/made.tif", "ab" * 32),)
    )
    networks = {name: make_result(name, found, shape) for name, found in columns.items()}
    return Analysis(
        series=series,
        frames=(1, 2, 0),
        recipe=Recipe(networks=tuple(columns)),
        filtered=series.select((1, 2, 0)).with_frames(frames[[1, 2, 0]] - 1),
        angles=(0.25,),
        networks=networks,
        table=agree(networks),
        warnings=("a warning in Å",),
        seconds={"lattice filter": 0.123456},
        device="cpu",
    )


@pytest.fixture
def analysis():
    return make_analysis()


@pytest.fixture
def analysis_of():
    """An analysis of chosen columns: the function itself."""
    return make_analysis
