"""Agreement: one row per site, its class the majority's, the others kept as disputes."""

from itertools import permutations
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.spatial import cKDTree

from hrtem_app.columns import ColumnTable
from hrtem_app.inference.agreement import agree
from hrtem_app.inference.result import NetworkResult, columns_from_maps
from hrtem_app.inference.sites import group_into_sites
from hrtem_app.recipe import Agreement, ColumnFinding

SAMPLING = 0.2
MO, S2, S1 = 0, 1, 2


def result(name, *columns, shape=(60, 60), scale=1.0):
    """A network's result whose maps have a flat spot of the given height at each (class, y, x, height)."""
    maps = np.zeros((4, *shape), np.float32)
    y, x = np.mgrid[: shape[0], : shape[1]]
    for c, py, px, height in columns:
        maps[c][np.hypot((y + 0.5) * scale - 0.5 - py, (x + 0.5) * scale - 0.5 - px) < 5] = height
    heights = np.array([h for *_, h in columns])
    table = ColumnTable(
        positions=np.array([(py, px) for _, py, px, _ in columns], float).reshape(-1, 2),
        classes=np.array([c for c, *_ in columns], np.int64),
        sampling=SAMPLING,
        votes=np.ones(len(columns), np.int64),
        probability=heights,
        network_probability={name: heights},
    )
    return NetworkResult(SimpleNamespace(name=name, title=name), maps, SAMPLING * scale, table)


def networks(**columns):
    return {name: result(name, *rows) for name, rows in columns.items()}


def test_all_three_agree():
    table = agree(
        networks(unet=[(MO, 20.0, 30.0, 0.9)], unet_pp=[(MO, 20.3, 30.0, 0.8)], msd_net=[(MO, 20.0, 30.3, 0.7)])
    )
    assert table.class_names == ["Mo"]
    assert table.votes.tolist() == [3]
    assert table.positions == pytest.approx(np.array([[20.1, 30.1]]))
    assert table.probability == pytest.approx([0.8])
    squares = [0.1**2 + 0.1**2, 0.2**2 + 0.1**2, 0.1**2 + 0.2**2]
    assert table.spread == pytest.approx([np.sqrt(np.mean(squares)) * SAMPLING * 100])
    assert table.disputed == ("",)


def test_the_majority_names_the_class_and_the_place():
    table = agree(networks(unet=[(S2, 20, 30, 0.6)], unet_pp=[(S1, 22, 30, 0.99)], msd_net=[(S2, 20.2, 30, 0.6)]))
    assert table.class_names == ["2S"]
    assert table.votes.tolist() == [2]
    assert table.positions == pytest.approx(np.array([[20.1, 30.0]]))
    assert table.disputed == ("1S:unet_pp",)
    assert table.network_probability["unet_pp"] == pytest.approx([0.0])
    assert table.probability == pytest.approx([0.4])


@pytest.mark.parametrize(
    ("p_2s", "p_1s", "name", "dispute"), [(0.6, 0.7, "1S", "2S:unet"), (0.8, 0.7, "2S", "1S:unet_pp")]
)
def test_a_tie_goes_to_the_more_probable(p_2s, p_1s, name, dispute):
    table = agree(networks(unet=[(S2, 20, 30, p_2s)], unet_pp=[(S1, 20, 30, p_1s)]))
    assert table.class_names == [name]
    assert table.votes.tolist() == [1]
    assert table.disputed == (dispute,)


def test_three_opinions():
    table = agree(networks(unet=[(S2, 20, 30, 0.5)], unet_pp=[(S1, 20, 30, 0.9)], msd_net=[(MO, 20, 30, 0.6)]))
    assert table.class_names == ["1S"]
    assert table.disputed == ("2S:unet;Mo:msd_net",)


def test_a_network_that_found_nothing_still_has_its_probability():
    found = networks(unet=[(S1, 20, 30, 0.9)], unet_pp=[])
    found["unet_pp"].probabilities[S1, 18:23, 28:33] = 0.3
    table = agree(found)
    assert table.votes.tolist() == [1]
    assert table.network_probability["unet_pp"] == pytest.approx([0.3])
    assert table.probability == pytest.approx([0.6])
    assert table.disputed == ("",)


def test_probabilities_are_read_at_the_right_place_of_a_resampled_map():
    small = result("unet_pp", (S1, 40.0, 20.0, 0.7), shape=(24, 24), scale=2.5)
    table = agree({"unet": result("unet", (S1, 40.0, 20.0, 0.9)), "unet_pp": small})
    assert table.network_probability["unet_pp"] == pytest.approx([0.7])


def test_sites_keep_the_distance_and_the_loser_becomes_a_dispute():
    # 0.8 Å apart: too far for one site, too near for two.
    found = networks(unet=[(S2, 20, 30, 0.6)], unet_pp=[(S1, 24, 30, 0.9)])
    table = agree(found, ColumnFinding(min_distance=0.9), Agreement(distance=0.65))
    assert table.class_names == ["1S"]
    assert table.disputed == ("2S:unet",)
    apart = agree(found, ColumnFinding(min_distance=0.7), Agreement(distance=0.65))
    assert apart.class_names == ["2S", "1S"]
    assert apart.disputed == ("", "")


def test_one_network_alone_and_none_at_all():
    table = agree(networks(unet=[(MO, 20, 30, 0.9), (S2, 10, 30, 0.8)]))
    assert table.class_names == ["2S", "Mo"]
    assert table.spread.tolist() == [0, 0]
    assert len(agree(networks(unet=[], unet_pp=[]))) == 0
    with pytest.raises(ValueError, match="name at least one"):
        agree({})


def scattered(seed, count=400, size=400):
    """Three networks that see the same columns with errors, omissions, other classes and inventions."""
    rng = np.random.default_rng(seed)
    true = rng.uniform(5, size - 5, (count, 2))
    found = {}
    for name in ("unet", "unet_pp", "msd_net"):
        maps = rng.uniform(0, 0.05, (4, size, size)).astype(np.float32)
        seen = np.flatnonzero(rng.uniform(size=count) < 0.85)
        for i, (y, x) in zip(seen, np.rint(true[seen] + rng.normal(0, 0.8, (len(seen), 2))).astype(int), strict=True):
            maps[(i + (rng.uniform() < 0.2)) % 3, max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2] = rng.uniform(0.5, 1)
        table = columns_from_maps(name, maps, SAMPLING, SAMPLING, ColumnFinding())
        found[name] = NetworkResult(SimpleNamespace(name=name, title=name), maps, SAMPLING, table)
    return found


@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_the_networks_does_not_matter(seed):
    found = scattered(seed)
    first, *others = (agree({name: found[name] for name in order}) for order in permutations(found))
    assert {1, 2, 3} == set(first.votes)
    assert any(first.disputed)
    for other in others:
        assert other.rows() == first.rows()


@pytest.mark.parametrize("seed", range(4))
def test_the_names_of_the_networks_do_not_matter(seed):
    rng = np.random.default_rng(seed)
    points = [rng.uniform(0, 30, (200, 2)) for _ in range(3)]

    def sites(order):
        members = group_into_sites([points[k] for k in order], 1.0)
        return {frozenset((order[k], row) for k, row in enumerate(site) if row >= 0) for site in members.tolist()}

    first, *others = (sites(order) for order in permutations(range(3)))
    assert all(other == first for other in others)


@pytest.mark.parametrize("seed", range(4))
def test_no_two_sites_are_nearer_than_the_least_distance(seed):
    table = agree(scattered(seed), ColumnFinding(min_distance=0.9))
    distance, _ = cKDTree(table.positions).query(table.positions, 2)
    assert distance[:, 1].min() * SAMPLING >= 0.9 - 1e-9


@pytest.mark.parametrize("seed", range(4))
def test_sites_hold_each_network_once_and_every_column_once(seed):
    rng = np.random.default_rng(seed)
    points = [rng.uniform(0, 30, (rng.integers(150, 250), 2)) for _ in range(4)]
    members = group_into_sites(points, 1.0)
    for k, own in enumerate(points):
        assert sorted(members[members[:, k] >= 0, k]) == list(range(len(own)))
    for site in members:
        inside = np.array([points[k][row] for k, row in enumerate(site) if row >= 0])
        assert np.linalg.norm(inside[:, None] - inside, axis=2).max() <= 1.0
    assert (members >= 0).any(axis=1).all()


def test_a_chain_is_cut_at_its_longer_link():
    members = group_into_sites([np.array([[0.0, 0]]), np.array([[0.0, 0.5]]), np.array([[0.0, 1.1]])], 0.65)
    assert sorted(map(tuple, members >= 0)) == [(False, False, True), (True, True, False)]
