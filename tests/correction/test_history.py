"""A history of edits can be walked in both directions without a trace, and ids are for life."""

import gc
import weakref
from dataclasses import replace

import numpy as np
import pytest

from hrtem_app.columns import empty_table
from hrtem_app.correction import (
    Add,
    Corrections,
    Delete,
    Move,
    Reclassify,
    Review,
    SwapSublattices,
    apply,
    history,
)

SEEDS = range(8)


@pytest.mark.parametrize("seed", SEEDS)
def test_undoing_all_gives_the_base_and_redoing_all_the_end(random_history, content, seed):
    made = random_history(seed)
    tables, walked = [content(made.table)], made
    while walked.can_undo:
        told = walked.undo_text
        walked = walked.undo()
        assert walked.redo_text == told
        tables.append(content(walked.table))
    assert tables[-1] == content(made.base)
    for expected in reversed(tables[:-1]):
        walked = walked.redo()
        assert content(walked.table) == expected
    assert walked.position == made.position
    assert walked.edits[: made.position] == made.edits[: made.position]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_table_is_that_of_its_edits(random_history, content, seed):
    made = random_history(seed)
    table = made.base
    for edit in made.edits[: made.position]:
        table = apply(table, edit)
    assert content(table) == content(made.table)
    again = Corrections.replay(made.base, made.edits, made.position, made.next_id)
    assert content(again.table) == content(made.table)
    assert (again.edits, again.position, again.next_id) == (made.edits, made.position, made.next_id)


@pytest.mark.parametrize("seed", SEEDS)
def test_ids_are_unique_for_life(made_table, random_edit, seed):
    rng = np.random.default_rng(seed)
    made = Corrections.begin(made_table(seed=seed))
    born = set(made.base.ids.tolist())
    for _ in range(80):
        if made.can_undo and rng.random() < 0.4:
            made = made.undo()
            continue
        edit = random_edit(rng, made.table)
        before = set(made.table.ids.tolist())
        made = made.do(edit)
        assert len(np.unique(made.table.ids)) == len(made.table)
        fresh = set(made.table.ids.tolist()) - before
        assert len(fresh) == isinstance(edit, Add)
        assert not fresh & born
        born |= fresh


def test_the_id_of_an_undone_column_is_not_given_again_but_comes_back_by_redo(made_table):
    made = Corrections.begin(made_table())
    first = made.do(Add(position=(1, 2), class_name="Mo"))
    number = int(first.table.ids[-1])
    assert first.undo().redo().table.ids[-1] == number
    assert first.undo().do(Add(position=(3, 4), class_name="2S")).table.ids[-1] == number + 1
    deleted = first.do(Delete(ids=(number,)))
    assert deleted.do(Add(position=(3, 4), class_name="2S")).table.ids[-1] == number + 1
    with pytest.raises(ValueError, match=f"the id {number} may have been used before"):
        deleted.do(Add(position=(3, 4), class_name="2S", id=number))


def test_one_more_edit_replays_nothing(random_history, monkeypatch):
    made = random_history(3)
    number = int(made.table.ids[0])
    calls = []
    monkeypatch.setattr(history, "apply", lambda table, edit: calls.append(edit) or apply(table, edit))
    edit = Move(ids=(number,), positions=((0.5, 0.5),))
    made = made.do(edit)
    assert calls == [edit]
    made = made.undo()
    assert calls == [edit]
    made.redo()
    assert calls == [edit, edit]


def test_a_history_does_not_change(random_history, content):
    made = random_history(1)
    before = content(made.table), made.edits, made.next_id
    made.do(Add(position=(1, 1), class_name="Mo"))
    made.undo()
    assert (content(made.table), made.edits, made.next_id) == before


def test_what_the_menu_says(made_table):
    made = Corrections.begin(made_table())
    assert (made.can_undo, made.can_redo, made.undo_text, made.redo_text) == (False, False, "", "")
    made = made.do(Delete(ids=tuple(made.table.ids[:3].tolist())))
    assert (made.can_undo, made.can_redo, made.undo_text, made.redo_text) == (True, False, "delete 3 columns", "")
    made = made.undo()
    assert (made.can_undo, made.can_redo, made.undo_text, made.redo_text) == (False, True, "", "delete 3 columns")
    with pytest.raises(ValueError, match="nothing to undo"):
        made.undo()
    with pytest.raises(ValueError, match="nothing to redo"):
        made.redo().redo()


def test_an_edit_that_changes_nothing_leaves_the_redo_alone(made_table):
    made = Corrections.begin(made_table()).do(Review(ids=(int(made_table().ids[0]),))).undo()
    assert made.do(Review(ids=(int(made_table().ids[1]),), reviewed=False)) is made
    assert made.do(Review(ids=(int(made_table().ids[1]),))).redo_text == ""


@pytest.mark.parametrize("grain", [0, 1])
def test_two_swaps_give_back_all_classes(made_table, grain):
    base = made_table()
    # A single sulphur that no network saw is as much one as any.
    by_hand = int(base.ids[(base.grain == grain) & (base.classes == 1)][1])
    made = Corrections.begin(base).do(Reclassify(ids=(by_hand,), class_name="1S"))
    once = made.do(SwapSublattices(grain=grain))
    twice = once.do(SwapSublattices(grain=grain))
    assert (base.classes[base.grain == grain] == 2).sum() > 3
    assert not (once.table.classes == made.table.classes)[base.grain == grain].any()
    assert twice.table.classes.tolist() == made.table.classes.tolist()
    thrice = twice.do(SwapSublattices(grain=grain))
    assert thrice.table.classes.tolist() == once.table.classes.tolist()
    assert not made.was_swapped(grain)
    assert once.was_swapped(grain)
    assert not once.undo().was_swapped(grain)


def test_a_swap_back_minds_what_happened_since(made_table):
    base = made_table()
    singles = base.ids[(base.grain == 0) & (base.classes == 2)].tolist()
    made = Corrections.begin(base).do(SwapSublattices(grain=0))
    made = made.do(Delete(ids=(singles[0],))).do(Reclassify(ids=(singles[1],), class_name="2S"))
    made = made.do(SwapSublattices(grain=0))
    classes = dict(zip(made.table.ids.tolist(), made.table.classes.tolist(), strict=True))
    assert singles[0] not in classes
    assert classes[singles[1]] == 0
    assert {classes[i] for i in singles[2:]} == {2}


def test_a_swap_without_a_history_has_the_singles_that_it_is_told(made_table):
    base = made_table()
    chosen = tuple(base.ids[(base.grain == 0) & (base.classes == 0)][:2].tolist())
    made = Corrections.begin(base).do(SwapSublattices(grain=0, single=chosen))
    assert set(made.table.ids[(made.table.classes == 2) & (made.table.grain == 0)].tolist()) == set(chosen)


def test_tables_whose_ids_cannot_serve_are_refused(made_table):
    base = made_table()
    for ids in (np.where(base.ids == base.ids[1], base.ids[0], base.ids), base.ids - base.ids.max()):
        with pytest.raises(ValueError, match="negative or not distinct"):
            Corrections.begin(replace(base, ids=ids))
    with pytest.raises(ValueError, match="no id is left"):
        Corrections.begin(replace(base, ids=base.ids + 2**53))


def test_the_last_id_is_not_given_away():
    base = replace(apply(empty_table(0.2), Add(position=(0, 0), class_name="Mo")), ids=np.array([2**53 - 3]))
    made = Corrections.begin(base).do(Add(position=(9, 9), class_name="Mo"))
    with pytest.raises(ValueError, match="no id is left"):
        made.do(Add(position=(9, 19), class_name="Mo"))


@pytest.mark.parametrize(
    ("edits", "position", "message"),
    [
        ([Delete(ids=(99_999,))], None, r"edit 1 \(delete 1 column\) does not fit .*: no column has the id 99999"),
        ([Add(position=(1, 2), class_name="Mo"), SwapSublattices(grain=9)], 0, r"edit 2 \(swap .*there is no grain 9"),
        ([Add(position=(1, 2), class_name="Mo")], 2, "2 edits cannot be done of 1: give a position from 0 to 1"),
        ([], -1, "-1 edits cannot be done"),
        ([Add(position=(1, 2), class_name="Mo", id=9_000), Delete(ids=(9_000,)),
          Add(position=(1, 2), class_name="Mo", id=9_000)], None, r"edit 3 \(add Mo\) gives the id 9000, which"),
    ],
)  # fmt: skip
def test_edits_that_do_not_fit_are_refused_by_number(made_table, edits, position, message):
    with pytest.raises(ValueError, match=message):
        Corrections.replay(made_table(), edits, position)


def test_of_many_histories_few_tables_are_held_and_each_still_has_its_own(made_table, random_edit, content):
    rng = np.random.default_rng(0)
    made = Corrections.begin(made_table())
    kept, told, tables = [made], [content(made.table)], []
    while len(kept) <= 200:
        after = made.do(random_edit(rng, made.table))
        if after is not made:
            made = after
            kept.append(made)
            told.append(content(made.table))
            tables.append(weakref.ref(made.table))
    gc.collect()
    assert sum(table() is not None for table in tables) < 30
    for number in rng.permutation(len(kept)).tolist():
        assert content(kept[number].table) == told[number]
        assert kept[number].table is kept[number].table
    for number in range(199, 90, -1):
        made = made.undo()
        assert content(made.table) == told[number]
    assert content(kept[95].undo().table) == told[94]
    assert content(made.redo().table) == told[92]


def test_deletions_are_counted_as_long_as_they_are_done(made_table):
    made = Corrections.begin(made_table())
    assert made.changes_text == "0 edited"
    first, second = made.base.ids[:2].tolist()
    mo = made.base.class_names[0] == "Mo"
    made = made.do(Reclassify(ids=(first,), class_name="1S" if mo else "Mo"))
    assert made.changes_text == "1 edited"
    made = made.do(Delete(ids=(first, second)))
    assert (made.deleted, made.changes_text) == (2, "0 edited, 2 deleted")
    # What a person added and took away again is nothing that the networks found.
    made = made.do(Add(position=(300.0, 300.0), class_name="Mo"))
    made = made.do(Delete(ids=(int(made.table.ids[-1]),)))
    assert made.deleted == 2
    assert made.undo().undo().undo().deleted == 0
