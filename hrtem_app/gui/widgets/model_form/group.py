"""Fields that belong together: a group that opens and closes, and lists of such groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from hrtem_app.gui import theme
from hrtem_app.gui.widgets.model_form.row import FieldRow, Problem
from hrtem_app.gui.widgets.model_form.shape import Shape

Known = Mapping[str, Sequence[str]]


class Fold(QFrame):
    """A header with a title and a body that it shows and hides.

    Parameters
    ----------
    title
        Of the header.
    tip
        What it holds.
    body
        What is shown and hidden.
    """

    def __init__(self, title: str, tip: str, body: QWidget) -> None:
        super().__init__()
        self.setObjectName("fold")
        self.setStyleSheet("#fold { border-left: 1px solid palette(mid); }")
        self.body = body
        self.header = QToolButton()
        self.header.setText(title)
        self.header.setToolTip(tip)
        self.header.setCheckable(True)
        self.header.setAutoRaise(True)
        self.header.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.header.setStyleSheet("QToolButton { border: none; background: transparent; font-weight: bold; }")
        self.header.toggled.connect(self._on_toggled)
        self.state = QLabel()
        self.line = QHBoxLayout()
        self.line.addWidget(self.header)
        self.line.addStretch(1)
        self.line.addWidget(self.state)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(self.line)
        layout.addWidget(body)
        self._on_toggled(False)

    def set_open(self, is_open: bool) -> None:
        """Show or hide the body."""
        self.header.setChecked(is_open)

    def show_counts(self, differing: int, wrong: int) -> None:
        """Say in the header how many fields inside are not as by default, and how many are wrong."""
        said = [f"{differing} changed"] if differing else []
        said += [f"<span style='color:{theme.ink(theme.ERROR, self)}'>✖ {wrong}</span>"] if wrong else []
        self.state.setText("  ".join(said))

    def _on_toggled(self, is_open: bool) -> None:
        self.header.setArrowType(Qt.ArrowType.DownArrow if is_open else Qt.ArrowType.RightArrow)
        self.body.setVisible(is_open)


class GroupEditor(QWidget):
    """The fields of a model, one under the other, and the groups among them folded.

    Parameters
    ----------
    shape
        Of the model.
    known
        Names to choose from, by the path of a text field, as in `structure.material`.
    path
        Of this group in the whole model.
    """

    changed = Signal()

    def __init__(self, shape: Shape, known: Known, path: str = "") -> None:
        super().__init__()
        self.rows: dict[str, FieldRow] = {}
        self.groups: dict[str, GroupEditor | GroupsEditor] = {}
        self.folds: dict[str, Fold] = {}
        self.wrong = QLabel()
        self.wrong.setWordWrap(True)
        self.wrong.setVisible(False)
        grid = QGridLayout(self)
        grid.setContentsMargins(2, 0, 0, 2)
        grid.setHorizontalSpacing(4)
        grid.setVerticalSpacing(3)
        grid.setColumnStretch(1, 1)
        grid.addWidget(self.wrong, 0, 0, 1, 3)
        for part in shape.parts:
            where = f"{path}.{part.name}".lstrip(".")
            if part.kind in ("group", "groups"):
                self._add_group(part, grid, known, where)
            else:
                self.rows[part.name] = FieldRow(part, grid, known.get(where, ()))
                self.rows[part.name].editor.changed.connect(self.changed)

    def value(self) -> dict[str, Any]:
        """What stands in all fields."""
        editors = {name: row.editor for name, row in self.rows.items()} | self.groups
        return {name: editor.value() for name, editor in editors.items()}

    def set_value(self, value: Mapping[str, Any]) -> None:
        """Fill all fields without announcing it."""
        for name, row in self.rows.items():
            row.editor.set_value(value[name])
        for name, group in self.groups.items():
            group.set_value(value[name])

    def set_default(self, default: Mapping[str, Any]) -> None:
        """Say what the fields are by default."""
        for name, row in self.rows.items():
            row.default = default[name]
        for name, group in self.groups.items():
            group.set_default(default[name])

    def show_state(self, problems: Sequence[Problem]) -> tuple[int, int]:
        """Mark what is wrong and what is not as by default; returns how many fields of each, changed ones first."""
        own = [text for place, text in problems if not place or place[0] not in {*self.rows, *self.groups}]
        self.wrong.setText("\n".join(own))
        self.wrong.setVisible(bool(own))
        theme.colour_text(self.wrong, theme.ERROR, self)
        differing, wrong = 0, len(own)
        for name, row in self.rows.items():
            texts = [text for place, text in problems if place and place[0] == name]
            row.show_state("; ".join(dict.fromkeys(texts)))
            differing, wrong = differing + row.differs, wrong + bool(texts)
        for name, group in self.groups.items():
            inner = group.show_state([(place[1:], text) for place, text in problems if place and place[0] == name])
            self.folds[name].show_counts(*inner)
            differing, wrong = differing + inner[0], wrong + inner[1]
        return differing, wrong

    def _add_group(self, shape: Shape, grid: QGridLayout, known: Known, path: str) -> None:
        group = (GroupEditor if shape.kind == "group" else GroupsEditor)(shape, known, path)
        group.changed.connect(self.changed)
        fold = Fold(shape.title, shape.tip, group)
        self.groups[shape.name], self.folds[shape.name] = group, fold
        grid.addWidget(fold, grid.rowCount(), 0, 1, 3)


class GroupsEditor(QWidget):
    """A list of groups of the same fields, of which there may be more or fewer."""

    changed = Signal()

    def __init__(self, shape: Shape, known: Known, path: str) -> None:
        super().__init__()
        self.shape, self._known, self._path = shape, known, path
        self._item = shape.parts[0]
        self._item_default: Mapping[str, Any] = {}
        self._count = 0
        self.folds: list[Fold] = []
        self.groups: list[GroupEditor] = []
        self.wrong = QLabel()
        self.wrong.setWordWrap(True)
        self.wrong.setVisible(False)
        self.add_button = QPushButton("One more")
        self.add_button.setToolTip("Add one, with the values of the last one")
        self.add_button.clicked.connect(self._on_add)
        self._list = QVBoxLayout()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2, 0, 0, 2)
        layout.addWidget(self.wrong)
        layout.addLayout(self._list)
        layout.addWidget(self.add_button)

    def value(self) -> list[dict[str, Any]]:
        """What stands in all groups."""
        return [group.value() for group in self.groups]

    def set_value(self, value: Sequence[Mapping[str, Any]]) -> None:
        """Have as many groups as there are values, and fill them."""
        while len(self.groups) > len(value):
            self._take_away(len(self.groups) - 1)
        while len(self.groups) < len(value):
            self._append()
        for group, one in zip(self.groups, value, strict=True):
            group.set_value(one)

    def set_default(self, default: Sequence[Mapping[str, Any]]) -> None:
        """Say what the list is by default; its first item is the default of every item."""
        self._count = len(default)
        self._item_default = default[0] if default else {}
        for group in self.groups:
            group.set_default(self._item_default)

    def show_state(self, problems: Sequence[Problem]) -> tuple[int, int]:
        """As of a group."""
        own = [text for place, text in problems if not place or not isinstance(place[0], int)]
        self.wrong.setText("\n".join(own))
        self.wrong.setVisible(bool(own))
        theme.colour_text(self.wrong, theme.ERROR, self)
        differing, wrong = int(len(self.groups) != self._count), len(own)
        for place, (group, fold) in enumerate(zip(self.groups, self.folds, strict=True)):
            inner = group.show_state([(at[1:], text) for at, text in problems if at and at[0] == place])
            fold.show_counts(*inner)
            differing, wrong = differing + inner[0], wrong + inner[1]
        return differing, wrong

    def _append(self) -> None:
        group = GroupEditor(self._item, self._known, self._path)
        group.set_default(self._item_default)
        group.changed.connect(self.changed)
        fold = Fold("", self._item.tip, group)
        button = QToolButton()
        button.setText("✕")
        button.setAutoRaise(True)
        button.setToolTip("Take this one away")
        button.clicked.connect(partial(self._on_remove, fold))
        fold.line.addWidget(button)
        self.groups.append(group)
        self.folds.append(fold)
        self._list.addWidget(fold)
        self._number()

    def _take_away(self, place: int) -> None:
        fold = self.folds.pop(place)
        self.groups.pop(place)
        self._list.removeWidget(fold)
        # Hidden and deleted later: its own button may be the one whose click brought us here.
        fold.hide()
        fold.deleteLater()
        self._number()

    def _number(self) -> None:
        for number, fold in enumerate(self.folds, start=1):
            fold.header.setText(f"Number {number}")

    def _on_add(self) -> None:
        last = self.groups[-1].value() if self.groups else self._item_default
        self._append()
        self.groups[-1].set_value(last)
        self.changed.emit()

    def _on_remove(self, fold: Fold) -> None:
        self._take_away(self.folds.index(fold))
        self.changed.emit()
