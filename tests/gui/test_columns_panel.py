from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import Qt

from hrtem_app.gui.panels.columns_panel import ColumnsPanel


@pytest.fixture
def panel(add_panel: Any, networks: None, fakes: ModuleType, qtbot: Any) -> Any:
    panel = add_panel(ColumnsPanel)
    panel.workbench.open_series(fakes.make_series())
    panel.workbench.run()
    qtbot.waitUntil(lambda: panel.session.analysis is not None)
    return panel


def test_counts_are_those_of_the_table(panel: ColumnsPanel) -> None:
    analysis = panel.session.analysis
    shown = [int(panel.table.number(row, 0)) for row in range(3)]
    assert shown == list(analysis.table.counts().values())
    unet = [int(panel.table.number(row, 1)) for row in range(4)]
    expected = list(analysis.networks["unet"].columns.counts().values())
    assert unet == [*expected, sum(expected)]


def test_the_votes_slider_hides_columns(panel: ColumnsPanel, qtbot: Any) -> None:
    panel.votes.setFocus()
    qtbot.keyClick(panel.votes, Qt.Key.Key_Right)
    qtbot.keyClick(panel.votes, Qt.Key.Key_Right)
    table, points = panel.session.analysis.table, panel.workbench.layers.get("columns")
    assert panel.session.view.votes == 3
    assert points.shown.sum() == (table.votes == 3).sum() < len(table)
    assert int(panel.table.number(3, 0)) == points.shown.sum()


def test_the_agreement_picture_follows_class_kind_and_networks(panel: ColumnsPanel) -> None:
    layer = panel.workbench.layers.get("agreement")
    panel.picture_box.click()
    assert layer.visible
    whole = layer.data.copy()
    panel.kind_box.setCurrentIndex(2)
    assert panel.session.view.kind == "unique"
    assert layer.data.sum() < whole.sum()
    panel.kind_box.setCurrentIndex(0)
    panel.networks["unet"].click()
    assert panel.session.view.hidden == {"unet"}
    assert layer.data[..., 0].max() == 0
    assert layer.data[..., 1].max() == 1
    panel.class_box.setCurrentIndex(2)
    assert panel.workbench.layers.get("map:unet_pp").data.sum() < whole.sum()


def test_check_boxes_follow_the_layer_list(panel: ColumnsPanel) -> None:
    panel.workbench.layers.get("columns").visible = False
    assert not panel.columns_box.isChecked()
    panel.columns_box.click()
    assert panel.workbench.layers.get("columns").visible


def test_the_threshold_works_without_the_networks(panel: ColumnsPanel, qtbot: Any, monkeypatch: Any) -> None:
    import hrtem_app.analysis

    def never(*_: object) -> None:
        raise AssertionError("the networks were run")

    monkeypatch.setattr(hrtem_app.analysis, "analysis_steps", never)
    analysis, session = panel.session.analysis, panel.session
    panel.workbench.tools.select([3])
    panel.workbench.tools.classify("1S")
    for value in (0.7, 0.8, 0.9):
        panel.threshold.number.setValue(value)
    qtbot.waitUntil(lambda: session.analysis.recipe.columns.threshold == 0.9)
    assert not session.stale
    assert session.analysis.networks["unet"].probabilities is analysis.networks["unet"].probabilities
    assert len(session.table) < len(analysis.table)
    assert [m.level for m in session.messages if m.source == "correct"] == ["warning"]
    # One action takes the whole drag back, and the columns with it.
    session.undo()
    qtbot.waitUntil(lambda: session.analysis.recipe.columns.threshold == 0.5)
    assert session.analysis is analysis
    assert session.table.edited.sum() == 1


def test_the_palette_is_the_same_in_dots_maps_and_names(panel: ColumnsPanel, qtbot: Any) -> None:
    from hrtem_app.inference.palette import PALETTES

    layers = panel.workbench.layers
    before = layers.get("agreement").data
    panel.palette_box.setCurrentIndex(1)
    assert panel.session.view.palette == "colour-blind"
    picture, alone = layers.get("agreement").data, layers.get("map:msd_net").colormap
    shares = PALETTES["colour-blind"][2]
    # The fakes agree everywhere, and what all three add up to is white in either palette.
    assert np.allclose(picture.max(axis=(0, 1)), before.max(axis=(0, 1)))
    assert np.allclose(alone.map(1.0)[0, :3], np.array(shares) / max(shares), atol=1e-3)
    inks = {box.styleSheet() for box in panel.networks.values()}
    assert len(inks) == len(panel.networks)
    panel.palette_box.setCurrentIndex(0)
    assert layers.get("map:msd_net").colormap.name == "blue"
    assert inks.isdisjoint(box.styleSheet() for box in panel.networks.values())


def test_classes_have_the_same_colours_as_in_figures() -> None:
    from hrtem_app.gui import theme
    from hrtem_app.inference.palette import CLASS_COLOURS

    assert theme.CLASS_COLOURS == CLASS_COLOURS
