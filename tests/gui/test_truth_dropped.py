"""Tables of columns that come into the window become truths of the open series."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from hrtem_app.columns import ColumnTable
from hrtem_app.gui.panels.series_panel import SeriesPanel, is_openable


def test_a_table_that_is_dropped_is_no_series(
    add_panel: Any, fakes: ModuleType, tmp_path: Path, qtbot: Any, viewer: Any
) -> None:
    panel = add_panel(SeriesPanel)
    panel.workbench.open_series(fakes.make_series())
    positions, classes = fakes.columns((160, 160))
    ones = np.ones(len(classes))
    ColumnTable(positions, classes, fakes.SAMPLING, ones.astype(int), ones).to_csv(tmp_path / "true.csv")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    assert not is_openable(tmp_path / "other.csv")
    assert fakes.drop(panel, [tmp_path / "true.csv"])
    qtbot.waitUntil(lambda: "true" in viewer.layers)
    assert panel.session.series.name == "specimen"
    (truth,) = panel.workbench.scoring.truths
    np.testing.assert_allclose(truth.table.positions, positions, atol=1e-4)
    # It is offered; what is held to be true stays what a person chose.
    assert panel.workbench.scoring.chosen is None
