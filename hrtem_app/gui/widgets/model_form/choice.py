"""Which editor a field has: plain ones, values that may be absent, and values of one kind or another."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import QSignalBlocker
from qtpy.QtWidgets import QCheckBox, QComboBox

from hrtem_app.gui.widgets.model_form.editors import (
    ChoiceEditor,
    Editor,
    FlagEditor,
    NameEditor,
    NumberEditor,
    PathEditor,
    RangeEditor,
    WordsEditor,
)
from hrtem_app.gui.widgets.model_form.number import LeaveTheWheel
from hrtem_app.gui.widgets.model_form.shape import Shape, format_number, parse_number


class OptionalEditor(Editor):
    """A value that may be absent: it is there while the box before it is ticked, and not forgotten when it is not."""

    def __init__(self, inner: Editor) -> None:
        super().__init__()
        self.box, self.inner = QCheckBox(), inner
        self.box.toggled.connect(self._on_toggled)
        inner.changed.connect(self.changed)
        inner.setEnabled(False)
        self.row.addWidget(self.box)
        self.row.addWidget(inner, 1)

    def value(self) -> Any:
        """The value, or None."""
        return self.inner.value() if self.box.isChecked() else None

    def set_value(self, value: Any) -> None:
        """Show a value, or that there is none."""
        blocker = QSignalBlocker(self.box)
        self.box.setChecked(value is not None)
        self.inner.setEnabled(value is not None)
        del blocker
        if value is not None:
            self.inner.set_value(value)

    def _on_toggled(self, is_there: bool) -> None:
        self.inner.setEnabled(is_there)
        self.changed.emit()


class EitherEditor(Editor):
    """A value of one kind or another; words stand in the list themselves."""

    def __init__(self, alternatives: Sequence[Shape], editors: Sequence[Editor]) -> None:
        super().__init__()
        self.box = QComboBox()
        self._alternatives, self._editors = tuple(alternatives), tuple(editors)
        for shape, editor in zip(alternatives, editors, strict=True):
            self.box.addItem(_name_of(shape))
            editor.changed.connect(self.changed)
        LeaveTheWheel(self.box)
        self.box.currentIndexChanged.connect(self._on_chosen)
        self.row.addWidget(self.box, 1)
        for shape, editor in zip(alternatives, editors, strict=True):
            if shape.kind != "choice":
                self.row.addWidget(editor, 1)
        self._show_chosen()

    def value(self) -> Any:
        """What the editor of the chosen kind says."""
        return self._editors[self.box.currentIndex()].value()

    def set_value(self, value: Any) -> None:
        """Choose the kind that a value has, and show it there."""
        kinds = [place for place, shape in enumerate(self._alternatives) if _fits(shape, value)]
        blocker = QSignalBlocker(self.box)
        self.box.setCurrentIndex(kinds[0] if kinds else len(self._alternatives) - 1)
        del blocker
        self._editors[self.box.currentIndex()].set_value(value)
        self._show_chosen()

    def _on_chosen(self) -> None:
        self._show_chosen()
        self.changed.emit()

    def _show_chosen(self) -> None:
        for place, (shape, editor) in enumerate(zip(self._alternatives, self._editors, strict=True)):
            if shape.kind != "choice":
                editor.setVisible(place == self.box.currentIndex())


def make_editor(shape: Shape, known: Sequence[str] = ()) -> Editor:
    """The editor for one field that holds no other fields.

    Parameters
    ----------
    shape
        Of the field.
    known
        Names to choose from where it takes a text.
    """
    editor = _plain_editor(shape, known)
    return OptionalEditor(editor) if shape.optional else editor


def _plain_editor(shape: Shape, known: Sequence[str]) -> Editor:
    if shape.kind == "flag":
        return FlagEditor()
    if shape.kind == "choice":
        return ChoiceEditor(shape.choices)
    if shape.kind == "number":
        return NumberEditor(shape)
    if shape.kind == "range":
        return RangeEditor(shape)
    if shape.kind == "either":
        return EitherEditor(shape.parts, [make_editor(one) for one in shape.parts])
    if shape.kind == "list":
        return WordsEditor(_write_list, _read_list, "with commas between", shape.unit)
    if shape.kind == "words":
        return WordsEditor(_write_list, _read_words, "with commas between", shape.unit)
    if shape.kind == "mapping":
        return WordsEditor(_write_mapping, _read_mapping, "name = number, …", shape.unit)
    if shape.kind == "path":
        return PathEditor(known)
    if shape.kind == "text":
        return NameEditor(known) if known else WordsEditor(str, str)
    return WordsEditor(lambda value: json.dumps(value, ensure_ascii=False), _read_json, "JSON")


def _name_of(shape: Shape) -> str:
    if shape.kind == "choice":
        return " or ".join(str(choice) for choice in shape.choices)
    names = {"number": "a number", "range": "a range", "text": "a text", "list": "a list", "words": "a list"}
    return names.get(shape.kind, shape.kind)


def _fits(shape: Shape, value: Any) -> bool:
    if shape.kind == "choice":
        return value in shape.choices
    if shape.kind == "number":
        return isinstance(value, int | float)
    return isinstance(value, str if shape.kind == "text" else list | dict)


def _write_list(values: Sequence[Any]) -> str:
    return ", ".join(format_number(value) for value in values)


def _read_list(text: str) -> list[Any]:
    # Commas part the items here, so none of them is a decimal one.
    return [parse_number(item) for item in text.split(",")] if text.strip() else []


def _read_words(text: str) -> list[str]:
    return [item.strip() for item in text.split(",")] if text.strip() else []


def _write_mapping(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} = {format_number(value)}" for name, value in values.items())


def _read_mapping(text: str) -> Any:
    pairs = [item.partition("=") for item in text.split(",")] if text.strip() else []
    if not all(sign for _, sign, _ in pairs):
        return text
    return {name.strip(): parse_number(value) for name, _, value in pairs}


def _read_json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text or None
