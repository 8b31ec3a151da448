"""Corrections outlive another run of the networks: what can be carried over is, and what cannot is said."""

from dataclasses import replace

import numpy as np
import pytest

from hrtem_app.columns import CLASSES, ColumnTable
from hrtem_app.correction import (
    Add,
    ConfirmSublattices,
    Corrections,
    Delete,
    Move,
    Reclassify,
    Review,
    SwapSublattices,
    from_json,
    rebased,
    to_json,
)


def another_run(table, seed=5, keep=None, **changes):
    """The same columns in another order, 0.1 Å off, with ids of their own; without those that are not kept."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(table) if keep is None else np.flatnonzero(keep))
    fresh = replace(table, **changes).select(order)
    noise = rng.uniform(-0.35, 0.35, fresh.positions.shape)
    return replace(fresh, positions=fresh.positions + noise, ids=np.arange(len(fresh)))


def by_id(table, number):
    """Position in Å, class and flags of a column."""
    (row,) = np.flatnonzero(table.ids == number)
    return table.select([row])


def swapped_classes(table, grain):
    return np.where(table.grain == grain, np.where(table.classes == 0, 1, 0), table.classes)


@pytest.mark.parametrize("seed", range(8))
def test_where_the_columns_are_the_same_all_is_carried_over(random_history, seed):
    made = random_history(seed, 25)
    # Added columns stay away from all others, and a grain without its columns has no sublattices to swap.
    made = Corrections.replay(made.base, [e for e in made.edits if not isinstance(e, Delete)][:20], 15)
    result = rebased(made, another_run(made.base))
    assert result.lost == ()
    assert result.corrections.position == made.position
    assert len(result.corrections.edits) == len(made.edits)
    for number in made.table.ids.tolist():
        old, new = by_id(made.table, number), by_id(result.corrections.table, number)
        assert (new.classes, new.reviewed, new.decided) == (old.classes, old.reviewed, old.decided)
        assert np.linalg.norm(new.positions - old.positions) < 0.51
    moved = {i for e in made.edits[:15] if isinstance(e, Move) for i in e.ids}
    for number in moved:
        assert by_id(result.corrections.table, number).positions == pytest.approx(by_id(made.table, number).positions)


def test_without_edits_the_ids_stay_with_the_columns(made_table):
    base = made_table()
    result = rebased(Corrections.begin(base), another_run(base))
    table = result.corrections.table
    assert sorted(table.ids.tolist()) == sorted(base.ids.tolist())
    for number in base.ids.tolist():
        assert np.linalg.norm(by_id(table, number).positions - by_id(base, number).positions) < 0.5
    assert (result.lost, result.found, result.crowded, result.forgotten, result.sentences) == ((), (), (), 0, ())


def test_new_columns_get_ids_never_used(made_table):
    base = made_table()
    half = base.select(base.grain != 1)
    made = (
        Corrections.begin(half).do(Add(position=(500, 1), class_name="Mo")).do(Add(position=(500, 30), class_name="Mo"))
    )
    used = {*half.ids.tolist(), *made.table.ids.tolist()}
    made = made.undo().undo()
    table = rebased(made, another_run(base)).corrections.base
    fresh = set(table.ids.tolist()) - set(half.ids.tolist())
    assert len(fresh) == (base.grain == 1).sum()
    assert not fresh & used
    assert len(np.unique(table.ids)) == len(table)


def test_what_is_not_found_any_more_is_reported(made_table):
    base = made_table()
    gone, there = base.ids[[3, 10, 20]], base.ids[[4, 11, 21]]
    both = tuple(np.concatenate([gone, there]).tolist())
    places = tuple((float(i), 700.0) for i in range(6))
    made = Corrections.begin(base)
    made = made.do(Reclassify(ids=both, class_name="1S")).do(Move(ids=both, positions=places))
    made = made.do(Review(ids=(int(gone[0]),))) if not made.table.reviewed[3] else made
    made = made.do(Delete(ids=both[2:4]))
    result = rebased(made, another_run(base, keep=~np.isin(base.ids, gone)))
    assert result.lost == (
        Reclassify(ids=both[:3], class_name="1S"),
        Move(ids=both[:3], positions=places[:3]),
        Delete(ids=both[2:3]),
    )
    table = result.corrections.table
    assert not np.isin(table.ids, [*gone, both[3]]).any()
    assert by_id(table, both[4]).positions.tolist() == [[4.0, 700.0]]
    assert CLASSES[by_id(table, both[5]).classes[0]] == "1S"
    told = " ".join(map(str, result.sentences))
    assert f"make 3 columns 1S (id {both[0]}, {both[1]}, {both[2]})" in told
    assert f"delete 1 column (id {both[2]})" in told


def test_the_place_in_the_history_is_kept_also_where_edits_are_lost(made_table):
    base = made_table()
    lost, kept = int(base.ids[0]), int(base.ids[1])
    edits = [Delete(ids=(lost,)), Reclassify(ids=(kept,), class_name="1S"), Review(ids=(kept,), reviewed=False)]
    made = Corrections.replay(base, [*edits, Delete(ids=(kept,))], 3)
    result = rebased(made, another_run(base, keep=base.ids != lost))
    assert result.corrections.position == 2
    assert result.corrections.edits == (*edits[1:], Delete(ids=(kept,)))
    assert result.corrections.redo_text == "delete 1 column"
    assert result.lost == (edits[0],)


def test_an_added_column_that_is_found_now_is_one_column(made_table):
    base = made_table()
    missed = 7
    before = base.select(np.arange(len(base)) != missed)
    place = tuple((base.positions[missed] + 0.8).tolist())
    made = Corrections.begin(before).do(Add(position=place, class_name="1S"))
    number = int(made.table.ids[-1])
    result = rebased(made.do(Review(ids=(number,))), another_run(base))
    assert result.found == (number,)
    assert result.lost == ()
    table = result.corrections.table
    assert len(table) == len(base)
    column = by_id(table, number)
    assert np.linalg.norm(column.positions - base.positions[missed]) < 0.5
    assert CLASSES[column.classes[0]] == "1S"
    assert len(result.sentences) == 1
    assert "1 column that had been added by hand" in result.sentences[0]


def test_an_added_column_that_is_not_found_stays(made_table):
    made = Corrections.begin(made_table()).do(Add(position=(235.0, 80.0), class_name="1S"))
    result = rebased(made, another_run(made.base))
    assert result.corrections.table.rows()[-1] == made.table.rows()[-1]
    assert result.found == ()


def test_a_moved_column_is_known_by_its_new_place_too(made_table):
    base = made_table()
    number = int(base.ids[2])
    moved = tuple((base.positions[2] + 4.5).tolist())
    made = Corrections.begin(base).do(Move(ids=(number,), positions=(moved,)))
    positions = base.positions.copy()
    positions[2] = moved
    result = rebased(made, another_run(base, positions=positions))
    assert result.lost == ()
    assert len(result.corrections.table) == len(base)
    assert by_id(result.corrections.table, number).positions.tolist() == [list(moved)]


def test_a_new_column_beside_a_corrected_one_is_reported(made_table):
    base = made_table()
    number = int(base.ids[2])
    moved = tuple((base.positions[2] + 4.0).tolist())
    made = Corrections.begin(base).do(Move(ids=(number,), positions=(moved,)))
    both = base.select([*range(len(base)), 2])
    positions = both.positions.copy()
    positions[-1] = moved
    result = rebased(made, another_run(replace(both, ids=np.arange(len(both))), positions=positions))
    assert result.crowded == (number,)
    assert f"with a new one beside: id {number}" in result.sentences[0]


def test_a_review_holds_only_for_the_class_that_was_reviewed(made_table):
    base = made_table()
    same, other = (int(i) for i in base.ids[(base.classes == 1)][:2])
    made = Corrections.begin(base).do(Review(ids=(same, other)))
    classes = np.where(base.ids == other, 2, base.classes)
    result = rebased(made, another_run(base, classes=classes))
    assert result.lost == (Review(ids=(other,)),)
    assert result.corrections.table.ids[result.corrections.table.reviewed].tolist() == [same]


@pytest.mark.parametrize("edit", [SwapSublattices(grain=1), ConfirmSublattices(grain=1)])
@pytest.mark.parametrize("read_the_other_way", [False, True])
@pytest.mark.parametrize("renumber", [False, True])
def test_what_a_person_decided_of_a_grain_stays_decided(made_table, edit, read_the_other_way, renumber):
    base = made_table()
    made = Corrections.begin(base).do(edit)
    new = another_run(base, classes=swapped_classes(base, 1) if read_the_other_way else base.classes)
    if renumber:
        new = replace(new, grain=np.choose(new.grain + 1, [-1, 5, 3]))
    result = rebased(made, new)
    assert result.lost == ()
    table = result.corrections.table
    for number in base.ids[base.grain == 1].tolist():
        assert (by_id(table, number).classes == 0) == (by_id(made.table, number).classes == 0)
    assert table.decided[np.isin(table.ids, base.ids[base.grain == 1])].all()
    others = np.isin(table.ids, base.ids[base.grain != 1])
    assert not table.edited[others].any()


def test_two_swaps_are_carried_over_as_two(made_table):
    base = made_table()
    made = Corrections.begin(base).do(SwapSublattices(grain=0)).do(SwapSublattices(grain=0))
    for classes in (base.classes, swapped_classes(base, 0)):
        result = rebased(made, another_run(base, classes=classes))
        table = result.corrections.table
        for number in base.ids[base.grain == 0].tolist():
            assert (by_id(table, number).classes == 0) == (by_id(base, number).classes == 0)


@pytest.mark.parametrize("grains", ["none", "one"])
def test_a_grain_that_is_gone_or_grown_together_is_reported(made_table, grains):
    base = made_table()
    made = Corrections.begin(base).do(SwapSublattices(grain=1))
    new = another_run(base)
    result = rebased(made, replace(new, grain=np.full(len(new), -1 if grains == "none" else 0)))
    # Half of the columns of the grain that is left are those of the other one.
    assert [edit.kind for edit in result.lost] == ["swap"]
    assert result.sentences == ("Not carried over: swap Mo and S of grain 1",)
    assert not result.corrections.table.edited.any()


def test_corrections_that_the_old_base_held_are_reported(made_table):
    base = made_table()
    base = replace(base, edited=np.arange(len(base)) < 4, reviewed=(np.arange(len(base)) // 2) == 1)
    result = rebased(Corrections.begin(base), another_run(made_table()))
    assert result.forgotten == 4
    assert "corrections of 4 columns" in result.sentences[0]


def test_another_sampling_is_no_other_place(made_table):
    base = made_table()
    number = int(base.ids[5])
    made = Corrections.begin(base).do(Reclassify(ids=(number,), class_name="1S"))
    result = rebased(made, replace(another_run(base), sampling=0.19))
    assert result.lost == ()
    assert result.corrections.table.sampling == 0.19


@pytest.mark.parametrize("seed", range(4))
def test_what_was_carried_over_can_be_saved_and_carried_over_again(random_history, content, seed):
    made = random_history(seed)
    keep = np.random.default_rng(seed).random(len(made.base)) < 0.7
    first = rebased(made, another_run(made.base, keep=keep)).corrections
    back = from_json(first.base, to_json(first))
    assert content(back.table) == content(first.table)
    assert back.next_id == first.next_id
    second = rebased(first, another_run(first.base, seed=9))
    assert second.lost == ()
    assert second.corrections.table.ids.tolist() != first.table.ids.tolist()
    assert sorted(second.corrections.table.ids.tolist()) == sorted(first.table.ids.tolist())


@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_silently_lost(random_history, seed):
    made = random_history(seed)
    keep = np.random.default_rng(seed).random(len(made.base)) < 0.5
    result = rebased(made, another_run(made.base, keep=keep))

    def touched(edits):
        grains = [("grain", e.grain) for e in edits if isinstance(e, SwapSublattices | ConfirmSublattices)]
        columns = [(e.kind, i) for e in edits if isinstance(e, Move | Delete | Reclassify | Review) for i in e.ids]
        return sorted(map(str, grains + columns + [("add", e.id) for e in edits if isinstance(e, Add)]))

    assert touched([*result.corrections.edits, *result.lost]) == touched(made.edits)


def test_an_empty_new_table(made_table):
    base = made_table()
    made = (
        Corrections.begin(base).do(Delete(ids=tuple(base.ids[:2].tolist()))).do(Add(position=(1, 1), class_name="Mo"))
    )
    none = ColumnTable(np.empty((0, 2)), np.empty(0, np.int64), 0.2, np.empty(0, np.int64), np.empty(0))
    result = rebased(made, none)
    assert [edit.kind for edit in result.lost] == ["delete"]
    assert len(result.corrections.table) == 1


def test_an_impossible_distance_is_refused(made_table):
    made = Corrections.begin(made_table())
    with pytest.raises(ValueError, match="a matching distance of -1"):
        rebased(made, another_run(made.base), -1)
