"""What a person does to the columns on the canvas, with napari's own tools and some keys, as edits of the session."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from napari.components import ViewerModel
from napari.layers import Points, Shapes
from napari.layers.base import ActionType
from psygnal import Signal

from hrtem_app.columns import CLASSES
from hrtem_app.gui.layers import Layers
from hrtem_app.gui.links import Links
from hrtem_app.gui.session import Session

if TYPE_CHECKING:
    from hrtem_app.columns import ColumnTable
    from hrtem_app.correction import Edit

Tool = Literal["look", "select", "lasso", "add"]
# napari's mode of the layer for each tool.
_MODES: dict[Tool, str] = {"look": "pan_zoom", "select": "select", "lasso": "pan_zoom", "add": "add"}
# A column under review is shown with this much around it, in nm.
_AROUND_NM = 4.0
_LASSO = "lasso"


class ColumnTools:
    """Editing of the columns' layer of one viewer.

    With a tool in hand, napari's own gestures do what they do in any layer of points: drag a box to select, drag what
    is selected to move it, click to add, Delete to delete. Each becomes one edit of the session, which undo takes back.

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
        self._lasso: Shapes | None = None
        self.tool: Tool = "look"
        self.new_class = CLASSES[0]
        self.reviewed: int | None = None
        self._links = Links((layers.columns_made, self._on_made))
        self._links.open()

    def close(self) -> None:
        """Let go of the layer: its keys, its mouse and its events."""
        self._links.close()
        self._let_go()

    @property
    def selected(self) -> tuple[int, ...]:
        """Ids of the selected columns."""
        table, points = self._layers.shown_table, self._points
        if table is None or points is None:
            return ()
        return tuple(int(table.ids[row]) for row in sorted(points.selected_data) if row < len(table))

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
            points.visible = True
            points.mode = _MODES[tool]
            # napari moves the image when a drag is nobody's; a lasso is ours.
            points.mouse_pan = tool == "look"
        self.changed.emit()

    def activate(self) -> None:
        """Make the columns' layer the one that keys go to."""
        points = self._layers.get("columns")
        if points is not None:
            self._viewer.layers.selection.active = points

    def classify(self, name: str) -> None:
        """Say what the selected columns are; with none selected, what the next one to be added is."""
        from hrtem_app.correction import Reclassify

        self.new_class = name
        ids = self.selected
        if ids:
            self._edit(Reclassify(ids=ids, class_name=name))
        self.changed.emit()

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
        """Grains of the selected columns; where there is just one, it need not be selected."""
        table = self._session.table
        if table is None:
            return ()
        chosen = table.grain[np.isin(table.ids, self.selected)] if self.selected else table.grain
        grains = np.unique(chosen[chosen >= 0]).tolist()
        return tuple(grains) if self.selected or len(grains) == 1 else ()

    def review_next(self) -> None:
        """Mark the column under review as reviewed, and go to the next one that waits."""
        from hrtem_app.correction import Review, next_to_review

        table = self._session.table
        if table is None:
            return
        here = self.reviewed if self.reviewed in table.ids else None
        if here is not None and here in self.selected and not table.reviewed[table.ids == here][0]:
            self._edit(Review(ids=(here,)))
            table = self._session.table or table
        self.reviewed = next_to_review(table, here)
        if self.reviewed is not None:
            # With this tool napari marks what is selected, and it can be dragged.
            self.take("select")
            self.select([self.reviewed])
            self._look_at(table, self.reviewed)
        self.changed.emit()

    def _look_at(self, table: ColumnTable, column: int) -> None:
        points = self._points
        if points is None:
            return
        y, x = points.data_to_world(table.positions[table.ids == column][0])[-2:]
        camera = self._viewer.scene.camera
        camera.center = (0.0, float(y), float(x))
        height = self._viewer._canvas_size[0] if hasattr(self._viewer, "_canvas_size") else 800
        camera.zoom = max(camera.zoom, height / (2 * _AROUND_NM))

    def _edit(self, edit: Edit) -> None:
        if not self._session.correct(edit):
            self._layers.show_columns_again()

    def _on_made(self) -> None:
        self._let_go()
        points = self._layers.get("columns")
        if not isinstance(points, Points):
            return
        self._points = points
        points.events.data.connect(self._on_data)
        points.selected_data.events.items_changed.connect(self._on_selected)
        for key, action in self._keys().items():
            points.bind_key(key, action, overwrite=True)
        points.mouse_drag_callbacks.append(self._on_drag)
        self.take("look")

    def _let_go(self) -> None:
        points, self._points = self._points, None
        if points is None:
            return
        points.events.data.disconnect(self._on_data)
        points.selected_data.events.items_changed.disconnect(self._on_selected)
        for key in self._keys():
            points.keymap.pop(_key(key), None)
        if self._on_drag in points.mouse_drag_callbacks:
            points.mouse_drag_callbacks.remove(self._on_drag)
        points.mouse_pan = True
        if self._lasso is not None and self._lasso in self._viewer.layers:
            self._viewer.layers.remove(self._lasso)

    def _keys(self) -> dict[str, Callable[[Points], None]]:
        """Keys that work while the columns' layer is the active one."""
        keys: dict[str, Callable[[Points], None]] = {
            str(number): lambda _, name=name: self.classify(name)  # type: ignore[misc]
            for number, name in enumerate(CLASSES, start=1)
        }
        return keys | {
            "n": lambda _: self.review_next(),
            "v": lambda _: self.take("look"),
            "s": lambda _: self.take("select"),
            "l": lambda _: self.take("lasso"),
            "a": lambda _: self.take("add"),
        }

    def _on_selected(self, *_: object) -> None:
        self.changed.emit()

    def _on_data(self, event: Any) -> None:
        """A person added, removed or moved points."""
        from hrtem_app.correction import Delete, Move

        table = self._layers.shown_table
        if self._layers.columns_are_being_shown or table is None:
            return
        data, rows = np.asarray(event.value), [int(row) for row in event.data_indices]
        if event.action == ActionType.ADDED:
            for row in rows:
                self._add(data[row])
        elif event.action == ActionType.REMOVED and rows:
            self._edit(Delete(ids=tuple(table.ids[rows].tolist())))
        elif event.action == ActionType.CHANGED and rows and len(data) == len(table):
            positions = tuple((float(y), float(x)) for y, x in data[rows])
            self._edit(Move(ids=tuple(table.ids[rows].tolist()), positions=positions))

    def _add(self, position: Any) -> None:
        from hrtem_app.correction import Add
        from hrtem_app.correction.from_maps import nearest_peak

        analysis = self._session.analysis
        peak = None if analysis is None else nearest_peak(analysis.networks, position)
        y, x = position if peak is None else peak
        self._edit(Add(position=(float(y), float(x)), class_name=self.new_class))

    def _on_drag(self, points: Points, event: Any) -> Generator[None]:
        """Draw a lasso, and select what it holds."""
        if self.tool != "lasso" or event.button != 1:
            return
        outline = [points.world_to_data(event.position)[-2:]]
        yield
        while event.type == "mouse_move":
            outline.append(points.world_to_data(event.position)[-2:])
            self._draw_lasso(points, outline)
            yield
        self._draw_lasso(points, [])
        self._select_inside(np.array(outline), add="Shift" in event.modifiers)

    def _select_inside(self, outline: Any, add: bool) -> None:
        from hrtem_app.correction import inside_lasso

        table, points = self._layers.shown_table, self._points
        if table is None or points is None or len(outline) < 3:
            return
        inside = inside_lasso(table.positions, outline) & points.shown
        earlier = self.selected if add else ()
        self.select([*earlier, *table.ids[inside].tolist()])

    def _draw_lasso(self, points: Points, outline: Sequence[Any]) -> None:
        if self._lasso is None or self._lasso not in self._viewer.layers:
            where = {"scale": points.scale, "units": points.units, "axis_labels": points.axis_labels}
            self._lasso = Shapes(name=_LASSO, ndim=2, **where)
            active = self._viewer.layers.selection.active
            self._viewer.layers.append(self._lasso)
            self._viewer.layers.selection.active = active
        width = 2 / max(self._viewer.scene.camera.zoom * float(points.scale[-1]), 1e-6)
        self._lasso.data = []
        if len(outline) > 1:
            self._lasso.add_paths([np.array(outline)], edge_width=width, edge_color="#ffffff")
        self._lasso.visible = len(outline) > 1


def _key(name: str) -> object:
    from napari.utils.key_bindings import coerce_keybinding

    return coerce_keybinding(name)
