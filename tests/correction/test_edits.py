"""Edits are values: they compare, describe themselves, and survive JSON; files that hold something else are refused."""

import json

import numpy as np
import pytest
from pydantic import ValidationError

from hrtem_app.correction import (
    Add,
    ConfirmSublattices,
    Delete,
    Move,
    Reclassify,
    Review,
    SwapSublattices,
    edit_from_json,
    edit_to_json,
)

EDITS = [
    (Add(position=(1.5, 0.1 + 0.2), class_name="1S"), "add 1S"),
    (Add(position=(-3.0, 1e-17), class_name="Mo", id=2**53 - 1), "add Mo"),
    (Move(ids=(3, 1), positions=((1 / 3, 2.0), (5e-324, 7.0))), "move 2 columns"),
    (Delete(ids=(4,)), "delete 1 column"),
    (Reclassify(ids=(0, 5, 2), class_name="2S"), "make 3 columns 2S"),
    (SwapSublattices(grain=2), "swap Mo and S of grain 2"),
    (SwapSublattices(grain=2, single=(8, 6)), "swap Mo and S of grain 2"),
    (ConfirmSublattices(grain=0), "confirm Mo and S of grain 0"),
    (Review(ids=(7,)), "mark 1 column as reviewed"),
    (Review(ids=(7, 8), reviewed=False), "mark 2 columns as not reviewed"),
]


@pytest.mark.parametrize(("edit", "text"), EDITS)
def test_edits_come_back_from_json_and_say_what_they_do(edit, text):
    assert edit_from_json(edit_to_json(edit)) == edit
    assert edit.description == text
    assert json.loads(edit_to_json(edit))["kind"] in {
        "add",
        "move",
        "delete",
        "reclassify",
        "swap",
        "confirm",
        "review",
    }


def test_numbers_come_back_to_the_last_bit():
    positions = np.random.default_rng(1).uniform(-1e5, 1e5, (500, 2))
    back = edit_from_json(edit_to_json(Move(ids=np.arange(500), positions=positions)))
    assert np.array(back.positions).tobytes() == positions.tobytes()


def test_an_edit_does_not_change():
    with pytest.raises(ValidationError, match="frozen"):
        Delete(ids=(1,)).ids = (2,)


def test_moving_by_an_offset(made_table):
    table = made_table()
    ids = table.ids[[5, 2]]
    moved = Move.by(table, ids, (0.5, -1.0))
    assert moved.ids == tuple(ids.tolist())
    assert np.array(moved.positions) == pytest.approx(table.positions[[5, 2]] + np.array([0.5, -1.0]), abs=1e-12)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "Invalid JSON"),
        ("[1]", "should be an object"),
        ('{"ids": [1]}', "discriminator 'kind'"),
        ('{"kind": "erase", "ids": [1]}', "'erase'.*does not match any of the expected tags: 'add', 'move'"),
        ('{"kind": "add", "position": [1, 2], "class_name": "C"}', "add.class_name = 'C'.*none of Mo, 2S, 1S"),
        ('{"kind": "add", "position": [1, NaN], "class_name": "Mo"}', "add.position.1 = nan: .* finite"),
        ('{"kind": "add", "position": [1, 1e7], "class_name": "Mo"}', "less than or equal to 1000000"),
        ('{"kind": "add", "position": [1], "class_name": "Mo"}', r"add.position.1 .*Field required"),
        ('{"kind": "add", "position": [1, 2], "class_name": "Mo", "id": -1}', "add.id = -1: "),
        ('{"kind": "move", "ids": [1, 2], "positions": [[1, 2]]}', "1 positions for 2 columns"),
        ('{"kind": "delete", "ids": []}', "delete.ids"),
        ('{"kind": "delete", "ids": [4, 2, 4]}', "column 4 is named twice"),
        ('{"kind": "delete", "ids": [9007199254740992]}', "delete.ids.0 = 9007199254740992"),
        ('{"kind": "delete", "ids": [1], "all": true}', "delete.all = True: Extra inputs"),
        ('{"kind": "swap", "grain": -1}', "swap.grain = -1"),
        ('{"kind": "review", "ids": ["x"]}', "review.ids.0 = 'x'.*valid integer"),
    ],
)
def test_files_that_hold_no_edit_are_refused(text, message):
    with pytest.raises(ValueError, match=message):
        edit_from_json(text)


@pytest.mark.parametrize(
    "value",
    ["x" * 100_000, ["x"] * 20_000, {"y" * 50_000: 1}, [[1, 2]] * 20_000],
    ids=["text", "list", "object", "pairs"],
)
def test_a_refusal_stays_short(value):
    with pytest.raises(ValueError, match="this is no edit of columns") as caught:
        edit_from_json(json.dumps({"kind": "delete", "ids": value}))
    assert len(str(caught.value)) < 1000
    with pytest.raises(ValueError, match="this is no edit of columns") as caught:
        edit_from_json(json.dumps({"kind": "delete", "ids": [1], "z" * 50_000: value}))
    assert len(str(caught.value)) < 1000
