"""Correcting by hand: napari's tools, keys and the panel's buttons become edits that undo takes back."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from qtpy.QtWidgets import QComboBox, QPushButton

from hrtem_app.columns import CLASSES
from hrtem_app.correction import review_order
from hrtem_app.gui import theme
from hrtem_app.gui.panels.correct_panel import CorrectPanel
from hrtem_app.gui.steps import STEPS


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


def buttons_of(panel: CorrectPanel) -> list[Any]:
    return [*panel.findChildren(QPushButton), *panel.findChildren(QComboBox)]


def test_no_text_moves_a_button(panel: CorrectPanel, qtbot: Any) -> None:
    tools, table = panel.workbench.tools, panel.session.table

    def places() -> list[Any]:
        qtbot.wait(20)
        return [button.geometry() for button in buttons_of(panel)]

    panel.resize(400, 700)
    before, height = places(), panel.sizeHint().height()
    assert panel.about.text() == "Nothing selected."
    for ids in ([int(table.ids[0])], table.ids[:40].tolist(), [int(review_order(table)[0])], table.ids.tolist()):
        tools.select(ids)
        assert panel.about.text() != "Nothing selected."
        assert places() == before
    for tool in ("add", "lasso", "select"):
        tools.take(tool)
        assert places() == before
    for _ in range(3):
        panel.review_button.click()
        tools.classify("1S")
        assert places() == before
    assert panel.sizeHint().height() == height
    # Text of any length stands below all of them.
    lowest = max(button.geometry().bottom() for button in buttons_of(panel))
    assert lowest < min(panel.about.geometry().top(), panel.counts.geometry().top())
    # Nor does another button come close to the one that is clicked again and again, or a swap beside it.
    review, swap = panel.review_button.geometry(), panel.swap_button.geometry()
    assert swap.top() - review.bottom() >= review.height()


def test_a_swap_says_what_it_will_do_and_needs_a_selection(panel: CorrectPanel) -> None:
    tools, before = panel.workbench.tools, panel.session.table
    assert len(np.unique(before.grain[before.grain >= 0])) == 1
    for button in (panel.swap_button, panel.confirm_button):
        assert not button.isEnabled()
        assert button.toolTip() == "Select a column of the grain first"
    tools.swap()
    tools.confirm()
    assert panel.session.table is before
    row = int(np.flatnonzero(before.grain == 0)[0])
    tools.select([int(before.ids[row])])
    count = int((before.grain == 0).sum())
    assert panel.swap_button.isEnabled()
    assert panel.swap_button.text() == f"Swap Mo and S in grain 0 ({count} columns)"
    assert panel.confirm_button.text() == f"Mo and S are right in grain 0 ({count} columns)"
    tools.select([])
    assert panel.swap_button.text() == "Swap Mo and S"
    assert not panel.swap_button.isEnabled()


def test_only_a_person_chooses_the_class_of_new_columns(panel: CorrectPanel) -> None:
    tools, table = panel.workbench.tools, panel.session.table
    assert panel.class_box.currentText() == tools.new_class == "Mo"
    tools.select([int(table.ids[0])])
    panel.class_buttons["1S"].click()
    assert panel.session.table.class_names[0] == "1S"
    assert panel.class_box.currentText() == tools.new_class == "Mo"
    panel.class_box.setCurrentIndex(1)
    panel.class_box.activated.emit(1)
    assert tools.new_class == "2S"
    tools.select([])
    press(panel, "3")
    assert panel.class_box.currentText() == tools.new_class == "1S"
    assert panel.session.table.edited.sum() == 1


def test_skipping_changes_nothing(panel: CorrectPanel) -> None:
    session, tools = panel.session, panel.workbench.tools
    tools.select([int(session.table.ids[0])])
    tools.classify("1S")
    session.undo()
    session.note_exported(session.table)
    order = review_order(session.table).tolist()
    assert not panel.skip_button.isEnabled()
    assert panel.review_button.text() == "Next in dispute (N)"
    press(panel, "n")
    assert tools.reviewed == order[0]
    assert panel.review_button.text() == "Right, next (N)"
    assert "as reviewed" in panel.review_button.toolTip()
    panel.skip_button.click()
    press(panel, "Shift-n")
    assert tools.reviewed == order[2]
    assert tools.selected == (order[2],)
    assert session.redo_text == "make 1 column 1S"
    assert session.exported is session.table
    assert not session.table.reviewed.any()
    panel.review_button.click()
    assert session.table.ids[session.table.reviewed].tolist() == [order[2]]
    # Whoever looks at another column says nothing of the one under review.
    tools.select([order[0]])
    assert panel.review_button.text() == "Next in dispute (N)"
    press(panel, "n")
    assert session.table.reviewed.sum() == 1


def test_a_jump_zooms_in_and_never_out(panel: CorrectPanel, viewer: Any) -> None:
    camera = viewer.scene.camera
    viewer.canvas.size = (600, 900)
    camera.zoom = 10
    press(panel, "n")
    assert 900 / camera.zoom == pytest.approx(4.0)
    camera.zoom = 1000
    press(panel, "n")
    assert camera.zoom == 1000


def test_deletions_are_counted(panel: CorrectPanel) -> None:
    tools, table = panel.workbench.tools, panel.session.table
    step = next(step for step in STEPS if step.panel is CorrectPanel)
    tools.select(table.ids[:2].tolist())
    tools.classify("1S")
    assert panel.counts.text().startswith("2 edited, 2 reviewed")
    tools.select(table.ids[1:4].tolist())
    tools.delete()
    assert panel.counts.text().startswith("1 edited, 3 deleted, 1 reviewed")
    assert step.summary(panel.session).startswith("1 edited, 3 deleted, ")
    panel.session.undo()
    assert "deleted" not in panel.counts.text() + step.summary(panel.session)


def test_undo_is_short_on_its_button_and_whole_in_its_tip(panel: CorrectPanel) -> None:
    tools = panel.workbench.tools
    tools.select([int(panel.session.table.ids[0])])
    tools.swap()
    assert panel.undo_button.text() == "Undo"
    assert panel.undo_button.toolTip() == "Undo: swap Mo and S of grain 0"
    panel.undo_button.click()
    assert panel.redo_button.text() == "Redo"
    assert panel.redo_button.toolTip() == "Redo: swap Mo and S of grain 0"


def test_class_buttons_show_the_colours_of_the_canvas(panel: CorrectPanel) -> None:
    for place, (name, button) in enumerate(panel.class_buttons.items()):
        for icon in (button.icon(), panel.class_box.itemIcon(place)):
            picture = icon.pixmap(32, 32).toImage()
            assert picture.pixelColor(16, 16).name() == theme.CLASS_COLOURS[name]


def test_a_column_is_told_in_words(panel: CorrectPanel) -> None:
    tools, table = panel.workbench.tools, panel.session.table
    single = int(table.ids[np.flatnonzero(table.votes == 1)[0]])
    tools.select([single])
    assert ", 1 vote" in panel.about.text()
    assert "1 votes" not in panel.about.text()
    row = int(np.flatnonzero((table.classes == 1) & (table.votes == 3))[0])
    tools.select([int(table.ids[row])])
    tools.classify("Mo")
    assert panel.about.text().endswith("0 votes, edited, reviewed. 3 networks say 2S.")
