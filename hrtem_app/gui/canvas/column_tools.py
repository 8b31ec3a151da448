"""What a person does to the columns on the canvas, with napari's own tools and some keys, as edits of the session."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from app_model.types import KeyCode, KeyMod
from napari.components import ViewerModel
from napari.layers import Points
from napari.layers.base import ActionType
from psygnal import Signal

from hrtem_app.columns import CLASSES
from hrtem_app.correction.walk import ReviewWalk
from hrtem_app.gui.canvas.column_drags import Lasso, add_box
from hrtem_app.gui.canvas.layers import Layers
from hrtem_app.gui.links import Links
from hrtem_app.gui.session import Session

if TYPE_CHECKING:
    from hrtem_app.columns import ColumnTable
    from hrtem_app.correction import Edit

Tool = Literal["look", "select", "lasso", "add"]
# napari's mode of the layer for each tool.
_MODES: dict[Tool, str] = {"look": "pan_zoom", "select": "select", "lasso": "pan_zoom", "add": "add"}
# Of the image, at most this much is seen across when a column comes up for review, in nm.
_SEEN_NM = 4.0
# In napari's status bar, in place of its own keys, some of which do something else here.
_HELP_EDITING = "V look, S select, A add, 1/2/3 Mo/2S/1S, N next, H hide"
_HELP_LOOKING = "V look, S select, L lasso, H hide; open the step Correct to change columns"
_IS_CLOSED = "Columns are changed in the step Correct: open it first."
# The tool for each mode that napari's own buttons and keys set.
_TOOLS: dict[str, Tool] = {"select": "select", "add": "add"}


class ColumnTools:
    """Editing of the columns' layer of one viewer.

    With a tool in hand, napari's own gestures do what they do in any layer of points: drag a box to select, drag what
    is selected to move it, click to add, Delete to delete. Each becomes one edit of the session, which undo takes back.
    Only a box with Shift is another one: it adds to what is selected, as a lasso does, and takes nothing out.

    Parameters
    ----------
    viewer
        Where the layer is.
    session
        What is edited.
    layers
        That show it.
    """

    changed = Signal()

    def __init__(self, viewer: ViewerModel, session: Session, layers: Layers) -> None:
        self._viewer, self._session, self._layers = viewer, session, layers
        self._points: Points | None = None
        self._lasso = Lasso(viewer)
        self.tool: Tool = "look"
        self.new_class = CLASSES[0]
        self._walk = ReviewWalk()
        self._is_held_back = False
        # Of the columns while they are seen.
        self._opacity = 1.0
        # Steps on screen that correct columns, and what napari said of the layer before.
        self._editors: set[int] = set()
        self._help_before = ""
        self._links = Links((layers.columns_made, self._on_made))
        self._links.open()

    def close(self) -> None:
        """Let go of the layer: its keys, its mouse and its events."""
        self._links.close()
        self._let_go()
        self._layers.mark_selected(followed=False)

    def begin(self, editor: int) -> None:
        """A step that corrects columns came on screen: keys may change columns now.

        Parameters
        ----------
        editor
            Which one, in case that there are two.
        """
        self._editors.add(editor)
        self.activate()
        self._show_help()

    def end(self, editor: int) -> None:
        """It went from the screen: with the last one, keys change nothing any more, and drags move the image."""
        if editor in self._editors:
            self._editors.remove(editor)
            if not self._editors:
                self._put_down()

    @property
    def reviewed(self) -> int | None:
        """Id of the column under review; None for none."""
        return self._walk.here

    @property
    def selected(self) -> tuple[int, ...]:
        """Ids of the selected columns."""
        table, points = self._layers.shown_table, self._points
        if table is None or points is None:
            return ()
        rows = np.array(sorted(points.selected_data), np.int64)
        return tuple(table.ids[rows[rows < len(table)]].tolist())

    def select(self, ids: Sequence[int]) -> None:
        """Select columns, and no others."""
        table, points = self._layers.shown_table, self._points
        if table is not None and points is not None:
            points.selected_data = set(np.flatnonzero(np.isin(table.ids, list(ids))).tolist())
            self.changed.emit()

    def take(self, tool: Tool) -> None:
        """Take a tool in hand."""
        self.tool = tool
        points = self._layers.get("columns")
        if isinstance(points, Points):
            self._viewer.layers.selection.active = points
            if not points.visible:
                points.visible = True
            points.mode = _MODES[tool]
            # napari moves the image when a drag is nobody's; a lasso is ours.
            points.mouse_pan = tool == "look"
            self._listen_last(points)
        self.changed.emit()

    def choose_class(self, name: str) -> None:
        """Choose what columns are that are added from now on."""
        self.new_class = name
        self.changed.emit()

    def activate(self) -> None:
        """Make the columns' layer the one that keys go to."""
        points = self._layers.get("columns")
        if points is not None:
            self._viewer.layers.selection.active = points

    def classify(self, name: str) -> None:
        """Say what the selected columns are; with none selected, what columns are that are added from now on."""
        from hrtem_app.correction import Reclassify

        ids = self.selected
        if ids:
            self._edit(Reclassify(ids=ids, class_name=name))
            self.changed.emit()
        else:
            self.choose_class(name)

    def delete(self) -> None:
        """Delete the selected columns."""
        from hrtem_app.correction import Delete

        ids = self.selected
        if ids:
            self._edit(Delete(ids=ids))

    def swap(self) -> None:
        """Exchange Mo and S in the grains of the selected columns."""
        from hrtem_app.correction import SwapSublattices
        from hrtem_app.correction.from_maps import single_sulphur

        corrections, analysis = self._session.corrections, self._session.analysis
        if corrections is None or analysis is None:
            return
        for grain in self.selected_grains():
            # Back again, the history knows which were single; the first time the networks' maps tell.
            known = corrections.was_swapped(grain)
            single = None if known else single_sulphur(corrections.table, grain, analysis.networks)
            self._edit(SwapSublattices(grain=grain, single=single))

    def confirm(self) -> None:
        """Say that Mo and S are right in the grains of the selected columns."""
        from hrtem_app.correction import ConfirmSublattices

        for grain in self.selected_grains():
            self._edit(ConfirmSublattices(grain=grain))

    def selected_grains(self) -> tuple[int, ...]:
        """Grains of the selected columns."""
        table = self._session.table
        if table is None:
            return ()
        grains = table.grain[np.isin(table.ids, self.selected)]
        return tuple(np.unique(grains[grains >= 0]).tolist())

    @property
    def is_reviewing(self) -> bool:
        """Whether `review_next` marks a column: the one under review, unless another was selected meanwhile."""
        return self._walk.here is not None and self._walk.here in self.selected

    def review_next(self) -> None:
        """Mark the column under review as reviewed, and go to the next one that waits."""
        self._mark_reviewed()
        self.skip()

    def skip(self) -> None:
        """Go to the next column that waits for a review; the one under review waits on."""
        table = self._session.table
        if table is None:
            return
        following = self._walk.go_on(table)
        self._layers.keep_visible(following)
        if following is not None:
            # With this tool napari marks what is selected, and it can be dragged.
            self.take("select")
            self.select([following])
            self._look_at(table, following)
        self.changed.emit()

    def _mark_reviewed(self) -> None:
        from hrtem_app.correction import Review

        table, here = self._session.table, self._walk.here
        if table is None or here is None or not self.is_reviewing:
            return
        if not table.reviewed[table.ids == here][0]:
            self._edit(Review(ids=(here,)))

    def _look_at(self, table: ColumnTable, column: int) -> None:
        points = self._points
        if points is None:
            return
        y, x = points.data_to_world(table.positions[table.ids == column][0])[-2:]
        camera = self._viewer.scene.camera
        camera.center = (0.0, float(y), float(x))
        camera.zoom = max(camera.zoom, max(self._viewer.canvas.size) / _SEEN_NM)

    def _edit(self, edit: Edit) -> None:
        if not self._session.correct(edit):
            self._layers.show_columns_again()

    def _on_made(self) -> None:
        self._let_go()
        points = self._layers.get("columns")
        if not isinstance(points, Points):
            return
        self._points, self._walk, self._is_held_back = points, ReviewWalk(), False
        self._help_before = points.help
        points.events.data.connect(self._on_data)
        points.events.mode.connect(self._on_mode)
        points.events.help.connect(self._show_help)
        points.selected_data.events.items_changed.connect(self._on_selected)
        for key, action in self._keys().items():
            points.bind_key(key, action, overwrite=True)
        self.take("look")
        self._show_help()

    def _let_go(self) -> None:
        points, self._points = self._points, None
        if points is None:
            return
        points.events.data.disconnect(self._on_data)
        points.events.mode.disconnect(self._on_mode)
        points.events.help.disconnect(self._show_help)
        points.selected_data.events.items_changed.disconnect(self._on_selected)
        for key in self._keys():
            points.keymap.pop(_key(key), None)
        if self._on_drag in points.mouse_drag_callbacks:
            points.mouse_drag_callbacks.remove(self._on_drag)
        points.mode, points.mouse_pan, self.tool = _MODES["look"], True, "look"
        points.help = self._help_before
        if points.opacity == 0:
            # A key is held down still, and its release may never be seen.
            points.opacity = self._opacity
        self._lasso.remove()

    def _keys(self) -> dict[str | int, Callable[[Points], object]]:
        """Keys that work while the columns' layer is the active one, some of them only in a step that corrects."""
        keys: dict[str | int, Callable[[Points], object]] = {
            "h": self._peek,
            "v": lambda _: self.take("look"),
            "s": lambda _: self.take("select"),
            "l": lambda _: self.take("lasso"),
            # napari would paste points, tell nobody, and put each upon the one that was copied.
            KeyMod.CtrlCmd | KeyCode.KeyV: lambda _: None,
        }
        edits: dict[str, Callable[[], None]] = {
            str(number): partial(self.classify, name) for number, name in enumerate(CLASSES, start=1)
        }
        edits |= {
            "n": self.review_next,
            "Shift-n": self.skip,
            "a": partial(self.take, "add"),
            "Delete": self.delete,
            "Backspace": self.delete,
        }
        return keys | {key: self._if_editing(action) for key, action in edits.items()}

    def _peek(self, points: Points) -> Generator[None]:
        """See the image under the dots for as long as the key is held down."""
        # Where a release got lost, with the focus say, the dots are gone still, and this press brings them back.
        if points.opacity > 0:
            self._opacity = points.opacity
        points.opacity = 0.0
        yield
        points.opacity = self._opacity

    def _if_editing(self, action: Callable[[], None]) -> Callable[[Points], None]:
        """What a key does; where no step corrects, it keeps napari's own from deleting and adding."""

        def act(_: Points) -> None:
            if self._editors:
                action()
            else:
                self._viewer.status = _IS_CLOSED

        return act

    def _put_down(self) -> None:
        """Put the tool down, wherever the keys go now."""
        self.tool = "look"
        if self._points is not None:
            self._points.mode, self._points.mouse_pan = _MODES["look"], True
            self._listen_last(self._points)
            self._show_help()
        self.changed.emit()

    def _show_help(self, *_: object) -> None:
        """Say our keys: napari says its own whenever a layer's mode changes."""
        points = self._points
        if points is None:
            return
        points.help = _HELP_EDITING if self._editors else _HELP_LOOKING
        if self._viewer.layers.selection.active is points:
            self._viewer.help = points.help

    def _listen_last(self, points: Points) -> None:
        """Come after napari's own handler of a drag, which each mode puts at the end."""
        if self._on_drag in points.mouse_drag_callbacks:
            points.mouse_drag_callbacks.remove(self._on_drag)
        points.mouse_drag_callbacks.append(self._on_drag)

    def _on_mode(self) -> None:
        """Follow napari's own buttons and keys for tools."""
        points = self._points
        if points is None:
            return
        # Before it changes the mode, napari marks the column that the mouse was on last, and leaves that mark.
        points.refresh(thumbnail=False, data_displayed=False, extent=False)
        if points.mode == _MODES[self.tool]:
            return
        self.tool = _TOOLS.get(points.mode, "look")
        self._listen_last(points)
        self.changed.emit()

    def _on_selected(self, *_: object) -> None:
        """Leave out what is not shown: nobody would know what a key does to it."""
        points = self._points
        if points is None or self._layers.columns_are_being_shown or self._is_held_back:
            return
        rows = np.array(sorted(points.selected_data), np.int64)
        rows = rows[rows < len(points.shown)]
        shown = set(rows[points.shown[rows]].tolist())
        if len(shown) < len(rows):
            points.selected_data = shown
            return
        self._layers.mark_selected()
        self.changed.emit()

    def _on_data(self, event: Any) -> None:
        """A person is about to add or remove points, or added, removed or moved some."""
        from hrtem_app.correction import Delete, Move

        table, points = self._layers.shown_table, self._points
        if self._layers.columns_are_being_shown or table is None or points is None:
            return
        data, rows = np.asarray(event.value), [int(row) for row in event.data_indices]
        if event.action == ActionType.ADDED:
            # napari does so a moment later, when all would have to be drawn again to mark what is selected.
            points.selected_data = {len(data) + row for row in rows}
        self._hold_back(points, event.action in (ActionType.ADDING, ActionType.REMOVING))
        if event.action == ActionType.ADDED:
            for row in rows:
                self._add(data[row])
        elif event.action == ActionType.REMOVED and rows:
            self._edit(Delete(ids=tuple(table.ids[rows].tolist())))
        elif event.action == ActionType.CHANGED and rows and len(data) == len(table):
            positions = tuple((float(y), float(x)) for y, x in data[rows])
            self._edit(Move(ids=tuple(table.ids[rows].tolist()), positions=positions))
        if event.action in (ActionType.ADDED, ActionType.REMOVED):
            # What is selected changed while it was held back.
            self.changed.emit()

    def _hold_back(self, points: Points, hold: bool) -> None:
        """Hold back the drawing of what a person does until it is an edit: napari would draw all points twice."""
        if hold and not self._is_held_back:
            points.events.set_data.block()
        elif self._is_held_back and not hold:
            points.events.set_data.unblock()
            self._layers.columns_wait = True
        self._is_held_back = hold

    def _add(self, position: Any) -> None:
        from hrtem_app.correction import Add
        from hrtem_app.correction.from_maps import nearest_peak

        analysis = self._session.analysis
        peak = None if analysis is None else nearest_peak(analysis.networks, position)
        y, x = position if peak is None else peak
        self._edit(Add(position=(float(y), float(x)), class_name=self.new_class))

    def _on_drag(self, points: Points, event: Any) -> Generator[None]:
        """Select with a lasso, or with a box and Shift; the rest is napari's."""
        if event.button != 1:
            return
        if self.tool == "lasso":
            outline = yield from self._lasso.drawn(points, event)
            self._select_inside(outline, add="Shift" in event.modifiers)
        elif self.tool == "select" and "Shift" in event.modifiers:
            yield from add_box(points, event)

    def _select_inside(self, outline: Any, add: bool) -> None:
        from hrtem_app.correction import inside_lasso

        table, points = self._layers.shown_table, self._points
        if table is None or points is None:
            return
        # A click is a line of fewer than three corners, which encloses nothing.
        inside = inside_lasso(table.positions, outline) & points.shown
        earlier = self.selected if add else ()
        self.select([*earlier, *table.ids[inside].tolist()])


def _key(name: str | int) -> object:
    from napari.utils.key_bindings import coerce_keybinding

    return coerce_keybinding(name)
