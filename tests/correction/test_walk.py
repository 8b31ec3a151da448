"""A walk through what waits goes on where it was, whatever a person does to the column under review."""

import numpy as np
import pytest

from hrtem_app.correction import Corrections, Delete, Move, Reclassify, Review, ReviewWalk, review_order


def test_it_visits_each_column_that_waits_once(made_table):
    made, walk = Corrections.begin(made_table()), ReviewWalk()
    order, visited = review_order(made.table).tolist(), []
    while walk.go_on(made.table) is not None:
        visited.append(walk.here)
        made = made.do(Review(ids=(walk.here,)))
    assert visited == order
    assert walk.here is None


@pytest.mark.parametrize("stop", [0, 3, -1])
def test_after_a_deleted_column_comes_what_came_after_it(made_table, stop):
    made, walk = Corrections.begin(made_table()), ReviewWalk()
    order = review_order(made.table).tolist()
    for _ in order[: stop % len(order) + 1]:
        walk.go_on(made.table)
    assert walk.here == order[stop]
    following = order[(stop + 1) % len(order)]
    after = made.do(Delete(ids=(order[stop],)))
    assert walk.go_on(after.table) == following
    # And the way goes on from there.
    assert walk.go_on(after.table) == [n for n in np.roll(order, -stop - 1).tolist() if n != order[stop]][1]


def test_what_was_deleted_or_settled_too_is_passed_over(made_table):
    made, walk = Corrections.begin(made_table()), ReviewWalk()
    order = review_order(made.table).tolist()
    assert len(order) > 6
    walk.go_on(made.table)
    made = made.do(Delete(ids=tuple(order[:2]))).do(Review(ids=(order[2],)))
    assert walk.go_on(made.table) == order[3]
    # Taken back, the column is where it was.
    walk.go_on(made.table)
    assert walk.here == order[4]
    gone = made.do(Delete(ids=(order[4],)))
    assert walk.go_on(gone.undo().table) == order[5]


def test_moving_the_column_under_review_does_not_lose_it(made_table):
    made, walk = Corrections.begin(made_table()), ReviewWalk()
    first = walk.go_on(made.table)
    made = made.do(Move(ids=(first,), positions=(tuple(made.table.positions[made.table.ids == first][0] + 0.01),)))
    made = made.do(Reclassify(ids=(first,), class_name="1S"))
    assert walk.go_on(made.table) == review_order(made.table)[0]


def test_when_all_that_waited_is_gone_the_walk_ends(made_table):
    made, walk = Corrections.begin(made_table()), ReviewWalk()
    order = review_order(made.table).tolist()
    walk.go_on(made.table)
    made = made.do(Delete(ids=(order[0],))).do(Review(ids=tuple(order[1:])))
    assert walk.go_on(made.table) is None
    # What waits again is found again.
    assert walk.go_on(made.undo().table) == order[1]
