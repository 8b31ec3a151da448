from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from qtpy.QtWidgets import QWidget

from hrtem_app.gui.actions import ACTIONS
from hrtem_app.gui.keys import COLUMN_KEYS, keys_text, show_keys
from hrtem_app.gui.panels.correct_panel import CorrectPanel


@pytest.mark.usefixtures("networks")
def test_every_key_of_the_columns_is_listed_and_no_other(add_panel: Any, fakes: ModuleType, qtbot: Any) -> None:
    panel = add_panel(CorrectPanel)
    panel.workbench.open_series(fakes.make_series())
    panel.workbench.run()
    qtbot.waitUntil(lambda: panel.session.analysis is not None)
    points = panel.workbench.layers.get("columns")
    bound = {str(key).upper() for key in points.keymap}
    # napari's own points layer deletes.
    # Pasted points would belong to no network, so that key does nothing.
    assert bound - {"BACKSPACE", "DELETE", "CTRL+V"} == {key.upper() for key in COLUMN_KEYS} - {"DELETE OR BACKSPACE"}


def test_the_list_has_all_of_the_menu_and_of_the_columns(qtbot: Any) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    box = show_keys(parent)
    assert box.isVisible()
    assert box.text() == keys_text()
    for key in [*(action.shortcut for action in ACTIONS if action.shortcut), *COLUMN_KEYS]:
        assert f"<b>{key}</b>" in box.text()
