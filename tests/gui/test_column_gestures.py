"""Correcting with the mouse and the keyboard in a real window: each gesture does what its tool says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QApplication

from hrtem_app.correction import review_order
from hrtem_app.gui import application

SHIFT, PLAIN = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.NoModifier


class Hand:
    """A person at the window: mouse and keys on the canvas."""

    def __init__(self, viewer: Any, panel: Any, qtbot: Any) -> None:
        self.viewer, self.session, self.tools, self._qtbot = viewer, panel.session, panel.workbench.tools, qtbot
        self.points = panel.workbench.layers.get("columns")
        self.rail = panel

    @property
    def canvas(self) -> Any:
        """Not held: napari's window is to leave nothing behind."""
        return self.viewer.window._qt_viewer.canvas.native

    @property
    def table(self) -> Any:
        return self.session.table

    def at(self, position: Any) -> QPointF:
        """Where a place (y, x) in pixels of the image is on the canvas."""
        world = np.array(self.points.data_to_world(position)[-2:])
        camera = self.viewer.scene.camera
        y, x = (world - np.array(camera.center[-2:])) * camera.zoom
        return QPointF(self.canvas.width() / 2 + x, self.canvas.height() / 2 + y)

    def drag(self, way: Sequence[Any], modifier: Qt.KeyboardModifier = PLAIN) -> None:
        """Press at the first place, go through the others, and release at the last; a single place is a click."""
        left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
        places = [self.at(position) for position in way]
        self._send(QEvent.Type.MouseMove, places[0], none, none, modifier)
        self._send(QEvent.Type.MouseButtonPress, places[0], left, left, modifier)
        for place in places[1:]:
            self._send(QEvent.Type.MouseMove, place, none, left, modifier)
        self._send(QEvent.Type.MouseButtonRelease, places[-1], left, none, modifier)

    def press(self, key: Qt.Key, modifier: Qt.KeyboardModifier = PLAIN) -> None:
        """Press a key while the canvas has the focus."""
        self.canvas.setFocus()
        self._qtbot.keyClick(self.canvas, key, modifier)
        QApplication.processEvents()

    def place_of(self, column: int) -> np.ndarray:
        return self.table.positions[self.table.ids == column][0]

    def shows_its_table(self) -> bool:
        """Whether what is drawn is the table, row by row."""
        points, table = self.points, self.table
        return bool(
            np.array_equal(points.data, table.positions)
            and points.features["id"].tolist() == table.ids.tolist()
            and points.features["class"].tolist() == table.class_names
            and points.features["reviewed"].tolist() == table.reviewed.tolist()
            and len(points.size) == len(points.shown) == len(points.face_color) == len(table)
        )

    def _send(self, kind: Any, place: QPointF, button: Any, buttons: Any, modifier: Any) -> None:
        everywhere = QPointF(self.canvas.mapToGlobal(QPoint(round(place.x()), round(place.y()))))
        QApplication.sendEvent(self.canvas, QMouseEvent(kind, place, everywhere, button, buttons, modifier))
        QApplication.processEvents()


@pytest.fixture
def hand(
    make_napari_viewer: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    networks: None,
    fakes: ModuleType,
    qtbot: Any,
    settled: None,
) -> Hand:
    monkeypatch.setattr(application.napari, "Viewer", make_napari_viewer)
    viewer, panel = application.create_window()
    qtbot.waitUntil(panel.isVisible)
    panel.workbench.open_series(fakes.make_series())
    qtbot.waitUntil(lambda: panel.session.preview is not None)
    panel.workbench.run()
    qtbot.waitUntil(lambda: panel.session.table is not None)
    panel.show_step("Correct")
    hand = Hand(viewer, panel, qtbot)
    hand.press(Qt.Key.Key_S)
    assert hand.tools.tool == "select"
    return hand


def inner(hand: Hand, number: int = 0) -> int:
    """A column in the middle of the image, far from others that could be hit."""
    centre = hand.table.positions.mean(axis=0)
    order = np.argsort(np.linalg.norm(hand.table.positions - centre, axis=1))
    return int(hand.table.ids[order[number]])


def nowhere(hand: Hand) -> np.ndarray:
    """A place of the image without a column: its corner."""
    return np.array([4.0, 4.0])


def corners(hand: Hand, size: float = 12.0) -> tuple[np.ndarray, np.ndarray]:
    """A box about the middle, whose corners hit no column."""
    centre = hand.table.positions.mean(axis=0)
    steps = np.stack(np.meshgrid(np.arange(0, 16), np.arange(0, 16)), axis=-1).reshape(-1, 2)

    def free(places: np.ndarray) -> np.ndarray:
        away = np.linalg.norm(places[:, None] - hand.table.positions, axis=2).min(axis=1)
        return places[away.argmax()]

    return free(centre - size - steps), free(centre + size + steps)


def inside(hand: Hand, box: Sequence[np.ndarray]) -> set[int]:
    low, high = box
    within = ((hand.table.positions > low) & (hand.table.positions < high)).all(axis=1)
    return set(hand.table.ids[within].tolist())


def test_a_click_selects_and_a_click_into_nothing_deselects(hand: Hand) -> None:
    first, second = inner(hand), inner(hand, 5)
    hand.drag([hand.place_of(first)])
    assert hand.tools.selected == (first,)
    hand.drag([hand.place_of(second)])
    assert hand.tools.selected == (second,)
    hand.drag([hand.place_of(first)], SHIFT)
    assert set(hand.tools.selected) == {first, second}
    hand.drag([hand.place_of(first)], SHIFT)
    assert hand.tools.selected == (second,)
    hand.drag([nowhere(hand)])
    assert hand.tools.selected == ()
    hand.press(Qt.Key.Key_L)
    hand.tools.select([first])
    hand.drag([nowhere(hand)], SHIFT)
    assert hand.tools.selected == (first,)
    hand.drag([nowhere(hand)])
    assert hand.tools.selected == ()
    assert not hand.session.corrections.edits


def test_a_box_selects_and_with_shift_it_adds(hand: Hand) -> None:
    box = corners(hand)
    held = inside(hand, box)
    assert len(held) > 5
    hand.drag([box[0], (box[0] + box[1]) / 2, box[1]])
    # napari counts a column as inside as soon as its dot touches the box.
    first = set(hand.tools.selected)
    assert held <= first
    larger = (box[0], box[1] + (0, 30))
    hand.drag([larger[0], larger[1]], SHIFT)
    assert first < set(hand.tools.selected)
    assert inside(hand, larger) <= set(hand.tools.selected)
    away = (nowhere(hand), nowhere(hand) + 8)
    hand.drag(away, SHIFT)
    assert first < set(hand.tools.selected)
    hand.drag(away)
    assert hand.tools.selected == ()


@pytest.mark.parametrize("key", [Qt.Key.Key_Delete, Qt.Key.Key_Backspace])
def test_both_keys_delete_what_is_selected(hand: Hand, key: Qt.Key) -> None:
    before, gone = hand.table, [inner(hand), inner(hand, 3)]
    hand.drag([hand.place_of(gone[0])])
    hand.drag([hand.place_of(gone[1])], SHIFT)
    hand.press(key)
    assert set(before.ids.tolist()) - set(hand.table.ids.tolist()) == set(gone)
    assert hand.tools.selected == ()
    assert hand.shows_its_table()
    hand.session.undo()
    assert hand.table is before
    assert hand.shows_its_table()


def test_a_drag_moves_what_is_selected_and_it_stays_selected(hand: Hand) -> None:
    before, column = hand.table, inner(hand)
    start, way = hand.place_of(column), np.array([1.0, 2.0])
    hand.drag([start, start + way / 2, start + way])
    assert hand.place_of(column) == pytest.approx(start + way, abs=0.3)
    assert [edit.description for edit in hand.session.corrections.edits] == ["move 1 column"]
    assert hand.tools.selected == (column,)
    assert hand.shows_its_table()
    hand.session.undo()
    assert hand.table is before
    assert hand.tools.selected == (column,)


def test_a_click_adds_a_column_that_is_selected_then(hand: Hand) -> None:
    before = hand.table
    hand.press(Qt.Key.Key_2)
    hand.press(Qt.Key.Key_A)
    place = nowhere(hand) + 3
    hand.drag([place])
    assert len(hand.table) == len(before) + 1
    added = int(hand.table.ids[-1])
    assert hand.table.positions[-1] == pytest.approx(place, abs=0.3)
    assert hand.table.class_names[-1] == "2S"
    assert hand.tools.selected == (added,)
    # So a key says what it is, and another one takes it away again.
    hand.press(Qt.Key.Key_3)
    assert hand.table.class_names[-1] == "1S"
    assert hand.tools.selected == (added,)
    hand.press(Qt.Key.Key_Delete)
    assert added not in hand.table.ids
    assert hand.tools.selected == ()
    hand.session.undo()
    hand.session.undo()
    hand.session.undo()
    assert hand.table is before
    assert hand.tools.selected == ()
    assert hand.shows_its_table()


def test_what_is_selected_stays_so_when_rows_come_back_before_it(hand: Hand) -> None:
    first, last = int(hand.table.ids[2]), int(hand.table.ids[-3])
    hand.tools.select([first])
    hand.press(Qt.Key.Key_Delete)
    hand.tools.select([last])
    hand.session.undo()
    assert hand.tools.selected == (last,)
    hand.session.redo()
    assert hand.tools.selected == (last,)
    assert hand.shows_its_table()


def test_pasting_does_nothing(hand: Hand) -> None:
    hand.drag([hand.place_of(inner(hand))])
    for key in (Qt.Key.Key_C, Qt.Key.Key_V):
        hand.press(key, Qt.KeyboardModifier.ControlModifier)
    assert hand.shows_its_table()


def test_the_panel_follows_naparis_own_tools(hand: Hand) -> None:
    panel = next(panel for panel in hand.rail.panels if hasattr(panel, "tool_buttons"))
    for mode, tool in (("add", "add"), ("pan_zoom", "look"), ("select", "select")):
        hand.points.mode = mode
        assert hand.tools.tool == tool
        assert panel.tool_buttons[tool].isChecked()
    # The box with Shift still adds.
    box = corners(hand)
    hand.drag([box[0], box[1]])
    first = set(hand.tools.selected)
    hand.drag([box[0], box[1]], SHIFT)
    assert set(hand.tools.selected) == first


def test_columns_with_too_few_votes_are_neither_drawn_nor_selected(hand: Hand) -> None:
    table, points = hand.table, hand.points
    few = table.ids[table.votes < 3]
    assert 0 < len(few) < len(table)
    hand.tools.select([int(few[0])])
    hand.session.change_view(votes=3)
    assert hand.tools.selected == ()
    drawn = (points.size > 0) & (points.face_color[:, 3] > 0)
    assert drawn.tolist() == (table.votes == 3).tolist()
    hand.drag([hand.place_of(int(few[0]))])
    assert hand.tools.selected == ()
    hand.press(Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    assert set(hand.tools.selected) == set(table.ids[table.votes == 3].tolist())
    hand.press(Qt.Key.Key_Delete)
    assert hand.table.ids.tolist() == few.tolist()
    assert hand.shows_its_table()


def test_the_column_under_review_is_seen_whatever_is_hidden_or_done_to_it(hand: Hand) -> None:
    hand.session.change_view(votes=3)
    table = hand.table
    waits = review_order(table).tolist()
    hidden = next(column for column in waits if table.votes[table.ids == column][0] < 3)
    while hand.tools.reviewed != hidden:
        hand.press(Qt.Key.Key_N)

    def is_seen() -> bool:
        row = int(np.flatnonzero(hand.table.ids == hidden)[0])
        place = hand.at(hand.table.positions[row])
        on_canvas = 0 <= place.x() <= hand.canvas.width() and 0 <= place.y() <= hand.canvas.height()
        return bool(on_canvas and hand.points.size[row] > 0 and hand.points.face_color[row, 3] > 0)

    assert is_seen()
    assert hand.tools.selected == (hidden,)
    hand.press(Qt.Key.Key_3)
    assert is_seen()
    assert hand.tools.selected == (hidden,)
    hand.session.undo()
    assert is_seen()
    # Deleted, it makes place for what comes after it.
    following = waits[(waits.index(hidden) + 1) % len(waits)]
    hand.press(Qt.Key.Key_Delete)
    hand.press(Qt.Key.Key_N)
    assert hand.tools.reviewed == following
    assert hand.tools.selected == (following,)


def test_corrections_while_the_columns_are_hidden(hand: Hand) -> None:
    before, points = hand.table, hand.points
    hand.tools.select([int(before.ids[-1])])
    points.visible = False
    hand.tools.delete()
    hand.session.undo()
    hand.session.redo()
    hand.session.undo()
    points.visible = True
    QApplication.processEvents()
    assert hand.shows_its_table()
    assert hand.table is before


def borders(hand: Hand) -> dict[float, set[int]]:
    """The columns of each width of the border, none of them for no border."""
    widths = hand.points.border_width
    assert len(widths) == len(hand.table)
    return {width: set(hand.table.ids[widths == width].tolist()) for width in np.unique(widths[widths > 0]).tolist()}


def drawings(hand: Hand, action: Callable[[], object]) -> int:
    """How many times an action makes napari hand all points to the graphics card."""
    visual = hand.viewer.window._qt_viewer.canvas.layer_to_visual[hand.points]
    times: list[object] = []
    visual.node.points_markers.events.data_updated.connect(times.append)
    action()
    visual.node.points_markers.events.data_updated.disconnect(times.append)
    return len(times)


def test_what_is_selected_and_what_was_edited_have_borders(hand: Hand) -> None:
    first, second = inner(hand), inner(hand, 5)
    assert borders(hand) == {}
    hand.drag([hand.place_of(first)])
    ((wide, marked),) = borders(hand).items()
    assert marked == {first}
    assert (hand.points.border_color == 1).all()
    hand.press(Qt.Key.Key_3)
    hand.drag([hand.place_of(second)])
    (thin,) = set(borders(hand)) - {wide}
    assert thin < wide / 2
    assert borders(hand) == {wide: {second}, thin: {first}}
    hand.press(Qt.Key.Key_Delete)
    assert borders(hand) == {thin: {first}}
    hand.press(Qt.Key.Key_A)
    hand.drag([nowhere(hand) + 3])
    added = int(hand.table.ids[-1])
    assert borders(hand) == {wide: {added}, thin: {first}}
    hand.drag([nowhere(hand) + 20])
    assert borders(hand) == {wide: {int(hand.table.ids[-1])}, thin: {first, added}}
    # A reviewed column needs none, and none is left where nobody follows the selection.
    hand.rail.workbench.tools.close()
    assert set(borders(hand)) == {thin}


def test_an_edit_is_drawn_once(hand: Hand) -> None:
    column = inner(hand)
    assert drawings(hand, lambda: hand.tools.select([column])) == 1
    assert drawings(hand, lambda: hand.tools.classify("1S")) == 1
    assert drawings(hand, hand.session.undo) == 1
    # What is marked already is not drawn again.
    assert drawings(hand, lambda: hand.tools.select([column])) == 0


def test_nothing_is_marked_once_nothing_is_selected(hand: Hand) -> None:
    # With the mouse still on the column, which napari marks too with the tool Select.
    hand.drag([hand.place_of(inner(hand))])
    assert len(hand.points._highlight_index) == 1
    hand.press(Qt.Key.Key_A)
    assert hand.tools.selected == ()
    assert len(hand.points._highlight_index) == 0
    assert borders(hand) == {}


def test_columns_are_hidden_while_a_key_is_held(hand: Hand, qtbot: Any) -> None:
    points, opacity = hand.points, hand.points.opacity
    qtbot.keyPress(hand.canvas, Qt.Key.Key_H)
    assert points.opacity == 0
    qtbot.keyRelease(hand.canvas, Qt.Key.Key_H)
    assert points.opacity == opacity > 0
    # The window lost the focus, and the release with it: the next press brings them back all the same.
    points.opacity = 0.0
    hand.press(Qt.Key.Key_H)
    assert points.opacity == opacity
    # Nothing of ours stays with the layer, a key that is held down when the tools go neither.
    qtbot.keyPress(hand.canvas, Qt.Key.Key_H)
    hand.tools.close()
    assert points.opacity == opacity


def test_the_status_bar_tells_our_keys_in_every_mode(hand: Hand) -> None:
    other = hand.viewer.add_points(np.zeros((1, 2)), name="of somebody else")
    hand.tools.activate()
    for mode in ("add", "select", "pan_zoom", "transform", "pan_zoom"):
        hand.points.mode = mode
        assert "1/2/3 Mo/2S/1S" in hand.points.help
        assert hand.viewer.help == hand.points.help
    hand.viewer.layers.selection.active = other
    other.mode = "add"
    assert hand.viewer.help == other.help
    assert "points" in other.help
    hand.tools.close()
    assert "1/2/3" not in hand.points.help


def test_keys_change_columns_only_while_the_step_is_open(hand: Hand) -> None:
    table, column = hand.table, inner(hand)
    hand.drag([hand.place_of(column)])
    hand.rail.show_step("Measure")
    QApplication.processEvents()
    assert (hand.tools.tool, hand.points.mode) == ("look", "pan_zoom")
    assert hand.points.mouse_pan
    assert "open the step Correct" in hand.viewer.help
    # Napari's own keys 1 to 3 delete, add and select.
    keys = (Qt.Key.Key_1, Qt.Key.Key_2, Qt.Key.Key_3, Qt.Key.Key_N, Qt.Key.Key_A, Qt.Key.Key_Delete)
    for key in keys:
        hand.press(key)
        assert hand.table is table
        assert hand.points.mode == "pan_zoom"
        assert hand.tools.selected == (column,)
    # What measures needs a selection as well.
    hand.press(Qt.Key.Key_S)
    assert hand.points.mode == "select"
    hand.rail.show_step("Correct")
    QApplication.processEvents()
    hand.press(Qt.Key.Key_3)
    assert hand.table.class_names[int(np.flatnonzero(table.ids == column)[0])] == "1S"
    assert "1/2/3" in hand.viewer.help
