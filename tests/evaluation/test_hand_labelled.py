"""Tables against a truth that a person made: counts by hand, and what is judged where only some was reviewed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import ArrayLike

from hrtem_app.columns import ColumnTable, empty_table
from hrtem_app.evaluation.hand_labelled import Truth, read_columns, recorded_shape, score_table

SAMPLING = 0.2
MO, S2, S1 = 0, 1, 2
# 8 px are 1.6 Å, a little less than a bond.
PLACES = np.array([[40.0, 40.0], [40.0, 48.0], [40.0, 56.0], [40.0, 64.0]])


def table(positions: ArrayLike, classes: ArrayLike, **fields: ArrayLike) -> ColumnTable:
    count = len(np.asarray(classes))
    return ColumnTable(
        np.asarray(positions, float), np.asarray(classes), SAMPLING, np.ones(count, int), np.ones(count), **fields
    )


TRUE = table(PLACES, [MO, S2, MO, S1])


def test_counts_confusion_and_error_by_hand() -> None:
    # Mo 2 px off, 2S right, the second Mo missed, 1S taken for 2S, and a Mo where nothing is.
    found = table([[40, 42], [40, 48], [40, 64], [90, 90]], [MO, S2, S2, MO])
    values = score_table(found, Truth(TRUE), (200, 200)).values()
    assert values["counts"] == {
        "Mo": {"hits": 1, "false": 1, "missed": 1},
        "2S": {"hits": 1, "false": 1, "missed": 0},
        "1S": {"hits": 0, "false": 0, "missed": 1},
    }
    assert values["atomic_f1"] == pytest.approx(2 * 2 / (2 * 2 + 2 + 2))
    assert values["atomic_f1_per_class"] == pytest.approx({"Mo": 2 / 4, "2S": 2 / 3, "1S": 0})
    assert values["position_error_pm"] == pytest.approx(100 * SAMPLING * np.sqrt(4 / 2))
    assert values["confusion"]["1S"] == {"Mo": 0, "2S": 1, "1S": 0, "nothing": 0}
    assert values["confusion"]["Mo"] == {"Mo": 1, "2S": 0, "1S": 0, "nothing": 1}
    assert values["columns_judged"] == 4


def test_the_truth_itself_is_perfect_and_nothing_is_not() -> None:
    assert score_table(TRUE, Truth(TRUE)).values()["atomic_f1"] == 1
    values = score_table(empty_table(SAMPLING), Truth(TRUE)).values()
    assert (values["atomic_f1"], values["position_error_pm"]) == (0, None)
    assert values["atomic_f1_per_class"]["Mo"] == 0


def test_the_border_counts_only_where_the_size_is_known() -> None:
    near = table([[5, 5], [40, 40]], [MO, MO])
    found = table([[40, 40]], [MO])
    assert score_table(found, Truth(near), (100, 100)).score.missed.sum() == 0
    assert score_table(found, Truth(near), (100, 100), border=4).score.missed.sum() == 1
    assert score_table(found, Truth(near)).score.missed.sum() == 1


def test_a_hit_lies_within_the_distance() -> None:
    found = table([[40, 44]], [MO])
    true = Truth(table([[40, 40]], [MO]))
    assert score_table(found, true).score.hits.sum() == 0
    assert score_table(found, true, distance=4).score.hits.sum() == 1


def test_only_places_near_reviewed_columns_are_judged() -> None:
    # The second column was reviewed, the fourth edited; about the others nobody said anything.
    truth = Truth(replace(TRUE, reviewed=np.array([0, 1, 0, 0], bool), edited=np.array([0, 0, 0, 1], bool)), True)
    found = table(
        [
            [40, 40.5],  # wrong, but at a column that nobody looked at
            [40, 48.5],  # right
            [42, 46.0],  # a second one within 0.9 Å of a reviewed column: false
            [40, 60.5],  # within 0.9 Å of the edited one, but nearer to none other: of the wrong class
            [90, 90.0],  # where the truth has nothing: nobody looked
        ],
        [S1, S2, S2, MO, MO],
    )
    score = score_table(found, truth, (200, 200))
    assert score.columns == 3
    assert score.score.hits.tolist() == [0, 1, 0]
    assert score.score.false.tolist() == [1, 1, 0]
    assert score.score.missed.tolist() == [0, 0, 1]
    # All of them judged: the two Mo are missed, too, and five found ones are wrong or not there but for one.
    everything = score_table(found, Truth(truth.table), (200, 200)).score
    assert everything.missed.sum() == 3
    assert everything.false.sum() == 4


def test_a_wider_hit_widens_what_is_judged() -> None:
    truth = Truth(replace(table(PLACES[:1], [MO]), reviewed=np.array([True])), True)
    found = table([[40, 46]], [MO])
    assert score_table(found, truth).columns == 0
    assert score_table(found, truth, distance=7).score.hits.sum() == 1


def test_other_samplings_and_empty_truths_are_refused() -> None:
    with pytest.raises(ValueError, match=r"its sampling is 0.21 Å/px, that of the truth 0.2: give tables of the same"):
        score_table(replace(TRUE, sampling=0.21), Truth(TRUE))
    score_table(replace(TRUE, sampling=SAMPLING * (1 + 1e-6)), Truth(TRUE))
    with pytest.raises(ValueError, match=r"holds no columns.*give a table with some"):
        Truth(empty_table(SAMPLING))
    with pytest.raises(ValueError, match=r"none of the 4 columns.*is reviewed or edited.*without --reviewed-only"):
        Truth(TRUE, reviewed_only=True)
    with pytest.raises(ValueError, match="a distance of -1 px is impossible"):
        score_table(TRUE, Truth(TRUE), distance=-1)
    with pytest.raises(ValueError, match="a border of nan px is impossible"):
        score_table(TRUE, Truth(TRUE), border=float("nan"))


def test_tables_are_read_with_their_own_sampling_unless_they_are_empty(tmp_path: Path) -> None:
    TRUE.to_csv(tmp_path / "some.csv")
    empty_table(0.3).to_csv(tmp_path / "none.csv")
    assert read_columns(tmp_path / "some.csv", 0.5).sampling == pytest.approx(SAMPLING, rel=1e-6)
    assert read_columns(tmp_path / "none.csv", 0.5).sampling == 0.5


def test_the_size_of_the_image_stands_in_the_record_beside_a_table(tmp_path: Path) -> None:
    record = tmp_path / "analysis.json"
    assert recorded_shape(tmp_path / "columns.csv") is None
    record.write_text(json.dumps({"series": {"size_px": {"x": 30, "y": 20}}}), encoding="utf-8")
    assert recorded_shape(tmp_path / "columns.csv") == (20, 30)
    for broken in ("{", "[]", '{"series": {}}', '{"series": {"size_px": {"x": null, "y": 3}}}'):
        record.write_text(broken, encoding="utf-8")
        assert recorded_shape(tmp_path / "columns.csv") is None
