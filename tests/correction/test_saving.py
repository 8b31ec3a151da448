"""Corrections come back from JSON as they were; other files, and files of another table, are refused."""

import json
from dataclasses import replace

import pytest

from hrtem_app.columns import ColumnTable
from hrtem_app.correction import Corrections, Reclassify, SavedCorrections, from_json, restored, saved, to_json


@pytest.mark.parametrize("seed", range(8))
def test_a_history_comes_back_bit_for_bit(random_history, content, seed):
    made = random_history(seed)
    back = from_json(made.base, to_json(made))
    assert content(back.table) == content(made.table)
    assert (back.edits, back.position, back.next_id) == (made.edits, made.position, made.next_id)
    assert [content(step.before) for step in back.done] == [content(step.before) for step in made.done]
    form = SavedCorrections.model_validate(json.loads(json.dumps(saved(made).model_dump(mode="json"))))
    assert content(restored(made.base, form).table) == content(made.table)


def test_the_base_may_come_from_a_csv(random_history, tmp_path):
    made = random_history(4)
    made.base.to_csv(tmp_path / "base.csv")
    base = ColumnTable.from_csv(tmp_path / "base.csv")
    assert from_json(base, to_json(made)).table.class_names == made.table.class_names


def test_another_table_is_refused(made_table):
    base = made_table()
    text = to_json(Corrections.begin(base).do(Reclassify(ids=(int(base.ids[0]),), class_name="1S")))
    for other in (base.select(base.ids != base.ids[0]), replace(base, ids=base.ids + 1), made_table(seed=1)):
        with pytest.raises(ValueError, match="made to another table"):
            from_json(other, text)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda form: form | {"position": 99}, "99 edits cannot be done"),
        (lambda form: form | {"position": -1}, "position = -1"),
        (lambda form: form | {"next_id": 2**60}, "next_id = 1152921504606846976"),
        (lambda form: form | {"version": 2}, "version = 2"),
        (lambda form: form | {"edits": 5}, "edits = 5"),
        (lambda form: form | {"edits": [{"kind": "shrink"}]}, "edits.0 = .*'shrink'.*does not match"),
        (lambda form: form | {"edits": [{"kind": "delete", "ids": [1.5]}]}, "edits.0.delete.ids.0 = 1.5"),
        (
            lambda form: form | {"edits": [{"kind": "delete", "ids": [99999]}], "position": 0},
            r"edit 1 \(delete 1 column\) does not fit",
        ),
        (lambda form: {name: value for name, value in form.items() if name != "base"}, "base = .*Field required"),
        (lambda form: [form], "should be an object"),
        (lambda form: form | {"more": "x" * 100_000}, "more = 'xxxx.*: Extra inputs"),
    ],
)
def test_files_that_hold_no_corrections_are_refused(random_history, change, message):
    made = random_history(2)
    text = json.dumps(change(json.loads(to_json(made))))
    with pytest.raises(ValueError, match=message) as caught:
        from_json(made.base, text)
    assert len(str(caught.value)) < 1000
    with pytest.raises(ValueError, match="Invalid JSON"):
        from_json(made.base, text[:-1])
