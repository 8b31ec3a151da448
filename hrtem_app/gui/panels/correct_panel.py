"""Correct by hand: tools for the columns on the canvas, undo, and a review of those in dispute."""

from __future__ import annotations

from functools import partial

import numpy as np
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QButtonGroup, QGridLayout, QHBoxLayout, QLabel, QPushButton

from hrtem_app.columns import CLASSES, ColumnTable
from hrtem_app.correction.review import waiting
from hrtem_app.gui import theme
from hrtem_app.gui.column_tools import Tool
from hrtem_app.gui.links import Link
from hrtem_app.gui.panels.base import Panel

_TOOLS: dict[Tool, tuple[str, str]] = {
    "look": ("Look", "Move and zoom the image (V)"),
    "select": (
        "Select",
        "Click a column or drag a box, with Shift in addition to others; drag what is selected to move it; "
        "Delete or Backspace deletes it (S)",
    ),
    "lasso": ("Lasso", "Draw around columns to select them; with Shift in addition to others (L)"),
    "add": ("Add", "Click where a column is missing; it goes to the networks' nearest maximum, if there is one (A)"),
}


class CorrectPanel(Panel):
    """Add, move, delete and rename columns; swap the sublattices of a grain; review what is in dispute."""

    source = "correct"

    def build(self) -> None:
        """Make the widgets."""
        tools = self.workbench.tools
        self.tool_buttons: dict[Tool, QPushButton] = {}
        group = QButtonGroup(self)
        tool_row = QHBoxLayout()
        for tool, (title, tip) in _TOOLS.items():
            button = self._button(title, tip, partial(tools.take, tool))
            button.setCheckable(True)
            group.addButton(button)
            tool_row.addWidget(button)
            self.tool_buttons[tool] = button
        self.class_buttons: dict[str, QPushButton] = {}
        class_row = QHBoxLayout()
        for number, name in enumerate(CLASSES, start=1):
            tip = f"Make the selected columns {name}; with none selected, new ones will be {name} ({number})"
            button = self._button(name, tip, partial(tools.classify, name))
            button.setStyleSheet(f"color: {theme.CLASS_COLOURS[name]}")
            class_row.addWidget(button)
            self.class_buttons[name] = button
        self.delete_button = self._button("Delete", "Delete the selected columns (Delete or Backspace)", tools.delete)
        class_row.addWidget(self.delete_button)
        self.swap_button = self._button(
            "Swap Mo and S", "In the whole grain of the selected columns: Mo becomes S, and S becomes Mo", tools.swap
        )
        self.confirm_button = self._button(
            "Mo and S are right", "Mark the grain of the selected columns as decided, as it is", tools.confirm
        )
        self.review_button = self._button(
            "Next in dispute", "Mark the column under review as reviewed, and go to the next one (N)", tools.review_next
        )
        self.undo_button = self._button("Undo", "Take the last action back (Ctrl+Z)", self.session.undo)
        self.redo_button = self._button("Redo", "Do it again (Ctrl+Shift+Z)", self.session.redo)
        self.about = QLabel()
        self.about.setWordWrap(True)
        self.counts = QLabel()
        self.counts.setWordWrap(True)
        grid = QGridLayout()
        grid.addWidget(self.swap_button, 0, 0)
        grid.addWidget(self.confirm_button, 0, 1)
        grid.addWidget(self.review_button, 1, 0, 1, 2)
        grid.addWidget(self.undo_button, 2, 0)
        grid.addWidget(self.redo_button, 2, 1)
        self.column.addLayout(tool_row)
        self.column.addLayout(class_row)
        self.column.addWidget(self.about)
        self.column.addLayout(grid)
        self.column.addWidget(self.counts)

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
        self.workbench.tools.activate()

    def refresh(self) -> None:
        """Show what can be done now."""
        session, tools, table = self.session, self.workbench.tools, self.session.table
        there, selected = table is not None, tools.selected
        for tool, button in self.tool_buttons.items():
            button.setEnabled(there)
            button.setChecked(tool == tools.tool)
        for button in self.class_buttons.values():
            button.setEnabled(there)
        self.delete_button.setEnabled(bool(selected))
        grains = bool(tools.selected_grains())
        self.swap_button.setEnabled(grains)
        self.confirm_button.setEnabled(grains)
        self._show_undo(self.undo_button, "Undo", session.undo_text)
        self._show_undo(self.redo_button, "Redo", session.redo_text)
        if table is None:
            self.about.setText("No columns yet: run the networks first.")
            self.counts.setText("")
            self.review_button.setEnabled(False)
            return
        waits = int(waiting(table).sum())
        self.review_button.setEnabled(waits > 0)
        self.about.setText(_about(table, selected, tools.new_class))
        self.counts.setText(
            f"{int(table.edited.sum())} edited, {int(table.reviewed.sum())} reviewed, {waits} to review."
        )

    def _show_undo(self, button: QPushButton, verb: str, text: str) -> None:
        button.setEnabled(bool(text))
        button.setText(f"{verb} {text}" if len(text) <= 18 else f"{verb} …")
        button.setToolTip(f"{verb}: {text}" if text else f"There is nothing to {verb.lower()}")

    def _button(self, title: str, tip: str, action: object) -> QPushButton:
        button = QPushButton(title)
        button.setToolTip(tip)
        button.clicked.connect(lambda: action())  # type: ignore[operator]
        return button


def _about(table: ColumnTable, selected: tuple[int, ...], new_class: str) -> str:
    """What is selected, in a sentence or two."""
    if not selected:
        return f"Nothing selected. New columns will be {new_class}."
    rows = np.flatnonzero(np.isin(table.ids, selected))
    if len(rows) > 1:
        numbers = table.select(rows).counts()
        return f"{len(rows)} columns selected: {', '.join(f'{n} {name}' for name, n in numbers.items() if n)}."
    row = int(rows[0])
    said = [f"Column {table.ids[row]}: {CLASSES[table.classes[row]]}"]
    if np.isfinite(table.probability[row]):
        said.append(f"probability {table.probability[row]:.2f}")
    said.append(f"{table.votes[row]} votes")
    if table.disputed[row]:
        said.append(f"others say {table.disputed[row].replace(';', ', ')}")
    marks = [name for name, is_so in (("edited", table.edited[row]), ("reviewed", table.reviewed[row])) if is_so]
    return ", ".join(said + marks) + "."
