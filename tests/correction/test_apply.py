"""What edits do to each field of a table, against a plain model of rows, and what they refuse."""

from dataclasses import replace

import numpy as np
import pytest

from hrtem_app.columns import CLASSES, ColumnTable, empty_table
from hrtem_app.correction import (
    Add,
    ConfirmSublattices,
    Delete,
    Move,
    Reclassify,
    Review,
    SwapSublattices,
    apply,
    edit_from_json,
    edit_to_json,
)
from hrtem_app.correction.disputes import retold


def one_row(table, number):
    """A column's row as text."""
    return next(row for row in table.rows() if row["id"] == str(number))


def test_an_added_column_has_nothing_from_networks(made_table, tmp_path):
    table = made_table()
    after = apply(table, Add(position=(225.125, 8.5), class_name="1S"))
    assert len(after) == len(table) + 1
    row = after.rows()[-1]
    assert int(row.pop("id")) == table.ids.max() + 1
    assert row == {
        "class": "1S", "x_px": "8.5000", "y_px": "225.1250", "x_A": "1.70000", "y_A": "45.02500",
        "votes": "0", "probability": "", "p_unet": "", "p_unet_pp": "", "p_msd_net": "", "spread_pm": "",
        "disputed": "", "edited": "1", "reviewed": "0",
    }  # fmt: skip
    assert after.rows()[:-1] == table.rows()
    after.to_csv(tmp_path / "columns.csv")
    assert ColumnTable.from_csv(tmp_path / "columns.csv").rows()[-1] == after.rows()[-1]


@pytest.mark.parametrize(("off", "grain"), [(0.4, 0), (2.2, 0), (2.6, -1), (30.0, -1)])
def test_an_added_column_belongs_to_the_grain_of_a_nearest_neighbour(made_table, off, grain):
    table = made_table()
    corner = table.positions[table.grain == 0].min(axis=0)
    first = table.positions[table.grain == 0][0]
    assert first == pytest.approx(corner, abs=4)
    edit = Add(position=(first[0] - off / table.sampling, first[1]), class_name="Mo")
    after = apply(table, edit)
    assert (after.grain[-1], after.decided[-1]) == (grain, grain == 0)
    assert np.isnan(after.grain_evidence[-1])


def test_a_column_of_no_grain_hides_no_grain(made_table):
    table = made_table()
    first = table.positions[table.grain == 0][0]
    stray = apply(table, Add(position=tuple(first - [20.0, 0.0]), class_name="Mo"))
    assert stray.grain[-1] == -1
    between = apply(stray, Add(position=tuple(first - [11.0, 0.0]), class_name="Mo"))
    assert between.grain[-1] == 0


def test_a_column_added_to_nothing(tmp_path):
    after = apply(empty_table(0.2), Add(position=(1.0, 2.0), class_name="Mo"))
    assert after.ids.tolist() == [0]
    after.to_csv(tmp_path / "columns.csv")
    assert ColumnTable.from_csv(tmp_path / "columns.csv").rows() == after.rows()
    assert len(apply(after, Delete(ids=(0,)))) == 0


def test_moving_keeps_what_networks_said_of_the_column(made_table):
    table = made_table()
    number = int(table.ids[4])
    after = apply(table, Move(ids=(number,), positions=((10.0, 20.5),)))
    before, row = one_row(table, number), one_row(after, number)
    assert row == before | {
        "y_px": "10.0000", "x_px": "20.5000", "y_A": "2.00000", "x_A": "4.10000", "spread_pm": "", "edited": "1"
    }  # fmt: skip
    assert after.ids.tolist() == table.ids.tolist()


def test_positions_go_to_the_ids_in_their_order(made_table):
    table = made_table()
    ids, positions = tuple(table.ids[[9, 3, 7]]), ((1.0, 2.0), (3.0, 4.0), (5.0, 6.0))
    after = apply(table, Move(ids=ids, positions=positions))
    assert after.positions[[9, 3, 7]].tolist() == [list(p) for p in positions]


def test_another_class_comes_with_its_own_votes_only(made_table):
    table = replace(made_table(), disputed=("2S:unet_pp", *made_table().disputed[1:]))
    assert CLASSES[table.classes[0]] == "Mo"
    number, before = int(table.ids[0]), table.rows()[0]
    as_2s, as_1s = (one_row(apply(table, Reclassify(ids=(number,), class_name=c)), number) for c in ("2S", "1S"))
    votes = "1 vote" if before["votes"] == "1" else f"{before['votes']} votes"
    unknown = {"probability": "", "p_unet": "", "p_unet_pp": "", "p_msd_net": "", "edited": "1", "reviewed": "1"}
    assert as_2s == before | unknown | {"class": "2S", "votes": "1", "disputed": f"Mo:{votes}"}
    assert as_1s == before | unknown | {"class": "1S", "votes": "0", "disputed": f"Mo:{votes};2S:unet_pp"}


def test_the_class_that_it_has_is_a_review_and_no_change(made_table):
    table = made_table()
    number = int(table.ids[0])
    after = apply(table, Reclassify(ids=(number,), class_name="Mo"))
    assert one_row(after, number) == one_row(table, number) | {"reviewed": "1"}


@pytest.mark.parametrize(
    ("text", "votes", "former", "new", "told"),
    [
        ("", 3, "2S", "1S", ("2S:3 votes", 0)),
        ("", 0, "2S", "1S", ("", 0)),
        ("1S:unet_pp", 2, "2S", "1S", ("2S:2 votes", 1)),
        ("2S:2 votes", 1, "1S", "2S", ("1S:1 vote", 2)),
        ("1S:unet;Mo:msd_net", 1, "2S", "Mo", ("2S:1 vote;1S:unet", 1)),
        ("1S:unet;1S:unet_pp", 1, "2S", "1S", ("2S:1 vote", 2)),
        ("what is this;1S:", 1, "2S", "1S", ("2S:1 vote;what is this", 1)),
        (f"1S:{'9' * 40} votes", 0, "2S", "1S", ("", 1)),
    ],
)
def test_disputes_are_told_of_the_new_class(text, votes, former, new, told):
    assert retold(text, votes, former, new) == told


def test_swapping_a_grain(made_table):
    table = made_table()
    grain = table.grain == 1
    mo = grain & (table.classes == 0)
    single = tuple(table.ids[mo][[2, 5]].tolist())
    after = apply(table, SwapSublattices(grain=1, single=single))
    assert (after.classes[grain & ~mo] == 0).all()
    assert dict(zip(after.ids[mo].tolist(), after.classes[mo].tolist(), strict=True)) == {
        i: 2 if i in single else 1 for i in table.ids[mo].tolist()
    }
    assert after.decided[grain].all()
    assert after.edited[grain].all()
    assert np.array_equal(after.grain_evidence, table.grain_evidence, equal_nan=True)
    assert after.select(~grain).rows() == table.select(~grain).rows()
    assert np.array_equal(after.positions, table.positions)
    assert np.array_equal(after.reviewed, table.reviewed)


def test_confirming_a_grain_only_decides_it(made_table):
    table = made_table()
    after = apply(table, ConfirmSublattices(grain=1))
    assert after.decided.tolist() == (table.decided | (table.grain == 1)).tolist()
    assert [r | {"decided": ""} for r in after.rows()] == [{"decided": ""} | r | {"decided": ""} for r in table.rows()]


def test_a_review_is_no_edit(made_table):
    table = made_table()
    ids = tuple(table.ids[[1, 8]].tolist())
    seen = apply(table, Review(ids=ids))
    assert np.flatnonzero(seen.reviewed).tolist() == [1, 8]
    assert not seen.edited.any()
    assert apply(seen, Review(ids=ids, reviewed=False)).rows() == table.rows()


def test_deleted_columns_are_gone_and_the_others_are_as_they_were(made_table):
    table = made_table()
    after = apply(table, Delete(ids=tuple(table.ids[[0, 10, 11]].tolist())))
    assert after.rows() == [row for i, row in enumerate(table.rows()) if i not in {0, 10, 11}]


def test_edits_that_change_nothing_give_the_same_table(made_table):
    table = made_table()
    number = int(table.ids[3])
    for edit in (
        Move(ids=(number,), positions=(tuple(table.positions[3]),)),
        Review(ids=(number,), reviewed=False),
        ConfirmSublattices(grain=0),
    ):
        assert apply(table, edit) is table


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (Delete(ids=(99_999,)), "no column has the id 99999"),
        (Move(ids=(99_998,), positions=((0, 0),)), "no column has the id 99998"),
        (Reclassify(ids=(99_997,), class_name="Mo"), "no column has the id 99997"),
        (Review(ids=(99_996,)), "no column has the id 99996"),
        (SwapSublattices(grain=7), "there is no grain 7: the grains of the table are 0, 1"),
        (ConfirmSublattices(grain=2), "there is no grain 2"),
        (SwapSublattices(grain=0, single=(99_999,)), "99999 cannot become 1S"),
    ],
)
def test_edits_of_what_is_not_there_are_refused(made_table, edit, message):
    with pytest.raises(ValueError, match=message):
        apply(made_table(), edit)


def test_what_cannot_be_single_sulphur_or_new_is_refused(made_table):
    table = made_table()
    sulphur = int(table.ids[(table.grain == 0) & (table.classes == 1)][0])
    with pytest.raises(ValueError, match=f"{sulphur} cannot become 1S"):
        apply(table, SwapSublattices(grain=0, single=(sulphur,)))
    with pytest.raises(ValueError, match=f"the id {sulphur} is taken"):
        apply(table, Add(position=(1, 1), class_name="Mo", id=sulphur))


class PlainModel:
    """Rows as dictionaries by id, in order; the rules once more, row by row."""

    def __init__(self, table):
        self.rows = {
            number: {
                "class": CLASSES[table.classes[i]],
                "place": tuple(table.positions[i].tolist()),
                "edited": bool(table.edited[i]),
                "reviewed": bool(table.reviewed[i]),
                "decided": bool(table.decided[i]),
                "grain": int(table.grain[i]),
                "unknown": bool(np.isnan(table.probability[i])),
                "no spread": bool(np.isnan(table.spread[i])),
            }
            for i, number in enumerate(table.ids.tolist())
        }

    def turn(self, number, name):
        row = self.rows[number]
        if row["class"] != name:
            row |= {"class": name, "edited": True, "unknown": True}

    def do(self, told, sampling):
        """An edit as plain JSON."""
        if told["kind"] == "add":
            return self.add(told, sampling)
        if told["kind"] in {"swap", "confirm"}:
            return self.decide(told)
        places = told.get("positions") or [None] * len(told["ids"])
        for number, place in zip(told["ids"], places, strict=True):
            if told["kind"] == "delete":
                del self.rows[number]
            elif told["kind"] == "move":
                self.rows[number] |= {"place": tuple(place), "edited": True, "no spread": True}
            elif told["kind"] == "reclassify":
                self.turn(number, told["class_name"])
                self.rows[number]["reviewed"] = True
            else:
                self.rows[number]["reviewed"] = told["reviewed"]
        return None

    def decide(self, told):
        for number, row in self.rows.items():
            if row["grain"] == told["grain"]:
                sulphur = "1S" if number in (told.get("single") or []) else "2S"
                if told["kind"] == "swap":
                    self.turn(number, sulphur if row["class"] == "Mo" else "Mo")
                row["decided"] = True

    def add(self, told, sampling):
        y, x = told["position"]
        near = [
            (np.hypot(row["place"][0] - y, row["place"][1] - x) * sampling, row)
            for row in self.rows.values()
            if row["grain"] >= 0
        ]
        distance, neighbour = min(near, key=lambda pair: pair[0], default=(np.inf, {}))
        same = distance <= 2.4
        self.rows[max(self.rows, default=-1) + 1] = {
            "class": told["class_name"], "place": (y, x), "edited": True, "reviewed": False,
            "decided": same and neighbour["decided"], "grain": neighbour["grain"] if same else -1,
            "unknown": True, "no spread": True,
        }  # fmt: skip


@pytest.mark.parametrize("seed", range(12))
def test_any_edits_do_what_the_plain_model_does(made_table, random_edit, content, seed):
    rng = np.random.default_rng(seed)
    table = made_table(seed=seed)
    model = PlainModel(table)
    for _ in range(60):
        edit = random_edit(rng, table)
        untouched = content(table)
        after = apply(table, edit)
        assert content(table) == untouched
        assert content(apply(table, edit_from_json(edit_to_json(edit)))) == content(after)
        model.do(edit.model_dump(), table.sampling)
        assert list(model.rows.items()) == list(PlainModel(after).rows.items())
        table = after
