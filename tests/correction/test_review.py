"""Whatever waits for a review is visited once, and the next is near the last."""

from dataclasses import replace

import numpy as np
import pytest

from hrtem_app.columns import ColumnTable
from hrtem_app.correction import (
    ConfirmSublattices,
    Corrections,
    Delete,
    Reclassify,
    Review,
    SwapSublattices,
    apply,
    next_to_review,
    review_order,
)


def scattered(number=300, seed=0):
    """Disputed columns of no grain, anywhere in 400 Å."""
    rng = np.random.default_rng(seed)
    return ColumnTable(
        positions=rng.uniform(0, 2000, (number, 2)),
        classes=rng.integers(0, 3, number),
        sampling=0.2,
        votes=np.ones(number),
        probability=np.ones(number),
        disputed=("1S:unet",) * number,
        ids=rng.permutation(10 * number)[:number],
    )


def test_in_a_grain_only_1s_against_2s_waits(made_table):
    table = made_table()
    expected = set()
    for number, name, text, grain in zip(table.ids, table.class_names, table.disputed, table.grain, strict=True):
        found = {entry.split(":")[0] for entry in text.split(";") if entry}
        if (found and grain < 0) or (name != "Mo" and found & {"1S", "2S"}):
            expected.add(int(number))
    assert len(expected) > 10
    open_grain = table.select(table.grain == 1)
    centre = open_grain.positions.mean(axis=0)
    expected.add(int(open_grain.ids[np.linalg.norm(open_grain.positions - centre, axis=1).argmin()]))
    assert sorted(review_order(table).tolist()) == sorted(expected)


@pytest.mark.parametrize("edit", [ConfirmSublattices(grain=1), SwapSublattices(grain=1)])
def test_a_grain_waits_once_until_it_is_decided(made_table, edit):
    calm = replace(made_table(), disputed=())
    assert len(review_order(calm)) == 1
    (middle,) = review_order(calm).tolist()
    assert calm.grain[calm.ids == middle] == 1
    assert len(review_order(apply(calm, Review(ids=(middle,))))) == 0
    assert len(review_order(apply(calm, edit))) == 0


def test_a_swap_asks_nothing_that_a_person_just_decided(made_table):
    table = replace(made_table(), disputed=("Mo:unet",) * len(made_table()))
    table = table.select((table.grain == 1) & (table.classes == 1))
    assert len(review_order(table)) == 1
    assert len(review_order(apply(table, SwapSublattices(grain=1)))) == 0


@pytest.mark.parametrize("name", ["Mo", "2S", "1S"])
def test_naming_a_class_settles_the_column(name):
    table = scattered(20)
    first = int(review_order(table)[0])
    after = apply(table, Reclassify(ids=(first,), class_name=name))
    assert review_order(after).tolist() == review_order(table)[1:].tolist()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("step", ["mark", "name", "delete", "leave"])
def test_each_is_visited_once(seed, step):
    table = scattered(seed=seed)
    order = review_order(table).tolist()
    assert sorted(order) == sorted(table.ids.tolist())
    made, visited, here = Corrections.begin(table), [], next_to_review(table)
    while here is not None and here not in visited:
        visited.append(here)
        following = next_to_review(made.table, here)
        if step == "mark":
            made = made.do(Review(ids=(here,)))
        elif step == "name":
            made = made.do(Reclassify(ids=(here,), class_name="1S"))
        elif step == "delete":
            made = made.do(Delete(ids=(here,)))
        here = None if following == here else following
    assert visited == order


def test_the_next_is_near_the_last():
    table = scattered(400)
    place = dict(zip(table.ids.tolist(), table.positions * table.sampling, strict=True))
    way = np.array([place[i] for i in review_order(table).tolist()])
    steps = np.linalg.norm(np.diff(way, axis=0), axis=1)
    random = np.linalg.norm(np.diff(table.positions * table.sampling, axis=0), axis=1)
    # Strips make a way of 0.92·√(columns·area), which is 18 Å a column here; rows of any order go 200 Å.
    assert steps.mean() < 25
    assert steps.mean() < random.mean() / 8
    assert np.quantile(steps, 0.95) < 60


def test_other_columns_do_not_change_the_order():
    table = scattered(200)
    order = review_order(table)
    rng = np.random.default_rng(3)
    for _ in range(10):
        part = table.select(np.sort(rng.choice(len(table), 80, replace=False)))
        kept = order[np.isin(order, part.ids)]
        assert review_order(part).tolist() == kept.tolist()


def test_it_goes_round_and_ends():
    table = scattered(6)
    order = review_order(table).tolist()
    assert next_to_review(table) == order[0]
    assert [next_to_review(table, i) for i in order] == [*order[1:], order[0]]
    seen = apply(table, Review(ids=tuple(order[1:])))
    assert next_to_review(seen, order[3]) == order[0]
    assert next_to_review(seen, order[0]) == order[0]
    done = apply(seen, Review(ids=(order[0],)))
    assert next_to_review(done) is None
    assert next_to_review(done, order[2]) is None


def test_columns_at_the_same_place_are_all_visited():
    table = replace(scattered(5), positions=np.ones((5, 2)))
    assert review_order(table).tolist() == sorted(table.ids.tolist())
    assert next_to_review(table, int(min(table.ids))) == sorted(table.ids.tolist())[1]


def test_nonsense_is_refused():
    table = scattered(5)
    with pytest.raises(ValueError, match="no column has the id 777777"):
        next_to_review(table, 777_777)
    for strip in (0, -1, float("nan")):
        with pytest.raises(ValueError, match=f"strips of {strip} Å are impossible"):
            review_order(table, strip)
