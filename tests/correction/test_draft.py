"""Many edits in a row give what they give one by one, bit for bit."""

from dataclasses import replace

import numpy as np
import pytest

from hrtem_app.columns import empty_table
from hrtem_app.correction import (
    Add,
    ConfirmSublattices,
    Corrections,
    Delete,
    Move,
    Reclassify,
    Review,
    SwapSublattices,
    apply,
    rebased,
)
from hrtem_app.correction.apply import affected_rows
from hrtem_app.correction.draft import Draft

SEEDS = range(10)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("looked_at", [1, 7, 200])
def test_a_draft_does_what_apply_does(made_table, random_edit, content, seed, looked_at):
    rng = np.random.default_rng(seed)
    table = made_table(seed=seed)
    draft = Draft(table)
    for number in range(150):
        edit = random_edit(rng, table)
        rows, before = draft.do(edit)
        assert rows.tolist() == affected_rows(table, edit).tolist()
        assert content(before) == content(table.select(affected_rows(table, edit)))
        table = apply(table, edit)
        # A draft that is looked at between edits goes on as one that is not.
        if number % looked_at == 0:
            assert content(draft.table) == content(table)
    assert content(draft.table) == content(table)
    assert len(table) != len(made_table())


@pytest.mark.parametrize("seed", SEEDS)
def test_what_a_draft_says_of_its_columns(made_table, random_edit, content, seed):
    rng = np.random.default_rng(seed)
    table = made_table(seed=seed)
    draft, known = Draft(table), set(table.ids.tolist())
    for _ in range(60):
        edit = random_edit(rng, table)
        draft.do(edit)
        table = apply(table, edit)
        known |= set(table.ids.tolist())
        asked = rng.permutation(sorted(known))[:20].tolist()
        assert [number in draft for number in asked] == [number in table.ids for number in asked]
        assert content(draft.part(asked)) == content(table.select(np.isin(table.ids, asked)))
        for grain in (0, 1, 7):
            assert content(draft.grain(grain)) == content(table.select(table.grain == grain))


def test_a_draft_of_nothing_takes_columns(content):
    table = empty_table(0.2)
    draft = Draft(table)
    for number in range(200):
        edit = Add(position=(number * 3.0, 7.0), class_name="Mo")
        draft.do(edit)
        table = apply(table, edit)
    assert content(draft.table) == content(table)
    draft.do(Delete(ids=tuple(range(200))))
    assert len(draft.table) == 0


def test_the_table_of_a_draft_does_not_change_with_it(made_table, content):
    table = made_table()
    draft = Draft(table)
    assert draft.table is table
    number = int(table.ids[3])
    draft.do(Review(ids=(number,), reviewed=False))
    assert draft.table is table
    draft.do(Reclassify(ids=(number,), class_name="1S"))
    first, told = draft.table, content(draft.table)
    assert draft.table is first
    draft.do(Delete(ids=(number,)))
    draft.do(Move(ids=(int(table.ids[5]),), positions=((1.0, 2.0),)))
    assert content(first) == told
    assert content(made_table()) == content(table)


@pytest.mark.parametrize(
    "edit",
    [
        Delete(ids=(3, 99_999)),
        Move(ids=(99_998,), positions=((0, 0),)),
        Reclassify(ids=(99_997,), class_name="Mo"),
        Review(ids=(99_996,)),
        SwapSublattices(grain=7),
        ConfirmSublattices(grain=2),
        SwapSublattices(grain=0, single=(99_999,)),
    ],
)
def test_a_refused_edit_leaves_a_draft_as_it_was(made_table, content, edit):
    table = replace(made_table(), ids=np.arange(len(made_table())))
    draft = Draft(table)
    gone, there = Delete(ids=(5, 6)), int(table.ids[-1])
    draft.do(gone)
    table = apply(table, gone)
    told = []
    for act in (lambda: apply(table, edit), lambda: draft.do(edit)):
        with pytest.raises(ValueError) as caught:
            act()
        told.append(str(caught.value))
    assert told[0] == told[1]
    with pytest.raises(ValueError, match=f"the id {there} is taken"):
        draft.do(Add(position=(1, 1), class_name="Mo", id=there))
    with pytest.raises(ValueError, match="no column has the id 5: it was deleted"):
        draft.do(Delete(ids=(5,)))
    assert content(draft.table) == content(table)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("back", [0, 1, 12, 30])
def test_a_replay_is_the_history_that_it_repeats(random_history, content, seed, back):
    made = random_history(seed, 30)
    plain = Corrections.begin(made.base)
    for edit in made.edits[: made.position]:
        plain = plain.perform(edit)
    for _ in range(back):
        plain = plain.undo()
    again = Corrections.replay(made.base, plain.edits, plain.position)
    assert content(again.table) == content(plain.table)
    assert (again.edits, again.position, again.next_id) == (plain.edits, plain.position, plain.next_id)
    for mine, theirs in zip(again.done, plain.done, strict=True):
        assert mine.rows.tolist() == theirs.rows.tolist()
        assert content(mine.before) == content(theirs.before)
    # It can be gone through as if every edit had been done by hand.
    if plain.can_undo:
        assert content(again.undo().table) == content(plain.undo().table)
    while again.can_redo:
        again = again.redo()
    assert content(again.table) == content(made.table)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_carried_over_is_what_its_edits_give_one_by_one(random_history, content, seed):
    made = random_history(seed, 40).undo().undo()
    rng = np.random.default_rng(seed)
    new = made.base.select(rng.permutation(len(made.base))[: len(made.base) - 5])
    new = replace(new, ids=np.arange(len(new)), positions=new.positions + rng.uniform(-0.3, 0.3, new.positions.shape))
    carried = rebased(made, new).corrections
    plain = Corrections.begin(carried.base)
    for edit in carried.edits[: carried.position]:
        plain = plain.perform(edit)
    assert content(carried.table) == content(plain.table)
    assert [content(step.before) for step in carried.done] == [content(step.before) for step in plain.done]
    assert len(carried.edits) > len(carried.done) > 20
