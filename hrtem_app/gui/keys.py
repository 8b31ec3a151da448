"""All keys of the window, for the list under Help."""

from __future__ import annotations

from html import escape

from qtpy.QtWidgets import QMessageBox, QWidget

from hrtem_app.columns import CLASSES
from hrtem_app.gui.actions import ACTIONS

# While the step Correct is open and the layer of the columns is the active one, which the step sees to.
COLUMN_KEYS: dict[str, str] = {
    **{
        str(number): f"make the selected columns {name}; with none selected, new ones will be {name}"
        for number, name in enumerate(CLASSES, start=1)
    },
    "H": "hide the columns, to see what is under them, for as long as it is held down",
    "V": "look: move and zoom the image",
    "S": "select columns by clicks and boxes, with Shift in addition, and move them",
    "L": "select with a lasso; with Shift in addition",
    "A": "add columns by clicking",
    "N": "this one is right, on to the next in dispute: marks it as reviewed",
    "Shift+N": "on to the next in dispute, and mark nothing",
    "Delete or Backspace": "delete the selected columns",
}


def keys_text() -> str:
    """The list as HTML: what works everywhere, and what works on columns."""
    everywhere = {action.shortcut: action.title.rstrip("…") for action in ACTIONS if action.shortcut}
    return _table("Everywhere", everywhere) + _table("On columns, in the step Correct", COLUMN_KEYS)


def show_keys(parent: QWidget) -> QMessageBox:
    """Show the list in a window of its own, which does not keep anybody from working on."""
    box = QMessageBox(parent)
    box.setWindowTitle("Keys")
    box.setText(keys_text())
    box.setModal(False)
    box.show()
    return box


def _table(title: str, keys: dict[str, str]) -> str:
    rows = "".join(
        f"<tr><td><b>{escape(key)}</b>&nbsp;&nbsp;</td><td>{escape(what)}</td></tr>" for key, what in keys.items()
    )
    return f"<h4>{escape(title)}</h4><table>{rows}</table>"
