"""Correcting by hand: napari's tools, keys and the panel's buttons become edits that undo takes back."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from hrtem_app.columns import CLASSES
from hrtem_app.gui.panels.correct_panel import CorrectPanel


@pytest.fixture
def panel(add_panel: Any, networks: None, fakes: ModuleType, qtbot: Any) -> Any:
    panel = add_panel(CorrectPanel)
    panel.workbench.open_series(fakes.make_series())
    panel.workbench.run()
    qtbot.waitUntil(lambda: panel.session.table is not None)
    return panel


def points_of(panel: CorrectPanel) -> Any:
    return panel.workbench.layers.get("columns")


def shows(panel: CorrectPanel) -> bool:
    """Whether the layer on the canvas is the table, row by row."""
    points, table = points_of(panel), panel.session.table
    return (
        np.array_equal(points.data, table.positions)
        and points.features["id"].tolist() == table.ids.tolist()
        and points.features["class"].tolist() == table.class_names
        and len(points.face_color) == len(points.size) == len(table)
    )


def press(panel: CorrectPanel, key: str) -> None:
    """Press a key on the canvas while the columns' layer is active."""
    from napari.utils.key_bindings import coerce_keybinding

    points = points_of(panel)
    points.keymap[coerce_keybinding(key)](points)


def test_a_class_key_renames_what_is_selected(panel: CorrectPanel) -> None:
    before = panel.session.table
    rows = np.flatnonzero(before.classes == 1)[:3]
    points_of(panel).selected_data = set(rows.tolist())
    press(panel, "3")
    table = panel.session.table
    assert (table.classes[rows] == 2).all()
    assert table.edited.sum() == 3
    assert shows(panel)
    assert panel.undo_button.toolTip() == "Undo: make 3 columns 1S"
    panel.undo_button.click()
    assert panel.session.table is before
    assert shows(panel)
    panel.redo_button.click()
    assert panel.session.table is table
    assert shows(panel)


def test_delete_add_and_move_are_edits(panel: CorrectPanel) -> None:
    before, points = panel.session.table, points_of(panel)
    points.selected_data = {5}
    points.remove_selected()
    assert before.ids[5] not in panel.session.table.ids
    assert shows(panel)
    press(panel, "2")
    points.add(before.positions[5] + 1.5)
    table = panel.session.table
    assert table.ids[-1] == before.ids.max() + 1
    assert CLASSES[table.classes[-1]] == "2S"
    # A click beside a column goes to the maximum of the networks' maps.
    assert np.linalg.norm(table.positions[-1] - before.positions[5]) < 0.7
    assert shows(panel)
    assert points.selected_data == {len(table) - 1}
    points._set_drag_start({3}, points.data[3])
    points._move({3}, points.data[3] + (2.0, 1.0))
    moved = panel.session.table
    assert not np.array_equal(moved.positions[3], table.positions[3])
    assert moved.edited[3]
    assert shows(panel)
    for _ in range(3):
        panel.session.undo()
    assert panel.session.table is before
    assert shows(panel)


def test_a_lasso_selects_what_it_holds(panel: CorrectPanel) -> None:
    tools, table = panel.workbench.tools, panel.session.table
    panel.tool_buttons["lasso"].click()
    assert not points_of(panel).mouse_pan
    centre = table.positions.mean(axis=0)
    angle = np.linspace(0, 2 * np.pi, 40)
    outline = centre + 20 * np.stack([np.sin(angle), np.cos(angle)], axis=1)
    drag(panel, outline)
    inside = np.linalg.norm(table.positions - centre, axis=1)
    assert set(table.ids[inside < 19.5]) <= set(tools.selected) <= set(table.ids[inside < 20.5])
    first = tools.selected
    drag(panel, outline + np.array([0, 60]), "Shift")
    assert set(first) < set(tools.selected)
    panel.tool_buttons["look"].click()
    assert points_of(panel).mouse_pan


def drag(panel: CorrectPanel, outline: Any, *modifiers: str) -> None:
    """Draw with the left button, as the canvas reports it."""
    points = points_of(panel)

    class Event:
        button = 1
        type = "mouse_press"
        position: Any = None

    event = Event()
    event.modifiers = modifiers  # type: ignore[attr-defined]
    event.position = points.data_to_world(outline[0])
    (callback,) = [c for c in points.mouse_drag_callbacks if c.__self__ is panel.workbench.tools]
    steps = callback(points, event)
    next(steps)
    event.type = "mouse_move"
    for corner in outline[1:]:
        event.position = points.data_to_world(corner)
        next(steps)
    event.type = "mouse_release"
    with pytest.raises(StopIteration):
        next(steps)


def test_swapping_a_grain_is_one_action(panel: CorrectPanel) -> None:
    before = panel.session.table
    grain = int(np.bincount(before.grain[before.grain >= 0]).argmax())
    row = int(np.flatnonzero(before.grain == grain)[0])
    points_of(panel).selected_data = {row}
    panel.swap_button.click()
    table = panel.session.table
    inside = before.grain == grain
    assert (table.classes[inside & (before.classes == 0)] > 0).all()
    assert (table.classes[inside & (before.classes > 0)] == 0).all()
    assert (table.classes[~inside] == before.classes[~inside]).all()
    panel.swap_button.click()
    assert np.array_equal(panel.session.table.classes, before.classes)
    panel.undo_button.click()
    panel.undo_button.click()
    assert panel.session.table is before


def test_review_goes_through_all_disputes(panel: CorrectPanel, viewer: Any) -> None:
    from hrtem_app.correction import review_order

    order = review_order(panel.session.table).tolist()
    assert len(order) > 2
    assert f"{len(order)} to review" in panel.counts.text()
    seen = []
    press(panel, "n")
    while panel.workbench.tools.reviewed is not None:
        seen.append(panel.workbench.tools.reviewed)
        assert panel.workbench.tools.selected == (seen[-1],)
        row = int(np.flatnonzero(panel.session.table.ids == seen[-1])[0])
        place = points_of(panel).data_to_world(panel.session.table.positions[row])
        assert viewer.scene.camera.center[-2:] == pytest.approx(place)
        press(panel, "n")
    assert seen == order
    assert panel.session.table.reviewed.sum() == len(order)
    assert not panel.review_button.isEnabled()


def test_corrections_outlive_another_run(panel: CorrectPanel, qtbot: Any) -> None:
    table = panel.session.table
    row = int(np.flatnonzero(table.classes == 1)[10])
    panel.workbench.tools.select([int(table.ids[row])])
    press(panel, "3")
    analysis = panel.session.analysis
    panel.workbench.run()
    qtbot.waitUntil(lambda: panel.session.analysis is not analysis)
    again = panel.session.table
    assert again.edited.sum() == 1
    assert again.class_names[int(np.flatnonzero(again.edited)[0])] == "1S"
    assert shows(panel)


def test_undo_covers_settings_and_series(panel: CorrectPanel, fakes: ModuleType, viewer: Any) -> None:
    session = panel.session
    first, table = session.series, session.table
    for radius in (0.031, 0.032, 0.033):
        session.change_filter(radius=radius)
    session.change(sampling=0.23)
    assert session.undo_text == "change sampling"
    session.undo()
    assert session.recipe.sampling is None
    # A slider's many values are one action.
    assert session.undo_text == "change radius"
    session.undo()
    assert session.recipe.filter.radius == 0.03
    panel.workbench.open_series(fakes.make_series(name="another", size=120))
    assert session.table is None
    assert "columns" not in viewer.layers
    session.undo()
    assert session.series is first
    assert session.table is table
    assert shows(panel)
    session.redo()
    assert session.series.name == "another"
    assert session.table is None


def test_nothing_stays_behind(panel: CorrectPanel, viewer: Any) -> None:
    points = points_of(panel)
    keys, callbacks = dict(points.keymap), list(points.mouse_drag_callbacks)
    panel.workbench.close()
    assert keys
    assert not points.keymap
    assert len(points.mouse_drag_callbacks) == len(callbacks) - 1
    assert points.mouse_pan
    points.remove([0])


def test_undo_of_a_setting_does_not_take_the_result_along_unsaid(panel: CorrectPanel, fakes: ModuleType) -> None:
    session = panel.session
    panel.workbench.open_series(fakes.make_series(name="another"))
    session.change_filter(radius=0.04)
    analysis = fakes.run_to_end(session.series, session.recipe)
    session.accept_analysis(analysis, session.file_series)
    assert session.undo_text == "run the networks"
    session.undo()
    assert session.analysis is None
    assert session.recipe.filter.radius == 0.04
    session.redo()
    assert session.analysis is analysis
