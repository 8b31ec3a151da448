"""Several tables against one truth: each as by itself, and all numbers as JSON."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from hrtem_app.columns import ColumnTable
from hrtem_app.evaluation.hand_labelled import Truth, score_table
from hrtem_app.evaluation.table_scores import score_tables

TRUE = ColumnTable(
    np.array([[40.0, 40.0], [40.0, 48.0], [40.0, 56.0], [3.0, 3.0]]),
    np.array([0, 1, 2, 0]),
    0.2,
    np.ones(4, int),
    np.ones(4),
)


def test_each_table_is_scored_as_by_itself() -> None:
    moved = replace(TRUE, positions=TRUE.positions + np.array([0, 1]))
    tables = {"all": TRUE, "half": TRUE.select([0, 1]), "moved": moved}
    scores = score_tables(tables, Truth(TRUE), "a file", (100, 100), border=5)
    for name, table in tables.items():
        assert scores.tables[name].values() == score_table(table, Truth(TRUE), (100, 100), border=5).values()
    values = scores.values()
    assert values == json.loads(json.dumps(values, allow_nan=False))
    assert values["true_columns"] == {"Mo": 2, "2S": 1, "1S": 1}
    assert values["image_px"] == {"x": 100, "y": 100}
    assert (values["distance_px"], values["border_px"]) == (3, 5)
    # The column in the corner does not count, and of the other three one was not found.
    assert values["tables"]["half"]["atomic_f1"] == pytest.approx(2 * 2 / (2 * 2 + 1))
    assert values["tables"]["moved"]["position_error_pm"] == pytest.approx(20)


def test_a_table_that_cannot_be_scored_is_named() -> None:
    with pytest.raises(ValueError, match=r"unet: its sampling is 0\.3 Å/px"):
        score_tables({"unet": replace(TRUE, sampling=0.3)}, Truth(TRUE), "a file")
    assert score_tables({}, Truth(TRUE), "a file").values()["border_px"] is None
