"""A form for any frozen model: its fields with bounds and units, what is wrong with them, and files of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QMenu, QPushButton, QVBoxLayout, QWidget

from hrtem_app.gui import theme
from hrtem_app.gui.widgets.model_form.group import GroupEditor, Known
from hrtem_app.gui.widgets.model_form.row import Problem
from hrtem_app.gui.widgets.model_form.shape import shape_of
from hrtem_app.recipe import Part, explain, load_settings

_FILES = "Settings (*.json);;All files (*)"


class ModelForm(QWidget):
    """Edits a frozen model. What is typed stays, valid or not; fields that are not as by default are marked.

    Parameters
    ----------
    part
        What it shows at first, and what counts as the default.
    known
        Names to choose from, by the path of a text field, as in `structure.material`.
    presets
        Values to choose from, by name; `part` is offered in any case.
    hidden
        Fields that are not shown; they stay as in `part`, or as `set_hidden` says.
    titles
        Of fields, by their names, where another one says more here.
    files
        Whether there are buttons for presets and files, and a line about the whole.
    """

    changed = Signal()

    def __init__(
        self,
        part: Part,
        known: Known | None = None,
        presets: Mapping[str, Part] | None = None,
        *,
        hidden: Collection[str] = (),
        titles: Mapping[str, str] | None = None,
        files: bool = True,
    ) -> None:
        super().__init__()
        self.model = type(part)
        self._default = part.model_dump(mode="json")
        self._base = dict(self._default)
        self._presets: dict[str, Part] = {"Defaults": part} | dict(presets or {})
        self.presets_button = QPushButton("Presets")
        self.presets_button.setToolTip("Fill the form with values that belong together")
        self.menu = QMenu(self)
        for name, values in self._presets.items():
            self.menu.addAction(name).triggered.connect(partial(self._on_preset, values))  # type: ignore[union-attr]
        self.presets_button.setMenu(self.menu)
        self.load_button = QPushButton("Load…")
        self.load_button.setToolTip("Fill the form from a JSON file, as the command line takes it")
        self.load_button.clicked.connect(self._on_load)
        self.save_button = QPushButton("Save…")
        self.save_button.setToolTip("Write the form into a JSON file, which the command line takes too")
        self.save_button.clicked.connect(self._on_save)
        self.said = QLabel()
        self.said.setWordWrap(True)
        self.said.setTextFormat(Qt.TextFormat.PlainText)
        shape = shape_of(self.model)
        told = titles or {}
        shown = tuple(
            replace(field, title=told.get(field.name, field.title)) for field in shape.parts if field.name not in hidden
        )
        self.fields = GroupEditor(replace(shape, parts=shown), known or {})
        self.fields.set_default(self._default)
        self.fields.changed.connect(self._on_changed)
        bar = QWidget()
        buttons = QHBoxLayout(bar)
        buttons.setContentsMargins(0, 0, 0, 0)
        for button in (self.presets_button, self.load_button, self.save_button):
            buttons.addWidget(button)
        bar.setVisible(files)
        self.said.setVisible(files)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(bar)
        layout.addWidget(self.said)
        layout.addWidget(self.fields)
        layout.addStretch(1)
        self.set_value(part)

    def value(self) -> Part:
        """What the form says.

        Raises
        ------
        ValueError
            Where that is no valid model; names the fields and their values.
        """
        try:
            return self.model.model_validate(self.content())
        except ValidationError as error:
            raise ValueError(explain(error)) from error

    def set_value(self, part: Part) -> None:
        """Show a model without announcing it."""
        self.fields.set_value(part.model_dump(mode="json"))
        self._show_state()

    def content(self) -> dict[str, Any]:
        """What stands in the fields, valid or not, with those that are not shown."""
        return self._base | self.fields.value()

    def set_content(self, content: Mapping[str, Any]) -> None:
        """Fill the fields with what need not be valid, without announcing it; every field must be there."""
        self.fields.set_value(content)
        self._show_state()

    def set_hidden(self, **values: Any) -> None:
        """Give fields values that are not shown; what is wrong with the others may depend on them."""
        self._base |= values
        self._show_state()

    @property
    def problem(self) -> str:
        """What is wrong, in words; empty for nothing."""
        try:
            self.value()
        except ValueError as error:
            return str(error)
        return ""

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802 - Qt's name
        """Take the colours of the window that the form has come into."""
        super().showEvent(event)
        self._show_state()

    def load(self, path: str | Path) -> None:
        """Show what a JSON file holds; ValueError, and the form stays, where it holds no such settings."""
        self.set_value(load_settings(path, self.model))
        self.changed.emit()

    def save(self, path: str | Path) -> None:
        """Write what the form says as JSON; ValueError where it is not valid, OSError where it cannot be written."""
        Path(path).write_text(self.value().model_dump_json(indent=2) + "\n", encoding="utf-8")

    def _show_state(self) -> None:
        differing, wrong = self.fields.show_state(_problems(self.model, self.content()))
        fields = "1 field is" if differing == 1 else f"{differing} fields are"
        said = [f"{fields} not as by default."] if differing else ["All as by default."]
        said += ["1 is wrong, see below."] if wrong == 1 else [f"{wrong} are wrong, see below."] if wrong else []
        self._say(" ".join(said), theme.ERROR if wrong else theme.QUIET)

    def _say(self, text: str, colour: str) -> None:
        self.said.setText(text)
        theme.colour_text(self.said, colour, self)

    def _on_changed(self) -> None:
        self._show_state()
        self.changed.emit()

    def _on_preset(self, part: Part) -> None:
        self.set_value(part)
        self.changed.emit()

    def _on_load(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Load settings", "", _FILES)
        if name:
            self._try(partial(self.load, name), f"Loaded {name}.")

    def _on_save(self) -> None:
        name, _ = QFileDialog.getSaveFileName(self, "Save the settings", "settings.json", _FILES)
        if name:
            self._try(partial(self.save, name), f"Saved as {name}.")

    def _try(self, action: partial[None], done: str) -> None:
        try:
            action()
        except (ValueError, OSError) as error:
            self._say(str(error), theme.ERROR)
        else:
            self._say(done, theme.DONE)


def _problems(model: type[Part], content: Mapping[str, Any]) -> list[Problem]:
    try:
        model.model_validate(content)
    except ValidationError as error:
        return [(item["loc"], item["msg"].removeprefix("Value error, ")) for item in error.errors()]
    return []
