"""Correct by hand: tools for the columns on the canvas, undo, and a review of those in dispute."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtGui import QHideEvent, QShowEvent
from qtpy.QtWidgets import QButtonGroup, QComboBox, QGridLayout, QHBoxLayout, QLabel, QPushButton, QSizePolicy

from hrtem_app.columns import CLASSES, ColumnTable
from hrtem_app.correction.disputes import in_words
from hrtem_app.correction.review import waiting
from hrtem_app.gui import theme
from hrtem_app.gui.canvas.column_tools import Tool
from hrtem_app.gui.links import Link
from hrtem_app.gui.panels.base import Panel
from hrtem_app.gui.widgets.still_label import StillLabel
from hrtem_app.gui.widgets.swatch import swatch

_TOOLS: dict[Tool, tuple[str, str]] = {
    "look": ("Look", "Move and zoom the image (V)"),
    "select": (
        "Select, move",
        "Click a column or drag a box, with Shift in addition to others; drag what is selected to move it; "
        "Delete or Backspace deletes it (S)",
    ),
    "lasso": ("Lasso", "Draw around columns to select them; with Shift in addition to others (L)"),
    "add": ("Add", "Click where a column is missing; it goes to the networks' nearest maximum, if there is one (A)"),
}
# One short line each: nothing moves when another tool is taken, and the dock at its least width shows all of it.
_HINTS: dict[Tool, str] = {
    "look": "Drag moves, wheel zooms, hold H to hide dots.",
    "select": "Click or drag a box; drag a column to move it.",
    "lasso": "Draw around columns; Shift adds to others.",
    "add": "Click where a column is missing.",
}
_NEXT = "Go to the first column that networks call differently (N)"
_RIGHT_NEXT = "Mark the column that is shown as reviewed, and go to the next one that networks call differently (N)"
_SKIP = "Go on without marking the column that is shown: it comes up again (Shift+N)"
_SWAP = "In the whole grain of the selected columns: Mo becomes S, and S becomes Mo"
_CONFIRM = "Mark the grain of the selected columns as decided, as it is"
_SELECT_FIRST = "Select a column of the grain first"
# Of more grains than these only the number is told.
_MOST_GRAINS = 3


class CorrectPanel(Panel):
    """Add, move, delete and rename columns; swap the sublattices of a grain; review what is in dispute."""

    source = "correct"

    def build(self) -> None:
        """Make the widgets."""
        tools = self.workbench.tools
        self.tool_buttons: dict[Tool, QPushButton] = {}
        group = QButtonGroup(self)
        for tool, (title, tip) in _TOOLS.items():
            button = self._button(title, tip, partial(tools.take, tool))
            button.setCheckable(True)
            group.addButton(button)
            self.tool_buttons[tool] = button
        self.class_box = QComboBox()
        self.class_box.setToolTip("What columns are that you add; nothing but your choice changes it")
        self.class_box.setAccessibleName("Class of added columns")
        # Its own keys would take those of the columns after a click.
        self.class_box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.class_buttons: dict[str, QPushButton] = {}
        for number, name in enumerate(CLASSES, start=1):
            dot = swatch(theme.CLASS_COLOURS[name])
            tip = f"Make the selected columns {name}; with none selected, new ones will be {name} ({number})"
            self.class_buttons[name] = self._button(name, tip, partial(tools.classify, name))
            self.class_buttons[name].setIcon(dot)
            self.class_box.addItem(dot, name)
        self.class_box.activated.connect(self._on_class)
        self.delete_button = self._button("Delete", "Delete the selected columns (Delete or Backspace)", tools.delete)
        self.review_button = self._button("Next in dispute (N)", _NEXT, tools.review_next)
        self.skip_button = self._button("Skip", _SKIP, tools.skip)
        self.undo_button = self._button("Undo", "", self.session.undo)
        self.redo_button = self._button("Redo", "", self.session.redo)
        self.swap_button = self._button("Swap Mo and S", _SELECT_FIRST, tools.swap)
        self.confirm_button = self._button("Mo and S are right", _SELECT_FIRST, tools.confirm)
        self.hint = QLabel()
        # It wants no width for itself: the dock is as wide as its buttons.
        self.hint.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.about, self.counts = StillLabel(lines=3), StillLabel(lines=1)
        self._lay_out()

    def links(self) -> list[Link]:
        """Follow the columns, what is selected and what can be undone."""
        session = self.session
        signals = (
            session.analysis_changed,
            session.corrections_changed,
            session.timeline_changed,
            self.workbench.tools.changed,
        )
        return [(signal, self.update_view) for signal in signals]

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802 - Qt's name
        """Bring keys to the columns."""
        super().showEvent(event)
        self.workbench.tools.begin(id(self))

    def hideEvent(self, event: QHideEvent | None) -> None:  # noqa: N802 - Qt's name
        """Put the tools down, unless it is only the window that goes out of sight."""
        super().hideEvent(event)
        if event is None or not event.spontaneous():
            self.workbench.tools.end(id(self))

    def refresh(self) -> None:
        """Show what can be done now."""
        session, tools, table = self.session, self.workbench.tools, self.session.table
        there = table is not None
        for tool, button in self.tool_buttons.items():
            button.setEnabled(there)
            button.setChecked(tool == tools.tool)
        for widget in (*self.class_buttons.values(), self.class_box):
            widget.setEnabled(there)
        blocker = QSignalBlocker(self.class_box)
        self.class_box.setCurrentText(tools.new_class)
        del blocker
        self.hint.setText(_HINTS[tools.tool] if there else "")
        self.delete_button.setEnabled(bool(tools.selected))
        self._show_grains()
        self._show_review()
        _show_undo(self.undo_button, "Undo", session.undo_text)
        _show_undo(self.redo_button, "Redo", session.redo_text)
        if table is None or session.corrections is None:
            self.about.setText("No columns yet: run the networks first.")
            self.counts.setText("")
            return
        self.about.setText(_about(table, tools.selected, self._titles()))
        self.counts.setText(
            f"{session.corrections.changes_text}, {int(table.reviewed.sum())} reviewed, "
            f"{int(waiting(table).sum())} to review."
        )

    def _show_grains(self) -> None:
        """Say what a swap would do, and to how many columns."""
        table, grains = self.session.table, self.workbench.tools.selected_grains()
        where = "" if table is None or not grains else f" in {_grains(table, grains)}"
        self.swap_button.setText(f"Swap Mo and S{where}")
        self.confirm_button.setText(f"Mo and S are right{where}")
        for button, tip in ((self.swap_button, _SWAP), (self.confirm_button, _CONFIRM)):
            button.setEnabled(bool(grains))
            button.setToolTip(tip if grains else _SELECT_FIRST)

    def _show_review(self) -> None:
        """Say whether going on marks a column."""
        table, tools = self.session.table, self.workbench.tools
        ids = np.empty(0, np.int64) if table is None else table.ids[waiting(table)]
        is_marked = tools.is_reviewing
        self.review_button.setText("Right, next (N)" if is_marked else "Next in dispute (N)")
        self.review_button.setToolTip(_RIGHT_NEXT if is_marked else _NEXT)
        self.review_button.setEnabled(len(ids) > 0)
        self.skip_button.setEnabled(is_marked and bool((ids != tools.reviewed).any()))

    def _titles(self) -> dict[str, str]:
        analysis = self.session.analysis
        return {} if analysis is None else {name: result.card.title for name, result in analysis.networks.items()}

    def _on_class(self, index: int) -> None:
        self.workbench.tools.choose_class(CLASSES[index])

    def _button(self, title: str, tip: str, action: Callable[[], object]) -> QPushButton:
        button = QPushButton(title)
        button.setToolTip(tip)
        button.clicked.connect(lambda: action())
        return button

    def _lay_out(self) -> None:
        """Text whose length varies is below all buttons; swaps are away from what is clicked again and again."""
        tool_row, class_row, grid = QHBoxLayout(), QHBoxLayout(), QGridLayout()
        for button in self.tool_buttons.values():
            tool_row.addWidget(button)
        tool_row.addWidget(self.class_box)
        for button in (*self.class_buttons.values(), self.delete_button):
            class_row.addWidget(button)
        grid.addWidget(self.review_button, 0, 0)
        grid.addWidget(self.skip_button, 0, 1)
        grid.addWidget(self.undo_button, 1, 0)
        grid.addWidget(self.redo_button, 1, 1)
        grid.addWidget(self.swap_button, 2, 0, 1, 2)
        grid.addWidget(self.confirm_button, 3, 0, 1, 2)
        for place in (0, 1):
            grid.setColumnStretch(place, 1)
        self.column.addLayout(tool_row)
        self.column.addWidget(self.hint)
        self.column.addLayout(class_row)
        self.column.addLayout(grid)
        self.column.addWidget(self.about)
        self.column.addWidget(self.counts)


def _show_undo(button: QPushButton, verb: str, text: str) -> None:
    button.setEnabled(bool(text))
    button.setToolTip(f"{verb}: {text}" if text else f"There is nothing to {verb.lower()}")


def _grains(table: ColumnTable, grains: tuple[int, ...]) -> str:
    """`grain 0 (721 columns)`."""
    number = int(np.isin(table.grain, grains).sum())
    if len(grains) > _MOST_GRAINS:
        return f"{len(grains)} grains ({number} columns)"
    names = ", ".join(map(str, grains))
    return f"grain{'' if len(grains) == 1 else 's'} {names} ({number} column{'' if number == 1 else 's'})"


def _about(table: ColumnTable, selected: tuple[int, ...], titles: Mapping[str, str]) -> str:
    """What is selected, in a sentence or two."""
    if not selected:
        return "Nothing selected."
    rows = np.flatnonzero(np.isin(table.ids, selected))
    if len(rows) > 1:
        numbers = table.select(rows).counts()
        return f"{len(rows)} columns selected: {', '.join(f'{n} {name}' for name, n in numbers.items() if n)}."
    row = int(rows[0])
    votes = int(table.votes[row])
    said = [f"Column {table.ids[row]}: {CLASSES[table.classes[row]]}", f"{votes} vote{'' if votes == 1 else 's'}"]
    if np.isfinite(table.probability[row]):
        said.insert(1, f"probability {table.probability[row]:.2f}")
    marks = [name for name, is_so in (("edited", table.edited[row]), ("reviewed", table.reviewed[row])) if is_so]
    others = in_words(table.disputed[row], titles)
    return ", ".join(said + marks) + (f". {others}." if others else ".")
